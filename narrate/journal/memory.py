"""The journal in memory: what is appended is kept at once, and is gone with the process."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from operator import itemgetter

from narrate.delivery import Delivery
from narrate.errors import KeyTaken, RecordGone
from narrate.events import Event, Progress, RunId, Terminal
from narrate.journal.base import MOST_DUE, Begun, Retention, Unfinished
from narrate.journal.live import LiveRecord, Reader
from narrate.past import Kept
from narrate.record import weight_of
from narrate.usual import Measured, Usual, measured, took, usual

EXPIRED = 10_000
"""Expired runs whose ids are remembered, so that who asks for one hears that it was there."""


class MemoryRecord:
    """A run's record, and the hand that writes it."""

    __slots__ = ("_journal", "begun", "ended_at", "left", "live", "usual", "weight")

    durable = False

    def __init__(self, journal: "MemoryJournal", begun: Begun, usual: Usual) -> None:
        self._journal = journal
        self.begun = begun
        self.usual = usual
        self.live = LiveRecord()
        self.left = False
        self.ended_at: float | None = None
        self.weight = 0

    @property
    def last(self) -> int:
        return self.live.record.last

    def append(self, facts: Sequence[Event]) -> None:
        if self.left or not facts:
            return
        record = self.live.record
        try:
            for fact in facts:
                record.append(fact)
        finally:
            if record.ended and self.ended_at is None:
                self._journal.end(self)
            if self.live.sleepers:
                self.live.wake()

    def report(self, progress: Progress) -> None:
        self.live.report(progress)

    def keep(self, path: str, kept: Kept) -> None:
        """Nothing outlives the process, so nothing is kept."""

    def stop(self, reason: str) -> None:
        """Nothing outlives the process, so nothing is kept."""

    def settle(self) -> Awaitable[None]:
        return self.live.settle()

    def reader(self, after: int = 0) -> Reader:
        return Reader(self.live, after)

    def let_go(self) -> None:
        self.left = True


