"""Which journal a URL names, so that a command line can say in one word where runs are kept."""

from pathlib import Path

from narrate.errors import JournalError
from narrate.journal.base import Journal, Retention
from narrate.journal.memory import MemoryJournal
from narrate.journal.sqlite import SqliteJournal

MOST_IN_MEMORY = 256 * 1024 * 1024
"""Bytes of ended runs' records that are kept in memory."""


def open_journal_url(url: str, keep_for: float = 24 * 3600.0) -> Journal:
    """The journal that a URL names, which keeps ended runs for so many seconds. Nothing is read or written yet.

    - `memory:` keeps runs in this process, and no longer than it lives.
    - `sqlite:///runs.db` keeps them in a file where the process was started, `sqlite:////var/lib/runs.db` in one at an
      absolute path. The path is taken as it stands: nothing in it is decoded.

    Raises JournalError for a URL that names none.
    """
    scheme, _, rest = url.partition(":")
    if url == "memory:":
        return MemoryJournal(Retention(age=keep_for, size=MOST_IN_MEMORY))
    if scheme != "sqlite":
        raise JournalError(f"{url!r} names no journal. Write `memory:`, or `sqlite:///runs.db` to keep runs in a file.")
    path = rest.removeprefix("///")
    if path == rest or path in ("", ":memory:"):
        raise JournalError(f"{url!r} names no file. Write `sqlite:///runs.db`, or `sqlite:////var/lib/runs.db`.")
    return SqliteJournal(Path(path), Retention(age=keep_for))
