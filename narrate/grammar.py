"""The grammar of legal records: what a run can have told, and in which order.

Apart from `order`, which makes the reading order, so that a record is judged by rules that share no code with what made
it; and from `record`, which takes what it is given. Pure, and linear in the record's length.

    record    run.started, stages, then run.finished or run.failed or run.cancelled
    stages    group after group as the outline has them, a step by itself being a group of one
    group     an announcement of every member (step.started or step.skipped); then the lane of each that started
    lane      of a step: message, token, detail, question, answer, step.retrying and rounds of items, as they come; of a
              nested pipeline: its stages; and then step.finished or step.failed or step.cancelled
    round     an announcement of items; then the lane of each

The items of `each` are no part of the outline. Their names are numbers, which go on from round to round: `a/1`, `a/2`.
A round that an unlabelled item begins has that item's number in front: `a/1.1`, `a/1.2`, then `a/2.1`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from narrate.errors import IllegalRecord
from narrate.events import (
    Answer,
    Detached,
    Detail,
    Event,
    Gap,
    Message,
    Outlined,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Progress,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Token,
)
from narrate.redact import MASK

Spoken = Message | Token | Detail | Question | Answer | StepRetrying


def check_record(events: Iterable[Event]) -> None:
    """Check a whole record, from its first event to its end. Raises IllegalRecord at the first event that is wrong.

    Tokens may be joined. A `gap` is legal where history is no longer kept; what may have happened in it is allowed, so
    the reading order is checked only before the first.
    """
    grammar = _Grammar()
    for event in events:
        grammar.take(event)
    grammar.end()


class _Grammar:
    """The record so far: its numbers, and which of its events may begin and end it."""

    def __init__(self) -> None:
        self.following = 1
        self.begun = False
        self.ended = False
        self.steps = _Steps()
        self.order: _Order | None = None

    def take(self, event: Event) -> None:
        self._number(event)
        if self.ended:
            _illegal(event, f"`{event.type}` comes after the end of the run")
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, Gap):
            self.begun = True
            self.order = None
            self.steps.skip_gap()
        elif not self.begun:
            _illegal(event, f"`{event.type}` comes before `run.started`")
        elif isinstance(event, (RunFinished, RunFailedEvent, RunCancelledEvent)):
            self.steps.end(event)
            if self.order is not None and isinstance(event, RunFinished):
                self.order.complete(event)
            self.ended = True
        else:
            self._step(event)

    def end(self) -> None:
        if self.following == 1:
            raise IllegalRecord(1, "the record is empty")
        if not self.ended:
            raise IllegalRecord(self.following, "the record stops before the run has ended: it was cut")

    def _number(self, event: Event) -> None:
        if isinstance(event, Progress):
            raise IllegalRecord(event.n or self.following, f"`progress` of `{event.step}` is status: never recorded")
        if isinstance(event, Detached):
            raise IllegalRecord(event.n or self.following, "`detached` is told to one reader: never recorded")
        first = last = event.n
        if isinstance(event, Token) and event.first is not None:
            first = event.first
        elif isinstance(event, Gap):
            first, last = event.first, event.last
            if event.n != last:
                _illegal(event, f"`gap` up to {last} is numbered {event.n}")
        if first != self.following:
            _illegal(event, f"`{event.type}` is numbered {first} where {self.following} comes next")
        if last < first:
            _illegal(event, f"`{event.type}` goes from {first} back to {last}")
        self.following = last + 1

    def _begin(self, event: RunStarted) -> None:
        if self.begun:
            _illegal(event, "`run.started` comes a second time")
        self.begun = True
        self.steps.outlined = set()
        for stage in _all(event.outline):
            if stage.step in self.steps.outlined:
                _illegal(event, f"the outline has `{stage.step}` twice")
            self.steps.outlined.add(stage.step)
        self.order = _Order(event.outline)

    def _step(self, event: Event) -> None:
        steps, order = self.steps, self.order
        if isinstance(event, (StepStarted, StepSkipped)):
            steps.begin(event)
            if order is not None:
                order.begin(event)
        elif isinstance(event, (StepFinished, StepFailed, StepCancelled)):
            steps.close(event)
            if order is not None:
                order.close(event)
        elif isinstance(event, (Message, Token, Detail, Question, Answer, StepRetrying)):
            steps.speak(event)
            if order is not None:
                order.speak(event)
        else:
            _illegal(event, f"`{event.type}` is no event of a record")


class _Steps:
    """What each step's own events may be, whatever the order of the steps. `blind` once there was a gap."""

    def __init__(self) -> None:
        self.blind = False
        self.outlined: set[str] | None = None
        self._states: dict[str, str] = {}
        self._failed: set[str] = set()
        self._open_inside: dict[str, dict[str, None]] = {"": {}}
        self._broken: dict[str, str] = {}
        self._doubtful: set[str] = set()
        self._questions: dict[int, Question] = {}

    def skip_gap(self) -> None:
        """From now on a step may have started unseen; and one that is open now may have closed when next heard of."""
        self.blind = True
        self._doubtful.update(filter(None, self._open_inside))
        for path in self._open_inside:
            self._states.pop(path, None)
        self._open_inside = {"": {}}

    def begin(self, event: StepStarted | StepSkipped) -> None:
        path = event.step
        act = "starts" if isinstance(event, StepStarted) else "is skipped"
        outer, item = _split(path)
        if item and isinstance(event, StepSkipped):
            _illegal(event, f"`{path}` is an item, and is skipped")
        if not item and self.outlined is not None and path not in self.outlined:
            _illegal(event, f"`{path}` {act}, which is not in the outline")
        if path in self._states or path in self._doubtful:
            _illegal(event, f"`{path}` {act}, but {self._past(path)}")
        if outer:
            self._need_open(event, outer, f"`{path}` {act}")
        if not item and outer in self._broken:
            _illegal(event, f"`{path}` {act}, but {self._past(self._broken[outer])} before it")
        if isinstance(event, StepSkipped):
            self._states[path] = "was skipped"
        else:
            self._open(path)

    def speak(self, event: Spoken) -> None:
        self._need_open(event, event.step, f"`{event.type}` is told of `{event.step}`")
        if isinstance(event, Question):
            self._questions[event.n] = event  # it may stay open: a step that begins again need not ask it again
        elif isinstance(event, Answer):
            self._answer(event)
        if isinstance(event, StepRetrying) and _split(event.step)[1]:
            _illegal(event, f"`{event.step}` is an item, and is tried again")

    def _answer(self, event: Answer) -> None:
        if event.to not in self._questions and not self.blind:
            _illegal(event, f"`answer` is to event {event.to}, which is no question that waits for one")
        question = self._questions.pop(event.to, None)
        if question is not None and question.step != event.step:
            _illegal(event, f"`{event.step}` has the answer to a question that it did not ask")
        if (event.value is None) != (event.by == "nobody"):
            _illegal(event, f"`answer` by {event.by} has {'a' if event.value is not None else 'no'} value")
        if question is not None and event.value is not None:
            _check_fits(event, event.value, question)

    def close(self, event: StepFinished | StepFailed | StepCancelled) -> None:
        path = event.step
        self._need_open(event, path, f"`{path}` closes")
        for inside in self._open_inside[path]:
            _illegal(event, f"`{path}` closes while `{inside}` is open")
        if isinstance(event, StepFinished) and path in self._broken:
            _illegal(event, f"`{path}` finishes, but {self._past(self._broken[path])}")
        outer, item = _split(path)
        del self._open_inside[path]
        self._open_inside[outer].pop(path)
        self._states[path] = "has finished"
        if not isinstance(event, StepFinished):
            self._states[path] = "failed" if isinstance(event, StepFailed) else "was cancelled"
            if not item:  # what a failed item means is for the step to say, which may go on
                self._broken.setdefault(outer, path)
        if isinstance(event, StepFailed):
            self._failed.add(path)

    def end(self, event: RunFinished | RunFailedEvent | RunCancelledEvent) -> None:
        for path in self._open_inside[""]:
            _illegal(event, f"the run ends while `{path}` is open")
        if isinstance(event, RunFinished) and "" in self._broken:
            _illegal(event, f"the run finishes, but {self._past(self._broken[''])}")
        if isinstance(event, RunFailedEvent) and event.problem.step is not None and not self.blind:
            cause = event.problem.step
            if cause not in self._failed:
                _illegal(event, f"the run fails with the problem of `{cause}`, but {self._past(cause)}")

    def _open(self, path: str) -> None:
        self._states[path] = "has started already"
        self._open_inside[path] = {}
        self._open_inside.setdefault(_split(path)[0], {})[path] = None

    def _need_open(self, event: Event, path: str, act: str) -> None:
        if path in self._open_inside:
            return
        if not self.blind or path in self._states:
            _illegal(event, f"{act}, but {self._past(path)}")
        outer, _ = _split(path)
        if outer:
            self._need_open(event, outer, act)
        self._open(path)

    def _past(self, path: str) -> str:
        never = "has started already" if path in self._doubtful else "never started"
        return f"`{path}` {self._states.get(path, never)}"


