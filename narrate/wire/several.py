"""Several stories over one connection: each event says whose it is, and the place in all of them is one cursor.

The cursor is the numbers of the last events told, in the order in which the runs were asked for: `12,7,0`. In an event
stream it is the `id`, so that a browser which comes back by itself goes on in each of them where it was.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from narrate.events import Event, Progress, RunId, to_json
from narrate.wire.forms import Line, NdjsonForm, SseForm, joined

_HAS_ITS_RUN = b'{"type":"run.started"'


class SeveralForm(Protocol):
    """How one stream writes several stories."""

    def opening(self) -> bytes:
        """As in `Form`."""
        ...

    def events_of(self, which: int, events: Sequence[Event], line: Line) -> bytes:
        """Events of one of the runs, by its place among them."""
        ...

    def status_of(self, which: int, statuses: Sequence[Progress]) -> bytes:
        """Live status of one of the runs."""
        ...

    def heartbeat(self) -> bytes:
        """As in `Form`."""
        ...

    def reconnect(self, milliseconds: int) -> bytes:
        """As in `Form`."""
        ...


class SeveralSse(SseForm):
    """Server-sent events whose `id` is the cursor. `places` are the numbers of the last events the reader has."""

    def __init__(self, runs: Sequence[RunId], places: Sequence[int]) -> None:
        self._fields = [_field(run) for run in runs]
        self._places = list(places)

    def events_of(self, which: int, events: Sequence[Event], line: Line) -> bytes:
        return b"".join([self._frame(which, n, data) for n, data in joined(events, line)])

    def status_of(self, which: int, statuses: Sequence[Progress]) -> bytes:
        return b"".join([b"data: %b\n\n" % _routed(to_json(status), self._fields[which]) for status in statuses])

    def _frame(self, which: int, n: int, data: bytes) -> bytes:
        self._places[which] = n
        cursor = ",".join(map(str, self._places)).encode()
        return b"id: %b\ndata: %b\n\n" % (cursor, _routed(data, self._fields[which]))


class SeveralNdjson(NdjsonForm):
    """One JSON object a line. The cursor is for the reader to keep: the last `n` of each run."""

    def __init__(self, runs: Sequence[RunId], places: Sequence[int]) -> None:  # noqa: ARG002 (as the other form)
        self._fields = [_field(run) for run in runs]

    def events_of(self, which: int, events: Sequence[Event], line: Line) -> bytes:
        return b"".join([_routed(data, self._fields[which]) + b"\n" for _, data in joined(events, line)])

    def status_of(self, which: int, statuses: Sequence[Progress]) -> bytes:
        return b"".join([_routed(to_json(status), self._fields[which]) + b"\n" for status in statuses])


SEVERAL: Mapping[str, Callable[[Sequence[RunId], Sequence[int]], SeveralForm]] = {
    "text/event-stream": SeveralSse,
    "application/x-ndjson": SeveralNdjson,
}
"""What a client may ask for. Sentences of several stories in one would be for nobody."""


def _field(run: RunId) -> bytes:
    return b',"run":%b}' % msgspec.json.encode(run)


def _routed(line: bytes, field: bytes) -> bytes:
    """An event's JSON with the run it belongs to. Spliced in, for what is encoded once is for all readers."""
    return line if line.startswith(_HAS_ITS_RUN) else line[:-1] + field
