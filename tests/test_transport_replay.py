import json
from contextvars import ContextVar
from typing import Any

import groq
import httpx
import pytest
import trio
import trio.testing

from narrate.cassette import Cassette, Chunk, Exchange, HttpFailure, HttpRequest, HttpResponse
from narrate.errors import ReplayMiss
from narrate.transport import ReplayTransport

URL = "https://e.com/"
CHAT = "https://api.groq.com/openai/v1/chat/completions"


def cassette(*outcomes: HttpResponse | HttpFailure, **request: Any) -> Cassette:
    """These outcomes, one after another, of one request."""
    asked = HttpRequest(**{"method": "GET", "url": URL} | request)
    exchanges = (
        Exchange(request=asked, response=outcome)
        if isinstance(outcome, HttpResponse)
        else Exchange(request=asked, error=outcome)
        for outcome in outcomes
    )
    return Cassette(origin="composed", about="A test.", at="2026-10-13T09:12:00Z", exchanges=tuple(exchanges))


def client(*outcomes: HttpResponse | HttpFailure, timeout: float | None = None, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=ReplayTransport(cassette(*outcomes), **options), timeout=timeout)


def says(text: str, **options: Any) -> HttpResponse:
    return HttpResponse(status=200, text=text, **options)


def streams(*chunks: tuple[float, str], **options: Any) -> HttpResponse:
    return HttpResponse(status=200, chunks=tuple(Chunk(after=after, text=text) for after, text in chunks), **options)


async def heard(client: httpx.AsyncClient, slowly: float = 0) -> list[tuple[float, Any]]:
    """Each piece of a stream, with the time when it came; between pieces the caller does something else."""
    began = trio.current_time()
    pieces: list[tuple[float, Any]] = []
    async with client.stream("GET", URL) as response:
        pieces.append((trio.current_time() - began, response.status_code))
        async for piece in response.aiter_bytes():
            pieces.append((trio.current_time() - began, piece))
            await trio.sleep(slowly)
    return pieces


async def test_a_stream_is_replayed_with_its_pieces_in_their_time(autojump_clock):
    replay = client(streams((0.5, "a"), (0, "b"), (2, "c"), (1.25, ""), (0, "d"), after=0.25))
    assert await heard(replay) == [(0.25, 200), (0.75, b"a"), (0.75, b"b"), (2.75, b"c"), (4.0, b"d")]


async def test_pace_makes_every_wait_longer_or_shorter(autojump_clock):
    story = streams((0.5, "a"), (2, "b"), after=0.25)
    assert await heard(client(story, pace=0.5)) == [(0.125, 200), (0.375, b"a"), (1.375, b"b")]
    assert await heard(client(story, pace=4)) == [(1, 200), (3, b"a"), (11, b"b")]
    assert await heard(client(story, pace=0)) == [(0, 200), (0, b"a"), (0, b"b")]


async def test_what_falls_due_while_the_caller_is_busy_is_there_at_once(autojump_clock):
    replay = client(streams((1, "a"), (1, "b"), (1, "c"), (5, "d")))
    assert await heard(replay, slowly=1.5) == [(0, 200), (1, b"a"), (2.5, b"b"), (4, b"c"), (8, b"d")]


async def test_even_at_once_every_piece_is_a_checkpoint():
    async with client(streams((1, "a"), (1, "b"), after=1), pace=0).stream("GET", URL) as response:
        pieces = aiter(response.stream)
        for expected in (b"a", b"b"):
            with trio.testing.assert_checkpoints():
                assert await anext(pieces) == expected
        with trio.testing.assert_checkpoints(), pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_lines_are_read_across_pieces():
    async with client(streams((0, "on"), (0, "e\ntw"), (0, "o\n"))).stream("GET", URL) as response:
        assert [line async for line in response.aiter_lines()] == ["one", "two"]


async def test_headers_are_replayed_with_all_their_values_and_the_length():
    headers = {"link": ("</a>", "</b>"), "content-type": "text/plain", "set-cookie": "[scrubbed]"}
    answer = await client(says("é", headers=headers)).get(URL)
    assert answer.headers.multi_items() == [
        ("link", "</a>"),
        ("link", "</b>"),
        ("content-type", "text/plain"),
        ("set-cookie", "[scrubbed]"),
        ("content-length", "2"),
    ]


