import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
import trio
import trio.testing

from narrate.cassette import Cassette, Chunk, HttpFailure, HttpRequest, dump, load
from narrate.scrub import Scrub
from narrate.transport import RecordTransport, ReplayTransport

AT = "2026-10-13T09:12:00+00:00"
URL = "https://e.com/"

# Breaking off an `aiter_…` of httpx leaves its chain of generators to trio's garbage collection, which warns.
leaves_early = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")


class Upstream:
    """A real server. It answers one request a connection, from a script: bytes to send, or seconds to wait."""

    def __init__(self) -> None:
        self.scripts: dict[str, list[bytes | float]] = {}
        self.heads: list[str] = []
        self.url = ""

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            head = b""
            while b"\r\n\r\n" not in head:
                head += await stream.receive_some()
            text = head.decode()
            self.heads.append(text)
            try:
                for part in self.scripts[text.split(" ")[1].partition("?")[0]]:
                    await (stream.send_all(part) if isinstance(part, bytes) else trio.sleep(part))
            except trio.BrokenResourceError:
                pass

    def says(self, path: str, *parts: bytes | float, headers: str = "", length: int | None = None) -> str:
        whole = b"".join(part for part in parts if isinstance(part, bytes))
        size = len(whole) if length is None else length
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {size}\r\n{headers}\r\n"
        self.scripts[path] = [head.encode(), *parts]
        return self.url + path


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    server = Upstream()
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        server.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        yield server
        nursery.cancel_scope.cancel()


@pytest.fixture
def clock():
    """Virtual time that leaves the kernel 20 real milliseconds to bring what is on its way from socket to socket."""
    return trio.testing.MockClock(autojump_threshold=0.02)


@pytest.fixture
async def server():
    async with upstream() as server:
        yield server


@pytest.fixture
async def recorder():
    transport = RecordTransport(httpx.AsyncHTTPTransport(), about="A test.")
    yield transport
    await transport.aclose()


def reloaded(recorder: RecordTransport) -> Cassette:
    """What was recorded, by way of the file."""
    return load(dump(recorder.cassette(AT)), "x.json")


async def story(client: httpx.AsyncClient, url: str) -> list[Any]:
    """All that a caller sees of a stream: its head, each piece, and how it ends."""
    seen: list[Any] = []
    async with client.stream("GET", url) as response:
        seen.append((response.status_code, response.headers.get("content-type")))
        try:
            async for piece in response.aiter_bytes():
                seen.append(piece)
        except httpx.TransportError as error:
            seen.append(type(error))
    return seen


async def test_what_was_recorded_from_a_server_is_replayed_as_it_was(server, recorder):
    url = server.says("/json", b'{"a": [1, "\xc3\xa9"]}', headers="Content-Type: application/json\r\n")

    async def tell(transport: httpx.AsyncBaseTransport) -> list[Any]:
        client = httpx.AsyncClient(transport=transport)
        answer = await client.get(url, params={"api_key": "hunter2hunter2"})
        again = await client.post(url, json={"q": 1})
        return [answer.status_code, answer.json(), answer.headers["content-type"], again.json()]

    live = await tell(recorder)
    assert live == [200, {"a": [1, "é"]}, "application/json", {"a": [1, "é"]}]
    assert await tell(ReplayTransport(reloaded(recorder))) == live
    first, second = recorder.cassette(AT).exchanges
    assert first.request == HttpRequest(method="GET", url=f"{url}?api_key=[scrubbed]")
    assert second.request == HttpRequest(method="POST", url=url, json={"q": 1})
    assert "hunter2" not in dump(recorder.cassette(AT))


async def test_a_stream_is_recorded_in_its_pieces_as_they_arrive(clock, server, recorder):
    pieces = [b"data: a\n\n", b"data: \xc3", b"\xa9\n\n"]
    parts = [pieces[0], 0.5, pieces[1], 2.0, pieces[2]]
    url = server.says("/sse", *parts, headers="Content-Type: text/event-stream\r\n")
    live = await story(httpx.AsyncClient(transport=recorder), url)
    assert live == [(200, "text/event-stream"), *pieces]
    assert await story(httpx.AsyncClient(transport=ReplayTransport(reloaded(recorder))), url) == live
    [exchange] = recorder.cassette(AT).exchanges
    assert exchange.response.chunks == (
        Chunk(text="data: a\n\n"),
        Chunk(after=0.5, base64=b"data: \xc3"),
        Chunk(after=2, base64=b"\xa9\n\n"),
    )


