"""What becomes of a run when something goes wrong: failures, cancellation, secrets, and what is logged of them."""

from dataclasses import dataclass

import pytest
import trio
import trio.testing
from pydantic import BaseModel, SecretStr

from narrate import (
    Explained,
    Pipeline,
    Retry,
    RunCancelled,
    RunFailed,
    concurrent,
    each,
    progress,
    relay,
    run,
    say,
    show,
    start,
    step,
)
from narrate.errors import ProblemError
from narrate.events import to_json
from narrate.grammar import check_record

ENDS = ("step.finished", "step.skipped", "step.failed", "step.cancelled")


class Busy(Explained): ...


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


def failing(*errors, then="done"):
    remaining = list(errors)

    async def work():
        while remaining:
            raise remaining.pop(0)
        return then

    return work


async def forever():
    await trio.sleep_forever()


async def one():
    return 1


# --- Failures in groups ---


async def fail_after(seconds, words):
    await trio.sleep(seconds)
    raise Busy(words)


async def test_a_failure_cancels_the_others_and_every_lane_is_closed(autojump_clock):
    inner = Pipeline("inner", named("deep", forever))

    events = await story(concurrent(named("a", forever), named("b", lambda: sorted([])), named("c", late_busy), inner))

    assert ends(events) == {
        "a": "step.cancelled",
        "b": "step.finished",
        "c": "step.failed",
        "inner/deep": "step.cancelled",
        "inner": "step.cancelled",
    }
    assert {e.reason for e in of_type(events, "step.cancelled")} == {"Another step failed."}
    assert events[-1].problem.step == "c"


async def late_busy():
    await fail_after(1, "Sorry.")


async def test_two_failures_at_one_instant_are_both_told_and_named():
    gate = trio.Event()

    async def busy():
        await gate.wait()
        raise Busy("Sorry.")

    async def open_gate():
        await trio.testing.wait_all_tasks_blocked()
        gate.set()

    events = await story(concurrent(named("a", busy), named("b", busy), named("c", open_gate)))

    problem = events[-1].problem
    assert ends(events) == {"a": "step.failed", "b": "step.failed", "c": "step.finished"}
    assert {error.step for error in problem.errors} == {"a", "b"}
    assert problem.errors[0] == ProblemError(detail="Sorry.", step=problem.step)


async def test_the_first_cause_is_named_though_anothers_cleanup_fails_as_well(autojump_clock, caplog):
    async def clean():
        try:
            await forever()
        finally:
            raise KeyError("in cleanup")

    async def untidy():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clean)
            nursery.start_soon(forever)

    for second in (clean, untidy):
        events = await story(concurrent(named("a", late_busy), named("b", second)))

        assert ends(events) == {"a": "step.failed", "b": "step.failed"}
        assert (events[-1].problem.step, [e.step for e in events[-1].problem.errors]) == ("a", ["a", "b"])


async def test_a_group_of_errors_from_a_steps_own_nursery_is_told_error_by_error():
    async def work():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(failing(Busy("Sorry.")))
            nursery.start_soon(failing(ValueError("hidden")))

    problem = (await story(named("a", work)))[-1].problem

    assert {error.detail for error in problem.errors} == {"Sorry.", "An unexpected ValueError stopped it."}
    assert {error.step for error in problem.errors} == {"a"}


# --- Cancellation ---


async def cancelled(*stages):
    """The events of a run that is cancelled while it waits."""
    async with start(Pipeline("p", *stages)) as running:
        await trio.sleep(1)
        running.cancel("Enough.")
        with pytest.raises(RunCancelled, match=r"^Enough.$"):
            await running.result()
        events = [event async for event in running.events()]
    check_record(events)
    return events


async def test_cancellation_reaches_a_steps_cleanup_and_is_told_with_its_reason(autojump_clock):
    cleaned = []

    async def work():
        try:
            await forever()
        except Exception:
            cleaned.append("caught")
            raise
        finally:
            cleaned.append("finally")

    events = await cancelled(named("a", work, retry=Retry(attempts=3, on=Exception), fallback=1))

    assert cleaned == ["finally"]
    assert [(e.step, e.reason) for e in of_type(events, "step.cancelled")] == [("a", "Enough.")]


async def test_an_attempt_that_is_cancelled_is_not_tried_again_whatever_failed_before_it(autojump_clock):
    errors = [Busy("First.")]

    async def work():
        while errors:
            raise errors.pop()
        await forever()

    retry = Retry(attempts=9, on=Exception, wait_initial=0, wait_jitter=0)

    events = await cancelled(named("a", work, retry=retry))

    assert len(of_type(events, "step.retrying")) == 1
    assert (ends(events), events[-1].seconds) == ({"a": "step.cancelled"}, 1.0)


async def test_a_cancelled_run_ends_cancelled_though_a_cleanup_fails(autojump_clock):
    async def clean():
        try:
            await forever()
        finally:
            raise KeyError("in cleanup")

    async def untidy():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clean)
            nursery.start_soon(forever)

    for work in (clean, untidy):
        events = await cancelled(named("a", work))

        assert ends(events) == {"a": "step.failed"}


async def test_a_group_that_is_cancelled_before_it_begins_is_taken_back(autojump_clock):
    async with start(Pipeline("p", concurrent(named("a", one), named("b", one)))) as running:
        await anext(running.events())
        await trio.lowlevel.checkpoint()
        running.cancel("Enough.")
        events = [event async for event in running.events()]

    check_record(events)
    assert set(ends(events).values()) <= {"step.cancelled"}


