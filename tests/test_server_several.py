"""Several stories over one connection: all of each, whose it is, and where to go on in all of them."""

import json
from functools import partial

import pytest
import trio
import trio.testing

from narrate import Pipeline, concurrent, say, step
from narrate.server import Options
from narrate.wire.sse import Decoder
from tests.serving import get, heard, one_step, served, until

ASYNC = {"Prefer": "respond-async"}


@step("Looking")
async def looking() -> int:
    say("Here.")
    return 2


@step("Left")
async def left() -> str:
    say("To the left.")
    return "l"


@step("Right")
async def right() -> str:
    say("To the right.")
    return "r"


STORY = Pipeline("story", looking, concurrent(left, right), title="A story", linger=None)


def waiting(**options) -> tuple[Pipeline, trio.Event]:
    """A pipeline that waits, and what it waits for."""
    opened = trio.Event()

    async def work() -> int:
        await opened.wait()
        return 1

    return one_step(work, **options), opened


def several(body: bytes) -> list[tuple[str, dict]]:
    """The cursor and the event of each that has one."""
    return [(event.id, json.loads(event.data)) for event in Decoder().feed(body)]


async def test_several_stories_come_over_one_connection():
    async with served(STORY) as server:
        alone = [await server.client.post("/story") for _ in range(3)]
        runs = [answer.headers["narrate-run"] for answer in alone]
        answer = await server.client.get("/events", params={"runs": ",".join(runs)})
        told = several(answer.content)
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        for run, whole in zip(runs, alone, strict=True):
            own = [event for _, event in told if event["run"] == run]
            record = [event for event in heard(whole.content) if "n" in event]
            assert [event | {"run": run} for event in record] == own
        ends = [len([event for event in heard(whole.content) if "n" in event]) for whole in alone]
        assert told[-1][0] == ",".join(map(str, ends))


async def test_each_cursor_is_the_place_to_go_on_from():
    async with served(STORY) as server:
        runs = [(await server.client.post("/story")).headers["narrate-run"] for _ in range(2)]
        ask = partial(server.client.get, "/events", params={"runs": ",".join(runs)})
        told = several((await ask()).content)
        for number, (cursor, _) in enumerate(told[:-1], 1):
            rest = several((await ask(headers={"Last-Event-ID": cursor})).content)
            assert rest == told[number:]
        end = await ask(headers={"Last-Event-ID": told[-1][0]})
        assert (end.status_code, end.content) == (204, b"")
        by_query = await server.client.get("/events", params={"runs": ",".join(runs), "after": told[3][0]})
        assert several(by_query.content) == told[4:]


async def test_several_that_are_under_way_are_told_as_they_go_and_end_together():
    one, open_one = waiting(path="/one", linger=0)
    two, open_two = waiting(path="/two", linger=0)
    async with served(one, two) as server:
        runs = [(await server.client.post(path, headers=ASYNC)).headers["narrate-run"] for path in ("/one", "/two")]
        async with await server.wire() as client:
            await client.send(get(f"/events?runs={','.join(runs)}"))
            await client.head()
            await until(lambda: len(server.service.streams) == 1)
            open_two.set()
            ended = await client.until("run.finished")
            assert ended["run"] == runs[1]
            open_one.set()
            ended = await client.until("run.finished")
            assert ended["run"] == runs[0]
            assert await client.body() == b""


async def test_a_reader_of_several_counts_for_each_of_them(mock_clock):
    one, _ = waiting(path="/one", linger=10)
    async with served(one) as server:
        async with await server.asked("/one") as first, await server.wire() as panel:
            _, headers = await first.head()
            await first.until("step.started")
            await panel.send(get(f"/events?runs={headers['narrate-run']}"))
            await until(lambda: len(server.service.streams) == 2)
            first.reset()
            await until(lambda: len(server.service.streams) == 1)
            mock_clock.jump(60)
            await trio.testing.wait_all_tasks_blocked()
            assert len(server.service.narrator.runs) == 1
        await until(lambda: not len(server.service.streams))
        mock_clock.jump(10.1)
        await until(lambda: not server.service.narrator.runs)


async def test_a_stream_of_several_shows_that_it_is_alive_and_asks_to_come_back():
    pipeline, _ = waiting(linger=None)
    async with served(pipeline, options=Options(heartbeat=0.01, grace=0)) as server:
        run = (await server.client.post("/story", headers=ASYNC)).headers["narrate-run"]
        async with await server.wire() as client:
            await client.send(get(f"/events?runs={run}"))
            await client.head()
            while await client.chunk() != b": \n\n":
                pass
            with trio.fail_after(5):
                await server.service.streams.drain()
            assert (await client.read_until(b"0\r\n\r\n")).endswith(b"retry: 2000\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 400),
        ("runs=,", {}, 400),
        ("runs=" + ",".join(map(str, range(51))), {}, 400),
        ("runs={run}&after=1,2", {}, 400),
        ("runs={run}&after=x", {}, 400),
        ("runs={run}", {"Accept": "text/plain"}, 406),
        ("runs={run},nothing", {}, 404),
    ],
)
async def test_what_cannot_be_several_stories_is_refused(query, headers, status):
    async with served(STORY) as server:
        run = (await server.client.post("/story")).headers["narrate-run"]
        answer = await server.client.get("/events?" + query.format(run=run), headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_head_of_several_is_no_reader():
    pipeline, _ = waiting(linger=None)
    async with served(pipeline) as server:
        run = (await server.client.post("/story", headers=ASYNC)).headers["narrate-run"]
        answer = await server.client.head("/events", params={"runs": run})
        assert (answer.status_code, answer.content, len(server.service.streams)) == (200, b"", 0)


async def test_several_come_as_lines_of_json_too():
    async with served(STORY) as server:
        run = (await server.client.post("/story")).headers["narrate-run"]
        answer = await server.client.get("/events", params={"runs": run}, headers={"Accept": "application/x-ndjson"})
        lines = [json.loads(line) for line in answer.content.splitlines()]
        assert {line["run"] for line in lines} == {run}
        assert [line["n"] for line in lines] == list(range(1, 12))
