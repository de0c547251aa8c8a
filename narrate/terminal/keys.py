"""Keys as they are pressed, without Return: the terminal's own settings are changed meanwhile, and always put back.

Ctrl-C is left to the terminal, which makes a signal of it.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import trio

if sys.platform != "win32":  # where a console has no such settings, and `maybe_keyboard` finds nothing
    import termios
    import tty

_ESCAPE = 0x1B
"""What arrows and the like begin with; the letters behind it were not pressed."""


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


async def hear_keys(descriptor: int, pressed: Callable[[str], None]) -> None:
    """Call `pressed` with each key, until the terminal is gone or is somebody else's."""
    while True:
        await trio.lowlevel.wait_readable(descriptor)
        try:
            if os.tcgetpgrp(descriptor) != os.getpgrp():
                return  # who reads from the background is stopped, too
            keys = os.read(descriptor, 64)
        except OSError:
            return
        if not keys:
            return
        if keys[0] != _ESCAPE:
            for key in keys.decode(errors="replace"):
                pressed(key)
