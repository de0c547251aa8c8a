"""The record of one run: its events, numbered 1, 2, 3 … without a gap, and the latest status of each step.

Pure. Every journal keeps one of these for a live run, and a reader is a cursor on it. An event is encoded at most once,
whoever reads it and in however many formats (neighbouring tokens that a wire joins are one more).
"""

from collections.abc import Sequence

import msgspec

from narrate.errors import IllegalRecord
from narrate.events import (
    Detail,
    Event,
    Gap,
    Message,
    Progress,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    StepCancelled,
    StepFailed,
    StepFinished,
    Token,
    plain,
    to_json,
)

ENDS = (RunFinished, RunFailedEvent, RunCancelledEvent)


class Record:
    """Events in their order; the first that is still there is number `first`. `ended` once the last ends a run."""

    __slots__ = ("_lines", "_statuses", "ended", "events", "first", "version")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.first = 1
        self.ended = False
        self.version = 0
        self._lines: list[bytes | None] = []
        self._statuses: dict[str, tuple[int, Progress]] = {}

    @property
    def last(self) -> int:
        """The number of the last event; 0 while there is none."""
        return self.first - 1 + len(self.events)

    def append(self, fact: Event) -> Event:
        """Give a fact the next number; gives back the event. Raises IllegalRecord after the end."""
        # As `numbered` and `take` do, but at once: every event of every run in memory passes here.
        n = self.first + len(self.events)
        if self.ended:
            raise IllegalRecord(n, f"`{fact.type}` was told after the record had ended.")
        event = msgspec.structs.replace(fact, n=n)
        self.events.append(event)
        self._lines.append(None)
        if self._statuses or isinstance(event, ENDS):
            self._close(event)
        return event

    def take(self, event: Event, line: bytes | None = None) -> None:
        """Take an event that has its number, which is the next, and its JSON where that is known already."""
        self.events.append(event)
        self._lines.append(line)
        self._close(event)

    def _close(self, event: Event) -> None:
        """Drop the statuses that an event is the end of: whoever comes later hears the event."""
        if isinstance(event, ENDS):
            self.ended = True
            self._statuses.clear()
        elif isinstance(event, (StepFinished, StepFailed, StepCancelled)):
            self._statuses.pop(event.step, None)

    def restart(self, first: int) -> None:
        """Let all events go; the next will be number `first`."""
        self.events.clear()
        self._lines.clear()
        self.first = first

    def trim(self, first: int) -> None:
        """Let the events before number `first` go."""
        if first > self.first:
            del self.events[: first - self.first]
            del self._lines[: first - self.first]
            self.first = first

    def since(self, n: int) -> Sequence[Event]:
        """The events behind number `n`; where some of those are gone, a `Gap` that says so comes first."""
        if n + 1 < self.first:
            gap = Gap(n + 1, self.first - 1, n=self.first - 1, t=self.events[0].t if self.events else 0.0)
            return [gap, *self.events]
        return self.events[n + 1 - self.first :]

    def line(self, event: Event) -> bytes:
        """An event of this record as JSON, encoded when first asked for."""
        at = event.n - self.first
        if at < 0 or isinstance(event, Gap):
            return to_json(event)
        line = self._lines[at]
        if line is None:
            line = self._lines[at] = to_json(self.events[at])
        return line

    def report(self, progress: Progress) -> None:
        """Take a step's latest status in the place of the one before."""
        if not self.ended:
            self.version += 1
            self._statuses[progress.step] = (self.version, progress)

    def statuses(self, after: int = 0) -> Sequence[Progress]:
        """The latest status of each step that has changed since version `after`."""
        if self.version <= after:
            return ()
        return [progress for version, progress in self._statuses.values() if version > after]


def numbered(fact: Event, n: int, *, ended: bool) -> Event:
    """The fact as event number `n`. Raises IllegalRecord when the record has `ended`."""
    if ended:
        raise IllegalRecord(n, f"`{fact.type}` was told after the record had ended.")
    return msgspec.structs.replace(fact, n=n)


def weight_of(events: Sequence[Event]) -> int:
    """About how many bytes these events take: what they say, and a little for being there."""
    return 256 * len(events) + sum([_said(event) for event in events if type(event) in _SAYING])


_SAYING = frozenset({Message, Token, Detail, RunFinished})


def _said(event: Event) -> int:
    match event:
        case Message() | Token():
            return len(event.text)
        case Detail():
            return event.size
        case RunFinished():
            return plain(event.result)[1]
    return 0
