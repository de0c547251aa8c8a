"""The table of orders in SQLite, filled in one transaction that leaves no trace unless it comes to its end."""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import trio
from pydantic import BaseModel, ConfigDict

from csv_layout import Chunk, Form
from narrate import Explained
from order_rows import REPEATED, Checked, Reject, Rejects, are, orders_of, rejects_of

WAIT = 1.0
"""Seconds to wait for another program that writes. A cancel waits as long, as a thread cannot be stopped."""

STEPS_BETWEEN_LOOKS = 100_000
"""Instructions of SQLite's machine, of which it does some ten million a second."""

TABLES = """
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, date TEXT NOT NULL, email TEXT NOT NULL, country TEXT NOT NULL, cents INTEGER NOT NULL,
  note TEXT NOT NULL, line INTEGER NOT NULL
);
CREATE TABLE orders_import (digest TEXT PRIMARY KEY, report TEXT NOT NULL);
"""
INDEXES = {
    "day": "CREATE INDEX orders_by_date ON orders (date)",
    "country": "CREATE INDEX orders_by_country ON orders (country)",
}


class Unusable(Explained):
    """A database that nothing can be loaded into."""

    title = "The database cannot be used"
    status = 409


class Report(BaseModel):
    """What came of an import: numbers of rows, the rejected ones by reason, and the seconds from its beginning."""

    model_config = ConfigDict(frozen=True)

    file: Path
    database: Path
    rows_read: int
    loaded: int
    rejected: dict[str, int]
    seconds: float

    @property
    def words(self) -> str:
        """How many are where they should be, as the beginning of a sentence."""
        return are(self.loaded, "order")


@asynccontextmanager
async def transaction(path: Path) -> AsyncIterator[sqlite3.Connection]:
    """One transaction: kept when the block comes to its end, and else undone, with the file if there was none before.

    Once it is kept, nothing here waits in a way that could be cancelled: who hears that it was cancelled can be sure
    that nothing was loaded.
    """
    existed = path.exists()
    with explained(path):
        connection = await trio.to_thread.run_sync(_begun, path)
        try:
            yield connection
            await trio.to_thread.run_sync(connection.execute, "COMMIT")
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(_closed, connection, path, existed)


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, within the transaction: executescript would end it."""
    for statement in filter(str.strip, TABLES.split(";")):
        connection.execute(statement)


def add(connection: sqlite3.Connection, path: Path, form: Form, chunk: Chunk, checked: Checked) -> tuple[int, Rejects]:
    """Put the orders of a chunk into the table; how many there were, and those whose id was in it already."""
    rows = [(*order, line) for line, order in orders_of(path, form, chunk, checked.lines)]
    before = connection.total_changes
    connection.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    added = connection.total_changes - before
    if added == len(rows):
        return added, Rejects()
    ids = json.dumps([row[0] for row in rows])
    lines = dict(connection.execute("SELECT id, line FROM orders WHERE id IN (SELECT value FROM json_each(?))", (ids,)))
    repeated = [
        Reject(line=line, reason=REPEATED, found=f"{number}, as in line {lines[number]}")
        for number, *_, line in rows
        if lines[number] != line
    ]
    return added, rejects_of(repeated)


def execute(connection: sqlite3.Connection, statement: str) -> None:
    """Execute what may take long, in one of trio's threads; when its run is cancelled it is broken off."""

    def is_cancelled() -> bool:
        with suppress(trio.Cancelled):  # raised again below, where it does not have to come through SQLite
            trio.from_thread.check_cancelled()
            return False
        return True

    connection.set_progress_handler(is_cancelled, STEPS_BETWEEN_LOOKS)
    try:
        connection.execute(statement)
    except sqlite3.OperationalError:
        trio.from_thread.check_cancelled()
        raise
    finally:
        connection.set_progress_handler(None, 0)


def keep(connection: sqlite3.Connection, digest: str, report: Report) -> None:
    """Keep what came of the import of such content, so that it is not imported twice."""
    connection.execute("INSERT INTO orders_import VALUES (?, ?)", (digest, report.model_dump_json()))


def maybe_earlier(connection: sqlite3.Connection, path: Path, digest: str) -> Report | None:
    """What came of an earlier import of the same content; None where there is no table yet.

    Raises Unusable where there is one, and it does not hold what an import of that content puts there.
    """
    names = connection.execute("SELECT name FROM sqlite_master WHERE name IN ('orders', 'orders_import')")
    match sorted(name for (name,) in names):
        case []:
            return None
        case ["orders", "orders_import"]:
            [there] = connection.execute("SELECT count(*) FROM orders").fetchone()
            for (kept,) in connection.execute("SELECT report FROM orders_import WHERE digest = ?", (digest,)):
                report = Report.model_validate_json(kept)
                if report.loaded == there:
                    return report.model_copy(update={"database": path})
    raise Unusable(f"{path} has tables of orders already, and they do not hold these. Name another database.")


def look(path: Path, digest: str) -> Report | None:
    """The same, of a database that need not be there. Raises Unusable."""
    if not path.exists():
        if not path.absolute().parent.is_dir():
            raise Unusable(f"There is no folder {path.parent} to make the database in.")
        return None
    with explained(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=WAIT, uri=True)
        try:
            return maybe_earlier(connection, path, digest)
        finally:
            connection.close()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in words what SQLite cannot do."""
    try:
        yield
    except sqlite3.Error as error:
        why = _WHY.get(getattr(error, "sqlite_errorname", ""), "SQLite cannot work with it.")
        raise Unusable(f"{path}: {why} Nothing was loaded.") from error


_WHY = {
    "SQLITE_BUSY": "Another program is using it.",
    "SQLITE_CANTOPEN": "It cannot be opened or made there.",
    "SQLITE_FULL": "The disk is full.",
    "SQLITE_NOTADB": "It is not an SQLite database.",
    "SQLITE_READONLY": "It may only be read.",
}


def _begun(path: Path) -> sqlite3.Connection:
    # Threads take turns with the connection, one at a time; which of them it is differs.
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except BaseException:
        connection.close()
        raise
    return connection


def _closed(connection: sqlite3.Connection, path: Path, existed: bool) -> None:
    """Undo what was not kept, and leave no empty file where there was none."""
    with suppress(sqlite3.Error):  # a rollback that SQLite has done by itself, on a full disk say
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    connection.close()
    if not existed and path.exists() and path.stat().st_size == 0:
        path.unlink()
