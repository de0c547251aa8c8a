"""Tests of replays: a saved run that is run again tells the same story, in its own timing, to whoever follows."""

from collections.abc import Sequence

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrate import RunCancelled, RunFailed, StoryUnreadable, check_record, run, start
from narrate.errors import Problem
from narrate.events import (
    Detail,
    Event,
    Message,
    OutlinedStep,
    Progress,
    RunCancelledEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepStarted,
    Terminal,
    Token,
)
from narrate.journal.memory import MemoryJournal
from narrate.narrator import open_narrator
from narrate.replaying import NOT_SAVED, replayed
from narrate.saved import load_story
from narrate.story import Story
from tests import story_runs
from tests.generated import pipelines
from tests.made_stories import WHOLE, cut, kept, labelled, played
from tests.serving import served

made_up = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


async def heard_again(story: Story, pace: float = 1.0) -> Story:
    """The story as one reader hears it told again."""
    async with start(replayed(story, pace=pace)) as run:
        return Story([event async for event in run.events(status=True)])


def replay(story: Story, pace: float = 1.0) -> Story:
    """The same, in virtual time."""
    return trio.run(heard_again, story, pace, clock=trio.testing.MockClock(autojump_threshold=0))


def but_for_times(story: Story) -> list[Event]:
    """Its record without what is a new run's own: its id, when it told something, and how long the whole took."""
    own = {RunStarted: {"run": RunId("")}}
    own |= {kind: {"seconds": 0.0} for kind in Terminal.__args__}
    return [msgspec.structs.replace(event, t=0.0, **own.get(type(event), {})) for event in story.events]


# The same story


@made_up
@given(pipelines(wild=True), st.integers())
def test_a_replay_at_once_is_the_same_but_for_its_times(stages, seed):
    story = played(stages, seed)
    again = replay(story, pace=0)

    assert but_for_times(again) == but_for_times(story)
    assert {event.t for event in again.events} == {0.0}


@made_up
@given(pipelines(wild=True).filter(labelled), st.integers())
def test_a_replay_tells_each_event_when_it_happened(stages, seed):
    story = played(stages, seed)

    assert replay(story).events[1:] == story.events[1:]


def given_at(story: Story) -> dict[tuple[str, float], Progress]:
    """The last status that each step gave at each time: of several, the scheduler decides what a reader hears.

    With its step's end a status is over, and whether one of that time was heard is the scheduler's to say as well; and
    that a step waits for its turn, its lane says.
    """
    ended = (StepFinished, StepFailed, StepCancelled)
    ends = {(event.step, event.t) for event in story.events if isinstance(event, ended)}
    given = [status for status in story.statuses if status.state is None and (status.step, status.t) not in ends]
    return {(status.step, status.t): status for status in given}


@made_up
@given(pipelines(wild=True).filter(labelled), st.integers())
def test_a_replay_gives_each_status_when_it_was_given(stages, seed):
    story = played(stages, seed)

    assert given_at(replay(story)) == given_at(story)


@pytest.mark.parametrize("pace", [0.5, 3])
async def test_the_pace_multiplies_every_wait(pace, autojump_clock):
    story = Story(await story_runs.finished())
    again = await heard_again(story, pace)

    assert but_for_times(again) == but_for_times(story)
    assert [event.t for event in again.events] == pytest.approx([event.t * pace for event in story.events], abs=1e-4)


@pytest.mark.parametrize("name", sorted({*WHOLE} - {"late", "interrupted"}))
def test_a_kept_story_is_told_again_as_it_was(name):
    story = kept(name)
    without_large = [event for event in replay(story).events if not isinstance(event, Detail)]

    assert without_large[1:] == [event for event in story.events if not isinstance(event, Detail)][1:]


async def test_an_interrupted_run_is_told_again_with_its_interruption(autojump_clock):
    assert but_for_times(await heard_again(kept("interrupted"))) == but_for_times(kept("interrupted"))


async def test_each_run_of_a_replay_is_as_the_first(autojump_clock):
    story, journal = Story(await story_runs.finished()), MemoryJournal()
    again = replayed(story)
    async with open_narrator([again], journal=journal) as narrator:
        for _ in range(3):
            run = await narrator.begin(again)
            assert await run.result() == story.result
            assert but_for_times(Story(run.reader().take_nowait())) == but_for_times(story)
        assert await narrator.outline(again) == story.began.outline


async def test_it_takes_anything_or_nothing(autojump_clock):
    story = Story(await story_runs.finished())

    assert await run(replayed(story)) == await run(replayed(story), {"burns": [True]}) == story.result


def test_it_is_a_pipeline_of_the_name_title_and_outline_that_were_saved():
    outline = (OutlinedStep("a", "A {brace} of ducks", 2.5),)
    end = RunFinished(None, 0.1, n=4, t=0.1)
    told = [StepStarted("a", "A", n=2, t=0.0), StepFinished("a", 0.1, n=3, t=0.1), end]
    again = replayed(Story([RunStarted(RunId("1"), "my ducks", "Ducks?", outline, n=1, t=0.0), *told]))

    assert (again.name, again.title, again.path, again.outline) == ("my ducks", "Ducks?", "/my-ducks", outline)
    assert repr(again) == "<Pipeline my ducks: 1 stages>"


async def test_it_answers_at_a_path_that_is_chosen(autojump_clock):
    again = replayed(Story(await story_runs.finished()), path="/dinners")

    assert again.path == "/dinners"


# Its end


async def test_it_fails_as_the_saved_run_failed(autojump_clock):
    story = Story(await story_runs.failed())

    with pytest.raises(RunFailed) as failed:
        await run(replayed(story))

    assert failed.value.problem == story.problem


