"""The laws, as properties of made-up pipelines under made-up schedules, in virtual time.

Apart from the tests of each module, because a law is kept by all of them together or not at all.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import trio
import trio.testing
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from narrate import Limits, NarrationTooLong, Pipeline, RunCancelled, RunFailed, concurrent, say, show, step
from narrate.events import (
    Event,
    Progress,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    outlined_in,
)
from narrate.grammar import check_record
from narrate.journal.memory import MemoryJournal
from narrate.narrator import open_narrator
from narrate.order import OrderLane, ReadingOrder
from narrate.running import Run
from tests.generated import (
    BROKE_TIDYING,
    TIDYING,
    Beside,
    Built,
    Does,
    Each,
    Fail,
    Say,
    Tidy,
    Together,
    Tokens,
    Wait,
    Witness,
    outlined,
    pipelines,
    timeless,
)

DEADLINE = 1000.0
"""Virtual seconds in which every run must have ended; what is made up takes a tenth of it."""

SEEDS = range(5)


@dataclass
class Scene:
    """A run under way, a nursery for those beside it, and the scope of the program that it is part of."""

    run: Run
    nursery: trio.Nursery
    program: trio.CancelScope


Disturbance = Callable[[Scene], Awaitable[None]]


def made_up(examples: int) -> Any:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass
class Played:
    """One run, and all that was seen of it."""

    events: Sequence[Event]
    live: list[Event]
    witness: Witness
    result: Any = None
    error: Exception | None = None
    waiting: "list[tuple[int, int]]" = field(default_factory=list)

    @property
    def end(self) -> Event:
        return self.events[-1]


def play(built: Built, seed: int, disturb: Disturbance | None = None, journal: MemoryJournal | None = None) -> Played:
    """Run it under the schedule of this seed. Raises TooSlowError where it hangs."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(_play, built, seed, disturb, journal or MemoryJournal(), clock=clock)


async def _play(built: Built, seed: int, disturb: Disturbance | None, journal: MemoryJournal) -> Played:
    witness = built.witness = Witness(seed)
    live: list[Event] = []
    result = error = None
    with trio.fail_after(DEADLINE), watched_orders() as waiting, trio.CancelScope() as program:
        async with open_narrator([built.pipeline], journal=journal) as narrator, trio.open_nursery() as nursery:
            run = await narrator.begin(built.pipeline)
            nursery.start_soon(_follow, run, live, witness.heard)
            if disturb is not None:
                await disturb(Scene(run, nursery, program))
            try:
                result = await run.result()
            except (RunFailed, RunCancelled) as failure:
                error = failure
    reader = await journal.maybe_reader(run.id)
    assert reader is not None
    return Played(reader.take_nowait(), live, witness, result, error, waiting)


async def _follow(run: Run, live: list[Event], heard: set[str]) -> None:
    async for told in run.events(status=True):
        if isinstance(told, (StepStarted, Progress)):
            heard.add(told.step)
        if not isinstance(told, Progress):
            live.append(told)


@contextmanager
def watched_orders() -> Iterator[list[tuple[int, int]]]:
    """Meanwhile, note how many sized facts, and of what size together, wait for their turn after each that comes."""
    waiting: list[tuple[int, int]] = []

    class WatchedOrder(ReadingOrder[Event]):
        def __init__(self) -> None:
            super().__init__()
            self.sizes: dict[int, int] = {}

        def feed(self, lane: OrderLane[Event], fact: Event, size: int = 0) -> Sequence[Event]:
            told = super().feed(lane, fact, size)
            if not told and size:
                self.sizes[id(fact)] = size
                waiting.append((len(self.sizes), sum(self.sizes.values())))
            return told

        def close(self, lane: OrderLane[Event]) -> Sequence[Event]:
            told = super().close(lane)
            for fact in told:
                self.sizes.pop(id(fact), None)
            return told

    with patch("narrate.narration.ReadingOrder", WatchedOrder):
        yield waiting


# Law 1, 2 and 3: one behaviour, one record


@made_up(300)
@given(pipelines(wild=False))
def test_the_record_is_the_same_in_every_schedule(stages):
    built = Built(stages)
    first, *others = [play(built, seed) for seed in SEEDS]
    check_record(first.events)
    assert isinstance(first.end, RunFinished)
    for other in others:
        assert timeless(other.events) == timeless(first.events)
        assert other.result == first.result
        assert not other.witness.unannounced