async def test_json_and_bytes_and_nothing_are_replayed():
    replay = client(
        HttpResponse(status=201, json={"a": ["é"]}), HttpResponse(status=200, base64=b"\xff"), HttpResponse(status=204)
    )
    first, second, third = [await replay.get(URL) for _ in range(3)]
    assert (first.status_code, first.json()) == (201, {"a": ["é"]})
    assert second.content == b"\xff"
    assert (third.status_code, third.content, "content-length" in third.headers) == (204, b"", False)


async def test_a_redirect_is_followed_into_the_recording():
    moved = HttpResponse(status=302, headers={"location": "/there?api_key=[scrubbed]"})
    world = cassette(moved).overlaid(cassette(says("arrived"), url=f"{URL}there?api_key=[scrubbed]"))
    replay = httpx.AsyncClient(transport=ReplayTransport(world), follow_redirects=True)
    answer = await replay.get(URL)
    assert (answer.text, len(answer.history)) == ("arrived", 1)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("ConnectError", httpx.ConnectError),
        ("ConnectTimeout", httpx.ConnectTimeout),
        ("ReadError", httpx.ReadError),
        ("ReadTimeout", httpx.ReadTimeout),
        ("RemoteProtocolError", httpx.RemoteProtocolError),
        ("WriteError", httpx.WriteError),
        ("WriteTimeout", httpx.WriteTimeout),
    ],
)
async def test_an_error_is_raised_again_after_its_time(autojump_clock, kind, error):
    with pytest.raises(httpx.TransportError) as caught:
        await client(HttpFailure(kind=kind, after=3)).get(URL)
    assert type(caught.value) is error
    assert caught.value.request.url == URL
    assert trio.current_time() == 3


@pytest.mark.parametrize(
    ("cut", "error"),
    [(True, httpx.RemoteProtocolError), ("ReadError", httpx.ReadError), ("ReadTimeout", httpx.ReadTimeout)],
)
async def test_a_cut_stream_breaks_after_its_last_piece(autojump_clock, cut, error):
    heard = []

    async def hear(response: httpx.Response) -> None:
        async for piece in response.aiter_bytes():
            heard.append(piece)

    async with client(streams((1, "a"), (2, "b"), (4, ""), cut=cut)).stream("GET", URL) as response:
        with pytest.raises(error, match="the recording is cut here") as caught:
            await hear(response)
    assert heard == [b"a", b"b"]
    assert caught.value.request.url == URL
    assert trio.current_time() == 7


async def test_a_body_in_one_may_be_cut_too():
    with pytest.raises(httpx.RemoteProtocolError):
        await client(says('{"a": ', cut=True)).get(URL)


@pytest.mark.parametrize(
    "story",
    [says("late", after=9), streams((9, "late")), HttpFailure(kind="ReadError", after=9)],
    ids=["the head", "a piece", "an error"],
)
async def test_a_wait_longer_than_the_read_timeout_ends_with_it(autojump_clock, story):
    with pytest.raises(httpx.ReadTimeout) as caught:
        await client(story, timeout=5).get(URL)
    assert caught.value.request.url == URL
    assert trio.current_time() == 5


async def test_the_read_timeout_holds_at_the_pace_of_the_replay(autojump_clock):
    assert (await client(says("in time", after=9), timeout=5, pace=0.5).get(URL)).text == "in time"
    assert (await client(says("in time", after=9), timeout=5, pace=0).get(URL)).text == "in time"
    with pytest.raises(httpx.ReadTimeout):
        await client(says("late", after=3), timeout=5, pace=2).get(URL)


async def test_the_read_timeout_does_not_limit_a_connection(autojump_clock):
    with pytest.raises(httpx.ConnectTimeout):
        await client(HttpFailure(kind="ConnectTimeout", after=9), timeout=5).get(URL)
    assert trio.current_time() == 9


async def test_the_caller_may_cancel_in_the_middle_of_a_wait(autojump_clock):
    async with client(streams((1, "a"), (100, "b"))).stream("GET", URL) as response:
        with trio.move_on_after(10):
            async for piece in response.aiter_bytes():
                assert piece == b"a"
    assert response.is_closed
    assert trio.current_time() == 10


async def test_a_body_that_was_closed_gives_no_more():
    async with client(streams((0, "a"), (0, "b"), cut=True)).stream("GET", URL) as response:
        pieces = aiter(response.stream)
        assert await anext(pieces) == b"a"
        await response.aclose()
        assert [piece async for piece in pieces] == []


