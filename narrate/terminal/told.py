"""One step as it is told, or one item of `each`: what the record says of it, and what live status says ahead of that.

What is told waits for its lane's turn, status does not. So status is believed for as long as the end of the step has
not been told; then the record has the last word. The same rules and words as in `narrate/snapshot.py` and
`narrate/web/step.js`. Pure; changed as events come, so that a token costs the same at the end of a story as at its
beginning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from narrate.events import (
    Answer,
    Detail,
    Event,
    Message,
    Progress,
    Question,
    StepCancelled,
    StepEvent,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Token,
)
from narrate.past import INTERRUPTED
from narrate.questions import Asked
from narrate.snapshot import StepWord
from narrate.wire.text import answered, asked, named, replied, retried

LineKind = Literal[
    "message",
    "tokens",
    "detail",
    "question",
    "answer",
    "named answer",
    "retry",
    "fallback",
    "summary",
    "skipped",
    "failed",
    "cancelled",
]

ENDED: frozenset[StepWord] = frozenset({"done", "skipped", "failed", "cancelled"})
UNDER_WAY: frozenset[StepWord] = frozenset({"working", "retrying"})

_OVER: Mapping[str | None, StepWord] = {"done": "done", "failed": "failed", "cancelled": "cancelled"}
"""What a status may say of a step that has ended, though its turn to be told has not come."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Line:
    """One thing that a step said. Two things about one ever change: tokens grow while they are the last line, and a
    message is found to be a stand-in's when the step ends and says so. `n` is the number of its (first) event."""

    n: int
    kind: LineKind
    text: str
    detail: Detail | None = None
    asked: Asked | None = None
    errors: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class ToldGroup:
    """Stages that run at the same time."""

    members: "list[ToldStage]"

    @property
    def steps(self) -> "Iterator[ToldStep]":
        """Its steps and pipelines, and theirs."""
        for member in self.members:
            yield from member.steps

    @property
    def over(self) -> bool:
        """Whether the end of all in it has been told."""
        return all(member.over for member in self.members)