async def test_it_is_cancelled_as_the_saved_run_was(autojump_clock):
    story = Story(await story_runs.cancelled())

    with pytest.raises(RunCancelled, match=r"^Nobody is hungry any more\.$"):
        await run(replayed(story))


@made_up
@given(pipelines(wild=True), st.integers(), st.floats(0, 1))
def test_a_story_that_was_cut_fails_where_it_stops_and_closes_what_is_open(stages, seed, part):
    told = Story(cut(played(stages, seed).events, part))
    again = replay(told)

    check_record(again.events)
    assert but_for_times(again)[: told.last] == but_for_times(told)
    assert {type(event) for event in again.events[told.last : -1]} <= {StepStarted, StepCancelled}
    assert again.problem == Problem(
        title="The saved story was cut",
        status=503,
        detail=f"The saved story stops here. No more than {told.last} events were saved.",
    )


@made_up
@given(pipelines(wild=True), st.integers(), st.integers(0, 30))
def test_whenever_a_replay_is_cancelled_its_record_ends_in_order(stages, seed, tenths):
    async def cancelled() -> Sequence[Event]:
        async with start(replayed(story)) as run, trio.open_nursery() as nursery:

            async def stop() -> None:
                await trio.sleep(tenths / 10)
                run.cancel("Enough.")

            nursery.start_soon(stop)
            return [event async for event in run.events()]

    story = played(stages, seed)
    events = trio.run(cancelled, clock=trio.testing.MockClock(autojump_threshold=0))

    check_record(events)
    assert isinstance(events[-1], (type(story.end), RunCancelledEvent))


async def test_a_replay_that_is_left_says_why_its_steps_were_stopped(autojump_clock):
    story = Story(await story_runs.finished())
    journal = MemoryJournal()
    async with start(replayed(story), journal=journal) as run:
        await trio.sleep(1)
    reader = await journal.maybe_reader(run.id)
    events = reader.take_nowait()

    check_record(events)
    assert {event.reason for event in events if isinstance(event, StepCancelled)} == {"The program stopped."}


# What was saved as it travelled


async def test_joined_tokens_are_parted_so_that_every_number_is_as_it_was(autojump_clock):
    story = kept("late")
    again = await heard_again(story, 0)

    assert again.last == story.last
    assert again.lines == story.lines
    assert [event.n for event in again.events if not isinstance(event, Token)] == [
        event.n for event in story.events if not isinstance(event, Token)
    ]


async def test_a_large_detail_that_was_saved_without_its_data_says_so(autojump_clock):
    story = kept("finished")
    before = {detail.title: detail for detail in story.details}
    after = {detail.title: detail for detail in (await heard_again(story, 0)).details}

    assert before["The whole market"].data is msgspec.UNSET
    assert after["The whole market"].data == NOT_SAVED
    assert after["The whole market"].link is None
    assert after["Prices"].data == before["Prices"].data


# Served


async def test_a_reader_of_a_served_replay_hears_the_saved_record_event_for_event():
    story = Story(await story_runs_in_virtual_time())
    async with served(replayed(story, pace=0)) as server:
        answer = await server.client.post("/dinner", headers={"Accept": "application/x-ndjson"})
        told = load_story(answer.content, "answer")
        recorded = Story(await server.record_of(answer))

        assert but_for_times(recorded) == but_for_times(story)
        assert told.lines == story.lines
        assert told.last == story.last
        detail = await server.client.get(next(d.link for d in told.details if d.link))
        assert detail.json() == next(d.data for d in story.details if d.title == "The whole market")


async def test_the_page_of_a_served_replay_has_the_outline_that_was_saved():
    story = Story(await story_runs_in_virtual_time())
    async with served(replayed(story, pace=0)) as server:
        for _ in range(2):
            (drawn,) = (await server.client.get("/pipelines")).json()
            assert drawn["outline"] == msgspec.json.decode(msgspec.json.encode(story.began.outline))
            assert (drawn["name"], drawn["title"]) == ("dinner", "Dinner for two")
            answer = await server.client.post("/dinner", json={}, headers={"Accept": "application/json"})
            assert answer.json() == story.result


async def story_runs_in_virtual_time() -> Sequence[Event]:
    clock = trio.testing.MockClock(autojump_threshold=0)
    return await trio.to_thread.run_sync(lambda: trio.run(story_runs.finished, clock=clock))


# What cannot be told again


@pytest.mark.parametrize("pace", [-1, float("nan"), float("inf")])
def test_a_pace_is_a_number_that_is_not_negative(pace):
    with pytest.raises(ValueError, match="it multiplies every wait, and 0 tells all at once"):
        replayed(kept("finished"), pace=pace)


@pytest.mark.parametrize("name", ["trimmed", "holed"])
def test_a_story_with_missing_history_is_no_replay(name):
    with pytest.raises(StoryUnreadable, match="no longer kept, so it can be shown, but not told again"):
        replayed(kept(name))


def test_a_story_in_an_order_in_which_no_run_tells_is_no_replay():
    outline = (OutlinedStep("a", "A"), OutlinedStep("b", "B"))
    begun = RunStarted(RunId("1"), "made", "Made", outline, n=1, t=0.0)
    told = [StepStarted("a", "A", n=2, t=0.0), StepStarted("b", "B", n=3, t=0.0), Message("a", "Hm.", n=4, t=0.0)]

    with pytest.raises(StoryUnreadable, match=r"no run tells so, .* \(event 3: `b` is told in the turn of `a`\)"):
        replayed(Story([begun, *told]))
