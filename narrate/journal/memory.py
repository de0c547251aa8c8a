"""The journal in memory: what is appended is kept at once, and is gone with the process.

Readers wait in one place a record. No channel is on this path: a reader that is woken takes all there is, so the
cost of a burst is that of one wake-up.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import trio

from narrate.events import Event, Progress, RunId
from narrate.record import Record

ROUNDS = 32
"""Rounds of the scheduler for which `settle` waits for readers. To pass a chunk on through a server takes a few; a
reader that is not back after so many is slow, and nobody waits for the slow."""


class MemoryRecord:
    """A record and the readers that wait for more of it.

    `away` readers have been woken and are not back: they are passing on what they took.
    """

    __slots__ = ("_parked", "away", "generation", "record")

    def __init__(self) -> None:
        self.record = Record()
        self.away = 0
        self.generation = 0
        # What a parking lot does, at a third of its price: each event of each step passes here.
        self._parked: dict[trio.lowlevel.Task, None] = {}

    def append(self, facts: Sequence[Event]) -> None:
        for fact in facts:
            self.record.append(fact)
        self._wake()

    def report(self, progress: Progress) -> None:
        self.record.report(progress)
        self._wake()

    async def settle(self) -> None:
        # Not a step's business whether anybody listens; but one that blocks the thread must not begin before those who
        # do have heard that it begins.
        await trio.lowlevel.checkpoint()
        for _ in range(ROUNDS):
            if not self.away:
                return
            await trio.lowlevel.cancel_shielded_checkpoint()
        # Whoever is away now is slow, and counts again once it has come back.
        self.away = 0
        self.generation += 1

    async def park(self) -> None:
        """Wait until something is appended or reported."""
        task = trio.lowlevel.current_task()
        self._parked[task] = None
        await trio.lowlevel.wait_task_rescheduled(partial(self._give_up, task))

    def unpark(self, task: trio.lowlevel.Task) -> None:
        """Let one that waits go on by itself."""
        if task in self._parked:
            del self._parked[task]
            self.away += 1
            trio.lowlevel.reschedule(task)

    def _give_up(self, task: trio.lowlevel.Task, _raise: object) -> trio.lowlevel.Abort:
        del self._parked[task]
        return trio.lowlevel.Abort.SUCCEEDED

    def _wake(self) -> None:
        if self._parked:
            self.away += len(self._parked)
            for task in self._parked:
                trio.lowlevel.reschedule(task)
            self._parked.clear()


class MemoryReader:
    """A cursor: the number of the last event taken, and the version of the last status."""

    __slots__ = ("_away_in", "_memory", "_taken", "_task", "_version")

    def __init__(self, memory: MemoryRecord, after: int) -> None:
        self._memory = memory
        self._taken = max(after, 0)
        self._version = 0
        self._away_in: int | None = None
        self._task: trio.lowlevel.Task | None = None

    @property
    def ended(self) -> bool:
        record = self._memory.record
        return record.ended and self._taken >= len(record.events)

    def take_nowait(self) -> Sequence[Event]:
        events = self._memory.record.events[self._taken :]
        self._taken += len(events)
        return events

    def take_status_nowait(self) -> Sequence[Progress]:
        record = self._memory.record
        statuses = record.statuses(self._version)
        self._version = record.version
        return statuses

    def line(self, event: Event) -> bytes:
        return self._memory.record.line(event.n)

    def stop_waiting(self) -> None:
        if self._task is not None:
            self._memory.unpark(self._task)

    async def wait_more(self) -> None:
        if self._has_more():
            return
        memory = self._memory
        if self._away_in == memory.generation:
            memory.away = max(memory.away - 1, 0)
        self._away_in = None
        self._task = trio.lowlevel.current_task()
        await memory.park()
        self._away_in = memory.generation

    def _has_more(self) -> bool:
        record = self._memory.record
        return record.ended or len(record.events) > self._taken or record.version > self._version


class MemoryJournal:
    """Keeps the records of the latest runs: of those that have ended, at most `keep`."""

    def __init__(self, keep: int = 1000) -> None:
        self._records: OrderedDict[RunId, MemoryRecord] = OrderedDict()
        self._keep = keep

    def open_record(self, run: RunId) -> MemoryRecord:
        self._forget()
        record = self._records[run] = MemoryRecord()
        return record

    def maybe_reader(self, run: RunId, after: int = 0) -> MemoryReader | None:
        memory = self._records.get(run)
        return MemoryReader(memory, after) if memory is not None else None

    def _forget(self) -> None:
        """Let the oldest ended runs go. A live run is never forgotten, and ones behind it wait for the next time."""
        while self._records and len(self._records) >= self._keep:
            oldest, memory = next(iter(self._records.items()))
            if not memory.record.ended:
                self._records.move_to_end(oldest)
                return
            del self._records[oldest]
