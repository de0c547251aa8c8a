"""What the journal says to SQLite: each a function of a connection, called in the journal's thread.

Those that write are called within a transaction that the journal has begun.
"""

import logging
import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from narrate.declare import Caller
from narrate.delivery import Delivery
from narrate.errors import JournalDamaged, problem_of
from narrate.events import Event, RunFailedEvent, RunId, Terminal, from_json, to_json
from narrate.journal.base import MOST_DUE, Begun, Retention
from narrate.past import Kept

log = logging.getLogger("narrate")

FORGOTTEN = 10
"""Ages after its end at which even the id of an expired run goes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A run, as its row says."""

    seq: int
    begun: Begun
    ended: bool
    expired: bool
    first: int
    stopping: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """A run that nobody holds any more: its row, its events, what its steps gave, None where that is damaged, and what
    people answered."""

    row: Row
    events: Sequence[tuple[Event, bytes]]
    kept: Sequence[tuple[str, Kept]] | None
    answers: Mapping[int, str]


def insert_run(db: sqlite3.Connection, begun: Begun, holder: str, deliveries: Iterable[Delivery]) -> int:
    """Insert a run; its place in the table. `take_key` comes first, where there is one."""
    row = (begun.run, msgspec.json.encode(begun), begun.owner, holder)
    seq = db.execute("INSERT INTO runs (run, begun, owner, holder) VALUES (?, ?, ?, ?)", row).lastrowid
    for delivery in deliveries:
        put_delivery(db, delivery)
    assert seq is not None
    return seq


def take_key(db: sqlite3.Connection, begun: Begun) -> tuple[RunId, str] | None:
    """Take an idempotency key for a run; the run that has it already, and what that asked, if one has."""
    assert begun.key is not None
    taken = maybe_keyed(db, begun.owner, begun.pipeline, begun.key)
    if taken is None:
        scope = (_scope(begun.owner), begun.pipeline, begun.key)
        db.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", (*scope, begun.run, begun.asked))
    return taken


def maybe_keyed(db: sqlite3.Connection, owner: str | None, pipeline: str, key: str) -> tuple[RunId, str] | None:
    """The run that has this idempotency key, and what it asked."""
    scope = (_scope(owner), pipeline, key)
    found = db.execute("SELECT run, asked FROM keys WHERE (owner, pipeline, key) = (?, ?, ?)", scope).fetchone()
    return (RunId(found[0]), found[1]) if found is not None else None


def append(db: sqlite3.Connection, seq: int, holder: str, events: Sequence[tuple[int, bytes]]) -> bool:
    """Append events by their numbers; False where the run is no longer this holder's, or was another's meanwhile."""
    size = sum(len(line) for _, line in events)
    changed = db.execute(
        "UPDATE runs SET last = ?, size = size + ? WHERE seq = ? AND holder = ? AND last = ?",
        (events[-1][0], size, seq, holder, events[0][0] - 1),
    )
    if changed.rowcount == 0:
        return False
    db.executemany("INSERT INTO events VALUES (?, ?, ?)", [(seq, n, line) for n, line in events])
    return True


def end_run(db: sqlite3.Connection, seq: int, run: RunId, now: float) -> None:
    """A run has ended: what its steps gave goes, what it was given and who asked; its deliveries are due."""
    begun: bytes = db.execute("SELECT begun FROM runs WHERE seq = ?", (seq,)).fetchone()[0]
    try:
        begun = msgspec.json.encode(replace(_begun(begun), given=None, caller=Caller()))
    except JournalDamaged:
        log.exception("What is known of run %s cannot be read.", run)
    db.execute("UPDATE runs SET ended = ?, holder = NULL, begun = ? WHERE seq = ?", (now, begun, seq))
    db.execute("DELETE FROM kept WHERE seq = ?", (seq,))
    db.execute("DELETE FROM answers WHERE seq = ?", (seq,))
    db.execute("UPDATE deliveries SET state = 'due', due = ? WHERE run = ? AND state = 'waiting'", (now, run))


