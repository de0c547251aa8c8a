"""The work of a command under trio, apart because every command that does some comes out of it in the same way."""

import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, TypeVar

import click
import trio

from narrate import targets
from narrate.errors import NarrateError, RunCancelled, RunFailed
from narrate.running import Run

log = logging.getLogger("narrate")

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


def not_opened(error: Exception) -> Exception:
    """What to say where a resource could not be opened, or closed; the error itself where it speaks for itself."""
    first: BaseException = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, NarrateError | click.ClickException):
        return error
    told = " ".join(str(first).split()).rstrip(".")
    name = f"{type(first).__name__}{': ' if told else ''}{told}"
    return click.ClickException(
        f"It could not be run: {targets.place_of(first)} raised {name}. `narrate --debug …` shows the traceback."
    )


class _Keeping(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@contextmanager
def logged() -> Iterator[Sequence[logging.LogRecord]]:
    """What is logged meanwhile, kept for after the story: a traceback in its midst helps nobody to read either."""
    records: list[logging.LogRecord] = []
    handler = _Keeping(records)
    propagated, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield records
    finally:
        log.removeHandler(handler)
        log.propagate = propagated


def explain(cause: BaseException | None, records: Sequence[logging.LogRecord]) -> None:
    """Say what a developer wants to know of a failure, beside the story, which tells it to everybody.

    Tracebacks are those that were logged, since secrets are masked in them. Without one only the place is said, for an
    error's own text may hold anything.
    """
    if debugging():
        for record in records:
            click.echo(record.getMessage().rstrip(), err=True)
        return
    for record in records:
        if record.levelno < logging.ERROR:
            click.echo(record.getMessage(), err=True)
    if cause is not None and any(record.levelno >= logging.ERROR for record in records):
        place = targets.place_of(cause)
        note(f"{type(cause).__name__} was raised at {place}. `narrate --debug …` shows the traceback.")


def say_waiting(runs: int, seconds: float) -> None:
    """Say why a server that was stopped is still there."""
    click.echo(f"Waiting up to {seconds:g} s for {runs} {'run' if runs == 1 else 'runs'}; Ctrl-C again stops at once.")


async def cause_of(run: Run) -> BaseException | None:
    """What a step raised that brought a run down; None where nothing did."""
    try:
        await run.result()
    except RunFailed as failed:
        return failed.__cause__
    except RunCancelled:
        pass
    return None


def debugging() -> bool:
    """Whether the command line asked for tracebacks."""
    return bool(click.get_current_context().find_root().params.get("debug"))


def standard_input() -> bytes:
    """All that comes from standard input."""
    return sys.stdin.buffer.read() if sys.stdin is not None else b""


def note(text: str) -> None:
    """Say something beside the story: dimly, and where it is in nobody's way who reads the story from a pipe."""
    click.secho(text, err=True, dim=True)