@dataclass(slots=True, eq=False)
class ToldStep:
    """A step, a pipeline within the pipeline (which has stages), or an item.

    `began` and `ended` are seconds into the run, `seconds` how long it took, once its end has been told, `usual` how
    long it takes by experience. `items` are those that were told of, in their order; `n` is the number of the event
    that told of it first. `state` is what is seen of it: by the record, and where that is behind, by status.
    """

    path: str
    title: str
    usual: float | None = None
    stages: "list[ToldStage]" = field(default_factory=list)
    items: "list[ToldStep]" = field(default_factory=list)
    is_item: bool = False
    n: int = 0
    began: float | None = None
    ended: float | None = None
    seconds: float | None = None
    lines: list[Line] = field(default_factory=list)
    state: StepWord = "waiting"
    progress: Progress | None = None
    _asked: dict[int, Asked] = field(default_factory=dict)
    _word: StepWord = "waiting"
    _status: Progress | None = None

    @property
    def steps(self) -> "Iterator[ToldStep]":
        """Itself, its stages' steps and its items, and theirs."""
        yield self
        for stage in (*self.stages, *self.items):
            yield from stage.steps

    @property
    def over(self) -> bool:
        """Whether its end has been told."""
        return self._word in ENDED

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def questions(self) -> Sequence[Asked]:
        """What it waits for a person to answer, in the order of asking."""
        return [*self._asked.values()] if self.under_way else []

    def elapsed(self, now: float) -> float | None:
        """Seconds that it has been working, or took; None while it has not begun, and when nobody knows."""
        if self.seconds is not None:
            return self.seconds
        if self.began is None or self.state in ("waiting", "unknown", "unreached"):
            return None
        return max(0.0, (now if self.ended is None else self.ended) - self.began)

    def is_long(self, now: float) -> bool:
        """Whether it has been working for longer than usual, by more than the odd second."""
        if not self.usual or not self.under_way:  # 0 is of what was always skipped
            return False
        return (self.elapsed(now) or 0.0) > 1.5 * self.usual + 1

    def tell(self, event: StepEvent, *, goes_on: bool) -> None:
        """Take the next event of the record that is of this step. `goes_on`: the one before was a token of it, too."""
        self.n = self.n or _number(event)
        if self._word == "waiting":
            self._word = "unknown"  # where its announcement is missing, it has begun at least
        match event:
            case StepStarted():
                self.title, self._word, self.began = event.title, "working", event.t
            case Token():
                self._pass(event, goes_on=goes_on)
            case Message():
                self._say("message", event.text, event)
            case Detail():
                self.lines.append(Line(event.n, "detail", event.title, event))
            case Question() | Answer():
                self._ask(event)
            case StepRetrying():
                self._retry(event)
            case StepFinished():
                self._finish(event)
            case StepSkipped():
                self._word = "skipped"
                self._say("skipped", f"Skipped: {event.reason}", event)
            case StepFailed():
                errors = tuple(error.detail for error in event.problem.errors)
                self._stop("failed", event)
                self.lines.append(Line(event.n, "failed", event.problem.sentence, errors=errors))
            case StepCancelled():
                self._stop("cancelled", event)
                self._say("cancelled", f"Stopped: {event.reason}", event)
        self._settle()

    def report(self, status: Progress) -> None:
        """Take a status. The latest is believed: what was done may be lost with a server, and begin again."""
        if self.over:
            return
        is_over = status.state in _OVER
        self._status = status
        self.ended = status.t if is_over else None
        if not is_over and self.began is None:
            self.began = status.t
        self._settle()

    def doubt(self) -> None:
        """It has begun, and may have ended, in history that is missing."""
        if not self.over:
            self._word = "unknown"
        self._settle()

    def close(self) -> None:
        """Take it that the run has ended."""
        if self._word == "waiting":
            self._word = "unreached"
        self._status = None
        self._asked.clear()
        self._settle()

    def cut(self) -> None:
        """Take it that nothing more will be heard."""
        if self._word in UNDER_WAY:
            self._word = "unknown"
        self.close()

    def _pass(self, token: Token, *, goes_on: bool) -> None:
        last = self.lines[-1] if goes_on and self.lines else None
        if last is not None and last.kind == "tokens":
            last.text += token.text
        else:
            self._say("tokens", token.text, token)

    def _ask(self, event: Question | Answer) -> None:
        if self._word == "unknown":
            self._word = "working"  # where history is missing: who asks, or is answered, is at work
        if isinstance(event, Question):
            waited_for = self._asked[event.n] = Asked(event)
            self.lines.append(Line(event.n, "question", asked(event), asked=waited_for))
            return
        settled = self._asked.pop(event.to, None)
        if settled is not None:
            settled.answer = event
        question = settled.question if settled is not None else None
        if named(event, question):
            self._say("named answer", replied(event, question), event)
        else:
            self._say("answer", answered(event), event)

    def _retry(self, event: StepRetrying) -> None:
        self._word = "working" if event.reason == INTERRUPTED else "retrying"  # the one is no failed attempt
        self._say("retry", retried(event), event)
        heard = self._status
        if event.reason == INTERRUPTED and heard is not None and heard.state in _OVER and heard.t < event.t:
            self._status = self.ended = None  # the end that it said was lost with the server

    def _finish(self, event: StepFinished) -> None:
        self._word, self.seconds, self.ended = "done", event.seconds, event.t
        if self.began is None or self.is_item:  # an item is announced with all of its round, and begun much later
            self.began = event.t - event.seconds
        if event.fallback:
            self._stand_in(f"{event.fallback} Going on without it.", event)
        if event.text:
            self._say("summary", event.text, event)

    def _stand_in(self, said: str, event: StepFinished) -> None:
        """Mark the line that told of the stand-in when it began; tell it now where that is missing."""
        for line in reversed(self.lines):
            if line.kind == "message" and line.text == said:
                line.kind = "fallback"
                return
        self._say("fallback", said, event)

    def _stop(self, word: StepWord, event: Event) -> None:
        self._word, self.ended = word, event.t
        self.seconds = None if self.began is None else max(0.0, event.t - self.began)

    def _say(self, kind: LineKind, text: str, event: StepEvent) -> None:
        self.lines.append(Line(_number(event), kind, text))

    def _settle(self) -> None:
        status = None if self.over else self._status
        self.state, self.progress = self._word, None
        if self._word == "retrying" and self._asked:
            self.state = "working"  # in an attempt that waits for a person
        if status is None:
            return
        if status.state in _OVER:
            self.state = _OVER[status.state]
        elif self._word != "retrying":
            self.state = "working"
        if any(value is not None for value in (status.done, status.of, status.unit, status.text)):
            self.progress = status


ToldStage = ToldStep | ToldGroup


def _number(event: StepEvent) -> int:
    """The number of an event; of tokens that were joined, that of the first."""
    return (event.first if isinstance(event, Token) else None) or event.n
