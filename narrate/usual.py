"""What the steps of a pipeline usually take: the median of what each took in the last runs that finished.

Pure. A journal keeps what was `Measured` by the name of the pipeline, and the runs themselves need not be there any
more. Only a whole run tells anything: of one that failed, was cancelled or was interrupted, what was done before may be
the quick part, and what was done after may have waited for a server to come back. And only a step that asked nobody:
how long a person takes to answer is not what the work takes.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from statistics import median

from narrate.events import (
    Event,
    Outlined,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Question,
    RunFinished,
    RunStarted,
    outlined_in,
)
from narrate.snapshot import seconds_of

RUNS = 20
"""Runs that the median of a step is made of: the last in which it gave its value."""

Measured = Mapping[str, Sequence[float]]
"""The seconds that each step took in the last runs, the latest last, by its path."""

Usual = Mapping[str, float]
"""The seconds that each step usually takes, by its path. A step of which nothing is known is not in it."""


def took(events: Sequence[Event]) -> Mapping[str, float | None]:
    """What each outlined step took in a run with this record, None for a skipped one. Nothing unless it finished.

    A step that asked somebody is left out, and so is a pipeline with one in it. The seconds that its questions were
    open are not all that it waited for: it may have waited for its turn to ask, while others were asked.

    A value that a stand-in gave counts as well: this is how long one waits for the step, a step that always falls back
    would otherwise never be known, and one time-out among twenty does not move a median.
    """
    if not events or not isinstance(events[0], RunStarted) or not isinstance(events[-1], RunFinished):
        return {}
    seconds = seconds_of(events)
    asked = {path for event in events if isinstance(event, Question) for path in _up_from(event.step)}
    return {stage.step: seconds.get(stage.step) for stage in outlined_in(events[0].outline) if stage.step not in asked}


def measured(before: Measured, took: Mapping[str, float | None]) -> Measured:
    """What was measured before, and what one more run took. What is not in that is let go: steps that the pipeline has
    no more, and those that asked, of which nobody knows when they have their answer.
    """
    return {
        step: [*before.get(step, ()), *([] if seconds is None else [seconds])][-RUNS:] for step, seconds in took.items()
    }


def usual(measured: Measured) -> Usual:
    """What each step usually takes, as precisely as that is worth being told; 0 for one that was always skipped."""
    return {step: _rounded(median(seconds)) if seconds else 0.0 for step, seconds in measured.items()}


def with_usual(outline: tuple[Outlined, ...], usual: Usual) -> tuple[Outlined, ...]:
    """The outline with the seconds that each step, and each pipeline within, usually takes."""
    return tuple(_with_usual(stage, usual) for stage in outline) if usual else outline


def _up_from(path: str) -> Iterable[str]:
    """A path, and those of all it lies within."""
    return accumulate(path.split("/"), "{}/{}".format)


def _with_usual(stage: Outlined, usual: Usual) -> Outlined:
    match stage:
        case OutlinedStep(step, title):
            return OutlinedStep(step, title, usual.get(step))
        case OutlinedGroup(members):
            return OutlinedGroup(with_usual(members, usual))
        case OutlinedPipeline(step, title, stages):
            return OutlinedPipeline(step, title, with_usual(stages, usual), usual.get(step))


def _rounded(seconds: float) -> float:
    """Two digits, at most three of them behind the point; whole seconds from ten on."""
    return round(seconds, 0 if seconds >= 10 else 1 if seconds >= 1 else 2 if seconds >= 0.1 else 3)
