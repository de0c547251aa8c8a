"""How a question looks while it is waited for: with its choices, or with what is typed, where it is answered here.

Pure. Once it is answered it is a line of its step as any other.
"""

from collections.abc import Iterator, Sequence

from rich.cells import chop_cells
from rich.text import Text

from narrate.events import Question
from narrate.terminal.paper import Paper, joined, styled
from narrate.terminal.prompt import Prompt
from narrate.terminal.words import waited_for
from narrate.wire.text import asked

ASKS = "bold magenta"
"""The style of what somebody is wanted for."""

MOST_CHOICES, FEWEST_CHOICES = 12, 3
"""Choices that are shown at once: those around the one that is marked; and so many also where there is no room."""

AROUND = 8
"""Lines that are to be seen on a screen beside the choices."""

MOST_TYPED = 5
"""Lines of what is typed that are shown: the last."""


def open_question(
    question: Question, prompt: Prompt | None, paper: Paper, width: int, now: float, height: int | None
) -> Sequence[Text]:
    """A question as it is waited for, in lines of this many cells; `now` is seconds into the run, `height` that of
    the screen.

    Who has the keys sees what they do; else it is the question alone, and for how long it is waited for.
    """
    has_keys = prompt is not None and prompt.state in ("here", "sent")
    first, *others = paper.wrapped(question.question if has_keys else asked(question), width - 2)
    style = "bold" if has_keys else ""
    lines = [joined((f"{paper.signs.asking} ", ASKS), (first, style))]
    lines += [styled(f"  {line}", style) for line in others]
    if prompt is not None and has_keys:
        lines += _typed(prompt, paper, width) if question.choices is None else _choices(prompt, paper, width, height)
    said, how = _below(question, prompt, now)
    below = paper.wrapped(said, width - 2) if said else ()
    return [*lines, *[styled(f"  {line}", how) for line in below]]


def _choices(prompt: Prompt, paper: Paper, width: int, height: int | None) -> Iterator[Text]:
    """The choices with their numbers; of many, those around the one that is marked."""
    choices = prompt.question.choices or ()
    digits = len(str(len(choices)))
    most = MOST_CHOICES if height is None else min(max(height - AROUND, FEWEST_CHOICES), MOST_CHOICES)
    first = min(max((prompt.marked or 0) - most // 2, 0), max(len(choices) - most, 0))
    last = min(first + most, len(choices))
    if first:
        yield styled(paper.signs.clean(f"  … {first} above"), "dim")
    for at in range(first, last):
        is_marked = at == prompt.marked
        pointer = f"{paper.signs.pointer} " if is_marked else "  "
        line, *others = paper.wrapped(choices[at] or "–", width - digits - 3)
        style = "bold" if is_marked else "dim" if prompt.state == "sent" else ""
        yield joined((pointer, ASKS), (f"{at + 1:>{digits}} ", "dim"), (line, style))
        for other in others:
            yield styled(" " * (digits + 3) + other, style)
    if last < len(choices):
        yield styled(paper.signs.clean(f"  … {len(choices) - last} below"), "dim")


def _typed(prompt: Prompt, paper: Paper, width: int) -> Iterator[Text]:
    """What was typed, with the cursor at its end."""
    room = max(width - 3, 2)
    lines = [piece for line in paper.signs.clean(prompt.text).split("\n") for piece in chop_cells(line, room) or [""]]
    for number, line in enumerate(lines[-MOST_TYPED:]):
        pointer = f"{paper.signs.pointer} " if number == 0 else "  "
        is_last = number == min(len(lines), MOST_TYPED) - 1
        cursor = " " if is_last and prompt.state == "here" else ""
        yield joined((pointer, ASKS), line, (cursor, "reverse"))


def _below(question: Question, prompt: Prompt | None, now: float) -> tuple[str, str]:
    """What is said below it, and in which style: that it is being answered, what was wrong, or how long it waits."""
    if prompt is not None and prompt.state == "sent":
        return "Answering…", "dim"
    if prompt is not None and prompt.said:
        return prompt.said, "yellow"
    return waited_for(question, now).replace("\n", " "), "dim"
