"""How a story looks in a terminal: its stages as lines, at one moment.

Pure. What is over and what still moves is drawn by the same rules, so that a line does not change when it is printed
for good. Every line knows how soon it may be left out (`Need`), for a screen that has no room for all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.text import Text

from narrate.events import Detail, Question
from narrate.terminal.asked import ASKS, open_question
from narrate.terminal.paper import Paper, joined, styled
from narrate.terminal.prompt import Prompt
from narrate.terminal.told import ENDED, Line, LineKind, ToldGroup, ToldStage, ToldStep
from narrate.terminal.words import about, duration, extent, how_far

MOST_MOVING = 8
"""Items of one `each` that are shown while they move."""

MOST_ITEMS = 20
"""Items of one `each` that are shown when it is over."""

BAR = 30
"""Cells of a progress bar."""

_MARKS = {
    "working": "cyan",
    "retrying": "yellow",
    "done": "green",
    "failed": "bold red",
    "cancelled": "yellow",
}
_LINES: Mapping[LineKind, str] = {
    "retry": "yellow",
    "fallback": "yellow",
    "skipped": "dim",
    "failed": "red",
    "cancelled": "yellow",
    "detail": "dim",
}
_QUIET = ("waiting", "unreached", "skipped")


class Need(IntEnum):
    """How much a line is needed on a screen that is too small: the greater, the sooner it is left out.

    What asks somebody here is needed most, for the keys are its.
    """

    ASKS = 0
    MOVES = 1
    NEWEST = 2
    TOLD = 3
    AHEAD = 4
    OVER = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line, as wide as it is to be."""

    text: Text
    need: Need


