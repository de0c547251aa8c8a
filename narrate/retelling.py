"""A run told again: its events brought into the order in which they happened, and from there into reading order anew.

Pure. Apart from `story`, which only knows what was told, because here it matters how: which events are one lane's, and
where a group of lanes begins. A record says so by itself: what is told at one path is one lane's, an announcement is of
the lane of what it is inside of, and a group begins behind the announcements of its members.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from operator import itemgetter
from typing import Protocol

import msgspec

from narrate.errors import StoryUnreadable
from narrate.events import (
    Event,
    Gap,
    Outlined,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Progress,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    Terminal,
    Token,
)
from narrate.order import OrderLane, ReadingOrder
from narrate.story import Story
from narrate.timing import is_item


def as_it_happened(story: Story) -> Sequence[Event]:
    """The story's events and its status, in the order in which they happened.

    By their times, but within a lane never against the order of reading. The items of an `each` without labels speak as
    their step does: of those that spoke at the same time, one is put behind the other. Status comes behind the events
    of its time, but before the end of its own step. A story with a gap stays as it is read.
    """
    if any(isinstance(event, Gap) for event in story.events):
        return (*story.events, *story.statuses)
    placed: list[tuple[float, float, Event]] = []
    ends: dict[str, tuple[float, float]] = {}
    for place, (at, event) in enumerate(_timed(story.events), 1):
        placed.append((at, place, event))
        if isinstance(event, (StepFinished, StepFailed, StepCancelled)):
            ends[event.step] = (at, place - 0.5)
    for status in story.statuses:
        own = ends.get(status.step, (inf, inf)) if status.state in (None, "working") else (inf, inf)
        placed.append((*min(own, (status.t, inf)), status))
    return tuple(event for *_, event in sorted(placed, key=itemgetter(0, 1)))


def retold(story: Story) -> Story:
    """The story as the reading order tells it from what happened: the same, event for event.

    Raises StoryUnreadable where history is missing in it.
    """
    return Story([*told_again(as_it_happened(story)), *story.statuses])


def told_again(happened: Iterable[Event]) -> Sequence[Event]:
    """A run's events, given in an order in which they may have happened, in reading order and numbered anew.

    Status is passed over. Raises StoryUnreadable where the beginning or anything else is missing.
    """
    told: list[Event] = []
    order: ReadingOrder[Event] = ReadingOrder()
    root = _BareLane(order, order.root, told)
    retelling: Retelling | None = None
    for event in happened:
        if isinstance(event, Progress):
            continue
        if isinstance(event, RunStarted):
            root.tell(event)
            retelling = Retelling(root, event.outline)
        elif isinstance(event, Terminal):
            root.close()
            told.append(event)
        elif retelling is None:
            raise _missing_before(event)
        else:
            retelling.tell(event)
    if retelling is None:
        raise StoryUnreadable("This story", "there is nothing in it")
    return tuple(_numbered(told))


class RetoldLane(Protocol):
    """What a story is told again into: as much of a run's lane (`verbs.Lane`) as that takes."""

    def tell(self, event: Event) -> None:
        """Tell an event."""
        ...

    def status(self, progress: Progress) -> None:
        """Give news that is no part of the record."""
        ...

    def fork(self, count: int) -> "Sequence[RetoldLane]":
        """Begin a group of so many lanes here."""
        ...

    def close(self) -> None:
        """End the lane."""
        ...


class Retelling:
    """Tells events in the lanes that they were told in, as they come in the order of happening.

    Each has the number that it had in its record. The events that begin and end the run are not for this, but for
    whoever holds the `root` lane to tell; the first of them has the `outline`, which says what is a group.
    """

    def __init__(self, root: RetoldLane, outline: Sequence[Outlined]) -> None:
        self._groups = _groups(outline)
        self._tellers = {"": _Teller(root)}

    def tell(self, event: Event) -> None:
        """Tell an event, or status. Raises StoryUnreadable for what is told where nothing has begun."""
        match event:
            case Progress():
                self._tellers[""].lane.status(event)
            case StepStarted() | StepSkipped():
                self._announce(event)
            case Gap():
                raise _missing_before(event)
            case _:
                teller = self._turn(event, _path(event))
                teller.begin_round()
                teller.lane.tell(event)
                if isinstance(event, (StepFinished, StepFailed, StepCancelled)):
                    del self._tellers[event.step]
                    if teller.owns_lane:
                        teller.lane.close()

    def stop(self, reason: str, t: float) -> None:
        """Close all that is open at second `t`, for this reason, so that the record can be ended.

        Where a group was announced in part, it is announced whole before.
        """
        for teller in list(self._tellers.values()):
            for stage in list(teller.due):
                self._announce(StepStarted(stage.step, stage.title, t=t))
        for path in sorted(self._tellers.keys() - {""}, key=lambda path: -path.count("/")):  # what is inside first
            self.tell(StepCancelled(path, reason, t=t))

    def _announce(self, event: StepStarted | StepSkipped) -> None:
        outer = self._turn(event, _outer(event.step))
        group = self._groups.get(event.step, ())
        if not outer.is_one_more(event):
            outer.begin_round()
            outer.due.extend(group)
        outer.lane.tell(event)
        outer.announced(event)
        if isinstance(event, StepStarted):
            teller = self._tellers[event.step] = _Teller(outer.lane)
            if group or is_item(event.step):
                teller.waits_for = outer
                outer.round.append(teller)
        if group and not outer.due:
            outer.begin_round()

    def _turn(self, event: Event, path: str) -> "_Teller":
        """Who tells at this path, in a lane that has begun."""
        teller = self._tellers.get(path)
        if teller is None:
            what = f"event {event.n}, `{event.type}`, is told of `{path}`, which is not under way then"
            raise StoryUnreadable("This story", what)
        if teller.waits_for is not None:
            teller.waits_for.begin_round()
        return teller


