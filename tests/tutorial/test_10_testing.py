"""10. Testing a pipeline: one story, and the same story in every schedule.

`narrated` has been in use since the first page. Its companion answers the question that tests of concurrent work leave
open: does it come out the same when something else is faster?
"""

from collections.abc import AsyncIterator

import pytest
import trio

from narrate import Pipeline, StoriesDiffer, concurrent, resource, say, step
from narrate.testing import narrated, same_in_every_schedule, story_of


@step("Asking the bank…")
async def bank() -> int:
    await trio.sleep(3)
    return 400


@step("Asking the broker…")
async def broker() -> int:
    await trio.sleep(1)
    return 250


@step("Adding {bank} and {broker}…")
async def total(bank: int, broker: int) -> int:
    return bank + broker


wealth = Pipeline("wealth", concurrent(bank, broker), total)


def test_a_sound_pipeline_tells_the_same_whoever_is_faster():
    """Fifty schedules in virtual time: tasks take turns in another order, steps and items take longer by chance.

    Each comes from a seed, so it is the same fifty every time. What comes back is the story of the plain schedule.
    """
    assert same_in_every_schedule(wealth).result == 650


@resource
async def notebook() -> AsyncIterator[list[str]]:
    yield []


@step("Asking the bank…", name="bank")
async def noting_bank(notebook: list[str]) -> None:
    await trio.sleep(3)
    notebook.append("bank")
    say(f"Noted as number {len(notebook)}.")


@step("Asking the broker…", name="broker")
async def noting_broker(notebook: list[str]) -> None:
    await trio.sleep(1)
    notebook.append("broker")


def test_one_that_is_not_is_shown_with_both_stories_the_step_and_the_seed():
    """Here two steps share a list, and what one says hangs on whether the other was there before."""
    noting = Pipeline("noting", concurrent(noting_bank, noting_broker), resources=[notebook])

    assert "Noted as number 2." in narrated(noting).lines  # a single run looks well
    with pytest.raises(StoriesDiffer) as caught:
        same_in_every_schedule(noting)

    said = str(caught.value)
    assert "Step `bank` of `noting` tells something else in another schedule" in said
    assert "bank: Noted as number 2." in said
    assert "bank: Noted as number 1." in said
    assert "a value that is shared and changed" in said
    assert "same_in_every_schedule(…, seed=" in said  # which runs just these two again


async def test_in_an_async_test_story_of_does_what_narrated_does(autojump_clock):
    """`narrated` runs trio by itself, and in an async test trio runs already."""
    with pytest.raises(RuntimeError, match="Use `await story_of"):
        narrated(wealth)

    story = await story_of(wealth)

    assert story.result == 650
    assert story.took == 3


async def test_and_a_single_step_is_tested_by_calling_it():
    assert await total(400, 250) == 650
