"""One of several worker processes: it serves at a socket that its parent listens at, and does not outlive that.

Its line to the parent is a socket, too. On it the worker says once that it is up, or why it cannot be. After that
nothing is said; but the line's end tells each of the two that the other has gone, however that went.
"""

import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType

import msgspec
import trio
from quart_trio import QuartTrio

from narrate.errors import NarrateError
from narrate.server.app import service_of
from narrate.server.serving import serve

ORPHANED_WITHIN = 20.0
"""Seconds, beside the runs' grace, after which a worker whose parent has gone is ended, whatever blocks it. Nobody is
left who could signal it a second time, and the port is taken for as long as it lives."""


class Up(msgspec.Struct, frozen=True, tag="up"):
    """What a worker says when it serves: where, and how many interrupted runs it goes on with."""

    address: str
    picked_up: int


class Cannot(msgspec.Struct, frozen=True, tag="cannot"):
    """What a worker says when it cannot serve: the one sentence why."""

    reason: str


def word_of(line: bytes) -> Up | Cannot:
    """What was said on a line."""
    return msgspec.json.decode(line, type=Up | Cannot)


class Line:
    """A worker's end of the line to its parent: a context manager."""

    def __init__(self, number: int) -> None:
        os.set_inheritable(number, False)  # a process of a step's must not hold it
        self._socket = socket.socket(fileno=number)
        self._ended = threading.Event()

    def __enter__(self) -> "Line":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Have the parent say what goes wrong within, if that is an error of ours; then the process ends."""
        try:
            yield
        except NarrateError as error:
            self.say(Cannot(str(error)))
            raise SystemExit(1) from error

    def say(self, word: Up | Cannot) -> None:
        """Say it, if the parent is there."""
        with suppress(OSError):
            self._socket.sendall(msgspec.json.encode(word) + b"\n")

    def watch(self, gone: Callable[[], None], within: float, end: Callable[[int], None] = os._exit) -> None:
        """Call `gone` when the parent has gone, and `end` so many seconds later if the line is still in use."""
        # A thread, since it must not wait for anything that blocks the one that serves.
        threading.Thread(target=self._watch, args=(gone, within, end), name="narrate-parent", daemon=True).start()

    def _watch(self, gone: Callable[[], None], within: float, end: Callable[[int], None]) -> None:
        with suppress(OSError):
            self._socket.recv(1)
        if not self._ended.is_set():
            gone()
        if not self._ended.wait(within):
            end(1)


async def work(app: QuartTrio, number: int, line: Line) -> None:
    """Serve an app at the listening socket with this number, as one of several workers. Raises CannotServe.

    Ends on SIGINT or SIGTERM, and when the parent has gone. It is for the parent to end a worker that has been
    signalled already: the same signal may well come twice, from it and from who looks after all processes of a service.
    """
    os.set_inheritable(number, False)
    listening = socket.socket(fileno=number)
    stop = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def gone() -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(stop.set)

    line.watch(gone, service_of(app).options.grace + ORPHANED_WITHIN)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as listener:
            listener.start_soon(_heed, signals, stop)
            async with trio.open_nursery() as nursery:
                address = await nursery.start(partial(serve, app, listening=listening, stop=stop.wait))
                line.say(Up(address, service_of(app).picked_up))
            listener.cancel_scope.cancel()


async def _heed(signals: AsyncIterator[int], stop: trio.Event) -> None:
    async for _ in signals:
        stop.set()