class _Teller:
    """The run, or a step, pipeline or item that has been announced; its `lane` is its own or that which it is in.

    `round` are those announced inside of it whose lanes begin together, `due` the members of their group that are not
    announced yet.
    """

    __slots__ = ("_latest", "due", "lane", "owns_lane", "round", "waits_for")

    def __init__(self, lane: RetoldLane) -> None:
        self.lane = lane
        self.owns_lane = False
        self.waits_for: _Teller | None = None
        self.round: list[_Teller] = []
        self.due: deque[OutlinedStep | OutlinedPipeline] = deque()
        self._latest = 0

    def is_one_more(self, event: StepStarted | StepSkipped) -> bool:
        """Whether this announces one more of the round that is being announced.

        Of items, no outline says how many there are. But nothing is told between the announcements of one round, and
        at least its items' ends between two.
        """
        if self.due:
            return self.due[0].step == event.step
        return bool(self.round) and is_item(event.step) and event.n == self._latest + 1

    def announced(self, event: StepStarted | StepSkipped) -> None:
        """Take it that this has been announced."""
        self._latest = event.n
        if self.due:
            self.due.popleft()

    def begin_round(self) -> None:
        """Begin the lanes of those that are announced."""
        for teller, lane in zip(self.round, self.lane.fork(len(self.round)), strict=True):
            teller.lane, teller.owns_lane, teller.waits_for = lane, True, None
        self.round.clear()
        self.due.clear()


class _BareLane:
    """A lane of a reading order, out of which comes what is told."""

    def __init__(self, order: ReadingOrder[Event], lane: OrderLane[Event], told: list[Event]) -> None:
        self._order = order
        self._lane = lane
        self._told = told

    def tell(self, event: Event) -> None:
        self._told += self._order.feed(self._lane, event)

    def status(self, progress: Progress) -> None: ...

    def fork(self, count: int) -> "Sequence[_BareLane]":
        return [_BareLane(self._order, lane, self._told) for lane in self._order.fork(self._lane, count)]

    def close(self) -> None:
        self._told += self._order.close(self._lane)


def _numbered(events: Iterable[Event]) -> Iterator[Event]:
    """The events with the numbers 1, 2, 3 …; a token that was joined of several takes as many."""
    last = 0
    for event in events:
        if isinstance(event, Token) and event.first is not None:
            first, last = last + 1, last + 1 + event.n - event.first
            yield msgspec.structs.replace(event, first=first, n=last)
        else:
            last += 1
            yield msgspec.structs.replace(event, n=last)


def _timed(events: Iterable[Event]) -> Iterator[tuple[float, Event]]:
    """Each event with a time that is not before what it must come behind; the end's is after all others."""
    latest: dict[str, float] = {"": 0.0}
    ended_inside: dict[str, float] = {}
    for event in events:
        path = _path(event)
        outer = _outer(path)
        lane = outer if isinstance(event, (StepStarted, StepSkipped)) else path
        # A lane begins behind the announcements of its group, which are what the lane around it told last.
        before = latest[lane] if lane in latest else latest.get(_outer(lane), 0.0)
        at = latest[lane] = max(event.t, before, ended_inside.get(lane, 0.0))
        if isinstance(event, (StepFinished, StepFailed, StepCancelled)) and not is_item(path):
            ended_inside[outer] = max(at, ended_inside.get(outer, 0.0))
        yield (inf if isinstance(event, Terminal) else at), event


def _missing_before(event: Event) -> StoryUnreadable:
    if isinstance(event, Gap):
        kept = f"events {event.first} to {event.last} are no longer kept"
    else:
        kept = f"it begins with `{event.type}` where `run.started` should be"
    return StoryUnreadable("This story", f"{kept}, so it can be shown, but not told again")


def _groups(outline: Iterable[Outlined]) -> Mapping[str, Sequence[OutlinedStep | OutlinedPipeline]]:
    """The members of its group, by the path of each that is a member of one."""
    groups: dict[str, Sequence[OutlinedStep | OutlinedPipeline]] = {}
    for stage in outline:
        members = tuple(_members(stage))
        if isinstance(stage, OutlinedGroup):
            groups |= dict.fromkeys([member.step for member in members], members)
        for member in members:
            if isinstance(member, OutlinedPipeline):
                groups |= _groups(member.stages)
    return groups


def _members(stage: Outlined) -> Iterator[OutlinedStep | OutlinedPipeline]:
    if isinstance(stage, OutlinedGroup):
        for member in stage.members:
            yield from _members(member)
    else:
        yield stage


def _path(event: Event) -> str:
    """The path that an event is told at; that of the run is empty."""
    return str(getattr(event, "step", ""))


def _outer(path: str) -> str:
    return path.rpartition("/")[0]
