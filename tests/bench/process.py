"""A server in a process of its own, and what it has used: read from outside, so that measuring costs it nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

STOP_WITHIN = 10
"""Seconds to stop when asked; then it is killed."""


class Server:
    """A server that runs, as its client sees it."""

    def __init__(self, process: subprocess.Popen[bytes], module: str) -> None:
        self._process, self._module = process, module
        self._proc = Path("/proc") / str(process.pid)

    @cached_property
    def port(self) -> int:
        """Where it listens; waits until it does, so that several can begin at once."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"{self._module} did not start"
        return int(line)

    def cpu_seconds(self) -> float:
        """What its threads have run, user and system together, to the nanosecond."""
        spent = (task / "schedstat" for task in (self._proc / "task").iterdir())
        return sum(int(path.read_text().split()[0]) for path in spent) / 1e9

    def resident_bytes(self) -> int:
        """What of its memory is in RAM."""
        return int((self._proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(module: str, *arguments: object) -> Iterator[Server]:
    """Run `python -m module`, which prints its port once it listens, and stop it at the block's end."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield Server(process, module)
        finally:
            process.terminate()
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