@made_up(100)
@given(pipelines(wild=False))
def test_what_earlier_runs_took_changes_nothing_but_the_seconds(stages):
    built, journal = Built(stages), MemoryJournal()
    first, *later = [play(built, seed, journal=journal) for seed in SEEDS]
    worked = {told.step for told in first.events if isinstance(told, StepFinished)}
    asking = [told.step.split("/") for told in first.events if isinstance(told, Question)]
    asked = {"/".join(path[:depth]) for path in asking for depth in range(1, len(path) + 1)}
    for other in later:
        check_record(other.events)
        assert timeless(other.events) == timeless(first.events)
        outline = list(outlined_in(other.events[0].outline))
        assert {one.step for one in outline if one.seconds is None} == asked & {one.step for one in outline}
        assert {one.seconds for one in outline if one.step not in worked} <= {0.0, None}  # always skipped, or asking


@made_up(100)
@given(pipelines(wild=False, loud=False), st.integers(0, 4), st.sampled_from([0, 1, 5, 30]))
def test_what_waits_for_room_changes_nothing_but_the_time_and_stays_within_its_bound(stages, events, size):
    free = play(Built(stages), 0)
    built = Built(stages, Limits(held_events=events, held_bytes=size))
    for seed in SEEDS:
        tight = play(built, seed)
        assert timeless(tight.events) == timeless(free.events)
        assert all(count <= events and total <= size for count, total in tight.waiting)


@made_up(100)
@given(pipelines(wild=True), st.integers(0, 4), st.sampled_from([0, 10, 60]), st.integers())
def test_what_a_run_holds_back_never_passes_its_bound(stages, events, size, seed):
    played = play(Built(stages, Limits(held_events=events, held_bytes=size)), seed)
    check_record(played.events)
    assert all(count <= events and total <= size for count, total in played.waiting)


# Law 1 and 5, whatever goes wrong


@made_up(120)
@given(pipelines(wild=True), st.integers())
def test_whatever_fails_the_order_holds_and_the_record_ends(stages, seed):
    played = play(Built(stages), seed)
    check_record(played.events)
    assert not played.witness.unannounced
    assert played.live == played.events
    if isinstance(played.end, RunFailedEvent):
        _check_failure(played, played.end)
    else:
        assert isinstance(played.end, RunFinished)
    event(played.end.type)


def _check_failure(played: Played, end: RunFailedEvent) -> None:
    steps = outlined(played.events[0])
    failed = [e for e in played.events if isinstance(e, StepFailed) and e.step in steps]
    at = min(e.t for e in failed)
    first = {e.step: e.problem for e in failed if e.t == at}
    assert end.problem.step in first
    assert end.problem.detail == first[end.problem.step].detail
    assert {e.step for e in end.problem.errors if e.step} in (set(), {e.step for e in failed})
    _check_stopped(played, at)


def _check_stopped(played: Played, at: float) -> None:
    """Nothing goes on after that time, but for what must be put in order: at most what is done, and what comes next.

    Whoever breaks while it is put in order swallows its cancellation, and may begin one thing more.
    """
    swallowed = sum(BROKE_TIDYING in error for error in played.witness.raised)
    assert all(e.t <= at + 2.01 * TIDYING * (1 + swallowed) for e in played.events)


@made_up(120)
@given(pipelines(wild=True), st.integers(), st.integers(0, 20), st.sampled_from(["cancel", "stop"]))
def test_whenever_it_is_cancelled_the_order_holds_and_the_record_ends(stages, seed, tenths, how):
    at = tenths / 10 + 0.01

    async def disturb(scene: Scene) -> None:
        async def cancel() -> None:
            await trio.sleep(at)
            if how == "cancel":
                scene.run.cancel("Enough.")
            else:
                scene.program.cancel()

        scene.nursery.start_soon(cancel)

    played = play(Built(stages), seed, disturb)
    check_record(played.events)
    assert not played.witness.unannounced
    if isinstance(played.end, RunCancelledEvent):
        assert played.end.reason == ("Enough." if how == "cancel" else "The program stopped.")
        failed = [e.t for e in played.events if isinstance(e, StepFailed) and e.step in outlined(played.events[0])]
        _check_stopped(played, min([at, *failed]))
    event(played.end.type)


# Law 4 and 6: readers


@made_up(100)
@given(pipelines(wild=True), st.integers(), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=4))
def test_a_reader_from_any_place_at_any_time_hears_exactly_the_rest(stages, seed, readers):
    heard: list[tuple[int, list[Event]]] = []

    async def disturb(scene: Scene) -> None:
        async def read(tenths: int, after: int) -> None:
            await trio.sleep(tenths / 10)
            rest: list[Event] = []
            heard.append((after, rest))
            async for told in scene.run.events(after):
                rest.append(told)

        for tenths, after in readers:
            scene.nursery.start_soon(read, tenths, after)

    played = play(Built(stages), seed, disturb)
    assert [e.n for e in played.events] == list(range(1, len(played.events) + 1))
    assert len(heard) == len(readers)
    assert all(rest == played.events[after:] for after, rest in heard)


