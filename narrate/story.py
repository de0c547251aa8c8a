"""One run as it was told: its record, and what somebody wants to know of it who compares, shows or keeps it.

Pure. Made of events, whether they were heard in this process, over a network or read from a file; so a story may be
without its end, or without its beginning.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from narrate.errors import Problem, RunCancelled, RunCut, RunFailed
from narrate.events import (
    Answer,
    Detached,
    Detail,
    Event,
    Gap,
    Message,
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
    Terminal,
    Token,
    outlined_in,
)
from narrate.snapshot import Snapshot, StepState
from narrate.template import hint
from narrate.timing import Span, critical_path, slowest, spans_of
from narrate.wire.text import answered, asked, retried, transcript

UNKNOWN = "?"
"""What stands for the id, the pipeline and the title of a run whose beginning is missing."""


class Story:
    """A run's record, `events`, and the live status that was heard of it, `statuses`, each in the order given.

    The events are in reading order. `outcome` gives the result as the Python value it was, or raises why there is none;
    without it, the result is the JSON data that was told.
    """

    def __init__(self, events: Iterable[Event], outcome: Callable[[], Any] | None = None) -> None:
        told = tuple(events)
        self.events: tuple[Event, ...] = tuple(e for e in told if not isinstance(e, (Progress, Detached)))
        self.statuses: tuple[Progress, ...] = tuple(e for e in told if isinstance(e, Progress))
        self._outcome = outcome

    @property
    def began(self) -> RunStarted | None:
        """The run's first event; None where it is missing."""
        return next((event for event in self.events if isinstance(event, RunStarted)), None)

    @property
    def end(self) -> Terminal | None:
        """The event that ended the run; None where the story was cut."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Terminal) else None

    @property
    def run(self) -> RunId:
        """The run's id."""
        return RunId(UNKNOWN) if self.began is None else self.began.run

    @property
    def pipeline(self) -> str:
        """The name of the pipeline that was run."""
        return UNKNOWN if self.began is None else self.began.pipeline

    @property
    def title(self) -> str:
        """The pipeline's title."""
        return UNKNOWN if self.began is None else self.began.title

    @property
    def result(self) -> Any:
        """What the run gave. Raises RunFailed, RunCancelled, or RunCut where no end was told."""
        if self._outcome is not None:
            return self._outcome()
        match self.end:
            case RunFinished(result):
                return result
            case RunFailedEvent(problem):
                raise RunFailed(problem)
            case RunCancelledEvent(reason):
                raise RunCancelled(reason)
        raise RunCut(self.last, "What became of the run is not in it.")

    @property
    def problem(self) -> Problem | None:
        """Why the run failed; None where it did not."""
        return self.end.problem if isinstance(self.end, RunFailedEvent) else None

    @property
    def last(self) -> int:
        """The number of the last event; 0 where there is none."""
        return self.events[-1].n if self.events else 0

    @property
    def took(self) -> float:
        """Seconds that the run took; where no end was told, up to the last that was heard of it."""
        heard = [event.t for event in (*self.events, *self.statuses)]
        return self.end.seconds if self.end is not None else max(heard, default=0.0)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """What was said, line by line in reading order and without whose it is; a title is what a step says first.

        Neighbouring tokens are one line, however a wire joined them.
        """
        return tuple(line for _, line in self._said)

    def lines_of(self, step: str) -> tuple[str, ...]:
        """Those that were said by this step (or pipeline, or item), by its path.

        Raises ValueError where the run has none of this path; not where its beginning is missing, and so its outline.
        """
        if self.began is not None and step not in self._paths:
            raise ValueError(f"No step of {self.pipeline} has the path `{step}`{hint(step, self._paths)}.")
        return tuple(line for path, line in self._said if path == step)

    @cached_property
    def details(self) -> tuple[Detail, ...]:
        """What was shown, to be opened and inspected."""
        return tuple(event for event in self.events if isinstance(event, Detail))

    @cached_property
    def steps(self) -> Mapping[str, StepState]:
        """What has become of each step, pipeline and item, by its path in reading order."""
        snapshot = Snapshot(self.run, self.pipeline)
        snapshot.take(self.events)
        return {state.step: state for state in snapshot.state(self.statuses).steps}

    @cached_property
    def spans(self) -> Mapping[str, Span]:
        """When each step, pipeline and item ran, by its path in reading order."""
        return spans_of(self.events)

    @property
    def critical_path(self) -> tuple[str, ...]:
        """The paths of the steps that the whole had to wait for, in reading order."""
        return critical_path(self.events)

    @property
    def slowest(self) -> Span | None:
        """The step that took longest; None where none has ended."""
        return slowest(self.events)

    @property
    def transcript(self) -> str:
        """The story as text, without seconds: the same for every run that told the same."""
        return transcript(self.events)

    def __str__(self) -> str:
        return self.transcript

    def __repr__(self) -> str:
        return f"<Story of {self.pipeline}: {len(self.events)} events>"

    @cached_property
    def _paths(self) -> set[str]:
        """Everybody who could say something: the run itself, what is in its outline, and who was heard."""
        outlined = outlined_in(self.began.outline) if self.began is not None else ()
        return {"", *(stage.step for stage in outlined), *(path for path, _ in self._said), *self.steps}

    @cached_property
    def _said(self) -> tuple[tuple[str, str], ...]:
        """Every line, with the path of whoever said it."""
        said: list[tuple[str, str]] = []
        before: Event | None = None
        for event in self.events:
            if isinstance(event, Token):
                goes_on = isinstance(before, Token) and before.step == event.step
                said.append((event.step, (said.pop()[1] if goes_on else "") + event.text))
            elif (line := _line(event)) is not None:
                said.append((str(getattr(event, "step", "")), line))
            before = event
        return tuple(said)


def _line(event: Event) -> str | None:
    """What an event says, in the words of the page; None where it says nothing."""
    match event:
        case StepStarted(_, title):
            return title
        case Message(_, text):
            return text
        case Detail(_, title):
            return f"[{title}]"
        case StepRetrying():
            return retried(event)
        case Question() | Answer():
            return asked(event) if isinstance(event, Question) else answered(event)
        case StepFinished():
            return event.text
        case StepSkipped(_, reason):
            return f"Skipped: {reason}"
        case StepFailed(_, problem):
            return problem.sentence
        case RunFailedEvent(problem) if problem.step is None:  # else its step has said so
            return problem.sentence
        case StepCancelled(_, reason):
            return f"Stopped: {reason}"
        case Gap(first, last):
            return f"What was told from {first} to {last} is no longer kept."
    return None
