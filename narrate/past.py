"""What is known of a run that was interrupted: what it told, and what its steps gave.

Pure. The runner asks it, step by step, what is done already and need not be done again, and tells it all anew to the
reading order, which brings it out as it was told before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from narrate.errors import Problem
from narrate.events import (
    Answer,
    Event,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Terminal,
)

INTERRUPTED = "The server stopped in the middle of it."


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a step that has ended: its value as JSON (None for one without a JSON form, or of a step that
    failed), and what it told that still waits for its turn."""

    value: bytes | None
    facts: tuple[Event, ...] = ()


class Past:
    """The past of one run. An empty one is that of a run which has only begun.

    `answers` is what people gave to its questions, by their numbers, as they gave it.
    """

    def __init__(
        self,
        events: Sequence[Event] = (),
        kept: Iterable[tuple[str, Kept]] = (),
        answers: Mapping[int, str] | None = None,
    ) -> None:
        self.answers = answers or {}
        self._kept: Mapping[str, Kept] = dict(kept)
        self._started: dict[str, StepStarted] = {}
        self._told: dict[str, list[Event]] = {}
        for event in events:
            path = step_of(event)
            if isinstance(event, StepStarted) and path == event.step:
                self._started[path] = event
            elif path:
                self._told.setdefault(path, []).append(event)

    @property
    def failure(self) -> Problem | None:
        """The problem of the step that failed first; None when none did."""
        for path in self._kept:
            for last in self.told(path)[-1:]:
                if isinstance(last, StepFailed):
                    return last.problem
        return None

    @property
    def finished(self) -> Iterator[tuple[str, bytes | None]]:
        """The steps that have finished, by their paths, and what each gave."""
        for path, kept in self._kept.items():
            if isinstance(self.told(path)[-1], StepFinished):
                yield path, kept.value

    def value_of(self, path: str) -> bytes | None:
        """What a step that has ended gave, as it was kept."""
        return self._kept[path].value

    def has_ended(self, path: str) -> bool:
        """Whether a step has finished, or was skipped, and is not to be done again."""
        return path in self._kept

    def maybe_started(self, path: str) -> StepStarted | None:
        """The announcement of a step or pipeline; None when readers have not heard of one."""
        return self._started.get(path)

    def told(self, path: str) -> Sequence[Event]:
        """What a step has told after its announcement, its items too, in reading order."""
        kept = self._kept.get(path)
        return kept.facts if kept is not None and kept.facts else self._told.get(path, ())

    def was_skipped(self, path: str) -> bool:
        """Whether a step was found not to be needed."""
        return self.has_ended(path) and isinstance(self.told(path)[-1], StepSkipped)

    def attempts(self, path: str) -> int:
        """How often a step has been tried again already."""
        return sum(isinstance(event, StepRetrying) for event in self.told(path))

    @property
    def interruptions(self) -> int:
        """How often one and the same step was interrupted at its work, that which was so most often.

        A step that waits for a person does not bring its process down, and may wait through any number of restarts.
        """
        return max(map(_interruptions, self._told.values()), default=0)

    def items(self, path: str) -> tuple[int, int]:
        """How many items a step has begun so far: labelled ones, and unlabelled ones that began labelled ones."""
        labelled = unlabelled = 0
        for event in self.told(path):
            if isinstance(event, StepStarted):
                outermost = event.step.removeprefix(path + "/").partition("/")[0]
                number, _, rest = outermost.partition(".")
                if rest:
                    unlabelled = max(unlabelled, int(number))
                else:
                    labelled = max(labelled, int(number))
        return labelled, unlabelled

    def open_items(self, path: str) -> Sequence[str]:
        """The items of a step that have begun and not ended, in the order in which they can be closed."""
        return _open(self.told(path))


class Retelling:
    """Takes what a run tells anew, and passes over what its record has already.

    A run that ends before it has told all of that again has only its end to add; what closes the record is found out
    from the record then.
    """

    def __init__(self, events: Sequence[Event], kept: Iterable[tuple[str, Kept]]) -> None:
        self._events = events
        self._kept = tuple(kept)
        self._told = 0
        self._astray = False

    def rest(self, facts: Sequence[Event]) -> Sequence[Event]:
        """What is new in these facts."""
        for at, fact in enumerate(facts):
            if isinstance(fact, Terminal) and (self._astray or self._told < len(self._events)):
                return self._closed_with(fact)
            if self._told == len(self._events) and not self._astray:
                return facts[at:]
            if not self._astray:
                before = self._events[self._told]
                self._astray = (fact.type, step_of(fact)) != (before.type, step_of(before))
                self._told += 1
        return ()

    def _closed_with(self, end: Terminal) -> Sequence[Event]:
        reason = end.reason if isinstance(end, RunCancelledEvent) else INTERRUPTED
        closing = epilogue(self._events, self._kept, reason, end.t)
        if isinstance(end, RunFailedEvent) and end.problem.step is not None:
            failed = {event.step for event in (*self._events, *closing) if isinstance(event, StepFailed)}
            if end.problem.step not in failed:  # its own end waited for a turn that never came
                end = msgspec.structs.replace(end, problem=msgspec.structs.replace(end.problem, step=None))
        return [*closing, end]


def epilogue(events: Sequence[Event], kept: Iterable[tuple[str, Kept]], reason: str, t: float) -> Sequence[Event]:
    """What closes, in reading order, all that is open in the record of a run that does not go on.

    A step that had ended, but waits for its turn to be told, is told as it was. The rest is cancelled for the `reason`.
    """
    ended = {path: past.facts for path, past in kept if past.facts}
    facts: list[Event] = []
    for path in _open(events):
        facts += ended.get(path, ()) or (StepCancelled(path, reason, t=t),)
    return facts


def step_of(event: Event) -> str:
    """The path of the declared step that an event belongs to, also where an item of it speaks; empty for the run's."""
    path = str(getattr(event, "step", ""))
    declared: list[str] = []
    for name in path.split("/"):
        if name[:1].isdigit():  # no declared step's name begins so
            break
        declared.append(name)
    return "/".join(declared)


def _interruptions(told: Iterable[Event]) -> int:
    """How often a step was interrupted, by what it told, but not those times when one of its questions was open."""
    count = 0
    waiting: dict[int, str] = {}
    for event in told:
        match event:
            case Question(step=step):
                waiting[event.n] = step
            case Answer(to=n):
                waiting.pop(n, None)
            case StepRetrying(step=step, reason=reason) if reason == INTERRUPTED:
                count += not waiting
                waiting = {n: asking for n, asking in waiting.items() if asking == step}  # items are not gone on with
    return count


def _open(events: Iterable[Event]) -> Sequence[str]:
    """The paths of what has begun and not ended: each behind those inside it, and otherwise in the order of reading."""
    inside: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, StepStarted):
            inside[event.step] = []
        elif isinstance(event, (StepFinished, StepFailed, StepCancelled)):
            inside.pop(event.step, None)
    outermost: list[str] = []
    for path in inside:
        inside.get(path.rpartition("/")[0], outermost).append(path)

    def inmost_first(level: Sequence[str]) -> Iterator[str]:
        for path in level:
            yield from inmost_first(inside[path])
            yield path

    return list(inmost_first(outermost))
