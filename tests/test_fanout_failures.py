"""`each` when an item fails or the run is cancelled: what is raised, what is told, and what is not begun."""

import pytest
import trio

from narrate import (
    Limits,
    Pipeline,
    RunCancelled,
    RunFailed,
    concurrent,
    each,
    run,
    start,
    step,
)
from narrate.errors import Problem
from narrate.grammar import check_record
from tests.test_fanout import Busy, ends, fail_at_zero, late, story

# --- Failures ---


@pytest.mark.parametrize("label", [None, str])
async def test_the_error_of_an_item_is_raised_as_itself_and_stops_the_others(autojump_clock, label):
    async def work():
        with pytest.raises(ZeroDivisionError) as caught:
            await each([5, 0, 7], fail_at_zero, label=label)
        assert not hasattr(caught.value, "__notes__")
        return trio.current_time() - began

    began = trio.current_time()
    events = await story(work)

    assert events[-1].result == 0


async def test_the_items_that_an_error_stopped_are_told_as_cancelled(autojump_clock):
    async def work():
        await each([5, 0, 7, 8], fail_at_zero, label=str, at_most=3)

    events = await story(work)

    assert ends(events) == {
        "work/1": "step.cancelled",
        "work/2": "step.failed",
        "work/3": "step.cancelled",
        "work/4": "step.cancelled",
        "work": "step.failed",
    }
    assert {e.reason for e in events if e.type == "step.cancelled"} == {"Another item failed."}


async def test_errors_that_come_with_the_first_are_notes_on_it(autojump_clock):
    async def item(n):
        try:
            await trio.sleep(n)
            raise KeyError(n)
        finally:
            if n:
                raise ValueError("in cleanup")

    with pytest.raises(KeyError) as caught:
        await each([0, 1], item)

    assert caught.value.__notes__ == ["Another item failed as well: ValueError('in cleanup')"]


async def test_the_first_error_is_raised_though_anothers_nursery_fails_in_its_cleanup(autojump_clock):
    async def clean():
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("in cleanup")

    async def item(n):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clean)
            nursery.start_soon(trio.sleep_forever)

    async def work():
        await each([item, failing], lambda fn: fn(1), label=str)

    async def failing(_):
        await trio.sleep(1)
        raise Busy("first")

    async with start(Pipeline("p", step("A")(work))) as running:
        events = [event async for event in running.events()]
        with pytest.raises(RunFailed, match="first"):
            await running.result()

    check_record(events)
    assert ends(events) == {"work/1": "step.failed", "work/2": "step.failed", "work": "step.failed"}


async def test_something_may_stand_in_for_an_item_that_failed(autojump_clock):
    def stand_in(item, error):
        return item, type(error).__name__

    async def work():
        return await each([1, 0, 2], fail_at_zero, label=str, on_error=stand_in)

    events = await story(work)

    assert events[-1].result == [10, [0, "ZeroDivisionError"], 5]
    assert ends(events)["work/2"] == "step.failed"


async def test_an_error_in_what_stands_in_is_the_items_error(autojump_clock):
    def stand_in(item, error):
        raise Busy("no help")

    with pytest.raises(Busy, match="no help") as caught:
        await each([0, 5], fail_at_zero, on_error=stand_in)

    assert isinstance(caught.value.__context__, ZeroDivisionError)
    assert trio.current_time() == 0


async def test_a_function_that_is_not_async_fails_its_item():
    with pytest.raises(TypeError, match="await"):
        await each([1], str)


@pytest.mark.parametrize("words", [lambda n: 10 // n, lambda n: ["", 5][n == 0] or "x", lambda n: "\ud800" * (n == 0)])
async def test_a_label_that_cannot_be_told_announces_no_item_and_begins_none(words):
    begun = []

    async def work():
        await each([1, 0], begun.append, label=lambda n: str(words(n)) if n else words(n))

    events = await story(work)

    assert ends(events) == {"work": "step.failed"}
    assert begun == []


async def test_a_label_of_no_text_is_named():
    async def work():
        with pytest.raises(TypeError, match=r"^each\(label=...\) takes text, not int.$"):
            await each([1], late, label=lambda n: n)

    assert (await story(work))[-1].type == "run.finished"


# --- Cancellation ---


async def test_a_cancelled_run_closes_every_item_begun_or_not(autojump_clock):
    async def work():
        await each([10, 20, 30], late, label=str, at_most=2)

    async with start(Pipeline("p", step("A")(work))) as running:
        await trio.sleep(1)
        running.cancel("Enough.")
        with pytest.raises(RunCancelled):
            await running.result()
        events = [event async for event in running.events()]

    check_record(events)
    assert set(ends(events).values()) == {"step.cancelled"}
    assert len(ends(events)) == 4
    assert {e.reason for e in events if e.type == "step.cancelled"} == {"Enough."}


async def test_items_wait_to_be_announced_until_there_is_room_for_all_and_may_never_be(autojump_clock):
    @step("A")
    async def first():
        await trio.sleep(5)
        raise Busy("first")

    @step("B")
    async def second():
        await each(range(5), late, label=str)

    pipeline = Pipeline("p", concurrent(first, second), limits=Limits(held_events=2))
    async with start(pipeline) as running:
        events = [event async for event in running.events()]

    check_record(events)
    assert ends(events) == {"first": "step.failed", "second": "step.cancelled"}


async def test_each_fails_a_run_with_the_items_own_words():
    async def item(_):
        raise Busy("The far side is busy.")

    async def work():
        await each([1], item)

    with pytest.raises(RunFailed) as caught:
        await run(Pipeline("p", step("A")(work)))

    assert caught.value.problem == Problem(
        title="The step could not do its work", status=500, detail="The far side is busy.", step="work"
    )


async def test_an_async_on_error_is_refused_before_anything_begins():
    async def stand_in(item, error):
        return item

    with pytest.raises(TypeError, match="on_error is called, not awaited"):
        await each([1], fail_at_zero, on_error=stand_in)


async def test_after_a_failure_no_further_item_is_begun():
    begun = []

    async def fail(item):
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="a"):
        await each(["a", "b"], fail, at_most=1)

    assert begun == ["a"]