def keep(db: sqlite3.Connection, seq: int, holder: str, path: str, kept: Kept) -> None:
    """Keep what a step gave, unless the run is no longer this holder's."""
    facts = b"\n".join(map(to_json, kept.facts))
    db.execute(
        """INSERT INTO kept (seq, path, value, facts)
        SELECT seq, ?, ?, ? FROM runs WHERE seq = ? AND holder = ?""",
        (path, kept.value, facts, seq, holder),
    )


def note_stop(db: sqlite3.Connection, seq: int, holder: str, reason: str) -> None:
    """Keep why this holder cancels its run."""
    db.execute("UPDATE runs SET stopping = ifnull(stopping, ?) WHERE seq = ? AND holder = ?", (reason, seq, holder))


def ask_stop(db: sqlite3.Connection, run: RunId, reason: str) -> None:
    """Say that a run is to be cancelled. The first reason stays."""
    db.execute("UPDATE runs SET stopping = ifnull(stopping, ?) WHERE run = ? AND ended IS NULL", (reason, run))


def stops(db: sqlite3.Connection, holder: str) -> Sequence[tuple[RunId, str]]:
    """The runs of a holder that are to be cancelled, and why."""
    return db.execute(
        "SELECT run, stopping FROM runs WHERE holder = ? AND ended IS NULL AND stopping IS NOT NULL", (holder,)
    ).fetchall()


def answer(db: sqlite3.Connection, run: RunId, n: int, value: str) -> str | None:
    """Keep what was answered to a question, unless an answer is; what is kept by then, None if the run has ended."""
    db.execute(
        "INSERT OR IGNORE INTO answers SELECT seq, ?, ? FROM runs WHERE run = ? AND ended IS NULL", (n, value, run)
    )
    kept = db.execute(
        "SELECT value FROM answers JOIN runs ON runs.seq = answers.seq WHERE run = ? AND n = ?", (run, n)
    ).fetchone()
    return kept[0] if kept is not None else None


def answers(db: sqlite3.Connection, holder: str) -> Sequence[tuple[RunId, int, str]]:
    """What was answered to the runs of a holder."""
    return db.execute(
        """SELECT run, n, value FROM answers JOIN runs ON runs.seq = answers.seq
        WHERE holder = ? AND ended IS NULL ORDER BY n""",
        (holder,),
    ).fetchall()


def watch(db: sqlite3.Connection, run: RunId) -> None:
    """Say that a run is read where its holder does not see it."""
    db.execute("UPDATE runs SET watched = 1 WHERE run = ? AND ended IS NULL AND NOT watched", (run,))


def watched(db: sqlite3.Connection, holder: str) -> Sequence[RunId]:
    """The runs of a holder that are read elsewhere."""
    found = db.execute("SELECT run FROM runs WHERE holder = ? AND ended IS NULL AND watched", (holder,))
    return [run for (run,) in found]


def maybe_row(db: sqlite3.Connection, run: RunId) -> Row | None:
    """The run's row; None where there is none."""
    found = db.execute(
        "SELECT seq, begun, ended IS NOT NULL, expired, first, stopping FROM runs WHERE run = ?", (run,)
    ).fetchone()
    return _row(found) if found is not None else None


def events_after(db: sqlite3.Connection, run: RunId, n: int) -> Sequence[tuple[Event, bytes]]:
    """The events of a run behind number `n`, each with its JSON."""
    seq = "(SELECT seq FROM runs WHERE run = ?)"
    lines = db.execute(f"SELECT line FROM events WHERE seq = {seq} AND n > ? ORDER BY n", (run, n))
    return [(event, line) for (line,) in lines if (event := _event(line)) is not None]


_WITH_ENDS = """SELECT begun, line FROM runs
    LEFT JOIN events ON events.seq = runs.seq AND n = last AND ended IS NOT NULL WHERE"""


def listed(db: sqlite3.Connection, owner: str, most: int) -> Sequence[tuple[Begun, Terminal | None]]:
    """The runs of an owner, the newest first, each with its end."""
    found = db.execute(f"{_WITH_ENDS} owner = ? AND NOT expired ORDER BY runs.seq DESC LIMIT ?", (owner, most))
    return [one for begun, line in found for one in _listed(begun, line)]