class Drawing:
    """What is drawn at one moment: `at` seconds by the clock, `now` seconds into the run.

    With `most`, of what a step said only so many lines are drawn, the last; `hidden` counts the others. `prompts` are
    the questions that can be answered here, by their numbers.
    """

    def __init__(
        self,
        paper: Paper,
        at: float,
        now: float,
        *,
        details: bool,
        most: int | None = None,
        prompts: Mapping[int, Prompt] | None = None,
    ) -> None:
        self._paper = paper
        self._signs = paper.signs
        self._at = at
        self._now = now
        self._details = details
        self._most = most
        self._prompts = prompts or {}
        self.hidden = 0

    def series(self, stages: Sequence[ToldStage]) -> list[Drawn]:
        """Stages that run one after another."""
        return self._series(stages, self._paper.width, brackets=has_groups(stages))

    def stage(self, stage: ToldStage, *, brackets: bool) -> list[Drawn]:
        """One of several stages; whether any of them has `brackets` says how far all of them are set in."""
        return self._series([stage], self._paper.width, brackets=brackets)

    def detail(self, line: Line) -> list[Text]:
        """One detail, opened."""
        return [drawn.text for drawn in self._line(line, self._paper.width, Need.TOLD, opened=True)]

    def text(self, text: str, style: str = "") -> list[Text]:
        """A text of the run as a whole."""
        return [styled(line, style) for line in self._paper.wrapped(text, self._paper.width)]

    def chain(self, beginning: str, links: Sequence[str], between: str, style: str) -> list[Text]:
        """Words one after another, in lines that are broken only behind what stands `between` two of them."""
        lines = [beginning]
        for link in map(self._signs.clean, [*[link + between for link in links[:-1]], *links[-1:]]):
            if cell_len(lines[-1] + link) > self._paper.width and len(lines[-1]) > len(beginning):
                lines[-1] = lines[-1].rstrip()
                lines.append(" " * len(beginning))
            lines[-1] += f"{link} "
        return [styled(line.rstrip(), style) for line in lines]

    def _series(self, stages: Sequence[ToldStage], width: int, *, brackets: bool) -> list[Drawn]:
        drawn: list[Drawn] = []
        for stage in stages:
            if isinstance(stage, ToldGroup):
                inside = self._series(stage.members, width - 2, brackets=has_groups(stage.members))
                drawn += self._bracketed(inside)
            elif brackets:
                drawn += _set_in(self._step(stage, width - 2))
            else:
                drawn += self._step(stage, width)
        return drawn

    def _bracketed(self, inside: Sequence[Drawn]) -> Iterator[Drawn]:
        top, side, bottom = self._signs.bracket
        for number, drawn in enumerate(inside, 1):
            sign = top if number == 1 else bottom if number == len(inside) else side
            yield Drawn(joined((f"{sign} ", "dim"), drawn.text), drawn.need)

    def _step(self, step: ToldStep, width: int) -> list[Drawn]:
        drawn = self._head(step, width)
        if step.state != "skipped":
            drawn += _set_in(self._series(step.stages, width - 2, brackets=has_groups(step.stages)))
        return [*drawn, *_set_in(self._body(step, width - 2))]

    def _head(self, step: ToldStep, width: int) -> list[Drawn]:
        """Its mark, its title and its seconds; beneath, how far it is."""
        title = step.title.removesuffix("…") if step.state in ENDED else step.title
        quiet = step.state in _QUIET
        times = self._signs.clean(self._times(step))
        need = Need.MOVES if step.under_way else Need.OVER if step.state in ENDED else Need.AHEAD
        if any(asked.question.n in self._prompts for asked in step.questions):
            need = Need.ASKS
        first, *others = self._paper.wrapped(title.replace("\n", " "), width - 2 - (len(times) + 2 if times else 0))
        mark = (self._signs.mark(step.state, self._at), _MARKS.get(step.state, "dim"))
        head = joined(
            (self._signs.asking, ASKS) if step.questions else mark,
            " ",
            (first, "dim" if quiet else "bold"),
        )
        if times:
            head.append(" " * (width - head.cell_len - len(times)))
            head.append(times, "dim")
        drawn = [Drawn(head, need)]
        drawn += [Drawn(styled(f"  {line}", "dim" if quiet else "bold"), need) for line in others]
        far = self._far(step, width - 2)
        return [*drawn, *[Drawn(joined("  ", line), Need.NEWEST) for line in far]]

    def _times(self, step: ToldStep) -> str:
        usual = f"usually {about(step.usual)}" if step.usual else ""
        elapsed = step.elapsed(self._now)
        took = "" if elapsed is None else duration(elapsed)
        if step.state == "waiting":
            return usual
        if not step.under_way:
            return took
        is_long = step.is_long(self._now) and not step.questions  # then it is not the step that takes long
        return " · ".join(filter(None, (took, "longer than usual" if is_long else usual)))

    def _far(self, step: ToldStep, width: int) -> list[Text]:
        progress = step.progress
        if progress is None or not step.under_way:
            return []
        said = [styled(line, "dim") for line in self._paper.wrapped(how_far(progress), width)]
        done, of = progress.done, progress.of
        if done is None or of is None or not of > 0:
            return said
        cells = min(BAR, max(width // 3, 1))
        far = ProgressBar(
            of, min(max(done, 0), of), cells, style="bright_black", complete_style="cyan", finished_style="cyan"
        )
        bar = self._paper.laid_out(far, cells)[0]
        bar.pad_right(cells - bar.cell_len)
        words = self._paper.wrapped(how_far(progress), width - cells - 1)
        beneath = [styled(" " * (cells + 1) + line, "dim") for line in words[1:]]
        return [joined(bar, " ", (words[0], "dim")), *beneath]

    def _body(self, step: ToldStep, width: int) -> list[Drawn]:
        """What it said, and its items where they were told. Drawn from the end, since only so much may fit."""
        drawn: list[list[Drawn]] = []
        count = 0
        newest = step.under_way
        for part in _parts_backwards(step):
            if isinstance(part, Line) and part.asked is not None and part.asked in step.questions:
                drawn.append(self._open(part.asked.question, width))
                newest = False
                continue
            if self._most is not None and count >= self._most:
                self.hidden += len(self._paper.lines_of(part, width)) if isinstance(part, Line) else len(part)
                continue
            need = Need.NEWEST if newest else Need.TOLD if step.under_way else Need.OVER
            lines = self._line(part, width, need) if isinstance(part, Line) else self._items(part, width)
            drawn.append(lines)
            count += len(lines)
            newest = False
        return [line for lines in reversed(drawn) for line in lines]

    def _open(self, question: Question, width: int) -> list[Drawn]:
        """A question that is waited for. Where it can be answered it is what is needed most."""
        prompt = self._prompts.get(question.n)
        need = Need.NEWEST if prompt is None else Need.ASKS
        lines = open_question(question, prompt, self._paper, width, self._now, self._most)
        return [Drawn(line, need) for line in lines]

    def _line(self, line: Line, width: int, need: Need, *, opened: bool = False) -> list[Drawn]:
        style = _LINES.get(line.kind, "")
        if line.detail is not None:
            return self._detail(line, line.detail, width, need, opened=opened or self._details)
        sign = {"question": f"{self._signs.asking} ", "answer": f"{self._signs.answered} "}.get(line.kind, "")
        said = [(" " * len(sign), text) for text in self._paper.lines_of(line, width - len(sign))]
        said[0] = (sign, said[0][1])
        if self._most is not None and len(said) > self._most:
            self.hidden += len(said) - self._most
            said = said[-self._most :]
        texts = [joined((lead, "dim"), (text, style)) for lead, text in said]
        drawn = [Drawn(text, Need.TOLD if need is Need.NEWEST else need) for text in texts]
        drawn[-1:] = [Drawn(drawn[-1].text, need)]
        for error in line.errors:
            first, *others = self._paper.wrapped(error, width - 2)
            drawn.append(Drawn(styled(f"{self._signs.clean('·')} {first}", style), need))
            drawn += [Drawn(styled(f"  {text}", style), need) for text in others]
        return drawn

    def _detail(self, line: Line, detail: Detail, width: int, need: Need, *, opened: bool) -> list[Drawn]:
        known = detail.link is None
        much = extent(detail.data, detail.size, known=known)
        said = line.text if not much else f"{line.text} · {much}"
        first, *others = self._paper.wrapped(said, width - 2)
        sign = self._signs.opened if opened else self._signs.closed
        drawn = [Drawn(styled(f"{sign} {first}", "dim"), need)]
        drawn += [Drawn(styled(f"  {text}", "dim"), need) for text in others]
        if opened:
            shown = self._paper.shown(line, width - 2 + self._paper.room)
            drawn += [Drawn(joined("  ", text), need) for text in shown]
        return drawn

    def _items(self, items: Sequence[ToldStep], width: int) -> list[Drawn]:
        """The items of one `each`: as many as may be, in their order, and how many more there are."""
        moving = [item for item in items if item.under_way]
        if len(items) <= MOST_MOVING or (not moving and len(items) <= MOST_ITEMS):
            shown = list(items)
        elif moving:
            asking_first = sorted(moving, key=lambda item: not item.questions)
            shown = sorted(asking_first[:MOST_MOVING], key=lambda item: item.n)
        else:
            worth = sorted(items, key=lambda item: (item.state == "done", not item.lines))
            shown = sorted(worth[:MOST_ITEMS], key=lambda item: item.n)
        drawn = [line for item in shown for line in self._step(item, width)]
        more = len(items) - len(shown)
        if more:
            left_out = set(items) - set(shown)
            done = sum(item.state == "done" for item in left_out)
            said = f"… and {more} more ({'all' if done == more else done} done)"
            drawn.append(Drawn(styled(self._signs.clean(said), "dim"), Need.NEWEST if moving else Need.OVER))
        return drawn


def has_groups(stages: Iterable[ToldStage]) -> bool:
    """Whether any of these stages is a concurrent group, so that all of them are set in beside its bracket."""
    return any(isinstance(stage, ToldGroup) for stage in stages)


def fitted(lines: Sequence[Drawn], room: int) -> Sequence[Text]:
    """As many of these lines as there is room for, in their order: what moves, and the newest of what was said."""
    if len(lines) <= room:
        return [line.text for line in lines]
    # What is ahead or moves is wanted from the top; of what was told, the end.
    order = sorted(
        range(len(lines)),
        key=lambda at: (lines[at].need, at if lines[at].need in (Need.MOVES, Need.NEWEST, Need.AHEAD) else -at),
    )
    kept = sorted(order[: max(room, 0)])
    return [lines[at].text for at in kept]


def _parts_backwards(step: ToldStep) -> Iterator[Line | Sequence[ToldStep]]:
    """The lines of a step, and between them the rounds of its items, the last first."""
    items = list(step.items)
    for line in reversed(step.lines):
        behind: list[ToldStep] = []
        while items and items[-1].n > line.n:
            behind.append(items.pop())
        if behind:
            yield behind[::-1]
        yield line
    if items:
        yield items


def _set_in(lines: Iterable[Drawn]) -> Iterator[Drawn]:
    for line in lines:
        yield Drawn(joined("  ", line.text), line.need)
