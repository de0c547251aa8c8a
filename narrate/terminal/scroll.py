"""What of a story has scrolled away for good, and what still stands at the bottom of the screen and moves.

Pure: it gives the lines to print and the lines to redraw, and remembers which it gave. A stage is printed when its turn
is over; nothing that was printed is ever printed again.
"""

from collections.abc import Iterable, Sequence

from rich.text import Text

from narrate.events import RunFailedEvent, RunFinished, Terminal
from narrate.terminal.look import Drawing, fitted, has_groups
from narrate.terminal.paper import Paper, joined
from narrate.terminal.prompt import Prompts
from narrate.terminal.screen import Screen
from narrate.terminal.told import Line, ToldStage, ToldStep
from narrate.terminal.words import duration, ending
from narrate.timing import critical_path, spans_of


class Scroll:
    """The story of a screen, on its way from the bottom of the terminal into what lies above."""

    def __init__(self, screen: Screen, paper: Paper, *, details: bool, prompts: Prompts | None = None) -> None:
        self.details = details
        self._prompts = prompts
        self._screen = screen
        self._paper = paper
        self._headed = False
        self._noticed = 0
        self._printed = 0
        self._closed: list[tuple[ToldStep, Line]] = []

    def over(self, at: float) -> Sequence[Text]:
        """What is to be printed for good, since it was last asked. `at` is a reading of the clock, in seconds."""
        return [*self._head(at), *self._notices(at), *self._stages(self._count_over(), at)]

    def rest(self, at: float, *, explained: bool) -> Sequence[Text]:
        """All that was not printed yet, and how it ended. `explained`: why it has no end will be said elsewhere."""
        lines = [*self.over(at), *self._stages(len(self._screen.stages), at)]
        if self._screen.end is not None:
            return [*lines, *self._summary(self._screen.end, at)]
        if explained or self._screen.detached or self._screen.state == "waiting":
            return lines
        cut = self._drawing(at).text("It was cut off here: its end has not been heard.", "yellow")
        return [*lines, Text(), *cut]

    def moving(self, at: float, height: int, keys: str, trouble: str = "") -> Sequence[Text]:
        """What stands at the bottom, in at most so many lines; the last of them says which `keys` do what.

        `trouble` is why nothing is heard at the moment.
        """
        screen = self._screen
        drawing = self._drawing(at, most=height)
        if screen.state == "waiting":
            turning = (f"{self._paper.signs.mark('working', at)} ", "cyan")
            return [joined(turning, *drawing.text(trouble or "Waiting for it to begin…", "dim")[:1])]
        if screen.state != "working":
            return []
        brackets = has_groups(screen.stages)
        lines = [line for stage in screen.stages[self._printed :] for line in drawing.stage(stage, brackets=brackets)]
        foot = drawing.text(trouble, "yellow")[:1] if trouble else []
        foot += drawing.text(keys, "dim")[:1] if keys else []
        if not drawing.hidden and len(lines) + 1 + len(foot) <= height:
            return [*fitted(lines, height), Text(), *foot] if foot else fitted(lines, height)
        kept = fitted(lines, height - len(foot) - 1)
        hidden = drawing.hidden + len(lines) - len(kept)
        said = f"… {hidden} {'line is' if hidden == 1 else 'lines are'} hidden"
        return [*kept, *drawing.text(said, "dim")[:1], *foot]

    def noted(self, text: str, at: float) -> Sequence[Text]:
        """A sentence about what was done here, which is no part of the story, to be printed for good."""
        return self._drawing(at).text(text, "yellow")

    def toggle(self, at: float) -> Sequence[Text]:
        """Show details from now on, or no more. What is to be printed: those that have scrolled away unopened."""
        self.details = not self.details
        if not self.details or not self._closed:
            return []
        drawing = self._drawing(at)
        lines = [Text(), *drawing.text("Details so far", "bold dim")]
        for step, line in self._closed:
            lines += [*drawing.text(step.title.removesuffix("…"), "dim"), *drawing.detail(line)]
        self._closed.clear()
        return [*lines, Text()]

    def _drawing(self, at: float, most: int | None = None) -> Drawing:
        prompts = self._prompts.by_number if self._prompts is not None else None
        return Drawing(self._paper, at, self._screen.now(at), details=self.details, most=most, prompts=prompts)

    def _head(self, at: float) -> Sequence[Text]:
        if self._headed or not self._screen.title:
            return []
        self._headed = True
        drawing = self._drawing(at)
        note = drawing.text(self._screen.note, "dim") if self._screen.note else []
        return [*note, *drawing.text(self._screen.title, "bold"), Text()]

    def _notices(self, at: float) -> Sequence[Text]:
        new = self._screen.notices[self._noticed :]
        self._noticed += len(new)
        drawing = self._drawing(at)
        return [line for notice in new for line in drawing.text(f"({notice})", "yellow")]

    def _count_over(self) -> int:
        """How many stages are over, from the top: by their own ends, or because something behind them has begun."""
        stages = self._screen.stages
        behind = (n for n in range(len(stages) - 1, self._printed, -1) if any(step.n for step in stages[n].steps))
        count = next(behind, self._printed)
        while count < len(stages) and stages[count].over:
            count += 1
        return count

    def _stages(self, count: int, at: float) -> Sequence[Text]:
        stages = self._screen.stages
        drawing = self._drawing(at)
        brackets = has_groups(stages)
        lines: list[Text] = []
        for stage in stages[self._printed : count]:
            lines += [line.text for line in drawing.stage(stage, brackets=brackets)]
            if not self.details:
                self._closed += _details_in(stage)
        self._printed = max(self._printed, count)
        return lines

    def _summary(self, end: Terminal, at: float) -> Sequence[Text]:
        drawing = self._drawing(at)
        style = "bold green" if isinstance(end, RunFinished) else "red" if isinstance(end, RunFailedEvent) else "yellow"
        lines = [Text(), *drawing.text(ending(end), style)]
        took = {path: span.took for path, span in spans_of(self._screen.times).items() if span.took is not None}
        way = [f"{path} {duration(took[path])}" for path in critical_path(self._screen.times) if path in took]
        if len(way) > 1:
            lines += drawing.chain("The longest way: ", way, " →", "dim")
        steps = [path for path in took if self._is_leaf(path)]
        if len(steps) > 1:
            slowest = max(steps, key=took.__getitem__)
            lines += drawing.text(f"Slowest: {slowest}, {duration(took[slowest])}.", "dim")
        return lines

    def _is_leaf(self, path: str) -> bool:
        step = self._screen.steps.get(path)
        return step is not None and not step.is_item and not step.stages


def _details_in(stage: ToldStage) -> Iterable[tuple[ToldStep, Line]]:
    for step in stage.steps:
        for line in step.lines:
            if line.detail is not None:
                yield step, line
