"""Running a plan: what is told before and after each step's work, tried again, stood in for, and nested."""

import threading

import pytest
import trio

from narrate import Explained, Pipeline, Retry, concurrent, run, say, start, step
from narrate.errors import Problem
from narrate.grammar import check_record

ENDS = ("step.finished", "step.skipped", "step.failed", "step.cancelled")


class Busy(Explained):
    title = "The far side is busy"
    status = 503

    def __init__(self, words="Come back later.", retry_after=None):
        self.retry_after = retry_after
        super().__init__(words)


async def story(*stages, given=None, **options):
    """The events of a run, which are legal as they stand."""
    async with start(Pipeline("p", *stages, **options), given) as running:
        events = [event async for event in running.events()]
    check_record(events)
    return events


def of_type(events, kind):
    return [event for event in events if event.type == kind]


def ends(events):
    return {event.step: event.type for event in events if event.type in ENDS}


def named(name, fn, title="A", **options):
    return step(title, name=name, **options)(fn)


async def forever():
    await trio.sleep_forever()


async def one():
    return 1


def missing(n: int):
    return n.missing


def is_big(n: int):
    return n > 5


# --- Before, not after ---


async def test_a_reader_has_heard_of_a_step_before_the_step_blocks_the_thread(nursery):
    heard, at_work = [], []

    async def read(running):
        async for event in running.events():
            heard.append((event.type, getattr(event, "step", None)))

    def blocking(name):
        async def work():
            at_work.append((name, ("step.started", name) in heard))

        return named(name, work)

    pipeline = Pipeline("p", blocking("a"), concurrent(blocking("b"), blocking("c")), Pipeline("q", blocking("d")))
    async with start(pipeline) as running:
        for _ in range(3):
            nursery.start_soon(read, running)
        await running.result()

    assert [known for _, known in at_work[:3]] == [True, True, True]
    assert heard[0] == ("run.started", None)


async def test_a_plain_def_runs_in_a_thread_and_an_async_def_does_not():
    def in_thread():
        return threading.get_ident()

    async def in_task():
        return threading.get_ident()

    result = await run(Pipeline("p", concurrent(named("a", in_thread), named("b", in_task))))

    assert (result["a"] != threading.get_ident(), result["b"]) == (True, threading.get_ident())


async def test_titles_and_summaries_are_filled_in_and_seconds_are_told(autojump_clock):
    @step("Double {n}", summary="{n} becomes {double}.")
    async def double(n: int) -> int:
        await trio.sleep(2)
        return n * 2

    started, finished = (await story(double, given=4, takes=int))[1:3]

    assert (started.title, finished.text, finished.seconds) == ("Double 4", "4 becomes 8.", 2.0)


@pytest.mark.parametrize("options", [{"title": "{n.missing}"}, {"summary": "{n.missing}"}, {"when": missing}])
async def test_what_goes_wrong_in_a_template_or_condition_is_the_steps_failure(options):
    async def work(n: int): ...

    beside = named("beside", one)
    alone = await story(named("a", work, **options), given=4, takes=int)
    grouped = await story(concurrent(beside, named("a", work, **options)), given=4, takes=int)

    assert ends(alone) == {"a": "step.failed"}
    assert ends(grouped)["a"] == "step.failed"
    assert "AttributeError" in grouped[-1].problem.detail


# --- when ---


async def test_a_step_that_is_not_needed_is_skipped_with_its_reason_and_gives_none():
    @step("A", when=is_big, otherwise="{n} is small.")
    async def big(n: int) -> int: ...

    @step("B")
    async def after(big: int | None) -> bool:
        return big is None

    events = await story(concurrent(big, named("c", one)), after, given=4, takes=int)

    assert [(e.step, e.reason) for e in of_type(events, "step.skipped")] == [("big", "4 is small.")]
    assert events[-1].result is True


# --- Retries and timeouts ---


def failing(*errors, then="done"):
    remaining = list(errors)

    async def work():
        if remaining:
            raise remaining.pop(0)
        return then

    return work


async def test_each_failed_attempt_is_told_with_its_wait_and_reason(autojump_clock):
    retry = Retry(attempts=4, on=Busy, wait_initial=1, wait_jitter=0, wait_max=3)

    events = await story(named("a", failing(Busy("One."), Busy("Two."), Busy("")), retry=retry))

    assert [(e.attempt, e.of, e.wait, e.reason) for e in of_type(events, "step.retrying")] == [
        (1, 4, 1, "One."),
        (2, 4, 2, "Two."),
        (3, 4, 3, "The far side is busy."),
    ]
    assert (events[-1].result, events[-1].seconds) == ("done", 6.0)


async def test_the_wait_told_is_the_wait_kept_with_its_jitter(autojump_clock):
    events = await story(named("a", failing(Busy()), retry=Retry(attempts=2, on=Busy, wait_initial=1, wait_jitter=5)))

    (told,) = of_type(events, "step.retrying")

    assert 1 <= told.wait <= 6
    assert events[-1].seconds == pytest.approx(told.wait, abs=0.001)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(7, 7), ("3", 3), (0, 0), (None, 1), ("Wed, 21 Oct", 1), (-1, 1), (float("nan"), 1), (float("inf"), 1)],
    ids=str,
)
async def test_an_error_may_ask_for_its_own_wait_in_seconds(autojump_clock, asked, wait):
    retry = Retry(attempts=2, on=Busy, wait_initial=1, wait_jitter=0)

    events = await story(named("a", failing(Busy(retry_after=asked)), retry=retry))

    assert [e.wait for e in of_type(events, "step.retrying")] == [wait]
    assert events[-1].seconds == wait


