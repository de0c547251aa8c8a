"""3. A group runs at the same time, and is told in the order in which it is declared.

This is what narrate is about. Work runs in parallel and ends in any order; a story is read from the top to the bottom,
and should be the same story tomorrow. So each member of a group tells into a lane of its own, and the lanes are told
one after another: the first one live, the others as soon as their turn comes.
"""

import trio

from narrate import Pipeline, concurrent, say, step
from narrate.testing import narrated, same_in_every_schedule


@step("Heating the water…")
async def water() -> int:
    await trio.sleep(90)
    say("It sings.")
    return 94


@step("Grinding the beans…")
async def beans() -> int:
    await trio.sleep(10)
    say("That was quick.")
    return 18


@step("Pouring {water} °C over {beans} g…")
async def cup(water: int, beans: int) -> str:
    return f"a cup of {water * beans // 100} sips"


coffee = Pipeline("coffee", concurrent(water, beans), cup)


def test_all_members_are_announced_first_and_then_told_one_after_another():
    story = narrated(coffee)

    assert story.lines == (
        "Heating the water…",  # both are announced, before either does anything
        "Grinding the beans…",
        "It sings.",  # the water is told whole, though it takes longer
        "That was quick.",  # and then the beans, which were ready long before
        "Pouring 94 °C over 18 g…",
    )
    assert story.result == "a cup of 16 sips"


def test_only_the_story_waits_for_its_turn_and_never_the_work():
    """The whole takes as long as its critical path: what it had to wait for. The beans are not on it."""
    story = narrated(coffee)

    assert story.took == 90
    assert story.critical_path == ("water", "cup")


def test_live_status_says_at_once_what_the_story_has_not_come_to_yet():
    """Status is no part of the record: it is not numbered and not kept, and the latest wins. So it needs no order."""
    story = narrated(coffee)
    done = [status for status in story.statuses if status.step == "beans" and status.state == "done"]

    assert [status.t for status in done] == [10]


def test_the_result_of_a_group_at_the_end_has_all_its_values():
    assert narrated(Pipeline("both", concurrent(water, beans))).result == {"water": 94, "beans": 18}


def test_whoever_is_faster_the_story_is_the_same():
    """One line checks it, for any pipeline: it is run in many schedules, and every one must tell the same."""
    same_in_every_schedule(coffee)
