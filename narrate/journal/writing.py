"""How a run's record is written into the SQLite file, and what a process holds of the journal while it writes.

What is appended is numbered at once, queued to be committed (`commits`), and shown only then.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

from narrate.events import Event, Progress, RunId, to_json
from narrate.journal import measures, rows
from narrate.journal.base import Begun
from narrate.journal.commits import Commits
from narrate.journal.live import LiveRecord, Reader
from narrate.past import Kept, Retelling
from narrate.record import ENDS, numbered
from narrate.usual import Usual, took


class Holding:
    """What one process holds of a journal: the runs that it writes, and what it has heard of them from others.

    `holder` is its name in the file. `grown`: bytes of runs that have ended since what is old was last let go.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.holder = secrets.token_hex(8)
        self.commits = Commits()
        self.now = now
        self.writers: dict[RunId, SqliteWriter] = {}
        self.grown = 0
        self._lost: list[RunId] = []
        self._stopped: set[RunId] = set()
        self._answered: set[tuple[RunId, int]] = set()

    def new_stops(self, found: Iterable[tuple[RunId, str]]) -> Sequence[tuple[RunId, str]]:
        """Of these runs to be stopped, and those that were lost to others, what was not given before."""
        asked = [one for one in found if one[0] in self.writers and one[0] not in self._stopped]
        self._stopped.update(run for run, _ in asked)
        lost, self._lost = self._lost, []
        return [*asked, *((run, "Another process has gone on with it.") for run in lost)]

    def new_answers(self, found: Iterable[tuple[RunId, int, str]]) -> Sequence[tuple[RunId, int, str]]:
        """Of these answers to runs, what was not given before."""
        new = [one for one in found if one[0] in self.writers and one[:2] not in self._answered]
        self._answered.update(one[:2] for one in new)
        return new

    def lose(self, run: RunId) -> None:
        """Another process has taken a run over."""
        self._lost.append(run)

    def forget(self, run: RunId) -> None:
        """A run is not written here any more."""
        del self.writers[run]
        self._stopped.discard(run)
        self._answered = {one for one in self._answered if one[0] != run}


class SqliteWriter:
    """A run's record, and the hand that writes it."""

    durable = True

    def __init__(self, holding: Holding, seq: int, begun: Begun, live: LiveRecord, usual: Usual | None = None) -> None:
        self.live = live
        self.run = begun.run
        self.usual = usual or {}
        self._pipeline = begun.pipeline
        self.ended = False
        self._holding = holding
        self._commits = holding.commits
        self._seq = seq
        self._last = live.record.last
        self._size = 0
        self._unshown: list[tuple[Event, bytes]] = []
        self._written = 0  # how much had been queued with the last of ours
        self._retelling: Retelling | None = None
        self.left = False

    def retell(self, kept: Sequence[tuple[str, Kept]]) -> None:
        """Pass over what the record has already; what is new comes behind."""
        self._retelling = Retelling(tuple(self.live.record.events), kept)

    @property
    def last(self) -> int:
        return self._last

    def append(self, facts: Sequence[Event]) -> None:
        if self._retelling is not None:
            facts = self._retelling.rest(facts)
        if not facts or self.left:
            return
        events: list[tuple[Event, bytes]] = []
        try:
            for fact in facts:
                event = numbered(fact, self._last + 1, ended=self.ended)
                self._last += 1
                self.ended = isinstance(event, ENDS)
                events.append((event, to_json(event)))
        finally:
            if events:
                self._queue(events)

    def _queue(self, events: Sequence[tuple[Event, bytes]]) -> None:
        lines = [(event.n, line) for event, line in events]
        now = self._holding.now() if self.ended else None
        self._unshown += events
        seconds = self._took() if self.ended else {}
        self._size += sum(len(line) for _, line in events)

        def apply(db: sqlite3.Connection) -> bool:
            held = rows.append(db, self._seq, self._holding.holder, lines)
            if held and now is not None:
                rows.end_run(db, self._seq, self.run, now)
                if seconds:
                    measures.measure(db, self._pipeline, seconds)
            return held

        self._written = self._commits.queue(
            apply, lambda held: self._show(len(lines)) if held else self._lose(), self._show_end
        )

    def _took(self) -> Mapping[str, float | None]:
        """What the run's steps took; nothing for one that was interrupted."""
        whole = [*self.live.record.events, *(event for event, _ in self._unshown)]
        return took(whole) if self._retelling is None else {}

    def report(self, progress: Progress) -> None:
        self.live.report(progress)

    def keep(self, path: str, kept: Kept) -> None:
        if not self.left:
            self._written = self._commits.queue(lambda db: rows.keep(db, self._seq, self._holding.holder, path, kept))

    def stop(self, reason: str) -> None:
        if not self.left:
            self._commits.queue(lambda db: rows.note_stop(db, self._seq, self._holding.holder, reason))

    async def settle(self) -> None:
        await self._commits.wait(self._written)
        await self.live.settle()

    def reader(self, after: int = 0) -> Reader:
        return Reader(self.live, after)

    def let_go(self) -> None:
        if not self.left:
            self._commits.queue(lambda db: rows.let_go(db, self._seq, self._holding.holder), lambda _: self._forget())
            self.left = True

    def _show_end(self) -> None:
        """Show how a run has ended though it cannot be kept now: whoever reads must not wait until it can."""
        if self.ended:
            self._show(len(self._unshown))

    def _show(self, count: int) -> None:
        shown, self._unshown = self._unshown[:count], self._unshown[count:]
        show(self.live, shown)
        if self.live.record.ended:
            self._holding.grown += self._size
            self._size = 0
            self._forget()

    def _lose(self) -> None:
        """Another process has taken the run over, because this one seemed to be gone."""
        if not self.left:
            self.left = True
            self._holding.lose(self.run)
            self._forget()

    def _forget(self) -> None:
        if self._holding.writers.get(self.run) is self:  # else it was taken up here again
            self._holding.forget(self.run)


def show(live: LiveRecord, events: Sequence[tuple[Event, bytes]]) -> None:
    """Let readers have these events, but for those that they have."""
    for event, line in events:
        if event.n > live.record.last + 1:
            live.record.restart(event.n)
        if event.n > live.record.last:
            live.record.take(event, line)
    live.wake()
