"""One declaration, five answers, one record: the same pipeline through every way to ask, with and without drops."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from uuid import uuid4

import h11
import pytest
import trio

from narrate import (
    Explained,
    Pipeline,
    Retry,
    concurrent,
    current_run,
    each,
    progress,
    relay,
    run,
    say,
    show,
    start,
    step,
)
from narrate.events import from_json, to_json
from narrate.grammar import check_record
from narrate.journal.memory import MemoryJournal
from narrate.journal.sqlite import SqliteJournal
from narrate.wire.sse import Decoder
from narrate.wire.text import transcript
from tests.generated import without_times
from tests.serving import Served, get, heard, one_step, post, served

Told = list[dict[str, Any]]
Shown = tuple[Any, Told]
Way = Callable[[Served], Awaitable[Shown]]

LARGE = {"rows": [f"row {number}" for number in range(500)]}
ENDS = {"run.finished", "run.failed", "run.cancelled"}
SSE, NDJSON, JSON, TEXT = "text/event-stream", "application/x-ndjson", "application/json", "text/plain"


class Busy(Explained):
    """A far side that is busy."""


TRIES: Counter[str | None] = Counter()


@step("Searching", retry=Retry(attempts=3, on=Busy, wait_initial=0, wait_jitter=0), summary="Found {searching}.")
async def searching() -> str:
    TRIES[current_run()] += 1
    say(f"Attempt {TRIES[current_run()]}.")
    if TRIES[current_run()] < 3:
        raise Busy("It is busy.")
    return "it"


@step("Scoring")
async def scores() -> list[int]:
    async def score(number: int) -> int:
        say(f"{number} squared.")
        await trio.lowlevel.checkpoint()
        return number * number

    progress(0, 4)
    return await each(range(4), score, at_most=2, label=str)


@step("Writing")
async def text() -> str:
    async def pieces() -> AsyncIterator[str]:
        for word in ("Once ", "upon ", "a ", "time ", "…"):
            yield word
            await trio.lowlevel.checkpoint()

    return await relay(pieces())


@step("Locating", fallback="anywhere")
async def place() -> str:
    raise Busy("No satellite.")


@step("Telling")
async def told(scores: list[int], text: str, place: str) -> dict[str, Any]:
    show("What was found", {"small": True})
    show("All that was found", LARGE)
    return {"scores": scores, "text": text, "place": place}


STORY = Pipeline("story", searching, concurrent(scores, text, place), told, title="All there is", linger=None)


# --- What has to be the same ---


def essence(events: Iterable[dict[str, Any]]) -> Told:
    """A record without what differs from run to run, and with neighbouring pieces of text as one."""
    same: Told = []
    for event in events:
        one = without_times(event, but=("run", "first"))
        if same and one["type"] == same[-1]["type"] == "token" and one["step"] == same[-1]["step"]:
            one["text"] = same.pop()["text"] + one["text"]
        same.append(one)
    return same


async def record_in(server: Served, events: Told) -> Told:
    """The events of the record, large details opened."""
    record = []
    for event in events:
        if "n" in event:
            link = event.pop("link", None)
            record.append(event | {"data": (await server.client.get(link)).json()} if link else event)
    return record


async def of_process() -> Shown:
    """What the program itself sees, without a server."""
    async with start(STORY) as running:
        events = [event async for event in running.events()]
        check_record(events)
        return await running.result(), essence(json.loads(to_json(event)) for event in events)


# --- Every way to ask ---


async def told_in(server: Served, events: Told) -> Shown:
    return events[-1]["result"], essence(await record_in(server, events))


async def stream(server: Served) -> Shown:
    return await told_in(server, heard((await server.client.post("/story")).content))


async def lines(server: Served) -> Shown:
    answer = await server.client.post("/story", headers={"Accept": NDJSON})
    return await told_in(server, [json.loads(line) for line in answer.content.splitlines() if line])


async def result_alone(server: Served) -> Shown:
    answer = await server.client.post("/story", headers={"Accept": JSON})
    events = heard((await server.client.get(f"{answer.headers['location']}/events")).content)
    return answer.json(), (await told_in(server, events))[1]


async def polled(server: Served) -> Shown:
    home = (await server.client.post("/story", headers={"Prefer": "respond-async"})).headers["location"]
    while (state := (await server.client.get(home)).json())["state"] == "working":
        pass
    events = heard((await server.client.get(state["links"]["events"])).content)
    assert [one["state"] for one in state["steps"]] == ["done"] * len(state["steps"])
    return state["result"], (await told_in(server, events))[1]


async def job_and_story(server: Served) -> Shown:
    home = (await server.client.post("/story", headers={"Prefer": "respond-async"})).headers["location"]
    return await told_in(server, heard((await server.client.get(f"{home}/events")).content))


async def waited_for(server: Served) -> Shown:
    answer = await server.client.post("/story", headers={"Prefer": "respond-async, wait=60"})
    events = heard((await server.client.get(f"{answer.headers['location']}/events")).content)
    return answer.json(), (await told_in(server, events))[1]


async def asked_twice(server: Served) -> Shown:
    key = {"Idempotency-Key": str(uuid4())}
    first = await stream_and_run(server, key)
    second = await stream_and_run(server, key)
    assert first[0] == second[0]
    return await told_in(server, second[1])


async def stream_and_run(server: Served, headers: dict[str, str]) -> tuple[str, Told]:
    answer = await server.client.post("/story", headers=headers)
    return answer.headers["narrate-run"], heard(answer.content)


async def one_of_several(server: Served) -> Shown:
    runs = [
        (await server.client.post("/story", headers={"Prefer": "respond-async"})).headers["narrate-run"]
        for _ in range(3)
    ]
    events = heard((await server.client.get("/events", params={"runs": ",".join(runs)})).content)
    shown = [await told_in(server, [event for event in events if event["run"] == run]) for run in runs]
    assert shown[0] == shown[1] == shown[2]
    return shown[0]


# --- Every way to lose the connection ---


async def piecewise(server: Served, ask: Callable[[int], bytes]) -> Told:
    """A record, with a connection of its own for each event, cut as soon as that is there."""
    record: Told = []
    while not record or record[-1]["type"] not in ENDS:
        async with await server.wire() as wire:
            await wire.send(ask(record[-1]["n"] if record else 0))
            await wire.head()
            while "n" not in (event := await wire.event()):
                pass
            record.append(event)
            wire.reset()
    return record


async def the_same_post_after_each_drop(server: Served) -> Shown:
    key = f"Idempotency-Key: {uuid4()}\r\n"
    return await told_in(server, await piecewise(server, lambda n: post(headers=f"{key}Last-Event-ID: {n}\r\n")))


async def its_story_after_each_drop(server: Served) -> Shown:
    home = (await server.client.post("/story", headers={"Prefer": "respond-async"})).headers["location"]
    return await told_in(server, await piecewise(server, lambda n: get(f"{home}/events?after={n}")))


async def several_after_each_drop(server: Served) -> Shown:
    run = (await server.client.post("/story", headers={"Prefer": "respond-async"})).headers["narrate-run"]
    return await told_in(server, await piecewise(server, lambda n: get(f"/events?runs={run}&after={n}")))


async def the_result_after_drops(server: Served) -> Shown:
    key = str(uuid4())
    for _ in range(3):
        async with await server.asked(accept=JSON, headers=f"Idempotency-Key: {key}\r\n") as wire:
            wire.reset()
    answer = await server.client.post("/story", headers={"Accept": JSON, "Idempotency-Key": key})
    events = heard((await server.client.get(f"{answer.headers['location']}/events")).content)
    return answer.json(), (await told_in(server, events))[1]


WAYS: list[Way] = [
    stream,
    lines,
    result_alone,
    polled,
    job_and_story,
    waited_for,
    asked_twice,
    one_of_several,
    the_same_post_after_each_drop,
    its_story_after_each_drop,
    several_after_each_drop,
    the_result_after_drops,
]


@pytest.mark.parametrize("journal", [lambda _: MemoryJournal(), SqliteJournal], ids=["memory", "sqlite"])
@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
async def test_every_way_to_ask_shows_the_same_result_and_the_same_record(way, journal, tmp_path):
    expected = await of_process()
    assert expected[0] == await run(STORY)
    async with served(STORY, journal=journal(tmp_path / "runs.db")) as server:
        assert await way(server) == expected


async def test_text_is_the_record_too():
    async with start(STORY) as running:
        events = [event async for event in running.events()]
    async with served(STORY) as server:
        answer = await server.client.post("/story", headers={"Accept": TEXT})
        assert re.sub(r" in \d+\.\d s", "", answer.text) == transcript(events)


# --- A cut at every byte ---


async def cut(server: Served, request: bytes, after: int) -> "Heard":
    """What a client has heard whose connection was cut after so many bytes, wherever in the response that is."""
    client = Heard()
    reading = h11.Connection(h11.CLIENT)
    reading.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    async with await server.wire() as wire:
        await wire.send(request)
        while after and not client.whole:
            data = await wire.stream.receive_some(after)
            after -= len(data)
            reading.receive_data(data)
            client.take(reading)
    return client


class Heard(Decoder):
    """The events that were heard, over however many connections."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []
        self.whole = False

    def take(self, reading: h11.Connection) -> None:
        """What has arrived on a connection."""
        while (part := reading.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            self.whole = isinstance(part, h11.EndOfMessage)
            if isinstance(part, h11.Data):
                self.events += [json.loads(event.data) for event in self.feed(bytes(part.data))]


async def short() -> int:
    say("Grüße.")
    return 1


async def test_a_story_cut_at_any_byte_goes_on_without_loss_and_without_repetition():
    async with served(one_step(short, linger=None)) as server:
        whole = await server.client.post("/story")
        where, record = whole.headers["content-location"], [event for event in heard(whole.content) if "n" in event]
        async with await server.wire() as wire:
            await wire.send(get(where))
            size = len(await wire.read_until(b"\r\n0\r\n\r\n"))
        for offset in range(size + 1):
            before = await cut(server, get(where), offset)
            answer = await server.client.get(where, headers={"Last-Event-ID": before.last_event_id})
            assert before.events + heard(answer.content) == record, offset
    check_record([from_json(json.dumps(event)) for event in record])


async def test_a_story_cut_while_it_is_told_goes_on_by_the_same_post():
    _, expected = await of_process()
    async with served(STORY) as server:
        for offset in range(0, 8000, 89):
            key = {"Idempotency-Key": str(offset)}
            request = post(headers=f"Idempotency-Key: {offset}\r\n")
            before = await cut(server, request, offset)
            answer = await server.client.post("/story", headers={**key, "Last-Event-ID": before.last_event_id})
            record = await record_in(server, before.events + heard(answer.content))
            assert essence(record) == expected, offset
