"""Tests of the retelling: whatever happened in whichever order, the record is the same, event for event."""

from collections.abc import Sequence

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrate import Pipeline, StoryUnreadable, check_record, concurrent, each, say, start, step
from narrate.events import (
    Event,
    Message,
    OutlinedStep,
    Progress,
    RunCancelledEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepCancelled,
    StepFinished,
    StepStarted,
    Terminal,
    from_json,
    to_json,
)
from narrate.order import ReadingOrder
from narrate.retelling import Retelling, as_it_happened, retold, told_again
from narrate.story import Story
from narrate.wire.forms import NdjsonForm
from tests.generated import Beside, Does, Each, Fail, Nested, Say, Together, Wait, pipelines
from tests.made_stories import WHOLE, cut, kept, labelled, played, shuffled, watched

BEGUN = RunStarted(RunId("1"), "made", "Made", (OutlinedStep("a", "A"), OutlinedStep("b", "B")), n=1, t=0.0)

made_up = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


# The law


@made_up
@given(pipelines(wild=False), st.integers())
def test_what_happened_makes_the_same_record_anew(stages, seed):
    story = played(stages, seed)

    assert retold(story).events == story.events
    assert retold(story).statuses == story.statuses


@made_up
@given(pipelines(wild=True), st.integers())
def test_what_happened_makes_the_same_record_anew_whatever_failed(stages, seed):
    story = played(stages, seed)

    assert retold(story).events == story.events


@made_up
@given(pipelines(wild=True).filter(labelled), st.integers())
def test_as_things_really_happened_they_make_the_same_record(stages, seed):
    story, happened = watched(stages, seed)

    assert told_again(happened) == story.events


@made_up
@given(pipelines(wild=True), st.integers(), st.randoms(use_true_random=False))
def test_in_whichever_order_the_lanes_came_along_the_record_is_the_same(stages, seed, chance):
    story = played(stages, seed)

    assert told_again(shuffled(story, chance)) == story.events


@made_up
@given(pipelines(wild=True), st.integers(), st.floats(0, 1))
def test_of_a_story_that_was_cut_all_that_was_told_is_told_again(stages, seed, part):
    story = played(stages, seed)
    told = cut(story.events, part)

    assert retold(Story(told)).events == told


@made_up
@given(pipelines(wild=True), st.integers())
def test_tokens_that_a_wire_joined_are_told_again_as_they_came(stages, seed):
    story = played(stages, seed)
    travelled = NdjsonForm().events(story.events, to_json).splitlines()
    joined = Story([from_json(line) for line in travelled])

    assert retold(joined).events == joined.events


@pytest.mark.parametrize("name", WHOLE)
def test_kept_stories_are_told_again_as_they_were(name):
    story = kept(name)

    assert retold(story).events == story.events


@pytest.mark.parametrize("name", WHOLE)
@given(chance=st.randoms(use_true_random=False))
def test_kept_stories_are_the_same_in_whichever_order_their_lanes_came_along(name, chance):
    story = kept(name)

    assert told_again(shuffled(story, chance)) == story.events


# The order of happening


@made_up
@given(pipelines(wild=True).filter(labelled), st.integers())
def test_the_order_of_happening_is_that_of_the_times(stages, seed):
    times = [event.t for event in as_it_happened(played(stages, seed))[:-1]]

    assert times == sorted(times)


@made_up
@given(pipelines(wild=True), st.integers())
def test_everything_is_in_the_order_of_happening_once_and_the_end_is_last(stages, seed):
    story = played(stages, seed)
    happened = as_it_happened(story)

    assert sorted(event.n for event in happened if event.n) == [event.n for event in story.events]
    assert sorted(str(event) for event in happened if not event.n) == sorted(map(str, story.statuses))
    assert isinstance(happened[-1], Terminal)


async def test_lanes_that_ran_at_the_same_time_are_parted_by_their_times_and_at_one_time_by_the_reading_order(
    autojump_clock,
):
    @step("Slow")
    async def slow() -> None:
        for _ in range(2):
            await trio.sleep(1)
            say("slow")

    @step("Quick")
    async def quick() -> None:
        await trio.sleep(1)
        say("quick")

    async with start(Pipeline("lanes", concurrent(slow, quick))) as run:
        story = Story([event async for event in run.events()])

    assert [event.text for event in as_it_happened(story) if isinstance(event, Message)] == ["slow", "quick", "slow"]


def test_status_comes_behind_the_events_of_its_time_but_before_the_end_of_its_step():
    begun, ended = StepStarted("a", "A", n=2, t=0.5), StepFinished("a", 0.5, n=3, t=1.0)
    early, late, over = Progress("a", 1, t=0.5), Progress("a", 2, t=1.0), Progress("a", state="done", t=1.0)
    other, after, end = Progress("b", 1, t=1.0), Progress("a", 3, t=1.1), RunFinished(None, 2.0, n=4, t=2.0)

    told = as_it_happened(Story([over, late, after, other, early, BEGUN, begun, ended, end]))

    assert told == (BEGUN, begun, early, late, after, ended, over, other, end)


def test_times_that_cannot_be_put_nothing_before_what_it_must_come_behind():
    begun, said = StepStarted("a", "A", n=2, t=5.0), Message("a", "Hm.", n=3, t=4.0)
    ended, second = StepFinished("a", 0.5, n=4, t=6.0), StepStarted("b", "B", n=5, t=1.0)
    told = (BEGUN, begun, said, ended, second)

    assert as_it_happened(Story(told)) == told


def test_a_story_with_a_gap_stays_as_it_is_read():
    story = kept("holed")

    assert as_it_happened(story) == (*story.events, *story.statuses)


