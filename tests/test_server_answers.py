"""The answers to one POST: which of them is given, and what becomes of the run whichever it is; over real sockets."""

import json
import tracemalloc
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from narrate import Explained, Pipeline, say
from narrate.errors import JournalFailed
from narrate.journal.memory import MemoryJournal
from narrate.server import Options, asked
from tests.serving import get, heard, one_step, post, served, until


class Gate:
    """What a step waits for, and whether it was cancelled there."""

    def __init__(self) -> None:
        self.opened = trio.Event()
        self.cancelled = 0
        self.runs = 0

    def pipeline(self, **options) -> Pipeline:
        async def work() -> dict[str, str]:
            self.runs += 1
            say("Waiting.")
            try:
                await self.opened.wait()
            except trio.Cancelled:
                self.cancelled += 1
                raise
            return {"answer": "Grüße"}

        return one_step(work, **options)


@pytest.fixture
def gate() -> Gate:
    return Gate()


class NoRoom(Explained):
    title = "There is no room"
    status = 507


async def work() -> list[int]:
    return [1, 2]


WORKING = one_step(work, linger=None)
JSON = {"Accept": "application/json"}
ASYNC = {"Prefer": "respond-async"}


# --- JSON: the result alone ---


async def test_json_is_the_result_and_where_its_run_is():
    async with served(WORKING) as server:
        answer = await server.client.post("/story", headers=JSON)
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (
            200,
            "application/json",
            b"[1,2]",
        )
        assert answer.headers["location"] == f"/runs/{answer.headers['narrate-run']}"
        assert answer.headers["vary"] == "Accept, Prefer"
        assert "preference-applied" not in answer.headers


async def test_json_waits_for_as_long_as_it_takes(gate, mock_clock):
    async with served(gate.pipeline(linger=0)) as server, await server.asked(accept="application/json") as client:
        await until(lambda: gate.runs == 1)
        mock_clock.jump(600)
        await trio.testing.wait_all_tasks_blocked()
        gate.opened.set()
        status, _, result = await client.answer()
        assert (status, result) == (200, {"answer": "Grüße"})


@pytest.mark.parametrize("status", [507, 429, 200, 99, 1000])
async def test_a_failure_is_a_problem_with_a_true_status(status):
    async def fail() -> int:
        error = NoRoom("The shelf is full.")
        error.status = status
        raise error

    async with served(one_step(fail)) as server:
        answer = await server.client.post("/story", headers=JSON)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.status_code == problem["status"] in (507, 429, 500)
        assert (problem["title"], problem["detail"], problem["step"]) == (
            "There is no room",
            "The shelf is full.",
            "fail",
        )
        assert answer.headers["location"] == f"/runs/{answer.headers['narrate-run']}"


async def test_what_nobody_should_read_is_not_in_the_problem(caplog):
    async def fail() -> int:
        raise RuntimeError("s3cret")

    async with served(one_step(fail)) as server:
        answer = await server.client.post("/story", headers=JSON)
        assert (answer.status_code, "s3cret" in answer.text) == (500, False)


async def test_a_cancelled_run_is_a_conflict_with_its_reason(gate):
    async with served(gate.pipeline()) as server, await server.asked(accept="application/json") as client:
        await until(lambda: gate.runs == 1)
        server.service.narrator.runs[0].cancel("Enough.")
        status, headers, problem = await client.answer()
        assert (status, problem["title"], problem["detail"]) == (409, "The run was cancelled", "Enough.")
        assert headers["content-type"] == "application/problem+json"


async def test_a_client_that_leaves_while_it_waits_stops_a_run_that_does_not_linger(gate):
    async with served(gate.pipeline(linger=0)) as server:
        async with await server.asked(accept="application/json") as client:
            await until(lambda: gate.runs == 1)
            client.reset()
            await until(lambda: not server.service.narrator.runs)
        assert gate.cancelled == 1


async def test_a_body_is_not_held_for_as_long_as_its_client_waits_for_the_result(gate):
    async with served(gate.pipeline()) as server, await server.wire() as client:
        tracemalloc.start()
        try:
            head = f"POST /story HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Length: {500_000}\r\n\r\n"
            await client.send(head.encode() + b" " * 500_000)
            await until(lambda: gate.runs == 1)
            held = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, asked.__file__)])
        finally:
            tracemalloc.stop()
        assert sum(trace.size for trace in held.traces) < 100_000


async def test_a_stop_of_the_server_is_told_to_who_waits_for_a_result(gate):
    async with served(gate.pipeline()) as server, await server.asked(accept="application/json") as client:
        await until(lambda: gate.runs == 1)
        with trio.fail_after(5):
            await server.service.drain(0)
        status, headers, problem = await client.answer()
        assert (status, headers["retry-after"], problem["detail"]) == (503, "5", "The server is stopping.")


# --- Prefer: a job ---


