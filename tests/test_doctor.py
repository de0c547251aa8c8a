"""`observe`: a real probe, through what really spoils streams, and what comes where there is none.

What is found out is for the pure tests; here verdicts alone are asserted, whose margins are wide.
"""

import ssl
from functools import partial

import httpx
import msgspec
import pytest
import trio
import trio.testing
import trustme
from quart_trio import QuartTrio

from narrate.doctor import observe
from narrate.probing.judge import What, judge
from narrate.probing.seen import End, Trouble
from narrate.probing.words import Plan
from narrate.server import Options, Refused, create_blueprint
from narrate.wire.sse import frame
from tests.following import Answer, Chunks, Scripted, refuses
from tests.probed import HEADERS, words_of
from tests.proxying import cut_behind, in_lots, nginx, proxied
from tests.serving import one_step, served

SHORT = Plan(seconds=1)


async def work() -> int:
    return 1


STORY = one_step(work)


async def bad(url: str, plan: Plan = SHORT) -> list[str]:
    """What is bad at this address."""
    return [finding.what.value for finding in judge(await observe(url, plan)) if finding.verdict == "bad"]


# --- Through nginx ---


async def test_without_anything_between_nothing_is_bad():
    async with served(STORY) as server:
        assert await bad(f"{server.url}/story", Plan()) == []


async def test_an_nginx_as_it_comes_spoils_nothing():
    async with served(STORY) as server:
        with nginx(server.port) as front:
            assert await bad(front.url, Plan()) == []


@pytest.mark.parametrize(
    ("settings", "spoilt"),
    [
        ("proxy_ignore_headers X-Accel-Buffering;", ["first byte", "pieces"]),
        (
            "proxy_http_version 1.1; gzip on; gzip_proxied any; gzip_min_length 0; gzip_types text/event-stream;",
            ["encoding"],
        ),
        ("proxy_hide_header Narrate-Heartbeat;", ["answer headers"]),
        ("proxy_set_header Last-Event-ID '';", ["request headers"]),
    ],
    ids=["buffers", "compresses", "hides a header", "drops a header"],
)
async def test_an_nginx_that_spoils_something_is_found_out(settings, spoilt):
    async with served(STORY) as server:
        with nginx(server.port, settings) as front:
            assert await bad(front.url) == spoilt


async def test_an_nginx_that_cuts_in_a_silence_is_found_out():
    async with served(STORY) as server:
        with nginx(server.port, "proxy_read_timeout 1s;") as front:
            assert await bad(front.url, Plan(seconds=0, silence=5)) == ["end", "silence"]


async def test_an_nginx_that_takes_a_prefix_away_is_found_out():
    async with served(STORY) as server:
        with nginx(server.port, prefix="/app/", onto="/") as front:
            assert await bad(f"{front.url}/app/story") == ["address"]


async def test_an_nginx_behind_which_nobody_is_has_a_gateways_answer():
    with nginx(1) as front:
        assert await bad(front.url) == ["narrate"]


# --- Through others ---


async def test_a_proxy_that_joins_pieces_is_found_out():
    async with served(STORY) as server, proxied(server.port, in_lots(1300)) as url:
        assert "pieces" in await bad(url, Plan())


async def test_a_proxy_that_cuts_behind_so_many_bytes_is_found_out():
    async with served(STORY) as server, proxied(server.port, cut_behind(2000)) as url:
        seen = await observe(url, SHORT)
    assert seen.end is End.BROKEN
    assert [finding.what for finding in judge(seen) if finding.verdict == "bad"] == [What.END]


async def test_a_server_that_stops_is_not_one_that_cuts():
    async with served(STORY) as server, trio.open_nursery() as nursery:
        heard = []

        async def listen() -> None:
            heard.append(await observe(server.url, Plan(seconds=0, silence=60)))

        nursery.start_soon(listen)
        while not len(server.service.streams):
            await trio.testing.wait_all_tasks_blocked()
        server.stop.set()
    [seen] = heard
    assert seen.retry
    assert [finding.what for finding in judge(seen) if finding.verdict == "bad"] == []


# --- Where it is asked ---


async def test_the_probe_of_a_blueprint_is_found_from_a_run_of_its():
    app = QuartTrio("tests.doctoring")
    blueprint, service = create_blueprint(STORY, options=Options(grace=0))
    app.register_blueprint(blueprint, url_prefix="/api")
    app.extensions["narrate"] = service
    async with served(app=app) as server:
        seen = await observe(f"{server.url}/api/runs/no-such-run/events", Plan(seconds=0))
    assert httpx.URL(seen.url).path == "/api/probe"
    assert seen.end is End.WHOLE


async def test_headers_are_sent_for_whoever_wants_them():
    def known(request):
        if request.headers.get("Authorization") != "Bearer me":
            raise Refused(401, "Who are you?")

    async with served(STORY, authorize=known) as server:
        refused = await observe(f"{server.url}/story", SHORT)
        let_in = await observe(f"{server.url}/story", Plan(seconds=0), headers={"Authorization": "Bearer me"})
    assert refused.head.status == 401
    assert let_in.opened is not None


