"""`ask`: a question is told in its turn, its answer is kept, and nobody is asked the same thing twice."""

import re
from collections.abc import AsyncIterator

import pytest
import trio

from narrate import (
    NotAnswered,
    NotAsked,
    RunFailed,
    TooLate,
    WrongAnswer,
    answering,
    ask,
    concurrent,
    each,
    resource,
    run,
    start,
    step,
)
from narrate.events import Answer, Question, RunFailedEvent
from narrate.snapshot import Snapshot
from narrate.testing import narrated, same_in_every_schedule, story_of
from narrate.wire.text import transcript
from tests.questioning import asks, decided, told


async def test_a_question_is_told_and_its_answer_is_what_ask_gives_back():
    async with start(asks(decided)) as running:
        events = await told(running, "yes")

        assert await running.result() == "yes"
    assert transcript(events) == ("asks\n\n• Deciding\n  Let me see.\n  ? Is it you? (yes / no)\n  → yes\n\nDone.\n")
    question, answer = [event for event in events if isinstance(event, (Question, Answer))]
    assert (answer.to, answer.by, answer.value) == (question.n, "person", "yes")


async def test_without_choices_any_text_is_an_answer():
    @step("Naming")
    async def name() -> str:
        return await ask("What shall it be called?")

    async with start(asks(name)) as running:
        await told(running, "Ada\nLovelace")

        assert await running.result() == "Ada\nLovelace"


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        ("maybe", "“maybe” is none of the choices, which are “yes”, “no”."),
        ("", "“” is none of the choices"),
        (1, "An answer is a text, not a number."),
        (True, "An answer is a text, not yes or no."),
        (None, "An answer is a text, not null."),
        (["yes"], "An answer is a text, not a structure."),
        ("\ud800", "The answer is not valid Unicode"),
    ],
)
async def test_a_wrong_answer_is_refused_with_a_reason_and_the_question_stays_open(wrong, because):
    async with start(asks(decided)) as running:
        async for event in running.events():
            if isinstance(event, Question):
                with pytest.raises(WrongAnswer, match=because.replace("(", r"\(")):
                    await running.answer(wrong)
                await running.answer("no")

        assert await running.result() == "no"


@pytest.mark.parametrize(
    ("wrong", "because"), [(" \n", "has at least one"), ("a" * 10_001, "at most 10000 characters")]
)
async def test_a_text_that_says_nothing_or_too_much_is_refused(wrong, because):
    @step("Naming")
    async def name() -> str:
        return await ask("What shall it be called?")

    async with start(asks(name)) as running:
        async for event in running.events():
            if isinstance(event, Question):
                with pytest.raises(WrongAnswer, match=because):
                    await running.answer(wrong)
                running.cancel()


async def test_the_same_answer_again_is_the_same_answer_and_another_comes_too_late():
    async with start(asks(decided)) as running:
        async for event in running.events():
            if isinstance(event, Question):
                first = await running.answer("yes", event.n)
                again = await running.answer("yes", event.n)
                with pytest.raises(TooLate, match="“Is it you\\?” was answered with “yes” already"):
                    await running.answer("no", event.n)

        assert first == again
        assert await running.result() == "yes"


async def test_of_two_answers_at_once_one_counts_and_the_other_is_told_so():
    late = []

    async def give(running, value):
        try:
            await running.answer(value)
        except TooLate as error:
            late.append(error.value)

    async with start(asks(decided)) as running:
        async for event in running.events():
            if isinstance(event, Question):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(give, running, "yes")
                    nursery.start_soon(give, running, "no")

        assert late == [await running.result()]


async def test_what_was_never_asked_cannot_be_answered():
    @step("Waiting")
    async def waiting() -> None:
        await trio.sleep_forever()

    async with start(asks(waiting)) as running:
        with pytest.raises(NotAsked, match="has asked nothing so far"):
            await running.answer("yes")
        with pytest.raises(NotAsked, match="Event 1 of this run is no question, and none is open"):
            await running.answer("yes", 1)


async def test_after_the_end_of_its_run_a_question_is_not_waited_for(autojump_clock):
    async with start(asks(decided)) as running:
        async for event in running.events():
            if isinstance(event, Question):
                running.cancel("Enough.")
        with pytest.raises(TooLate, match="“Is it you\\?” is not waited for any more"):
            await running.answer("yes", 4)


# --- Time ---


