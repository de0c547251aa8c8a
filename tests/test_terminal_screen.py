"""What the terminal has heard of a run: the fold that others make, not broken by what it does not know."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from narrate.events import Detached, Event, RunId, from_json
from narrate.snapshot import StepProgress
from narrate.terminal.screen import Screen
from narrate.terminal.told import ToldStep
from tests.telling import begun, done, finished, numbered, said, screen_of, started, status, step, token

VECTORS = sorted((Path(__file__).parent / "vectors" / "made_by_test_runs").glob("*.jsonl"))


def state_of(step: ToldStep) -> dict[str, Any]:
    """What a state of a run says of a step, so far as it is drawn."""
    progress = step.progress
    far = progress and StepProgress(done=progress.done, of=progress.of, unit=progress.unit, text=progress.text)
    seconds = None if step.seconds is None else round(step.seconds, 4)
    questions = [one.question.n for one in step.questions] or None
    told = {"title": step.title, "state": step.state, "seconds": seconds, "progress": msgspec.to_builtins(far)}
    told["questions"] = questions
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_after_every_event_the_steps_are_as_the_state_of_the_run_says(vector):
    screen = Screen()
    known: dict[str, dict[str, Any]] = {}
    differing = []
    for line in vector.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        event = from_json(json.dumps(told["event"]))
        assert event is not None
        screen.take(event, 0)
        for path, state in told["steps"].items():
            known[path] = {name: state[name] for name in ("title", "state", "seconds", "progress") if name in state}
            known[path] |= {name: [one["n"] for one in state[name]] for name in ("questions",) if name in state}
        seen = {path: state_of(screen.steps[path]) for path in known if path in screen.steps}
        differing += [(event.n, path) for path, state in known.items() if seen.get(path) != state]

    assert differing == []
    assert known


def test_seconds_are_counted_from_the_arrival_that_came_quickest():
    screen = Screen()
    events = numbered([begun(step("a")), started("a", t=1), said("a", "Hello.", t=2)])

    for event, arrival in zip(events, (100.5, 101.2, 103.0), strict=True):
        screen.take(event, arrival)

    assert screen.now(104.2) == pytest.approx(4.0)
    assert screen.steps["a"].elapsed(screen.now(104.2)) == pytest.approx(3.0)


def test_tokens_are_one_text_until_something_else_is_told():
    screen = screen_of(
        begun(step("a")), started("a"), token("a", "On"), token("a", "ce"), said("a", "."), token("a", "U")
    )

    assert [line.text for line in screen.steps["a"].lines] == ["Once", ".", "U"]


def test_a_status_between_two_tokens_does_not_part_them():
    screen = screen_of(begun(step("a")), started("a"), token("a", "On"), status("a", done=1), token("a", "ce"))

    assert [line.text for line in screen.steps["a"].lines] == ["Once"]


def test_an_event_that_was_taken_already_is_passed_over():
    screen = screen_of(begun(step("a")), started("a"), said("a", "Once."))

    screen.take(msgspec.structs.replace(said("a", "Once."), n=3), 0)

    assert [line.text for line in screen.steps["a"].lines] == ["Once."]


def test_an_event_of_a_later_version_changes_nothing():
    class Question(Event, frozen=True, tag="question"):
        step: str

    screen = screen_of(begun(step("a")), started("a"), Question("a", t=0), Question("", t=0))

    assert screen.steps["a"].lines == []
    assert screen.steps.keys() == {"a"}


def test_nothing_moves_any_more_after_the_end():
    screen = screen_of(begun(step("a")), started("a"), finished("a"), done(), status("a", done=1))

    assert not screen.moves
    assert screen.steps["a"].progress is None


def test_a_stream_that_goes_on_elsewhere_says_where():
    screen = screen_of(begun(step("a")), started("a"), Detached(RunId("run-1"), "/runs/run-1", t=1))

    assert screen.detached
    assert screen.notices == ["This goes on without you. See /runs/run-1 for what becomes of it."]


def test_what_nobody_announced_is_put_where_its_path_says():
    screen = screen_of(started("outer/inner"), started("outer/inner/1"), started("last"))

    assert [stage.path for stage in screen.stages] == ["outer", "last"]
    assert [stage.path for stage in screen.steps["outer"].stages] == ["outer/inner"]
    assert [item.path for item in screen.steps["outer/inner"].items] == ["outer/inner/1"]
    assert screen.steps["outer"].state == "unknown"
