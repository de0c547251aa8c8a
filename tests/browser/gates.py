"""Gates: places in a step where it waits until the test says so, in whatever process the step runs.

So a run can be looked at in any of its states without a sleep: the test opens one gate, sees what came of it, and opens
the next. The gates are the test's own and outlive a server that is killed: a step that is gone on with finds those
open that were opened before.
"""

import os
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import trio

ADDRESS = "NARRATE_TEST_GATES"
"""The environment variable that tells a server where the gates are: the path of a Unix socket."""

PATIENCE = 30
"""Seconds after which a test gives up that waits for a step to come to a gate. None waits for long that passes."""


async def passed(name: str) -> None:
    """Wait at the gate of this name until it is open. Raises EOFError when the test has gone."""
    stream = await trio.open_unix_socket(os.environ[ADDRESS])
    async with stream:
        await stream.send_all(f"{name}\n".encode())
        if not await stream.receive_some(1):
            raise EOFError(f"nobody will open the gate {name}")


class Gates:
    """All gates of the tests. Each is shut until it is opened, and stays open until all are shut again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changed = threading.Condition()
        self._open: set[str] = set()
        self._waiting: dict[str, list[socket.socket]] = defaultdict(list)
        self._came: Counter[str] = Counter()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(128)
        self._threads = [threading.Thread(target=self._listen)]

    def __enter__(self) -> "Gates":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self.shut()
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def open(self, *names: str) -> None:
        """Let through whoever waits at these gates and whoever comes to them."""
        with self._changed:
            self._open.update(names)
            for name in names:
                for waiting in self._waiting[name]:
                    _let_through(waiting)

    def shut(self) -> None:
        """Shut all gates. Who waits at one is sent away: its step fails."""
        with self._changed:
            self._open.clear()
            self._came.clear()
            for waiting in [one for those in self._waiting.values() for one in those]:
                waiting.shutdown(socket.SHUT_RDWR)

    def wait_reached(self, name: str, times: int = 1) -> None:
        """Wait until so many steps have come to the gate since all were shut."""
        self._wait(lambda: self._came[name] >= times, f"no step came to the gate {name}")

    def wait_left(self, name: str) -> None:
        """Wait until nobody is at the gate: all that came have passed, or are no more."""
        self._wait(lambda: not self._waiting[name], f"somebody is still at the gate {name}")

    def came(self, name: str) -> int:
        """How many have come to the gate since all were shut."""
        with self._changed:
            return self._came[name]

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE), otherwise

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:  # it was shut down
                return
            thread = threading.Thread(target=self._attend, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _attend(self, connection: socket.socket) -> None:
        """One step at a gate, until it has gone: through, or away, or with its process."""
        with connection, connection.makefile("rb") as words:
            name = words.readline().decode().strip()
            with self._changed:
                self._waiting[name].append(connection)
                self._came[name] += 1
                if name in self._open:
                    _let_through(connection)
                self._changed.notify_all()
            with suppress(ConnectionResetError):
                words.read()
            with self._changed:
                self._waiting[name].remove(connection)
                self._changed.notify_all()


def _let_through(waiting: socket.socket) -> None:
    with suppress(OSError):  # it has gone meanwhile
        waiting.sendall(b"\n")
