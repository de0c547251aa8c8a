"""A net between the browser and a server that can go silent or be cut, as nets do: bytes pass, or they do not."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit


class Net:
    """Carries connections from an address of its own to a server's, which it takes from `behind`.

    `hush` has the bytes of all connections, and of those to come, wait on their way; nobody is told. `cut` ends the
    connections that are there, and refuses others. `mend` undoes both: what has waited arrives.
    """

    def __init__(self, behind: str) -> None:
        self._behind = ("127.0.0.1", urlsplit(behind).port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._listen)]
        self._ends: list[socket.socket] = []
        self._passing = threading.Event()
        self._passing.set()
        self._refusing = False
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> "Net":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listening.close()
        self._passing.set()
        self.cut()
        for thread in self._threads:
            thread.join()

    def hush(self) -> None:
        self._passing.clear()

    def cut(self) -> None:
        self._refusing = True
        for end in self._ends:
            _end(end)

    def mend(self) -> None:
        self._refusing = False
        self._passing.set()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:  # it was shut down
                return
            if self._refusing:
                near.close()
                continue
            far = socket.create_connection(self._behind)
            self._ends += [near, far]
            both = threading.Barrier(2)
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=(source, sink, both))
                self._threads.append(thread)
                thread.start()

    def _carry(self, source: socket.socket, sink: socket.socket, both: threading.Barrier) -> None:
        """Carry one direction to its end. The last of the two closes a socket, so that neither reads another's."""
        with suppress(OSError):
            while data := source.recv(65536):
                self._passing.wait()
                sink.sendall(data)
        _end(sink)
        _end(source)
        both.wait()
        source.close()


def _end(end: socket.socket) -> None:
    with suppress(OSError):  # it has ended already
        end.shutdown(socket.SHUT_RDWR)
