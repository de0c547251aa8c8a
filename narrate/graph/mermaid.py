"""A pipeline as a Mermaid flowchart: subgraphs for groups and nested pipelines, arrows for the order of stages."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from typing import assert_never

from narrate.events import Outlined, OutlinedGroup, OutlinedPipeline, OutlinedStep
from narrate.graph.words import TOGETHER, one_line, own_name

INDENT = "    "


def as_mermaid(title: str, outline: Sequence[Outlined]) -> str:
    """The flowchart, with a newline at its end.

    Stages are numbered, not called by their names: `end` and `style` are words of Mermaid's own.
    """
    lines = [
        "---",
        f"title: {json.dumps(one_line(title), ensure_ascii=False)}",
        "---",
        "flowchart TD",
        *_stages(outline, count(1)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _stages(stages: Sequence[Outlined], numbers: Iterator[int]) -> list[str]:
    """The lines that draw the stages, and the arrows between them."""
    drawn = [_stage(stage, numbers) for stage in stages]
    arrows = [f"{INDENT}{before} --> {after}" for (before, _), (after, _) in pairwise(drawn)]
    return [f"{INDENT}{line}" for _, lines in drawn for line in lines] + arrows


def _stage(stage: Outlined, numbers: Iterator[int]) -> tuple[str, list[str]]:
    id = f"n{next(numbers)}"  # noqa: A001
    match stage:
        case OutlinedStep(step, title):
            return id, [f'{id}["{_label(title, step)}"]']
        case OutlinedGroup(members):
            # Without arrows between them, what is drawn from top to bottom stands side by side.
            inside = [f"{INDENT}{line}" for member in members for line in _stage(member, numbers)[1]]
            return id, _subgraph(id, TOGETHER, inside)
        case OutlinedPipeline(step, title, stages):
            # One line alone, and never none: a second would lie under what is in the subgraph.
            return id, _subgraph(id, _escaped(one_line(title) or own_name(step)), _stages(stages, numbers))
        case _:
            assert_never(stage)


def _subgraph(id: str, label: str, inside: list[str]) -> list[str]:  # noqa: A002
    return [f'subgraph {id}["{label}"]', f"{INDENT}direction TB", *inside, "end"]


def _label(title: str, step: str) -> str:
    return f"{_escaped(title)}<br/>{_escaped(own_name(step))}"


def _escaped(text: str) -> str:
    """The text with an entity for each character that Mermaid, Markdown or HTML would take for its own.

    Numbered, because Mermaid takes `#` for the `&` of HTML's.
    """
    return _MEANING.sub(lambda found: f"#{ord(found[0])};", one_line(text))


_MEANING = re.compile(r"(?<=\w)[-_](?!\w)|(?<!\w)[-_]|[^-\w ,?!'’()/%+=…–—°€]")
"""What may mean something to one of the three: `-` and `_` only where they are not within a word."""
