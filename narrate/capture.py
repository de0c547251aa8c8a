"""How a request and a response that went over the wire become what a cassette keeps.

Apart from the transport so that each odd body is a test on values, and used by both directions: a replayed request is
compared in exactly the form in which a recorded one was written.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from narrate.cassette import Chunk, Cut, ErrorKind, HttpFailure, HttpRequest, HttpResponse, strict_json
from narrate.scrub import Scrub

# Bodies are kept decoded and their length is made anew; the others speak of a connection that is gone (RFC 9110 7.6.1).
_LEFT_OUT = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"content-encoding", "content-length"}
)
_AT_ONCE = 1.0
DIGITS = 4
"""Of a second: a tenth of a millisecond is more than any wait means, and a diff stays readable."""


def request_kept(scrub: Scrub, method: str, url: str, content_type: str, content: bytes) -> HttpRequest:
    """The request as it is written and compared: JSON as JSON, a form or other text as text, the rest as base64."""
    asked = HttpRequest(method=method.upper(), url=scrub.url(url))
    if not content:
        return asked
    if _is_json(content_type):
        try:
            return replace(asked, json=scrub.json(strict_json(content)))
        except (ValueError, RecursionError):
            return replace(asked, **_one(scrub.broken_json([content])))
    if _type(content_type) == "application/x-www-form-urlencoded" and content.isascii():
        return replace(asked, text=scrub.form(content.decode()))
    return replace(asked, **_one(scrub.pieces([content])))


def response_kept(
    scrub: Scrub,
    status: int,
    headers: Iterable[tuple[str, str]],
    after: float,
    pieces: Sequence[tuple[float, bytes]],
    *,
    cut: Cut = False,
) -> HttpResponse:
    """The response as it is written: its head came `after` seconds, each decoded piece so many seconds later.

    A body that came in one piece within a second of the head is kept in one. So is JSON in several pieces within that
    second, which the network cut and not the server, and any JSON from which something is scrubbed, since in pieces its
    members cannot be told apart; `after` then counts until the last piece. Everything else keeps pieces and timing, and
    an event stream always does.
    """
    headers = list(headers)
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    answer = HttpResponse(status=status, headers=_headers(scrub, headers), after=_seconds(after), cut=cut)
    took = sum(seconds for seconds, _ in pieces)
    whole = replace(answer, after=_seconds(after + took))
    contents = [content for _, content in pieces]
    if _is_json(content_type):
        try:
            given = strict_json(b"".join(contents))
            clean = scrub.json(given)
        except (ValueError, RecursionError):
            contents = scrub.broken_json(contents)
        else:
            if took <= _AT_ONCE or clean != given:
                return replace(whole, json=clean)
    contents = scrub.pieces(contents)
    if not pieces:
        return answer
    if len(pieces) == 1 and took <= _AT_ONCE and contents[0] and _type(content_type) != "text/event-stream":
        return replace(whole, **_one(contents))
    timed = zip(pieces, contents, strict=True)
    chunks = tuple(Chunk(after=_seconds(seconds), **_one([content])) for (seconds, _), content in timed)
    return replace(answer, chunks=chunks)


def failure_kept(kind: ErrorKind, after: float) -> HttpFailure:
    """The error as it is written."""
    return HttpFailure(kind=kind, after=_seconds(after))


def _one(contents: Sequence[bytes]) -> dict[str, Any]:
    content = b"".join(contents)
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": content}


def _type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(content_type: str) -> bool:
    return _type(content_type).endswith(("/json", "+json"))


def _headers(scrub: Scrub, headers: Iterable[tuple[str, str]]) -> dict[str, str | tuple[str, ...]]:
    kept: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        if (lower := name.lower()) not in _LEFT_OUT:
            kept[lower] = (*kept.get(lower, ()), scrub.header(lower, value))
    return {name: values[0] if len(values) == 1 else values for name, values in kept.items()}


def _seconds(after: float) -> float:
    return round(after, DIGITS)
