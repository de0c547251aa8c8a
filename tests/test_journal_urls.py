"""A journal by its URL: which one it is, and the one sentence for a URL that names none."""

from pathlib import Path

import pytest

from narrate.errors import JournalError
from narrate.journal.memory import MemoryJournal
from narrate.journal.sqlite import SqliteJournal
from narrate.journal.urls import open_journal_url


def test_memory_is_a_journal_that_does_not_last():
    journal = open_journal_url("memory:")
    assert isinstance(journal, MemoryJournal)
    assert not journal.durable


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///runs.db", "runs.db"),
        ("sqlite:///var/runs.db", "var/runs.db"),
        ("sqlite:////var/lib/runs.db", "/var/lib/runs.db"),
        ("sqlite:///with space and %20.db", "with space and %20.db"),
        ("sqlite:///C:/runs.db", "C:/runs.db"),
    ],
)
def test_sqlite_is_a_journal_in_a_file(url, path):
    journal = open_journal_url(url)
    assert isinstance(journal, SqliteJournal)
    assert journal.durable
    assert journal.path == Path(path)


def test_nothing_is_written_before_it_is_opened(tmp_path):
    open_journal_url(f"sqlite:///{tmp_path}/runs.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["", "memory", "memory:x", "runs.db", "redis://localhost", "SQLite", "sqlite", "/runs.db"]
)
def test_a_url_of_no_journal_is_one_sentence(url):
    with pytest.raises(JournalError) as caught:
        open_journal_url(url)
    assert str(caught.value).startswith(f"{url!r} names no ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite:", "sqlite:runs.db", "sqlite://runs.db", "sqlite:///", "sqlite:///:memory:"])
def test_sqlite_without_a_file_says_how_one_is_named(url):
    with pytest.raises(JournalError) as caught:
        open_journal_url(url)
    said = f"{url!r} names no file. Write `sqlite:///runs.db`, or `sqlite:////var/lib/runs.db`."
    assert str(caught.value) == said