async def test_upstream_is_asked_for_a_body_without_encoding(server, recorder):
    url = server.says("/plain", b"plain")
    request = httpx.Request("GET", url, headers={"Accept-Encoding": "gzip", "X-Mine": "1"})
    await httpx.AsyncClient(transport=recorder).send(request)
    assert "accept-encoding: identity\r\n" in server.heads[0].lower()
    assert "x-mine: 1\r\n" in server.heads[0].lower()
    assert request.headers["accept-encoding"] == "gzip"


async def test_a_body_that_is_encoded_all_the_same_is_kept_decoded(server, recorder):
    url = server.says("/gzip", gzip.compress(b'{"a": 1}'), headers="Content-Encoding: gzip\r\nContent-Type: a/json\r\n")
    live = await httpx.AsyncClient(transport=recorder).get(url)
    assert live.json() == {"a": 1}
    assert recorder.cassette(AT).exchanges[0].response.json == {"a": 1}
    replayed = await httpx.AsyncClient(transport=ReplayTransport(reloaded(recorder))).get(url)
    assert replayed.json() == {"a": 1}
    assert replayed.headers["content-length"] == "7"


async def test_a_broken_connection_is_recorded_and_breaks_again(clock, server, recorder):
    url = server.says("/cut", b"half", 0.5, length=8)
    live = await story(httpx.AsyncClient(transport=recorder), url)
    assert live == [(200, None), b"half", httpx.RemoteProtocolError]
    assert await story(httpx.AsyncClient(transport=ReplayTransport(reloaded(recorder))), url) == live
    [exchange] = recorder.cassette(AT).exchanges
    assert exchange.response.chunks == (Chunk(text="half"), Chunk(after=0.5, text=""))
    assert exchange.response.cut is True


async def test_a_read_that_timed_out_is_recorded_and_times_out_again(clock, server, recorder):
    url = server.says("/slow", b"half", 60.0, b"rest")
    live = await story(httpx.AsyncClient(transport=recorder, timeout=5), url)
    assert live == [(200, None), b"half", httpx.ReadTimeout]
    [exchange] = recorder.cassette(AT).exchanges
    assert exchange.response.chunks == (Chunk(text="half"), Chunk(after=5, text=""))
    assert exchange.response.cut == "ReadTimeout"
    assert await story(httpx.AsyncClient(transport=ReplayTransport(reloaded(recorder)), timeout=30), url) == live


async def test_a_response_that_never_began_is_recorded_and_times_out_again(clock, server, recorder):
    server.scripts["/silent"] = [60.0]
    with pytest.raises(httpx.ReadTimeout):
        await httpx.AsyncClient(transport=recorder, timeout=5).get(server.url + "/silent")
    [exchange] = recorder.cassette(AT).exchanges
    assert exchange.error == HttpFailure(kind="ReadTimeout", after=5)
    with pytest.raises(httpx.ReadTimeout):
        await httpx.AsyncClient(transport=ReplayTransport(reloaded(recorder))).get(server.url + "/silent")


