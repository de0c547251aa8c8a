"""A run's state, folded from its record."""

from collections.abc import Sequence

import msgspec
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrate.errors import Problem
from narrate.events import (
    Answer,
    Event,
    Gap,
    Message,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Progress,
    Question,
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
from narrate.narrator import start
from narrate.past import INTERRUPTED
from narrate.snapshot import ListedRun, MissingHistory, RunState, Snapshot, StepProgress, listed, seconds_of
from tests.generated import Built, Witness, outlined, pipelines

RUN = RunId("r1")

PLAN = OutlinedPipeline("plan", "Plan", (OutlinedStep("plan/a", "A"),))
TRIP = RunStarted(
    RUN,
    "trip",
    "A trip",
    (
        OutlinedGroup(
            (OutlinedStep("where", "Where"), OutlinedPipeline("plan", "Plan", (OutlinedStep("plan/a", "A"),)))
        ),
        OutlinedStep("weather", "Weather"),
    ),
    n=1,
    t=0.0,
)


def told(*facts: Event) -> Sequence[Event]:
    """A record of these after the beginning of `TRIP`."""
    return [TRIP, *(msgspec.structs.replace(fact, n=n) for n, fact in enumerate(facts, 2))]


def folded(events: Sequence[Event], *statuses: Progress) -> RunState:
    snapshot = Snapshot(RUN, "trip")
    snapshot.take(events)
    return snapshot.state(statuses)


def words(state: RunState) -> dict[str, str]:
    return {step.step: step.state for step in state.steps}


def test_before_anything_was_told_a_run_is_working_and_bears_its_pipelines_name():
    assert folded([]) == RunState(run=RUN, pipeline="trip", title="trip", state="working", n=0, t=0.0, steps=())


def test_every_step_is_there_from_the_start_in_reading_order_each_before_what_is_inside_it():
    state = folded(told())
    assert [(step.step, step.title) for step in state.steps] == [
        ("where", "Where"),
        ("plan", "Plan"),
        ("plan/a", "A"),
        ("weather", "Weather"),
    ]
    assert set(words(state).values()) == {"waiting"}
    assert (state.title, state.n, state.t) == ("A trip", 1, 0.0)


def test_items_stand_below_their_step_as_they_are_announced():
    steps = [StepStarted(path, path.title(), t=1) for path in ("weather", "where", "weather/1", "weather/2")]
    assert list(words(folded(told(*steps)))) == ["where", "plan", "plan/a", "weather", "weather/1", "weather/2"]


def test_a_step_that_is_done_has_its_seconds_and_its_summary():
    state = folded(told(StepStarted("where", "Where are you?", t=1), StepFinished("where", 0.5, "Here.", t=1.5)))
    assert msgspec.to_builtins(state.steps[0]) == {
        "step": "where",
        "title": "Where are you?",
        "state": "done",
        "seconds": 0.5,
        "text": "Here.",
    }
    assert (state.n, state.t) == (3, 1.5)


def test_why_a_stand_in_had_to_give_the_value_is_a_reason():
    state = folded(told(StepStarted("where", "Where", t=1), StepFinished("where", 0.5, None, "It is busy.", t=1.5)))
    assert (state.steps[0].state, state.steps[0].reason) == ("done", "It is busy.")


def test_a_skipped_step_says_why():
    state = folded(told(StepSkipped("where", "Not needed.", t=1)))
    assert (state.steps[0].state, state.steps[0].reason) == ("skipped", "Not needed.")


def test_a_step_is_retrying_from_its_first_failed_attempt_until_it_ends():
    facts = [StepStarted("where", "Where", t=1), StepRetrying("where", 1, 3, 0.5, "It is busy.", t=2)]
    state = folded(told(*facts, Message("where", "Once more.", t=3)))
    assert (state.steps[0].state, state.steps[0].reason) == ("retrying", "It is busy.")
    state = folded(told(*facts, StepFinished("where", 3.0, t=4)))
    assert (state.steps[0].state, state.steps[0].reason) == ("done", None)


def test_a_step_that_was_interrupted_is_working_again():
    busy = StepRetrying("where", 1, 3, 0.5, "It is busy.", t=2)
    state = folded(told(StepStarted("where", "Where", t=1), busy, StepRetrying("where", 2, 3, 0.0, INTERRUPTED, t=9)))
    assert (state.steps[0].state, state.steps[0].reason) == ("working", None)


def test_a_step_that_is_tried_again_is_working_for_as_long_as_it_asks():
    facts = [StepStarted("where", "Where", t=1), StepRetrying("where", 1, 3, 0.5, "It is busy.", t=2)]
    asked = [*facts, Question("where", "Here?", t=3), Question("where", "There?", t=3)]
    answered = [*asked, Answer("where", 4, "person", "no", t=4)]
    state = folded(told(*asked)).steps[0]
    assert (state.state, [one.question for one in state.questions]) == ("working", ["Here?", "There?"])
    assert folded(told(*answered)).steps[0].state == "working"
    state = folded(told(*answered, Answer("where", 5, "nobody", t=4))).steps[0]
    assert (state.state, state.reason, state.questions) == ("retrying", "It is busy.", ())


def test_what_failed_or_was_cancelled_says_why_and_after_how_long():
    problem = Problem(title="It broke", status=502)
    state = folded(
        told(
            StepStarted("where", "Where", t=1),
            StepStarted("plan", "Plan", t=1.25),
            StepFailed("where", problem, t=1.5),
            StepCancelled("plan", "`where` failed.", t=1.5),
        )
    )
    where, plan, *_ = state.steps
    assert (where.state, where.problem, where.seconds) == ("failed", problem, 0.5)
    assert (plan.state, plan.reason, plan.seconds) == ("cancelled", "`where` failed.", 0.25)


def test_a_finished_run_has_its_result_even_when_that_is_nothing():
    end = RunFinished(None, 2.0, t=2)
    assert '"result":null' in msgspec.json.encode(folded(told(end))).decode()
    assert "result" not in msgspec.to_builtins(folded(told()))


def test_a_failed_run_has_its_problem_and_what_never_began_is_unreached():
    problem = Problem(title="It broke", status=502, step="where")
    facts = [StepStarted("where", "Where", t=1), StepFailed("where", problem, t=1)]
    state = folded(told(*facts, RunFailedEvent(problem, 1.0, t=1)))
    assert (state.state, state.problem, state.seconds) == ("failed", problem, 1.0)
    assert words(state) == {"where": "failed", "plan": "unreached", "plan/a": "unreached", "weather": "unreached"}


def test_a_cancelled_run_has_its_reason():
    state = folded(told(RunCancelledEvent("Nobody was reading any more.", 1.0, t=1)))
    assert (state.state, state.reason) == ("cancelled", "Nobody was reading any more.")


def test_the_latest_status_says_how_far_a_step_is():
    state = folded(told(StepStarted("weather", "Weather", t=1)), Progress("weather", 3, 8, "places", t=2))
    assert (state.steps[-1].state, state.steps[-1].progress) == ("working", StepProgress(done=3, of=8, unit="places"))


def test_status_is_ahead_of_the_record_where_a_lane_waits_for_its_turn():
    state = folded(
        told(StepStarted("where", "Where", t=1), StepStarted("plan", "Plan", t=1)),
        Progress("plan", state="done", t=2),
        Progress("plan/a", state="done", t=2),
        Progress("weather", state="working", t=2),
    )
    assert words(state) == {"where": "working", "plan": "done", "plan/a": "done", "weather": "working"}


def test_status_never_takes_back_what_was_told():
    state = folded(
        told(
            StepStarted("where", "Where", t=1),
            StepRetrying("where", 1, 3, 0.5, "It is busy.", t=2),
            StepStarted("plan", "Plan", t=1),
            StepFinished("plan", 1, t=2),
        ),
        Progress("where", state="working", t=1),
        Progress("plan", 1, 2, t=1),
    )
    assert (state.steps[0].state, state.steps[1].state, state.steps[1].progress) == ("retrying", "done", None)


def test_after_the_end_no_status_counts():
    assert words(folded(told(RunFinished(1, 1, t=1)), Progress("where", 1, 2, t=1)))["where"] == "unreached"


def test_a_status_of_what_was_not_announced_is_passed_over():
    assert "weather/1" not in words(folded(told(), Progress("weather/1", state="working", t=1)))


def test_where_only_the_end_is_kept_the_run_is_known_and_its_steps_are_not():
    state = folded([Gap(1, 9, n=9, t=3), RunFinished("All.", 4.0, n=10, t=4)])
    assert (state.run, state.pipeline, state.state, state.result) == (RUN, "trip", "finished", "All.")
    assert (state.steps, state.n, state.gap) == ((), 10, MissingHistory(first=1, last=9))
    assert msgspec.to_builtins(state)["gap"] == {"from": 1, "to": 9}


def test_what_a_gap_may_have_ended_is_unknown_until_it_is_heard_of_again():
    before = [*told(StepStarted("where", "Where", t=1), StepSkipped("plan", "No.", t=1)), Gap(4, 9, n=9, t=3)]
    assert words(folded(before)) == {"where": "unknown", "plan": "skipped", "plan/a": "unknown", "weather": "unknown"}
    after = [*before, StepFinished("where", 1.0, n=10, t=4), StepFinished("weather/1", 1.0, n=11, t=4)]
    assert words(folded(after))["where"] == "done"
    assert list(words(folded(after)))[-2:] == ["weather", "weather/1"]
    assert words(folded(before, Progress("where", 1, 2, t=1)))["where"] == "working"


def test_a_run_in_a_list_has_all_but_its_result():
    problem = Problem(title="It broke", status=502)
    assert listed(RUN, "trip", 5.0, None) == ListedRun(run=RUN, pipeline="trip", state="working", began=5.0)
    assert listed(RUN, "trip", 5.0, RunFinished("All.", 4.0, t=4)) == ListedRun(
        run=RUN, pipeline="trip", state="finished", began=5.0, seconds=4.0
    )
    assert listed(RUN, "trip", 5.0, RunFailedEvent(problem, 4.0, t=4)).problem == problem


def test_the_seconds_of_steps_are_those_of_all_that_gave_their_value():
    record = told(
        StepFinished("where", 0.5, t=1),
        StepFinished("weather/1", 0.25, t=1),
        StepFailed("plan", Problem(title="No", status=500), t=2),
    )
    assert seconds_of(record) == {"where": 0.5, "weather/1": 0.25}


# Of made-up runs, where anything fails


def made_up_record(stages: Sequence[object], seed: int) -> tuple[Sequence[Event], Sequence[Event]]:
    """The record of one run, and all that one reader heard of it, live status included."""
    built = Built(stages)  # type: ignore[arg-type]
    built.witness = Witness(seed)

    async def heard() -> Sequence[Event]:
        async with start(built.pipeline) as run:
            return [event async for event in run.events(status=True)]

    live = trio.run(heard, clock=trio.testing.MockClock(autojump_threshold=0))
    return [event for event in live if not isinstance(event, Progress)], live


def made_up(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@made_up(60)
@given(pipelines(wild=True), st.integers(), st.integers(1, 7))
def test_a_fold_in_any_pieces_is_the_fold_of_the_whole(stages, seed, size):
    record, _ = made_up_record(stages, seed)
    snapshot = Snapshot(RUN, "made_up")
    for at in range(0, len(record), size):
        snapshot.take(record[at : at + size])
        snapshot.state()
    assert snapshot.state() == folded(record)


@made_up(60)
@given(pipelines(wild=True), st.integers())
def test_the_end_of_a_record_leaves_no_step_open_and_each_as_its_last_event_says(stages, seed):
    record, _ = made_up_record(stages, seed)
    said = {StepFinished: "done", StepSkipped: "skipped", StepFailed: "failed", StepCancelled: "cancelled"}
    last = {event.step: said[type(event)] for event in record if type(event) in said}
    state = folded(record)
    assert {path: word for path, word in words(state).items() if word != "unreached"} == last
    assert set(words(state)) >= outlined(record[0])
    assert (state.n, state.run, state.seconds) == (len(record), record[0].run, record[-1].seconds)  # type: ignore[attr-defined]


@made_up(50)
@given(pipelines(wild=True), st.integers())
def test_every_step_stands_behind_what_it_is_inside_of_and_none_twice(stages, seed):
    record, _ = made_up_record(stages, seed)
    seen: set[str] = {""}
    for step in folded(record).steps:
        assert step.step.rpartition("/")[0] in seen
        assert step.step not in seen
        seen.add(step.step)


@made_up(50)
@given(pipelines(wild=True), st.integers())
def test_live_status_never_says_that_a_step_has_ended_otherwise_than_the_record_will(stages, seed):
    record, live = made_up_record(stages, seed)
    final = words(folded(record))
    snapshot, latest = Snapshot(RUN, "made_up"), {}
    for event in live:
        latest[getattr(event, "step", "")] = event
        snapshot.take([event] if event.n else [])
        seen = words(snapshot.state([status for status in latest.values() if isinstance(status, Progress)]))
        over = {path: word for path, word in seen.items() if word in ("done", "failed", "cancelled", "skipped")}
        assert over.items() <= final.items()


@made_up(50)
@given(pipelines(wild=True), st.integers(), st.data())
def test_whatever_history_is_missing_the_run_ends_the_same(stages, seed, data):
    record, _ = made_up_record(stages, seed)
    first = data.draw(st.integers(1, len(record) - 1))
    last = data.draw(st.integers(first, len(record) - 1))
    gap = Gap(first, last, n=last, t=record[last - 1].t)
    state, whole = folded([*record[: first - 1], gap, *record[last:]]), folded(record)
    assert (state.state, state.result, state.problem, state.n) == (whole.state, whole.result, whole.problem, whole.n)
    assert {path for path, word in words(state).items() if word not in ("unknown", "unreached")} <= set(words(whole))


def test_tokens_move_nothing_but_the_number():
    tokens = [Token("where", "…", n=n, t=1.0) for n in range(3, 1003)]
    assert folded([*told(StepStarted("where", "Where", t=1)), *tokens]).n == 1002
