"""The forms a story is streamed in: one interface, so that what pours the bytes knows nothing of their look.

A form may remember what it has written (text does); each stream has one of its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from narrate.events import Detached, Detail, Event, Progress, Token, to_json
from narrate.wire import sse
from narrate.wire.text import TextForm

Line = Callable[[Event], bytes]
"""Gives an event's JSON; encoded once, however many streams ask."""

LARGE = 2048
"""Bytes of data beyond which a detail travels without it: it is fetched when it is opened."""


class Form(Protocol):
    """How one stream writes what it is given."""

    def opening(self) -> bytes:
        """What goes out first, at once, so that everything between here and the reader opens up."""
        ...

    def events(self, events: Sequence[Event], line: Line) -> bytes:
        """Events of the record."""
        ...

    def status(self, statuses: Sequence[Progress]) -> bytes:
        """Live status; never numbered."""
        ...

    def heartbeat(self) -> bytes:
        """What goes out in a silence, to find readers that are gone."""
        ...

    def reconnect(self, milliseconds: int) -> bytes:
        """What asks the reader to come back after so long, before a stream that ends without the story's end."""
        ...

    def detached(self, event: Detached) -> bytes:
        """What says that the stream ends here and the run carries on."""
        ...


class SseForm:
    """Server-sent events: `data: {json}`, with `id: n` on what has a number. No `event:` line, so `onmessage` works."""

    def opening(self) -> bytes:
        return sse.comment("narrate")

    def events(self, events: Sequence[Event], line: Line) -> bytes:
        return b"".join([sse.frame(data, n) for n, data in joined(events, line)])

    def status(self, statuses: Sequence[Progress]) -> bytes:
        return b"".join([sse.frame(to_json(status), None) for status in statuses])

    def heartbeat(self) -> bytes:
        return sse.comment()

    def reconnect(self, milliseconds: int) -> bytes:
        return sse.retry(milliseconds)

    def detached(self, event: Detached) -> bytes:
        return sse.frame(to_json(event), None)


class NdjsonForm:
    """One JSON object a line. A heartbeat is an empty line, which readers of NDJSON pass over."""

    def opening(self) -> bytes:
        return b""

    def events(self, events: Sequence[Event], line: Line) -> bytes:
        return b"".join([data + b"\n" for _, data in joined(events, line)])

    def status(self, statuses: Sequence[Progress]) -> bytes:
        return b"".join([to_json(status) + b"\n" for status in statuses])

    def heartbeat(self) -> bytes:
        return b"\n"

    def reconnect(self, milliseconds: int) -> bytes:  # noqa: ARG002 (this form has no word for it)
        return b""

    def detached(self, event: Detached) -> bytes:
        return to_json(event) + b"\n"


FORMS: Mapping[str, Callable[[], Form]] = {
    "text/event-stream": SseForm,
    "application/x-ndjson": NdjsonForm,
    "text/plain": TextForm,
}
"""What a client may ask for, in the order in which we would rather give it."""


def joined(events: Sequence[Event], line: Line) -> Iterator[tuple[int, bytes]]:
    """Each event's number and JSON, neighbouring tokens of a step joined into one.

    A join bears the number of its last piece and, as `first`, that of its first, so that it is no hole in the numbers.
    """
    pieces: list[Token] = []
    for event in events:
        if pieces and not (isinstance(event, Token) and event.step == pieces[0].step):
            yield _join(pieces, line)
            pieces = []
        if isinstance(event, Token):
            pieces.append(event)
        else:
            yield event.n, line(event)
    if pieces:
        yield _join(pieces, line)


def is_large(event: Event) -> bool:
    """Whether this is a detail that travels without its data."""
    return isinstance(event, Detail) and event.size > LARGE


def without_data(event: Event, link: str) -> bytes:
    """The JSON of a large detail as it travels: its title, its size, and where its data can be fetched."""
    assert isinstance(event, Detail)
    return to_json(Detail(event.step, event.title, size=event.size, link=link, n=event.n, t=event.t))


def _join(pieces: Sequence[Token], line: Line) -> tuple[int, bytes]:
    first, last = pieces[0], pieces[-1]
    if first is last:
        return last.n, line(last)
    text = "".join([piece.text for piece in pieces])
    return last.n, to_json(Token(last.step, text, first.n, n=last.n, t=last.t))
