"""The client for scripts: what the async client does, without a word of async, by real servers and signals."""

import asyncio
import inspect
import random
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import httpx
import pytest
import trio
from anyio.from_thread import start_blocking_portal
from pydantic_core import PydanticSerializationError

from narrate import (
    Pipeline,
    RemoteRun,
    RemoteRunSync,
    RunCancelled,
    RunCut,
    RunFailed,
    RunRejected,
    connect,
    connect_sync,
    each,
    follow,
    follow_sync,
    say,
    step,
)
from tests.cutting import cutting
from tests.following import Scripted, end, refuses, said, streams
from tests.serving import served

URL = "http://far.example/assist"
HOME = "http://far.example/runs/r1"


async def look(n):
    say(f"looked at {n} – ☂")


@step("Looking")
async def looked() -> int:
    return len(await each(list(range(30)), look, label=str))


@step("Waiting")
async def waited() -> None:
    await trio.sleep_forever()


@step("Breaking")
async def broken() -> None:
    raise ValueError


told = Pipeline("told", looked)
failing = Pipeline("failing", broken)
endless = Pipeline("endless", waited, linger=None)
watched = Pipeline("watched", waited, linger=0)


@pytest.fixture(scope="module")
def server():
    """The address of a server that runs in another thread."""
    with (
        start_blocking_portal("trio") as portal,
        portal.wrap_async_context_manager(served(told, failing, endless, watched)) as one,
    ):
        yield one.url


def far(*answers):
    """A client whose far side gives these answers."""
    return httpx.AsyncClient(transport=Scripted(*answers))


def numbered(event):
    return event.n > 0


def numbers(events):
    return [event.n for event in filter(numbered, events)]


# --- As the async client ---


def test_a_story_is_heard_to_its_end_and_its_result_had(server):
    with connect_sync(f"{server}/told") as run:
        assert (run.id, run.url, run.last) == (None, None, 0)
        events = list(run.events())
        assert run.result() == 30

    assert events[-1].type == "run.finished"
    assert numbers(events) == list(range(1, run.last + 1))
    assert run.url == f"{server}/runs/{run.id}"


def test_a_run_that_exists_is_followed_from_any_place(server):
    with connect_sync(f"{server}/told") as run:
        whole = list(run.events())
    with follow_sync(run.url, after=10) as again:
        assert list(again.events()) == [event for event in whole if event.n > 10]


@pytest.mark.parametrize(("one", "other"), [(connect, connect_sync), (follow, follow_sync)])
def test_the_options_are_those_of_the_async_client(one, other):
    assert inspect.signature(one).parameters == inspect.signature(other).parameters


def test_the_run_has_whatever_the_async_one_has():
    public = {name for name in vars(RemoteRun) if not name.startswith("_")}

    assert public == {name for name in vars(RemoteRunSync) if not name.startswith("_")}


def test_every_option_reaches_the_server():
    http = far(streams(b"retry: 0\n\n" + said(1, 2)), streams(said(3) + end(4, [7])))
    with connect_sync(URL, {"q": 1}, http=http, headers={"X": "y"}, key="mine", silence=5, cap=0, attempts=9) as run:
        assert run.result() == [7]

    first, second = http._transport.asked
    assert (first.method, first.content, first.headers["X"]) == ("POST", b'{"q":1}', "y")
    assert (first.headers["Idempotency-Key"], second.headers["Last-Event-ID"]) == ("mine", "2")


# --- Cut ---


async def test_a_hundred_real_cuts_lose_nothing_and_tell_nothing_twice():
    rolls = random.Random(20261122)
    async with served(told) as server, cutting(server.port, lambda: rolls.randrange(2500)) as cutter:
        whole = await server.client.post("/told", headers={"Accept": "application/x-ndjson"})
        record = await server.record_of(whole)
        home = f"http://127.0.0.1:{cutter.port}/runs/{whole.headers['narrate-run']}"
        while cutter.cuts < 100:
            assert await trio.to_thread.run_sync(heard_at, home) == list(record)


