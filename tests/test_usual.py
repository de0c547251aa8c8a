"""What steps usually take: what a record tells of it, what is remembered, and how it is told."""

import pytest

from narrate.errors import Problem
from narrate.events import (
    Answer,
    Gap,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepFinished,
    StepSkipped,
)
from narrate.usual import RUNS, measured, took, usual, with_usual

OUTLINE = (
    OutlinedStep("a", "A"),
    OutlinedGroup((OutlinedStep("b", "B"), OutlinedPipeline("p", "P", (OutlinedStep("p/c", "C"),)))),
)
STARTED = RunStarted(RunId("r"), "made-up", "Made up", OUTLINE, t=0.0)
WORK = [
    StepFinished("a/1", 0.25, t=0.5),
    StepFinished("a", 0.5, "Done.", t=0.5),
    StepSkipped("b", "Not needed.", t=0.5),
    StepFinished("p/c", 1.5, None, "A stand-in had to do.", t=2.0),
    StepFinished("p", 1.75, t=2.25),
]
END = RunFinished(None, 2.25, t=2.25)


# --- What a run took ---


def test_a_finished_run_tells_of_each_outlined_step_and_pipeline_and_of_no_item():
    assert took([STARTED, *WORK, END]) == {"a": 0.5, "b": None, "p": 1.75, "p/c": 1.5}


def test_a_step_that_asked_tells_nothing_nor_does_the_pipeline_it_is_in_and_the_others_tell_as_ever():
    asked = [Question("p/c/2", "Well?", t=0.5, n=5), Answer("p/c/2", 5, "person", "Yes.", t=99.0)]

    assert took([STARTED, *asked, *WORK, END]) == {"a": 0.5, "b": None}


def test_a_step_is_not_taken_for_one_that_asked_because_their_names_begin_alike():
    outline = (OutlinedStep("a", "A"), OutlinedStep("ab", "AB"))
    events = [
        RunStarted(RunId("r"), "made-up", "Made up", outline, t=0.0),
        Question("ab", "Well?", t=0.5, n=2),
        StepFinished("a", 1.0, t=1.0),
        StepFinished("ab", 9.0, t=9.0),
        RunFinished(None, 9.0, t=9.0),
    ]

    assert took(events) == {"a": 1.0}


@pytest.mark.parametrize(
    "events",
    [
        [],
        [STARTED, *WORK],
        [STARTED, *WORK, RunFailedEvent(Problem(title="T", status=500), 2.25, t=2.25)],
        [STARTED, *WORK, RunCancelledEvent("Enough.", 2.25, t=2.25)],
        [Gap(1, 6, t=2.25), END],
    ],
    ids=["nothing", "under way", "failed", "cancelled", "no longer kept"],
)
def test_a_run_that_has_not_been_seen_to_finish_tells_nothing(events):
    assert took(events) == {}


# --- What is remembered ---


def test_what_a_run_took_is_remembered_behind_what_those_before_it_took():
    assert measured({"a": [1.0], "b": []}, {"a": 2.0, "b": 3.0, "c": 4.0}) == {"a": [1.0, 2.0], "b": [3.0], "c": [4.0]}


def test_so_many_runs_are_remembered_and_no_more():
    before = {"a": [float(n) for n in range(RUNS)]}

    assert measured(before, {"a": 99.0}) == {"a": [*before["a"][1:], 99.0]}


def test_a_step_that_was_skipped_is_remembered_as_it_was():
    assert measured({"a": [1.0, 2.0]}, {"a": None}) == {"a": [1.0, 2.0]}


def test_a_step_that_the_pipeline_has_no_more_is_forgotten():
    assert measured({"gone": [1.0], "a": [2.0]}, {"a": 3.0}) == {"a": [2.0, 3.0]}


def test_of_a_step_that_asked_nothing_is_usual_any_more():
    assert usual(measured({"asked": [1.0], "a": [2.0]}, {"a": 2.0})) == {"a": 2.0}


# --- What is usual ---


def test_the_usual_is_the_median_which_one_slow_run_does_not_move_and_nothing_for_what_was_always_skipped():
    assert usual({"a": [2.0, 300.0, 1.0, 3.0, 2.5], "b": [1.0, 2.0], "c": []}) == {"a": 2.5, "b": 1.5, "c": 0.0}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, 0.0),
        (0.0004, 0.0),
        (0.01234, 0.012),
        (0.1278, 0.13),
        (0.999, 1.0),
        (1.26, 1.3),
        (9.97, 10.0),
        (12.6, 13.0),
        (123.4, 123.0),
    ],
)
def test_it_is_told_as_precisely_as_it_is_worth(seconds, told):
    assert usual({"a": [seconds]}) == {"a": told}


def test_an_outline_gets_the_seconds_of_its_steps_and_pipelines_wherever_they_are():
    assert with_usual(OUTLINE, {"a": 1.0, "p": 2.0, "p/c": 3.0, "gone": 4.0}) == (
        OutlinedStep("a", "A", 1.0),
        OutlinedGroup((OutlinedStep("b", "B"), OutlinedPipeline("p", "P", (OutlinedStep("p/c", "C", 3.0),), 2.0))),
    )


def test_an_outline_of_which_nothing_is_known_stays_as_it_is():
    assert with_usual(OUTLINE, {}) is OUTLINE
