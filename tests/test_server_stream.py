"""A story as it streams: what is sent, when, and to whom; over real sockets."""

import json
import re
import socket
import threading
from functools import partial

import pytest
import trio
import trio.testing

from narrate import Pipeline, concurrent, progress, relay, say, step
from narrate.events import to_json
from narrate.server import Options
from narrate.wire.text import transcript
from tests.serving import get, heard, one_step, post, served, until


@step("Saying hello", summary="{hello} words.")
async def hello() -> int:
    say("Hello.")
    say("Grüße, 世界.")
    return 2


@step("Going")
async def left() -> str:
    say("To the left.")
    return "l"


@step("Going on")
async def right() -> str:
    say("To the right.")
    return "r"


STORY = Pipeline("story", hello, concurrent(left, right), title="A story", linger=None)


async def test_the_headers_are_those_of_the_design():
    async with served(STORY) as server:
        answer = await server.client.post("/story")
        run = answer.headers["narrate-run"]
        told = {name: value for name, value in answer.headers.items() if name not in ("date", "transfer-encoding")}
        assert (answer.status_code, told) == (
            200,
            {
                "content-type": "text/event-stream; charset=utf-8",
                "cache-control": "no-cache, no-transform",
                "x-accel-buffering": "no",
                "narrate-heartbeat": "15",
                "narrate-run": run,
                "content-location": f"/runs/{run}/events",
                "vary": "Accept, Prefer",
            },
        )
        assert len(run) >= 20


async def test_the_first_bytes_arrive_before_any_step_does_work():
    worked, may = [], trio.Event()

    async def work() -> int:
        worked.append("work")
        await may.wait()
        return 1

    async with served(one_step(work, linger=0)) as server, await server.asked() as client:
        await client.head()
        first = await client.chunk()
        assert first.startswith(b": narrate\n\nid: 1\ndata: ")
        assert [event["type"] for event in heard(first)] == ["run.started"]
        assert (await client.event())["type"] == "step.started"
        await until(lambda: worked == ["work"])
        may.set()
        assert (await client.until("run.finished"))["result"] == 1


async def test_a_run_waits_for_its_first_bytes_to_be_taken():
    async with served(STORY) as server:
        run = await server.service.narrator.begin(STORY, held=True)
        reader = run.reader()
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        assert [event.type for event in reader.take_nowait()] == ["run.started"]
        run.release()
        assert await run.result() == {"left": "l", "right": "r"}


BLOCKED: dict[str, threading.Event] = {}


def blocking(name: str):
    async def blocks() -> bool:
        if not BLOCKED[name].wait(5):
            raise TimeoutError(f"{name} began before its start was heard")
        return True

    return step(name.title(), name=name)(blocks)


BLOCKING = Pipeline("story", blocking("one"), concurrent(blocking("two"), blocking("three")), blocking("four"))


