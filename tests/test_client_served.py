"""The client against a real server: whole stories, real cuts, and what cancelling does there."""

import random

import httpx
import pytest
import trio

from narrate import Pipeline, RunCancelled, RunRejected, connect, each, follow, relay, say, step
from narrate.events import to_json
from tests.cutting import cutting
from tests.following import Cutting
from tests.serving import served, until


async def pieces():
    for n in range(60):
        await trio.lowlevel.checkpoint()
        yield f"piece {n} "


async def look(n):
    say(f"looked at {n} – ☂")


@step("Writing")
async def written() -> str:
    return await relay(pieces())


@step("Looking")
async def looked(written: str) -> int:
    await each(list(range(20)), look, label=str)
    return len(written)


told = Pipeline("told", written, looked)


@step("Waiting")
async def waited() -> None:
    await trio.sleep_forever()


endless = Pipeline("endless", waited)


async def test_a_story_that_is_cut_over_and_over_is_heard_whole_and_once():
    async with served(told) as server:
        whole = await server.client.post("/told", headers={"Accept": "application/x-ndjson"})
        record = await server.record_of(whole)
        home = f"{server.url}/runs/{whole.headers['narrate-run']}"
        cutting = Cutting([400, 1501])
        async with httpx.AsyncClient(transport=cutting) as http, follow(home, http=http) as run:
            story = [event async for event in run.events()]

    assert cutting.cuts == 2
    assert numbers(story) == numbers(record)
    assert text(story) == text(record)


async def test_a_hundred_real_cuts_lose_nothing_and_tell_nothing_twice():
    rolls = random.Random(20261121)
    async with served(told) as server, cutting(server.port, lambda: rolls.randrange(2500)) as cutter:
        whole = await server.client.post("/told", headers={"Accept": "application/x-ndjson"})
        record = await server.record_of(whole)
        home = f"http://127.0.0.1:{cutter.port}/runs/{whole.headers['narrate-run']}"
        while cutter.cuts < 100:
            async with follow(home, cap=0) as run:
                story = [event async for event in run.events()]
            assert (numbers(story), text(story)) == (numbers(record), text(record))


def numbers(story):
    """The number of each event of a story, those of joined tokens taken apart."""
    return [n for event in story if event.n for n in range(getattr(event, "first", None) or event.n, event.n + 1)]


def text(story):
    return "".join(event.text for event in story if event.type == "token")


async def test_a_run_is_begun_and_its_record_heard_as_it_is():
    async with served(told) as server, connect(f"{server.url}/told") as run:
        heard = [event async for event in run.events() if event.n]
        answer = await server.client.get(f"{run.url}/events", headers={"Accept": "application/x-ndjson"})

    lines = [line for line in answer.text.splitlines() if '"n":' in line]
    assert [to_json(event).decode() for event in heard if event.type != "token"] == [
        line for line in lines if '"type":"token"' not in line
    ]
    assert numbers(heard) == list(range(1, heard[-1].n + 1))


async def test_a_run_that_is_cancelled_is_cancelled_there_and_tells_so():
    async with served(endless) as server, connect(f"{server.url}/endless") as run:
        async for event in run.events():
            if event.type == "step.started":
                await run.cancel()
        assert event.type == "run.cancelled"
        with pytest.raises(RunCancelled, match="The client cancelled it"):
            await run.result()


async def test_a_mistake_is_refused_with_each_field():
    async with served(told) as server, connect(f"{server.url}/told", {"no": "input"}) as run:
        with pytest.raises(RunRejected, match="takes no input"):
            await run.result()


async def test_while_a_connection_is_made_again_it_is_known_why():
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    async with connect(f"http://127.0.0.1:{port}/told", attempts=None) as run, trio.open_nursery() as nursery:
        before = run.trouble
        nursery.start_soon(run.result)
        await until(lambda: run.trouble is not None)

        assert (before, run.trouble) == (None, "The connection failed (ConnectError).")
        nursery.cancel_scope.cancel()


async def test_a_connection_that_stands_is_no_trouble():
    async with served(told) as server, cutting(server.port, lambda: 1500) as cutter:
        whole = await server.client.post("/told", headers={"Accept": "application/x-ndjson"})
        async with follow(f"http://127.0.0.1:{cutter.port}/runs/{whole.headers['narrate-run']}", cap=0) as run:
            assert {run.trouble async for _ in run.events()} == {None}
        assert cutter.cuts > 0
