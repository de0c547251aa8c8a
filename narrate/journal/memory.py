"""The journal in memory: what is appended is kept at once, and is gone with the process.

Readers wait in one parking lot a record. No channel is on this path: a reader that is woken takes all there is, so the
cost of a burst is that of one wake-up.
"""

from collections import OrderedDict
from collections.abc import Sequence

import trio

from narrate.events import Event, Progress, RunId
from narrate.record import Record


class MemoryRecord:
    """A record and the lot in which its readers wait."""

    __slots__ = ("_lot", "_waking", "record")

    def __init__(self) -> None:
        self.record = Record()
        self._waking = 0
        self._lot = trio.lowlevel.ParkingLot()

    def append(self, facts: Sequence[Event]) -> None:
        for fact in facts:
            self.record.append(fact)
        self._wake()

    def report(self, progress: Progress) -> None:
        self.record.report(progress)
        self._wake()

    async def settle(self) -> None:
        await trio.lowlevel.checkpoint()
        # Trio runs the tasks of one round in any order: a reader that was woken may have its slice only after ours, and
        # then a step that blocks the thread would begin unannounced. The next round comes after all of this one.
        if self._waking:
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait_change(self) -> None:
        """Wait until something is appended or reported."""
        await self._lot.park()
        self._waking -= 1

    def _wake(self) -> None:
        if self._lot:
            self._waking += len(self._lot)
            self._lot.unpark_all()


class MemoryReader:
    """A cursor: the number of the last event taken, and the version of the last status."""

    __slots__ = ("_memory", "_taken", "_version")

    def __init__(self, memory: MemoryRecord, after: int) -> None:
        self._memory = memory
        self._taken = after
        self._version = 0

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

    async def wait_more(self) -> None:
        if not self._has_more():
            await self._memory.wait_change()

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
        while len(self._records) >= self._keep:
            oldest, memory = next(iter(self._records.items()))
            if not memory.record.ended:
                self._records.move_to_end(oldest)
                return
            del self._records[oldest]
