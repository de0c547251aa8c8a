"""The journal's tables: a file of each former version, kept as the program wrote it then, is brought to the newest.

The files are beside this one as SQL, in `journals`; with a new version comes one of the version that it replaces.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from narrate import Pipeline, run, step
from narrate.events import RunId
from narrate.journal.schema import LOOK_AGAIN, MIGRATIONS, connect
from narrate.journal.sqlite import SqliteJournal
from narrate.past import Kept

FORMER = sorted((Path(__file__).parent / "journals").glob("version-*.sql"))


@pytest.fixture(params=FORMER, ids=lambda path: path.stem)
def former(request, tmp_path):
    """A journal of a former version, in which one run has finished and one was interrupted."""
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(request.param.read_text(encoding="utf-8"))
    return path


def soon_after():
    """A minute after what is in them was told."""
    return 1795252920.0


def asked(path, question):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(question).fetchall()


def test_of_each_former_version_there_is_a_file():
    assert [path.stem for path in FORMER] == [f"version-{number}" for number in range(1, len(MIGRATIONS))]


async def test_all_that_a_former_version_kept_is_there(former):
    journal = SqliteJournal(former, now=soon_after)
    async with journal.open():
        [left] = await journal.unfinished()
        [delivery] = await journal.deliveries()
        [(begun, end)] = await journal.listed("me")
        reader = await journal.maybe_reader(RunId("finished-run"))
        events = reader.take_nowait()
        keyed = await journal.maybe_keyed("me", "p", "k")

    assert ([event.n for event in events], end) == (list(range(1, 12)), events[-1])
    assert (begun.run, end.result, keyed) == ("finished-run", 42, ("finished-run", "this"))
    assert (left.begun.run, len(left.events), left.kept) == ("interrupted-run", 6, [("ask", Kept(b"20"))])
    assert (delivery.run, delivery.url, delivery.state) == ("finished-run", "https://example.org/", "due")


async def test_its_tables_are_then_those_of_a_new_journal(former, tmp_path):
    tables = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    for path in (former, tmp_path / "new.db"):
        async with SqliteJournal(path).open():
            pass

    assert asked(former, tables) == asked(tmp_path / "new.db", tables)
    assert asked(former, "PRAGMA user_version") == [(len(MIGRATIONS),)]


async def test_what_is_usual_is_not_known_at_first_and_learned_from_then_on(former):
    @step("Asking")
    async def ask(): ...

    async def usual():
        journal = SqliteJournal(former)
        async with journal.open():
            return await journal.usual_seconds("p")

    before = await usual()
    await run(Pipeline("p", ask), journal=SqliteJournal(former))

    assert (before, list(await usual())) == ({}, ["ask"])


def test_a_new_file_that_another_process_is_about_to_open_as_well_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "runs.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # for this, SQLite does not wait where the journal's mode is to be another
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        other.execute("ROLLBACK")

    monkeypatch.setattr(time, "sleep", sleep)

    with closing(connect(path)) as db, closing(other):
        mode = db.execute("PRAGMA journal_mode").fetchone()

    assert (mode, waited) == (("wal",), [LOOK_AGAIN])