def heard_at(home):
    with follow_sync(home, cap=0) as run:
        return list(filter(numbered, run.events()))


def test_a_server_that_is_not_there_is_a_cut(unused_port):
    with (
        connect_sync(f"http://127.0.0.1:{unused_port}/told", attempts=1) as run,
        pytest.raises(RunCut, match=r"^The story was heard up to event 0\. The connection failed \(ConnectError\)\.$"),
    ):
        run.result()


@pytest.fixture
def unused_port():
    with socket.socket() as held:  # bound and not listening: nobody else gets it, and nobody answers
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


# --- Errors, raised as themselves ---


def test_a_mistake_is_refused_with_each_field(server):
    with connect_sync(f"{server}/told", {"no": "input"}) as run, pytest.raises(RunRejected, match="takes no input"):
        list(run.events())


def test_input_that_cannot_be_written_down_is_refused_before_anything_is_asked():
    with pytest.raises(PydanticSerializationError), connect_sync(URL, object()):
        pass


def test_a_run_that_fails_raises_its_problem(server):
    with connect_sync(f"{server}/failing") as run, pytest.raises(RunFailed, match="unexpected ValueError"):
        run.result()


def test_who_is_refused_may_ask_again():
    http = far(refuses(403, "Not you."), refuses(403, "Nor now."))
    with follow_sync(HOME, http=http) as run:
        with pytest.raises(RunRejected, match="Not you"):
            run.result()
        with pytest.raises(RunRejected, match="Nor now"):
            run.result()


def test_what_the_block_raises_comes_out_of_it_as_it_is(server):
    mine = LookupError("mine")
    with pytest.raises(LookupError) as raised, connect_sync(f"{server}/endless") as run:
        raise next(mine for _ in run.events())

    assert raised.value is mine


def test_where_the_end_had_been_told_before_there_is_no_result():
    with (
        follow_sync(HOME, after=9, http=far(lambda _: httpx.Response(204))) as run,
        pytest.raises(RunCut, match="Its end had been told before"),
    ):
        run.result()


# --- Leaving ---


def test_a_story_may_be_left_and_taken_up_again():
    with follow_sync(HOME, http=far(streams(said(1, 2, 3) + end(4)))) as run:
        assert next(run.events()).n == 1
        for event in run.events():
            assert event.n == 2
            break
        assert numbers(run.events()) == [3, 4]
        assert list(run.events()) == []


def test_leaving_the_block_closes_the_connection(server):
    with connect_sync(f"{server}/watched") as run:
        for event in run.events():
            if event.type == "step.started":
                break

    with follow_sync(run.url) as left, pytest.raises(RunCancelled, match="Nobody was reading any more"):
        left.result()


def test_leaving_the_block_is_not_to_cancel(server):
    with connect_sync(f"{server}/endless") as run:
        next(run.events())

    with follow_sync(run.url) as found:
        next(found.events())
        assert httpx.get(run.url).json()["state"] == "working"
        found.cancel()
        with pytest.raises(RunCancelled, match="The client cancelled it"):
            found.result()


def test_a_client_of_ones_own_is_closed_with_the_run():
    http = far(streams(said(1)))
    with follow_sync(HOME, http=http) as run:
        next(run.events())
        assert not http.is_closed

    assert http.is_closed


@pytest.mark.parametrize("ask", [lambda run: list(run.events()), RemoteRunSync.result, RemoteRunSync.cancel])
def test_nothing_can_be_asked_for_when_the_block_was_left(ask):
    with follow_sync(HOME, http=far(streams(said(1)))) as run:
        next(run.events())

    with pytest.raises(RunCut, match=r"event 1\. Its connection was closed when the `with` block was left"):
        ask(run)


def test_a_thread_that_still_reads_when_the_block_is_left_is_told_so(server):
    heard = SimpleQueue()

    def read(run):
        for event in run.events():
            heard.put(event)

    with ThreadPoolExecutor() as threads:
        with connect_sync(f"{server}/endless") as run:
            reading = threads.submit(read, run)
            heard.get()
        with pytest.raises(RunCut, match="when the `with` block was left"):
            reading.result()


