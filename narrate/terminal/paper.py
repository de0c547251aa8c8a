"""What the terminal's story is written on: texts wrapped to a width, renderables laid out into lines, each only once.

A frame is drawn many times a second, and most of what it shows is as it was before. So what was laid out is kept, and
of a text that grows only the end is wrapped anew. Pure: the console is asked how things look, and never written to.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from rich.console import Console, RenderableType
from rich.text import Text

from narrate.terminal.details import drawing_of
from narrate.terminal.told import Line
from narrate.terminal.words import signs_for

READABLE = 100
"""Columns over which no line of a story goes, however wide the terminal: an eye would lose its way back."""


class Paper:
    """A console's signs and its way to lay things out: a story in `width` cells, and tables in so much `room` more."""

    def __init__(self, console: Console) -> None:
        self.signs = signs_for(console.encoding)
        self._console = console
        self._flows: WeakKeyDictionary[Line, _Flow] = WeakKeyDictionary()
        self._shown: WeakKeyDictionary[Line, tuple[int, Sequence[Text]]] = WeakKeyDictionary()

    @property
    def width(self) -> int:
        return min(self._console.width, READABLE)

    @property
    def room(self) -> int:
        return self._console.width - self.width

    def wrapped(self, text: str, width: int) -> Sequence[str]:
        """A text in lines of this many cells; a word that is longer than a line is broken."""
        flow = _Flow(max(width, 1))
        flow.grow(self._console, self.signs.clean(text))
        return flow.lines

    def lines_of(self, line: Line, width: int) -> Sequence[str]:
        """What a step said, in lines of this many cells."""
        width = max(width, 1)
        flow = self._flows.get(line)
        if flow is None or flow.width != width:
            flow = self._flows[line] = _Flow(width)
        if len(line.text) > flow.taken:
            new = line.text[flow.taken :]
            flow.taken = len(line.text)
            flow.grow(self._console, self.signs.clean(new))
        return flow.lines

    def shown(self, line: Line, width: int) -> Sequence[Text]:
        """What is in a detail, laid out in this many cells."""
        kept = self._shown.get(line)
        if kept is None or kept[0] != width:
            kept = self._shown[line] = (width, self.laid_out(drawing_of(line.detail, self.signs, width), width))
        return kept[1]

    def laid_out(self, renderable: RenderableType, width: int) -> Sequence[Text]:
        """A renderable as lines, without the blanks at their ends."""
        options = self._console.options.update(width=max(width, 1))
        lines: list[Text] = []
        for segments in self._console.render_lines(renderable, options, pad=False):
            lines.append(Text(no_wrap=True, overflow="crop"))
            for segment in segments:
                lines[-1].append(segment.text, segment.style)
            lines[-1].rstrip()
        return lines


def joined(*parts: str | Text | tuple[str, str]) -> Text:
    """One line of several parts, which is never wrapped again."""
    return Text.assemble(*parts, no_wrap=True, overflow="crop")


def styled(text: str, style: str) -> Text:
    """One line in one style, which is never wrapped again."""
    return Text(text, style, no_wrap=True, overflow="crop")


class _Flow:
    """A text that grows, in lines of `width` cells. All lines but the last stay as they are when it does."""

    __slots__ = ("_open", "lines", "taken", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.taken = 0
        self.lines: list[str] = []
        self._open = ""

    def grow(self, console: Console, text: str) -> None:
        first, *others = (self._open + text).split("\n")
        del self.lines[-1:]
        for paragraph in (first, *others):
            # The blanks at its end may yet stand before a word; wrapping would drop some of them.
            words = paragraph.rstrip()
            lines = [line.plain for line in Text(words).wrap(console, self.width)] or [""]
            self.lines += [line.rstrip() for line in lines]
            self._open = lines[-1] + paragraph[len(words) :]
