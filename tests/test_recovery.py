"""Runs that are interrupted and gone on with: nothing is told twice, and nothing that is done is done again."""

from pathlib import Path

import pytest
import trio
from pydantic import BaseModel, SecretStr

from narrate import (
    Caller,
    Explained,
    Pipeline,
    Retry,
    check_record,
    concurrent,
    each,
    resource,
    run,
    say,
    step,
)
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import MOST_INTERRUPTIONS, open_narrator
from narrate.running import Events, Run
from narrate.wire.text import TextForm


@resource
async def gate():
    """What a step waits for, so that a test can interrupt it there."""
    opened = trio.Event()
    opened.set()
    yield opened


@resource
async def ran():
    """The steps that began, in the order in which they did."""
    yield []


@step("Asking")
async def ask(ran) -> int:
    ran.append("ask")
    say("I ask.")
    return 20


@step("Waiting")
async def wait(ask: int, gate, ran) -> int:
    ran.append("wait")
    say("I wait.")
    await gate.wait()
    say("I have waited.")
    return ask + 1


@step("Answering {wait}", summary="It is {answer}.")
async def answer(wait: int, ran) -> int:
    ran.append("answer")
    return 2 * wait


def pipeline_of(*stages, **options):
    return Pipeline("p", *stages, resources=[gate, ran], **options)


async def interrupted(path: Path, pipeline: Pipeline, at: str, *, given=None, ran=None) -> Run:
    """Begin a run and leave it in the middle, when this text has been told or its state is this."""
    stand_ins = {"gate": trio.Event(), "ran": ran if ran is not None else []}
    known = {one.name for one, _ in pipeline.resources}
    resources = {name: value for name, value in stand_ins.items() if name in known}
    async with open_narrator([pipeline], journal=SqliteJournal(path), resources=resources) as narrator:
        running = await narrator.begin(pipeline, given, Caller(ip="192.0.2.7"))
        async for event in running.events(status=True):
            if at in (getattr(event, "text", None), f"{getattr(event, 'step', '')} {getattr(event, 'state', '')}"):
                break
        narrator.hand_over()
    return running


async def gone_on_with(path: Path, running: Run, *pipelines: Pipeline, ran=None):
    """The whole record, once another start of the program has gone on with the run."""
    journal = SqliteJournal(path)
    known = {one.name for pipeline in pipelines for one, _ in pipeline.resources}
    resources = {"ran": ran} if ran is not None and "ran" in known else {}
    async with open_narrator(pipelines, journal=journal, resources=resources) as narrator:
        await narrator.pick_up()
        reader = await journal.maybe_reader(running.id)
        events = [event async for event in Events(reader, status=False)]
    check_record(events)
    return events


def told(events):
    return TextForm(seconds=False).story(events)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


# --- Going on ---


async def test_a_finished_step_is_not_run_again_and_the_interrupted_one_is_and_says_so(path):
    pipeline, began = pipeline_of(ask, wait, answer), []

    running = await interrupted(path, pipeline, "I wait.", ran=began)
    events = await gone_on_with(path, running, pipeline, ran=began)

    assert began == ["ask", "wait", "wait", "answer"]
    assert told(events) == (
        "p\n\n"
        "• Asking\n  I ask.\n"
        "• Waiting\n  I wait.\n"
        "  The server stopped in the middle of it. Beginning again.\n"
        "  I wait.\n  I have waited.\n"
        "• Answering 21\n  It is 42.\n\n"
        "Done.\n"
    )


async def test_the_events_of_before_keep_their_numbers_and_their_bytes(path):
    pipeline = pipeline_of(ask, wait, answer)

    running = await interrupted(path, pipeline, "I wait.")
    journal = SqliteJournal(path)
    async with journal.open():
        before = (await journal.maybe_reader(running.id)).take_nowait()
    after = await gone_on_with(path, running, pipeline)

    assert [event.type for event in before] == [
        "run.started",
        "step.started",
        "message",
        "step.finished",
        "step.started",
        "message",
    ]
    assert after[: len(before)] == list(before)


async def test_what_a_finished_member_said_before_its_turn_is_told_after_the_restart(path):
    @step("Second")
    async def second(ran) -> int:
        ran.append("second")
        say("I was quicker.")
        return 5

    @step("Adding")
    async def adding(wait: int, second: int) -> int:
        return wait + second

    pipeline, began = pipeline_of(ask, concurrent(wait, second), adding), []
    running = await interrupted(path, pipeline, "second done", ran=began)
    events = await gone_on_with(path, running, pipeline, ran=began)

    assert (began.count("second"), began.count("wait")) == (1, 2)
    assert [event.text for event in events if event.type == "message" and event.step == "second"] == ["I was quicker."]
    assert events[-1].result == 26