@made_up(100)
@given(pipelines(wild=False), st.integers())
def test_a_reader_that_never_reads_on_changes_nothing(stages, seed):
    stalled: list[Any] = []

    async def disturb(scene: Scene) -> None:
        stalled.append(scene.run.events(status=True))
        assert isinstance(await anext(stalled[0]), RunStarted)

    built = Built(stages)
    alone, beside = play(built, seed), play(built, seed, disturb)
    assert timeless(beside.events) == timeless(alone.events)
    assert beside.live == beside.events


# By example: threads, which virtual time cannot wait for, and the bound


@step("In a thread", name="threaded")
def threaded() -> str:
    say("from a thread")
    show("From a thread", [1])
    return "done"


async def test_plain_functions_are_told_in_the_same_order_as_any_other():
    @step("Beside it")
    async def beside() -> None:
        say("at once")

    records = set()
    for _ in range(5):
        journal = MemoryJournal()
        made = Pipeline("threads", concurrent(threaded, beside), concurrent(beside_too, threaded_too))
        with trio.fail_after(5):
            async with open_narrator([made], journal=journal) as narrator:
                running = await narrator.begin(made)
                assert await running.result() == {"beside_too": None, "threaded_too": "done"}
        events = running.reader().take_nowait()
        check_record(events)
        records.add(str(timeless(events)))
    assert len(records) == 1


@step("Beside it, too")
async def beside_too(threaded: str) -> None:
    say(f"{threaded} before")


threaded_too = step("In a thread, too", name="threaded_too")(threaded.fn)


def test_who_says_more_than_may_be_held_back_fails_and_the_problem_says_why():
    played = play(Built([Together((Does((Tidy(),)), Does((Say(),)), Does((Say(),))))], Limits(held_events=1)), 0)
    check_record(played.events)
    assert isinstance(played.end, RunFailedEvent)
    assert played.end.problem.title == NarrationTooLong.title
    assert max(played.waiting)[0] == 1


# What the properties found, each by itself


def lines(events: Sequence[Event]) -> list[str]:
    return [f"{e.type} {e.step}" for e in events if e.type.startswith("step.")]


def test_who_waits_for_room_with_nothing_held_back_goes_on_when_its_turn_comes():
    built = Built([Together((Does((Wait(), Wait())), Does((Tokens(2),))))], Limits(held_events=0))
    for seed in SEEDS:
        assert isinstance(play(built, seed).end, RunFinished)


def test_a_round_of_items_inside_an_unlabelled_item_has_paths_of_its_own():
    inner = Each(((), ()))
    played = play(Built([Does((Each(((inner, inner), (inner,)), label=None), inner))]), 0)
    check_record(played.events)
    assert [e.step for e in played.events if isinstance(e, StepStarted)] == [
        *("s1", "s1/1.1", "s1/1.2", "s1/1.3", "s1/1.4", "s1/2.1", "s1/2.2", "s1/1", "s1/2")
    ]


def test_a_member_that_cannot_be_announced_as_it_should_fails_in_its_turn_and_nobody_works():
    members = (Does((Say(),)), Does((Say(),), takes=(0,), title="breaks"), Does((Say(),)), Does(needed="breaks"))
    played = play(Built([Does(), Together(members)]), 0)
    check_record(played.events)
    assert lines(played.events)[2:] == [
        *("step.started s2", "step.started s3", "step.started s4", "step.started s5"),
        *("step.cancelled s2", "step.failed s3", "step.cancelled s4", "step.failed s5"),
    ]
    assert isinstance(played.end, RunFailedEvent)
    assert played.end.problem.step == "s3"
    assert [problem.step for problem in played.end.problem.errors] == ["s3", "s5"]


def test_a_stand_in_is_told_though_nothing_more_may_be_held_back():
    built = Built([Together((Does((Wait(), Wait())), Does((Fail(),), fallback="value")))], Limits(held_events=0))
    for seed in SEEDS:
        assert isinstance(play(built, seed).end, RunFinished)


def test_a_round_is_announced_and_begins_without_a_word_between():
    built = Built([Does((Beside(((Each(((Say(),), ())),), (Say(), Each(((), ()))))),))])
    for seed in SEEDS:
        check_record(play(built, seed).events)
    crowd = Beside(tuple((Each(((Say(),), (Wait(),))),) for _ in range(3)))
    built = Built([Together((Does((Tidy(), Wait())), Does((crowd,))))], Limits(held_events=3))
    for seed in SEEDS:
        check_record(play(built, seed).events)
