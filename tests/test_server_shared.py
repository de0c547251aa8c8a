"""Servers that share a journal: any of them answers for any run, whichever of them it runs in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from narrate import Pipeline, say
from narrate.journal.sqlite import SqliteJournal
from tests.serving import Served, get, heard, one_step, post, served, until

ASYNC = {"Prefer": "respond-async"}
KEY = {"Idempotency-Key": "k"}


class Waiting:
    """A pipeline that waits, and how often it began."""

    def __init__(self) -> None:
        self.opened = trio.Event()
        self.begun = 0

    def pipeline(self, **options) -> Pipeline:
        async def work() -> int:
            self.begun += 1
            say("Waiting.")
            await self.opened.wait()
            return 1

        return one_step(work, **options)


@asynccontextmanager
async def two(pipeline: Pipeline, path) -> AsyncIterator[tuple[Served, Served]]:
    """Two servers with a journal each on one file."""
    async with (
        served(pipeline, journal=SqliteJournal(path)) as here,
        served(pipeline, journal=SqliteJournal(path)) as there,
    ):
        yield here, there


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


async def test_the_state_and_the_story_of_a_run_can_be_asked_for_elsewhere(waiting, tmp_path):
    async with two(waiting.pipeline(linger=None), tmp_path / "runs.db") as (here, there):
        home = (await here.client.post("/story", headers=ASYNC)).headers["location"]
        async with await there.wire() as wire:
            await wire.send(get(f"{home}/events"))
            await wire.head()
            await wire.until("message")
            state = (await there.client.get(home)).json()
            assert (state["state"], state["linger"], "detached" in state) == ("working", None, False)
            waiting.opened.set()
            assert heard(await wire.body())[-1]["type"] == "run.finished"
        for server in (here, there):
            assert (await server.client.get(home)).json()["result"] == 1
        assert (await there.client.get("/runs", params={"runs": home[6:]})).json()[0]["state"] == "finished"


async def test_the_same_post_to_another_server_is_the_same_run(waiting, tmp_path):
    async with two(waiting.pipeline(linger=None), tmp_path / "runs.db") as (here, there):
        run = (await here.client.post("/story", headers={**KEY, **ASYNC})).headers["narrate-run"]
        job = await there.client.post("/story", headers={**KEY, **ASYNC})
        assert (job.status_code, job.headers["narrate-run"]) == (202, run)
        async with (
            await there.asked(headers="Idempotency-Key: k\r\n") as stream,
            await there.asked(headers="Idempotency-Key: k\r\n", accept="application/json") as result,
        ):
            assert (await stream.head())[1]["narrate-run"] == run
            await stream.until("message")
            waiting.opened.set()
            assert (await result.answer())[2] == 1
            assert heard(await stream.body())[-1]["type"] == "run.finished"
        assert waiting.begun == 1


async def test_a_run_is_cancelled_from_elsewhere(waiting, tmp_path):
    async with two(waiting.pipeline(linger=None), tmp_path / "runs.db") as (here, there):
        home = (await here.client.post("/story", headers=ASYNC)).headers["location"]
        await until(lambda: waiting.begun == 1)
        answer = await there.client.delete(home)
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert (await here.client.get(home)).json()["reason"] == "The client cancelled it."


async def test_a_claim_to_have_heard_more_than_is_known_here_is_believed_of_a_run_elsewhere(waiting, tmp_path):
    async with two(waiting.pipeline(linger=None), tmp_path / "runs.db") as (here, there):
        home = (await here.client.post("/story", headers=ASYNC)).headers["location"]
        await until(lambda: waiting.begun == 1)
        async with await there.wire() as wire:
            await wire.send(get(f"{home}/events?after=4"))
            await wire.head()
            waiting.opened.set()
            assert [event["n"] for event in heard(await wire.body())] == [5]


async def test_a_server_that_stops_leaves_its_run_to_the_next_and_its_reader_comes_back(waiting, tmp_path):
    pipeline, key = waiting.pipeline(linger=0), "Idempotency-Key: k\r\n"
    async with (
        served(pipeline, journal=SqliteJournal(tmp_path / "runs.db")) as first,
        await first.asked(headers=key) as wire,
    ):
        _, headers = await wire.head()
        seen = await wire.until("message")
        waits = await first.asked(headers=key, accept="application/json")
        await until(lambda: len(first.service.narrator.runs) == 1)
        first.stop.set()
        assert (await wire.body()).endswith(b"retry: 2000\n\n")
        status, told, problem = await waits.answer()
        assert (status, told["retry-after"], told["location"]) == (503, "5", f"/runs/{headers['narrate-run']}")
        assert problem["detail"].startswith("The server is stopping. What becomes of the run can be read at /runs/")
        await first.stopped.wait()
        await trio.aclose_forcefully(waits.stream)
    waiting.opened.set()
    async with served(pipeline, journal=SqliteJournal(tmp_path / "runs.db")) as second, await second.wire() as wire:
        assert second.service.picked_up == 1
        await wire.send(post(headers=f"{key}Last-Event-ID: {seen['n']}\r\n"))
        assert (await wire.head())[1]["narrate-run"] == headers["narrate-run"]
        rest = [event for event in heard(await wire.body()) if "n" in event]
        assert [event["n"] for event in rest] == list(range(seen["n"] + 1, seen["n"] + 1 + len(rest)))
        assert rest[-1]["type"] == "run.finished"
        assert waiting.begun == 2


async def test_a_run_that_is_read_in_another_process_is_not_given_up_for_want_of_readers(waiting, tmp_path):
    async with two(waiting.pipeline(linger=1), tmp_path / "runs.db") as (here, there), await here.asked() as first:
        await first.head()
        home = (await first.until("run.started"))["run"]
        await first.until("message")
        async with await there.wire() as second:
            await second.send(get(f"/runs/{home}/events"))
            await second.head()
            await second.until("message")
            run = here.service.narrator.maybe_run(home)
            await until(lambda: run.detached)
            await trio.aclose_forcefully(first.stream)
            await until(lambda: not here.service.streams)
            waiting.opened.set()
            end = await second.until("run.finished")

    assert end["result"] == 1


@pytest.mark.parametrize("path", ["/runs/{}/events", "/events?runs={}"])
async def test_a_head_elsewhere_is_no_reader(waiting, path, tmp_path):
    async with two(waiting.pipeline(), tmp_path / "runs.db") as (here, there), await here.asked() as first:
        await first.head()
        run = (await first.until("run.started"))["run"]
        await first.until("message")
        assert (await there.client.head(path.format(run))).status_code == 200
        assert await here.service.narrator.journal.watched() == []
