"""What is known of an interrupted run: what it told, what its steps gave, and how its record is closed or gone on with.

The properties take records of made-up runs and cut them where a crash can. A journal keeps together what was appended
without a checkpoint between, so that is wherever a reader could have come to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrate.errors import Problem
from narrate.events import (
    Event,
    Message,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Token,
)
from narrate.grammar import check_record
from narrate.narrator import start
from narrate.past import INTERRUPTED, Kept, Past, Retelling, epilogue, step_of
from tests.generated import Built, Stage, Witness, outlined, pipelines

BUSY = Problem(title="It is busy", status=503, step="b")


def begun(path: str) -> StepStarted:
    return StepStarted(path, path.upper(), t=1.0)


def said(path: str, text: str = "…") -> Message:
    return Message(path, text, t=1.0)


def finished(path: str) -> StepFinished:
    return StepFinished(path, 1.0, t=1.0)


def failed(path: str) -> StepFailed:
    return StepFailed(path, BUSY, t=1.0)


def numbered(facts: Sequence[Event]) -> list[Event]:
    return [msgspec.structs.replace(fact, n=n) for n, fact in enumerate(facts, 1)]


def unnumbered(events: Sequence[Event]) -> list[Event]:
    return [msgspec.structs.replace(event, n=0) for event in events]


# --- What was told and kept ---


def test_of_a_run_that_has_only_begun_nothing_is_past():
    past = Past()

    assert (past.failure, list(past.finished)) == (None, [])
    assert (past.has_ended("a"), past.maybe_started("a"), list(past.told("a"))) == (False, None, [])
    assert (past.attempts("a"), past.items("a"), list(past.open_items("a"))) == (0, (0, 0), [])


def test_what_a_step_told_is_what_it_and_its_items_said_after_its_announcement():
    events = [begun("a"), begun("b"), said("a"), begun("a/1"), said("a/1"), finished("a/1"), said("b")]

    past = Past(events)

    assert past.maybe_started("a") == begun("a")
    assert list(past.told("a")) == [said("a"), begun("a/1"), said("a/1"), finished("a/1")]
    assert list(past.told("b")) == [said("b")]


def test_an_announced_item_is_no_announcement_of_its_step():
    past = Past([begun("p"), begun("p/a"), begun("p/a/1"), begun("p/a/1/2.1")])

    assert past.maybe_started("p/a") == begun("p/a")
    assert list(past.told("p/a")) == [begun("p/a/1"), begun("p/a/1/2.1")]
    assert past.maybe_started("p/a/1") is None


def test_a_step_that_was_kept_has_ended_and_has_its_value():
    past = Past([begun("a"), finished("a"), begun("b")], [("a", Kept(b"1"))])

    assert (past.has_ended("a"), past.value_of("a")) == (True, b"1")
    assert not past.has_ended("b")
    assert list(past.finished) == [("a", b"1")]


def test_of_a_step_whose_turn_had_not_come_what_was_kept_counts():
    held_back = (said("b"), finished("b"))

    past = Past([begun("a"), begun("b")], [("b", Kept(b"2", held_back))])

    assert tuple(past.told("b")) == held_back
    assert past.has_ended("b")
    assert list(past.finished) == [("b", b"2")]


def test_a_skipped_step_has_ended_and_not_finished():
    past = Past([StepSkipped("a", "Not needed.", t=1.0), begun("b")], [("a", Kept(None))])

    assert [past.was_skipped("a"), past.was_skipped("b")] == [True, False]
    assert past.has_ended("a")
    assert list(past.finished) == []


@pytest.mark.parametrize("facts", [(), (said("b"), failed("b"))], ids=["told", "held back"])
def test_the_step_that_failed_first_is_why_the_run_failed(facts):
    events = [begun("a"), begun("b"), finished("a"), failed("b")]
    kept = [("a", Kept(b"1")), ("b", Kept(None, facts)), ("c", Kept(None, (failed("c"),)))]

    assert Past(events, kept).failure == BUSY
    assert Past(events, kept[:1]).failure is None


def test_attempts_are_counted_by_what_was_told_of_them():
    again = [StepRetrying("a", n, 5, 0.1, "Busy.", t=1.0) for n in (1, 2, 3)]

    assert Past([begun("a"), *again[:2], said("a"), again[2], begun("b")]).attempts("a") == 3


@pytest.mark.parametrize(
    ("begun_items", "expected"),
    [
        ([], (0, 0)),
        (["1", "2", "3"], (3, 0)),
        (["1.1", "1.2", "2.1"], (0, 2)),
        (["1", "2", "1.1", "3"], (3, 1)),
        (["1", "1/1", "1/2", "1/3"], (1, 0)),
        (["9", "10", "11"], (11, 0)),
        (["4.1.2", "4.2.1"], (0, 4)),
    ],
    ids=str,
)
def test_items_are_counted_by_the_outermost(begun_items, expected):
    assert Past([begun("p/a"), *(begun(f"p/a/{item}") for item in begun_items)]).items("p/a") == expected


def test_items_that_are_open_can_be_closed_from_the_inmost_on():
    events = [begun("a"), begun("a/1"), begun("a/2"), begun("a/3"), finished("a/1"), begun("a/2/1"), begun("a/2/2")]

    assert list(Past(events).open_items("a")) == ["a/2/1", "a/2/2", "a/2", "a/3"]


@pytest.mark.parametrize(
    ("path", "step"),
    [("a", "a"), ("a/1", "a"), ("a/1.2/3", "a"), ("p/a", "p/a"), ("p/a/1", "p/a"), ("p/q/a/1.1", "p/q/a")],
)
def test_what_an_item_says_is_its_steps(path, step):
    assert step_of(said(path)) == step_of(begun(path)) == step


def test_what_the_run_says_is_no_steps():
    assert step_of(RunFinished(None, 1.0, t=1.0)) == ""


# --- How it is closed, by example ---


OUTLINE = (
    OutlinedGroup((OutlinedStep("a", "A"), OutlinedPipeline("p", "P", (OutlinedStep("p/x", "X"),)))),
    OutlinedStep("b", "B"),
)
STARTED = RunStarted(RunId("r"), "made_up", "Made up", OUTLINE, t=0.0)


def test_all_that_is_open_is_closed_in_reading_order_for_the_reason():
    events = numbered([STARTED, begun("a"), begun("p"), said("a"), begun("a/1"), begun("a/2"), finished("a/1")])

    closing = epilogue(events, [], "Enough.", 3.0)

    assert list(closing) == [StepCancelled(path, "Enough.", t=3.0) for path in ("a/2", "a", "p")]


def test_a_step_that_had_ended_before_its_turn_is_told_as_it_was():
    events = numbered([STARTED, begun("p"), begun("a")])
    held_back = (said("a"), finished("a"))

    closing = epilogue(events, [("a", Kept(b"1", held_back)), ("p/x", Kept(b"2", (finished("p/x"),)))], "Enough.", 3.0)

    assert list(closing) == [StepCancelled("p", "Enough.", t=3.0), *held_back]


def test_where_nothing_is_open_there_is_nothing_to_close():
    assert list(epilogue(numbered([STARTED]), [], "Enough.", 3.0)) == []


# --- Cut anywhere ---


@dataclass(frozen=True)
class Interrupted:
    """A made-up run's whole record, where it was cut, and what was kept of its steps till then."""

    whole: Sequence[Event]
    events: Sequence[Event]
    kept: Sequence[tuple[str, Kept]]

    @property
    def live(self) -> list[str]:
        """The step whose turn it was to be told, if it was a step's."""
        return [path for path in first_open(self.events) if path in outlined(self.whole[0])]


