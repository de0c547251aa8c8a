"""12. A pipeline is a stage, too. Its steps are told within it, and its result is its value.

So a piece of work that is a pipeline by itself, with its own tests, can be used in a larger one as it is.
"""

import trio

from narrate import Pipeline, concurrent, say, step
from narrate.testing import narrated, same_in_every_schedule


@step("Heating the water…")
async def water() -> int:
    await trio.sleep(90)
    return 94


@step("Grinding the beans…")
async def beans() -> int:
    await trio.sleep(10)
    return 18


@step("Pouring…")
async def cup(water: int, beans: int) -> str:
    say("Slowly.")
    return f"{beans} g at {water} °C"


coffee = Pipeline("coffee", concurrent(water, beans), cup, title="Making coffee")


@step("Toasting…")
async def toast() -> str:
    await trio.sleep(120)
    return "two slices"


@step("Setting the table for {coffee} and {toast}…")
async def table(coffee: str, toast: str) -> str:
    """The value of an inner pipeline has its name."""
    return f"{coffee}, {toast}"


breakfast = Pipeline("breakfast", concurrent(coffee, toast), table, title="Breakfast")


def test_its_steps_are_told_within_it():
    story = narrated(breakfast)

    assert story.lines == (
        "Making coffee",  # the group: a pipeline and a step
        "Toasting…",
        "Heating the water…",  # the group within the pipeline, whose lane is told first
        "Grinding the beans…",
        "Pouring…",
        "Slowly.",
        "Setting the table for 18 g at 94 °C and two slices…",
    )
    assert story.result == "18 g at 94 °C, two slices"


def test_a_path_says_where_a_step_is():
    assert list(narrated(breakfast).steps) == [
        *("coffee", "coffee/water", "coffee/beans", "coffee/cup"),
        *("toast", "table"),
    ]


def test_what_the_whole_waited_for_is_found_at_any_depth():
    assert narrated(breakfast).critical_path == ("toast", "table")
    assert narrated(coffee).critical_path == ("water", "cup")


def test_the_order_holds_at_any_depth_in_every_schedule():
    same_in_every_schedule(breakfast)
