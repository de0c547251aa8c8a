"""7. How a run ends: it finishes, it fails, or it is cancelled. It tells which, always, as its last event.

Structured concurrency does the rest: whatever ends, all that runs beneath it ends with it, and is cleaned up.
"""

import pytest
import trio

from narrate import Explained, Pipeline, RunCancelled, RunFailed, concurrent, say, start, step
from narrate.testing import narrated


class Shut(Explained):
    title = "The shop is shut"


cleaned: list[str] = []


@step("Buying beans…")
async def beans() -> int:
    await trio.sleep(5)
    raise Shut("It opens on Monday.")


@step("Heating the water…")
async def water() -> int:
    try:
        await trio.sleep(90)
    finally:
        cleaned.append("the stove is off")
    return 94


coffee = Pipeline("coffee", concurrent(water, beans))


def test_a_step_that_fails_stops_those_beside_it_and_the_run():
    cleaned.clear()

    story = narrated(coffee)

    assert story.took == 5
    assert cleaned == ["the stove is off"]
    assert story.lines[2:] == ("Stopped: Another step failed.", "It opens on Monday.")
    assert story.events[-1].type == "run.failed"


def test_the_problem_says_what_went_wrong_and_where():
    """It is RFC 9457's, as a server sends it. The result of such a story raises."""
    story = narrated(coffee)

    assert (story.problem.title, story.problem.step) == ("The shop is shut", "beans")
    with pytest.raises(RunFailed, match=r"beans: It opens on Monday\."):
        _ = story.result


def test_an_error_that_does_not_explain_itself_is_told_by_its_name_only():
    """Its text may hold a key, a path or an address. It is in the log."""

    @step("Connecting…")
    async def connecting() -> None:
        raise OSError("postgres://admin:hunter2@10.0.0.3 refused")

    story = narrated(Pipeline("connects", connecting))

    assert story.problem.sentence == "An unexpected OSError stopped it."
    assert "hunter2" not in story.transcript


async def test_a_run_can_be_cancelled_and_says_why(autojump_clock):
    """`start` begins a run and gives it to you while it works. Leaving the block cancels what still runs."""
    cleaned.clear()
    async with start(coffee) as run:
        await trio.sleep(1)
        run.cancel("Nobody is thirsty any more.")
        with pytest.raises(RunCancelled, match="Nobody is thirsty any more"):
            await run.result()
        story = [event async for event in run.events()]

    assert story[-1].type == "run.cancelled"
    assert cleaned == ["the stove is off"]


async def test_what_was_told_before_the_end_stays_told(autojump_clock):
    @step("Talking…")
    async def talking() -> None:
        say("This is true.")
        await trio.sleep_forever()

    async with start(Pipeline("talks", talking)) as run:
        await trio.sleep(1)
        run.cancel()
        told = [event.type async for event in run.events()]

    assert told == ["run.started", "step.started", "message", "step.cancelled", "run.cancelled"]