def first_open(events: Sequence[Event]) -> list[str]:
    """The path of what is to be told next, if anything is open."""
    return [step_of(event) for event in epilogue(events, (), "", 0.0)[:1]]


def played(built: Built) -> tuple[list[Event], list[int]]:
    """The whole record of a run, and where a reader came to while it was told."""
    events: list[Event] = []
    reached: list[int] = []

    async def follow() -> None:
        async with start(built.pipeline) as run:
            reader = run.reader()
            while not reader.ended:
                await reader.wait_more()
                reader.take_status_nowait()
                events.extend(reader.take_nowait())
                reached.append(len(events))

    trio.run(follow, clock=trio.testing.MockClock(autojump_threshold=0))
    return events, sorted({count for count in reached if count < len(events)})


def may_be_kept(whole: Sequence[Event], count: int) -> list[tuple[str, Kept]]:
    """What may have ended by then and be held back: of a step that had told nothing, all that it told in the end."""
    before, past = Past(whole[:count]), Past(whole)
    steps = [step_of(event) for event in whole[count:] if isinstance(event, (StepFinished, StepFailed, StepSkipped))]
    return [
        (path, Kept(b"null", tuple(unnumbered(past.told(path)))))
        for path in dict.fromkeys(steps)
        if path in outlined(whole[0]) and not before.told(path) and [path] != first_open(whole[:count])
    ]


