"""`/probe`: a stream in the manner of a story's, which says of each of its words when it was sent."""

import json

import pytest
import trio
from quart_trio import QuartTrio

from narrate.probing.words import BURST_SIZE, Burst, Ended, Hush, Kind, Opened, Plan, Tick, maybe_word, timetable
from narrate.server import Options
from narrate.server.app import create_blueprint
from narrate.server.probe import AT_ONCE
from narrate.server.problems import Refused
from narrate.wire.sse import Decoder
from tests.serving import Served, get, one_step, served, until

LONG = "/probe?seconds=0&silence=120"


async def work() -> int:
    return 1


STORY = one_step(work)


def words(body: bytes):
    return [maybe_word(event.data) for event in Decoder().feed(body)]


async def asked(server: Served, path: str):
    """A connection on which a probe has been asked for, and its head."""
    wire = await server.wire()
    await wire.send(get(path))
    return wire, await wire.head()


async def test_it_sends_what_its_timetable_says_and_nothing_before_its_time():
    async with served(STORY) as server:
        answer = await server.client.get("/probe?seconds=0.2&every=50&silence=0.1")
    told = words(answer.content)
    due = list(timetable(Plan(seconds=0.2, every=0.05, silence=0.1)))
    kinds = {Opened: Kind.OPENED, Tick: Kind.TICK, Hush: Kind.HUSH, Burst: Kind.BURST, Ended: Kind.ENDED}
    assert [kinds[type(word)] for word in told] == [kind for _, kind in due]
    assert [word.n for word in told] == list(range(1, len(due) + 1))
    assert all(word.t >= at - 0.0001 for word, (at, _) in zip(told, due, strict=True))
    assert [word.t for word in told] == sorted(word.t for word in told)


async def test_its_last_word_but_one_is_larger_than_the_usual_buffers():
    async with served(STORY) as server:
        answer = await server.client.get("/probe?seconds=0&every=50")
    opened, burst, ended = words(answer.content)
    assert (type(opened), len(burst.filling), type(ended)) == (Opened, BURST_SIZE, Ended)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_its_headers_are_those_of_a_story(method):
    async with served(STORY) as server:
        begun = await server.client.post("/story")
        story = (await server.client.request(method, begun.headers["content-location"])).headers
        probe = (await server.client.request(method, "/probe?seconds=0&every=50")).headers
    of_a_run = {"narrate-run", "content-location", "date", "transfer-encoding"}
    assert {**probe, **dict.fromkeys(of_a_run)} == {**story, **dict.fromkeys(of_a_run)}
    assert probe["content-location"] == "/probe"


async def test_it_says_which_headers_of_the_request_it_saw_and_of_itself_its_heartbeat():
    sent = {"Accept": "text/event-stream", "Idempotency-Key": "k", "Last-Event-ID": "7", "Prefer": "p" * 200}
    secret = {"Authorization": "Bearer s3cret"}
    async with served(STORY, options=Options(heartbeat=7, grace=0)) as server:
        answer = await server.client.get("/probe?seconds=0&every=50", headers={**sent, **secret})
    opened = words(answer.content)[0]
    assert opened.asked == {**sent, "Prefer": "p" * 100}
    assert (opened.heartbeat, opened.http) == (7, "1.1")
    assert "s3cret" not in answer.text


async def test_in_its_silence_it_shows_that_it_is_alive_as_a_story_does():
    async with served(STORY, options=Options(heartbeat=0.1, grace=0)) as server:
        wire, (status, _) = await asked(server, LONG)
        async with wire:
            assert status == 200
            silent = await wire.read_until(b"\n: \n\n")
    assert isinstance(words(silent.partition(b": narrate\n\n")[2])[-1], Hush)


async def test_a_server_that_stops_asks_its_reader_to_come_back_and_ends_it_cleanly():
    async with served(STORY, options=Options(grace=0, reconnect=1234)) as server:
        wire, _ = await asked(server, LONG)
        async with wire:
            await wire.read_until(b"probe.hush")
            server.stop.set()
            last = await wire.read_until(b"0\r\n\r\n")
    assert b"retry: 1234\n\n" in last
    assert b"probe.ended" not in last


async def test_only_a_few_are_under_way_at_once_and_who_leaves_makes_room():
    async with served(STORY) as server:
        probes = [await asked(server, LONG) for _ in range(AT_ONCE)]
        assert {status for _, (status, _) in probes} == {200}
        refused = await server.client.get(LONG)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "4 probes are under way" in refused.json()["detail"]
        for wire, _ in probes:
            await trio.aclose_forcefully(wire.stream)
        await until(lambda: len(server.service.streams) == 0)
        assert (await server.client.get("/probe?seconds=0&every=50")).status_code == 200


async def test_to_ask_for_its_headers_alone_takes_no_room():
    async with served(STORY) as server:
        answers = [await server.client.head(LONG) for _ in range(AT_ONCE + 1)]
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("name", ["seconds", "silence", "every"])
@pytest.mark.parametrize("value", ["-1", "120000", "nan", "inf", "two", ""])
async def test_what_it_cannot_be_asked_is_refused_by_name(name, value):
    async with served(STORY) as server:
        refused = await server.client.get("/probe", params={name: value})
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert [error["field"] for error in refused.json()["errors"]] == [name]


async def test_whoever_authorizes_is_asked_about_it_as_about_everything():
    def nobody(_request):
        raise Refused(401, "Who are you?")

    async with served(STORY, authorize=nobody) as server:
        assert (await server.client.get("/probe")).status_code == 401


async def test_it_begins_no_run():
    async with served(STORY) as server:
        await server.client.get("/probe?seconds=0&every=50")
        assert server.service.runs == 0
        assert "narrate_runs_under_way" in (metrics := (await server.client.get("/metrics")).text)
    assert 'narrate_runs_total{pipeline="story",state="finished"} 0.0' in metrics


async def test_it_is_part_of_a_blueprint_and_knows_its_prefix():
    app = QuartTrio("tests.probing")
    blueprint, service = create_blueprint(STORY, options=Options(grace=0))
    app.register_blueprint(blueprint, url_prefix="/api")
    app.extensions["narrate"] = service
    async with served(app=app) as server:
        answer = await server.client.get("/api/probe?seconds=0&every=50")
    assert answer.headers["content-location"] == "/api/probe"
    assert isinstance(words(answer.content)[-1], Ended)


async def test_a_probe_is_described_where_all_is_described():
    async with served(STORY) as server:
        told = json.loads((await server.client.get("/openapi.json")).content)
    parameters = [one["$ref"].rpartition("/")[2] for one in told["paths"]["/probe"]["get"]["parameters"]]
    assert parameters == ["seconds", "every", "silence"]
