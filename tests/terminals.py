"""A command in a real terminal of a fixed size, which tmux keeps: its screen is read, keys are pressed, it is resized.

Whoever looks waits for what is to be seen there, and no longer; a terminal that does not show it in time says what it
shows instead.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

PATIENCE = 30.0
"""Seconds until a terminal that shows something else is given up."""

ROOT = Path(__file__).parents[1]


USUAL: Mapping[str, str | None] = {
    "LC_ALL": "C.UTF-8",
    "PS1": "$ ",
    "PYTHONUNBUFFERED": "1",
    **dict.fromkeys(("CI", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")),
}
"""The environment in a terminal: whatever stands in that of the tests, its size is measured and colours are wanted."""

ENDED = 'echo "[ended: $?]"; exec sleep 600'
"""What is said when a command has ended, in a terminal that stays to be looked at."""


class Terminal:
    """One terminal. Made by `terminal`."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def screen(self) -> str:
        """What is on it now: its lines, without the blanks at their ends and without the empty ones below."""
        return _trimmed(self._tmux("capture-pane", "-p"))

    def all(self) -> str:
        """What is on it, and before that all that has scrolled away; lines that it broke are whole."""
        return _trimmed(self._tmux("capture-pane", "-p", "-J", "-S", "-"))

    def codes(self) -> str:
        """What is on it, with the codes of its colours."""
        return self._tmux("capture-pane", "-p", "-e")

    def wait_for(self, what: str) -> str:
        """Wait until this is to be seen; the whole screen then."""
        return self.wait_until(lambda screen: what in screen, repr(what))

    def wait_until(self, claim: Callable[[str], bool], what: str) -> str:
        """Wait until something is true of the screen; the screen then. `what` says it in the words of a failure."""
        until = time.monotonic() + PATIENCE
        while not claim(screen := self.screen()):
            assert time.monotonic() < until, f"The terminal never showed {what}, but:\n{screen}"
            time.sleep(0.02)
        return screen

    def press(self, *keys: str) -> None:
        """Press keys by the names that tmux has for them, such as `d`, `C-c` or `Enter`."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text as it is, and Return."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def paste(self, text: str) -> None:
        """Paste a text, as a terminal does that says where it begins and ends to who wants to know."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", "-p")

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


@contextmanager
def terminal(
    command: Sequence[str] | None = None,
    *,
    columns: int = 80,
    rows: int = 24,
    env: Mapping[str, str | None] | None = None,
) -> Iterator[Terminal]:
    """A terminal in which a command runs, or a shell that prompts with `$ `; when the command ends it says so.

    `env` is added to the environment; None takes a variable away. Without tmux the test is skipped, but in CI it fails.
    """
    if shutil.which("tmux") is None:
        missing = "There is no tmux on the PATH; .ci/packages installs it."
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    socket = f"narrate-{uuid4().hex[:12]}"
    run = ["bash", "--norc", "--noprofile"] if command is None else ["sh", "-c", f"{shlex.join(command)}; {ENDED}"]
    given = {**USUAL, **(env or {})}
    unset = [part for name, value in given.items() if value is None for part in ("-u", name)]
    words = ["env", *unset, *[f"{name}={value}" for name, value in given.items() if value is not None], *run]
    size = ("-x", str(columns), "-y", str(rows))
    tmux = ["tmux", "-L", socket, "-f", os.devnull, "-u"]
    subprocess.run([*tmux, "new-session", "-d", *size, "-c", str(ROOT), shlex.join(words)], check=True)
    try:
        yield Terminal(socket)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)


def python(*arguments: str) -> Sequence[str]:
    """The command that runs Python with these arguments."""
    return [sys.executable, *arguments]


def _trimmed(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip("\n")
