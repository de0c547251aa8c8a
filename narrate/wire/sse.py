"""Server-Sent Events, both ways: what goes out as `text/event-stream` and what is heard in one.

Kept apart from the server and the client because both sides of one format belong in one file, and because it is pure:
bytes in and values out (or the reverse), so every odd case of the HTML standard, section 9.2, is a vector in a test.
"""

from dataclasses import dataclass

LONGEST_RETRY = 2**31 - 1
"""Milliseconds, about 25 days. A browser's timer that is set for longer fires at once, and would hammer the server."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event as it was dispatched. `id` is the last event ID at that moment, which an earlier event may have set."""

    data: str
    event: str = "message"
    id: str = ""


def encode(
    data: str,
    *,
    id: str | int | None = None,  # noqa: A002  The field's name in the standard; another would have to be learnt.
    event: str | None = None,
    retry: int | None = None,
) -> bytes:
    """One event as a block that ends in a blank line (HTML standard, section 9.2.5).

    A decoder hears `data` again as it was, but for CR and CRLF, which the format cannot tell from LF. Empty data is an
    event too. `id=""` makes the reader forget its last event ID; None leaves it alone. `retry` is in milliseconds.

    Raises ValueError for CR, LF or NUL in `id`, CR or LF in `event`, or a `retry` that is negative or beyond
    LONGEST_RETRY; UnicodeEncodeError (a ValueError too) for a lone surrogate.
    """
    lines = []
    if id is not None:
        lines.append(b"id: " + _in_one_line("id", str(id), refused="\r\n\0"))
    if event is not None:
        lines.append(b"event: " + _in_one_line("event name", event, refused="\r\n"))
    if retry is not None:
        lines.append(_retry_line(retry))
    # The space is not decoration: a reader takes one away, and without it that would be the first of the data's own.
    lines += [b"data: " + line for line in _lines(data.encode())]
    return _block(lines)


def frame(line: bytes, n: int | None) -> bytes:
    """The event for one line of JSON in UTF-8, numbered `n` or without a number: what `encode` gives, but quicker.

    Every token of every stream passes here, so nothing is checked. The caller promises that there is no CR or LF in
    `line`, which JSON without indentation keeps by itself, since it escapes both in strings.
    """
    if n is None:
        return b"data: %b\n\n" % line
    return b"id: %d\ndata: %b\n\n" % (n, line)


def comment(text: str = "") -> bytes:
    """A block that every reader passes over; sent in silence, it shows proxies and clients that the line is alive.

    Comment lines are legal anywhere. This one brings its own blank line so that whoever cuts the stream into blocks
    (a log, a proxy that buffers, a naive client) never finds it stuck to the head of the next event.

    Raises UnicodeEncodeError for a lone surrogate.
    """
    return _block([b": " + line for line in _lines(text.encode())])


def retry(milliseconds: int) -> bytes:
    """A block that only sets how long the reader waits before it connects again. No event is dispatched for it.

    Raises ValueError for a number that is negative or beyond LONGEST_RETRY.
    """
    return _block([_retry_line(milliseconds)])


class Decoder:
    """Hears one stream, the same events however it was cut into chunks (HTML standard, sections 9.2.5 and 9.2.6).

    `last_event_id` is what to send as `Last-Event-ID` when connecting again, and `retry` how many milliseconds to wait
    first: at most LONGEST_RETRY, None where the stream has not said. The end of a stream needs no call: what no blank
    line has finished is no event. Time is linear in the bytes fed. Memory is that of the event under way, which nothing
    here bounds.

    A stream that resumes another begins with the other's `last_event_id`. The standard lets each begin without one, so
    that the first heartbeat after a reconnection would make the reader forget its place; Chromium does as we do.
    """

    last_event_id: str
    retry: int | None

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry = None
        self._at_start = True
        self._after_cr = False
        # Pieces, joined once at the end of the line or the event: to add each to what is there would copy a long line
        # as often as it has chunks.
        self._unfinished: list[bytes] = []
        self._data: list[bytes] = []
        self._event = ""
        self._id = last_event_id

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that are complete with this chunk, in order.

        A CR ends its line at once: waiting to see whether an LF follows would hold an event back until the next one
        comes. The LF, should it come, is the rest of a line end that has been heard.
        """
        if not chunk:
            return []
        ended = _lines(chunk.removeprefix(b"\n") if self._after_cr else chunk)
        self._after_cr = chunk.endswith(b"\r")
        unfinished = ended.pop()
        if ended:
            ended[0] = b"".join((*self._unfinished, ended[0]))
            self._unfinished.clear()
        if unfinished:
            self._unfinished.append(unfinished)
        return [event for line in ended if (event := self._maybe_event(line)) is not None]

    def _maybe_event(self, line: bytes) -> ServerSentEvent | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._maybe_dispatched()
        name, _, value = line.partition(b":")
        self._take(name, value.removeprefix(b" "))
        return None

    def _take(self, name: bytes, value: bytes) -> None:
        # A comment is a line without a name; it is passed over like any name that the standard does not know.
        match name:
            case b"data":
                self._data.append(value)
            case b"event":
                self._event = _text(value)
            case b"id" if b"\0" not in value:
                self._id = _text(value)
            case b"retry" if value.isdigit():  # In bytes, only the ASCII digits count, and there must be one.
                self.retry = _bounded(value)

    def _maybe_dispatched(self) -> ServerSentEvent | None:
        # The id becomes the last event ID only here. Were it so at its own line, a stream cut within the event would
        # be resumed after an event that nobody has heard.
        self.last_event_id = self._id
        data, self._data = self._data, []
        event, self._event = self._event, ""
        if not data:
            return None
        return ServerSentEvent(_text(b"\n".join(data)), event or "message", self.last_event_id)


def _lines(text: bytes) -> list[bytes]:
    """Cut at CRLF, CR and LF. Not `splitlines`: on str it also cuts at U+2028 and more; on both it loses a last one."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def _block(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n\n"


def _in_one_line(what: str, text: str, *, refused: str) -> bytes:
    for character in refused:
        if character in text:
            raise ValueError(f"An {what} in an event stream cannot hold {character!r}: {text!r}")
    return text.encode()


def _retry_line(milliseconds: int) -> bytes:
    if not 0 <= milliseconds <= LONGEST_RETRY:
        raise ValueError(f"retry is from 0 to {LONGEST_RETRY} milliseconds, not {milliseconds}")
    return b"retry: %d" % milliseconds


def _bounded(digits: bytes) -> int:
    # Eleven significant digits are beyond the bound whatever they are. Python refuses to read more than 4300.
    return min(int(digits.lstrip(b"0")[:11] or b"0"), LONGEST_RETRY)


def _text(value: bytes) -> str:
    # Line by line is the same as the whole stream: no byte of a character that takes several is a CR, LF or colon, and
    # an unfinished one before a line end is one U+FFFD either way.
    return value.decode("utf-8", errors="replace")
