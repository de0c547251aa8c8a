"""A run as the terminal has heard of it: its events folded, one after another, into what can be drawn at any moment.

Pure, with no clock: when an event arrived is given. The same fold as `narrate/web/story.js`. What has been drawn, and
where, is no affair of its.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from narrate.events import (
    Detached,
    Event,
    Gap,
    Outlined,
    OutlinedGroup,
    OutlinedPipeline,
    Progress,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunStarted,
    StepCancelled,
    StepEvent,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    Terminal,
    Token,
)
from narrate.questions import Asked
from narrate.terminal.told import ToldGroup, ToldStage, ToldStep

_TIMES = (RunStarted, StepStarted, StepFinished, StepSkipped, StepFailed, StepCancelled, *Terminal.__args__)
"""Events that say when something began or ended."""


class Screen:
    """One run, as far as it was heard. `stages` is its outline; `steps` has every step by its path, items too.

    `notices` are sentences about the telling itself, such as that history is missing. `times` are the events that tell
    when steps began and ended. `end` is the event that ended the run; `detached`: the stream has, and the run goes on.
    """

    def __init__(self) -> None:
        self.title = ""
        self.note: str | None = None
        self.stages: list[ToldStage] = []
        self.steps: dict[str, ToldStep] = {}
        self.notices: list[str] = []
        self.times: list[Event] = []
        self.end: Terminal | None = None
        self.detached = False
        self.state: Literal["waiting", "working", "ended", "cut"] = "waiting"
        self._last = 0
        self._outlined = False
        self._offset = float("inf")
        self._speaking: str | None = None
        self._asking: dict[str, ToldStep] = {}

    @property
    def moves(self) -> bool:
        """Whether it looks different from moment to moment although nothing is told."""
        return self.state == "waiting" or (
            self.state == "working" and any(step.under_way for step in self.steps.values())
        )

    @property
    def questions(self) -> Sequence[Asked]:
        """What the run waits for a person to answer, in the order of asking."""
        open_now = [asked for step in self._asking.values() for asked in step.questions]
        return sorted(open_now, key=lambda asked: asked.question.n)

    def now(self, at: float) -> float:
        """Seconds into the run at a reading of the clock; the quickest event so far tells best when it began."""
        if self.end is not None:
            return self.end.seconds
        return max(0.0, at - self._offset) if self._offset != float("inf") else 0.0

    def take(self, event: Event, at: float) -> None:
        """Take an event that arrived at this reading of the clock, in seconds.

        Passed over are events that were taken already, status after the end, and what this does not know.
        """
        if 0 < event.n <= self._last or self.state in ("ended", "cut"):
            return
        self._offset = min(self._offset, at - event.t)
        self.state = "working"
        self._last = event.n or self._last
        if isinstance(event, _TIMES):
            self.times.append(event)
        match event:
            case Progress():
                self._report(event)
                return  # which does not come between two tokens
            case RunStarted():
                self._begin(event)
            case Gap():
                self._miss(event)
            case Detached():
                self.detached = True
                self.notices.append(f"This goes on without you. See {event.link} for what becomes of it.")
            case RunFinished() | RunFailedEvent() | RunCancelledEvent():
                self._end(event)
            case _ if isinstance(event, StepEvent):  # else of a later version, which is nothing to this one
                self._tell(event)
        self._speaking = event.step if isinstance(event, Token) else None

    def cut(self) -> None:
        """Take it that nothing more will be heard of a run whose end was not."""
        if self.state == "working":
            self.state = "cut"
            for step in self.steps.values():
                step.cut()

    def _begin(self, event: RunStarted) -> None:
        self.title, self.note = event.title, event.note
        self._outlined = True
        self.stages = self._laid_out(event.outline)

    def _laid_out(self, outline: Iterable[Outlined]) -> list[ToldStage]:
        stages: list[ToldStage] = []
        for outlined in outline:
            if isinstance(outlined, OutlinedGroup):
                stages.append(ToldGroup(self._laid_out(outlined.members)))
                continue
            # It may have been heard of already: the latest status comes before the events.
            step = self.steps.setdefault(outlined.step, ToldStep(outlined.step, outlined.title))
            step.title, step.usual = outlined.title, outlined.seconds
            if isinstance(outlined, OutlinedPipeline):
                step.stages = self._laid_out(outlined.stages)
            stages.append(step)
        return stages

    def _report(self, status: Progress) -> None:
        # Items are no part of the outline, and may be heard of before they are announced.
        declared = re.sub(r"(/\d[^/]*)+$", "", status.step)
        if not self._outlined or declared in self.steps:
            self._step(status.step).report(status)

    def _tell(self, event: StepEvent) -> None:
        step = self._step(event.step)
        is_news = not step.n
        step.tell(event, goes_on=self._speaking == event.step)
        if isinstance(event, Question):
            self._asking[event.step] = step
        elif step.over:
            self._asking.pop(event.step, None)
        outer = self._outer_of(step)
        if is_news and step.is_item and outer is not None:
            outer.items.append(step)
        # What is inside of it is told of, so it has begun; without a gap, that was told before.
        while outer is not None and outer.state == "waiting":
            outer.doubt()
            outer = self._outer_of(outer)

    def _miss(self, gap: Gap) -> None:
        self.notices.append(f"What was told from {gap.first} to {gap.last} is no longer kept.")
        for step in self.steps.values():
            step.doubt()

    def _end(self, event: Terminal) -> None:
        self.state, self.end = "ended", event
        for step in self.steps.values():
            step.close()

    def _outer_of(self, step: ToldStep) -> ToldStep | None:
        return self.steps.get(step.path.rpartition("/")[0])

    def _step(self, path: str) -> ToldStep:
        """The step at this path. What nobody has announced is put where its path says, with what it is inside of."""
        known = self.steps.get(path)
        if known is not None:
            return known
        step = self.steps[path] = ToldStep(path, path)
        where, _, name = path.rpartition("/")
        outer = self._step(where) if where else None
        if outer is None:
            self.stages.append(step)
        elif name[:1].isdigit() or outer.is_item:
            step.is_item = True  # its outer step gets it when the record tells of it, which is in the items' order
        else:
            outer.stages.append(step)
        return step
