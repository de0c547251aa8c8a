"""Ctrl-C while a story is told: the first time it is asked to end, the second time the process does.

Not by trio's own signal receiver, which is heard only where the loop turns: a step that blocks the thread, or a cleanup
that is shielded and never comes to its end, must not keep anybody from leaving.
"""

import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

import trio

from narrate.cli.work import CANCELLED

REASONS = {signal.SIGINT: "You pressed Ctrl-C.", signal.SIGTERM: "The program was asked to stop."}

AS_FOUND = b"\x1b[?25h\x1b[?2004l\x1b[0m\r\n"
"""Shows the cursor again, in no colour, and has pastes be as before."""


@contextmanager
def interruptions(heard: Callable[[str], None]) -> Iterator[None]:
    """Have the first SIGINT or SIGTERM call `heard`, within trio's loop, with the reason as a sentence.

    The second ends the process with exit code 130, whatever blocks it, and with the terminal as it was found.
    """
    token = trio.lowlevel.current_trio_token()
    found = _terminal()
    asked = False

    def receive(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            _end_at_once(found)
        asked = True
        token.run_sync_soon(heard, REASONS[signal.Signals(number)])

    before = {number: signal.signal(number, receive) for number in REASONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminal() -> list[Any] | None:
    """The settings of the terminal that is read from; None where there is none."""
    with suppress(termios.error, OSError, ValueError, AttributeError):
        return termios.tcgetattr(sys.stdin.fileno())
    return None


def _end_at_once(found: list[Any] | None) -> NoReturn:
    with suppress(Exception):  # nothing may come between the user and the end
        if found is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, found)
        for stream in (sys.stdout, sys.stderr):
            if stream.isatty():
                os.write(stream.fileno(), AS_FOUND)
                break
    os._exit(CANCELLED)
