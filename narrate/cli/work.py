"""The work of a command under trio, apart because every command that does some comes out of it in the same way."""

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import IO, Any, TypeVar

import click
import trio

from narrate.errors import NarrateError

T = TypeVar("T")

FINISHED, FAILED, WRONG_USE, CUT, CANCELLED = 0, 1, 2, 3, 130
"""Exit codes, the same everywhere: what was asked is done; it failed; it cannot be asked so; a story whose end was not
heard, or a server that was not reached; and a run that was cancelled, or a command that was."""


class WrongUse(click.ClickException):
    """What was asked cannot be; the sentence alone, where click's usage would only stand before it."""

    exit_code = WRONG_USE


class Cut(click.ClickException):
    """A story was not heard to its end, or nobody could be reached who would tell it."""

    exit_code = CUT


class ReaderLeft(Cut):
    """Whoever read what is written here has gone. There is nobody to say so to."""

    def __init__(self) -> None:
        super().__init__("Nobody reads any more.")

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 (click's)
        """Say nothing, nor let Python when it flushes at its end what nobody takes."""
        with suppress(OSError, ValueError):  # no file at all, as in tests
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_command(main: Callable[[], Awaitable[T]]) -> T:
    """Run it; an error of ours comes out as itself, whatever nurseries it passed, and Ctrl-C as exit code 130."""
    try:
        return trio.run(main)
    except BaseExceptionGroup as group:
        first: BaseException = group.subgroup(KeyboardInterrupt) or group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, KeyboardInterrupt):
            sys.exit(CANCELLED)
        if not isinstance(first, NarrateError | click.ClickException):
            raise
        raise first from group
    except KeyboardInterrupt:
        sys.exit(CANCELLED)


def debugging() -> bool:
    """Whether the command line asked for tracebacks."""
    return bool(click.get_current_context().find_root().params.get("debug"))


def standard_input() -> bytes:
    """All that comes from standard input."""
    return sys.stdin.buffer.read() if sys.stdin is not None else b""


def note(text: str) -> None:
    """Say something beside the story: dimly, and where it is in nobody's way who reads the story from a pipe."""
    click.secho(text, err=True, dim=True)