async def test_when_the_time_is_over_the_default_is_the_answer_and_the_story_says_so(autojump_clock):
    @step("Deciding")
    async def decided() -> str:
        return await ask("Ship it?", ["yes", "no"], within=300, default="no")

    async with start(asks(decided)) as running:
        events = await told(running, None)

        assert await running.result() == "no"
    assert "  ? Ship it? (yes / no)\n  → no (nobody answered in time)\n" in transcript(events)
    question, answer = [event for event in events if isinstance(event, (Question, Answer))]
    assert (question.within, answer.t, answer.by) == (300.0, 300.0, "default")


async def test_an_answer_after_the_default_comes_too_late(autojump_clock):
    @step("Deciding")
    async def decided() -> str:
        value = await ask("Ship it?", ["yes", "no"], within=300, default="no")
        await trio.sleep(5)
        return value

    async with start(asks(decided)) as running:
        async for event in running.events():
            if isinstance(event, Answer):
                with pytest.raises(TooLate, match="“Ship it\\?” was not answered in time, so the answer is “no”"):
                    await running.answer("yes", event.to)

        assert await running.result() == "no"


async def test_without_a_default_the_step_fails_when_nobody_answers(autojump_clock):
    @step("Deciding")
    async def decided() -> str:
        return await ask("Ship it?", within=60)

    with pytest.raises(RunFailed, match="Nobody has answered “Ship it\\?” within 60 s") as failed:
        await run(asks(decided))
    assert failed.value.problem.status == 504


async def test_a_step_may_take_its_question_back(autojump_clock):
    @step("Deciding")
    async def decided() -> str:
        with trio.move_on_after(10):
            return await ask("Ship it?")
        return "nobody cared"

    async with start(asks(decided)) as running:
        events = await told(running, None)

        assert await running.result() == "nobody cared"
    assert "  ? Ship it?\n  → Nobody answered.\n" in transcript(events)


# --- Turns ---


async def test_questions_are_asked_in_the_reading_order_one_after_the_other(autojump_clock):
    @step("First")
    async def first() -> str:
        await trio.sleep(5)
        return await ask("First?")

    @step("Second")
    async def second() -> str:
        return await ask("Second?", within=1, default="too slow")

    async with start(asks(concurrent(first, second))) as running:
        events = await told(running, "one", "two")

        assert await running.result() == {"first": "one", "second": "two"}
    assert [event.question for event in events if isinstance(event, Question)] == ["First?", "Second?"]


async def test_the_items_of_each_ask_in_their_order(autojump_clock):
    @step("Asking all")
    async def asked() -> list[str]:
        async def one(name):
            await trio.sleep(3 - len(name))
            return await ask(f"Is {name} right?", ["yes", "no"])

        return await each(["a", "bb", "ccc"], one, label=lambda name: f"About {name}")

    async with start(asks(asked)) as running:
        await told(running, "yes", "no", "yes")

        assert await running.result() == ["yes", "no", "yes"]


# --- What a run's state says ---


async def test_a_runs_state_has_the_open_question():
    async with start(asks(decided)) as running:
        snapshot = Snapshot(running.id, "asks")
        async for event in running.events():
            snapshot.take([event])
            if isinstance(event, Question):
                (before,) = snapshot.state().steps[0].questions
                await running.answer("yes")

        assert (before.n, before.question, before.choices) == (4, "Is it you?", ("yes", "no"))
        assert snapshot.state().steps[0].questions == ()


# --- How it is asked ---


@pytest.mark.parametrize(
    ("arguments", "options", "error", "because"),
    [
        (("",), {}, ValueError, "needs a question"),
        ((7,), {}, TypeError, "takes text"),
        (("Sure?", []), {}, ValueError, "cannot be answered"),
        (("Sure?", "yes"), {}, TypeError, "one by one"),
        (("Sure?", ["yes", "yes"]), {}, ValueError, "choices that differ"),
        (("Sure?", ["yes", 1]), {}, TypeError, "takes text"),
        (("Sure?",), {"within": 0}, ValueError, "no time to answer in"),
        (("Sure?",), {"within": float("inf")}, ValueError, "leave it out"),
        (("Sure?",), {"within": float("nan")}, ValueError, "no time to answer in"),
        (("Sure?",), {"within": True}, TypeError, "takes seconds, not bool"),
        (("Sure?",), {"within": "5"}, TypeError, "takes seconds, not str"),
        (("Sure?",), {"within": 5, "default": 7}, TypeError, "takes text"),
        (("Sure?",), {"within": 5, "default": "x" * 10_001}, ValueError, "longer than the 10000 characters"),
        (("Sure?",), {"default": "yes"}, ValueError, "within how many seconds"),
        (("Sure?", ["yes"]), {"default": "no", "within": 5}, ValueError, "none of the choices"),
    ],
)
async def test_a_question_that_cannot_be_asked_is_refused_where_it_is_asked(arguments, options, error, because):
    with pytest.raises(error, match=because):
        await ask(*arguments, **options)


