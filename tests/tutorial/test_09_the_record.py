"""9. The record: what was told, numbered 1, 2, 3 … without a gap, to be read from any place at any time.

A reader is a cursor on it. It knows the number of the last event that it has seen, and asks for what comes behind. So
to resume is nothing special, and a slow reader delays nobody.
"""

import pytest
import trio

from narrate import IllegalRecord, Pipeline, check_record, concurrent, say, start, step
from narrate.testing import narrated


@step("Heating the water…")
async def water() -> int:
    for degrees in (30, 60, 90):
        await trio.sleep(30)
        say(f"{degrees} °C")
    return 90


@step("Warming the cup…")
async def cup() -> str:
    await trio.sleep(20)
    return "warm"


tea = Pipeline("tea", concurrent(water, cup))


def test_a_record_is_numbered_without_a_gap_and_ends_in_exactly_one_end():
    events = narrated(tea).events

    assert [event.n for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events] == [
        "run.started",
        *("step.started", "step.started"),
        *("message", "message", "message", "step.finished"),
        "step.finished",
        "run.finished",
    ]


def test_n_is_the_place_in_the_story_and_t_when_it_happened():
    """The cup was warm at second 20. The story comes to it when the water has been told."""
    water_done, cup_done = (event for event in narrated(tea).events if event.type == "step.finished")

    assert (water_done.t, cup_done.t) == (90, 20)
    assert water_done.n < cup_done.n


async def test_a_reader_who_left_asks_for_the_rest_by_the_last_number_it_saw(autojump_clock):
    async with start(tea) as run:
        first = []
        async for event in run.events():
            first.append(event)
            if event.type == "message":
                break  # the connection breaks here

        await trio.sleep(1000)  # the run goes on, and ends
        rest = [event async for event in run.events(after=first[-1].n)]
        whole = [event async for event in run.events()]

    assert [*first, *rest] == whole  # nothing lost, and nothing twice


async def test_any_number_of_readers_read_at_their_own_pace(autojump_clock):
    heard: dict[str, list[int]] = {"quick": [], "slow": []}

    async def read(name: str, pause: float) -> None:
        async for event in run.events():
            heard[name].append(event.n)
            await trio.sleep(pause)

    async with start(tea) as run, trio.open_nursery() as nursery:
        nursery.start_soon(read, "quick", 0)
        nursery.start_soon(read, "slow", 1000)
        await run.result()
        ended = trio.current_time()

    assert heard["quick"] == heard["slow"]
    assert ended == 90  # nobody waited for the slow one


def test_what_may_follow_what_is_a_grammar_that_can_be_checked():
    """`narrated` checks every record it gives you. For one that comes from elsewhere there is `check_record`."""
    events = narrated(tea).events
    check_record(events)

    with pytest.raises(IllegalRecord, match="event 9: the record stops before the run has ended: it was cut"):
        check_record(events[:-1])
    with pytest.raises(IllegalRecord, match=r"event 4: `message` is numbered 4 where 3 comes next"):
        check_record([*events[:2], *events[3:]])
