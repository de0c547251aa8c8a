"""Every run in a journal's file, whoever began it: for the command line, where who may read the file may see all of it.

Apart from what a journal promises, which shows an owner their own runs and nobody those of others.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import trio

from narrate.errors import JournalFailed
from narrate.events import RunId, Terminal
from narrate.journal.base import Begun
from narrate.journal.schema import connect_again
from narrate.journal.sqlite import SqliteJournal


async def newest_runs(journal: SqliteJournal, most: int) -> Sequence[tuple[Begun, Terminal | None]]:
    """So many runs of an open journal, the newest first, each with the event that ended it if it has.

    Raises JournalFailed when it cannot be read.
    """
    try:
        runs = await trio.to_thread.run_sync(_newest, journal.path, most)
    except sqlite3.Error as error:
        raise JournalFailed(str(error)) from error
    return await journal.named(runs)


def _newest(path: Path, most: int) -> Sequence[RunId]:
    with closing(connect_again(path)) as db:
        found = db.execute("SELECT run FROM runs WHERE NOT expired ORDER BY seq DESC LIMIT ?", (most,)).fetchall()
    return [RunId(run) for (run,) in found]
