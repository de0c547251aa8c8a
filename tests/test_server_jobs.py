"""What can be asked of runs once they have begun: state, story, details, lists, several at once, and to stop."""

import json

import pytest
import trio
import trio.testing
from quart_trio import QuartTrio

from narrate import Pipeline, concurrent, progress, say, show, step
from narrate.journal.base import Retention
from narrate.journal.memory import MemoryJournal
from narrate.server import create_blueprint
from tests.serving import get, heard, one_step, served, until

ASYNC = {"Prefer": "respond-async"}
LARGE = {"rows": ["é" * 10] * 300}


@step("Looking", summary="{looking} found.")
async def looking() -> int:
    show("A small one", {"x": 1})
    show("A large one", LARGE)
    return 2


@step("Left")
async def left() -> str:
    say("To the left.")
    return "l"


@step("Right")
async def right() -> str:
    return "r"


STORY = Pipeline("story", looking, concurrent(left, right), title="A story", linger=None)


def waiting(**options) -> tuple[Pipeline, trio.Event]:
    """A pipeline that waits, and what it waits for."""
    opened = trio.Event()

    async def work() -> int:
        progress(1, 2, "parts")
        await opened.wait()
        return 1

    return one_step(work, **options), opened


# --- State ---


async def test_the_state_of_a_run_that_has_ended():
    async with served(STORY) as server:
        run = (await server.client.post("/story")).headers["narrate-run"]
        answer = await server.client.get(f"/runs/{run}")
        told = answer.json()
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")
        assert "retry-after" not in answer.headers
        assert (told["run"], told["pipeline"], told["title"]) == (run, "story", "A story")
        assert (told["state"], told["result"]) == ("finished", {"left": "l", "right": "r"})
        assert [(one["step"], one["state"]) for one in told["steps"]] == [
            ("looking", "done"),
            ("left", "done"),
            ("right", "done"),
        ]
        assert told["steps"][0]["text"] == "2 found."
        assert told["links"] == {"self": f"/runs/{run}", "events": f"/runs/{run}/events"}
        assert told["began"] > 1.7e9
        assert not {"linger", "detached", "deliveries"} & set(told)


@pytest.mark.parametrize("linger", [None, 7.5])
async def test_the_state_of_a_run_under_way(linger):
    pipeline, _ = waiting(linger=linger)
    async with served(pipeline) as server, await server.asked() as client:
        _, headers = await client.head()
        while b'"progress"' not in await client.chunk():
            pass
        answer = await server.client.get(f"/runs/{headers['narrate-run']}")
        told = answer.json()
        assert (answer.headers["cache-control"], answer.headers["retry-after"]) == ("private, max-age=2", "2")
        assert (told["state"], told["linger"], told["detached"]) == ("working", linger, False)
        assert told["links"]["answers"] == f"{told['links']['self']}/answers"
        assert told["steps"][0]["progress"] == {"done": 1, "of": 2, "unit": "parts"}


