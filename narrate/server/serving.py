"""The app on Hypercorn's trio worker, from the bound port to a clean stop.

Apart from the app because this half owns the process: sockets, signals, the access log.
"""

import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext

import trio
from hypercorn.config import Config, Sockets
from hypercorn.trio import serve as hypercorn_serve
from hypercorn.utils import LifespanFailureError
from quart_trio import QuartTrio

from narrate.errors import NarrateError
from narrate.server.app import Service, service_of

BACKLOG = 2048
"""Connections that may wait to be accepted. Hypercorn's own 100 makes a burst of 600 take seconds."""

STUCK_AFTER = 30
"""Seconds after which a connection is given up whose other end takes nothing. The kernel counts, so that a reader which
has stopped reading can neither hold up a stop nor keep its socket for ever; it may come back and resume."""

DRAIN_WITHIN = 5
"""Seconds that open streams have, when the server stops, to take their last word; the runs' grace comes before."""


class CannotServe(NarrateError):
    """The server could not start. The text says why, and what would help."""


class _Config(Config):
    """Hypercorn's, for a socket that is there already."""

    listening: socket.socket

    def create_sockets(self) -> Sockets:
        return Sockets(secure_sockets=[], insecure_sockets=[self.listening], quic_sockets=[])


async def serve(
    app: QuartTrio,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    listening: socket.socket | None = None,
    stop: Callable[[], Awaitable[None]] | None = None,
    drain_within: float = DRAIN_WITHIN,
    stuck_after: float = STUCK_AFTER,
    waits: Callable[[int, float], None] | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an app made by `create_app` until `stop` returns (by default, until SIGINT or SIGTERM).

    Starts by reporting the address it answers at; port 0 takes a free one. A socket that is `listening` already, made
    by `listen`, takes the place of `host`, `port` and `stuck_after`, and is closed in the end.

    Then new runs are refused. Those that cannot be handed to the next start have the `grace` of the app's options to
    end by themselves. Streams end after asking their readers to reconnect, for which they have `drain_within` seconds
    more, and what still runs is cancelled or handed over. A reader who takes nothing for `stuck_after` seconds is cut
    off. `waits` is told for how many runs, and how many seconds at most, a stop has to wait. Raises CannotServe.
    """
    config = _Config()
    config.backlog = BACKLOG
    config.errorlog = "-"
    config.loglevel = "WARNING"
    config.include_server_header = False
    service = service_of(app)

    async def drained() -> None:
        await wait_stop()
        grace = service.options.grace
        if waits is not None and grace and (count := service.ending):
            waits(count, grace)
        with trio.move_on_after(grace + drain_within):
            await service.drain(grace)
        # A step that cannot be stopped (it blocks a thread) must not cost the readers of others their last word.
        with trio.move_on_after(drain_within):
            await service.streams.drain()

    listening = listening or listen(host, port, stuck_after)
    with listening as config.listening, nullcontext(stop) if stop is not None else _signals() as wait_stop:
        try:
            await hypercorn_serve(app, config, shutdown_trigger=drained, task_status=_Up(service, task_status))
        except BaseExceptionGroup as group:
            if service.failure is None or not group.subgroup(LifespanFailureError):
                raise
            raise CannotServe(_opening_failure(service.failure)) from service.failure


def listen(host: str, port: int, stuck_after: float = STUCK_AFTER) -> socket.socket:
    """A listening socket, with the bound on stuck readers, which every connection has from the one that listens.

    Port 0 takes a free one. Raises CannotServe.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stuck_after * 1000))
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotServe(_bind_failure(error, host, port)) from error
    listening.setblocking(False)
    return listening


class _Up(trio.TaskStatus[list[str]]):
    """Passes the address on. Not when the app has failed to start, of which Hypercorn may hear only a moment later."""

    def __init__(self, service: Service, task_status: trio.TaskStatus[str]) -> None:
        self._service = service
        self._task_status = task_status

    def started(self, value: list[str] | None = None) -> None:
        if self._service.failure is None and value:
            self._task_status.started(value[0])


@contextmanager
def _signals() -> Iterator[Callable[[], Awaitable[None]]]:
    """Listens for SIGINT and SIGTERM, from before anybody is told that the server is up; gives what waits for one.

    A second one ends the process as if nobody had listened, whatever blocks it.
    """
    before = signal.getsignal(signal.SIGINT)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:

        async def wait_signal() -> None:
            await anext(signals)
            # Not Python's KeyboardInterrupt: raised within a resource that closes, it is one more error in the log.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

        yield wait_signal
    signal.signal(signal.SIGINT, before)


def _opening_failure(error: BaseException) -> str:
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, NarrateError):
        return str(first)
    told = " ".join(str(first).split())
    return f"A resource could not be opened: {type(first).__name__}{': ' if told else ''}{told.rstrip('.')}."


def _bind_failure(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use already. Choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used without more rights. Choose one above 1023 with --port."
    return f"Cannot listen on {host}:{port}: {error.strerror}."