class _Telling:
    """What is being told: the run (its path is empty), a nested pipeline, a step, or an item; the last two have no
    stages. `due` are members of a group that is not announced yet, `waiting` those announced whose lane comes later.
    """

    __slots__ = ("due", "numbers", "path", "stages", "waiting")

    def __init__(self, path: str, stages: Sequence[Outlined] | None) -> None:
        self.path = path
        self.stages = iter(stages) if stages is not None else None
        self.due: deque[OutlinedStep | OutlinedPipeline] = deque()
        self.waiting: deque[OutlinedStep | OutlinedPipeline] = deque()
        self.numbers: dict[str, int] = {}

    def maybe_due(self) -> OutlinedStep | OutlinedPipeline | None:
        """The stage to be announced next."""
        if not self.due and self.stages is not None:
            for stage in self.stages:
                self.due.extend(_members(stage))
                break
        return self.due[0] if self.due else None


class _Order:
    """The reading order: what is told lies on a stack, and only the top of it may speak.

    Asked only about events that `_Steps` has found legal.
    """

    def __init__(self, outline: Sequence[Outlined]) -> None:
        self._stack = [_Telling("", outline)]

    def begin(self, event: StepStarted | StepSkipped) -> None:
        outer, item = _split(event.step)
        top = self._stack[-1]
        if not (item and outer == top.path):  # else one more of a round that is being announced
            top = self._turn(event, outer)
        if top.stages is None or item:
            self._item(event, top, item)
            return
        declared = top.maybe_due()
        assert declared is not None, "every stage of the outline has begun, and none begins twice"
        if declared.step != event.step:
            _illegal(event, f"`{event.step}` begins where `{declared.step}` is declared")
        top.due.popleft()
        if isinstance(event, StepStarted):
            top.waiting.append(declared)
        if not top.due:
            self._next_lane(top)

    def speak(self, event: Spoken) -> None:
        top = self._turn(event, event.step)
        if top.stages is not None:
            _illegal(event, f"`{event.type}` is told of `{event.step}`, which is a pipeline")

    def close(self, event: StepFinished | StepFailed | StepCancelled) -> None:
        top = self._turn(event, event.step)
        if top.due:
            _illegal(event, f"`{top.path}` closes while `{top.due[0].step}` is not announced")
        if isinstance(event, StepFinished):
            self.complete(event)
        self._stack.pop()
        self._next_lane(self._stack[-1])

    def complete(self, event: StepFinished | RunFinished) -> None:
        """What finishes has told all its stages."""
        missing = self._stack[-1].maybe_due()
        if missing is not None:
            what = f"`{event.step}`" if isinstance(event, StepFinished) else "the run"
            _illegal(event, f"{what} finishes, but `{missing.step}` never began")

    def _turn(self, event: Event, path: str) -> _Telling:
        """What is told at this path, if it is its turn. Whatever is no announcement ends that of a round."""
        top = self._stack[-1]
        if top.stages is None:
            self._next_lane(top)
            top = self._stack[-1]
        if top.path != path:
            if top.due:
                _illegal(event, f"`{_path(event)}` is told while `{top.due[0].step}` is not announced")
            _illegal(event, f"`{_path(event)}` is told in the turn of `{top.path}`")
        return top

    def _next_lane(self, top: _Telling) -> None:
        if top.waiting:
            lane = top.waiting.popleft()
            self._stack.append(_Telling(lane.step, lane.stages if isinstance(lane, OutlinedPipeline) else None))

    def _item(self, event: StepStarted | StepSkipped, step: _Telling, name: str) -> None:
        if step.stages is not None or not name:
            _illegal(event, f"`{event.step}` begins inside `{step.path}`, where it cannot")
        mark, _, number = name.rpartition(".")
        expected = step.numbers.get(mark, 0) + 1
        if number != str(expected):
            counted = f"{mark}.{expected}" if mark else str(expected)
            _illegal(event, f"`{event.step}` begins where `{step.path}/{counted}` comes next")
        step.numbers[mark] = expected
        step.waiting.append(OutlinedStep(event.step, ""))


