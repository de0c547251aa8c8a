"""Group commit: many tasks queue what they have to write, and one thread at a time writes it.

Whatever is queued while a transaction is being committed goes into the next one, so that many runs share one wait for
the disk. What is queued without a checkpoint between is never torn apart by a crash.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import trio

from narrate.errors import JournalFailed

log = logging.getLogger("narrate")

T = TypeVar("T")

AGAIN_AFTER = 0.5
"""Seconds after which a transaction that failed is tried again."""


@dataclass(slots=True, eq=False)
class _Write:
    apply: Callable[[sqlite3.Connection], Any]
    done: Callable[[Any], None] | None
    failed: Callable[[], None] | None
    error: Exception | None = None


class _CannotBeWritten(Exception):
    """One of several writes can never succeed."""

    def __init__(self, index: int, error: Exception) -> None:
        self.index = index
        self.error = error


class Commits:
    """A queue of what is to be written, in order, and what becomes of it.

    A transaction that fails is tried again, with all that has been queued since, until it succeeds. What cannot be
    written whatever the disk says, such as text that is not valid Unicode, is left out.
    """

    def __init__(self) -> None:
        self._queue: list[_Write] = []
        self._queued = 0
        self._written = 0
        self._failure: str | None = None
        self._closing = False
        self._closed = trio.Event()
        self._moved = trio.lowlevel.ParkingLot()  # where whoever waits for a transaction waits
        self._more = trio.lowlevel.ParkingLot()  # where `run` waits for something to write

    def queue(
        self,
        apply: Callable[[sqlite3.Connection], Any],
        done: Callable[[Any], None] | None = None,
        failed: Callable[[], None] | None = None,
    ) -> int:
        """Have `apply` called in the thread, within a transaction, and again if that fails.

        `done` is called with what it gave once that is committed; `failed` each time it could not be. Gives back what
        `wait` takes to wait for it.
        """
        self._queue.append(_Write(apply, done, failed))
        self._queued += 1
        self._more.unpark()
        return self._queued

    async def wait(self, count: int) -> None:
        """Wait until so much of what was queued is written. Raises JournalFailed when it cannot be now."""
        while self._written < count:
            if self._failure is not None:
                raise JournalFailed(self._failure)
            await self._moved.park()

    async def do(self, apply: Callable[[sqlite3.Connection], T]) -> T:
        """Write something; what that gave. Raises JournalFailed when it cannot be written, and then it never is."""
        gave: list[Any] = []
        # Once begun it is not left half-way: a run that is begun and that nobody knows of would never end.
        with trio.CancelScope(shield=True):
            count = self.queue(apply, gave.append)
            write = self._queue[-1]
            try:
                await self.wait(count)
            except JournalFailed:
                write.apply = _nothing
                raise
        if write.error is not None:
            raise write.error
        if not gave:  # `run` came to its end between
            raise JournalFailed(self._failure or "nothing is known of what was written")
        return cast("T", gave[0])

    async def run(self, db: sqlite3.Connection) -> None:
        """Write what is queued, all of it in one transaction, until `close`. It cannot be cancelled before that."""
        one = trio.CapacityLimiter(1)
        try:
            with trio.CancelScope(shield=True):
                while self._queue or not self._closing:
                    if not self._queue:
                        await self._more.park()
                    elif not await self._write(db, one):
                        if self._closing:
                            break
                        await trio.sleep(AGAIN_AFTER)
        finally:
            # Whatever ended it, Ctrl-C too: who waits for it would wait for ever.
            self._closed.set()
            self._fail(self._failure or "nothing is written any more")

    async def close(self) -> None:
        """Wait until all that was queued is written, or cannot be; then `run` ends."""
        self._closing = True
        self._more.unpark()
        with trio.CancelScope(shield=True):
            await self._closed.wait()

    async def _write(self, db: sqlite3.Connection, one: trio.CapacityLimiter) -> bool:
        batch, self._queue = self._queue, []
        applies = [write.apply for write in batch]
        try:
            with trio.CancelScope(shield=True):
                gave = await trio.to_thread.run_sync(commit, db, applies, limiter=one)
        except sqlite3.Error as error:
            self._queue[:0] = batch
            self._fail(str(error))
            return False
        except _CannotBeWritten as broken:
            self._queue[:0] = batch
            self._leave_out(batch[broken.index], broken.error)
            return True
        self._succeed(batch, gave)
        return True

    def _succeed(self, batch: Sequence[_Write], gave: Sequence[Any]) -> None:
        self._failure = None
        self._written += len(batch)
        for write, outcome in zip(batch, gave, strict=True):
            if write.done is not None:
                write.done(outcome)
        self._moved.unpark_all()

    def _leave_out(self, write: _Write, error: Exception) -> None:
        log.error("Something cannot be written to the journal and is left out: %r", error)
        write.error = error
        write.apply = _nothing
        write.done = None

    def _fail(self, reason: str) -> None:
        self._failure = reason
        for write in self._queue:
            if write.failed is not None:
                write.failed()
        self._moved.unpark_all()


def commit(db: sqlite3.Connection, writes: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
    """Write all of it, or nothing; what each gave."""
    db.execute("BEGIN IMMEDIATE")
    try:
        gave = [_applied(db, index, apply) for index, apply in enumerate(writes)]
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return gave


def _applied(db: sqlite3.Connection, index: int, apply: Callable[[sqlite3.Connection], Any]) -> Any:
    try:
        return apply(db)
    except sqlite3.Error:
        raise
    except Exception as error:
        raise _CannotBeWritten(index, error) from error


def _nothing(_db: sqlite3.Connection) -> None: ...