async def test_a_connection_that_was_reset_is_recorded_and_reset_again():
    class Resetting(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"half"
            raise httpx.ReadError("reset")

    inner = httpx.MockTransport(lambda _: httpx.Response(200, stream=Resetting()))
    recorder = RecordTransport(inner, about="A test.")
    live = await story(httpx.AsyncClient(transport=recorder), URL)
    assert live == [(200, None), b"half", httpx.ReadError]
    assert await story(httpx.AsyncClient(transport=ReplayTransport(reloaded(recorder))), URL) == live


async def test_a_connection_that_is_refused_is_recorded_and_refused_again(recorder):
    with trio.socket.socket() as taken:  # bound, and not listening: nobody else can be behind this port
        await taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(httpx.ConnectError):
            await httpx.AsyncClient(transport=recorder).get(url)
    [exchange] = recorder.cassette(AT).exchanges
    assert exchange.error.kind == "ConnectError"
    with pytest.raises(httpx.ConnectError):
        await httpx.AsyncClient(transport=ReplayTransport(reloaded(recorder))).get(url)


@leaves_early
async def test_a_response_that_is_left_early_is_recorded_as_far_as_it_was_read(server, recorder):
    url = server.says("/long", b"line 1\nline", 60.0, b" 2\nline 3\n", headers="Content-Type: text/event-stream\r\n")

    async def first_line(transport: httpx.AsyncBaseTransport) -> str:
        async with httpx.AsyncClient(transport=transport).stream("GET", url) as response:
            return await anext(response.aiter_lines())

    assert await first_line(recorder) == "line 1"
    [exchange] = recorder.cassette(AT).exchanges
    assert [chunk.content for chunk in exchange.response.chunks] == [b"line 1\nline"]
    assert exchange.response.cut
    replay = ReplayTransport(reloaded(recorder), scope=object)
    assert await first_line(replay) == "line 1"
    with pytest.raises(httpx.RemoteProtocolError, match="the recording is cut here"):
        await httpx.AsyncClient(transport=replay).get(url)


async def test_a_response_that_is_cancelled_is_recorded_as_far_as_it_was_read(server, recorder):
    url = server.says("/long", b"half", 60.0, b"rest")
    async with httpx.AsyncClient(transport=recorder).stream("GET", url) as response:
        with trio.move_on_after(60) as scope:
            async for _ in response.aiter_bytes():
                scope.cancel()
    [exchange] = recorder.cassette(AT).exchanges
    assert (exchange.response.text, exchange.response.cut) == ("half", True)


async def test_a_response_that_was_never_read_is_recorded_by_its_head(server, recorder):
    url = server.says("/unread", b"whole")
    async with httpx.AsyncClient(transport=recorder).stream("GET", url):
        pass
    [exchange] = recorder.cassette(AT).exchanges
    assert (exchange.response.pieces, exchange.response.cut) == ((), True)


@leaves_early
async def test_a_body_that_cannot_be_decoded_is_recorded_as_cut(server, recorder):
    url = server.says("/gzip", b"this is no gzip", headers="Content-Encoding: gzip\r\n")
    with pytest.raises(httpx.DecodingError):
        await httpx.AsyncClient(transport=recorder).get(url)
    assert recorder.cassette(AT).exchanges[0].response.cut


async def test_exchanges_are_kept_in_the_order_in_which_they_were_begun_once_they_have_ended(server, recorder):
    slow, quick = server.says("/slow", b"slow"), server.says("/quick", b"quick")
    client = httpx.AsyncClient(transport=recorder)
    async with client.stream("GET", slow) as response:
        await client.get(quick)
        assert [exchange.request.url for exchange in recorder.cassette(AT).exchanges] == [quick]
        await response.aread()
    assert [exchange.request.url for exchange in recorder.cassette(AT).exchanges] == [slow, quick]


async def test_an_error_on_this_side_is_passed_on_and_not_recorded(recorder):
    with pytest.raises(httpx.UnsupportedProtocol):
        await httpx.AsyncClient(transport=recorder).get("gopher://127.0.0.1/")
    assert recorder.cassette(AT).exchanges == ()


async def test_a_secret_in_an_answer_is_never_kept(clock, server):
    url = server.says("/echo", b"your key is hunter2-hunter2, mine is ", 0.5, b"my-own-", 0.5, b"secret")
    transport = RecordTransport(httpx.AsyncHTTPTransport(), about="", scrub=Scrub(secrets=("my-own-secret",)))
    await httpx.AsyncClient(transport=transport).get(url, headers={"Authorization": "Bearer hunter2-hunter2"})
    kept = transport.cassette(AT)
    assert [chunk.content for chunk in kept.exchanges[0].response.chunks] == [
        b"your key is [scrubbed], mine is ",
        b"[scrubbed]",
        b"",
    ]
    await transport.aclose()
