"""A run at a glance: its record folded into what somebody wants to know who has not followed it.

Pure, and linear in the record's length. Apart from the journals, which keep records and do not read them: a service is
asked for a run's state seldom, and folds it then.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from narrate.errors import Problem
from narrate.events import (
    Answer,
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
from narrate.past import INTERRUPTED

RunWord = Literal["working", "finished", "failed", "cancelled"]
StepWord = Literal["waiting", "working", "retrying", "done", "skipped", "failed", "cancelled", "unreached", "unknown"]

_OVER: Mapping[str, StepWord] = {"done": "done", "failed": "failed", "cancelled": "cancelled"}
"""What a status may say of a step that has ended, though its turn to be told has not come."""


class _State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Frozen; a field at its default is left out of the JSON."""


class StepProgress(_State, frozen=True):
    """How far a step is, by its latest status."""

    done: int | float | None = None
    of: int | float | None = None
    unit: str | None = None
    text: str | None = None


class OpenQuestion(_State, frozen=True):
    """What a step waits for a person to answer: question number `n`. `until` is the second of the run up to which."""

    n: int
    question: str
    choices: tuple[str, ...] | None = None
    default: str | None = None
    until: float | None = None


class StepState(_State, frozen=True):
    """What has become of a step, of a pipeline within the pipeline, or of an item of `each`.

    - `state`: `waiting` until it begins; `working`, or `retrying` once an attempt has failed and while it asks nothing;
      then `done`, `skipped`, `failed` or `cancelled`. A run's end leaves what never began `unreached`; a step that was
      under way where history is missing is `unknown`. One that a stop of the server interrupted is `working` again.
    - `seconds`: how long it took, once it has ended. `text`: its summary.
    - `reason`: why it was skipped, cancelled or tried again, or why a stand-in had to give its value.
    - `progress`: how far it is, while it works. `questions`: what it waits for a person to answer.
    """

    step: str
    title: str
    state: StepWord
    seconds: float | None = None
    text: str | None = None
    reason: str | None = None
    problem: Problem | None = None
    progress: StepProgress | None = None
    questions: tuple[OpenQuestion, ...] = ()


class MissingHistory(_State, frozen=True):
    """The events numbered `from` to `to` are no longer kept."""

    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")


class RunState(_State, frozen=True):
    """What has become of a run.

    - `n`, `t`: the number of the last event told, and how many seconds into the run it happened.
    - `seconds`: how long the run took, once it has ended. Then it has a `result`, a `problem` or a `reason`.
    - `steps`: every step in reading order, each before what is inside it; items of `each` as they are announced.
    - `gap`: the history that is missing, the latest where there are several. The steps may be missing with it.
    """

    run: RunId
    pipeline: str
    title: str
    state: RunWord
    n: int
    t: float
    steps: tuple[StepState, ...]
    note: str | None = None
    seconds: float | None = None
    result: Any | msgspec.UnsetType = msgspec.UNSET
    problem: Problem | None = None
    reason: str | None = None
    gap: MissingHistory | None = None


class ListedRun(_State, frozen=True):
    """A run in a list: `began` in seconds since 1970 in UTC, `seconds` how long it took, once it has ended."""

    run: RunId
    pipeline: str
    state: RunWord
    began: float
    seconds: float | None = None
    problem: Problem | None = None
    reason: str | None = None


class Snapshot:
    """A record being folded, as far as it has come.

    `run` and `pipeline` are known from beside the record, whose beginning may no longer be kept.
    """

    def __init__(self, run: RunId, pipeline: str) -> None:
        self._run = RunState(run=run, pipeline=pipeline, title=pipeline, state="working", n=0, t=0.0, steps=())
        self._steps: dict[str, _Step] = {}
        self._outermost: list[_Step] = []

    def take(self, events: Iterable[Event]) -> None:
        """Take the events that come next in the record."""
        event: Event | None = None
        for event in events:
            self._take(event)
        if event is not None:
            self._run = msgspec.structs.replace(self._run, n=event.n, t=event.t)

    def state(self, statuses: Iterable[Progress] = ()) -> RunState:
        """The run's state after what was taken. `statuses` are the latest of its steps; after the end none counts."""
        latest = {status.step: status for status in statuses} if self._run.state == "working" else {}
        steps = tuple([step.state(latest.get(step.path)) for step in self._in_reading_order()])
        return msgspec.structs.replace(self._run, steps=steps)

    def _take(self, event: Event) -> None:
        match event:
            case Token() | Message() | Detail():
                pass  # the story, not the state; first, because most of a record may be tokens
            case Question() | Answer():
                self._step(event.step).ask(event)
            case StepStarted(step, title):
                self._step(step).start(title, event.t)
            case StepRetrying(step, reason=reason):
                self._step(step).try_again(reason)
            case StepFinished(step, seconds, text, fallback):
                self._step(step).become("done", fallback, seconds, text)
            case StepSkipped(step, reason):
                self._step(step).become("skipped", reason)
            case StepFailed(step, problem):
                self._step(step).stop("failed", event.t, problem=problem)
            case StepCancelled(step, reason):
                self._step(step).stop("cancelled", event.t, reason)
            case RunStarted():
                self._begin(event)
            case Gap(first, last):
                self._turn("waiting", "working", "retrying", into="unknown")
                self._run = msgspec.structs.replace(self._run, gap=MissingHistory(first=first, last=last))
            case RunFinished() | RunFailedEvent() | RunCancelledEvent():
                self._turn("waiting", into="unreached")
                self._run = msgspec.structs.replace(self._run, **_ending(event))

    def _begin(self, event: RunStarted) -> None:
        self._run = msgspec.structs.replace(
            self._run, run=event.run, pipeline=event.pipeline, title=event.title, note=event.note
        )
        for stage in outlined_in(event.outline):
            self._step(stage.step).title = stage.title

    def _turn(self, *before: StepWord, into: StepWord) -> None:
        for step in self._steps.values():
            if step.word in before:
                step.word = into

    def _step(self, path: str) -> "_Step":
        step = self._steps.get(path)
        if step is None:
            step = self._steps[path] = _Step(path)
            outer = self._steps.get(path.rpartition("/")[0])
            (self._outermost if outer is None else outer.inside).append(step)
        return step

    def _in_reading_order(self) -> "Iterator[_Step]":
        left = self._outermost[::-1]
        while left:
            step = left.pop()
            yield step
            left += reversed(step.inside)


