"""The tables of the journal in SQLite, and the way from each version of them to the next.

A file of this journal says so (`application_id`) and which version its tables are of (`user_version`). One that is
damaged, of a newer version or of somebody else is refused, and left as it was.
"""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from narrate.errors import JournalError

APPLICATION = 0x6E617272
"""`narr`, in the head of the file."""

BUSY = 30.0
"""Seconds that a transaction waits for those of other processes."""

LOOK_AGAIN = 0.01
"""Seconds until that is tried again for which SQLite itself does not wait."""

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        # The processes that run runs, and until when each is believed to be there.
        "CREATE TABLE holders (holder TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, until REAL NOT NULL)",
        # `holder` runs it: NULL once it has ended, or is left for anybody. `first` is the number of the first event
        # that is still there, `last` that of the last.
        """CREATE TABLE runs (
            seq INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, begun BLOB NOT NULL, owner TEXT, holder TEXT,
            stopping TEXT, watched INTEGER NOT NULL DEFAULT 0, ended REAL, expired INTEGER NOT NULL DEFAULT 0,
            first INTEGER NOT NULL DEFAULT 1, last INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0)""",
        "CREATE INDEX runs_unfinished ON runs (holder) WHERE ended IS NULL",
        "CREATE INDEX runs_ended ON runs (ended) WHERE ended IS NOT NULL",
        "CREATE INDEX runs_of ON runs (owner) WHERE owner IS NOT NULL",
        """CREATE TABLE keys (
            owner TEXT NOT NULL, pipeline TEXT NOT NULL, key TEXT NOT NULL, run TEXT NOT NULL, asked TEXT NOT NULL,
            PRIMARY KEY (owner, pipeline, key)) WITHOUT ROWID""",
        "CREATE INDEX keys_of ON keys (run)",
        "CREATE TABLE events (seq INTEGER, n INTEGER, line BLOB NOT NULL, PRIMARY KEY (seq, n)) WITHOUT ROWID",
        # What the steps of unfinished runs gave.
        """CREATE TABLE kept (
            place INTEGER PRIMARY KEY, seq INTEGER NOT NULL, path TEXT NOT NULL, value BLOB, facts BLOB NOT NULL)""",
        "CREATE INDEX kept_of ON kept (seq)",
        """CREATE TABLE deliveries (
            place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL, url TEXT NOT NULL,
            state TEXT NOT NULL, attempts INTEGER NOT NULL, due REAL, last TEXT)""",
        "CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL",
        "CREATE INDEX deliveries_of ON deliveries (run)",
    ),
    # What the steps of each pipeline took in its last runs, which may have expired, and what is usual; as JSON.
    ("CREATE TABLE measured (pipeline TEXT PRIMARY KEY, seconds BLOB NOT NULL, usual BLOB NOT NULL)",),
    # What people answered to the questions of unfinished runs.
    ("CREATE TABLE answers (seq INTEGER, n INTEGER, value TEXT NOT NULL, PRIMARY KEY (seq, n)) WITHOUT ROWID",),
)
"""For each version of the tables, what makes it of the one before."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the journal in this file, made or brought to the newest version first. Raises JournalError."""
    try:
        new = not path.exists() or path.stat().st_size == 0
        if new:
            path.touch(mode=0o600)  # it holds what runs were given, secrets too
        else:
            _check(path)
        db = connect_again(path)
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"{path}: the journal cannot be opened: {error}.") from error
    try:
        _use_wal(db)
        _migrate(db)
    except sqlite3.Error as error:
        db.close()
        raise JournalError(f"{path}: the journal cannot be used: {error}.") from error
    return db


def connect_again(path: Path) -> sqlite3.Connection:
    """One more connection to a journal that is open already."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY)
    db.execute("PRAGMA synchronous=FULL")
    db.execute(
        "PRAGMA secure_delete=ON"
    )  # what a run was given, and its steps gave, is there no longer than it must be
    return db


def _check(path: Path) -> None:
    """Refuse a file that is none of ours before anything is written to it."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY)
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if application != APPLICATION and tables:
            raise JournalError(f"{path}: this is not a journal of narrate's.")
        if version > len(MIGRATIONS):
            raise JournalError(
                f"{path}: this journal is of version {version}, and this narrate knows up to {len(MIGRATIONS)}. "
                "Use the newer one, or another file."
            )
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise JournalError(f"{path}: the journal is damaged: {found}.")
    except sqlite3.DatabaseError as error:
        raise JournalError(f"{path}: the journal is damaged, or is none: {error}.") from error
    finally:
        db.close()


def _use_wal(db: sqlite3.Connection) -> None:
    """Have what is written go into a log beside the file, so that readers need not wait.

    SQLite does not wait itself where two processes want this of a new file at once: one of them finds it locked.
    """
    until = time.monotonic() + BUSY
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(LOOK_AGAIN)
        else:
            return


def _migrate(db: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, all or nothing, whichever process comes first."""
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                db.execute(statement)
        db.execute(f"PRAGMA application_id={APPLICATION}")
        db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