# --- Cancelling ---


def test_a_run_is_cancelled_there_and_tells_so(server):
    with connect_sync(f"{server}/endless") as run:
        for event in run.events():
            if event.type == "step.started":
                run.cancel()
        assert event.type == "run.cancelled"
        with pytest.raises(RunCancelled, match="The client cancelled it"):
            run.result()


def test_another_thread_may_cancel_while_one_reads(server):
    with ThreadPoolExecutor() as threads, connect_sync(f"{server}/endless") as run:
        next(run.events())
        reading = threads.submit(list, run.events())
        threads.submit(run.cancel).result()
        assert reading.result()[-1].type == "run.cancelled"


def test_what_has_not_begun_cannot_be_cancelled(server):
    with connect_sync(f"{server}/endless") as run, pytest.raises(RunCut, match="nothing can be cancelled"):
        run.cancel()


# --- Ctrl-C ---

READS = """
import sys, narrate
with narrate.connect_sync(sys.argv[1]) as run:
    for event in run.events():
        print(event.type, run.url, flush=True)
"""

CANCELS = """
import sys, narrate
def show(run):
    for event in run.events():
        print(event.type, event.n, flush=True)
with narrate.connect_sync(sys.argv[1]) as run:
    try:
        show(run)
    except KeyboardInterrupt:
        run.cancel()
        show(run)
"""


def interrupted(script, url):
    """A script that reads a run there and is interrupted when a step has begun: its exit code, and what it says."""
    # Whoever started these tests in the background has it ignored by all that come of them.
    heeding = f"import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n{script}"
    with subprocess.Popen([sys.executable, "-c", heeding, url], stdout=-1, stderr=-1, text=True) as reader:
        said = []
        while "step.started" not in "".join(said):
            said.append(reader.stdout.readline())
        reader.send_signal(signal.SIGINT)
        rest, complaints = reader.communicate()
    return reader.returncode, [line.split(" ") for line in ("".join(said) + rest).splitlines()], complaints


def test_ctrl_c_leaves_at_once_and_closes_the_connection(server):
    code, said, complaints = interrupted(READS, f"{server}/watched")

    assert (code, complaints.splitlines()[-1]) == (-signal.SIGINT, "KeyboardInterrupt")
    with follow_sync(said[-1][1]) as run, pytest.raises(RunCancelled, match="Nobody was reading any more"):
        run.result()


def test_who_catches_ctrl_c_inside_of_the_block_can_cancel_and_hear_the_rest_without_a_hole(server):
    code, said, complaints = interrupted(CANCELS, f"{server}/endless")

    assert (code, complaints) == (0, "")
    assert said[-1][0] == "run.cancelled"
    assert [int(n) for _, n in said if n != "0"] == list(range(1, int(said[-1][1]) + 1))


NEVER_LEAVES = """
import sys, narrate
block = narrate.connect_sync(sys.argv[1])
print(next(block.__enter__().events()).type)
"""


def test_a_program_that_never_leaves_the_block_can_end(server):
    command = [sys.executable, "-c", NEVER_LEAVES, f"{server}/endless"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "run.started\n", "")


# --- Wherever it is called ---


def result_of(url):
    with connect_sync(url) as run:
        return run.result()


async def test_from_a_thread_of_an_async_program():
    async with served(told) as server:
        assert await trio.to_thread.run_sync(result_of, f"{server.url}/told") == 30


async def test_in_the_midst_of_trio(server):
    assert result_of(f"{server}/told") == 30


def test_in_the_midst_of_asyncio(server):
    async def main():
        return result_of(f"{server}/told")

    assert asyncio.run(main()) == 30


def test_two_runs_at_once(server):
    with connect_sync(f"{server}/told") as one, connect_sync(f"{server}/told") as other:
        pairs = zip(filter(numbered, one.events()), filter(numbered, other.events()), strict=True)
        assert {(left.n, left.type) == (right.n, right.type) for left, right in pairs} == {True}

    assert one.id != other.id
    assert one.last == other.last > 60