def named(db: sqlite3.Connection, runs: Sequence[RunId]) -> Sequence[tuple[Begun, Terminal | None]]:
    """These runs, the newest first, each with its end."""
    marks = ", ".join("?" * len(runs))
    found = db.execute(f"{_WITH_ENDS} run IN ({marks}) AND NOT expired ORDER BY runs.seq DESC", tuple(runs))
    return [one for begun, line in found for one in _listed(begun, line)]


def hold(db: sqlite3.Connection, holder: str, host: str, until: float) -> None:
    """Say that a holder is there, and until when that is to be believed."""
    db.execute(
        "INSERT INTO holders VALUES (?, ?, ?, ?) ON CONFLICT (holder) DO UPDATE SET until = excluded.until",
        (holder, host, os.getpid(), until),
    )


def leave(db: sqlite3.Connection, holder: str) -> None:
    """Say that a holder has gone, and leave its runs to anybody."""
    db.execute("UPDATE runs SET holder = NULL WHERE holder = ? AND ended IS NULL", (holder,))
    db.execute("DELETE FROM holders WHERE holder = ?", (holder,))


def let_go(db: sqlite3.Connection, seq: int, holder: str) -> None:
    """Leave one run to anybody."""
    db.execute("UPDATE runs SET holder = NULL WHERE seq = ? AND holder = ? AND ended IS NULL", (seq, holder))


def claim(
    db: sqlite3.Connection,
    holder: str,
    host: str,
    now: float,
    *,
    of: Collection[str] | None,
    clock_trusted: bool,
    not_these: Collection[RunId],
) -> Sequence[Left]:
    """Take over the runs `of` these pipelines (None: of all) whose holder has gone, but for `not_these`.

    Where the clock is not trusted, nobody is taken for gone because of it. A run of which there is nothing left that
    can be read is ended, for it can never be gone on with.
    """
    for other, theirs, pid, until in db.execute("SELECT holder, host, pid, until FROM holders").fetchall():
        if other != holder and ((clock_trusted and until < now) or (theirs == host and not _is_alive(pid))):
            leave(db, other)
    free = db.execute(
        "SELECT seq, begun, 0, expired, first, stopping, run FROM runs WHERE ended IS NULL AND holder IS NULL"
    ).fetchall()
    taken = []
    for *found, run in free:
        if run in not_these:
            continue
        try:
            row = _row(found)
            if of is None or row.begun.pipeline in of:
                _take(db, row.seq, holder)
                taken.append(_left(db, row))
        except JournalDamaged as error:
            log.exception("Run %s was interrupted and is damaged: it is ended.", run)
            _end_damaged(db, found[0], run, holder, error, now)
    return taken


def due(db: sqlite3.Connection, now: float, until: float) -> Sequence[Delivery]:
    """The deliveries that are due, which are not again before `until`."""
    found = _deliveries(db, "WHERE due <= ? ORDER BY due LIMIT ?", (now, MOST_DUE))
    db.executemany("UPDATE deliveries SET due = ? WHERE id = ?", [(until, delivery.id) for delivery in found])
    return found


def put_delivery(db: sqlite3.Connection, delivery: Delivery) -> None:
    """Keep a delivery as it is now."""
    db.execute(
        """INSERT INTO deliveries (id, run, url, state, attempts, due, last) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, attempts = excluded.attempts, due = excluded.due, last = excluded.last""",
        (delivery.id, delivery.run, delivery.url, delivery.state, delivery.attempts, delivery.due, delivery.last),
    )


def deliveries(db: sqlite3.Connection, run: RunId | None, state: str | None) -> Sequence[Delivery]:
    """Deliveries, the newest first."""
    where = "WHERE run = ifnull(?, run) AND state = ifnull(?, state) ORDER BY place DESC"
    return _deliveries(db, where, (run, state))


def maybe_delivery(db: sqlite3.Connection, id: str) -> Delivery | None:  # noqa: A002
    """The delivery with this id."""
    return next(iter(_deliveries(db, "WHERE id = ?", (id,))), None)