# Lanes by example


def test_a_round_that_is_begun_beside_another_is_a_round_of_its_own():
    rounds = Beside(((Each(((Wait(), Say()), (Wait(),))),), (Each(((Say(),), (Wait(), Say()))), Say())))

    for seed in range(20):
        story = played([Does((rounds,))], seed)
        assert retold(story).events == story.events


def test_a_round_within_an_unlabelled_item_comes_behind_the_items_before_it():
    slow, quick = (Wait(), Wait(), Say()), (Each(((Say(),), (Wait(),))), Say())

    for seed in range(20):
        story = played([Does((Each((slow, quick), label=None),))], seed)
        assert retold(story).events == story.events


def test_what_a_step_says_of_an_item_that_failed_is_told_when_it_happened_though_it_is_read_later():
    async def fails(seconds: float) -> None:
        await trio.sleep(seconds)
        raise ValueError

    @step("Fanning out")
    async def fan() -> None:
        await each([1, 3], fails, label=str, on_error=lambda item, _: say(f"{item} failed."))

    async def heard() -> Story:
        async with start(Pipeline("fan", fan)) as run:
            return Story([event async for event in run.events()])

    story = trio.run(heard, clock=trio.testing.MockClock(autojump_threshold=0))

    kinds = [event.type for event in as_it_happened(story)]
    assert kinds[4:] == ["step.failed", "message", "step.failed", "message", "step.finished", "run.finished"]
    assert [event.type for event in story.events][4:8] == ["step.failed", "step.failed", "message", "message"]
    assert retold(story).events == story.events


def test_a_group_of_which_nobody_was_needed_is_no_group_of_lanes():
    nobody = Together((Does(needed=False), Does(needed=False)))
    story = played([Together((Nested((nobody, Does((Say(),)))), Does((Say(),))))], 0)

    assert retold(story).events == story.events


def test_members_that_could_not_begin_end_in_their_order():
    broken = Together((Does((Say(),)), Does(needed="breaks"), Does((Fail(),))))
    story = played([Together((Nested((broken,)), Does((Wait(), Say()))))], 0)

    assert retold(story).events == story.events


# Stopping it in the middle


class Told:
    """A lane that keeps what is told, in the order that the reading order makes of it."""

    def __init__(self, order=None, lane=None, told=None) -> None:
        self.order = order or ReadingOrder()
        self.lane = lane or self.order.root
        self.told = told if told is not None else []
        self.statuses = []

    def tell(self, event: Event) -> None:
        self.told += self.order.feed(self.lane, event)

    def status(self, progress: Progress) -> None:
        self.statuses.append(progress)

    def fork(self, count: int) -> "list[Told]":
        return [Told(self.order, lane, self.told) for lane in self.order.fork(self.lane, count)]

    def close(self) -> None:
        self.told += self.order.close(self.lane)

    def record(self) -> list[Event]:
        return [msgspec.structs.replace(event, n=n) for n, event in enumerate(self.told, 1)]


def stopped_after(events: Sequence[Event]) -> tuple[list[Event], Told]:
    """All of it told again, and then stopped: the record, but for its end, and the lane that it was told in."""
    begun, root = events[0], Told()
    root.tell(begun)
    retelling = Retelling(root, begun.outline)
    for event in events[1:]:
        retelling.tell(event)
    retelling.stop("Enough.", 99.0)
    root.close()
    return root.record(), root


@made_up
@given(pipelines(wild=True), st.integers(), st.floats(0, 1), st.randoms(use_true_random=False))
def test_wherever_a_retelling_is_stopped_its_record_can_be_ended(stages, seed, part, chance):
    story = played(stages, seed)
    record, _ = stopped_after(cut(shuffled(story, chance), part))

    check_record([*record, RunCancelledEvent("Enough.", 99.0, n=len(record) + 1, t=99.0)])


@made_up
@given(pipelines(wild=True), st.integers(), st.floats(0, 1))
def test_a_story_that_was_cut_has_all_that_was_told_before_what_closes_it(stages, seed, part):
    told = cut(played(stages, seed).events, part)
    record, _ = stopped_after(told)

    assert tuple(record[: len(told)]) == told
    assert {type(event) for event in record[len(told) :]} <= {StepCancelled, StepStarted}


def test_status_goes_by_no_lane():
    events = [BEGUN, Progress("b", 1, 2, t=0.1), StepStarted("a", "A", t=0.2)]

    assert stopped_after(events)[1].statuses == [events[1]]


# What cannot be told again


def test_a_story_without_its_beginning_can_be_shown_but_not_told_again():
    with pytest.raises(StoryUnreadable) as unreadable:
        retold(kept("trimmed"))

    assert str(unreadable.value) == (
        "This story: events 1 to 24 are no longer kept, so it can be shown, but not told again"
    )


def test_a_story_with_a_hole_cannot_be_told_again():
    with pytest.raises(StoryUnreadable, match="events 26 to 34 are no longer kept"):
        retold(kept("holed"))


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([], "there is nothing in it"),
        ([Progress("a", 1, t=0.1)], "there is nothing in it"),
        ([Message("a", "Hm.", n=1, t=0.1)], "it begins with `message` where `run.started` should be, so"),
    ],
)
def test_what_does_not_begin_cannot_be_told_again(events, what):
    with pytest.raises(StoryUnreadable, match=what):
        told_again(events)


def test_what_is_told_of_a_step_that_has_not_begun_is_named():
    with pytest.raises(StoryUnreadable, match="event 2, `message`, is told of `b`, which is not under way then"):
        told_again([BEGUN, Message("b", "Hm.", n=2, t=0.1)])