async def test_outside_a_run_answering_says_what_is_answered():
    with answering("yes"):
        assert await decided() == "yes"


async def test_outside_a_run_what_is_answered_must_fit_too():
    with answering("maybe"), pytest.raises(WrongAnswer):
        await decided()


async def test_outside_a_run_without_an_answer_it_says_what_to_do():
    with pytest.raises(NotAnswered, match="`with answering"):
        await decided()
    with answering(), pytest.raises(NotAnswered, match="no more answers"):
        await decided()


async def test_a_task_that_outlives_its_step_cannot_ask():
    said = []

    @step("Going away")
    async def gone(tasks: trio.Nursery) -> None:
        async def later():
            await left.wait()
            with pytest.raises(NotAnswered) as raised:
                await ask("Is anybody there?")
            said.append(str(raised.value))

        tasks.start_soon(later)

    left = trio.Event()
    async with trio.open_nursery() as nursery:
        await run(asks(gone, resources=[tasks]), tasks=nursery)
        left.set()
    assert said == ["“Is anybody there?” comes too late: the step that asks it has ended."]


@resource
async def tasks() -> AsyncIterator[trio.Nursery]:
    async with trio.open_nursery() as nursery:
        yield nursery


# --- In the testing kit ---


@step("Deciding")
async def quick() -> str:
    return await ask("Ship it?", ["yes", "no"], within=5, default="no")


def test_a_test_says_what_is_answered():
    story = narrated(asks(decided), answers=["yes"])

    assert story.result == "yes"
    assert story.lines_of("decided") == ("Deciding", "Let me see.", "Is it you? (yes / no)", "yes")


def test_a_test_may_answer_by_what_is_asked():
    assert narrated(asks(decided, quick), answers=lambda question: question.choices[-1]).result == "no"


def test_a_test_that_leaves_a_question_open_is_told_so_unless_it_has_a_deadline():
    assert narrated(asks(quick)).result == "no"
    with pytest.raises(NotAnswered, match="“Is it you\\?” was asked, and `answers` has no more"):
        narrated(asks(decided))


def test_a_test_that_answers_what_is_no_choice_is_told_so():
    with pytest.raises(WrongAnswer, match="none of the choices"):
        narrated(asks(decided), answers=["maybe"])


def test_a_test_that_answers_more_than_is_asked_is_told_what_was_left():
    with pytest.raises(AssertionError, match="Not asked for, and not given: “a”, “b”"):
        narrated(asks(decided), answers=["yes", "a", "b"])
    with pytest.raises(AssertionError, match="Not asked for, and not given: “a”"):
        same_in_every_schedule(asks(decided), answers=["yes", "a"], schedules=1)


async def test_a_story_that_was_answered_more_than_it_asked_is_refused():
    with pytest.raises(AssertionError, match="Not asked for, and not given: “a”"):
        await story_of(asks(decided), answers=("yes", "a"))


def test_a_run_that_fails_before_it_has_asked_needs_no_answer():
    @step("Failing")
    async def failing() -> None:
        raise LookupError

    assert isinstance(narrated(asks(failing, decided), answers=["yes"]).end, RunFailedEvent)


def test_one_text_is_no_list_of_answers():
    with pytest.raises(TypeError, match=re.escape("Write answers=['yes']")):
        narrated(asks(decided), answers="yes")
    with pytest.raises(TypeError, match=re.escape("Write answers=['yes']")):
        same_in_every_schedule(asks(decided), answers="yes")


async def test_one_text_is_no_list_of_answers_of_a_story():
    with pytest.raises(TypeError, match=re.escape("Write answers=['yes']")):
        await story_of(asks(decided), answers="yes")


def test_a_pipeline_that_asks_tells_the_same_in_every_schedule():
    same_in_every_schedule(asks(concurrent(decided, quick)), answers=["yes", "no"], schedules=10)
