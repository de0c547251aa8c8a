"""What ran when in a run that is over, and what the whole had to wait for.

Pure. The same rule as the page's (`web/timing.js`), which also guesses about runs under way: a story is
series-parallel, so of stages one after another all are waited for, and of a group the member that ended last.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from operator import itemgetter

from narrate.events import (
    Event,
    Outlined,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepStarted,
    outlined_in,
)


@dataclass(frozen=True, slots=True)
class Span:
    """From second `began` of the run to second `ended`, which is None where no end was told."""

    step: str
    title: str
    began: float
    ended: float | None

    @property
    def took(self) -> float | None:
        """Seconds from its beginning to its end."""
        return None if self.ended is None else round(self.ended - self.began, 4)


def spans_of(events: Iterable[Event]) -> Mapping[str, Span]:
    """When each step, each pipeline within the pipeline and each item ran, by its path.

    In reading order, each before what is inside it. What was skipped or never reached is left out.
    """
    spans: dict[str, Span] = {}
    titles: dict[str, str] = {}
    for event in events:
        match event:
            case RunStarted():
                titles = {stage.step: stage.title for stage in outlined_in(event.outline)}
            case StepStarted(step, title):
                spans[step] = Span(step, title, event.t, None)
            case StepFinished() | StepFailed() | StepCancelled():
                # Where history is missing, the announcement may be missing with it.
                before = spans.get(event.step) or Span(
                    event.step, titles.get(event.step, event.step), _began(event), None
                )
                spans[event.step] = replace(before, ended=event.t)
                if isinstance(event, StepFinished) and is_item(event.step):
                    # It is announced with all of its round, and may have waited long until it was begun.
                    spans[event.step] = replace(spans[event.step], began=_began(event))
    return {span.step: span for span in _in_reading_order(spans)}


def critical_path(events: Iterable[Event]) -> tuple[str, ...]:
    """The paths of the steps that the whole had to wait for, in reading order; of a pipeline within, its own steps.

    What was skipped or never reached is none of them; nor are items. In a story without its end, what was under way
    counts as what ended last. Empty where the beginning of the story, which has the outline, is missing.
    """
    events = tuple(events)
    return tuple(_waited_for(_outline(events), spans_of(events)))


def slowest(events: Iterable[Event]) -> Span | None:
    """The step that took longest, the first of several; None where none is known to have ended."""
    events = tuple(events)
    steps = {stage.step for stage in outlined_in(_outline(events)) if isinstance(stage, OutlinedStep)}
    ended = [span for span in spans_of(events).values() if span.step in steps and span.took is not None]
    return max(ended, key=lambda span: span.took or 0.0, default=None)


def is_item(path: str) -> bool:
    """Whether this is the path of an item of `each`: no declared step's name begins with a digit."""
    return path.rpartition("/")[2][:1].isdigit()


def _began(end: StepFinished | StepFailed | StepCancelled) -> float:
    """When that which ended so began, as far as its end can say."""
    return round(end.t - end.seconds, 4) if isinstance(end, StepFinished) else end.t


def _outline(events: Sequence[Event]) -> tuple[Outlined, ...]:
    return next((event.outline for event in events if isinstance(event, RunStarted)), ())


def _in_reading_order(spans: Mapping[str, Span]) -> Iterator[Span]:
    """Of a group all members are announced first: each is put before what is inside it."""
    inside: dict[str, list[Span]] = {"": []}
    for path, span in spans.items():
        outer = path.rpartition("/")[0]
        while outer and outer not in spans:  # where history is missing
            outer = outer.rpartition("/")[0]
        inside.setdefault(outer, []).append(span)
    left = inside[""][::-1]
    while left:
        span = left.pop()
        yield span
        left += reversed(inside.get(span.step, ()))


def _waited_for(stages: Iterable[Outlined], spans: Mapping[str, Span]) -> Iterator[str]:
    for stage in stages:
        match stage:
            case OutlinedGroup(members):
                taking_part = [(end, member) for member in members if (end := _ended(member, spans)) is not None]
                if taking_part:
                    _, last = max(taking_part, key=itemgetter(0))
                    yield from _waited_for([last], spans)
            case OutlinedPipeline(step, stages=inner) if step in spans:
                yield from _waited_for(inner, spans)
            case OutlinedStep(step) if step in spans:
                yield step


def _ended(stage: Outlined, spans: Mapping[str, Span]) -> float | None:
    """When a stage ended: None when it took no part, never when it was under way."""
    if isinstance(stage, OutlinedGroup):
        ends = [end for member in stage.members if (end := _ended(member, spans)) is not None]
        return max(ends, default=None)
    span = spans.get(stage.step)
    return None if span is None else inf if span.ended is None else span.ended
