"""What is in a detail, drawn: rows as a table, an object's fields by name, text as text, and anything else as a tree.

The same rules as on the page (`narrate/web/shapes.js`), with less of it: a terminal shows it once and scrolls on. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.console import Group, JustifyMethod, OverflowMethod, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from narrate.events import Detail
from narrate.terminal.words import Signs, size

MOST_ROWS = 20
"""Rows of a table, and fields of an object."""

MOST_LINES = 40
"""Lines of a text."""

MOST_BRANCHES = 8
MOST_DEPTH = 4

WIDEST_COLUMN = 32
"""Cells over which no column of a table goes."""

EXACT = 2**53
"""Below this a whole number means itself, whether or not it was written with a fraction."""

FILLED = 0.6
"""Of all cells, so many must be filled for objects to be alike …"""

NESTED = 0.4
"""… and of those that are, not more may have something nested in them."""


@dataclass(frozen=True, slots=True)
class _Column:
    key: str
    numeric: bool


def drawing_of(detail: Detail | None, signs: Signs, width: int) -> RenderableType:
    """A detail's data, to be laid out in so many cells; where it has none, how much it is and where to find it."""
    if detail is None or detail.data is msgspec.UNSET:
        length = size(detail.size) if detail is not None else ""
        where = f": {detail.link}" if detail is not None and detail.link else ""
        return Text(signs.clean(f"{length} not sent along{where}"), style="dim", overflow="fold")
    return _Drawer(signs, width).drawn(detail.data)


class _Drawer:
    def __init__(self, signs: Signs, width: int) -> None:
        self._signs = signs
        self._width = width

    def drawn(self, data: Any) -> RenderableType:
        if isinstance(data, str):
            return self._text(data)
        if isinstance(data, list) and (columns := _columns_of(data)):
            return self._table(data, columns)
        if isinstance(data, dict) and data and all(_is_leaf(value) for value in data.values()):
            return self._fields(data)
        if _is_leaf(data):
            return self._value(data)
        tree = Tree("", hide_root=True, guide_style="dim")
        self._grow(tree, data, 1)
        return tree

    def _text(self, data: str) -> RenderableType:
        lines = self._signs.clean(data).split("\n")
        shown = Text("\n".join(lines[:MOST_LINES]), overflow="fold")
        return Group(shown, *self._more(len(lines) - MOST_LINES, "line"))

    def _table(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[_Column]) -> RenderableType:
        """Rows under their columns; those columns for which there is no room are named beneath."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        cells = [[self._cell(row.get(column.key)) for row in rows[:MOST_ROWS]] for column in columns]
        left = self._width
        fitting: list[list[Text]] = []
        for column, values in zip(columns, cells, strict=True):
            heading = self._cell(column.key)
            width = min(max(cell.cell_len for cell in (heading, *values)), WIDEST_COLUMN, self._width)
            if fitting and width > left:
                break
            left -= width + 2
            fitting.append(values)
            justify: JustifyMethod = "right" if column.numeric else "left"
            table.add_column(heading, width=width, justify=justify, no_wrap=True, overflow=self._overflow)
        for row in zip(*fitting, strict=True):
            table.add_row(*row)
        left_out = ", ".join(column.key for column in columns[len(fitting) :])
        more = [*self._more(len(rows) - MOST_ROWS), *([self._note(f"not shown: {left_out}")] if left_out else [])]
        return Group(table, *more)

    @property
    def _overflow(self) -> OverflowMethod:
        return "ellipsis" if self._signs.encoding.startswith("utf") else "crop"

    def _fields(self, data: Mapping[str, Any]) -> RenderableType:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True, overflow=self._overflow, max_width=max(self._width // 3, 1))
        grid.add_column(overflow="fold")
        for key, value in [*data.items()][:MOST_ROWS]:
            grid.add_row(Text(self._signs.clean(key)), self._value(value))
        return Group(grid, *self._more(len(data) - MOST_ROWS))

    def _grow(self, tree: Tree, data: Any, depth: int) -> None:
        """The parts of an object or a list as branches; what is at hand in an object of a list stands on one line."""
        parts = [*data.items()] if isinstance(data, dict) else [(None, value) for value in data]
        for number, (key, value) in enumerate(parts[:MOST_BRANCHES], 1):
            name = str(number) if key is None else key
            if _is_leaf(value):
                tree.add(self._value(value) if key is None else self._named(name, value))
            elif key is None and isinstance(value, dict) and (leaves := _leaves_of(value)):
                label = Text(" · ").join([self._named(*leaf) for leaf in leaves.items()])
                nested = {inner: part for inner, part in value.items() if inner not in leaves}
                self._grow(tree.add(label), nested, depth + 1)
            elif depth >= MOST_DEPTH:
                tree.add(self._named(name, value))
            else:
                self._grow(tree.add(self._named(name, value)), value, depth + 1)
        for more in self._more(len(parts) - MOST_BRANCHES):
            tree.add(more)

    def _named(self, key: str, value: Any) -> Text:
        return Text.assemble((f"{self._signs.clean(key)}: ", "dim"), self._value(value))

    def _cell(self, value: Any) -> Text:
        """A value on one line."""
        text = self._value(value)
        text.plain = " ".join(text.plain.split("\n"))
        return text

    def _value(self, value: Any) -> Text:
        if value is None:
            return Text(self._signs.clean("–"), style="dim")
        if isinstance(value, bool):
            return Text("yes" if value else "no")
        if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
            return Text(str(int(value)))
        if isinstance(value, (int, float, str)):
            return Text(self._signs.clean(str(value)))
        return Text(_extent_of(value), style="dim")

    def _more(self, count: int, unit: str = "") -> Sequence[Text]:
        many = f"{unit}s" if unit and count > 1 else unit
        return [self._note(f"… {count} more {many}".rstrip())] if count > 0 else []

    def _note(self, text: str) -> Text:
        return Text(self._signs.clean(text), style="dim", overflow="fold")


def _is_leaf(value: Any) -> bool:
    """Whether there is nothing in it to open."""
    return not isinstance(value, (dict, list)) or not value


def _leaves_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in data.items() if _is_leaf(value)}


def _extent_of(value: Any) -> str:
    """How much is in an object or a list, in words."""
    unit = "item" if isinstance(value, list) else "field"
    if not value:
        return "empty"
    return f"{len(value):,} {unit}{'' if len(value) == 1 else 's'}"


def _columns_of(items: Sequence[Any]) -> Sequence[_Column]:
    """The columns of a table, in the order in which their keys come up; none if the items are no rows: not all objects,
    not alike, or with too much in them."""
    if not items or not all(isinstance(item, dict) for item in items):
        return ()
    cells: dict[str, list[Any]] = {}
    for item in items:
        for key, value in item.items():
            cells.setdefault(key, []).append(value)
    values = [value for column in cells.values() for value in column]
    nested = sum(not _is_leaf(value) for value in values)
    if not values or len(values) < FILLED * len(cells) * len(items) or nested > NESTED * len(values):
        return ()
    return [_Column(key, _are_numbers(column)) for key, column in cells.items()]


def _are_numbers(column: Sequence[Any]) -> bool:
    filled = [value for value in column if value is not None]
    return bool(filled) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in filled)
