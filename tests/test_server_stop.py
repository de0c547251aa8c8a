"""How a server starts and stops: one clear sentence when it cannot, and readers who know that they may come back."""

import signal
import socket
import textwrap
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio
import trio.testing

from narrate import Explained, resource, say
from narrate.journal.sqlite import SqliteJournal
from narrate.server import Options, create_app
from narrate.server.serving import CannotServe, serve
from tests.serving import Process, get, heard, one_step, post, served, until

RECONNECT = b"retry: 2000\n\n"


def stuck(linger):
    async def waits() -> None:
        await trio.sleep_forever()

    return one_step(waits, linger=linger)


async def told_much(server):
    """Until the one run has told all it will, and its reader is being written to."""
    (run,) = server.service.narrator.runs
    await until(lambda: any(event.type == "message" for event in run.reader().take_nowait()))


@pytest.fixture
def durable(tmp_path):
    """Makes journals that have the same runs, for one server after the other."""
    return partial(SqliteJournal, tmp_path / "runs.db")


@pytest.mark.parametrize(
    ("accept", "word"),
    [
        ("text/event-stream", RECONNECT),
        ("application/x-ndjson", b""),
        ("text/plain", b"\n(The server is going down. Ask again for the rest.)\n"),
    ],
)
async def test_a_stop_ends_open_streams_cleanly_and_without_a_last_event_when_the_run_goes_on(accept, word, durable):
    async with served(stuck(None), journal=durable()) as server, await server.asked(accept=accept) as client:
        await client.head()
        while b"Working" not in (await client.chunk()).replace(b'"title":"Working"}]', b""):
            pass
        server.stop.set()
        assert await client.body() == word
        assert client.ended
        with trio.fail_after(10):
            await server.stopped.wait()


async def test_new_runs_are_refused_while_a_server_stops(durable):
    async def work() -> int:
        say("x" * 8_000_000)
        await trio.sleep_forever()
        return 1

    serving = {"drain_within": 5, "stuck_after": 30}
    async with served(one_step(work), journal=durable(), serving=serving) as server:
        async with await server.asked(receive_buffer=200_000) as slow:
            await slow.head()
            await told_much(server)
            server.stop.set()
            await until(lambda: server.service.stopping)
            answer = await server.client.post("/story")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["detail"] == "The server is stopping."
            health = await server.client.get("/healthz")
            assert (health.status_code, health.json()["status"]) == (503, "stopping")
            assert (await slow.body()).endswith(RECONNECT)
        await server.stopped.wait()


async def test_a_reader_who_comes_while_the_server_stops_is_sent_away_after_what_there_is(durable):
    async def work() -> int:
        say("x" * 8_000_000)
        await trio.sleep_forever()
        return 1

    told = one_step(work, linger=None)
    async with served(told, journal=durable()) as server, await server.asked(receive_buffer=200_000) as slow:
        _, headers = await slow.head()
        await told_much(server)
        server.stop.set()
        await until(lambda: server.service.streams.draining)
        body = (await server.client.get(headers["content-location"])).content
        assert heard(body)[-1]["type"] == "message"
        assert body.endswith(RECONNECT)
        await slow.body()
        await server.stopped.wait()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the bound on stuck readers is Linux's")
async def test_a_reader_who_has_stopped_reading_cannot_hold_up_a_stop():
    async def work() -> int:
        say("x" * 20_000_000)
        await trio.sleep_forever()
        return 1

    serving = {"drain_within": 0.05, "stuck_after": 0.3}
    told, options = one_step(work), Options(grace=0)
    async with (
        served(told, options=options, serving=serving) as server,
        await server.asked(receive_buffer=4096) as client,
    ):
        await until(lambda: len(server.service.streams) == 1)
        server.stop.set()
        with trio.fail_after(20):
            await server.stopped.wait()
        assert not client.ended


async def test_an_idle_connection_does_not_hold_up_a_stop():
    async with served(stuck(0)) as server, await server.wire() as client:
        await client.send(get("/healthz"))
        assert (await client.answer())[0] == 200
        server.stop.set()
        await server.stopped.wait()
        with pytest.raises(EOFError):
            await client.read(1)


async def test_an_app_can_be_served_again():
    app = create_app(one_step(trio.lowlevel.checkpoint))
    for _ in range(2):
        async with served(app=app) as server:
            assert (await server.client.post("/story")).status_code == 200


class NoKey(Explained):
    pass


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoKey("Set the environment variable KEY."), "Set the environment variable KEY."),
        (ConnectionRefusedError("no route"), "A resource could not be opened: ConnectionRefusedError: no route."),
        (KeyError("name"), "A resource could not be opened: KeyError: 'name'."),
        (ValueError("two\n  lines."), "A resource could not be opened: ValueError: two lines."),
        (RuntimeError(), "A resource could not be opened: RuntimeError."),
        (ExceptionGroup("several", [ExceptionGroup("deep", [NoKey("Deep.")])]), "Deep."),
    ],
)
async def test_a_resource_that_cannot_be_opened_is_one_sentence(error, said):
    @resource
    async def door():
        raise error
        yield

    async def work(door: int) -> int:
        return door

    with pytest.raises(CannotServe) as caught:
        await serve(create_app(one_step(work, resources=[door])), port=0)
    assert str(caught.value) == said
    assert caught.value.__cause__ is not None


