"""What `make demo` serves, asked over real sockets: the very requests that the README shows, and wrong ones."""

import msgspec
import pytest
import trio

from narrate import check_record
from narrate.events import RunFinished, StepStarted, from_json
from narrate.recordings import stand_ins, world
from pipelines.travel_escape import travel_escape
from tests.generated import without_times
from tests.serving import served
from tests.travel.test_stories import FIXTURES, HOT_TOMORROW

PACE = 0.02
SEVEN = ["intent", "location", "departure", "routes", "distances", "weather", "escapes"]


def demo():
    return served(travel_escape, resources=stand_ins(world([FIXTURES / "valencia"]), [travel_escape], pace=PACE))


async def story(client, question):
    """The record of one run: its numbered events."""
    answer = await client.post("/assist", json={"q": question}, headers={"Accept": "application/x-ndjson"})
    events = [from_json(line) for line in answer.text.splitlines() if line]
    return [event for event in events if event.n]


def same_in_every_run(event):
    """The event without what no two runs share: times, and the run's id, which is also in links."""
    return without_times(msgspec.to_builtins(event), but=("run", "link"))


async def test_seven_steps_are_told_in_order_and_end_in_at_least_three_escapes():
    async with demo() as server:
        events = await story(server.client, HOT_TOMORROW)

    check_record(events)
    assert [event.step for event in events if isinstance(event, StepStarted)] == SEVEN
    assert isinstance(events[-1], RunFinished)
    assert len(events[-1].result["escapes"]) >= 3


async def test_twenty_runs_at_once_tell_twenty_identical_records():
    records = []

    async def ask(client):
        records.append([same_in_every_run(event) for event in await story(client, HOT_TOMORROW)])

    async with demo() as server, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(ask, server.client)

    assert len(records) == 20
    assert len(records[0]) > 20
    assert all(record == records[0] for record in records)


async def test_any_other_sentence_works_too():
    async with demo() as server:
        events = await story(server.client, "un sitio templado pasado mañana, hora y media")

    assert isinstance(events[-1], RunFinished)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        ('{"q": ""}', "application/json", 422, "q: "),
        ('{"q": 7}', "application/json", 422, "q: "),
        ('{"q": "%s"}' % ("x" * 501), "application/json", 422, "q: "),
        ('{"q": "hot", "lat": 95, "lon": 0}', "application/json", 422, "lat: "),
        ('{"q": "hot", "lat": 1}', "application/json", 422, "lon"),
        ('{"q": "hot", "colour": "blue"}', "application/json", 422, "colour: "),
        ('{"q": "hot"', "application/json", 400, "not JSON"),
        ('{"q": "hot"}', "text/plain", 415, "as JSON"),
        ('{"q": "%s"}' % ("x" * 2_000_000), "application/json", 413, "larger than"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_one_clear_problem(body, content_type, status, said):
    async with demo() as server:
        answer = await server.client.post("/assist", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
