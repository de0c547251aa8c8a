"""A small drawing of a probe: in one row when its pieces were sent, in the other when they came.

Pure text. Both rows have one axis, on which the piece that came quickest stands where it was sent: what a buffer did is
seen at a glance, and so is a line on which nothing did anything.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from narrate.probing.judge import duration
from narrate.probing.seen import End, Observation
from narrate.probing.words import Hush

ONE, MANY, CUT = "•", "#", "×"
"""A piece, ten or more in one column, and where the stream was cut; from two to nine are a figure."""

NAMED = 10
"""Columns, at least, from one time that the axis names to the next."""

STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, inf)
"""Seconds that may lie between the times that the axis names."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows of the drawing. `figures` says whether more than one piece stands in a column."""

    sent: str
    came: str
    axis: str
    figures: bool


def timeline(seen: Observation, width: int) -> Timeline:
    """The pieces of a probe that was heard, drawn in so many columns."""
    quickest = min(piece.arrived - piece.word.t for piece in seen.pieces)
    shown = [piece for piece in seen.pieces if not isinstance(piece.word, Hush)]
    sent, came = [piece.word.t for piece in shown], [piece.arrived - quickest for piece in shown]
    cut = [] if seen.end is End.WHOLE else [max(seen.ended - quickest, came[-1])]
    end = max(*sent, *came, *cut, seen.plan.every)

    def columns(times: Iterable[float]) -> Sequence[int]:
        return [round(time / end * (width - 1)) for time in times]

    rows = _row(columns(sent), width), _row(columns(came), width)
    for column in columns(cut):
        rows = rows[0], (rows[1][:column] + CUT + rows[1][column + 1 :])
    return Timeline(*rows, _axis(end, width), figures=any(set(row) - {" ", ONE, CUT} for row in rows))


def _row(columns: Sequence[int], width: int) -> str:
    signs = {0: " ", 1: ONE, **{count: str(count) for count in range(2, 10)}}
    counts = Counter(columns)
    return "".join(signs.get(counts[column], MANY) for column in range(width))


def _axis(end: float, width: int) -> str:
    """The seconds, from none to the end, named at even ones."""
    last = duration(end)
    step = next(step for step in STEPS if step * (width - 1) / end >= NAMED)
    axis = "0 s"
    for number in range(1, int(end / step) + 1):
        column = round(number * step / end * (width - 1))
        if column + NAMED <= width - len(last):
            axis = axis.ljust(column) + f"{number * step:g} s"
    return axis.ljust(width - len(last)) + last
