"""What each step usually takes, as clients are told it with the outline of a run."""

import pytest

from narrate import say
from narrate.journal.memory import MemoryJournal
from narrate.journal.sqlite import SqliteJournal
from narrate.usual import usual
from tests.serving import Served, heard, one_step, served


async def work() -> int:
    say("Working.")
    return 7


STORY = one_step(work)


async def told(server: Served):
    """The record of one more run."""
    return heard((await server.client.post("/story")).content)


def of_the_step_in(events):
    """What a run says of its step before it began, and what is usual once it has ended."""
    [stage] = events[0]["outline"]
    [seconds] = [event["seconds"] for event in events if event["type"] == "step.finished"]
    return stage.get("seconds"), usual({"work": [seconds]})["work"]


@pytest.mark.parametrize("kind", [lambda _: MemoryJournal(), SqliteJournal], ids=["memory", "sqlite"])
async def test_a_second_run_is_told_with_what_the_first_took(kind, tmp_path):
    async with served(STORY, journal=kind(tmp_path / "runs.db")) as server:
        first, second = await told(server), await told(server)

    before, took = of_the_step_in(first)
    assert (before, of_the_step_in(second)[0]) == (None, took)


async def test_a_run_in_one_server_is_told_with_what_one_in_another_took(tmp_path):
    path = tmp_path / "runs.db"
    async with (
        served(STORY, journal=SqliteJournal(path)) as here,
        served(STORY, journal=SqliteJournal(path)) as there,
    ):
        first, second = await told(here), await told(there)

    assert of_the_step_in(second)[0] == of_the_step_in(first)[1]
