"""5. `each` does the same for many items, a few at a time.

The number of items is known only while the step works, so they cannot be stages of the pipeline. Each has a lane of its
own all the same, and is told in the order of the items.
"""

import pytest
import trio

from narrate import Pipeline, RunFailed, each, say, step
from narrate.testing import narrated, same_in_every_schedule

CITIES = {"Oslo": 4, "Rome": 22, "Lima": 18}


async def temperature(city: str) -> int:
    """The far north is asked by a slow line."""
    await trio.sleep(30 - CITIES[city])
    say(f"{CITIES[city]} °C")
    return CITIES[city]


@step("Asking for the weather…")
async def weather() -> list[int]:
    return await each(CITIES, temperature, label=lambda city: f"In {city}…")


def test_items_run_at_the_same_time_and_are_told_in_their_order():
    story = narrated(Pipeline("weather", weather))

    assert story.lines == (
        *("Asking for the weather…", "In Oslo…", "In Rome…", "In Lima…"),  # with a label, each is announced
        *("4 °C", "22 °C", "18 °C"),
    )
    assert story.result == [4, 22, 18]  # the results come in the items' order, too
    assert story.took == 26  # as long as the slowest of them


def test_items_have_numbers_for_names():
    assert list(narrated(Pipeline("weather", weather)).steps) == ["weather", "weather/1", "weather/2", "weather/3"]


def test_progress_is_told_by_itself():
    story = narrated(Pipeline("weather", weather))

    # That the third is done, the step's end says as well, and a reader may see nothing but that.
    assert [(status.done, status.of) for status in story.statuses if status.done][:2] == [(1, 3), (2, 3)]


def test_no_more_of_them_run_at_once_than_you_say():
    @step("Asking one by one…")
    async def one_by_one() -> list[int]:
        return await each(CITIES, temperature, at_most=1)

    assert narrated(Pipeline("weather", one_by_one)).took == 26 + 8 + 12


async def fails_in_rome(city: str) -> int:
    if city == "Rome":
        raise OSError("The line to Rome is down.")
    return await temperature(city)


def test_an_item_that_fails_stops_the_others_and_the_step():
    @step("Asking…")
    async def asking() -> list[int]:
        return await each(CITIES, fails_in_rome, label=str)

    story = narrated(Pipeline("weather", asking))

    assert [story.steps[f"asking/{n}"].state for n in (1, 2, 3)] == ["cancelled", "failed", "cancelled"]
    with pytest.raises(RunFailed):
        _ = story.result


def test_unless_something_stands_in_for_it():
    @step("Asking…")
    async def asking() -> list[int | None]:
        return await each(CITIES, fails_in_rome, on_error=lambda _city, _error: None)

    assert same_in_every_schedule(Pipeline("weather", asking)).result == [4, None, 18]