async def test_repeats_are_answered_in_order_until_a_miss_says_how_many_there_were():
    replay = client(says("one"), says("two"))
    assert [(await replay.get(URL)).text for _ in range(2)] == ["one", "two"]
    with pytest.raises(ReplayMiss) as caught:
        await replay.get(URL)
    assert str(caught.value) == "No recording answers GET https://e.com/ (recorded 2 times, asked a 3rd)."


async def test_runs_at_the_same_time_each_hear_the_whole_story(autojump_clock):
    run: ContextVar[str] = ContextVar("run")
    replay = client(says("one", after=1), says("two", after=1), scope=run.get)
    told: dict[str, list[str]] = {}

    async def listen(name: str) -> None:
        run.set(name)
        told[name] = [(await replay.get(URL)).text for _ in range(2)]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, "x")
        nursery.start_soon(listen, "y")
    assert told == {"x": ["one", "two"], "y": ["one", "two"]}


async def test_requests_at_the_same_time_are_answered_in_the_order_in_which_they_were_made(autojump_clock):
    replay = client(says("one", after=9), says("two", after=1))
    told: list[tuple[int, str]] = []

    async def ask(n: int) -> None:
        await trio.sleep(n)
        told.append((n, (await replay.get(URL)).text))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, 1)
        nursery.start_soon(ask, 2)
    assert told == [(2, "two"), (1, "one")]


async def test_a_miss_reaches_the_caller_of_httpx_as_itself():
    with pytest.raises(ReplayMiss) as caught:
        await client(says("one")).get(f"{URL}?api_key=hunter2&page=2")
    assert str(caught.value) == (
        "No recording answers GET https://e.com/?api_key=[scrubbed]&page=2.\n"
        "The nearest is GET https://e.com/, which differs:\n"
        "  - query page: asked 2, recorded nothing"
    )


async def test_another_key_is_no_miss():
    world = cassette(says("one"), url=f"{URL}?q=1&api_key=[scrubbed]")
    replay = httpx.AsyncClient(transport=ReplayTransport(world, scope=object))
    assert (await replay.get(URL, params={"api_key": "mine", "q": 1})).text == "one"
    assert (await replay.get(URL, params={"q": 1})).text == "one"


# --- The SDK of a model ----------------------------------------------------------------------------------------------

PROMPT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Go"}]}


def delta(text: str) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n"


def model(*outcomes: HttpResponse | HttpFailure) -> groq.AsyncGroq:
    world = cassette(*outcomes, method="POST", url=CHAT, json={**PROMPT, "stream": True})
    http_client = httpx.AsyncClient(transport=ReplayTransport(world))
    return groq.AsyncGroq(http_client=http_client, api_key="x", max_retries=0)


async def say_all(sdk: groq.AsyncGroq, told: list[tuple[float, str | None]], **changes: Any) -> None:
    async with await sdk.chat.completions.create(**{**PROMPT, "stream": True} | changes) as stream:
        async for chunk in stream:
            told.append((trio.current_time(), chunk.choices[0].delta.content))


async def test_an_sdk_streams_a_replayed_answer_in_its_time(autojump_clock):
    told: list[tuple[float, str | None]] = []
    answer = streams((0.5, delta("Hel")), (0.25, delta("lo")), (0.25, "data: [DONE]\n\n"), after=1)
    await say_all(model(answer), told)
    assert told == [(1.5, "Hel"), (1.75, "lo")]


async def test_an_sdk_wraps_a_miss_as_its_cause():
    with pytest.raises(groq.APIConnectionError) as caught:
        await say_all(model(says("")), [], model="another")
    assert isinstance(caught.value.__cause__, ReplayMiss)
    assert caught.value.__cause__.differences == ("body model: asked 'another', recorded 'm'",)


async def test_an_sdk_passes_a_cut_on_as_httpx_raises_it(autojump_clock):
    told: list[tuple[float, str | None]] = []
    with pytest.raises(httpx.RemoteProtocolError):
        await say_all(model(streams((1, delta("Hel")), cut=True)), told)
    assert told == [(1, "Hel")]


async def test_an_sdk_tells_a_timeout_from_other_errors(autojump_clock):
    with pytest.raises(groq.APITimeoutError):
        await say_all(model(HttpFailure(kind="ReadTimeout", after=5)), [])
    with pytest.raises(groq.APIConnectionError):
        await say_all(model(HttpFailure(kind="ConnectError")), [])