class MemoryJournal:
    """Keeps records in memory, and those of runs that have ended for as long as `retention` says.

    `now` tells the time in seconds since 1970.
    """

    durable = False

    def __init__(self, retention: Retention | None = None, now: Callable[[], float] = time.time) -> None:
        self._retention = retention or Retention(size=256 * 1024 * 1024)
        self._now = now
        self._records: dict[RunId, MemoryRecord] = {}
        self._whole: OrderedDict[RunId, MemoryRecord] = OrderedDict()  # of runs that have ended, the oldest first
        self._trimmed: OrderedDict[RunId, MemoryRecord] = OrderedDict()
        self._size = 0
        self._expired: OrderedDict[RunId, None] = OrderedDict()
        self._keys: dict[tuple[str | None, str, str], Begun] = {}
        self._answered: dict[RunId, dict[int, str]] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._waiting: dict[RunId, list[str]] = {}
        self._unmeasured: list[MemoryRecord] = []  # of runs that have ended, the oldest first
        self._measured: dict[str, Measured] = {}
        self._usual: dict[str, Usual] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        yield

    async def open_record(self, begun: Begun, deliveries: Sequence[Delivery] = ()) -> MemoryRecord:
        self._tidy()
        if begun.key is not None:
            first = self._keys.setdefault((begun.owner, begun.pipeline, begun.key), begun)
            if first is not begun:
                raise KeyTaken(first.run, first.asked)
        record = self._records[begun.run] = MemoryRecord(self, begun, await self.usual_seconds(begun.pipeline))
        for delivery in deliveries:
            self._deliveries[delivery.id] = delivery
            self._waiting.setdefault(begun.run, []).append(delivery.id)
        return record

    async def maybe_reader(self, run: RunId, after: int = 0) -> Reader | None:
        record = self._maybe_record(run)
        return record.reader(after) if record is not None else None

    async def maybe_begun(self, run: RunId) -> Begun | None:
        record = self._maybe_record(run)
        return record.begun if record is not None else None

    async def maybe_keyed(self, owner: str | None, pipeline: str, key: str) -> tuple[RunId, str] | None:
        self._tidy()
        begun = self._keys.get((owner, pipeline, key))
        return (begun.run, begun.asked) if begun is not None else None

    async def listed(self, owner: str | None, most: int = 50) -> Sequence[tuple[Begun, Terminal | None]]:
        self._tidy()
        if owner is None:
            return []
        theirs = [record for record in reversed(self._records.values()) if record.begun.owner == owner]
        return [(record.begun, _end_of(record)) for record in theirs[:most]]

    async def named(self, runs: Sequence[RunId]) -> Sequence[tuple[Begun, Terminal | None]]:
        self._tidy()
        wanted = set(runs)
        found = [record for run, record in reversed(self._records.items()) if run in wanted]
        return [(record.begun, _end_of(record)) for record in found]

    async def usual_seconds(self, pipeline: str) -> Usual:
        self._measure()
        return self._usual.get(pipeline, {})

    async def stop(self, run: RunId, reason: str) -> None:
        """There is no other process."""

    async def stops(self) -> Sequence[tuple[RunId, str]]:
        return ()

    async def answer(self, run: RunId, n: int, value: str) -> str | None:
        record = self._records.get(run)
        if record is None or record.ended_at is not None:
            return None
        return self._answered.setdefault(run, {}).setdefault(n, value)

    async def answers(self) -> Sequence[tuple[RunId, int, str]]:
        return ()  # whoever was told is the process that runs it

    async def watch(self, run: RunId) -> None:
        """There is no other process."""

    async def watched(self) -> Sequence[RunId]:
        return ()

    async def unfinished(self, of: Collection[str] | None = None) -> Sequence[Unfinished]:  # noqa: ARG002
        return ()

    async def due(self, now: float, until: float) -> Sequence[Delivery]:
        ready = [(one.due, one) for one in self._deliveries.values() if one.due is not None and one.due <= now]
        found = [one for _, one in sorted(ready, key=itemgetter(0))[:MOST_DUE]]
        for delivery in found:
            self._deliveries[delivery.id] = replace(delivery, due=until)
        return found

    async def put(self, delivery: Delivery) -> None:
        self._deliveries[delivery.id] = delivery

    async def deliveries(self, *, run: RunId | None = None, state: str | None = None) -> Sequence[Delivery]:
        return [
            delivery
            for delivery in reversed(self._deliveries.values())
            if run in (None, delivery.run) and state in (None, delivery.state)
        ]

    async def maybe_delivery(self, id: str) -> Delivery | None:  # noqa: A002
        return self._deliveries.get(id)

    def end(self, record: MemoryRecord) -> None:
        """A record has ended: from now on it grows old, and its deliveries are due."""
        record.ended_at = self._now()
        record.weight = weight_of(record.live.record.events)
        self._answered.pop(record.begun.run, None)
        self._unmeasured.append(record)
        self._size += record.weight
        self._whole[record.begun.run] = record
        for id_ in self._waiting.pop(record.begun.run, ()):
            self._deliveries[id_] = replace(self._deliveries[id_], state="due", due=record.ended_at)

    def _measure(self) -> None:
        """Take in what the runs took that have ended since the last time.

        Not at once as each ends: most journals in memory see one run, and nobody asks what is usual.
        """
        fresh = set()
        for record in self._unmeasured:
            if seconds := took(record.live.record.events):
                pipeline = record.begun.pipeline
                self._measured[pipeline] = measured(self._measured.get(pipeline, {}), seconds)
                fresh.add(pipeline)
        self._unmeasured.clear()
        self._usual |= {pipeline: usual(self._measured[pipeline]) for pipeline in fresh}

    def _maybe_record(self, run: RunId) -> MemoryRecord | None:
        self._tidy()
        if run in self._expired:
            raise RecordGone(run)
        return self._records.get(run)

    def _tidy(self) -> None:
        """Let go of what need be kept no longer, the oldest first."""
        now, age = self._now(), self._retention.age
        while self._whole and (self._size > self._retention.size or _ended_at(self._whole) + age <= now):
            self._measure()
            run, record = self._whole.popitem(last=False)
            record.live.record.trim(record.live.record.last)
            self._size -= record.weight
            self._trimmed[run] = record
        while self._trimmed and _ended_at(self._trimmed) + 2 * age <= now and not self._owes(next(iter(self._trimmed))):
            self._expire(*self._trimmed.popitem(last=False))

    def _owes(self, run: RunId) -> bool:
        """Whether a delivery of this run is still to be tried. It and what ended after it is kept until then."""
        return any(one.run == run and one.due is not None for one in self._deliveries.values())

    def _expire(self, run: RunId, record: MemoryRecord) -> None:
        del self._records[run]
        if record.begun.key is not None:
            del self._keys[record.begun.owner, record.begun.pipeline, record.begun.key]
        for delivery in [one for one in self._deliveries.values() if one.run == run and one.due is None]:
            del self._deliveries[delivery.id]
        self._expired[run] = None
        if len(self._expired) > EXPIRED:
            self._expired.popitem(last=False)


def _ended_at(records: "OrderedDict[RunId, MemoryRecord]") -> float:
    """When the oldest of these ended."""
    ended_at = next(iter(records.values())).ended_at
    assert ended_at is not None
    return ended_at


def _end_of(record: MemoryRecord) -> Terminal | None:
    events = record.live.record.events
    last = events[-1] if events else None
    return last if isinstance(last, Terminal) else None
