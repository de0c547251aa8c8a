"""Keys as they are pressed, without Return: the terminal's own settings are changed meanwhile, and always put back.

Ctrl-C is left to the terminal, which makes a signal of it.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import trio

from narrate.terminal.pressed import Decoder, Pressed

if sys.platform != "win32":  # where a console has no such settings, and `maybe_keyboard` finds nothing
    import termios
    import tty

PASTES, PASTES_NOT = "\x1b[?2004h", "\x1b[?2004l"
"""What has a terminal say where a pasted text begins and ends (bracketed paste), and say it no more."""

ESCAPE_ALONE = 0.05
"""Seconds after which an escape was the key of that name, and not the beginning of an arrow or the like."""


def maybe_keyboard(stdin: TextIO | None) -> int | None:
    """The file descriptor on which keys can be heard; None where there is no terminal, or it is somebody else's now."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = stdin.fileno() if stdin is not None else -1
        # Whoever changes the settings of a terminal from the background is stopped by it.
        return descriptor if os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp() else None
    except (OSError, ValueError):  # closed, or no file at all
        return None


@contextmanager
def each_key(descriptor: int) -> Iterator[None]:
    """Have keys arrive one by one and unechoed, for as long as this lasts."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def hear_keys(descriptor: int, pressed: Callable[[Pressed], None]) -> None:
    """Call `pressed` with each key, until the terminal is gone or is somebody else's."""
    decoder = Decoder()
    while True:
        with trio.move_on_after(ESCAPE_ALONE if decoder.is_torn else float("inf")) as waiting:
            await trio.lowlevel.wait_readable(descriptor)
        if waiting.cancelled_caught:
            keys = decoder.rest()
        else:
            try:
                if os.tcgetpgrp(descriptor) != os.getpgrp():
                    return  # who reads from the background is stopped, too
                data = os.read(descriptor, 4096)
            except OSError:
                return
            if not data:
                return
            keys = decoder.take(data)
        for key in keys:
            pressed(key)
