"""Made-up outlines, for whatever draws one: any titles, and names that are all different."""

from collections.abc import Sequence
from itertools import count

from hypothesis import strategies as st

from narrate.events import Outlined, OutlinedGroup, OutlinedPipeline, OutlinedStep

FRAMES = "─│┌┐└┘┬┄┊╭╮╰╯═║╔╗╚╝╤▼"

Shape = tuple[str, str, "list[Shape]"]


def outlines() -> st.SearchStrategy[tuple[Outlined, ...]]:
    """Up to four stages, with groups and nested pipelines in one another."""
    return st.lists(_shapes(2), min_size=1, max_size=4).map(lambda shapes: _named(shapes, "", count(1)))


def titles() -> st.SearchStrategy[str]:
    """What an author may write, and what nobody should; but for the characters that frames are drawn with."""
    odd = st.sampled_from(
        ["end", '"', "<b>", "#quot;", "\n", "\x1b[31m", "]]>", "…", "1. ", "--> x", "\ud800", "目的地"]
    )
    words = st.text(st.characters(exclude_characters=FRAMES, exclude_categories=[]), max_size=30)
    return st.lists(words | odd, max_size=4).map(" ".join)


def _shapes(depth: int) -> st.SearchStrategy[Shape]:
    step = st.tuples(st.just("step"), titles(), st.just([]))
    if depth == 0:
        return step
    inner = st.lists(_shapes(depth - 1), min_size=1, max_size=4)
    pipeline = st.tuples(st.just("pipeline"), titles(), inner)
    group = st.tuples(st.just("group"), st.just(""), st.lists(step | pipeline, min_size=1, max_size=7))
    return step | group | pipeline


def _named(shapes: Sequence[Shape], prefix: str, numbers: "count[int]") -> tuple[Outlined, ...]:
    return tuple(_stage(shape, prefix, numbers) for shape in shapes)


def _stage(shape: Shape, prefix: str, numbers: "count[int]") -> Outlined:
    kind, title, inner = shape
    if kind == "group":
        return OutlinedGroup(_named(inner, prefix, numbers))
    path = f"{prefix}stage_{next(numbers)}"
    if kind == "step":
        return OutlinedStep(path, title)
    return OutlinedPipeline(path, title, _named(inner, f"{path}/", numbers))
