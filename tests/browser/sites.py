"""Servers for the tests in a browser: `narrate serve` in a process of its own, which may die and come back."""

import signal
from collections.abc import Sequence
from types import TracebackType
from urllib.parse import urlsplit

from tests.serving import Process

PIPELINES = "tests.browser.pipelines"


class Site:
    """A server of pipelines at one address, from its first start to the last of its lives.

    `targets` are names in `tests.browser.pipelines`, or targets as the command line takes them; none are all of that
    module. `options` are those of `narrate serve`.
    """

    def __init__(self, *targets: str, options: Sequence[str] = ()) -> None:
        self._targets = [target if ":" in target else f"{PIPELINES}:{target}" for target in targets] or [PIPELINES]
        self._options = ["--no-access-log", "--grace", "0", *options]
        self._process: Process | None = None
        self._port = 0
        self.url = ""

    def __enter__(self) -> "Site":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Serve, at the same address as before if there was one, and return when it is up."""
        process = self._process = Process(*self._targets, *self._options, "--port", str(self._port))
        while not (line := process.line()).startswith("Open "):
            assert line, f"the server did not start: {process.end()}"
        self.url = line.split()[1].rstrip("/")
        self._port = urlsplit(self.url).port or 0

    def kill(self) -> None:
        """End it as a crash does: nothing is said or put away. Nothing happens where none runs."""
        if self._process is not None:
            self._process.signal(signal.SIGKILL)
            self._process.end()
            self._process = None
