"""A pipeline as one SVG: no script, nothing from elsewhere, light or dark as the reader's screen is.

First every stage is laid out as a box that knows its size and where its parts are within it; then the boxes are drawn.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rich.cells import cell_len

from narrate.events import Outlined, OutlinedGroup, OutlinedPipeline, OutlinedStep
from narrate.graph.words import TOGETHER, one_line, own_name, wrapped

# Literal colours and no custom properties: what converts an SVG outside of a browser knows none, and paints it black.
STYLE = """
.narrate-graph text { fill: #1b1d22; font: 15px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.narrate-graph .heading { font-size: 20px; font-weight: 650; }
.narrate-graph .inner { font-weight: 600; }
.narrate-graph .name { fill: #5d6270; font: 12px ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
.narrate-graph .together { fill: #0b6b4d; font-size: 12px; font-weight: 600; }
.narrate-graph .paper { fill: #faf9f6; }
.narrate-graph .step { fill: #fff; stroke: #d3d0c7; }
.narrate-graph .group { fill: #0b6b4d; fill-opacity: .07; stroke: #0b6b4d; stroke-opacity: .5; stroke-dasharray: 5 4; }
.narrate-graph .pipeline { fill: #1b1d22; fill-opacity: .035; stroke: #5d6270; stroke-opacity: .55; }
.narrate-graph .way { fill: none; stroke: #5d6270; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
@media (prefers-color-scheme: dark) {
  .narrate-graph text { fill: #e9ebf0; }
  .narrate-graph .name { fill: #a0a7b6; }
  .narrate-graph .together { fill: #5fd3a8; }
  .narrate-graph .paper { fill: #131519; }
  .narrate-graph .step { fill: #1c1f25; stroke: #3a3f4a; }
  .narrate-graph .group { fill: #5fd3a8; stroke: #5fd3a8; }
  .narrate-graph .pipeline { fill: #e9ebf0; stroke: #a0a7b6; }
  .narrate-graph .way { stroke: #a0a7b6; }
}
"""

MARGIN, PAD, GAP, WAY = 28, 16, 16, 34
"""Pixels about the drawing, inside a frame, between members of a group, and from one stage to the next."""

WIDEST, NARROWEST = 250, 90
"""Pixels that a title may take before it is wrapped, and those that a step's box has at least inside."""

WIDEST_HEADING = 640

SIDE_BY_SIDE = 5
"""Members of a group in one row, at most: a drawing that is wider would be shown too small to be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: its class in the style, and its height in pixels."""

    text: str
    kind: str
    height: float

    @property
    def width(self) -> float:
        return WIDTHS[self.kind](self.text)


@dataclass(frozen=True, slots=True)
class Box:
    """Something of a size, with lines of text at its top and boxes at places within it."""

    kind: str
    width: float
    height: float
    lines: tuple[Line, ...] = ()
    parts: "tuple[tuple[float, float, Box], ...]" = ()


def as_svg(title: str, outline: Sequence[Outlined]) -> str:
    """The document, with a newline at its end. Its title and description say in words what it shows."""
    heading = _lines(title, "heading", 28, WIDEST_HEADING)
    stages = _column([_box(stage) for stage in outline])
    width = max(stages.width, *(line.width for line in heading)) + 2 * MARGIN
    top = MARGIN + sum(line.height for line in heading) + 14
    height = top + stages.height + MARGIN

    size = {"width": f"{width:g}", "height": f"{height:g}"}
    look = {"class": "narrate-graph", "role": "img", "viewBox": f"0 0 {width:g} {height:g}"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, **look})
    SubElement(svg, "title").text = one_line(title)
    SubElement(svg, "desc").text = f"{'; '.join(_told_all(outline))}."
    SubElement(svg, "style").text = STYLE
    SubElement(svg, "rect", {"class": "paper", **size, "rx": "16"})
    _write(svg, heading, width / 2, MARGIN, "middle")
    _draw(svg, stages, (width - stages.width) / 2, top)
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _box(stage: Outlined) -> Box:
    match stage:
        case OutlinedStep(step, title):
            lines = _lines(title, "doing", 21) + _lines(own_name(step), "name", 19)
            return Box("step", max(NARROWEST, _widest(lines)) + 2 * PAD, _height(lines) + 24, lines)
        case OutlinedGroup(members):
            return _together([_box(member) for member in members])
        case OutlinedPipeline(step, title, stages):
            inside = _column([_box(inner) for inner in stages])
            widest = max(inside.width, WIDEST)
            lines = _lines(title, "inner", 21, widest) + _lines(own_name(step), "name", 19, widest)
            width, top = max(_widest(lines), inside.width) + 2 * PAD, _height(lines) + 26
            return Box(
                "pipeline", width, top + inside.height + PAD, lines, (((width - inside.width) / 2, top, inside),)
            )
        case _:
            assert_never(stage)


def _column(boxes: Sequence[Box]) -> Box:
    """Boxes one below the other, in the middle."""
    width = max(box.width for box in boxes)
    parts: list[tuple[float, float, Box]] = []
    y = 0.0
    for box in boxes:
        parts.append(((width - box.width) / 2, y, box))
        y += box.height + WAY
    return Box("column", width, y - WAY, parts=tuple(parts))


def _together(boxes: Sequence[Box]) -> Box:
    """Boxes side by side in a frame, in as few rows as can be read and about equally many in each."""
    lines = _lines(TOGETHER, "together", 16)
    size = -(-len(boxes) // -(-len(boxes) // SIDE_BY_SIDE))
    rows = [boxes[at : at + size] for at in range(0, len(boxes), size)]
    widths = [sum(box.width for box in row) + GAP * (len(row) - 1) for row in rows]
    width = max(*widths, _widest(lines)) + 2 * PAD
    parts: list[tuple[float, float, Box]] = []
    y = 36.0
    for row, wide in zip(rows, widths, strict=True):
        x = (width - wide) / 2
        highest = {box.kind: box.height for box in sorted(row, key=lambda box: box.height)}
        for box in row:
            height = highest[box.kind]
            above = (max(highest.values()) - height) / 2
            parts.append((x, y + above, Box(box.kind, box.width, height, box.lines, box.parts)))
            x += box.width + GAP
        y += max(highest.values()) + GAP
    return Box("group", width, y - GAP + PAD, lines, tuple(parts))


def _draw(svg: Element, box: Box, x: float, y: float) -> None:
    if box.kind != "column":
        place = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{box.width:g}", "height": f"{box.height:g}", "rx": "10"}
        SubElement(svg, "rect", {"class": box.kind, **place})
    if box.kind == "step":
        _write(svg, box.lines, x + box.width / 2, y + (box.height - _height(box.lines)) / 2, "middle")
    else:
        _write(svg, box.lines, x + PAD, y + 12, "start")
    for left, top, part in box.parts:
        _draw(svg, part, x + left, y + top)
    if box.kind == "column":
        for (_, top, before), (_, below, _) in pairwise(box.parts):
            _draw_way(svg, x + box.width / 2, y + top + before.height, y + below)


def _draw_way(svg: Element, x: float, top: float, bottom: float) -> None:
    start, end = top + 5, bottom - 5
    SubElement(svg, "path", {"class": "way", "d": f"M{x:g} {start:g}V{end:g}m-5 -6l5 6l5 -6"})


def _write(svg: Element, lines: Sequence[Line], x: float, y: float, anchor: str) -> None:
    for line in lines:
        y += line.height
        at = {"x": f"{x:g}", "y": f"{y - line.height * 0.28:g}", "text-anchor": anchor}
        SubElement(svg, "text", {"class": line.kind, **at}).text = line.text


def _lines(text: str, kind: str, height: float, widest: float = WIDEST) -> tuple[Line, ...]:
    return tuple(Line(line, kind, height) for line in wrapped(one_line(text), widest, WIDTHS[kind]))


def _widest(lines: Sequence[Line]) -> float:
    return max(line.width for line in lines)


def _height(lines: Sequence[Line]) -> float:
    return sum(line.height for line in lines)


def _told_all(stages: Sequence[Outlined]) -> Iterator[str]:
    """What the drawing shows, for those who cannot see it."""
    for at, stage in enumerate(stages):
        yield f"{'then' if at else 'first'} {_told(stage)}"


def _told(stage: Outlined) -> str:
    match stage:
        case OutlinedStep(step, title):
            return f"{own_name(step)}: {one_line(title)}"
        case OutlinedGroup(members):
            return f"{TOGETHER}: {'; '.join(_told(member) for member in members)}"
        case OutlinedPipeline(step, title, stages):
            return f"{own_name(step)}: {one_line(title)} ({'; '.join(_told_all(stages))})"
        case _:
            assert_never(stage)


def _about(size: float) -> Callable[[str], float]:
    """Measures text of a size in pixels as about as wide as the widest of the usual fonts sets it.

    Nobody knows the reader's font here. A narrower one leaves some more room in the boxes.
    """

    def width(text: str) -> float:
        return size * sum(_em(character) for character in text)

    return width


def _em(character: str) -> float:
    if (cells := cell_len(character)) != 1:
        return cells * 0.52
    for width, those in _EMS.items():
        if character in those:
            return width
    return 0.74 if character.isupper() else 0.63


_EMS: Mapping[float, str] = {
    0.34: " iljI.,:;'’|!",
    0.42: "ftr()[]-/–",
    0.98: "mwMW…—%@",
}

WIDTHS: Mapping[str, Callable[[str], float]] = {
    "heading": _about(21.5),
    "inner": _about(16.5),
    "doing": _about(15),
    "name": lambda text: 12 * 0.61 * cell_len(text),
    "together": _about(12.5),
}
"""What measures the text of each class."""
