"""Tests of the story: what can be asked of one run, whole or in part."""

import pytest
import trio

from narrate import (
    Pipeline,
    RunCancelled,
    RunCut,
    RunFailed,
    concurrent,
    progress,
    relay,
    say,
    show,
    start,
    step,
)
from narrate.errors import Problem
from narrate.events import (
    Detached,
    Gap,
    Message,
    Progress,
    RunFailedEvent,
    RunId,
    StepRetrying,
    StepStarted,
    Token,
)
from narrate.past import INTERRUPTED
from narrate.snapshot import StepProgress
from narrate.story import Story
from narrate.timing import Span
from tests import story_runs


@step("Heating the water…")
async def water() -> int:
    progress(1, 2, "litres")
    await trio.sleep(0.3)
    say("It is at 94 °C.")
    return 94


@step("Grinding the beans…", summary="{beans} g, medium fine.")
async def beans() -> int:
    await trio.sleep(0.1)
    show("The grinder", {"clicks": 18})
    return 18


@step("Pouring {water} °C over {beans} g…")
async def cup(water: int, beans: int) -> str:
    async def drops():
        for drop in ("drip", ", ", "drop"):
            yield drop

    return await relay(drops())


coffee = Pipeline("coffee", concurrent(water, beans), cup, title="A cup of coffee")


async def told(pipeline: Pipeline, given=None, *, status: bool = True, **how) -> Story:
    async with start(pipeline, given, **how) as run:
        return Story([event async for event in run.events(status=status)])


async def test_a_story_knows_what_was_told_of_which_run(autojump_clock):
    story = await told(coffee)

    assert (story.pipeline, story.title) == ("coffee", "A cup of coffee")
    assert story.run == story.events[0].run
    assert [event.n for event in story.events] == list(range(1, story.last + 1))
    assert story.statuses[0] == Progress("water", 1, 2, "litres", t=0.0)
    assert story.result == "drip, drop"
    assert story.problem is None
    assert story.took == 0.3
    assert story.end is story.events[-1]
    assert repr(story) == f"<Story of coffee: {story.last} events>"


async def test_the_lines_are_what_was_said_in_reading_order_and_no_more(autojump_clock):
    story = await told(coffee)

    assert story.lines == (
        "Heating the water…",
        "Grinding the beans…",
        "It is at 94 °C.",
        "[The grinder]",
        "18 g, medium fine.",
        "Pouring 94 °C over 18 g…",
        "drip, drop",
    )
    assert story.lines_of("beans") == ("Grinding the beans…", "[The grinder]", "18 g, medium fine.")


async def test_the_transcript_has_no_seconds_and_is_what_a_story_prints(autojump_clock):
    story = await told(coffee)

    assert str(story) == story.transcript
    assert story.transcript.startswith("A cup of coffee\n\n• Heating the water…\n• Grinding the beans…\n")
    assert story.transcript.endswith("  drip, drop\n\nDone.\n")


async def test_the_details_are_there_to_be_inspected(autojump_clock):
    (detail,) = (await told(coffee)).details

    assert (detail.step, detail.title, detail.data) == ("beans", "The grinder", {"clicks": 18})


async def test_a_story_knows_its_times(autojump_clock):
    story = await told(coffee)

    assert story.critical_path == ("water", "cup")
    assert story.slowest == Span("water", "Heating the water…", 0.0, 0.3)
    assert story.spans["beans"].took == 0.1


async def test_what_has_become_of_each_step_is_known(autojump_clock):
    story = await told(coffee)

    assert {path: state.state for path, state in story.steps.items()} == {
        "water": "done",
        "beans": "done",
        "cup": "done",
    }
    assert story.steps["beans"].text == "18 g, medium fine."


async def test_skips_failed_attempts_failures_and_what_was_stopped_are_lines(autojump_clock):
    story = Story(await story_runs.failed())

    assert story.lines_of("wine") == ("Skipped: Everybody drives.",)
    assert story.lines_of("bread") == (
        "Bread",
        "Attempt 1 of 3 failed: The oven is still full. Trying again.",
        "Attempt 2 of 3 failed: The oven is still full. Trying again.",
        "Stopped: Another step failed.",
    )
    assert story.lines_of("main/roast")[-1] == "The second piece is black."
    assert story.steps["serving"].state == "unreached"


