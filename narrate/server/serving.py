"""The app on Hypercorn's trio worker, from the bound port to a clean stop.

Apart from the app because this half owns the process: sockets, signals, the access log.
"""

import errno
import logging
import signal
import socket
from collections.abc import Awaitable, Callable

import trio
from hypercorn.config import Config, Sockets
from hypercorn.trio import serve as hypercorn_serve
from hypercorn.utils import LifespanFailureError
from quart_trio import QuartTrio

from narrate.errors import NarrateError
from narrate.server.app import service_of

BACKLOG = 2048
"""Connections that may wait to be accepted. Hypercorn's own 100 makes a burst of 600 take seconds."""

STUCK_AFTER = 30
"""Seconds after which a connection is given up whose other end takes nothing. The kernel counts, so that a reader which
has stopped reading can neither hold up a stop nor keep its socket for ever; it may come back and resume."""

DRAIN_WITHIN = 5
"""Seconds that open streams have, when the server stops, to take their last word."""


class CannotServe(NarrateError):
    """The server could not start. The text says why, and what would help."""


class _Config(Config):
    """Hypercorn's, with the bound on stuck readers on all sockets: one accepted has it from the one that listens."""

    stuck_after: float = STUCK_AFTER

    def create_sockets(self) -> Sockets:
        sockets = super().create_sockets()
        for each in (*sockets.secure_sockets, *sockets.insecure_sockets):
            if hasattr(socket, "TCP_USER_TIMEOUT") and each.family != socket.AF_UNIX:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.stuck_after * 1000))
        return sockets


async def serve(
    app: QuartTrio,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    access_log: logging.Logger | None = None,
    stop: Callable[[], Awaitable[None]] | None = None,
    drain_within: float = DRAIN_WITHIN,
    stuck_after: float = STUCK_AFTER,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an app made by `create_app` until `stop` returns (by default, until SIGINT or SIGTERM).

    Each request is logged, without its query, to `access_log` when there is one.

    Starts by reporting the address it answers at; port 0 takes a free one. Then new runs are refused, streams end after
    asking their readers to reconnect, and what still runs is cancelled. Raises CannotServe.
    """
    config = _Config()
    config.bind = [f"{host}:{port}"]
    config.backlog = BACKLOG
    config.accesslog = access_log
    config.access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(L)s s'  # without the query, which may hold a secret
    config.errorlog = "-"
    config.loglevel = "WARNING"
    config.include_server_header = False
    config.stuck_after = stuck_after
    service = service_of(app)
    up = _Up(task_status)

    async def drained() -> None:
        await (stop or wait_signal)()
        with trio.move_on_after(drain_within):
            await service.streams.drain()

    try:
        await hypercorn_serve(app, config, shutdown_trigger=drained, task_status=up)
    except BaseExceptionGroup as group:
        if service.failure is not None and group.subgroup(LifespanFailureError):
            raise CannotServe(_opening_failure(service.failure)) from service.failure
        if not up.reported and (refused := group.subgroup(OSError)):
            raise CannotServe(_bind_failure(_first(refused), host, port)) from group
        raise


class _Up(trio.TaskStatus[list[str]]):
    """Passes the first of the addresses on, and remembers that it did."""

    def __init__(self, task_status: trio.TaskStatus[str]) -> None:
        self.reported = False
        self._task_status = task_status

    def started(self, value: list[str] | None = None) -> None:
        assert value
        self.reported = True
        self._task_status.started(value[0])


async def wait_signal() -> None:
    """Wait for SIGINT or SIGTERM. A second one ends the process as if nobody had listened."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            return


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _opening_failure(error: BaseException) -> str:
    first = _first(error)
    if isinstance(first, NarrateError):
        return str(first)
    told = " ".join(str(first).split())
    return f"A resource could not be opened: {type(first).__name__}{': ' if told else ''}{told.rstrip('.')}."


def _bind_failure(error: BaseException, host: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"Port {port} is in use already. Choose another with --port."
    if number == errno.EACCES:
        return f"Port {port} may not be used without more rights. Choose one above 1023 with --port."
    return f"Cannot listen on {host}:{port}: {error}."