async def test_the_last_error_is_the_steps_when_no_attempt_is_left(autojump_clock):
    events = await story(named("a", failing(Busy("One."), Busy("Two.")), retry=Retry(attempts=2, on=Busy)))

    assert len(of_type(events, "step.retrying")) == 1
    assert (events[-1].problem.status, events[-1].problem.detail) == (503, "Two.")


async def test_only_the_errors_named_are_worth_another_attempt():
    events = await story(named("a", failing(KeyError("k")), retry=Retry(attempts=5, on=(Busy, ValueError))))

    assert ends(events) == {"a": "step.failed"}
    assert of_type(events, "step.retrying") == []


async def test_a_group_of_errors_is_worth_another_attempt_when_each_of_them_is(autojump_clock):
    groups = ExceptionGroup("", [Busy(retry_after=2), ExceptionGroup("", [Busy(retry_after=5)])])
    mixed = ExceptionGroup("", [Busy("First."), KeyError("k")])

    events = await story(named("a", failing(groups, mixed), retry=Retry(attempts=5, on=Busy)))

    assert [e.wait for e in of_type(events, "step.retrying")] == [5]
    assert events[-1].problem.detail == "First."


async def test_the_timeout_is_for_all_attempts_together(autojump_clock):
    async def work():
        await trio.sleep(2)
        raise Busy

    retry = Retry(attempts=9, on=Busy, wait_initial=1, wait_jitter=0, wait_exp_base=1)

    events = await story(named("a", work, retry=retry, timeout=7))

    assert events[-1].seconds == 7
    assert len(of_type(events, "step.retrying")) == 2
    assert events[-1].problem == Problem(
        title="The step took too long", status=504, detail="It took longer than 7 s.", step="a"
    )


async def test_a_step_within_its_timeout_is_as_without_one():
    assert await run(Pipeline("p", named("a", one, timeout=1))) == 1


# --- Fallbacks ---


async def of_failure(why: Exception):
    return type(why).__name__


@pytest.mark.parametrize(
    ("fallback", "result"),
    [(None, None), ([1], [1]), (lambda: "called", "called"), (one, 1), (of_failure, "Busy"), (named("s", one), 1)],
    ids=["none", "value", "function", "async", "failure", "step"],
)
async def test_a_stand_in_is_told_and_the_run_goes_on(fallback, result):
    events = await story(named("a", failing(Busy("Sorry.")), fallback=fallback))

    assert [e.text for e in of_type(events, "message")] == ["Sorry. Going on without it."]
    assert (of_type(events, "step.finished")[0].fallback, events[-1].result) == ("Sorry.", result)


async def test_a_stand_in_may_speak_and_comes_after_the_timeout_and_all_attempts(autojump_clock):
    async def stand_in():
        say("Instead.")

    events = await story(named("a", forever, timeout=3, fallback=stand_in))

    assert [e.text for e in of_type(events, "message")] == [
        "It took longer than 3 s. Going on without it.",
        "Instead.",
    ]


async def test_a_stand_in_that_fails_is_the_steps_failure():
    events = await story(named("a", failing(Busy("First.")), fallback=failing(Busy("Second."))))

    assert events[-1].problem.detail == "Second."


async def test_a_stand_in_stands_in_though_nothing_more_may_be_held_back(autojump_clock):
    async def wordy():
        for _ in range(20_000):
            say("x")

    events = await story(
        concurrent(named("a", lambda: trio.from_thread.run(trio.sleep, 1)), named("b", wordy, fallback=0))
    )

    assert events[-1].result == {"a": None, "b": 0}


# --- Nested pipelines ---


async def test_a_nested_pipelines_steps_are_told_inside_it_and_its_value_is_its_result():
    @step("Double")
    async def double(n: int) -> int:
        return n * 2

    @step("After {inner_most}")
    async def after(inner_most: int) -> int:
        return inner_most + 1

    inner = Pipeline("inner-most", double, takes=int, title="Inside")
    outer = Pipeline("outer", inner, after, takes=int)

    events = await story(concurrent(outer, named("b", one)), given=4, takes=int)

    assert list(ends(events)) == ["outer/inner_most/double", "outer/inner_most", "outer/after", "outer", "b"]
    assert events[-1].result == {"outer": 9, "b": 1}


async def test_a_failure_inside_closes_the_pipeline_around_it():
    inner = Pipeline("inner", named("a", failing(Busy("Sorry."))), named("never", one))

    events = await story(inner, named("never_either", one))

    assert ends(events) == {"inner/a": "step.failed", "inner": "step.failed"}
    assert events[-1].problem == Problem(title="The far side is busy", status=503, detail="Sorry.", step="inner/a")