# --- Where there is no probe ---


async def test_where_nobody_listens_that_is_said():
    async with served(STORY) as server:
        pass
    assert (await observe(server.url, SHORT)).trouble is Trouble.NOBODY


async def test_a_name_of_nobodys_is_said():
    assert (await observe("http://no-such-host.invalid/", SHORT)).trouble is Trouble.NO_HOST


async def test_https_where_there_is_none_is_said():
    async with served(STORY) as server:
        seen = await observe(server.url.replace("http:", "https:"), SHORT)
    assert (seen.trouble, seen.detail) == (Trouble.TLS, "what answers there is not TLS")


async def test_a_certificate_that_nobody_knows_is_said():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def answer(stream: trio.SSLStream) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()

    async with trio.open_nursery() as nursery:
        listening = partial(trio.serve_ssl_over_tcp, answer, 0, context, host="127.0.0.1")
        [listener] = await nursery.start(listening)
        port = listener.transport_listener.socket.getsockname()[1]
        seen = await observe(f"https://127.0.0.1:{port}/", SHORT)
        nursery.cancel_scope.cancel()
    assert (seen.trouble, seen.detail) == (Trouble.TLS, "unable to get local issuer certificate")


@pytest.mark.parametrize("said", [b"220 mail.example ESMTP\r\n", b""])
async def test_who_speaks_no_http_is_said(said):
    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(said)

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        seen = await observe(f"http://127.0.0.1:{listener.socket.getsockname()[1]}/", SHORT)
        nursery.cancel_scope.cancel()
    assert seen.trouble is Trouble.NO_HTTP


# --- By a script, on virtual time ---


def probe(*, then: BaseException | float | None = None, count: int | None = None, **headers: str) -> Answer:
    """An answer with so many words of a probe, and `then` whatever comes."""
    words = [frame(msgspec.json.encode(word), word.n) for word in words_of(SHORT)[:count]]
    return lambda _: httpx.Response(200, headers={**HEADERS, **headers}, stream=Chunks(words, then))


async def scripted(*answers: Answer, path: str = "/"):
    """What is seen of these answers, and what was asked."""
    transport = Scripted(*answers, *[refuses(405)] * 3)
    async with httpx.AsyncClient(transport=transport) as http:
        return await observe(f"http://far.example{path}", SHORT, http=http), transport.asked


async def test_folders_are_tried_upwards_until_there_is_a_probe():
    seen, asked = await scripted(refuses(404), refuses(404), probe(), path="/a/b")
    assert [request.url.path for request in asked[:3]] == ["/a/b/probe", "/a/probe", "/probe"]
    assert seen.end is End.WHOLE


async def test_a_page_below_the_probe_is_passed_over():
    page = lambda _: httpx.Response(200, html="<h1>Hello</h1>")  # noqa: E731
    seen, _ = await scripted(page, probe(), path="/app")
    assert seen.opened is not None


async def test_somebody_elses_endless_stream_is_left_at_its_first_word():
    other = lambda _: httpx.Response(200, headers=HEADERS, stream=Chunks([b"data: hello\n\n"] * 3, 10_000))  # noqa: E731
    seen, asked = await scripted(other)
    assert (seen.end, seen.opened, len(asked)) == (End.STRANGE, None, 1)


async def test_what_is_compressed_so_that_it_cannot_be_read_is_asked_for_again_plainly():
    seen, asked = await scripted(probe(**{"content-encoding": "br"}), probe())
    assert (seen.encoding, seen.end) == ("br", End.WHOLE)
    assert [request.headers["accept-encoding"] for request in asked[:2]] == ["gzip, deflate, br, zstd", "identity"]


async def test_a_server_that_never_answers_is_given_up(autojump_clock):
    async def never(_request: httpx.Request) -> httpx.Response:
        await trio.sleep_forever()
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as http:
        seen = await observe("http://far.example/", SHORT, http=http)
    assert (seen.trouble, round(seen.ended, 3)) == (Trouble.MUTE, 16.2)


async def test_a_stream_that_falls_silent_is_given_up(autojump_clock):
    seen, _ = await scripted(probe(count=5, then=10_000.0))
    assert (seen.end, round(seen.ended, 3)) == (End.SILENT, 16.2)


async def test_a_connection_that_breaks_has_been_heard_as_far_as_it_went(autojump_clock):
    seen, _ = await scripted(probe(count=5, then=httpx.ReadError("cut")))
    assert (seen.end, len(seen.pieces)) == (End.BROKEN, 5)


async def test_a_question_that_breaks_after_the_probe_leaves_the_time_there_and_back_unknown():
    seen, _ = await scripted(probe(), httpx.ReadError("gone"))
    assert (seen.end, seen.round_trip) == (End.WHOLE, None)


async def test_a_connection_that_breaks_at_once_is_trouble():
    seen, _ = await scripted(httpx.ReadError("gone"))
    assert seen.trouble is Trouble.BROKEN


async def test_a_connection_that_does_not_come_about_in_time_is_trouble():
    seen, _ = await scripted(httpx.ConnectTimeout("slow"))
    assert seen.trouble is Trouble.NO_CONNECTION
