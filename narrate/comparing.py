"""What two tellings of the same work must have in common, and how it is shown where they differ.

Pure. Times are never compared, nor is who happened to be stopped by somebody else's failure, and how far it had come:
that is decided by who was faster, and the reading order leaves it open.
"""

import difflib
import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import msgspec

from narrate.events import (
    Event,
    Message,
    Outlined,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    RunCancelledEvent,
    RunFailedEvent,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepStarted,
)

CONTEXT = 3
"""Events shown before and after those that differ."""

MOST_ROWS = 40
"""Rows shown, however much differs."""

_LEFT_OUT = frozenset({"t", "seconds", "wait", "n", "first", "run", "size"})
_ENDED_BADLY = (RunFailedEvent, RunCancelledEvent)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two stories part: at this `step` (empty for the run itself). `one` and `other` are all that must be the
    same of them, an event a line."""

    step: str
    one: Sequence[str]
    other: Sequence[str]


def maybe_difference(one: Sequence[Event], other: Sequence[Event]) -> Difference | None:
    """Where two whole records part; None when they tell the same.

    What a step or item told that was cancelled in either is not compared. Of two runs that both failed, or both were
    cancelled, those steps are compared that have begun in both and were stopped in neither; of a step that failed in
    both, how it failed.
    """
    kept = _Kept(one, other)
    first, second = (tuple(filter(kept.of, events)) for events in (one, other))
    lines = [[_line(event, ended_badly=kept.ended_badly) for event in events] for events in (first, second)]
    if lines[0] == lines[1]:
        return None
    parted = next((at for at, pair in enumerate(zip(*lines, strict=False)) if pair[0] != pair[1]), min(map(len, lines)))
    where = next((_path(events[parted]) for events in (first, second) if parted < len(events)), "")
    return Difference(where, *lines)


def side_by_side(difference: Difference, titles: tuple[str, str], width: int = 110) -> str:
    """The two stories in two columns, around what differs only; rows that differ are marked."""
    column = (width - 3) // 2
    rows = [(*titles, " "), ("─" * column, "─" * column, " "), *_rows(difference)]
    if len(rows) > MOST_ROWS:
        rows = [*rows[:MOST_ROWS], ("⋮", "⋮", " ")]
    return "\n".join(line for row in rows for line in _wrapped(*row, column))


def one_above_the_other(one: str, other: str, titles: tuple[str, str]) -> str:
    """Two texts as a unified diff; empty when they are the same."""
    return "\n".join(difflib.unified_diff(one.splitlines(), other.splitlines(), *titles, lineterm="", n=CONTEXT))


class _Kept:
    """Which events of two records must be the same."""

    def __init__(self, one: Sequence[Event], other: Sequence[Event]) -> None:
        self.ended_badly = all(isinstance(events[-1], _ENDED_BADLY) for events in (one, other))
        stopped = (StepCancelled, StepFailed) if self.ended_badly else (StepCancelled,)
        self._stopped = {event.step for events in (one, other) for event in events if isinstance(event, stopped)}
        failed = ({event.step for event in events if isinstance(event, StepFailed)} for events in (one, other))
        self._failed = set.intersection(*failed)
        begun = ({path for path in map(_path, events) if path} for events in (one, other))
        self._begun = set.intersection(*begun)

    def of(self, event: Event) -> bool:
        path = _path(event)
        if not path:
            return True
        if path in self._stopped:
            return isinstance(event, StepFailed) and path in self._failed
        return path in self._begun or not self._may_be_missing(path)

    def _may_be_missing(self, path: str) -> bool:
        """Whether it is inside of something that was stopped."""
        return self.ended_badly or any(path.startswith(f"{stopped}/") for stopped in self._stopped)


def _line(event: Event, *, ended_badly: bool) -> str:
    """An event as one line, which is the same for two events if they tell the same."""
    told: dict[str, Any] = msgspec.to_builtins(event)
    kind, step = told.pop("type"), told.pop("step", "")
    if ended_badly and isinstance(event, _ENDED_BADLY):
        told = {}  # which of several failures came first is the schedule's doing
    if isinstance(event, RunStarted):
        told["outline"] = ", ".join(_outlined(event.outline))
    words = " ".join(_words(value) for key, value in told.items() if key not in _LEFT_OUT)
    match event:
        case StepStarted():
            return f"• {step}: {words}"
        case Message():
            return f"{step}: {words}"
        case _ if step:
            return f"{step} ({kind.removeprefix('step.')}) {words}".rstrip()
        case _:
            return f"{kind} {words}".rstrip()


def _outlined(outline: Iterable[Outlined]) -> Iterator[str]:
    """The stages in words, without what they usually take."""
    for stage in outline:
        match stage:
            case OutlinedStep(path, title):
                yield f"{path} “{title}”"
            case OutlinedGroup(members):
                yield f"({' | '.join(_outlined(members))})"
            case OutlinedPipeline(path, title, stages):
                yield f"{path} “{title}” [{', '.join(_outlined(stages))}]"


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _path(event: Event) -> str:
    return str(getattr(event, "step", ""))


def _rows(difference: Difference) -> Iterator[tuple[str, str, str]]:
    """The lines that differ, with those around them: left, right, and the mark between."""
    matcher = difflib.SequenceMatcher(None, difference.one, difference.other, autojunk=False)
    for hunk in matcher.get_grouped_opcodes(CONTEXT):
        if hunk[0][1]:
            yield "⋮", "⋮", " "
        for kind, *at in hunk:
            left, right = difference.one[at[0] : at[1]], difference.other[at[2] : at[3]]
            for pair in zip_longest(left, right, fillvalue=""):
                yield *pair, " " if kind == "equal" else "≠"


def _wrapped(left: str, right: str, mark: str, column: int) -> Iterator[str]:
    """A row of the two columns, in as many lines as the longer side needs."""
    sides = [textwrap.wrap(text, column, subsequent_indent="    ") for text in (left, right)]
    for one, other in zip_longest(*sides, fillvalue=""):
        yield f"{one:<{column}} {mark} {other}".rstrip()