async def test_items_are_closed_and_counted_on(path):
    @step("Each")
    async def several(gate) -> list[int]:
        async def one(n: int) -> int:
            say(f"item {n}")
            if n == 2:
                await gate.wait()
            return n

        return await each([1, 2, 3], one, label=str, at_most=1)

    pipeline = pipeline_of(several)
    running = await interrupted(path, pipeline, "item 2")
    events = await gone_on_with(path, running, pipeline)

    ends = [(e.step, e.type) for e in events if e.type in ("step.finished", "step.cancelled", "step.retrying")]
    assert ends == [
        ("several/1", "step.finished"),
        ("several/2", "step.cancelled"),
        ("several/3", "step.cancelled"),
        ("several", "step.retrying"),
        ("several/4", "step.finished"),
        ("several/5", "step.finished"),
        ("several/6", "step.finished"),
        ("several", "step.finished"),
    ]


async def test_a_nested_pipeline_goes_on_where_it_was(path):
    inner = Pipeline("inner", ask, wait, resources=[gate, ran])

    @step("Over")
    async def over(inner: int) -> int:
        return inner

    pipeline, began = pipeline_of(inner, over), []
    running = await interrupted(path, pipeline, "I wait.", ran=began)
    events = await gone_on_with(path, running, pipeline, ran=began)

    assert began == ["ask", "wait", "wait"]
    assert events[-1].result == 21


async def test_a_step_that_was_skipped_stays_skipped_whatever_its_condition_says_now(path):
    answers = iter([False, True])

    def needed() -> bool:
        return next(answers)

    @step("Only sometimes", when=needed, otherwise="Not today.")
    async def sometimes(ran) -> int:
        ran.append("sometimes")
        return 1

    pipeline, began = pipeline_of(ask, sometimes, wait), []
    running = await interrupted(path, pipeline, "I wait.", ran=began)
    await gone_on_with(path, running, pipeline, ran=began)

    assert "sometimes" not in began


async def test_it_goes_on_with_the_same_input_and_the_same_caller(path):
    class Order(BaseModel):
        item: str

    @step("Packing {order.item}")
    async def pack(order: Order, caller: Caller, gate) -> str:
        say("packing")
        await gate.wait()
        return f"{order.item} for {caller.ip}"

    pipeline = pipeline_of(pack, takes=Order)
    running = await interrupted(path, pipeline, "packing", given=Order(item="tea"))
    events = await gone_on_with(path, running, pipeline)

    assert events[-1].result == "tea for 192.0.2.7"


async def test_attempts_are_counted_on_through_an_interruption(path):
    tries = []

    class Busy(Explained): ...

    @step("Trying", retry=Retry(attempts=5, on=Busy, wait_initial=0, wait_jitter=0))
    async def trying(gate) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise Busy("It is busy.")
        say("again")
        await gate.wait()
        return len(tries)

    pipeline = pipeline_of(trying)
    running = await interrupted(path, pipeline, "again")
    events = await gone_on_with(path, running, pipeline)

    assert [(e.attempt, e.of) for e in events if e.type == "step.retrying"] == [(1, 5), (2, 5)]
    assert events[-1].result == 3


async def test_a_run_can_be_interrupted_again_and_again(path):
    pipeline, began = pipeline_of(ask, wait, answer), []
    running = await interrupted(path, pipeline, "I wait.", ran=began)
    for _ in range(3):
        journal = SqliteJournal(path)
        resources = {"gate": trio.Event(), "ran": began}
        async with open_narrator([pipeline], journal=journal, resources=resources) as narrator:
            await narrator.pick_up()
            await narrator.maybe_run(running.id)._narration.writer.settle()
            narrator.hand_over()
    events = await gone_on_with(path, running, pipeline, ran=began)

    assert (began.count("ask"), began.count("answer")) == (1, 1)
    assert events[-1].result == 42


async def test_a_secret_stays_untold_after_the_restart(path):
    @step("Logging in", secret=("token",))
    async def token() -> str:
        return "s3cr3t-token"

    @step("Using it")
    async def use(token: str, gate) -> str:
        say("using")
        await gate.wait()
        say(f"It is {token}.")
        return "done"

    pipeline = pipeline_of(token, use)
    running = await interrupted(path, pipeline, "using")
    events = await gone_on_with(path, running, pipeline)

    assert "It is •••." in told(events)


# --- Not going on ---


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


# --- What stays behind ---


async def test_when_a_run_has_ended_neither_its_input_nor_what_its_steps_gave_is_in_the_file(path):
    @step("Making")
    async def made(word: str) -> str:
        return f"{word}-made"

    @step("Ending")
    async def end(made: str) -> int:
        return len(made)

    result = await run(Pipeline("p", made, end, takes=str), "rosebud", journal=SqliteJournal(path))

    assert result == len("rosebud-made")
    assert not [file.name for file in path.parent.iterdir() if b"rosebud" in file.read_bytes()]
