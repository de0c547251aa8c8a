"""httpx transports that record the exchanges of an HTTP client, and that replay them.

At the transport seam because there nothing is patched: whatever takes an `httpx.AsyncClient`, an SDK or a wrapper of
one's own, is recorded and replayed as it is. Pieces of a body and their timing are kept, so that a model's answer that
was streamed is streamed again. Time is trio's: its MockClock replays an hour at once.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from types import MappingProxyType
from typing import assert_never, cast

import httpx
import trio
from msgspec import UnsetType

from narrate.capture import DIGITS, failure_kept, request_kept, response_kept
from narrate.cassette import Cassette, Cut, ErrorKind, Exchange, HttpFailure, HttpRequest, HttpResponse
from narrate.declare import resource
from narrate.matching import Answers
from narrate.scrub import Scrub

_ERRORS: MappingProxyType[ErrorKind, type[httpx.TransportError]] = MappingProxyType(
    {
        "ConnectError": httpx.ConnectError,
        "ConnectTimeout": httpx.ConnectTimeout,
        "ReadError": httpx.ReadError,
        "ReadTimeout": httpx.ReadTimeout,
        "RemoteProtocolError": httpx.RemoteProtocolError,
        "WriteError": httpx.WriteError,
        "WriteTimeout": httpx.WriteTimeout,
    }
)


def _one_for_all() -> Hashable:
    return None


class RecordTransport(httpx.AsyncBaseTransport):
    """Passes requests on to another transport, and keeps what was asked and answered, without its secrets.

    The response streams through as it arrives. Upstream is asked for a body without a content-encoding, so that the
    pieces and their timing are the server's and not a compressor's; one that has one all the same is decoded on its way
    through. A request's body is read whole before it is sent.

    Exchanges are kept in the order in which they were begun, each when it has ended. One that the caller closed early
    is kept as far as it was read, and as `cut`: a replay that is read further must not end as if it were whole. So is
    one whose connection broke. An error that is this side's own, such as a full pool, is passed on and not kept, nor is
    a request that was cancelled before its response began. Closing closes the other transport.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, about: str, scrub: Scrub | None = None) -> None:
        self._inner = inner
        self._about = about
        self._scrub = scrub or Scrub()
        self._begun = 0
        self._ended: dict[int, Exchange] = {}

    def cassette(self, at: str) -> Cassette:
        """What has ended so far. `at` is the time of the recording in UTC, as `Cassette` wants it."""
        exchanges = tuple(self._ended[n] for n in sorted(self._ended))
        return Cassette(origin="recorded", about=self._about, at=at, exchanges=exchanges)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        scrub = _learned(self._scrub, request)
        asked = _asked(scrub, request)
        n, self._begun = self._begun, self._begun + 1
        began = trio.current_time()
        try:
            response = await self._inner.handle_async_request(_unencoded(request))
        except httpx.TransportError as error:
            kind = next((kind for kind, known in _ERRORS.items() if isinstance(error, known)), None)
            if kind is not None:
                failure = failure_kept(kind, trio.current_time() - began)
                self._ended[n] = Exchange(request=asked, error=failure)
            raise
        after = trio.current_time() - began

        def keep(pieces: list[tuple[float, bytes]], cut: Cut) -> None:
            headers = response.headers.multi_items()
            answer = response_kept(scrub, response.status_code, headers, after, pieces, cut=cut)
            self._ended[n] = Exchange(request=asked, response=answer)

        return _decoded(response, _Recording(response, keep))

    async def aclose(self) -> None:
        await self._inner.aclose()


class ReplayTransport(httpx.AsyncBaseTransport):
    """Answers requests from a cassette, without a network, each wait `pace` times as long as recorded.

    Pieces of a body come on their own schedule, as over a network: what fell due while the caller did something else
    is there at once. A wait that is longer than the request's read timeout ends with it, in httpx.ReadTimeout. At a
    pace of 0 nothing waits, and each wait is still a checkpoint. A body that is `cut` ends in an httpx error,
    RemoteProtocolError if not said otherwise.

    The nth time that a request is made in a scope, the nth that is recorded of it answers. `scope` is called for each
    request and says in which it is made; given the id of a run, each of several at once hears the whole story. The 4096
    scopes used last are remembered. Requests are compared by method, URL and body, all scrubbed, the query in any order
    and JSON as values. Where no recording answers, the caller of httpx gets `ReplayMiss`, which is no httpx error.
    """

    def __init__(
        self,
        cassette: Cassette,
        *,
        pace: float = 1.0,
        scope: Callable[[], Hashable] = _one_for_all,
        scrub: Scrub | None = None,
    ) -> None:
        self._answers = Answers(cassette.exchanges)
        self._pace = pace
        self._scope = scope
        self._scrub = scrub or Scrub()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked = _asked(_learned(self._scrub, request), request)
        wait = _Wait(request, self._pace)
        match self._answers.next(asked, self._scope()).outcome:
            case HttpFailure(kind=kind, after=after):
                await wait.for_(after, may_time_out=not kind.startswith("Connect"))
                raise _ERRORS[kind](f"recorded as {kind}", request=request)
            case HttpResponse() as answer:
                await wait.for_(answer.after)
                return httpx.Response(answer.status, headers=_headers(answer), stream=_Replay(answer, wait))
            case other:
                assert_never(other)


