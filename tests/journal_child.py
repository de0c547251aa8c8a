"""A process that uses a journal, for tests that need more than one: `python -m tests.journal_child KIND PLACE ROLE …`.

It is told what to do line by line on its standard input, and says on its standard output what it has done.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import trio

from narrate.errors import KeyTaken
from narrate.events import RunId
from narrate.journal.base import Journal, Writer
from narrate.past import Kept
from tests.journal_kinds import JournalFactory
from tests.journal_law import END, begun, said

ROUND = 3
"""Events that are appended without a checkpoint between, by `pour`."""


def report(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (what this process is asked for)


async def asked() -> AsyncIterator[str]:
    async for line in trio.wrap_file(sys.stdin):
        yield line.strip()


async def write(journal: Journal, run: str) -> None:
    """Begin a run and say each line that is read; report its number once it is kept. Ends with the run at `end`."""
    writer = await journal.open_record(begun(run))
    report("begun")
    n = 0
    async for line in asked():
        n += 1
        writer.append([END if line == "end" else said(line)])
        await writer.settle()
        report(f"{n}")


async def follow(journal: Journal, run: str) -> None:
    """Report each event of a run, to its end."""
    reader = await journal.maybe_reader(RunId(run))
    assert reader is not None
    report("following")
    while not reader.ended:
        await reader.wait_more()
        for event in reader.take_nowait():
            report(reader.line(event).decode())


async def begin(journal: Journal, run: str, key: str) -> None:
    """Begin a run with a key at a word, and report which run has the key then."""
    report("ready")
    async for _ in asked():
        try:
            await journal.open_record(begun(run, key=key))
        except KeyTaken as taken:
            report(taken.run)
        else:
            report(run)


async def pour(journal: Journal, *runs: str) -> None:
    """Append to several runs at once, without ever being done. Report what is kept of each as soon as it is."""
    writers = {run: await journal.open_record(begun(run)) for run in runs}
    async with trio.open_nursery() as nursery:
        for run, writer in writers.items():
            nursery.start_soon(pour_into, writer, run)


async def pour_into(writer: Writer, run: str) -> None:
    n = 0
    while True:
        for _ in range(ROUND):
            n += 1
            writer.append([said(f"{n}")])
        writer.keep(f"{n}", Kept(b"%d" % n))
        await trio.lowlevel.checkpoint()
        if n % (2 * ROUND) == 0:  # every other round is still under way when the next one begins
            await writer.settle()
            report(f"{run} {n}")


ROLES: Mapping[str, Callable[..., Awaitable[None]]] = {"write": write, "follow": follow, "begin": begin, "pour": pour}


async def main(kind: str, place: str, role: str, *arguments: str) -> None:
    journal = JournalFactory(kind, Path(place))()
    async with journal.open():
        await ROLES[role](journal, *arguments)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
