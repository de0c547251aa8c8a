"""A pipeline drawn with box-drawing characters, in as many columns as there are.

Every stage becomes a framed block. Blocks know how narrow they can be without cutting a word, so a group whose members
do not fit side by side stands in several rows, and needs no other form for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import assert_never

from rich.cells import cell_len

from narrate.events import Outlined, OutlinedGroup, OutlinedPipeline, OutlinedStep
from narrate.graph.words import TOGETHER, longest_word, one_line, own_name, wrapped

WIDEST = 48
"""Columns of a step's box at most: a title that is longer is read more easily in two lines."""

LONGEST_WORD = 20
"""Columns that a word may claim before it is cut."""

GAP = "  "

LABELLED = len(TOGETHER) + 1
"""Columns inside a frame whose upper edge says what it is."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The characters of a frame: its corners, its sides, and where a line leaves it downwards."""

    corners: tuple[str, str, str, str]
    across: str
    down: str
    leaving: str


STEP = Frame(("┌", "┐", "└", "┘"), "─", "│", "┬")
GROUP = Frame(("╭", "╮", "╰", "╯"), "┄", "┊", "┬")
PIPELINE = Frame(("╔", "╗", "╚", "╝"), "═", "║", "╤")

Lines = list[str]
"""Of one width, in cells."""


def as_text(title: str, outline: Sequence[Outlined], width: int = 80) -> str:
    """The drawing, of at most `width` columns where the names in it allow that, with a newline at its end."""
    lines = [*wrapped(one_line(title), max(width, 1), cell_len), "", *_column(outline, width)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _column(stages: Sequence[Outlined], width: int) -> Lines:
    """Stages one below the other, a line from each to the next."""
    blocks = [_block(stage, width) for stage in stages]
    widest = max(cell_len(block[0]) for block in blocks)
    lines: Lines = []
    for stage, block in zip(stages, blocks, strict=True):
        before = (widest - cell_len(block[0])) // 2
        if lines:
            lines.append(_padded(" " * (widest // 2) + "▼", widest))
        lines += [_padded(" " * before + line, widest) for line in block]
        if stage is not stages[-1]:
            lines[-1] = lines[-1][: widest // 2] + _frame(stage).leaving + lines[-1][widest // 2 + 1 :]
    return lines


def _block(stage: Outlined, width: int) -> Lines:
    match stage:
        case OutlinedStep(step, title):
            return _framed(STEP, _named(title, step, min(width, WIDEST) - 4))
        case OutlinedGroup(members):
            rows = _rows(members, width - 4)
            return _framed(GROUP, [line for row in rows for line in row], label=TOGETHER)
        case OutlinedPipeline(step, title, stages):
            return _framed(PIPELINE, [*_named(title, step, width - 4), *_column(stages, width - 4)])
        case _:
            assert_never(stage)


def _rows(members: Sequence[Outlined], width: int) -> list[Lines]:
    """Members side by side, in as few rows as allow a nested pipeline what it wants, and a step what it needs."""
    wants = [_least(member) if isinstance(member, OutlinedStep) else min(_natural(member), width) for member in members]
    count = min(len(members), max(1, sum(wants) // max(width, 1)))
    size = -(-len(members) // count)
    while size > 1 and any(_spare(wants[at : at + size], width) < 0 for at in range(0, len(members), size)):
        count += 1
        size = -(-len(members) // count)
    return [_row(members[at : at + size], width) for at in range(0, len(members), size)]


def _row(members: Sequence[Outlined], width: int) -> Lines:
    """Members side by side: what is left of the width goes to those that want it most."""
    widths = [_least(member) for member in members]
    wants = [_natural(member) for member in members]
    for _ in range(_spare(widths, width)):
        most = max(range(len(members)), key=lambda at: wants[at] - widths[at])
        widths[most] += 1 if wants[most] > widths[most] else 0
    blocks = [_block(member, given) for member, given in zip(members, widths, strict=True)]
    frames = [_frame(member) for member in members]
    highest = {frame: height for height, frame in sorted(zip(map(len, blocks), frames, strict=True), key=itemgetter(0))}
    row = max(highest.values())
    even = [_centred(_stretched(block, highest[frame]), row) for block, frame in zip(blocks, frames, strict=True)]
    return [GAP.join(parts) for parts in zip(*even, strict=True)]


def _spare(widths: Sequence[int], width: int) -> int:
    return width - sum(widths) - len(GAP) * (len(widths) - 1)


def _least(stage: Outlined) -> int:
    """The columns it needs if no word of it, but a very long one, is to be cut."""
    match stage:
        case OutlinedStep(step, title):
            return 4 + min(_longest(title, step), LONGEST_WORD)
        case OutlinedGroup(members):
            return 4 + max(LABELLED, *map(_least, members))
        case OutlinedPipeline(step, title, stages):
            return 4 + max(min(_longest(title, step), LONGEST_WORD), *map(_least, stages))
        case _:
            assert_never(stage)


def _natural(stage: Outlined) -> int:
    """The columns it takes where there is room."""
    match stage:
        case OutlinedStep(step, title):
            return 4 + max(min(cell_len(one_line(title)), WIDEST - 4), cell_len(own_name(step)))
        case OutlinedGroup(members):
            return 4 + max(LABELLED, sum(map(_natural, members)) + len(GAP) * (len(members) - 1))
        case OutlinedPipeline(step, title, stages):
            return 4 + max(min(cell_len(one_line(title)), WIDEST - 4), cell_len(own_name(step)), *map(_natural, stages))
        case _:
            assert_never(stage)


def _longest(title: str, step: str) -> int:
    return int(max(longest_word(one_line(title), cell_len), cell_len(own_name(step))))


def _named(title: str, step: str, width: int) -> Lines:
    """A stage's title and, below it, the name of its value."""
    return [line for text in (one_line(title), own_name(step)) for line in wrapped(text, max(width, 1), cell_len)]


def _framed(frame: Frame, inside: Lines, label: str = "") -> Lines:
    above = f"{frame.across} {label} " if label else ""
    width = max(len(above) - 2, *map(cell_len, inside))
    left_above, right_above, left_below, right_below = frame.corners
    return [
        left_above + above + frame.across * (width + 2 - len(above)) + right_above,
        *(f"{frame.down} {_padded(line, width)} {frame.down}" for line in inside),
        left_below + frame.across * (width + 2) + right_below,
    ]


def _stretched(block: Lines, height: int) -> Lines:
    """The block so many lines high: empty ones come in above its lower edge."""
    side = block[1][0]
    empty = side + " " * (cell_len(block[0]) - 2) + side
    return [*block[:-1], *[empty] * (height - len(block)), block[-1]]


def _centred(block: Lines, height: int) -> Lines:
    """The block in the middle of so many lines."""
    blank = " " * cell_len(block[0])
    above = (height - len(block)) // 2
    return [*[blank] * above, *block, *[blank] * (height - len(block) - above)]


def _padded(line: str, width: int) -> str:
    return line + " " * (width - cell_len(line))


def _frame(stage: Outlined) -> Frame:
    match stage:
        case OutlinedStep():
            return STEP
        case OutlinedGroup():
            return GROUP
        case OutlinedPipeline():
            return PIPELINE
        case _:
            assert_never(stage)