class _Wait:
    """Waits for one moment after another of a recorded story, on the schedule on which they happened."""

    def __init__(self, request: httpx.Request, pace: float) -> None:
        self.request = request
        self._pace = pace
        self._due = trio.current_time()

    async def for_(self, after: float, *, may_time_out: bool = True) -> None:
        self._due += after * self._pace
        seconds = max(0.0, self._due - trio.current_time()) if self._pace else 0.0
        limit = self.request.extensions.get("timeout", {}).get("read")
        if may_time_out and limit is not None and seconds > limit:
            await trio.sleep(limit)
            raise httpx.ReadTimeout(f"recorded to take {after:g} s", request=self.request)
        await trio.sleep(seconds)


class _Replay(httpx.AsyncByteStream):
    """The body of a replayed response. An iterator and no generator: one that is left early needs no clean-up."""

    def __init__(self, answer: HttpResponse, wait: _Wait) -> None:
        self._left = iter(answer.pieces)
        self._cut: Cut = answer.cut
        self._wait = wait

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._left:
            await self._wait.for_(chunk.after)
            if chunk.content:  # an empty one is a silence
                return chunk.content
        await trio.lowlevel.checkpoint()
        if self._cut:
            error = httpx.RemoteProtocolError if self._cut is True else _ERRORS[self._cut]
            raise error("the recording is cut here", request=self._wait.request)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._left = iter(())
        self._cut = False
        await trio.lowlevel.checkpoint()


class _Recording(httpx.AsyncByteStream):
    """The body of a response on its way through; `keep` is told once of its pieces, and whether it ended early."""

    def __init__(self, response: httpx.Response, keep: Callable[[list[tuple[float, bytes]], Cut], None]) -> None:
        self._response = response
        self._keep = keep
        self._pieces: list[tuple[float, bytes]] = []
        self._latest = trio.current_time()
        self._ended = False
        self._source: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._source is None:
            self._source = cast("AsyncGenerator[bytes, None]", self._response.aiter_bytes())
        try:
            content = await anext(self._source)
        except StopAsyncIteration:
            self._end(cut=False)
            raise
        except httpx.RequestError as error:
            if silence := round(trio.current_time() - self._latest, DIGITS):
                self._pieces.append((silence, b""))
            self._end(cut=_cut(error))
            raise
        now = trio.current_time()
        self._pieces.append((now - self._latest, content))
        self._latest = now
        return content

    async def aclose(self) -> None:
        self._end(cut=True)
        if self._source is not None:
            await self._source.aclose()
        await self._response.aclose()

    def _end(self, *, cut: Cut) -> None:
        if not self._ended:
            self._ended = True
            self._keep(self._pieces, cut)


def _cut(error: httpx.RequestError) -> Cut:
    match error:
        case httpx.ReadError():
            return "ReadError"
        case httpx.ReadTimeout():
            return "ReadTimeout"
        case _:  # RemoteProtocolError, and a content-encoding that cannot be undone
            return True


def _learned(scrub: Scrub, request: httpx.Request) -> Scrub:
    return scrub.learning(str(request.url), request.headers.multi_items())


def _asked(scrub: Scrub, request: httpx.Request) -> HttpRequest:
    """The request, whose body has been read, as it is written and compared."""
    content_type = request.headers.get("content-type", "")
    return request_kept(scrub, request.method, str(request.url), content_type, request.content)


def _unencoded(request: httpx.Request) -> httpx.Request:
    headers = request.headers.copy()
    headers["accept-encoding"] = "identity"
    return httpx.Request(
        request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
    )


def _decoded(response: httpx.Response, stream: httpx.AsyncByteStream) -> httpx.Response:
    headers = response.headers.copy()
    if headers.pop("content-encoding", None) is not None:
        headers.pop("content-length", None)
    return httpx.Response(response.status_code, headers=headers, stream=stream, extensions=response.extensions)


def _headers(answer: HttpResponse) -> list[tuple[str, str]]:
    kept = [
        (name, value)
        for name, values in answer.headers.items()
        for value in ((values,) if isinstance(values, str) else values)
    ]
    if isinstance(answer.chunks, UnsetType) and answer.pieces:
        kept.append(("content-length", str(sum(len(piece.content) for piece in answer.pieces))))
    return kept


@resource
async def transport() -> AsyncIterator[httpx.AsyncBaseTransport]:
    """The way to the network that a pipeline's clients share. A replay, or a recording, puts its own in its place."""
    async with httpx.AsyncHTTPTransport(retries=0) as live:
        yield live