def interrupted(stages: Sequence[Stage], seed: int, data: st.DataObject) -> Interrupted:
    """A run that is cut somewhere, with some of what may be kept of it."""
    built = Built(stages)
    built.witness = Witness(seed)
    whole, reached = played(built)
    count = data.draw(st.sampled_from(reached), label="cut behind")
    kept = [one for one in may_be_kept(whole, count) if data.draw(st.booleans(), label=f"{one[0]} was kept")]
    return Interrupted(whole, whole[:count], kept)


MADE_UP = (pipelines(wild=True), st.integers(), st.data())

made_up = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

ENDS = [
    RunCancelledEvent("Enough.", 9.0, t=9.0),
    RunFailedEvent(Problem(title="T", status=503), 9.0, t=9.0),
]


def failures(run: Interrupted) -> list[RunFailedEvent]:
    """The ends that each of its failed steps is the cause of."""
    causes = [event.step for event in run.whole if isinstance(event, StepFailed)]
    return [RunFailedEvent(Problem(title="T", status=503, step=step), 9.0, t=9.0) for step in causes]


@made_up
@given(*MADE_UP)
def test_a_record_cut_anywhere_is_legal_with_its_epilogue(stages, seed, data):
    run = interrupted(stages, seed, data)
    end = data.draw(st.sampled_from(ENDS))

    closing = epilogue(run.events, run.kept, "Enough.", 9.0)

    check_record(numbered([*run.events, *closing, end]))


@made_up
@given(*MADE_UP)
def test_a_run_that_ends_before_it_has_told_its_past_again_ends_legally(stages, seed, data):
    run = interrupted(stages, seed, data)
    end = data.draw(st.sampled_from([*ENDS, *failures(run)]))
    again = data.draw(st.integers(0, len(run.events) - 1))
    retelling = Retelling(run.events, run.kept)

    assert list(retelling.rest(unnumbered(run.events[:again]))) == []
    rest = retelling.rest([end])

    assert type(rest[-1]) is type(end)
    check_record(numbered([*run.events, *rest]))


@made_up
@given(*MADE_UP)
def test_a_run_that_tells_its_past_otherwise_tells_nothing_more_but_its_end(stages, seed, data):
    run = interrupted(stages, seed, data)
    astray = data.draw(st.integers(0, len(run.events) - 1))
    retelling = Retelling(run.events, run.kept)

    rest = [*unnumbered(run.events[:astray]), Token("else", "where", t=0.0), *unnumbered(run.whole[1:-1])]
    assert [fact for one in rest for fact in retelling.rest([one])] == []

    check_record(numbered([*run.events, *retelling.rest([said("else"), ENDS[0]])]))


@made_up
@given(*MADE_UP)
def test_what_is_told_again_is_passed_over_and_the_rest_is_new(stages, seed, data):
    run = interrupted(stages, seed, data)
    retelling = Retelling(run.events, run.kept)
    facts = unnumbered(run.whole)
    size = data.draw(st.integers(1, 9), label="so many at once")

    rest = [new for at in range(0, len(facts), size) for new in retelling.rest(facts[at : at + size])]

    assert rest == facts[len(run.events) :]


@made_up
@given(*MADE_UP)
def test_an_interrupted_step_can_close_its_items_say_so_and_begin_new_ones(stages, seed, data):
    run = interrupted(stages, seed, data)
    past = Past(run.events)
    facts: list[Event] = list(run.events)
    for path in run.live:
        facts += [StepCancelled(item, INTERRUPTED, t=9.0) for item in past.open_items(path)]
        facts.append(StepRetrying(path, past.attempts(path) + 1, 9, 0.0, INTERRUPTED, t=9.0))
        labelled, unlabelled = past.items(path)
        for item in (f"{path}/{labelled + 1}", f"{path}/{unlabelled + 1}.1"):
            facts += [begun(item), finished(item)]

    check_record(numbered([*facts, *epilogue(facts, run.kept, "Enough.", 9.0), ENDS[0]]))


@made_up
@given(*MADE_UP)
def test_everything_that_was_told_is_some_steps_past_or_the_runs_own(stages, seed, data):
    run = interrupted(stages, seed, data)
    past = Past(run.events)
    steps = dict.fromkeys(step_of(event) for event in run.events)
    of_steps: list[Any] = [past.maybe_started(path) for path in steps]
    for path in filter(None, steps):
        of_steps += past.told(path)

    assert sorted(event.n for event in of_steps if event is not None) == [event.n for event in run.events[1:]]