@pytest.mark.parametrize("error", [KeyboardInterrupt])
async def test_what_ends_the_program_passes_through(error):
    async def work():
        raise error

    with pytest.raises(BaseExceptionGroup) as caught:
        await run(Pipeline("p", named("a", work, fallback=1, retry=Retry(attempts=2, on=Exception))))

    assert caught.value.split(error)[1] is None


async def test_leaving_says_that_the_program_stopped_where_no_step_failed(autojump_clock):
    async with start(Pipeline("p", concurrent(named("a", forever), named("b", forever)))) as running:
        reader = running.reader()
        await trio.sleep(1)

    events = reader.take_nowait()

    check_record(events)
    assert {e.reason for e in events if e.type.endswith("cancelled")} == {"The program stopped."}


# --- What is logged ---


async def test_an_unexpected_error_is_told_by_its_class_and_logged_with_its_traceback(caplog):
    with pytest.raises(RunFailed) as caught:
        await run(Pipeline("p", named("a", failing(ValueError("at /etc/passwd")))))

    assert str(caught.value) == "a: An unexpected ValueError stopped it."
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("narrate", "ERROR")
    assert "Step a failed.\nTraceback" in record.getMessage()
    assert "ValueError: at /etc/passwd" in record.getMessage()


async def test_an_error_that_explains_itself_is_not_logged(caplog):
    with pytest.raises(RunFailed):
        await run(Pipeline("p", named("a", failing(Busy("Sorry.")))))

    assert caplog.records == []


async def test_a_retried_error_is_shown_to_nobody_by_its_text(autojump_clock, caplog):
    error = ValueError("key=s3cret")
    error.__cause__ = KeyError("s3cret too")

    await run(Pipeline("p", named("a", failing(error), retry=Retry(attempts=2, on=ValueError))))

    assert [record.getMessage() for record in caplog.records] == ["stamina.retry_scheduled"]
    assert "s3cret" not in str(vars(caplog.records[0]))
    assert "ValueError" in str(vars(caplog.records[0]))
    assert isinstance(error.__cause__, KeyError)


# --- Secrets ---


class Login(BaseModel):
    user: str
    key: SecretStr


@dataclass
class Session:
    token: str
    user: str


async def test_a_secret_is_in_no_event_status_problem_result_or_log(caplog):
    @step("Signing {login.user} in", secret=("key", "token"), summary="{session.token} for {session.user}")
    async def session(login: Login) -> Session:
        key = login.key.get_secret_value()
        say(f"The key is {key}.")
        show(f"About {key}", {"url": f"/?{key}", key: key, "key": "anything", "deep": [{"token": 1}]})
        progress(text=f"with {key}")
        await relay(words(f"a {key} b"))
        await each([key], one_of, label=str)
        return Session("t0ken+/=", login.user)

    async def words(*texts):
        for text in texts:
            yield text

    async def one_of(key):
        say(key)

    async def use(session: Session):
        raise ValueError(f"https://far.side/?token=t0ken%2B%2F%3D and {session.token}")

    def stand_in(session: Session, why: Exception) -> str:
        raise Busy(f"Not with {session.token}.")

    pipeline = Pipeline("p", session, named("use", use, "Using {session.token}", fallback=stand_in), takes=Login)
    async with start(pipeline, {"user": "ann", "key": "s3cret"}) as running:
        told = [event async for event in running.events(status=True)]
        with pytest.raises(RunFailed) as caught:
            await running.result()

    everything = b"".join(map(to_json, told)).decode() + str(caught.value) + str(caught.value.problem) + caplog.text
    assert "s3cret" not in everything
    assert "t0ken" not in everything
    assert "The key is •••." in everything
    assert str(caught.value) == "use: Not with •••."
    check_record([event for event in told if event.n])


async def test_a_secret_in_the_result_is_kept_from_the_record_and_given_to_the_program():
    @step("Signing in", secret=("token",))
    async def session() -> Session:
        return Session("t0ken", "ann")

    async with start(Pipeline("p", session)) as running:
        result = await running.result()
        events = [event async for event in running.events()]

    assert result == Session("t0ken", "ann")
    assert events[-1].result == {"token": "•••", "user": "ann"}


async def test_a_secret_that_is_spelt_like_a_part_of_an_event_harms_no_event():
    @step("The {text}", secret=("text", "data", "t", "step", "type"))
    async def message(text: str) -> str:
        say(f"{text} it is")
        show("x", {"text": 5, "other": text})
        return text

    events = await story(message, given="message", takes=str)

    assert [event.type for event in events][2:4] == ["message", "detail"]
    assert (events[1].step, events[1].title, events[2].text) == ("message", "The •••", "••• it is")
    assert events[3].data == {"text": "•••", "other": "•••"}
    assert events[-1].result == "•••"


async def test_a_secret_in_a_reason_to_cancel_is_not_told(autojump_clock):
    @step("A", secret=("key",))
    async def work(key: str):
        await forever()

    async with start(Pipeline("p", work, takes=str), "s3cret") as running:
        await trio.sleep(1)
        running.cancel("because of s3cret")
        with pytest.raises(RunCancelled, match=r"^because of •••$"):
            await running.result()
