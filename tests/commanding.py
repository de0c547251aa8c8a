"""`narrate` as a command: run to its end, or in a process of its own that a test listens to and interrupts."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping

from click.testing import CliRunner, Result

from narrate.cli.commands import narrate

HERE = "tests/commanded.py"
"""The file with the pipelines that are commanded."""


def ask(*arguments: object, **how: object) -> Result:
    """The command in this process, to its end."""
    return CliRunner().invoke(narrate, [str(argument) for argument in arguments], **how)


def untimed(text: str) -> str:
    """A text in which all took 0.0 s: what a test compares does not depend on how busy the machine is."""
    return re.sub(r"\b\d+\.\d s", "0.0 s", text)


class Command:
    """The command in a process of its own, whose standard output is read line by line."""

    def __init__(self, *arguments: object, env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "narrate", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})},
        )

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def until(self, what: str) -> str:
        """What it says up to the first line with this in it. Fails when it ends before."""
        heard = ""
        for line in self._stdout:
            heard += line
            if what in line:
                return heard
        raise AssertionError(f"It never said {what!r}, but: {heard}{self._process.communicate()}")

    def until_noted(self, what: str) -> str:
        """Read what it says beside the story, up to the first line with this in it; that line."""
        assert self._process.stderr is not None
        while what not in (line := self._process.stderr.readline()):
            assert line, f"It never noted {what!r}."
        return line

    def stop_listening(self) -> None:
        """Close its standard output, as `head` does when it has had enough."""
        self._stdout.close()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Its exit code, and what it has said since on both streams."""
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out, err

    def wait_ended(self) -> tuple[int, str]:
        """Its exit code, and what it has said beside the story."""
        assert self._process.stderr is not None
        said = self._process.stderr.read()
        return self._process.wait(60), said

    @property
    def _stdout(self):
        assert self._process.stdout is not None
        return self._process.stdout
