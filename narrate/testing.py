"""The testing kit: a pipeline run in a test, as the story that it told, and the same story in every schedule.

For any test runner. pytest gets more from narrate by itself (`pytest_plugin`): recordings and golden stories as
fixtures.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import trio
from trio.testing import MockClock

from narrate.cassette import Cassette
from narrate.comparing import maybe_difference, side_by_side
from narrate.declare import Caller, Resource
from narrate.errors import DeclarationError, IllegalRecord, NotAnswered, RunCancelled, RunFailed, StoriesDiffer
from narrate.events import AnyEvent, Question, RunFinished, StepFailed, StepFinished, StepRetrying, plain
from narrate.golden import Stories
from narrate.grammar import check_record
from narrate.narrator import start
from narrate.pipeline import Pipeline
from narrate.questions import listed
from narrate.recordings import RecordTape, ReplayTape, Tape, world
from narrate.schedules import PLAIN, pace_of, scheduled
from narrate.story import Story
from narrate.virtual import run_in_virtual_time

__all__ = [
    "Answers",
    "RecordTape",
    "ReplayTape",
    "Stories",
    "Story",
    "Tape",
    "narrated",
    "same_in_every_schedule",
    "story_of",
]

Answers = Sequence[str] | Callable[[Question], str]
"""What is answered to the questions of a run: one after the other, or for each what a function says."""

CAUSES = """\
What usually causes it: a value that is shared and changed (a list, a counter, a variable of the module, the input);
asking who is first, or what time it is; random numbers; the order of a set; a time limit of a step's own; an item of
`each` that stops the others, where they have no label."""


def narrated(
    pipeline: Pipeline,
    given: Any = None,
    /,
    *,
    caller: Caller | None = None,
    cassette: Cassette | Path | Tape | None = None,
    answers: Answers = (),
    **resources: Any,
) -> Story:
    """Run a pipeline to its end, in virtual time, and give back its story, also that of a run that failed.

    For tests that are plain functions: it runs trio by itself. No wait takes any time, and the story's `took` is in the
    seconds that it would have taken; what a thread does takes its time and counts as none. What comes from outside the
    process, over a socket or from a child process, is not waited for: give a `cassette`, or use `story_of` in a test
    whose time is real. Status is in the story as a reader may have seen it: the latest wins.

    Further keywords stand in for the pipeline's resources, by name; one that is a `@resource` itself is opened for this
    run. A `cassette` (a recording, a file or folder of recordings, or what the fixture of that name gives) stands in
    for the resources `transport` and `clock`; while one is being recorded, time is real.

    What its steps `ask` is answered from `answers`. One with a deadline is left unanswered when none is left. In a run
    that finishes, none may be left over.

    Raises BadInput for an input that does not fit, DeclarationError for a resource that the pipeline does not have,
    NotAnswered for a question without a deadline that `answers` has nothing for, WrongAnswer for an answer that is none
    of its choices, AssertionError for answers that nothing was asked for, and RuntimeError inside a trio run, where
    `story_of` is what does the same.
    """
    _refuse_trio("narrated()", "Use `await story_of(pipeline, …)` in an async test.")
    return _run(_Work(pipeline, given, caller, _tape(cassette), answers, resources))


async def story_of(
    pipeline: Pipeline,
    given: Any = None,
    /,
    *,
    caller: Caller | None = None,
    cassette: Cassette | Path | Tape | None = None,
    answers: Answers = (),
    **resources: Any,
) -> Story:
    """As `narrated`, in the trio run that is under way and on its clock: for async tests.

    In real time, then, if the test does not have `autojump_clock` or a MockClock of its own.
    """
    if not trio.lowlevel.in_trio_run():
        raise RuntimeError("story_of() is for async tests under trio. Use `narrated(pipeline, …)` anywhere else.")
    tape = _tape(cassette)
    if tape is not None and tape.live and isinstance(trio.lowlevel.current_clock(), MockClock):
        raise RuntimeError("A cassette is recorded in real time, and this test has a clock that jumps. Use `narrated`.")
    return await _Work(pipeline, given, caller, tape, answers, resources).told()


def same_in_every_schedule(
    pipeline: Pipeline,
    given: Any = None,
    /,
    *,
    schedules: int = 50,
    seed: int | None = None,
    caller: Caller | None = None,
    cassette: Cassette | Path | Tape | None = None,
    answers: Answers = (),
    **resources: Any,
) -> Story:
    """Check that the pipeline tells the same, and gives the same, whichever of its parts is faster; its plain story.

    It is run, in virtual time and as `narrated` does, in the plain schedule twice, and then in as many others, which
    are made from the seeds 1, 2, … and so are the same every time: tasks take turns in another order, every step and
    every item of `each` pauses before and after its work (which does not count towards a step's timeout), recorded
    answers come faster. With a `seed`, only the plain schedule and that seed's are run. A plain `def` step works in a
    thread, and when that ends no schedule decides.

    Python's own hash seed, which the order of a set of texts hangs on, is the same in all of them; and where a step
    waits for several things by itself, without `each`, only what it waits for can make them differ.

    Compared are the record without times and, as JSON, the result. Where a run fails, so must all; how far those steps
    had come that were stopped by it is not compared, nor is which of several failures was first. A stand-in for a
    resource that is a value is shared by all these runs: give one that remembers things as a `@resource`, which is
    opened anew for each. While a cassette is being recorded, the pipeline is run just once.

    Raises StoriesDiffer, an AssertionError, with the two stories side by side and the seed.
    """
    __tracebackhide__ = True  # pytest shows the test, then, and not this
    if schedules < 1:
        raise ValueError(f"schedules={schedules} compares nothing.")
    _refuse_trio("same_in_every_schedule()", "Call it in a plain test, `def` and not `async def`.")
    tape = _tape(cassette)
    work = _Work(pipeline, given, caller, tape, answers, resources)
    if tape is not None and tape.live:
        return _run(work)
    plain_story = _in_schedule(work, PLAIN)
    seeds = range(1, schedules + 1) if seed is None else (seed,)
    still = _stumbled(plain_story)
    for other in (PLAIN, *seeds):
        _compare(plain_story, _in_schedule(work, other, still), other)
    return plain_story


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be run: as often as it takes, each time from the beginning."""

    pipeline: Pipeline
    given: Any
    caller: Caller | None
    tape: Tape | None
    answers: Answers
    resources: Mapping[str, Any]
    pace: float = field(default=1.0)

    async def told(self) -> Story:
        """Its story, which is legal."""
        heard: list[AnyEvent] = []
        answers = _Answerer(self.answers)
        async with AsyncExitStack() as stack:
            resources = await self._resources(stack)
            async with start(self.pipeline, self.given, caller=self.caller, **resources) as run:
                async for event in run.events(status=True):
                    heard.append(cast("AnyEvent", event))
                    if isinstance(event, Question) and (value := answers.maybe_answer(event)) is not None:
                        await run.answer(value, event.n)
                try:
                    outcome: Callable[[], Any] = partial(_given_back, await run.result())
                except (RunFailed, RunCancelled) as ended:
                    outcome = partial(_raised, ended)
        story = Story(heard, outcome)
        try:
            check_record(story.events)
        except IllegalRecord as error:
            error.add_note("No pipeline can make this happen: it is a mistake in narrate. Please report it.")
            raise
        if isinstance(story.end, RunFinished):  # what fails may well end before it has asked
            answers.check_none_left()
        return story

    async def _resources(self, stack: AsyncExitStack) -> Mapping[str, Any]:
        taped: Mapping[str, Any] = {}
        if self.tape is not None:
            taped = await stack.enter_async_context(self.tape.stand_ins(self.pipeline, self.pace))
        return {**taped, **{name: await _opened(stack, one) for name, one in self.resources.items()}}


class _Answerer:
    """What is answered to the questions of one run. Raises TypeError for a text, whose letters nobody means."""

    def __init__(self, answers: Answers) -> None:
        if isinstance(answers, str):
            raise TypeError(f"answers={answers!r} is one text. Write answers=[{answers!r}].")
        self._says = answers if callable(answers) else None
        self._left = [] if callable(answers) else list(answers)

    def maybe_answer(self, question: Question) -> str | None:
        """The answer to a question; None where nobody answers in time."""
        if self._says is not None:
            return self._says(question)
        if self._left:
            return self._left.pop(0)
        if question.within is None:
            raise NotAnswered(f"“{question.question}” was asked, and `answers` has no more of them.")
        return None

    def check_none_left(self) -> None:
        """Raise AssertionError where the run has asked less than was answered."""
        if self._left:
            raise AssertionError(
                f"Not asked for, and not given: {listed(self._left)}. `answers` has more than the run asks."
            )


async def _opened(stack: AsyncExitStack, stand_in: Any) -> Any:
    if not isinstance(stand_in, Resource):
        return stand_in
    try:
        opening = asynccontextmanager(stand_in.open)()
    except TypeError as error:
        raise DeclarationError(
            f"Resource `{stand_in.name}` stands in for another, and needs others itself. Let it take nothing.",
            where=stand_in.where,
        ) from error
    return await stack.enter_async_context(opening)


def _in_schedule(work: _Work, seed: int, still: frozenset[str] = frozenset()) -> Story:
    with scheduled(seed, still):
        return _run(replace(work, pace=1.0 if still else pace_of(seed)))


def _stumbled(story: Story) -> frozenset[str]:
    """The steps whose time limit may have run out: more time, or quicker answers, would be another behaviour."""
    return frozenset(
        event.step
        for event in story.events
        if isinstance(event, StepRetrying | StepFailed) or (isinstance(event, StepFinished) and event.fallback)
    )


def _run(work: _Work) -> Story:
    """Its story, from a trio run of its own."""
    try:
        return trio.run(work.told) if work.tape is not None and work.tape.live else run_in_virtual_time(work.told)
    except BaseExceptionGroup as group:
        # Ctrl-C comes up through the nursery of whichever task it struck.
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raise KeyboardInterrupt from group


def _compare(plain_story: Story, other: Story, seed: int) -> None:
    """Raise StoriesDiffer unless both tell and give the same."""
    __tracebackhide__ = True
    difference = maybe_difference(plain_story.events, other.events)
    if difference is None:
        if _result(plain_story) != _result(other):
            raise StoriesDiffer(f"{_headline(plain_story, '', seed)} (It hides what is secret.)\n{_again(seed)}")
        return
    titles = ("the plain schedule", f"seed {seed}" if seed != PLAIN else "the same once more")
    raise StoriesDiffer(
        f"{_headline(plain_story, difference.step, seed)}\n\n{side_by_side(difference, titles)}\n\n{_again(seed)}"
    )


def _headline(story: Story, step: str, seed: int) -> str:
    what = f"Step `{step}` of `{story.pipeline}` tells" if step else f"The run of `{story.pipeline}` gives"
    if seed == PLAIN:
        return f"{what} something else when it is run again in the very same schedule."
    return f"{what} something else in another schedule, that of seed {seed}."


def _again(seed: int) -> str:
    if seed == PLAIN:
        return f"{CAUSES}\nThe schedule is not what does it here: look for what is left over from the run before, too."
    return f"{CAUSES}\nTo run just these two schedules again: same_in_every_schedule(…, seed={seed})"


def _result(story: Story) -> Any:
    """The result as JSON; None where there is none. In the record, what is secret is left out of it."""
    return json.dumps(plain(story.result)[0]) if isinstance(story.end, RunFinished) else None


def _tape(cassette: Cassette | Path | Tape | None) -> Tape | None:
    if isinstance(cassette, str):
        raise TypeError(
            f"cassette={cassette!r} is a name. Give a Path, or mark the test with @pytest.mark.cassette({cassette!r}) "
            "and pass on the fixture `cassette`."
        )
    if isinstance(cassette, Path):
        return ReplayTape(world([cassette]))
    return ReplayTape(cassette) if isinstance(cassette, Cassette) else cassette


def _refuse_trio(what: str, instead: str) -> None:
    if trio.lowlevel.in_trio_run():
        raise RuntimeError(f"{what} runs trio by itself, and trio is running already. {instead}")


def _given_back(value: Any) -> Any:
    return value


def _raised(error: Exception) -> Any:
    raise error