async def test_a_job_is_answered_at_once_with_its_state_and_where_to_ask(gate):
    async with served(gate.pipeline(linger=0)) as server:
        answer = await server.client.post("/story", headers=ASYNC)
        home = f"/runs/{answer.headers['narrate-run']}"
        assert answer.status_code == 202
        assert answer.headers["location"] == answer.headers["content-location"] == home
        assert (answer.headers["retry-after"], answer.headers["preference-applied"]) == ("2", "respond-async")
        assert (answer.json()["run"], answer.json()["state"], answer.json()["detached"]) == (home[6:], "working", True)
        gate.opened.set()
        assert heard((await server.client.get(f"{home}/events")).content)[-1]["type"] == "run.finished"
        assert (await server.client.get(home)).json()["result"] == {"answer": "Grüße"}


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream", "text/plain", "application/json"])
async def test_a_job_is_answered_so_whatever_form_is_preferred(gate, accept):
    async with served(gate.pipeline()) as server:
        answer = await server.client.post("/story", headers={"Accept": accept, **ASYNC})
        assert (answer.status_code, answer.headers["content-type"]) == (202, "application/json")


async def test_a_job_goes_on_without_readers_also_when_one_has_come_and_left(gate):
    async with served(gate.pipeline(linger=0)) as server:
        home = (await server.client.post("/story", headers=ASYNC)).headers["location"]
        async with await server.wire() as reader:
            await reader.send(get(f"{home}/events"))
            await reader.until_started()
        await until(lambda: not len(server.service.streams))
        assert len(server.service.narrator.runs) == 1
        gate.opened.set()
        await until(lambda: not server.service.narrator.runs)
        assert (await server.client.get(home)).json()["state"] == "finished"


async def test_a_client_that_would_wait_gets_the_result_that_comes_in_time():
    async with served(WORKING) as server:
        answer = await server.client.post("/story", headers={"Prefer": "respond-async, wait=30"})
        assert (answer.status_code, answer.json(), answer.headers["preference-applied"]) == (200, [1, 2], "wait=30")


