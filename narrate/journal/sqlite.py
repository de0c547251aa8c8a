"""The journal in a SQLite file: what was told outlives the process, and several processes can use one file.

A live record is in memory as well. How one is written is said in `writing`.
"""

import socket
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import trio

from narrate.delivery import Delivery
from narrate.errors import JournalError, JournalFailed, KeyTaken, RecordGone
from narrate.events import RunId, Terminal
from narrate.journal import measures, rows
from narrate.journal.base import Begun, Retention, Unfinished
from narrate.journal.commits import Commits, commit
from narrate.journal.leap import Leap
from narrate.journal.live import LiveRecord, Reader
from narrate.journal.schema import connect, connect_again
from narrate.journal.writing import Holding, SqliteWriter, show
from narrate.usual import Usual

T = TypeVar("T")

WATCH_EVERY = 0.1
"""Seconds between two looks at records that another process writes and somebody reads here."""

TIDY_EVERY = 60.0
"""Seconds between two times that what is old is let go."""


class SqliteJournal:
    """Keeps records in a file, for as long as `retention` says.

    A process that has shown no sign of itself for `lease` seconds is taken for gone, and its runs are gone on with by
    another. `now` tells the time in seconds since 1970.
    """

    durable = True

    def __init__(
        self,
        path: Path,
        retention: Retention | None = None,
        now: Callable[[], float] = time.time,
        lease: float = 10.0,
    ) -> None:
        self.path = path
        self.now = now
        self._holding = Holding(now)
        self._retention = retention or Retention()
        self._lease = lease
        self._leap = Leap(lease)
        self._host = socket.gethostname()
        self._shown: WeakValueDictionary[RunId, LiveRecord] = WeakValueDictionary()
        self._tidied = float("-inf")
        self._reading: sqlite3.Connection | None = None
        self._one_read = trio.CapacityLimiter(1)

    @property
    def commits(self) -> Commits:
        """What is to be written, in its order."""
        return self._holding.commits

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        if self._reading is not None:
            raise JournalError(f"{self.path}: this journal is open already.")
        self._holding = Holding(self.now)
        writing = await trio.to_thread.run_sync(connect, self.path)
        self._reading = await trio.to_thread.run_sync(connect_again, self.path)
        beating = threading.Event()
        beat = threading.Thread(target=self._beat, args=(beating,), daemon=True)
        failure: BaseException | None = None
        try:
            await trio.to_thread.run_sync(self._hold, writing)
            beat.start()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.commits.run, writing)
                nursery.start_soon(self._watch)
                try:
                    yield
                except BaseException as error:  # noqa: BLE001 (raised below, outside the nursery that would wrap it)
                    failure = error
                await self.commits.close()
                nursery.cancel_scope.cancel()
        finally:
            beating.set()
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._close, writing, beat)
            self._reading = None
        if failure is not None:
            raise failure

    async def open_record(self, begun: Begun, deliveries: Sequence[Delivery] = ()) -> SqliteWriter:
        await self._tidy()

        def begin(db: sqlite3.Connection) -> tuple[int, Usual] | KeyTaken:
            if begun.key is not None and (taken := rows.take_key(db, begun)) is not None:
                return KeyTaken(*taken)
            self._be_there(db)
            # Here, because a look of its own would make each run wait for one more turn of a thread.
            seq = rows.insert_run(db, begun, self._holding.holder, deliveries)
            return seq, measures.usual_seconds(db, begun.pipeline)

        outcome = await self.commits.do(begin)
        if isinstance(outcome, KeyTaken):
            raise outcome
        seq, usual = outcome
        return self._writer(seq, begun, LiveRecord(), usual)

    async def maybe_reader(self, run: RunId, after: int = 0) -> Reader | None:
        writer = self._holding.writers.get(run)
        live = writer.live if writer is not None else await self._loaded(run)
        return Reader(live, after) if live is not None else None

    async def maybe_begun(self, run: RunId) -> Begun | None:
        row = await self._maybe_row(run)
        return row.begun if row is not None else None

    async def maybe_keyed(self, owner: str | None, pipeline: str, key: str) -> tuple[RunId, str] | None:
        return await self._read(lambda db: rows.maybe_keyed(db, owner, pipeline, key))

    async def listed(self, owner: str | None, most: int = 50) -> Sequence[tuple[Begun, Terminal | None]]:
        return await self._read(lambda db: rows.listed(db, owner, most)) if owner is not None else []

    async def named(self, runs: Sequence[RunId]) -> Sequence[tuple[Begun, Terminal | None]]:
        return await self._read(lambda db: rows.named(db, runs))

    async def usual_seconds(self, pipeline: str) -> Usual:
        return await self._read(lambda db: measures.usual_seconds(db, pipeline))

    async def stop(self, run: RunId, reason: str) -> None:
        await self.commits.do(lambda db: rows.ask_stop(db, run, reason))

    async def stops(self) -> Sequence[tuple[RunId, str]]:
        found = await self._read(lambda db: rows.stops(db, self._holding.holder))
        return self._holding.new_stops(found)

    async def answer(self, run: RunId, n: int, value: str) -> str | None:
        return await self.commits.do(lambda db: rows.answer(db, run, n, value))

    async def answers(self) -> Sequence[tuple[RunId, int, str]]:
        found = await self._read(lambda db: rows.answers(db, self._holding.holder))
        return self._holding.new_answers(found)

    async def watch(self, run: RunId) -> None:
        await self.commits.do(lambda db: rows.watch(db, run))

    async def watched(self) -> Sequence[RunId]:
        return await self._read(lambda db: rows.watched(db, self._holding.holder))

    async def unfinished(self, of: Collection[str] | None = None) -> Sequence[Unfinished]:
        now, clock_trusted = self.now(), self._leap.trusted(self.now(), time.monotonic())
        mine = frozenset(self._holding.writers)  # one that another had meanwhile may still be under way here

        def claim(db: sqlite3.Connection) -> Sequence[rows.Left]:
            me = self._holding.holder
            left = rows.claim(db, me, self._host, now, of=of, clock_trusted=clock_trusted, not_these=mine)
            if left:
                self._be_there(db)
            return left

        return [self._unfinished(one) for one in await self.commits.do(claim)]

    async def due(self, now: float, until: float) -> Sequence[Delivery]:
        return await self.commits.do(lambda db: rows.due(db, now, until))

    async def put(self, delivery: Delivery) -> None:
        await self.commits.do(lambda db: rows.put_delivery(db, delivery))

    async def deliveries(self, *, run: RunId | None = None, state: str | None = None) -> Sequence[Delivery]:
        return await self._read(lambda db: rows.deliveries(db, run, state))

    async def maybe_delivery(self, id: str) -> Delivery | None:  # noqa: A002
        return await self._read(lambda db: rows.maybe_delivery(db, id))

    async def _read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        assert self._reading is not None, "the journal is not open"
        try:
            return await trio.to_thread.run_sync(ask, self._reading, limiter=self._one_read)
        except sqlite3.Error as error:
            raise JournalFailed(str(error)) from error

    def _writer(self, seq: int, begun: Begun, live: LiveRecord, usual: Usual | None = None) -> SqliteWriter:
        self._shown[begun.run] = live
        writer = self._holding.writers[begun.run] = SqliteWriter(self._holding, seq, begun, live, usual)
        return writer

    def _unfinished(self, left: rows.Left) -> Unfinished:
        begun = left.row.begun
        live = self._shown.get(begun.run) or LiveRecord()
        show(live, left.events)
        writer = self._writer(left.row.seq, begun, live)
        writer.retell(left.kept or ())
        events = tuple(live.record.events)
        self._holding.new_answers((begun.run, n, value) for n, value in left.answers.items())  # given with it
        return Unfinished(
            begun=begun,
            events=events,
            kept=left.kept,
            answers=left.answers,
            stopping=left.row.stopping,
            writer=writer,
        )

    async def _maybe_row(self, run: RunId) -> rows.Row | None:
        await self._tidy()
        row = await self._read(lambda db: rows.maybe_row(db, run))
        if row is not None and row.expired:
            raise RecordGone(run)
        return row

    async def _loaded(self, run: RunId) -> LiveRecord | None:
        """A record that is not written here, as far as it goes; `_watch` takes it further."""
        row = await self._maybe_row(run)
        if row is None:
            return None
        known = self._shown.get(run)
        last = known.record.last if known is not None else 0
        events = await self._read(lambda db: rows.events_after(db, run, last))
        if not events and known is None and (row := await self._maybe_row(run)) is None:
            return None  # it has expired between the two looks
        live = self._shown.setdefault(run, known or LiveRecord())
        show(live, events)
        live.record.trim(row.first)
        return live

    async def _watch(self) -> None:
        """Follow the records that are read here and written by another process; for ever."""
        while True:
            await trio.sleep(WATCH_EVERY)
            await self._look()

    async def _look(self) -> None:
        # A method of its own, since a loop variable would keep the last record alive while nobody reads it.
        for run, live in list(self._shown.items()):
            if run not in self._holding.writers and not live.record.ended:
                with suppress(JournalFailed):  # it will be looked at again
                    show(live, await self._read(partial(rows.events_after, run=run, n=live.record.last)))

    async def _tidy(self) -> None:
        """Let go of what is old, now and then, and as soon as there is too much."""
        now = self.now()
        if abs(now - self._tidied) >= TIDY_EVERY or self._holding.grown > self._retention.size:
            self._tidied = now
            with suppress(JournalFailed):  # then there is time for it later
                self._holding.grown = await self.commits.do(lambda db: rows.tidy(db, self._retention, now))

    def _hold(self, db: sqlite3.Connection) -> None:
        commit(db, [self._be_there])

    def _be_there(self, db: sqlite3.Connection) -> None:
        # Also with each run that is begun or taken up: of a holder that nobody knows, no other could take it over.
        rows.hold(db, self._holding.holder, self._host, self.now() + self._lease)

    def _beat(self, stop: threading.Event) -> None:
        """Show that this process is there. In a thread of its own: a step may keep trio from running."""
        while not stop.wait(self._lease / 4):
            # On a full disk nobody else can write either. A connection each time: one that could not be made is again.
            with suppress(sqlite3.Error), closing(connect_again(self.path)) as db:
                self._hold(db)

    def _close(self, writing: sqlite3.Connection, beat: threading.Thread) -> None:
        if beat.is_alive():
            beat.join()
        with suppress(sqlite3.Error):  # the lease says it in a while
            commit(writing, [lambda db: rows.leave(db, self._holding.holder)])
        assert self._reading is not None
        self._reading.close()
        writing.close()