class _Step:
    """What was told of one step so far."""

    __slots__ = ("_began", "_problem", "_reason", "_seconds", "_text", "inside", "path", "questions", "title", "word")

    def __init__(self, path: str) -> None:
        self.path = path
        self.title = path
        self.word: StepWord = "waiting"
        self.inside: list[_Step] = []
        self.questions: dict[int, OpenQuestion] = {}
        self._began: float | None = None
        self._seconds: float | None = None
        self._text: str | None = None
        self._reason: str | None = None
        self._problem: Problem | None = None

    def start(self, title: str, now: float) -> None:
        self.title = title
        self.word = "working"
        self._began = now

    def try_again(self, reason: str) -> None:
        if reason == INTERRUPTED:
            self.become("working")  # no attempt of it has failed
        else:
            self.become("retrying", reason)

    def become(
        self, word: StepWord, reason: str | None = None, seconds: float | None = None, text: str | None = None
    ) -> None:
        self.word = word
        self._reason = reason
        self._seconds = seconds
        self._text = text

    def stop(self, word: StepWord, now: float, reason: str | None = None, problem: Problem | None = None) -> None:
        self.become(word, reason, None if self._began is None else round(now - self._began, 4))
        self._problem = problem

    def ask(self, event: Question | Answer) -> None:
        if self.word in ("waiting", "unknown"):
            self.word = "working"  # where history is missing: who asks, or is answered, is at work
        if isinstance(event, Answer):
            self.questions.pop(event.to, None)
        else:
            self.questions[event.n] = OpenQuestion(
                n=event.n,
                question=event.question,
                choices=event.choices,
                default=event.default,
                until=round(event.t + event.within, 4) if event.within is not None else None,
            )

    def state(self, status: Progress | None) -> StepState:
        word, progress = self.word, None
        if word == "retrying" and self.questions:
            word = "working"  # in an attempt that waits for a person
        if status is not None and word in ("waiting", "working", "retrying", "unknown"):
            # What is told waits for its turn, status does not: it is ahead of the record, and may be behind it only in
            # saying `working` of a step that is being tried again.
            word = _OVER.get(status.state or "", "working" if word in ("waiting", "unknown") else word)
            progress = StepProgress(done=status.done, of=status.of, unit=status.unit, text=status.text)
        return StepState(
            step=self.path,
            title=self.title,
            state=word,
            seconds=self._seconds,
            text=self._text,
            reason=self._reason,
            problem=self._problem,
            progress=progress if progress != StepProgress() else None,
            questions=tuple(self.questions.values()) if word in ("working", "retrying") else (),
        )


def seconds_of(events: Iterable[Event]) -> dict[str, float]:
    """How long each step, and each item, took that gave its value, by its path.

    What failed or was cancelled is left out: how long that took says nothing about the work.
    """
    return {event.step: event.seconds for event in events if isinstance(event, StepFinished)}


def listed(run: RunId, pipeline: str, began: float, end: Terminal | None) -> ListedRun:
    """A run as one of a list. `end` is the event that ended it, None while it is under way."""
    told = {"state": "working"} if end is None else _ending(end)
    told.pop("result", None)  # of many runs it would be much, and each has it at its own address
    return ListedRun(run=run, pipeline=pipeline, began=began, **told)


def _ending(event: Terminal) -> dict[str, Any]:
    """What the event that ends a record says of the run, by the names of `RunState`."""
    match event:
        case RunFinished(result):
            return {"state": "finished", "seconds": event.seconds, "result": result}
        case RunFailedEvent(problem):
            return {"state": "failed", "seconds": event.seconds, "problem": problem}
        case RunCancelledEvent(reason):
            return {"state": "cancelled", "seconds": event.seconds, "reason": reason}