def _check_fits(event: Answer, value: str, question: Question) -> None:
    """Check that a question can have this value as its answer. None it can have whenever it was taken back."""
    if event.by == "person":
        if question.choices is not None and not _may_be(value, question.choices):
            _illegal(event, f"`answer` by person is none of the choices of event {event.to}")
    elif question.default is None:
        _illegal(event, f"`answer` by default is to event {event.to}, which has no default")
    elif not _may_be(value, (question.default,)):
        _illegal(event, f"`answer` by default is not the default of event {event.to}")


def _may_be(value: str, texts: Sequence[str]) -> bool:
    """Whether a value may be one of these texts: what is masked may be any."""
    return value in texts or any(MASK in text for text in (value, *texts))


def _split(path: str) -> tuple[str, str]:
    """The path of what a step is inside of, and its name if it is an item: no declared step's begins with a digit."""
    outer, _, name = path.rpartition("/")
    return outer, name if name[:1].isdigit() else ""


def _members(stage: Outlined) -> Iterator[OutlinedStep | OutlinedPipeline]:
    """The stage itself, or the members of a group."""
    if isinstance(stage, OutlinedGroup):
        for member in stage.members:
            yield from _members(member)
    else:
        yield stage


def _all(stages: Sequence[Outlined]) -> Iterator[OutlinedStep | OutlinedPipeline]:
    """Every step and pipeline of an outline."""
    for stage in stages:
        for member in _members(stage):
            yield member
            if isinstance(member, OutlinedPipeline):
                yield from _all(member.stages)


def _path(event: Event) -> str:
    return str(getattr(event, "step", ""))


def _illegal(event: Event, what: str) -> NoReturn:
    raise IllegalRecord(event.n, what)