async def test_a_state_that_is_known_already_is_not_sent_again():
    pipeline, opened = waiting(linger=None)
    async with served(pipeline) as server:
        home = (await server.client.post("/story", headers=ASYNC)).headers["location"]
        await trio.testing.wait_all_tasks_blocked(0.001)
        first = await server.client.get(home)
        same = await server.client.get(home, headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
        assert same.headers["cache-control"] == first.headers["cache-control"]
        assert first.headers["etag"].startswith('"')
        opened.set()
        await until(lambda: not server.service.narrator.runs)
        other = await server.client.get(home, headers={"If-None-Match": first.headers["etag"]})
        assert (other.status_code, other.json()["state"]) == (200, "finished")


async def test_a_state_that_is_another_than_it_should_be_is_a_problem():
    async with served(STORY) as server:
        home = f"/runs/{(await server.client.post('/story')).headers['narrate-run']}"
        answer = await server.client.get(home, headers={"If-Match": '"another"'})
        assert (answer.status_code, answer.headers["content-type"]) == (412, "application/problem+json")
        assert answer.json()["errors"][0]["field"] == "If-Match"
        same = (await server.client.get(home)).headers["etag"]
        assert (await server.client.get(home, headers={"If-Match": same})).status_code == 200


async def test_a_head_has_the_headers_of_the_state_alone():
    async with served(STORY) as server:
        run = (await server.client.post("/story")).headers["narrate-run"]
        whole, head = await server.client.get(f"/runs/{run}"), await server.client.head(f"/runs/{run}")
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", whole.headers["etag"])
        async with await server.wire() as client:
            await client.send(get(f"/runs/{run}", method="HEAD") + get("/healthz"))
            assert (await client.head())[0] == 200
            assert (await client.answer())[2]["status"] == "ok"


PATHS = ["/runs/{}", "/runs/{}/events", "/runs/{}/details/3", "/events?runs={}"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_run_that_is_not_known_is_not_found(path):
    async with served(STORY) as server:
        answer = await server.client.get(path.format("nothing"))
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["detail"] == "There is no run `nothing` here, or it is no longer kept."


@pytest.mark.parametrize("path", PATHS)
async def test_a_run_that_is_no_longer_kept_is_gone(path):
    now = [0.0]
    async with served(STORY, journal=MemoryJournal(Retention(age=10, size=10**9), lambda: now[0])) as server:
        run = (await server.client.post("/story")).headers["narrate-run"]
        now[0] = 10
        assert (await server.client.get(f"/runs/{run}")).json()["gap"] == {"from": 1, "to": 10}
        assert (await server.client.get(f"/runs/{run}/details/3")).status_code == 410
        now[0] = 21
        answer = await server.client.get(path.format(run))
        assert (answer.status_code, answer.json()["detail"]) == (410, f"The record of run {run} is no longer kept.")
        assert (await server.client.delete(f"/runs/{run}")).status_code == 410
        assert (await server.client.get("/runs", params={"runs": run})).json() == []


# --- The story ---


async def test_who_claims_to_have_heard_more_than_was_told_hears_what_comes():
    pipeline, opened = waiting(linger=None)
    async with served(pipeline) as server:
        home = (await server.client.post("/story", headers=ASYNC)).headers["location"]
        async with await server.wire() as client:
            await client.send(get(f"{home}/events?after=99"))
            assert (await client.head())[0] == 200
            await until(lambda: len(server.service.streams) == 1)
            opened.set()
            told = [event for event in heard(await client.body()) if "n" in event]
        assert [(event["n"], event["type"]) for event in told] == [(3, "step.finished"), (4, "run.finished")]
        assert (await server.client.get(f"{home}/events", params={"after": 99})).status_code == 204


# --- Details ---


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson"])
async def test_a_large_detail_comes_by_link_and_a_small_one_with_its_data(accept):
    async with served(STORY) as server:
        answer = await server.client.post("/story", headers={"Accept": accept})
        lines = [line.removeprefix(b"data: ") for line in answer.content.splitlines() if b'"type":"detail"' in line]
        small, large = map(json.loads, lines)
        assert (small["data"], "link" in small) == ({"x": 1}, False)
        assert "data" not in large
        assert large["size"] == len(json.dumps(LARGE, ensure_ascii=False, separators=(",", ":")).encode())
        fetched = await server.client.get(large["link"])
        assert (fetched.json(), fetched.headers["content-type"]) == (LARGE, "application/json")
        assert fetched.headers["cache-control"] == "private, max-age=3600"
        record = await server.record_of(answer)
        assert [event.data for event in record if event.type == "detail"] == [{"x": 1}, LARGE]


async def test_the_data_of_a_small_detail_can_be_fetched_too_and_that_of_nothing_else():
    async with served(STORY) as server:
        answer = await server.client.post("/story")
        details = f"/runs/{answer.headers['narrate-run']}/details"
        numbers = [event["n"] for event in heard(answer.content) if event["type"] == "detail"]
        assert (await server.client.get(f"{details}/{numbers[0]}")).json() == {"x": 1}
        for n in {*range(20), 10**30} - {*numbers}:
            missing = await server.client.get(f"{details}/{n}")
            assert (missing.status_code, missing.json()["detail"]) == (404, f"Event {n} of this run is no detail.")
        assert (await server.client.get(f"{details}/x")).status_code == 404


async def test_links_are_right_under_a_prefix():
    app = QuartTrio("mine")
    blueprint, service = create_blueprint(STORY)
    app.register_blueprint(blueprint, url_prefix="/api/v1")
    app.extensions["narrate"] = service
    async with served(app=app) as server:
        answer = await server.client.post("/api/v1/story")
        link = next(event["link"] for event in heard(answer.content) if "link" in event)
        assert (await server.client.get(link)).json() == LARGE
        home = f"/api/v1/runs/{answer.headers['narrate-run']}"
        assert (await server.client.get(home)).json()["links"]["self"] == home
        several = await server.client.get("/api/v1/events", params={"runs": answer.headers["narrate-run"]})
        assert link in [event.get("link") for event in heard(several.content)]


# --- To stop ---


async def test_a_run_is_cancelled_once_and_says_so():
    pipeline, _ = waiting(linger=None)
    async with served(pipeline) as server, await server.asked() as client:
        _, headers = await client.head()
        await client.until("step.started")
        home = f"/runs/{headers['narrate-run']}"
        first, second = await server.client.delete(home), await server.client.delete(home)
        assert [(each.status_code, each.json()["state"]) for each in (first, second)] == [(200, "cancelled")] * 2
        assert first.json()["reason"] == "The client cancelled it."
        assert heard(await client.body())[-1]["type"] == "run.cancelled"
        assert heard((await server.client.get(f"{home}/events")).content)[-1]["reason"] == "The client cancelled it."


async def test_a_run_that_has_ended_is_not_cancelled():
    async with served(STORY) as server:
        home = f"/runs/{(await server.client.post('/story')).headers['narrate-run']}"
        before = (await server.client.get(home)).json()
        answer = await server.client.delete(home)
        assert (answer.status_code, answer.json()) == (200, before)
        assert (await server.client.delete("/runs/nothing")).status_code == 404


async def test_a_run_that_takes_its_time_to_stop_is_said_to_be_stopping(mock_clock):
    began, may = trio.Event(), trio.Event()

    async def work() -> int:
        began.set()
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await may.wait()
        return 1

    async with served(one_step(work, linger=None)) as server, await server.wire() as client:
        home = (await server.client.post("/story", headers=ASYNC)).headers["location"]
        await began.wait()
        await client.send(get(home, method="DELETE"))
        await trio.testing.wait_all_tasks_blocked(0.01)
        mock_clock.jump(3)
        status, _, told = await client.answer()
        assert (status, told["state"]) == (202, "working")
        may.set()
        await until(lambda: not server.service.narrator.runs)
        assert (await server.client.get(home)).json()["state"] == "cancelled"


# --- Lists ---


async def test_runs_that_are_named_are_listed_the_newest_first():
    waits = Pipeline("waits", step("Sleeping")(trio.sleep_forever), linger=None)
    async with served(STORY, waits) as server:
        done = (await server.client.post("/story")).headers["narrate-run"]
        going = (await server.client.post("/waits", headers=ASYNC)).headers["narrate-run"]
        answer = await server.client.get("/runs", params={"runs": f"{done},nothing,{going}"})
        told = answer.json()
        assert [(one["run"], one["pipeline"], one["state"]) for one in told] == [
            (going, "waits", "working"),
            (done, "story", "finished"),
        ]
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "result" not in told[1]


async def test_nobodys_runs_are_listed_to_nobody():
    async with served(STORY) as server:
        await server.client.post("/story")
        assert (await server.client.get("/runs")).json() == []