def read_and_release(port: int) -> bytes:
    """A client in a thread of its own: as soon as it has read that a step has started, it lets that step go."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(post())
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(65536)
            for name, event in BLOCKED.items():
                if b'"type":"step.started","step":"%b"' % name.encode() in received:
                    event.set()
    return received


async def test_a_step_that_blocks_the_thread_at_once_has_been_announced_before():
    async with served(BLOCKING) as server:
        for _ in range(50):
            BLOCKED.update({name: threading.Event() for name in ("one", "two", "three", "four")})
            received = await trio.to_thread.run_sync(read_and_release, server.port)
            assert b"run.finished" in received


async def test_the_ids_have_no_gap_and_the_data_is_the_record():
    async with served(STORY) as server:
        answer = await server.client.post("/story")
        record = await server.record_of(answer)
        numbered = [block for block in answer.content.split(b"\n\n") if block.startswith(b"id:")]
        assert numbered == [b"id: %d\ndata: %b" % (event.n, to_json(event)) for event in record]
        assert [event.n for event in record] == list(range(1, len(record) + 1))


async def test_lines_of_json_are_the_record_too():
    async with served(STORY) as server:
        answer = await server.client.post("/story", headers={"Accept": "application/x-ndjson"})
        record = await server.record_of(answer)
        assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
        numbered = [line for line in answer.content.split(b"\n") if b'"progress"' not in line]
        assert numbered == [to_json(event) for event in record] + [b""]


async def test_text_is_sentences_for_people():
    async with served(STORY) as server:
        answer = await server.client.post("/story", headers={"Accept": "text/plain"})
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert re.sub(r" in \d\.\d s", "", answer.text) == transcript(await server.record_of(answer))


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "text/event-stream"),
        ("", "text/event-stream"),
        ("*/*", "text/event-stream"),
        ("text/*", "text/event-stream"),
        ("text/html, */*;q=0.1", "text/event-stream"),
        ("application/json, text/event-stream;q=0.5", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/plain, */*;q=0.8", "text/plain"),
        ("text/plain;q=0.5, application/x-ndjson;q=0.9", "application/x-ndjson"),
        ("text/event-stream;q=0, */*", "application/x-ndjson"),
        ("TEXT/PLAIN", "text/plain"),
        ("text/event-stream; charset=utf-8", "text/event-stream"),
        ("text/plain;charset=utf-8;q=0.9, text/event-stream;q=0.2", "text/plain"),
    ],
)
async def test_the_client_chooses_the_form(accept, answered):
    async with served(STORY) as server:
        server.client.headers.pop("accept")
        answer = await server.client.post("/story", headers={} if accept is None else {"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, answered)


async def test_silence_is_broken_by_heartbeats_but_not_in_text():
    may = trio.Event()

    async def work() -> int:
        await may.wait()
        return 1

    async with (
        served(one_step(work), options=Options(heartbeat=0.01, grace=0)) as server,
        await server.asked() as sse,
        await server.asked(accept="application/x-ndjson") as ndjson,
        await server.asked(accept="text/plain") as text,
    ):
        await sse.until_started()
        assert [await sse.chunk(), await sse.chunk()] == [b": \n\n"] * 2
        await ndjson.head()
        while await ndjson.chunk() != b"\n":
            pass
        await text.head()
        assert b"Working" in await text.chunk() + await text.chunk()
        assert [await sse.chunk() for _ in range(5)] == [b": \n\n"] * 5
        may.set()
        assert re.fullmatch(rb"\nDone in [0-9.]+ s\.\n", await text.body())


async def test_status_has_no_id_and_is_not_in_the_record():
    seen = trio.Event()

    async def work() -> int:
        progress(1, 2, "parts")
        await seen.wait()
        return 1

    async with served(one_step(work, linger=None)) as server, await server.asked() as client:
        _, headers = await client.head()
        while b'"type":"progress"' not in (chunk := await client.chunk()):
            pass
        status = next(block for block in chunk.split(b"\n\n") if b"progress" in block)
        assert status.startswith(b"data: ")
        assert json.loads(status[6:]).items() >= {"done": 1, "of": 2, "unit": "parts", "step": "work"}.items()
        seen.set()
        await client.body()
        again = heard((await server.client.get(headers["content-location"])).content)
        assert [event["type"] for event in again] == ["run.started", "step.started", "step.finished", "run.finished"]


async def test_a_slow_reader_costs_nothing_and_gets_everything():
    async def work() -> int:
        for number in range(3000):
            say(f"{number} " + "x" * 3000)
            await trio.lowlevel.checkpoint()
        return 1

    async with served(one_step(work, linger=None)) as server, await server.asked(receive_buffer=4096) as slow:
        _, headers = await slow.head()
        whole = await server.client.get(headers["content-location"])
        assert heard(whole.content)[-1]["type"] == "run.finished"  # the slow one has read nothing
        told = heard(await slow.body())
        assert [event["n"] for event in told] == list(range(1, 3005))
        assert [event["text"].split(" ")[0] for event in told[2:-2]] == [str(n) for n in range(3000)]


async def test_a_reader_who_is_behind_is_not_owed_a_copy_of_the_story():
    done = []

    async def work() -> int:
        for number in range(5000):
            say(f"{number}" + "x" * 2000)
        done.append(1)
        return 1

    async with served(one_step(work, linger=None)) as server, await server.asked() as client:
        await client.head()
        sizes = []
        while chunk := await client.chunk():
            sizes.append(len(chunk))
        assert sum(sizes) > 10_000_000
        assert max(sizes) < 2_000_000


async def test_tokens_that_are_ready_together_are_joined_and_say_so():
    async def pieces():
        for number in range(100):
            yield f"{number} "

    async def work() -> str:
        return await relay(pieces())

    async with served(one_step(work, linger=None)) as server:
        answer = await server.client.post("/story")
        told = heard(answer.content)
        tokens = [event for event in told if event["type"] == "token"]
        assert "".join(token["text"] for token in tokens) == "".join(f"{n} " for n in range(100))
        assert len(tokens) < 20
        expected = 1
        for event in told:
            assert event.get("first", event["n"]) == expected
            expected = event["n"] + 1
        again = heard((await server.client.get(answer.headers["content-location"])).content)
        joined = next(event for event in again if event["type"] == "token")
        assert (joined["first"], joined["n"]) == (3, 102)


@pytest.mark.parametrize("after", range(10))
async def test_a_reader_resumes_exactly_where_it_was(after):
    async with served(STORY) as server:
        whole = await server.client.post("/story")
        told = [event for event in heard(whole.content) if "n" in event]
        where = whole.headers["content-location"]
        by_header = await server.client.get(where, headers={"Last-Event-ID": str(after)})
        by_query = await server.client.get(where, params={"after": after})
        assert heard(by_header.content) == heard(by_query.content) == told[after:]
        assert by_header.headers["narrate-run"] == whole.headers["narrate-run"]
        assert by_header.headers["content-location"] == where


async def test_a_header_counts_for_more_than_the_query_because_a_browser_sends_both():
    async with served(STORY) as server:
        where = (await server.client.post("/story")).headers["content-location"]
        answer = await server.client.get(where, params={"after": 1}, headers={"Last-Event-ID": "4"})
        assert heard(answer.content)[0]["n"] == 5


async def test_a_reader_who_has_heard_the_end_is_told_not_to_come_back():
    async with served(STORY) as server:
        whole = await server.client.post("/story")
        last = heard(whole.content)[-1]["n"]
        answer = await server.client.get(whole.headers["content-location"], params={"after": last})
        assert (answer.status_code, answer.content) == (204, b"")
        assert not {"content-length", "content-type", "transfer-encoding"} & set(answer.headers)  # RFC 9110, 8.6
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "٣", "9" * 16, "1 2", "0x1"])
async def test_a_place_that_is_no_number_is_refused(number):
    async with served(STORY) as server:
        where = (await server.client.post("/story")).headers["content-location"]
        answer = await server.client.get(where, params={"after": number})
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        assert "Last-Event-ID" in answer.json()["detail"]
        assert answer.json()["errors"][0]["field"] == "after"


@pytest.mark.parametrize("run", ["nothing", "%00", "..%2f", "a" * 4000])
async def test_an_unknown_run_is_not_found(run):
    async with served(STORY) as server:
        answer = await server.client.get(f"/runs/{run}/events")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_two_readers_at_once_hear_the_same():
    may = trio.Event()

    async def work() -> int:
        say("a")
        await may.wait()
        say("b")
        return 1

    bodies: dict[str, bytes] = {}
    async with served(one_step(work, linger=0)) as server, await server.asked() as first:
        _, headers = await first.head()
        started = await first.until("message")
        async with await server.wire() as second:
            await second.send(get(headers["content-location"]))
            await second.head()
            assert (await second.until("message")) == started
            may.set()
            async with trio.open_nursery() as nursery:
                for name, wire in (("first", first), ("second", second)):
                    nursery.start_soon(partial(_keep, bodies, name, wire))
    assert bodies["first"] == bodies["second"]
    assert [event["type"] for event in heard(bodies["first"])] == ["message", "step.finished", "run.finished"]


async def _keep(bodies, name, wire):
    bodies[name] = await wire.body()


async def test_a_story_that_fails_ends_with_its_word_in_a_clean_end(caplog):
    async def work() -> int:
        raise RuntimeError("s3cret")

    async with served(one_step(work)) as server, await server.asked() as client:
        await client.head()
        body = await client.body()
        assert client.ended
        assert [event["type"] for event in heard(body)][-2:] == ["step.failed", "run.failed"]
        assert b"s3cret" not in body
    assert "s3cret" in caplog.text


async def test_a_story_that_is_cancelled_ends_with_its_word_in_a_clean_end():
    async with served(one_step(trio.sleep_forever)) as server, await server.asked() as client:
        await client.head()
        await client.until("step.started")
        server.service.narrator.runs[0].cancel("Enough.")
        told = heard(await client.body())
        assert [(event["type"], event["reason"]) for event in told] == [
            ("step.cancelled", "Enough."),
            ("run.cancelled", "Enough."),
        ]
        assert client.ended


async def test_one_event_of_ten_megabytes_arrives_whole():
    async def work() -> str:
        return "ü" * 5_000_000

    async with served(one_step(work, linger=None)) as server:
        told = heard((await server.client.post("/story")).content)
        assert told[-1]["result"] == "ü" * 5_000_000


async def test_http_1_0_gets_the_story_too():
    async with served(STORY) as server, await server.wire() as client:
        await client.send(b"POST /story HTTP/1.0\r\n\r\n")
        status, headers = await client.head()
        assert (status, headers.get("transfer-encoding")) == (200, None)
        assert b"run.finished" in await client.read_until(b'"type":"run.finished"')
