"""Several worker processes on one listening socket, and the parent that looks after them and serves nothing itself.

A worker is this program started anew, not a fork, so that it shares nothing with the parent but two sockets: the one
that listens, and its line.
"""

import logging
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence

import trio

from narrate.server.serving import CannotServe
from narrate.server.worker import Cannot, Up, word_of

log = logging.getLogger("narrate")

AT_ONCE = 10.0
"""A worker that has lived for fewer seconds than this has died at once."""

PATIENCE = 1.0
"""Seconds that workers have to end at a stop before it is said that they are waited for."""

PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds to wait before a worker is replaced that was the first, second, … of a row to die at once."""


def pause_after(deaths: int) -> float:
    """Seconds to wait before a worker is replaced, when it was the last of so many to die at once."""
    return PAUSES[min(deaths, len(PAUSES)) - 1]


async def supervise(
    command: Sequence[str],
    arguments: Sequence[str],
    listening: socket.socket,
    count: int,
    tell: Callable[[Up], None],
    waits: Callable[[], object] = lambda: None,
) -> None:
    """Keep `count` workers serving at a socket made by `listen` until SIGINT or SIGTERM; then stop them and wait.

    A worker is `command`, then the option `--worker` with the numbers of the socket and of the line, then `arguments`.
    One that ends unasked is replaced, at once or after a pause that grows. When each has been started once, `tell` is
    called with what they said, as if one had said it. A second signal ends them and this process at once; `waits` is
    called where they have not ended soon after the first.

    Raises CannotServe when a worker ends before it is up and there is no other: nobody would serve.
    """
    with listening, trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        workers = _Workers((*command, "--worker"), arguments, listening)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(workers.obey, signals, waits)
            await workers.keep(count, tell)
            nursery.cancel_scope.cancel()
    if workers.given_up is not None:
        raise CannotServe(workers.given_up)


class _Worker:
    """One worker process, and the parent's end of its line."""

    def __init__(self, process: trio.Process, line: socket.socket) -> None:
        self.process = process
        self.line = trio.SocketStream(trio.socket.from_stdlib_socket(line))

    async def word(self) -> Up | Cannot | None:
        """What it says; None when it ends without a word."""
        said = b""
        while not said.endswith(b"\n"):
            more = await self.line.receive_some()
            if not more:
                return None
            said += more
        return word_of(said)

    async def end(self) -> None:
        """See to it that it has ended."""
        with trio.CancelScope(shield=True):
            self.process.kill()
            await self.process.wait()
            await self.line.aclose()


class _Workers:
    """All of them."""

    def __init__(self, command: Sequence[str], arguments: Sequence[str], listening: socket.socket) -> None:
        self.given_up: str | None = None
        self._command = command
        self._arguments = arguments
        self._listening = listening
        self._running: set[_Worker] = set()
        self._stopping = trio.Event()
        self._address: str | None = None
        self._picked_up = 0

    async def keep(self, count: int, tell: Callable[[Up], None]) -> None:
        """Keep so many running until they are to stop and have."""
        async with trio.open_nursery() as nursery:
            # The first one alone: what keeps it from starting would keep them all, and is to be said once.
            await self._begin(1, nursery)
            if not self._stopping.is_set():
                await self._begin(count - 1, nursery)
            if self._address is not None:
                tell(Up(self._address, self._picked_up))

    async def obey(self, signals: AsyncIterator[int], waits: Callable[[], object]) -> None:
        """On the first signal let all stop; on the second end all and this process."""
        await anext(signals)
        self._stop()
        number = None
        with trio.move_on_after(PATIENCE):
            number = await anext(signals)
        if number is None:
            waits()
            number = await anext(signals)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for worker in self._running:
            worker.process.kill()
        for worker in tuple(self._running):
            await worker.process.wait()
        os.kill(os.getpid(), number)

    def _stop(self) -> None:
        self._stopping.set()
        self._listening.close()  # so that nobody can connect any more once the workers have closed theirs
        for worker in self._running:
            worker.process.terminate()

    async def _begin(self, count: int, nursery: trio.Nursery) -> None:
        tried = [trio.Event() for _ in range(count)]
        for one in tried:
            nursery.start_soon(self._keep_one, one)
        for one in tried:
            await one.wait()

    async def _keep_one(self, tried: trio.Event) -> None:
        deaths = 0
        while not self._stopping.is_set():
            began = trio.current_time()
            was_up, how = await self._live_one(tried)
            if self._stopping.is_set():
                break
            if not was_up and not self._running:
                self.given_up = how
                self._stop()
                break
            tried.set()
            deaths = deaths + 1 if trio.current_time() - began < AT_ONCE else 1
            pause = pause_after(deaths)
            log.error("%s Another takes its place%s.", how, f" in {pause:g} s" if pause else "")
            with trio.move_on_after(pause):
                await self._stopping.wait()
        tried.set()

    async def _live_one(self, tried: trio.Event) -> tuple[bool, str]:
        """Start one and wait until it has ended. Whether it was up, and how it ended, in a sentence."""
        try:
            worker = await self._start()
        except OSError as error:
            return False, f"A worker could not be started: {error.strerror}."
        try:
            said = await worker.word()
            if isinstance(said, Up):
                self._address = said.address
                self._picked_up += said.picked_up
                tried.set()
            code = await worker.process.wait()
        finally:
            await worker.end()
            self._running.discard(worker)
        if isinstance(said, Cannot):
            return False, said.reason
        ended = (
            f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with exit code {code}"
        )
        up = "" if said else " before it was up"
        return said is not None, f"A worker (process {worker.process.pid}) {ended}{up}."

    async def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        # Copies, because the parent closes its listening socket when it is to stop, be that in this very moment.
        with theirs, self._listening.dup() as listening:
            passed = (listening.fileno(), theirs.fileno())
            try:
                process = await trio.lowlevel.open_process(
                    [*self._command, *map(str, passed), *self._arguments],
                    stdin=subprocess.DEVNULL,
                    pass_fds=passed,
                    # Ctrl-C signals all that is of the terminal's group. What comes of it is for the parent to say,
                    # and a worker may be about to import, where nobody listens and it would be a traceback.
                    process_group=0,
                )
            except BaseException:
                ours.close()
                raise
        worker = _Worker(process, ours)
        self._running.add(worker)
        if self._stopping.is_set():
            process.terminate()
        return worker
