"""A thousand runs at once through one process: every record exact, and nothing left behind in memory."""

import gc
import resource as limits
from collections import Counter

import msgspec
import pytest
import trio

from narrate import Pipeline, check_record, concurrent, relay, resource, say, step
from narrate.events import from_json
from narrate.journal.sqlite import SqliteJournal
from narrate.server.options import Options
from tests.serving import get, served, until

RUNS = 1000


class Gates:
    """What every run waits for in its middle."""

    def close(self) -> trio.Event:
        """Let runs wait again until this event is set."""
        self.opened = trio.Event()
        return self.opened

    async def wait(self) -> None:
        await self.opened.wait()


@resource
async def gate():
    yield Gates()


@step("Asking")
async def ask(number: int) -> int:
    say(f"This is number {number}.")
    return number


@step("Waiting")
async def wait(gate) -> str:
    say("I wait.")
    await gate.wait()
    return "waited"


@step("Talking")
async def talk(number: int, gate) -> str:
    async def pieces():
        await gate.wait()
        for piece in range(5):
            yield f"{number}:{piece} "

    return await relay(pieces())


@step("Adding")
async def add(ask: int, wait: str, talk: str) -> str:
    return f"{ask} {wait} {talk}"


many = Pipeline("many", ask, concurrent(wait, talk), add, takes=int, resources=[gate], linger=30)


@pytest.fixture
def many_files():
    soft, hard = limits.getrlimit(limits.RLIMIT_NOFILE)
    limits.setrlimit(limits.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    limits.setrlimit(limits.RLIMIT_NOFILE, (soft, hard))


def ours() -> Counter[str]:
    """How many objects of narrate's are alive, by their kind."""
    gc.collect()
    return Counter(
        f"{type(one).__module__}.{type(one).__qualname__}"
        for one in gc.get_objects()
        if str(type(one).__module__).startswith("narrate.")
    )


async def read_in_two(server, number: int, half: trio.Semaphore, opened: trio.Event, heard: list) -> None:
    """Read one run's story: drop the connection in the middle, and come back for the rest."""
    events = []
    async with await server.asked("/many", number) as wire:
        _, headers = await wire.head()
        while not events or events[-1].get("text") != "I wait.":
            event = await wire.event()
            events += [event] if "n" in event else []
    half.release()
    async with await server.wire() as wire:
        await wire.send(get(headers["content-location"], headers=f"Last-Event-ID: {events[-1]['n']}\r\n"))
        await wire.head()
        await opened.wait()
        while events[-1]["type"] != "run.finished":
            event = await wire.event()
            events += [event] if "n" in event else []
    heard.append((number, events))


async def at_once(server, gates, runs: int) -> list:
    """What as many readers heard as there were runs, all of which were under way at one moment."""
    opened, half, heard = gates.close(), trio.Semaphore(0), []
    async with trio.open_nursery() as nursery:
        for number in range(runs):
            nursery.start_soon(read_in_two, server, number, half, opened, heard)
        for _ in range(runs):
            await half.acquire()
        assert len(server.service.narrator.runs) == runs
        opened.set()
    await until(lambda: not server.service.narrator.runs)
    await server.client.get("/metrics")  # which counts what has ended, and needs it no longer
    return heard


async def test_a_thousand_runs_at_once_are_each_told_whole_and_leave_nothing_behind(tmp_path, many_files):
    gates = Gates()
    given = {"journal": SqliteJournal(tmp_path / "runs.db"), "resources": {"gate": gates}}
    async with served(many, options=Options(max_runs=RUNS, heartbeat=600), **given) as server:
        await at_once(server, gates, 1)
        before = ours()
        heard = await at_once(server, gates, RUNS)
        await until(lambda: ours() - before == Counter())  # the server may be looking into its journal just now

    assert sorted(number for number, _ in heard) == list(range(RUNS))
    for number, events in heard:
        check_record([from_json(msgspec.json.encode(event)) for event in events])
        assert events[-1]["result"] == f"{number} waited " + "".join(f"{number}:{piece} " for piece in range(5))
