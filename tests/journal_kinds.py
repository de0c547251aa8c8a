"""The kinds of journal that the laws of `journal_law` hold for.

Apart from the tests, because a test's child process makes its journal by this table too. A third kind is one line in
`KINDS`, and one in `DURABLE` if it outlives its process; nothing else is to be written for it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from narrate.journal.base import Journal, Retention
from narrate.journal.memory import MemoryJournal
from narrate.journal.sqlite import SqliteJournal

KINDS: Mapping[str, Callable[..., Journal]] = {
    "memory": lambda _, **how: MemoryJournal(**how),
    "sqlite": lambda place, **how: SqliteJournal(place / "runs.db", **how),
}
"""How a journal of each kind is made at a place, which is a directory, with a `retention` and a clock, `now`."""

DURABLE = ("sqlite",)
"""Those of which several, made at one place, have the same records."""


AGE = 1000.0
"""Seconds for which a `forgetful` journal keeps runs that have ended."""

LONG = "x" * 10_000
"""What makes a record so long that a `forgetful` journal keeps two such, and not three."""

FORGETFUL = Retention(age=AGE, size=25_000)


@dataclass(frozen=True)
class JournalFactory:
    """Makes journals of one kind, all at one place. They are still to be opened."""

    kind: str
    place: Path

    def __call__(self, retention: Retention | None = None, now: Callable[[], float] = time.time) -> Journal:
        return KINDS[self.kind](self.place, retention=retention, now=now)


class Clock:
    """Tells the time in seconds since 1970, and only a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def go_on(self, seconds: float) -> None:
        self.seconds += seconds


def an_hour_ahead() -> float:
    """The time when whoever has shown no sign since is long taken for gone."""
    return time.time() + 3600.0
