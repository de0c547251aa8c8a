"""Runs that are interrupted and gone on with: nothing is told twice, and nothing that is done is done again."""

import pytest
import trio
from pydantic import BaseModel

from narrate import Caller, Explained, Pipeline, Retry, concurrent, each, run, say, step
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from tests.interrupting import answer, ask, gate, gone_on_with, interrupted, pipeline_of, ran, told, wait


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


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
