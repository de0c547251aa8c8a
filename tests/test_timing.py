"""Tests of the spans and the critical path: by example, and beside the page's own on stories of every kind."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrate import Pipeline, concurrent, each, start, step
from narrate.errors import Problem
from narrate.events import (
    Event,
    Gap,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    RunFailedEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    outlined_in,
    to_json,
)
from narrate.timing import Span, critical_path, slowest, spans_of
from tests.generated import pipelines
from tests.made_stories import WHOLE, kept, played
from tests.noding import NODE, WEB


def begun(*outline) -> RunStarted:
    return RunStarted(RunId("run-1"), "made", "Made up", outline, n=1, t=0.0)


def single(path: str) -> OutlinedStep:
    return OutlinedStep(path, path.title())


def started(path: str, t: float) -> StepStarted:
    return StepStarted(path, f"{path.title()}…", t=t)


def finished(path: str, t: float, seconds: float = 0.0) -> StepFinished:
    return StepFinished(path, seconds, t=t)


def group(*paths: str) -> OutlinedGroup:
    return OutlinedGroup(tuple(single(path) for path in paths))


# Spans


def test_a_span_goes_from_the_announcement_to_the_end():
    spans = spans_of([begun(single("a")), started("a", 0.1), finished("a", 0.7, 0.6)])

    assert spans == {"a": Span("a", "A…", 0.1, 0.7)}
    assert spans["a"].took == 0.6


@pytest.mark.parametrize(
    "end",
    [
        finished("a", 2.0, 1.5),
        StepFailed("a", Problem(title="No", status=500), t=2.0),
        StepCancelled("a", "No.", t=2.0),
    ],
)
def test_a_step_ends_however_it_ends(end):
    assert spans_of([begun(single("a")), started("a", 0.5), end])["a"] == Span("a", "A…", 0.5, 2.0)


def test_what_has_not_ended_has_a_span_without_an_end():
    span = spans_of([begun(single("a")), started("a", 0.5)])["a"]

    assert span.ended is None
    assert span.took is None


def test_what_was_skipped_and_what_was_never_reached_have_no_span():
    assert not spans_of([begun(single("a"), single("b")), StepSkipped("a", "No need.", t=0.5)])


def test_spans_come_in_reading_order_each_before_what_is_inside_it():
    inner = OutlinedPipeline("p", "P", (single("p/x"),))
    told = [
        *(begun(OutlinedGroup((single("a"), inner))), started("a", 0.0), started("p", 0.0)),
        *(started("a/1", 0.0), started("a/2", 0.0), started("a/1/1", 0.1)),
        started("p/x", 0.0),
    ]

    assert [*spans_of(told)] == ["a", "a/1", "a/1/1", "a/2", "p", "p/x"]


def test_an_item_began_when_its_work_did_and_not_when_its_round_was_announced():
    told = [begun(single("a")), started("a", 0.0), started("a/1", 0.1), started("a/2", 0.1), finished("a/2", 0.9, 0.3)]

    assert spans_of(told)["a/2"] == Span("a/2", "A/2…", 0.6, 0.9)
    assert spans_of(told)["a/1"] == Span("a/1", "A/1…", 0.1, None)


def test_what_began_where_history_is_missing_began_when_its_end_says():
    told = [begun(single("a"), single("b")), Gap(2, 5, n=5, t=3.0), finished("a", 4.0, 1.5)]

    assert spans_of(told)["a"] == Span("a", "A", 2.5, 4.0)
    assert spans_of([StepCancelled("p/x", "No.", t=4.0)]) == {"p/x": Span("p/x", "p/x", 4.0, 4.0)}


# The critical path


def test_of_stages_one_after_another_all_are_waited_for():
    told = [begun(single("a"), single("b")), started("a", 0), finished("a", 1), started("b", 1), finished("b", 2)]

    assert critical_path(told) == ("a", "b")


def test_of_a_group_the_member_that_ended_last_is_waited_for():
    told = [begun(group("a", "b", "c")), *(started(path, 0.0) for path in "abc")]

    assert critical_path([*told, finished("a", 1), finished("b", 3), finished("c", 2)]) == ("b",)


def test_a_group_in_a_group_ends_with_its_last_member():
    told = [begun(OutlinedGroup((single("a"), group("b", "c")))), *(started(path, 0.0) for path in "abc")]

    assert critical_path([*told, finished("a", 2), finished("b", 1), finished("c", 3)]) == ("c",)


def test_of_members_that_ended_together_the_first_is_waited_for():
    told = [begun(group("a", "b")), *(started(path, 0.0) for path in "ab"), finished("a", 1), finished("b", 1)]

    assert critical_path(told) == ("a",)


def test_what_was_skipped_is_waited_for_by_nobody():
    told = [begun(single("a"), group("b", "c")), StepSkipped("a", "No.", t=0), StepSkipped("b", "No.", t=0)]

    assert critical_path([*told, StepSkipped("c", "No.", t=0)]) == ()
    assert critical_path([*told, started("c", 0.0), finished("c", 1)]) == ("c",)


def test_of_a_pipeline_within_its_own_steps_are_named():
    inner = OutlinedPipeline("p", "P", (single("p/x"), group("p/y", "p/z")))
    told = [
        *(begun(OutlinedGroup((single("a"), inner))), started("a", 0.0), started("p", 0.0), finished("a", 1)),
        *(started("p/x", 0.0), finished("p/x", 0.5), started("p/y", 0.5), started("p/z", 0.5)),
        *(finished("p/y", 2), finished("p/z", 3), finished("p", 3)),
    ]

    assert critical_path(told) == ("p/x", "p/z")


def test_in_a_story_that_was_cut_what_was_under_way_counts_as_last():
    told = [begun(group("a", "b")), started("a", 0.0), started("b", 0.0), finished("a", 9)]

    assert critical_path(told) == ("b",)


def test_nobody_knows_what_was_waited_for_where_the_outline_is_missing():
    assert critical_path([Gap(1, 5, n=5, t=3.0), finished("a", 4.0, 1.5)]) == ()


# The slowest step


def test_the_slowest_is_a_step_and_no_pipeline_or_item():
    inner = OutlinedPipeline("p", "P", (single("p/x"), single("p/y")))
    told = [
        *(begun(inner), started("p", 0.0), started("p/x", 0.0), started("p/x/1", 0.0), finished("p/x/1", 1.0, 1.0)),
        *(finished("p/x", 1.0, 1.0), started("p/y", 1.0), finished("p/y", 3.0, 2.0), finished("p", 3.0, 3.0)),
    ]

    assert slowest(told) == Span("p/y", "P/Y…", 1.0, 3.0)


def test_of_a_story_in_which_nothing_ended_nothing_is_slowest():
    assert slowest([begun(single("a")), started("a", 0.0)]) is None


# Beside the page's


@pytest.fixture(scope="module")
def page() -> Iterator[Callable[[Sequence[Event]], list[str]]]:
    """Says what the page finds critical in a story."""
    with subprocess.Popen([*NODE, WEB / "story-critical.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        asked, answers = node.stdin, node.stdout

        def critical(events: Sequence[Event]) -> list[str]:
            asked.write(b"[" + b",".join(map(to_json, events)) + b"]\n")
            asked.flush()
            return json.loads(answers.readline())

        yield critical
        asked.close()


def without_pipelines(paths: Sequence[str], events: Sequence[Event]) -> tuple[str, ...]:
    """What we leave out, the page has: the pipelines within."""
    begins = events[0]
    assert isinstance(begins, RunStarted)
    within = {stage.step for stage in outlined_in(begins.outline) if isinstance(stage, OutlinedPipeline)}
    return tuple(path for path in paths if path not in within)


@pytest.mark.parametrize("name", WHOLE)
def test_the_page_finds_the_same_critical_in_a_kept_story(page, name):
    events = kept(name).events

    assert critical_path(events) == without_pipelines(page(events), events)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(pipelines(wild=True), st.integers())
def test_the_page_finds_the_same_critical_in_made_up_runs(page, stages, seed):
    events = played(stages, seed).events

    assert isinstance(events[-1], (RunFinished, RunFailedEvent))
    assert critical_path(events) == without_pipelines(page(events), events)


async def test_a_run_takes_as_long_as_what_it_waited_for(autojump_clock):
    @step("Quick")
    async def quick() -> None:
        await trio.sleep(1)

    @step("Slow")
    async def slow() -> None:
        await each([1, 2], trio.sleep, at_most=1, label=str)

    @step("After")
    async def after(slow: None) -> None:
        await trio.sleep(0.5)

    async with start(Pipeline("timed", concurrent(quick, slow), after)) as run:
        events = [event async for event in run.events()]

    spans = spans_of(events)
    assert critical_path(events) == ("slow", "after")
    assert sum(spans[path].took for path in critical_path(events)) == pytest.approx(events[-1].seconds)
    assert slowest(events).step == "slow"
    assert spans["slow/2"].took == 2
