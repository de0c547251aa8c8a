"""The queue of what is to be written comes to an end with whoever wrote it."""

import pytest
import trio

from narrate.errors import JournalFailed
from narrate.journal.sqlite import SqliteJournal


def interrupt(_outcome):
    raise KeyboardInterrupt


async def test_when_writing_is_interrupted_who_waits_is_told_and_the_journal_can_be_left(tmp_path):
    journal, heard = SqliteJournal(tmp_path / "runs.db"), []

    async def begin():
        try:
            await journal.commits.do(lambda _: None)
        except JournalFailed as error:
            heard.append(error.reason)
            raise

    with pytest.RaisesGroup(KeyboardInterrupt, flatten_subgroups=True):
        async with journal.open():
            journal.commits.queue(lambda _: None, interrupt)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(begin)

    assert heard


async def test_what_comes_after_the_end_is_refused_at_once(tmp_path):
    journal = SqliteJournal(tmp_path / "runs.db")
    async with journal.open():
        pass

    with pytest.raises(JournalFailed):
        await journal.commits.do(lambda _: None)
