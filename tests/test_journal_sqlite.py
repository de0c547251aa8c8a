"""What is the SQLite journal's own: its file, a full disk, and the processes that share it."""

import os
import resource as limits
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from narrate import JournalError, JournalFailed, Pipeline, RunFailed, check_record, resource, run, say, step
from narrate.events import Message, RunFinished, RunId
from narrate.journal.base import Begun
from narrate.journal.schema import MIGRATIONS
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator

RUN = RunId("r")
END = RunFinished(None, 1.0, t=1.0)


def said(text):
    return Message("a", text, t=1.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@step("Working")
async def work() -> int:
    return 7


# --- The file ---


async def test_a_new_file_may_be_read_by_its_owner_alone(path):
    async with SqliteJournal(path).open():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def refusal(path):
    before = path.read_bytes()
    with pytest.raises(JournalError) as refused:
        async with SqliteJournal(path).open():
            pytest.fail("it was opened")
    assert path.read_bytes() == before, "the file was left as it was"
    return str(refused.value)


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(path):
    path.write_text("Dear diary, " * 1000)

    assert await refusal(path) == f"{path}: the journal is damaged, or is none: file is not a database."


async def test_somebody_elses_database_is_refused_and_left_as_it_was(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE invoices (id)")
    db.close()

    assert await refusal(path) == f"{path}: this is not a journal of narrate's."


async def test_a_newer_journal_is_refused_and_left_as_it_was(path):
    async with SqliteJournal(path).open():
        pass
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    db.close()

    known = len(MIGRATIONS)
    assert f"this journal is of version {known + 1}, and this narrate knows up to {known}" in await refusal(path)


async def test_a_damaged_journal_is_refused_and_left_as_it_was(path):
    await run(Pipeline("p", work), journal=SqliteJournal(path))
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    path.write_bytes(content)

    assert f"{path}: the journal is damaged" in await refusal(path)


async def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(JournalError, match=r"nowhere/runs\.db: the journal cannot be opened"):
        async with SqliteJournal(tmp_path / "nowhere" / "runs.db").open():
            pytest.fail("it was opened")


async def test_a_journal_is_open_once_at_a_time(path):
    journal = SqliteJournal(path)
    async with journal.open():
        with pytest.raises(JournalError, match="open already"):
            async with journal.open():
                pytest.fail("it was opened twice")


async def test_a_journal_can_be_opened_again(path):
    journal = SqliteJournal(path)
    for _ in range(2):
        assert await run(Pipeline("p", work), journal=journal) == 7


async def test_many_processes_can_make_the_same_new_file_at_once(path):
    program = (
        f"from narrate.journal.schema import connect; import pathlib; connect(pathlib.Path({str(path)!r})).close()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(4)]
    ends = [(process.communicate()[1], process.returncode) for process in processes]

    assert ends == [(b"", 0)] * 4


async def test_an_error_of_the_block_comes_out_as_it_is(path):
    with pytest.raises(KeyError, match="mine"):
        async with SqliteJournal(path).open():
            raise KeyError("mine")


# --- A full disk ---


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """No file of this process can grow: what a full disk is to it."""
    soft, hard = limits.getrlimit(limits.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in path.parent.iterdir())
    limits.setrlimit(limits.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, (soft, hard))


@resource
async def gate():
    """What a step waits for."""
    yield trio.Event()


@step("Filling")
async def fill(gate) -> int:
    say("Nothing yet.")
    await gate.wait()
    say("x" * 200_000)
    return 1


@step("Going on")
async def go_on(fill: int) -> int:
    pytest.fail("a step began whose beginning could not be kept")


filling = Pipeline("filling", fill, go_on, resources=[gate])


async def test_on_a_full_disk_the_run_fails_and_says_so_and_new_ones_are_refused(path):
    opened = trio.Event()
    async with open_narrator([filling], journal=SqliteJournal(path), resources={"gate": opened}) as narrator:
        running = await narrator.begin(filling)
        async for event in running.events():
            if event.type == "message":
                break
        with full_disk(path):
            opened.set()
            with pytest.raises(RunFailed, match=r"The journal cannot be used now: .*(disk|full|I/O)"):
                await running.result()
            with trio.fail_after(10):
                events = [event async for event in running.events()]
            with pytest.raises(JournalFailed, match="The journal cannot be used now"):
                await narrator.begin(filling)

    check_record(events)
    assert events[-1].type == "run.failed"


async def begun_when_there_is_room(narrator, pipeline):
    with trio.fail_after(20):
        while True:
            try:
                return await narrator.begin(pipeline)
            except JournalFailed:
                await trio.testing.wait_all_tasks_blocked()


async def test_when_there_is_room_again_what_could_not_be_kept_is_kept_and_runs_begin(path):
    opened, pipeline = trio.Event(), Pipeline("p", work)
    journal = SqliteJournal(path)
    async with open_narrator([filling, pipeline], journal=journal, resources={"gate": opened}) as narrator:
        running = await narrator.begin(filling)
        with full_disk(path):
            opened.set()
            with pytest.raises(RunFailed):
                await running.result()
            shown = [event async for event in running.events()]
        assert await (await begun_when_there_is_room(narrator, pipeline)).result() == 7

    async with journal.open():
        kept = (await journal.maybe_reader(running.id)).take_nowait()
    assert list(kept) == shown


# --- Several processes ---


CHILD = """
import sys, trio, pathlib
from narrate.journal.sqlite import SqliteJournal
from narrate.journal.base import Begun
from narrate.events import Message, RunFinished

async def main():
    journal = SqliteJournal(pathlib.Path(sys.argv[1]), lease=float(sys.argv[2]))
    async with journal.open():
        writer = await journal.open_record(Begun(run="child", pipeline="p"))
        writer.append([Message("a", "from the child", t=0.0)])
        await writer.settle()
        print("begun", flush=True)
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            writer.append([Message("a", line.strip(), t=0.0)])
            for run, why in await journal.stops():
                print("stop", run, why, flush=True)
        writer.append([RunFinished(None, 1.0, t=1.0)])
trio.run(main)
"""


@contextmanager
def child(path, lease=10.0) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-c", CHILD, str(path), str(lease)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            yield process
        finally:
            process.kill()


async def read_until_end(reader):
    events = []
    with trio.fail_after(20):
        while not reader.ended:
            events += reader.take_nowait()
            await reader.wait_more()
    return events + list(reader.take_nowait())


async def test_a_run_of_another_process_is_followed_live_to_its_end(path):
    journal = SqliteJournal(path)
    with child(path) as process:
        async with journal.open():
            reader = await journal.maybe_reader(RunId("child"))
            first = [event.text for event in reader.take_nowait()]
            process.stdin.write("more\n")
            process.stdin.flush()
            with trio.fail_after(20):
                await reader.wait_more()
            second = [event.text for event in reader.take_nowait()]
            process.stdin.close()
            rest = await read_until_end(reader)

    assert (first, second, [event.type for event in rest]) == (["from the child"], ["more"], ["run.finished"])


async def test_the_run_of_a_process_that_is_there_is_not_given_to_another(path):
    journal = SqliteJournal(path)
    with child(path):
        async with journal.open():
            assert await journal.unfinished() == []


async def test_the_run_of_a_process_that_was_killed_is_given_away_at_once_and_once(path):
    first, second = SqliteJournal(path), SqliteJournal(path)
    with child(path) as process:
        async with first.open(), second.open():
            process.kill()
            process.wait()
            given = [*await first.unfinished(), *await second.unfinished()]

    assert [one.begun.run for one in given] == ["child"]
    assert [event.text for event in given[0].events] == ["from the child"]


async def test_a_reader_goes_on_through_the_death_of_the_process_that_wrote(path):
    journal = SqliteJournal(path)
    with child(path) as process:
        async with journal.open():
            reader = await journal.maybe_reader(RunId("child"))
            process.kill()
            process.wait()
            [one] = await journal.unfinished()
            one.writer.append([*one.events, said("from me"), END])
            events = await read_until_end(reader)

    assert [event.n for event in events] == [1, 2, 3]
    assert [event.text for event in events[:2]] == ["from the child", "from me"]


async def test_another_process_is_asked_to_cancel_its_run(path):
    journal = SqliteJournal(path)
    with child(path) as process:
        async with journal.open():
            await journal.stop(RunId("child"), "Enough.")
            process.stdin.write("look\n")
            process.stdin.flush()

            assert process.stdout.readline() == "stop child Enough.\n"


async def test_another_process_says_that_it_reads_a_run(path):
    here, there = SqliteJournal(path), SqliteJournal(path)
    async with here.open(), there.open():
        await here.open_record(Begun(run=RUN, pipeline="p"))
        before = await here.watched()
        await there.watch(RUN)
        await there.watch(RUN)

        assert (before, await here.watched(), await there.watched()) == ([], [RUN], [])


async def test_a_process_that_seemed_gone_and_comes_back_writes_no_more_into_what_is_anothers(path):
    clock = [1000.0]
    first, second = (
        SqliteJournal(path, now=lambda: clock[0], lease=1e6),
        SqliteJournal(path, now=lambda: clock[0] + 2e6),
    )
    async with first.open(), second.open():
        writer = await first.open_record(Begun(run=RUN, pipeline="p"))
        writer.append([said("mine")])
        await writer.settle()
        [one] = await second.unfinished()
        writer.append([said("still mine?")])
        await writer.settle()
        one.writer.append([*one.events, said("no"), END])
        await one.writer.settle()
        told = await first.stops()
        events = await read_until_end(await first.maybe_reader(RUN))

    assert told == [(RUN, "Another process has gone on with it.")]
    assert [getattr(event, "text", "") for event in events] == ["mine", "no", ""]


# --- Coming to an end ---


@step("For ever")
async def forever() -> None:
    await trio.sleep_forever()


async def test_a_program_that_is_cancelled_around_a_journal_ends_and_what_it_told_is_kept(path):
    journal, pipeline = SqliteJournal(path), Pipeline("p", forever)
    with trio.CancelScope() as program:
        async with open_narrator([pipeline], journal=journal) as narrator:
            running = await narrator.begin(pipeline)
            program.cancel()
            await trio.lowlevel.checkpoint()

    async with journal.open():
        kept = (await journal.maybe_reader(running.id)).take_nowait()
    assert [event.type for event in kept] == ["run.started", "step.started", "step.cancelled", "run.cancelled"]


async def test_what_can_never_be_written_is_left_out_and_keeps_nothing_else_back(path, caplog):
    journal = SqliteJournal(path)
    async with journal.open():
        writer = await journal.open_record(Begun(run=RUN, pipeline="p"))
        writer.append([said("before")])
        writer.stop("half a character: \ud83d")
        writer.append([said("after")])
        await writer.settle()
        with pytest.raises(UnicodeEncodeError):
            await journal.stop(RUN, "\ud83d")
        kept = (await journal.maybe_reader(RUN)).take_nowait()

    assert [event.text for event in kept] == ["before", "after"]
    assert "cannot be written to the journal" in caplog.text


async def test_what_the_steps_gave_is_gone_once_the_run_has_ended(path):
    await run(Pipeline("p", work), journal=SqliteJournal(path))

    db = sqlite3.connect(path)
    left = db.execute("SELECT count(*) FROM kept").fetchone()
    db.close()
    assert left == (0,)
