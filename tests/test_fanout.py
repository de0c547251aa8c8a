"""`each`: the bounded fan-out of a step, its lanes, and what becomes of an item that fails."""

import pytest
import trio

from narrate import (
    Explained,
    Pipeline,
    Retry,
    each,
    progress,
    say,
    start,
    step,
)
from narrate.grammar import check_record

STEP_ENDS = ("step.finished", "step.failed", "step.cancelled")


class Busy(Explained): ...


async def story(fn, **options):
    """The run's events, legal as they stand, for a pipeline of this one step, `work`."""
    async with start(Pipeline("p", step("A", name="work", **options)(fn))) as running:
        events = [event async for event in running.events()]
    check_record(events)
    return events


def lines(events):
    return [(e.type, e.step) for e in events if e.type.startswith("step.")]


def ends(events):
    return {e.step: e.type for e in events if e.type in STEP_ENDS}


async def late(seconds):
    await trio.sleep(seconds)
    say(f"after {seconds}")
    return seconds * 10


async def fail_at_zero(n):
    await trio.sleep(n)
    return 10 // n


# --- Order, bounds ---


async def test_results_and_words_come_in_the_order_of_the_items_whoever_is_first(autojump_clock):
    async def work():
        return await each([3, 1, 2], late)

    events = await story(work)

    assert events[-1].result == [30, 10, 20]
    assert [e.text for e in events if e.type == "message"] == ["after 3", "after 1", "after 2"]


async def test_items_may_come_from_a_generator_and_there_may_be_none(autojump_clock):
    async def work():
        return await each((n for n in (2, 1)), late, label=str), await each([], late, label=str), await each([], late)

    events = await story(work)

    assert events[-1].result == [[20, 10], [], []]


async def test_no_more_than_so_many_items_are_under_way_at_once(autojump_clock):
    under_way, most = 0, []

    async def count(_):
        nonlocal under_way
        under_way += 1
        most.append(under_way)
        await trio.sleep(1)
        under_way -= 1

    await each(range(10), count, at_most=3)
    first = max(most)
    await each(range(10), count)

    assert (first, max(most)) == (3, 8)
    assert trio.current_time() == pytest.approx(4 + 2)


async def test_a_labelled_item_is_announced_and_told_as_a_step(autojump_clock):
    async def work():
        await each([2, 1], late, label=lambda n: f"number {n}")

    events = await story(work)

    assert [(e.step, e.title) for e in events if e.type == "step.started"] == [
        ("work", "A"),
        ("work/1", "number 2"),
        ("work/2", "number 1"),
    ]
    assert [(e.step, e.seconds) for e in events if e.type == "step.finished"] == [
        ("work/1", 2.0),
        ("work/2", 1.0),
        ("work", 2.0),
    ]


async def test_every_item_is_announced_before_any_does_its_work(autojump_clock):
    async def work():
        await each([1], late, label=str)

    events = [e.type for e in await story(work)]

    assert events.index("message") > max(n for n, kind in enumerate(events) if kind == "step.started")


async def test_the_numbers_of_items_go_on_from_one_each_to_the_next(autojump_clock):
    async def work():
        await each([1, 1], late, label=str)
        await each([1], late, label=str)

    assert ends(await story(work)).keys() == {"work/1", "work/2", "work/3", "work"}


@pytest.mark.parametrize(
    ("outer", "paths"),
    [
        (str, ["work/1/1", "work/1/2", "work/1", "work/2/1", "work/2/2", "work/2", "work"]),
        (None, ["work/1.1", "work/1.2", "work/2.1", "work/2.2", "work"]),
    ],
    ids=["labelled", "unlabelled"],
)
async def test_each_in_an_item_of_each_has_paths_of_its_own(autojump_clock, outer, paths):
    async def inside(n):
        await each([n, 1], late, label=str)

    async def work():
        await each([2, 1], inside, label=outer)

    assert list(ends(await story(work))) == paths


async def test_unlabelled_rounds_never_give_one_path_twice(autojump_clock):
    async def deeper(n):
        await each([n], late, label=str)

    async def inside(n):
        await each([n], deeper)

    async def work():
        await each([1, 2], inside)
        await each([1], inside)

    assert list(ends(await story(work))) == ["work/1.1.1", "work/2.1.1", "work/3.1.1", "work"]


async def test_each_in_a_step_that_is_tried_again_numbers_on(autojump_clock):
    tries = iter([True, False])

    async def fail_once(n):
        say(f"item {n}")
        await trio.sleep(1)
        if next(tries):
            raise Busy

    async def work():
        await each([1], fail_once, label=str)

    events = await story(work, retry=Retry(attempts=2, on=Busy))

    assert ends(events) == {"work/1": "step.failed", "work/2": "step.finished", "work": "step.finished"}


async def test_progress_is_told_by_itself(autojump_clock):
    async def work():
        await each([1, 2], late, unit="cities")
        await trio.sleep(1)

    async with start(Pipeline("p", step("A")(work))) as running:
        told = [e async for e in running.events(status=True) if e.type == "progress"]

    assert [(e.step, e.done, e.of, e.unit) for e in told] == [("work", 1, 2, "cities"), ("work", 2, 2, "cities")]


async def test_an_items_own_progress_is_its_own(autojump_clock):
    async def item(n):
        progress(n, 10)
        await trio.sleep(1)

    async def work():
        await each([7], item, label=str)

    async with start(Pipeline("p", step("A")(work))) as running:
        told = [e async for e in running.events(status=True) if e.type == "progress"]

    assert ("work/1", 7, 10) in [(e.step, e.done, e.of) for e in told]
