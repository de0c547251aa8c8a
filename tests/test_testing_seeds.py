"""What a schedule is: all that its seed decides, and nothing that is left of it afterwards."""

import random
import re

import httpx
import pytest
import trio
import trio._core._run as trio_run
import trio.testing

from narrate import (
    Pipeline,
    current_run,
    each,
    step,
)
from narrate.pauses import pausing
from narrate.recordings import RecordTape
from narrate.schedules import PLAIN, dice_of_trio, pace_of, pauses_of, scheduled
from narrate.testing import narrated, same_in_every_schedule
from narrate.transport import transport

# What a schedule is
from tests.test_testing_schedules import ada, guests


def test_everything_a_schedule_decides_comes_from_its_seed():
    places = [f"step{n}" for n in range(50)]
    one, again, other = ([pauses_of(seed)(place, "before") for place in places] for seed in (1, 1, 2))

    assert one == again != other
    assert {0.0} < set(one)
    assert all(seconds == 0 or 0.01 <= seconds <= 10 for seconds in one)
    assert {pace_of(seed) for seed in range(1, 50)} == {0.0, 0.25, 0.5, 1.0}


def test_one_place_pauses_anew_each_time_and_whatever_came_between():
    pause, undisturbed = pauses_of(1), pauses_of(1)
    pause("elsewhere", "before")

    assert [pause("here", "after") for _ in range(9)] == [undisturbed("here", "after") for _ in range(9)]
    assert len({undisturbed("here", "after") for _ in range(9)}) > 1


def test_the_plain_schedule_has_no_pauses():
    assert pauses_of(PLAIN) is None
    assert pace_of(PLAIN) == 1


def test_afterwards_all_dice_lie_as_before():
    before = (dice_of_trio().getstate(), random.getstate(), trio_run._ALLOW_DETERMINISTIC_SCHEDULING, pausing.get())
    with scheduled(5):
        inside = (dice_of_trio().getstate(), random.getstate())
        assert pausing.get() is not None

    assert inside[0] != before[0]
    assert inside[1] != before[1]
    after = (dice_of_trio().getstate(), random.getstate(), trio_run._ALLOW_DETERMINISTIC_SCHEDULING, pausing.get())
    assert after == before


def test_a_trio_that_keeps_its_dice_elsewhere_is_said_in_one_place(monkeypatch):
    monkeypatch.delattr(trio_run, "_r")

    with pytest.raises(RuntimeError, match=rf"trio {re.escape(trio.__version__)} does not let the order"):
        same_in_every_schedule(Pipeline("party", ada, resources=[guests]))


def test_what_is_being_recorded_is_run_once(monkeypatch):
    runs = []

    @step("Being")
    async def being(transport: httpx.AsyncBaseTransport) -> None:
        runs.append(current_run())

    tape = RecordTape("A test.")
    story = same_in_every_schedule(Pipeline("p", being, resources=[transport]), cassette=tape)

    assert len(runs) == 1
    assert story.problem is None
    assert tape.recording.exchanges == ()


def test_in_a_plain_run_nothing_pauses():
    async def look(item):
        return item

    @step("Looking", timeout=1)
    async def looking() -> list[int]:
        return await each(range(3), look)

    assert narrated(Pipeline("p", looking)).took == 0


def test_each_outside_of_a_run_is_paused_as_well():
    async def look(item):
        await trio.sleep(0)
        return item

    async def main():
        before = trio.current_time()
        token = pausing.set(lambda _path, _when: 0.5)
        try:
            assert await each([1], look) == [1]
        finally:
            pausing.reset(token)
        return trio.current_time() - before

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == 1


# Wrong uses


@step("Doing nothing")
async def nothing() -> None: ...


@pytest.mark.parametrize("schedules", [0, -4])
def test_no_schedule_is_no_check(schedules):
    with pytest.raises(ValueError, match="compares nothing"):
        same_in_every_schedule(Pipeline("p", nothing), schedules=schedules)


def test_a_cassettes_name_is_not_taken_for_one():
    with pytest.raises(TypeError, match=r"Give a Path, or mark the test with @pytest.mark.cassette\('oslo'\)"):
        narrated(Pipeline("p", nothing), cassette="oslo")


def test_a_step_is_not_taken_for_a_pipeline():
    with pytest.raises(TypeError, match="Only a Pipeline can be run, and this is a Step"):
        narrated(nothing)
