"""What becomes of the runs when a server stops: they are handed over, or have a while, and their readers hear which."""

import threading
from functools import partial

import pytest
import trio

from narrate import Pipeline, resource, say, step
from narrate.journal.sqlite import SqliteJournal
from narrate.server import Options
from tests.serving import heard, one_step, served, until

RECONNECT = b"retry: 2000\n\n"


@pytest.fixture
def durable(tmp_path):
    """Makes journals that have the same runs, for one server after the other."""
    return partial(SqliteJournal, tmp_path / "runs.db")


async def waits() -> None:
    await trio.sleep_forever()


@pytest.mark.parametrize("linger", [None, 0, 10])
async def test_a_run_is_handed_to_the_next_start_and_its_reader_hears_exactly_the_rest(durable, linger):
    done, goes_on = [], trio.Event()

    async def first() -> str:
        done.append("first")
        return "kept"

    async def second(first: str) -> str:
        say("It has begun.")
        await goes_on.wait()
        done.append("second")
        return first

    told = Pipeline("story", step("First")(first), step("Second")(second), linger=linger)
    async with served(told, journal=durable()) as server, await server.asked() as client:
        _, headers = await client.head()
        heard_so_far = [await client.event()]
        while heard_so_far[-1]["type"] != "message":
            heard_so_far.append(await client.event())
        server.stop.set()
        assert await client.body() == RECONNECT
        await server.stopped.wait()
    goes_on.set()
    async with served(told, journal=durable()) as server:
        assert server.service.picked_up == 1
        last = {"Last-Event-ID": str(heard_so_far[-1]["n"])}
        rest = heard((await server.client.get(headers["content-location"], headers=last)).content)
        whole = heard((await server.client.get(headers["content-location"])).content)
    assert done == ["first", "second"]
    assert [event["n"] for event in heard_so_far + rest] == [*range(1, len(whole) + 1)]
    assert heard_so_far + rest == whole
    assert (rest[-1]["type"], rest[-1]["result"]) == ("run.finished", "kept")


async def test_a_run_that_nobody_can_go_on_with_has_the_grace_to_end_and_its_readers_hear_it():
    ends = trio.Event()

    async def work() -> int:
        await ends.wait()
        return 7

    options = Options(grace=3600)
    async with served(one_step(work), options=options) as server, await server.asked() as client:
        await client.until_started()
        server.stop.set()
        await until(lambda: server.service.stopping)
        assert (await server.client.post("/story")).status_code == 503
        ends.set()
        assert (await client.until("run.finished"))["result"] == 7
        assert await client.body() == b""
        await server.stopped.wait()


async def test_a_pipeline_that_is_not_to_be_recovered_has_the_grace_on_a_journal_that_lasts_too(durable):
    ends = trio.Event()

    async def work() -> int:
        await ends.wait()
        return 7

    told = one_step(work, recover=False)
    async with served(told, options=Options(grace=3600), journal=durable()) as server, await server.asked() as client:
        await client.until_started()
        server.stop.set()
        await until(lambda: server.service.stopping)
        ends.set()
        assert (await client.until("run.finished"))["result"] == 7
        await server.stopped.wait()


@pytest.mark.parametrize("linger", [None, 0, 10])
async def test_a_run_that_takes_longer_than_the_grace_is_cancelled_and_its_readers_hear_why(linger):
    cleaned = []

    async def work() -> int:
        try:
            await trio.sleep_forever()
        finally:
            cleaned.append("work")
        return 1

    @resource
    async def door():
        yield "open"
        cleaned.append("door")

    async def goes(door: str) -> int:
        return await work()

    told = one_step(goes, linger=linger, resources=[door])
    async with served(told, options=Options(grace=0)) as server, await server.asked() as client:
        await client.until_started()
        server.stop.set()
        assert (await client.until("run.cancelled"))["reason"] == "The server is stopping."
        assert await client.body() == b""
        await server.stopped.wait()
        assert cleaned == ["work", "door"]


async def test_a_step_that_cannot_be_stopped_does_not_keep_other_readers_from_their_last_word(durable):
    held, entered = threading.Event(), threading.Event()

    def holds() -> int:
        entered.set()
        held.wait(20)
        return 1

    holds_on = Pipeline("holds", step("Holding on")(holds), recover=False, linger=None)
    serving = {"drain_within": 0.5}
    async with (
        served(
            holds_on,
            one_step(waits, linger=None),
            options=Options(grace=0),
            journal=durable(),
            serving=serving,
        ) as server,
        await server.asked("/holds") as holding,
        await server.asked() as client,
    ):
        await holding.until_started()
        await trio.to_thread.run_sync(entered.wait)
        await client.until_started()
        server.stop.set()
        try:
            assert await client.body() == RECONNECT
            assert await holding.body() == RECONNECT
        finally:
            held.set()
        await server.stopped.wait()