def test_an_attempt_that_ended_with_its_server_is_told_as_what_it_was():
    assert Story([StepRetrying("a", 1, 2, 0.0, INTERRUPTED, t=0.1)]).lines == (f"{INTERRUPTED} Beginning again.",)


def test_neighbouring_tokens_of_a_step_are_one_line_and_others_are_not():
    told = [
        *(Token("a", text, t=0.0) for text in ("one", " two")),
        Token("b", "three", t=0.0),
        Token("a", "four", t=0.0),
    ]

    assert Story([*told, Message("a", "five", t=0.0), Token("a", "six", t=0.0)]).lines == (
        *("one two", "three", "four", "five", "six"),
    )


def test_what_a_step_said_of_how_far_it_is_counts_where_the_story_was_cut():
    begun = StepStarted("a", "A", n=1, t=0.0)

    assert Story([begun, Progress("a", 1, 2, t=0.7)]).steps["a"].progress == StepProgress(done=1, of=2)
    assert Story([begun, Progress("a", 1, 2, t=0.7)]).took == 0.7


async def test_a_run_that_failed_has_a_problem_and_no_result(autojump_clock):
    story = Story(await story_runs.failed())

    assert story.problem.step == "main/roast"
    with pytest.raises(RunFailed, match="The second piece is black"):
        _ = story.result


async def test_a_run_that_was_cancelled_has_a_reason_and_no_result(autojump_clock):
    story = Story(await story_runs.cancelled())

    assert story.problem is None
    with pytest.raises(RunCancelled, match="Nobody is hungry any more"):
        _ = story.result


async def test_a_story_that_was_cut_says_so_when_its_result_is_asked_for(autojump_clock):
    whole = await told(coffee)
    cut = Story([*whole.events[:5], whole.statuses[0]])

    assert cut.end is None
    assert cut.took == max(event.t for event in whole.events[:5])
    assert cut.steps["cup"].state == "waiting"
    with pytest.raises(RunCut, match="heard up to event 5"):
        _ = cut.result


async def test_the_outcome_that_is_given_comes_before_the_json_that_was_told(autojump_clock):
    whole = await told(coffee)

    def outcome():
        raise RunFailed(Problem(title="With its cause", status=500)) from ZeroDivisionError()

    assert Story(whole.events, lambda: {"a", "b"}).result == {"a", "b"}
    with pytest.raises(RunFailed) as failed:
        _ = Story(whole.events, outcome).result
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


async def test_lines_are_asked_only_of_what_is_in_the_outline_or_was_heard(autojump_clock):
    story = await told(coffee)

    with pytest.raises(ValueError, match=r"^No step of coffee has the path `beens` \(did you mean `beans`\?\)\.$"):
        story.lines_of("beens")
    assert Story(story.events[:1]).lines_of("beans") == ()
    assert Story(story.events[1:]).lines_of("sugar") == ()


def test_a_failure_of_no_step_is_a_line_of_the_run():
    problem = Problem(title="The story cannot be kept", status=503)

    assert Story([RunFailedEvent(problem, 1.0, t=1.0)]).lines == ("The story cannot be kept",)


async def test_a_story_without_its_beginning_can_be_shown(autojump_clock):
    story = Story(await story_runs.trimmed())

    assert (story.run, story.pipeline, story.title) == ("?", "?", "?")
    assert story.lines[0] == "What was told from 1 to 24 is no longer kept."
    assert isinstance(story.events[0], Gap)
    assert story.critical_path == ()
    assert "no longer kept" in story.transcript
    assert story.result == "soup, roast and plain water and bread"


def test_an_empty_story_is_one_that_was_cut_at_once():
    story = Story([])

    assert (story.last, story.took, story.end, story.lines, story.slowest) == (0, 0.0, None, (), None)


def test_that_a_stream_is_over_is_no_part_of_the_story():
    assert Story([Message("a", "Hm.", t=0.0), Detached(RunId("1"), "/runs/1", t=0.0)]).lines == ("Hm.",)
