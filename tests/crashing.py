"""A server that can be killed at any instant, in a process of its own, and the client that comes back to it.

The processes are forked from one that has imported all of it, so that a hundred of them are soon there.
"""

import json
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio

from narrate import Pipeline, concurrent, each, relay, resource, say, show, step
from narrate.journal.sqlite import SqliteJournal
from narrate.server.app import create_app
from narrate.server.serving import serve
from narrate.wire.sse import Decoder

WAIT = 0.004
"""Seconds that a step works. A run takes some sixty milliseconds, over which the kills are spread."""


@resource
async def diary():
    """Where steps write down that they begin; a line written before a kill is there after it."""
    file = os.open(os.environ["NARRATE_TEST_DIARY"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    yield partial(_write, file)
    os.close(file)


def _write(file: int, line: str) -> None:
    os.write(file, f"{line}\n".encode())


@step("First")
async def first(diary) -> int:
    diary("first")
    say("first begins")
    await trio.sleep(WAIT)
    return 1


@step("Slowly")
async def slowly(first: int, diary) -> str:
    diary("slowly")

    async def pieces():
        for piece in ("a", "b", "c", "d"):
            await trio.sleep(WAIT)
            yield piece

    return await relay(pieces())


@step("Quickly", summary="{quickly} it is")
async def quickly(first: int, diary) -> int:
    diary("quickly")
    say("quickly said")
    await trio.sleep(WAIT)
    show("what", {"numbers": [1, 2, 3]})
    return first + 1


@step("Each of them")
async def several(first: int, diary) -> list[int]:
    diary("several")

    async def one(n: int) -> int:
        await trio.sleep(WAIT * (4 - n))
        say(f"number {n}")
        return n

    return await each([1, 2, 3, 4], one, at_most=2, label=lambda n: f"Number {n}")


@step("Inside")
async def inside(several: list[int], quickly: int, diary) -> int:
    diary("inside")
    await trio.sleep(WAIT)
    return sum(several) + quickly


@step("Inner one")
async def inner_one(diary) -> int:
    diary("inner/inner_one")
    say("inner")
    await trio.sleep(WAIT)
    return 5


@step("Inner two")
async def inner_two(inner_one: int, diary) -> int:
    diary("inner/inner_two")
    await trio.sleep(WAIT)
    return inner_one * 2


@step("Last")
async def last(inside: int, inner: int, slowly: str, diary) -> str:
    diary("last")
    await trio.sleep(WAIT)
    return f"{slowly} {inside + inner}"


inner = Pipeline("inner", inner_one, inner_two, resources=[diary])
story = Pipeline(
    "story", first, concurrent(slowly, quickly, several, inner), inside, last, resources=[diary], linger=None
)


def serve_until_killed(journal: Path, diary_file: Path, port: int, up: Any) -> None:
    """The body of the process: says its port when it is up, and then only serves."""
    os.environ["NARRATE_TEST_DIARY"] = str(diary_file)
    app = create_app(story, journal=SqliteJournal(journal))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            address = await nursery.start(partial(serve, app, port=port))
            up.send(int(address.rpartition(":")[2]))

    trio.run(main)


class Server:
    """The server's process, at one port from start to start."""

    _forking = multiprocessing.get_context("forkserver")
    _forking.set_forkserver_preload(["tests.crashing"])

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "runs.db"
        self.diary = folder / "diary"
        self.port = 0

    def start(self) -> None:
        up, say_up = self._forking.Pipe(duplex=False)
        self._process = self._forking.Process(
            target=serve_until_killed, args=(self.journal, self.diary, self.port, say_up), daemon=True
        )
        self._process.start()
        say_up.close()
        self.port = up.recv()
        up.close()

    def kill(self) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()
        self._process.close()

    def began(self) -> list[str]:
        """The steps that have begun so far, in the order in which they did."""
        return self.diary.read_text().split() if self.diary.exists() else []


class Client:
    """Reads one run's story from a server that comes and goes, each time from where it was."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url: str | None = None
        self.events: list[dict[str, Any]] = []

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1]["type"] in ("run.finished", "run.failed", "run.cancelled")

    async def read(self) -> None:
        """Read until the story ends or the connection breaks."""
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.server.port}", timeout=20) as http:
                if self.url is None:
                    request = http.build_request("POST", "/story", headers={"Idempotency-Key": "the-one-story"})
                else:
                    request = http.build_request("GET", self.url, headers={"Last-Event-ID": str(self._last())})
                response = await http.send(request, stream=True)
                await self._take(response)
        except httpx.TransportError:
            return

    async def _take(self, response: httpx.Response) -> None:
        self.url = response.headers.get("content-location", self.url)
        decoder = Decoder()
        async for chunk in response.aiter_raw():
            for heard in decoder.feed(chunk):
                event = json.loads(heard.data)
                if "n" in event:
                    assert event.get("first", event["n"]) == self._last() + 1, (event, self.events[-3:])
                    self.events.append(event)

    def _last(self) -> int:
        return self.events[-1]["n"] if self.events else 0
