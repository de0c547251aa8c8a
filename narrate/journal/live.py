"""A record in memory and the readers that wait for more of it: what every journal shows its records through.

Readers wait in one place a record. No channel is on this path: a reader that is woken takes all there is, so the
cost of a burst is that of one wake-up.
"""

from collections.abc import Sequence
from typing import Protocol

import trio

from narrate.events import Event, Progress
from narrate.record import Record

ROUNDS = 32
"""Rounds of the scheduler for which `settle` waits for readers. To pass a chunk on through a server takes a few; a
reader that is not back after so many is slow, and nobody waits for the slow."""


class _Sleeper(Protocol):
    """Somebody who waits in a record."""

    def wake(self) -> None: ...


class LiveRecord:
    """A record and the readers that wait for more of it.

    `away` readers have been woken and are not back: they are passing on what they took.
    """

    __slots__ = ("__weakref__", "away", "generation", "record", "sleepers")

    def __init__(self) -> None:
        self.record = Record()
        self.away = 0
        self.generation = 0
        # What a parking lot does, at a third of its price: each event of each step passes here.
        self.sleepers: dict[_Sleeper, None] = {}

    def report(self, progress: Progress) -> None:
        """Show a status to whoever reads now."""
        self.record.report(progress)
        self.wake()

    async def settle(self) -> None:
        """Wait until readers that waited have had their turn to pass on what they were woken for."""
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

    def wake(self) -> None:
        """Let all who wait look again."""
        if self.sleepers:
            self.away += len(self.sleepers)
            for sleeper in self.sleepers:
                sleeper.wake()
            self.sleepers.clear()


class Reader:
    """A cursor on a record: the number of the last event taken, and the version of the last status."""

    __slots__ = ("_away_in", "_live", "_taken", "_task", "_version")

    def __init__(self, live: LiveRecord, after: int) -> None:
        self._live = live
        self._taken = max(after, 0)
        self._version = 0
        self._away_in: int | None = None
        self._task: trio.lowlevel.Task | None = None

    @property
    def taken(self) -> int:
        """The number of the last event that was taken."""
        return self._taken

    @property
    def ended(self) -> bool:
        """Whether everything has been taken, up to the event that ends the record."""
        record = self._live.record
        return record.ended and self._taken >= record.last

    @property
    def over(self) -> bool:
        """Whether the record has ended, however much of it has been taken."""
        return self._live.record.ended

    @property
    def has_more(self) -> bool:
        """Whether there is something to take, or the record has ended."""
        record = self._live.record
        return record.ended or record.first - 1 + len(record.events) > self._taken or record.version > self._version

    def take_nowait(self) -> Sequence[Event]:
        """All the events that are kept behind the cursor, which moves behind them; none when there are none yet.

        Events that are kept no longer are told as one `Gap`.
        """
        record = self._live.record
        last = record.first - 1 + len(record.events)
        if last <= self._taken:
            return ()
        events = record.since(self._taken)
        self._taken = last
        return events

    def take_status_nowait(self) -> Sequence[Progress]:
        """The latest status of each step that has changed since this was last asked."""
        record = self._live.record
        statuses = record.statuses(self._version)
        self._version = record.version
        return statuses

    def line(self, event: Event) -> bytes:
        """The JSON of an event that was taken, encoded once for all readers."""
        return self._live.record.line(event)

    def stop_waiting(self) -> None:
        """Let a `wait_more` that is under way return, though there may be no more."""
        if self in self._live.sleepers:
            del self._live.sleepers[self]
            self._live.away += 1
            self.wake()

    async def wait_more(self) -> None:
        """Wait until there may be something to take, or the record has ended. Returns at once when there is."""
        if self.has_more:
            return
        live = self._live
        if self._away_in is not None:
            self.come_back()
        self._task = trio.lowlevel.current_task()
        live.sleepers[self] = None
        await trio.lowlevel.wait_task_rescheduled(self._give_up)
        self._away_in = live.generation

    def come_back(self) -> None:
        """Count no more as one that is passing on what it took."""
        if self._away_in == self._live.generation:
            self._live.away = max(self._live.away - 1, 0)
        self._away_in = None

    def wake(self) -> None:
        """Go on; called by the record, which has forgotten who waited."""
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    def listen(self, sleeper: _Sleeper) -> None:
        """Have somebody else woken when there is more; until `leave`."""
        self.come_back()
        self._live.sleepers[sleeper] = None

    def leave(self, sleeper: _Sleeper) -> None:
        """Have them woken no more."""
        if sleeper in self._live.sleepers:
            del self._live.sleepers[sleeper]
        else:
            self._away_in = self._live.generation

    def _give_up(self, _raise: object) -> trio.lowlevel.Abort:
        self._task = None
        self._live.sleepers.pop(self, None)
        return trio.lowlevel.Abort.SUCCEEDED


class Several:
    """Readers of several records, waited for together."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self.readers = readers
        self._task: trio.lowlevel.Task | None = None

    @property
    def ended(self) -> bool:
        """Whether all have ended."""
        return all(reader.ended for reader in self.readers)

    async def wait_more(self) -> None:
        """Wait until one of them may have something to take. Returns at once when one has, or all have ended."""
        open_ = [reader for reader in self.readers if not reader.ended]
        if not open_ or any(reader.has_more for reader in open_):
            return
        for reader in open_:
            reader.listen(self)
        self._task = trio.lowlevel.current_task()
        try:
            await trio.lowlevel.wait_task_rescheduled(self._give_up)
        finally:
            for reader in open_:
                reader.leave(self)

    def stop_waiting(self) -> None:
        """Let a `wait_more` that is under way return, though there may be no more."""
        self.wake()

    def wake(self) -> None:
        """Go on."""
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    def _give_up(self, _raise: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