def tidy(db: sqlite3.Connection, retention: Retention, now: float) -> int:
    """Let go of what need be kept no longer; the bytes of the records of ended runs that are left."""
    age = retention.age
    for seq, run in db.execute(
        """SELECT seq, run FROM runs WHERE ended <= ? AND NOT expired
        AND run NOT IN (SELECT run FROM deliveries WHERE due IS NOT NULL)""",
        (now - 2 * age,),
    ).fetchall():
        db.execute("DELETE FROM events WHERE seq = ?", (seq,))
        db.execute("DELETE FROM keys WHERE run = ?", (run,))
        db.execute("DELETE FROM deliveries WHERE run = ? AND due IS NULL", (run,))
        db.execute("UPDATE runs SET expired = 1, size = 0, first = last WHERE seq = ?", (seq,))
    db.execute("DELETE FROM runs WHERE expired AND ended <= ?", (now - FORGOTTEN * age,))
    size: int = db.execute("SELECT ifnull(sum(size), 0) FROM runs WHERE ended IS NOT NULL").fetchone()[0]
    whole = db.execute("SELECT seq, ended, size FROM runs WHERE ended IS NOT NULL AND first < last ORDER BY ended, seq")
    for seq, ended, its_size in whole.fetchall():
        if size <= retention.size and ended > now - age:
            break
        db.execute("DELETE FROM events WHERE seq = ? AND n < (SELECT last FROM runs WHERE seq = ?)", (seq, seq))
        db.execute("UPDATE runs SET first = last, size = 0 WHERE seq = ?", (seq,))
        size -= its_size
    return size


def _scope(owner: str | None) -> str:
    return "" if owner is None else f"={owner}"


def _row(found: Sequence[object]) -> Row:
    seq, begun, ended, expired, first, stopping = found
    return Row(seq, _begun(begun), bool(ended), bool(expired), first, stopping)  # type: ignore[arg-type]  # as SQLite keeps them


def _begun(kept: bytes) -> Begun:
    try:
        return msgspec.json.decode(kept, type=Begun)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalDamaged("what is known of the run") from error


def _event(line: bytes) -> Event | None:
    try:
        return from_json(line)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalDamaged("an event of the run") from error


def _left(db: sqlite3.Connection, row: Row) -> Left:
    events = events_after(db, row.begun.run, 0)
    found = db.execute("SELECT path, value, facts FROM kept WHERE seq = ? ORDER BY place", (row.seq,))
    kept: Sequence[tuple[str, Kept]] | None = None
    try:
        kept = [(path, Kept(value, tuple(_facts(facts)))) for path, value, facts in found]
    except JournalDamaged:
        log.exception("What the steps of run %s gave cannot be read.", row.begun.run)
    return Left(row, events, kept, dict(db.execute("SELECT n, value FROM answers WHERE seq = ?", (row.seq,))))


def _end_damaged(db: sqlite3.Connection, seq: int, run: RunId, holder: str, error: JournalDamaged, now: float) -> None:
    """End a record that nobody can go on with, since not even what is open in it is known."""
    _take(db, seq, holder)
    last: int = db.execute("SELECT last FROM runs WHERE seq = ?", (seq,)).fetchone()[0]
    end = RunFailedEvent(problem_of(error), 0.0, n=last + 1, t=0.0)
    append(db, seq, holder, [(end.n, to_json(end))])
    end_run(db, seq, run, now)


def _take(db: sqlite3.Connection, seq: int, holder: str) -> None:
    db.execute("UPDATE runs SET holder = ? WHERE seq = ?", (holder, seq))


def _facts(lines: bytes) -> Iterable[Event]:
    return (event for line in lines.split(b"\n") if line and (event := _event(line)) is not None)


def _listed(begun: bytes, line: bytes | None) -> Iterable[tuple[Begun, Terminal | None]]:
    """A run for the list, unless it is damaged: the others are to be seen all the same."""
    try:
        event = _event(line) if line is not None else None
        yield _begun(begun), event if isinstance(event, Terminal) else None
    except JournalDamaged:
        log.exception("A run cannot be listed.")


def _deliveries(db: sqlite3.Connection, where: str, values: Sequence[object]) -> Sequence[Delivery]:
    found = db.execute(f"SELECT id, run, url, state, attempts, due, last FROM deliveries {where}", values)
    return [
        Delivery(id=id_, run=run, url=url, state=state, attempts=attempts, due=due_, last=last)
        for id_, run, url, state, attempts, due_, last in found
    ]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
