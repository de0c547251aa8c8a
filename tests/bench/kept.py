"""What it costs to keep each event on disk, beside SQLite by hand with a commit for each step.

Both sides wait for the disk before a step begins. By hand that is one insert and one commit at a time; here many runs
share a commit.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from narrate.journal.schema import connect
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from tests.bench.rounds import best, trio_seconds
from tests.bench.runner import pipeline_of, sequence
from tests.bench.table import Row, Section, per

NO_SLOWER_TOGETHER = 0.5
"""Of the price of a commit of its own, what a step costs where many runs are under way."""


async def kept(folder: Path, runs: int, steps: int) -> None:
    """So many runs of so many steps at once, in a journal on disk."""
    pipeline = pipeline_of(sequence(steps))
    async with open_narrator([pipeline], journal=SqliteJournal(folder / "runs.db")) as narrator:
        for one in [await narrator.begin(pipeline) for _ in range(runs)]:
            await one.result()


async def by_hand(folder: Path, steps: int) -> None:
    """So many rows, each committed before the next."""
    with closing(connect(folder / "runs.db")) as db:
        for n in range(steps):
            await trio.to_thread.run_sync(_commit, db, n)


def _commit(db: sqlite3.Connection, n: int) -> None:
    db.execute("INSERT INTO events VALUES (1, ?, ?)", (n, b'{"type":"step.started","step":"s1","title":"Step s1"}'))


def kept_section(runs: int, steps: int, rounds: int) -> Section:
    """One run by itself, and many at once."""

    def timed(runs: int) -> float:
        with TemporaryDirectory() as folder:
            return trio_seconds(lambda: kept(Path(folder), runs, steps))

    def timed_by_hand() -> float:
        with TemporaryDirectory() as folder:
            return trio_seconds(lambda: by_hand(Path(folder), steps))

    taken = best(rounds, {"one": lambda: timed(1), "many": lambda: timed(runs), "hand": timed_by_hand})
    one, many, hand = (taken[side] for side in ("one", "many", "hand"))
    beside = per(hand, steps)
    return Section(
        "A step that does nothing, kept in SQLite; beside it: a commit for each, by hand",
        [
            Row("one run", per(one, steps), beside, one / hand),
            Row(f"{runs} runs at once", per(many, runs * steps), beside, many / runs / hand, NO_SLOWER_TOGETHER),
        ],
    )
