"""What a journal promises that outlives its process, with real processes that are really killed."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import pytest
import trio

from narrate.events import RunId, from_json
from narrate.past import Kept
from tests.journal_child import ROUND
from tests.journal_kinds import JournalFactory, an_hour_ahead
from tests.journal_law import END, PATIENCE, RUN, begun, everything, read, said, told


class Child:
    """A `journal_child` that has been started."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._read = b""

    async def tell(self, line: str) -> None:
        await self._stdin.send_all(line.encode() + b"\n")

    async def line(self) -> str:
        """The next line that it reports."""
        with trio.fail_after(PATIENCE):
            while b"\n" not in self._read:
                more = await self._stdout.receive_some()
                assert more, "it has ended"
                self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()

    async def lines(self, count: int) -> list[str]:
        return [await self.line() for _ in range(count)]

    async def kill(self) -> None:
        """Kill it as no program can prepare for."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def started(factory: JournalFactory, *arguments: str) -> AsyncIterator[Child]:
    """A process that uses a journal at the same place, until the block is left."""
    command = [sys.executable, "-m", "tests.journal_child", factory.kind, str(factory.place), *arguments]
    root = Path(__file__).parent.parent
    process = await trio.lowlevel.open_process(command, stdin=PIPE, stdout=PIPE, cwd=root)
    child = Child(process)
    try:
        yield child
    finally:
        with trio.CancelScope(shield=True):
            await child.kill()
            await process.stdin.aclose()
            await process.stdout.aclose()


async def test_a_run_of_another_process_is_followed_live_to_its_end(durable_factory):
    journal = durable_factory()
    async with journal.open(), started(durable_factory, "write", "r") as child:
        heard = [await child.line()]
        reader = await journal.maybe_reader(RUN)

        for word in ("one", "two", "three"):
            await child.tell(word)
            with trio.fail_after(PATIENCE):
                await reader.wait_more()
            heard += told(reader.take_nowait())
        await child.tell("end")
        heard += told(await everything(reader))

    assert heard == ["begun", (1, "one"), (2, "two"), (3, "three"), (4, "run.finished")]


async def test_another_process_follows_a_run_of_this_one_live_to_its_end(durable_factory):
    journal = durable_factory()
    async with journal.open():
        writer = await journal.open_record(begun())
        writer.append([said("early")])
        await writer.settle()
        async with started(durable_factory, "follow", "r") as child:
            heard = await child.lines(2)

            for word in ("one", "two"):
                writer.append([said(word)])
                heard += await child.lines(1)
            writer.append([END])
            heard += await child.lines(1)

    assert heard[0] == "following"
    assert told([from_json(line) for line in heard[1:]]) == [
        (1, "early"),
        (2, "one"),
        (3, "two"),
        (4, "run.finished"),
    ]


async def test_of_two_processes_that_begin_with_one_key_at_once_one_does(durable_factory):
    async with started(durable_factory, "begin", "a", "k") as one, started(durable_factory, "begin", "b", "k") as other:
        await one.line()
        await other.line()

        await one.tell("now")
        await other.tell("now")

        given = {await one.line(), await other.line()}
    journal = durable_factory()
    async with journal.open():
        known = {run for run in "ab" if await journal.maybe_begun(RunId(run)) is not None}
    assert given == known
    assert len(known) == 1


async def test_the_live_runs_of_another_process_are_not_taken_from_it(durable_factory):
    journal = durable_factory()
    async with journal.open(), started(durable_factory, "write", "r") as child:
        await child.line()
        await child.tell("one")
        await child.line()

        assert list(await journal.unfinished()) == []
        await child.tell("end")
        assert await child.line() == "2"

    assert [event.type for event in await whole(durable_factory)] == ["message", "run.finished"]


async def whole(durable_factory):
    journal = durable_factory()
    async with journal.open():
        return await read(journal)


@pytest.mark.parametrize("heard", [1, 2, 5, 20, 60, 150])
async def test_of_what_a_killed_process_was_appending_there_is_all_that_was_kept_and_nothing_torn(
    durable_factory, heard
):
    runs = ("r", "s", "t")
    async with started(durable_factory, "pour", *runs) as child:
        kept = dict.fromkeys(runs, 0)
        for line in await child.lines(heard):
            run, n = line.split()
            kept[run] = int(n)
        await child.kill()

    journal = durable_factory(now=an_hour_ahead)
    async with journal.open():
        left = {one.begun.run: one for one in await journal.unfinished()}
        assert sorted(left) == sorted(runs)
        for run, one in left.items():
            last = len(one.events)
            assert last >= kept[run]
            assert last % ROUND == 0
            assert told(one.events) == [(n, f"{n}") for n in range(1, last + 1)]
            assert list(one.kept) == [(f"{n}", Kept(b"%d" % n)) for n in range(ROUND, last + 1, ROUND)]

            one.writer.append([*one.events, said("and on")])
            await one.writer.settle()
            assert told(one.writer.reader(last).take_nowait()) == [(last + 1, "and on")]
