"""The process that serves a release. It outlives the run that started it, so it is found again by what it leaves.

`serving.json` says its process group and port, and is locked by the process itself (it inherits the open file) for as
long as it lives. So a file that nobody has locked is of a process that has gone, and no number that the system has
given to another program since is ever taken for it.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import trio

from children import GRACE, environment, findable
from narrate import Explained, say, show
from place import Place
from recipe import Serve

LAST_WORDS = 2_000
"""Bytes of the server's log that are shown when it does not answer."""


class NotHealthy(Explained):
    """The server of a release does not answer as it should."""

    title = "The server does not answer"


class PortTaken(Explained):
    """Some other program listens on the port."""

    title = "The port is taken"
    status = 409


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves, and where it listens."""

    group: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def maybe_serving(place: Place) -> Server | None:
    """The process that serves this place; None when there is none."""
    file = _file(place)
    if not file.exists():
        return None
    with file.open() as opened:
        if _is_free(opened):
            return None
        return Server(**json.load(opened))


async def stop(place: Place) -> Server | None:
    """End the process that serves this place, and what it has begun. What was ended, if anything was."""
    server = maybe_serving(place)
    if server is None:
        return None
    with trio.CancelScope(shield=True):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(server.group, number)
            with trio.move_on_after(GRACE):
                while maybe_serving(place) is not None:
                    await trio.sleep(0.01)
    return server


async def start(place: Place, release: Path, serve: Serve, port: int) -> Server:
    """Start the server of a release, where none runs. Raises CommandMissing, and PortTaken."""
    command = findable(serve.command, release)
    refuse_taken(port)
    with trio.CancelScope(shield=True), _file(place).open("a") as file, place.log.open("wb") as log:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)
        # A shell between, so that the server is nobody's child: it goes on, and nobody has to wait for its end.
        process = await trio.lowlevel.open_process(
            ["/bin/sh", "-c", '"$@" &', "sh", *command],
            cwd=release,
            env={**environment(), "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[file.fileno()],
            start_new_session=True,
        )
        json.dump({"group": process.pid, "port": port}, file)
        file.flush()
        await process.wait()
    return Server(process.pid, port)


async def wait_healthy(place: Place, server: Server, serve: Serve) -> None:
    """Ask until the server answers with a 2xx, and tell of each time it does not. Raises NotHealthy."""
    wait = 0.1
    wrong = "it has not answered"
    say(f"Asking {server.url}{serve.health} whether all is well.")
    async with httpx.AsyncClient(base_url=server.url, timeout=serve.within, trust_env=False) as client:
        with trio.move_on_after(serve.within):
            while (problem := await _maybe_problem(client, serve.health)) is not None:
                wrong = problem
                if maybe_serving(place) is None:
                    show("What the server said", _last_words(place))
                    raise NotHealthy("The server ended by itself.")
                say(f"Not yet: {wrong}. Asking again in {wait:g} s.")
                await trio.sleep(wait)
                wait = min(2 * wait, 5)
            say("It answers: all is well.")
            return
    show("What the server said", _last_words(place))
    raise NotHealthy(f"The server did not answer as it should within {serve.within:g} s: {wrong}.")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def refuse_taken(port: int) -> None:
    """Raises PortTaken where nobody could listen."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(
                f"Another program listens on port {port}, or you may not use it. Name another port."
            ) from error


async def _maybe_problem(client: httpx.AsyncClient, path: str) -> str | None:
    try:
        answer = await client.get(path)
    except httpx.TransportError:
        return "nobody answers"
    return None if answer.is_success else f"the answer is {answer.status_code} {answer.reason_phrase}".rstrip()


def _last_words(place: Place) -> str:
    with place.log.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_WORDS))
        return log.read().decode(errors="replace")


def _file(place: Place) -> Path:
    return place.folder / "serving.json"


def _is_free(file: IO[str]) -> bool:
    """Whether nobody has locked it. A look in passing: the lock goes again with the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