async def test_a_port_in_use_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"^Port {port} is in use already. Choose another with --port.$"):
            await serve(create_app(stuck(0)), port=port)


async def test_a_host_that_is_not_ours_is_one_sentence():
    with pytest.raises(CannotServe, match=r"^Cannot listen on 192\.0\.2\.1:8000: .*\.$"):
        await serve(create_app(stuck(0)), host="192.0.2.1", port=8000)


async def test_a_server_that_is_cancelled_while_it_starts_is_cancelled():
    @resource
    async def door():
        await trio.sleep_forever()
        yield

    async def work(door: int) -> int:
        return door

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(serve, create_app(one_step(work, resources=[door])), port=0))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert nursery.cancel_scope.cancelled_caught


async def test_a_resource_that_cannot_be_closed_does_not_hold_up_a_stop(capfd):
    @resource
    async def door():
        yield 1
        raise RuntimeError("it jams")

    async def work(door: int) -> int:
        return door

    async with served(one_step(work, resources=[door])) as server:
        assert (await server.client.post("/story")).status_code == 200
    assert "it jams" in capfd.readouterr().err


TARGET = """
import trio
from narrate import Explained, Pipeline, resource, step

class NoKey(Explained):
    pass

@resource
async def key():
    raise NoKey("Set the environment variable KEY.")
    yield

@resource
async def door():
    yield 1
    print("closed", flush=True)

@step("Waiting")
async def wait(door: int) -> int:
    await trio.sleep_forever()

@step("Locked")
async def locked(key: int) -> int:
    return key

waits = Pipeline("waits", wait, resources=[door], title="It waits", linger=None)
fails = Pipeline("fails", locked, resources=[key])
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target.py").write_text(textwrap.dedent(TARGET))
    return tmp_path / "target.py"


def asked_and_signalled(process, number):
    """All that a client hears that asks for `waits`, when the process is signalled after the step has started."""
    address = urlsplit(process.address())
    assert process.line().startswith("Open http://127.0.0.1:")
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall(post("/waits"))
        received = b""
        while b"step.started" not in received:
            received += client.recv(65536)
        process.signal(number)
        while not received.endswith(b"0\r\n\r\n"):
            received += client.recv(65536)
    return received


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_command_cleanly(target, number):
    with Process(f"{target}:waits", "--port", "0", "--grace", "0") as process:
        received = asked_and_signalled(process, number)
        code, out, err = process.end()
    assert b'"type":"run.cancelled"' in received
    assert (code, err) == (0, "")
    assert out.splitlines()[-2:] == ["closed", "Stopped."]


def test_the_command_hands_runs_to_its_next_start_which_says_so(target):
    arguments = (f"{target}:waits", "--port", "0", "--journal", f"sqlite:///{target}.db")
    with Process(*arguments) as process:
        received = asked_and_signalled(process, signal.SIGTERM)
        assert process.end()[0] == 0
    assert received.endswith(b"\r\n" + RECONNECT + b"\r\n0\r\n\r\n")
    with Process(*arguments) as process:
        process.address()
        assert process.line() == "1 interrupted run goes on.\n"


def test_who_stops_it_is_told_for_how_many_runs_it_waits(target):
    with Process(f"{target}:waits", "--port", "0", "--grace", "60", "--no-access-log") as process:
        address = urlsplit(process.address())
        assert process.line().startswith("Open ")
        with socket.create_connection((address.hostname, address.port), timeout=20) as client:
            client.sendall(post("/waits"))
            assert b"200" in client.recv(65536)
            process.signal(signal.SIGINT)
            assert process.line() == "Waiting up to 60 s for 1 run; Ctrl-C again stops at once.\n"
            process.signal(signal.SIGINT)
            assert process.end() == (-signal.SIGINT, "", "")


async def test_runs_that_the_next_start_goes_on_with_are_not_waited_for(durable):
    said = []
    serving = {"waits": lambda *told: said.append(told)}
    async with (
        served(stuck(None), options=Options(grace=60), serving=serving, journal=durable()) as server,
        await server.asked() as client,
    ):
        await client.until_started()
        server.stop.set()
        await server.stopped.wait()
    assert said == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_command_at_once_whatever_blocks_it(target, number):
    blocking = 'yield 1\n    print("closing", flush=True)\n    import time; time.sleep(60)\n'
    target.write_text(target.read_text().replace("yield 1\n", blocking))
    with Process(f"{target}:waits", "--port", "0") as process:
        process.address()
        assert process.line().startswith("Open")
        process.signal(number)
        assert process.line() == "closing\n"
        process.signal(number)
        assert process.end() == (-number, "", "")


def test_the_command_says_in_one_sentence_why_it_cannot_serve(target):
    with Process(f"{target}:fails", "--port", "0") as process:
        assert process.end() == (1, "", "Error: Set the environment variable KEY.\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Process(f"{target}:waits", "--port", str(port)) as process:
            code, out, err = process.end()
    assert (code, out) == (1, "")
    assert err == f"Error: Port {port} is in use already. Choose another with --port.\n"
