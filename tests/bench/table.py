"""The rows of the table, whether each holds, and how it is printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEAD = ("what", "narrate", "beside it", "ratio", "target", "holds")


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: `ratio` is ours by theirs. Without a `target` (the highest ratio that holds) it is for scale."""

    what: str
    ours: str
    theirs: str
    ratio: float
    target: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the target is met; a row for scale holds by itself."""
        return self.target is None or self.ratio <= self.target


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that measure one thing, and what a reader should know about how."""

    title: str
    rows: Sequence[Row]


def per(seconds: float, count: int) -> str:
    """Microseconds for each of so many."""
    return f"{seconds / count * 1e6:.1f} µs"


def milliseconds(seconds: float) -> str:
    """A time that one person would notice, or not."""
    return f"{seconds * 1e3:.2f} ms"


def render(sections: Iterable[Section]) -> str:
    """The table as lines of text, every column as wide as its widest cell."""
    sections = list(sections)
    cells = [HEAD, *(_cells(row) for section in sections for row in section.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = [_line(HEAD, widths), _line(["-" * width for width in widths], widths)]
    for section in sections:
        lines += ["", section.title]
        lines += [_line(_cells(row), widths) for row in section.rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> Sequence[str]:
    holds = "" if row.target is None else "yes" if row.holds else "NO"
    target = "" if row.target is None else f"<= {row.target:.4g}"
    return (f"  {row.what}", row.ours, row.theirs, f"{row.ratio:.3f}", target, holds)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    right = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *right]).rstrip()
