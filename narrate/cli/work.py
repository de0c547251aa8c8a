"""The work of a command under trio, apart because every command that does some comes out of it in the same way."""

import sys
from collections.abc import Awaitable, Callable

import trio

from narrate.errors import NarrateError


def run_command(main: Callable[[], Awaitable[None]]) -> None:
    """Run it; an error of ours comes out as itself, whatever nurseries it passed, and Ctrl-C as exit code 130."""
    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        first: BaseException = group.subgroup(KeyboardInterrupt) or group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, KeyboardInterrupt):
            sys.exit(130)
        if not isinstance(first, NarrateError):
            raise
        raise first from group
    except KeyboardInterrupt:
        sys.exit(130)
