"""The record of one run: its events, numbered 1, 2, 3 … without a gap, and the latest status of each step.

Pure. Every journal keeps one of these for a live run, and a reader is a cursor on it. An event is encoded at most once,
whoever reads it and in however many formats (neighbouring tokens that a wire joins are one more).
"""

from collections.abc import Sequence

import msgspec

from narrate.errors import IllegalRecord
from narrate.events import Event, Progress, RunCancelledEvent, RunFailedEvent, RunFinished, to_json

_ENDS = (RunFinished, RunFailedEvent, RunCancelledEvent)


class Record:
    """Events in their order. `ended` once the last is one that ends a run."""

    __slots__ = ("_lines", "_statuses", "ended", "events", "version")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ended = False
        self.version = 0
        self._lines: list[bytes | None] = []
        self._statuses: dict[str, tuple[int, Progress]] = {}

    def append(self, fact: Event) -> Event:
        """Give a fact the next number; gives back the event. Raises IllegalRecord after the end."""
        n = len(self.events) + 1
        if self.ended:
            raise IllegalRecord(n, f"`{fact.type}` was told after the record had ended.")
        event = msgspec.structs.replace(fact, n=n)
        self.events.append(event)
        self._lines.append(None)
        if isinstance(event, _ENDS):
            self.ended = True
            self._statuses.clear()
        return event

    def line(self, n: int) -> bytes:
        """Event number `n` as JSON, encoded when first asked for."""
        line = self._lines[n - 1]
        if line is None:
            line = self._lines[n - 1] = to_json(self.events[n - 1])
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
