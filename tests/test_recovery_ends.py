"""Runs that are interrupted and not gone on with: each comes to an end that says why, or waits for who has it."""

import pytest
import trio
from pydantic import SecretStr

from narrate import Explained, Pipeline, concurrent, say, step
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import MOST_INTERRUPTIONS, open_narrator
from narrate.running import Events
from tests.interrupting import answer, ask, gate, gone_on_with, interrupted, pipeline_of, ran, wait


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


async def reason(path, running, *pipelines):
    events = await gone_on_with(path, running, *pipelines)
    assert events[-1].type == "run.failed"
    return events[-1].problem.detail


async def test_a_run_whose_pipeline_has_changed_fails_and_says_why(path):
    running = await interrupted(path, pipeline_of(ask, wait, answer), "I wait.")

    assert await reason(path, running, pipeline_of(ask, wait)) == (
        "The server stopped in the middle of it, and its pipeline has been changed since."
    )


async def test_a_run_whose_pipeline_is_not_served_waits_for_who_has_it(path):
    pipeline, other = pipeline_of(ask, wait, answer), Pipeline("other", ask, resources=[ran])
    running = await interrupted(path, pipeline, "I wait.")
    async with open_narrator([other], journal=SqliteJournal(path)) as narrator:
        assert await narrator.pick_up() == 0

    events = await gone_on_with(path, running, pipeline)

    assert events[-1].result == 42


async def test_how_many_go_on_is_counted_and_of_the_others_the_log_says_why(path, caplog):
    pipeline = pipeline_of(ask, wait)
    await interrupted(path, pipeline, "I wait.")
    await interrupted(path, Pipeline("q", ask, wait, resources=[gate, ran]), "I wait.")

    changed = Pipeline("q", ask, resources=[ran])
    async with open_narrator([pipeline, changed], journal=SqliteJournal(path)) as narrator:
        assert await narrator.pick_up() == 1

    assert "does not go on: The server stopped in the middle of it, and its pipeline has been changed" in caplog.text


async def test_a_pipeline_that_wants_no_recovery_gets_none(path):
    running = await interrupted(path, pipeline_of(ask, wait), "I wait.")

    assert "not one that is gone on with" in await reason(path, running, pipeline_of(ask, wait, recover=False))


async def test_a_value_that_cannot_be_written_down_ends_the_run_and_names_its_step(path):
    @step("Asking")
    async def key() -> SecretStr:
        return SecretStr("k")

    @step("Waiting")
    async def use(key: SecretStr, gate) -> int:
        say("using")
        await gate.wait()
        return 1

    pipeline = pipeline_of(key, use)
    running = await interrupted(path, pipeline, "using")

    assert await reason(path, running, pipeline) == (
        "The server stopped in the middle of it, and the value of `key` could not be written down."
    )


async def test_a_step_that_is_interrupted_again_and_again_is_given_up(path):
    pipeline = pipeline_of(ask, wait)
    running = await interrupted(path, pipeline, "I wait.")
    for times in range(1, MOST_INTERRUPTIONS + 1):
        journal = SqliteJournal(path)
        async with open_narrator([pipeline], journal=journal, resources={"gate": trio.Event(), "ran": []}) as narrator:
            await narrator.pick_up()
            interruptions = 0
            events = Events(await journal.maybe_reader(running.id), status=False)
            while interruptions < times:
                interruptions += (await anext(events)).type == "step.retrying"
            narrator.hand_over()

    assert await reason(path, running, pipeline) == "The server stopped in the middle of one step 10 times."


async def test_a_run_that_was_being_cancelled_is_cancelled(path):
    pipeline = pipeline_of(ask, wait)
    running = await interrupted(path, pipeline, "I wait.")
    journal = SqliteJournal(path)
    async with journal.open():
        await journal.stop(running.id, "The client cancelled it.")

    events = await gone_on_with(path, running, pipeline)

    assert [(e.type, e.reason) for e in events[-2:]] == [
        ("step.cancelled", "The client cancelled it."),
        ("run.cancelled", "The client cancelled it."),
    ]


async def test_a_run_that_had_failed_ends_in_that_failure(path):
    @step("Failing")
    async def failing() -> int:
        raise Explained("It broke.")

    @step("Cleaning up")
    async def stubborn(gate) -> int:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                say("cleaning up")
                with trio.move_on_after(0.05):
                    await gate.wait()
        return 1

    pipeline = pipeline_of(concurrent(stubborn, failing))
    running = await interrupted(path, pipeline, "cleaning up")
    events = await gone_on_with(path, running, pipeline)

    assert [(e.type, getattr(e, "step", "")) for e in events[-3:]] == [
        ("step.cancelled", "stubborn"),
        ("step.failed", "failing"),
        ("run.failed", ""),
    ]
    assert events[-1].problem.detail == "It broke."