@pytest.mark.parametrize(
    ("headers", "applied"),
    [
        ("Prefer: respond-async, wait=30\r\n", "respond-async, wait=30"),
        ("Prefer: wait=30\r\nAccept: application/json\r\n", "wait=30"),
    ],
)
async def test_a_result_that_does_not_come_in_time_is_a_job(gate, mock_clock, headers, applied):
    async with served(gate.pipeline(linger=0)) as server, await server.wire() as client:
        await client.send(b"POST /story HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + headers.encode() + b"\r\n")
        await until(lambda: gate.runs == 1)
        mock_clock.jump(30)
        status, told, state = await client.answer()
        assert (status, told["preference-applied"], state["state"]) == (202, applied, "working")
        assert (told["location"], state["detached"]) == (f"/runs/{state['run']}", True)
        gate.opened.set()
        await until(lambda: not server.service.narrator.runs)
        assert (await server.client.get(told["location"])).json()["result"] == {"answer": "Grüße"}


async def test_who_would_not_wait_at_all_gets_a_job(gate):
    async with served(gate.pipeline(linger=0)) as server:
        answer = await server.client.post("/story", headers={**JSON, "Prefer": "wait=0"})
        assert (answer.status_code, answer.json()["detached"]) == (202, True)


async def test_a_failure_in_time_is_a_problem():
    async def fail() -> int:
        raise NoRoom("The shelf is full.")

    async with served(one_step(fail)) as server:
        answer = await server.client.post("/story", headers={"Prefer": "respond-async, wait=5"})
        assert (answer.status_code, answer.json()["title"]) == (507, "There is no room")


# --- A stream that ends before its run ---


async def detached(server, client, mock_clock, seconds) -> bytes:
    """What a stream tells once its time is over."""
    await client.read_until(b"Waiting.")
    mock_clock.jump(seconds)
    rest = await client.read_until(b"\r\n0\r\n")
    await until(lambda: not len(server.service.streams))
    return rest


@pytest.mark.parametrize(
    ("options", "prefer", "seconds", "applied"),
    [
        ({}, "Prefer: wait=5\r\n", 5, "wait=5"),
        ({"detach_after": 7.5}, "", 7.5, None),
        ({"detach_after": 7.5}, "Prefer: wait=5\r\n", 5, "wait=5"),
        ({"detach_after": 7.5}, "Prefer: wait=50\r\n", 7.5, None),
    ],
)
async def test_a_stream_ends_after_its_time_and_the_run_carries_on(gate, mock_clock, options, prefer, seconds, applied):
    pipeline = gate.pipeline(linger=0, **options)
    async with served(pipeline) as server, await server.asked(headers=prefer) as client:
        _, headers = await client.head()
        last = await detached(server, client, mock_clock, seconds)
        home = f"/runs/{headers['narrate-run']}"
        told = json.loads(last.partition(b"data: ")[2].partition(b"\n")[0])
        assert (told["type"], told["run"], told["link"]) == ("detached", home[6:], home)
        assert b"id:" not in last
        assert headers.get("preference-applied") == applied
        assert (await server.client.get(home)).json()["detached"] is True
        gate.opened.set()
        await until(lambda: not server.service.narrator.runs)
        record = heard((await server.client.get(f"{home}/events")).content)
        assert [event["type"] for event in record][-2:] == ["step.finished", "run.finished"]


async def test_who_follows_a_run_after_its_stream_has_ended_hears_it_to_the_end(gate, mock_clock):
    async with served(gate.pipeline(linger=0, detach_after=5)) as server, await server.asked() as client:
        await client.head()
        told = json.loads((await detached(server, client, mock_clock, 5)).partition(b"data: ")[2].splitlines()[0])
        async with await server.wire() as follower:
            await follower.send(get(f"{told['link']}/events", headers="Last-Event-ID: 2\r\n"))
            await follower.head()
            await follower.until("message")
            mock_clock.jump(60)
            await trio.testing.wait_all_tasks_blocked()
            gate.opened.set()
            rest = heard(await follower.body())
        assert [event["type"] for event in rest] == ["step.finished", "run.finished"]


async def test_text_that_ends_before_its_run_says_so_in_a_sentence(gate, mock_clock):
    headers = "Prefer: wait=5\r\n"
    async with served(gate.pipeline()) as server, await server.asked(accept="text/plain", headers=headers) as client:
        _, told = await client.head()
        last = await detached(server, client, mock_clock, 5)
        assert f"(This goes on without you. See /runs/{told['narrate-run']} for".encode() in last


async def test_a_stream_whose_story_ends_in_time_is_whole():
    async with served(WORKING) as server:
        answer = await server.client.post("/story", headers={"Prefer": "wait=30"})
        assert heard(answer.content)[-1]["type"] == "run.finished"


async def test_a_reader_that_takes_nothing_detaches_its_run_in_time_too(mock_clock):
    gone = trio.Event()

    async def talk() -> int:
        say("x" * 20_000_000)
        await gone.wait()
        return 1

    async with served(one_step(talk, linger=0, detach_after=5)) as server:
        async with await server.asked(receive_buffer=4096) as client:
            await client.head()
            await until(lambda: len(server.service.streams) == 1)
            mock_clock.jump(6)
            client.reset()
            await until(lambda: not len(server.service.streams))
        gone.set()
        (run,) = server.service.narrator.runs
        assert await run.result() == 1


async def test_a_client_that_leaves_before_its_time_leaves_as_any_other(gate, mock_clock):
    async with served(gate.pipeline(linger=0, detach_after=5)) as server:
        async with await server.asked() as client:
            await client.until_started()
        await until(lambda: not server.service.narrator.runs)
        assert gate.cancelled == 1


# --- Limits, and a journal that fails ---


async def test_one_callers_run_too_many_is_refused_and_anothers_is_not(gate):
    options = Options(max_runs_per_caller=1, grace=0)
    async with served(gate.pipeline(linger=0), options=options) as server, await server.asked() as first:
        await first.until_started()
        answer = await server.client.post("/story")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        assert answer.json()["detail"].startswith("1 runs of yours are under way")


class FullJournal(MemoryJournal):
    """A journal whose disk is full."""

    async def open_record(self, begun, deliveries=()):  # noqa: ARG002
        raise JournalFailed("there is no space left")


@pytest.mark.parametrize("headers", [{}, JSON, ASYNC])
async def test_a_run_that_cannot_be_kept_is_not_begun(gate, headers):
    async with served(gate.pipeline(), journal=FullJournal()) as server:
        answer = await server.client.post("/story", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "there is no space left" in answer.json()["detail"]
        assert gate.runs == 0


# --- Callbacks at the door ---


@asynccontextmanager
async def with_secret(pipeline, **options):
    secret = "whsec_" + "A" * 32
    async with served(pipeline, options=Options(webhook_secrets=(secret,), grace=0, **options)) as server:
        yield server


@pytest.mark.parametrize("url", ["http://a.example/", "https://127.0.0.1/", "no-url", "https://u:p@a.example/"])
async def test_a_callback_that_may_not_be_called_is_refused_at_the_door(gate, url):
    async with with_secret(gate.pipeline()) as server:
        answer = await server.client.post("/story", params={"callback": url})
        assert answer.status_code == 422
        assert "`callback`" in answer.json()["detail"]
        assert [error["field"] for error in answer.json()["errors"]] == ["callback"]
        assert gate.runs == 0


async def test_a_callback_is_not_taken_where_nothing_could_be_signed(gate):
    async with served(gate.pipeline()) as server:
        answer = await server.client.post("/story", params={"callback": "https://a.example/"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "callback")


async def test_a_callback_waits_for_the_end_beside_any_answer(gate):
    async with with_secret(gate.pipeline()) as server:
        answer = await server.client.post("/story", params={"callback": "https://a.example/"}, headers=ASYNC)
        (delivery,) = answer.json()["deliveries"]
        assert (answer.status_code, delivery["state"], delivery["attempts"]) == (202, "waiting", 0)


async def test_a_pipelined_next_request_is_answered_after_the_result():
    async with served(WORKING) as server, await server.wire() as client:
        await client.send(post(accept="application/json") + get("/healthz"))
        assert (await client.answer())[2] == [1, 2]
        assert (await client.answer())[2]["status"] == "ok"
