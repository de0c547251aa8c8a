"""A real server on a free port for tests, and a client by hand that reads no further than it is asked to."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import trio
import trio.testing
from quart_trio import QuartTrio

from narrate import Pipeline, step
from narrate.events import Event, RunId
from narrate.server import Options
from narrate.server.app import Service, create_app, service_of
from narrate.server.serving import serve
from narrate.wire.sse import Decoder


@dataclass
class Served:
    """A server that is up. `stop` ends it; `stopped` is set when it has ended by itself."""

    url: str
    app: QuartTrio
    client: httpx.AsyncClient
    stop: trio.Event = field(default_factory=trio.Event)
    stopped: trio.Event = field(default_factory=trio.Event)

    @property
    def service(self) -> Service:
        return service_of(self.app)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def record_of(self, answer: httpx.Response) -> Sequence[Event]:
        """The record of the run that an answer tells of, as far as it has come."""
        reader = await self.service.narrator.journal.maybe_reader(RunId(answer.headers["narrate-run"]))
        assert reader is not None
        return reader.take_nowait()

    async def wire(self, receive_buffer: int | None = None) -> "Wire":
        """A connection by hand."""
        raw = trio.socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await raw.connect(("127.0.0.1", self.port))
        return Wire(trio.SocketStream(raw))

    async def asked(self, path: str = "/story", data: Any = None, **how: Any) -> "Wire":
        """A connection on which a pipeline has been asked for, and whose head is still to be read."""
        wire = await self.wire(how.pop("receive_buffer", None))
        await wire.send(post(path, data, **how))
        return wire


@asynccontextmanager
async def served(*pipelines: Pipeline, app: QuartTrio | None = None, **given: Any) -> AsyncIterator[Served]:
    """Serve pipelines, or an app; keywords go to `create_app` and, as `serving={...}`, to `serve`.

    Where no options are given, the runs have no grace when it stops.
    """
    serving = given.pop("serving", {})
    given.setdefault("options", Options(grace=0))
    app = app or create_app(*pipelines, **given)
    stop, stopped = trio.Event(), trio.Event()
    failure: Exception | None = None

    async def run(task_status: trio.TaskStatus[str]) -> None:
        await serve(app, port=0, stop=stop.wait, task_status=task_status, **serving)
        stopped.set()

    async with trio.open_nursery() as nursery:
        url = await nursery.start(run)
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            try:
                yield Served(url, app, client, stop, stopped)
            except Exception as error:  # noqa: BLE001
                failure = error  # raised below, outside the nursery that would wrap it
                nursery.cancel_scope.cancel()
        stop.set()
    if failure is not None:
        raise failure


class Process:
    """`narrate serve` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "narrate", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def line(self) -> str:
        """The next line it says; empty when it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def address(self) -> str:
        """Where its first pipeline answers."""
        return self.line().split("POST ")[1].strip()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Its exit code, and what it has said since, on both streams."""
        out, err = self._process.communicate(timeout=30)
        return self._process.returncode, out, err


def post(path: str = "/story", data: Any = None, *, accept: str = "text/event-stream", headers: str = "") -> bytes:
    """A POST as bytes, with `data` as its JSON; None sends no body."""
    body = b"" if data is None else json.dumps(data).encode()
    kind = "Content-Type: application/json\r\n" if body else ""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n{kind}{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def get(path: str, *, method: str = "GET", headers: str = "") -> bytes:
    """A request without a body as bytes."""
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


class Wire:
    """One connection. Sends bytes; reads a response head, its chunks, and whatever else comes, one by one."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.ended = False
        self._unread = b""
        self._decoder = Decoder()
        self._events: list[dict[str, Any]] = []

    async def __aenter__(self) -> "Wire":
        return self

    async def __aexit__(self, *_: object) -> None:
        await trio.aclose_forcefully(self.stream)

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def read_until(self, mark: bytes) -> bytes:
        """Everything up to and with the mark. Raises EOFError when the other end closes first."""
        while mark not in self._unread:
            more = await self.stream.receive_some()
            if not more:
                raise EOFError(self._unread)
            self._unread += more
        found, _, self._unread = self._unread.partition(mark)
        return found + mark

    async def read(self, count: int) -> bytes:
        while len(self._unread) < count:
            more = await self.stream.receive_some()
            if not more:
                raise EOFError(self._unread)
            self._unread += more
        found, self._unread = self._unread[:count], self._unread[count:]
        return found

    async def head(self) -> tuple[int, httpx.Headers]:
        """A response's status and headers."""
        lines = (await self.read_until(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(": ") for line in lines[1:] if line]
        return int(lines[0].split(" ")[1]), httpx.Headers([(name, value) for name, _, value in pairs])

    async def answer(self) -> tuple[int, httpx.Headers, Any]:
        """A whole response with a length, its body read as JSON."""
        status, headers = await self.head()
        return status, headers, json.loads(await self.read(int(headers["content-length"])))

    async def chunk(self) -> bytes:
        """The next chunk of a body; empty at its clean end. Raises EOFError when it is cut."""
        size = int(await self.read_until(b"\r\n"), 16)
        data = (await self.read(size + 2))[:-2]
        self.ended = not data
        return data

    async def body(self) -> bytes:
        """All the chunks to the clean end."""
        chunks = []
        while chunk := await self.chunk():
            chunks.append(chunk)
        return b"".join(chunks)

    async def event(self) -> dict[str, Any]:
        """The next server-sent event. Raises EOFError when the stream ends, cleanly or not."""
        while not self._events:
            chunk = await self.chunk()
            if not chunk:
                raise EOFError("the stream has ended")
            self._events = [json.loads(event.data) for event in self._decoder.feed(chunk)]
        return self._events.pop(0)

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this type, passing over others."""
        while (event := await self.event())["type"] != kind:
            pass
        return event

    async def until_started(self) -> dict[str, Any]:
        """The head, and the events up to the first step's start."""
        await self.head()
        return await self.until("step.started")

    def reset(self) -> None:
        """Close with a RST, as a client that crashes does."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.stream.socket.close()


def heard(body: bytes) -> list[dict[str, Any]]:
    """The events in a whole server-sent stream, as dicts; `id` is added where there was one."""
    return [json.loads(event.data) for event in Decoder().feed(body)]


def one_step(fn: Callable[..., Any], **options: Any) -> Pipeline:
    """The pipeline `story` with this one step."""
    return Pipeline("story", step("Working")(fn), **options)


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until it is so and all are done with it. By the wall clock: a test's may stand still."""
    latest = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < latest, "it never came to that"
        await trio.testing.wait_all_tasks_blocked()
    await trio.testing.wait_all_tasks_blocked()
