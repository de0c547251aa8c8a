"""Pauses beside the work of a run: where a test makes things take longer than they do by themselves.

Nobody pauses but in such a test. A context variable, as for who speaks, so that neither steps nor pipelines know of it.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import trio

T = TypeVar("T")

Pause = Callable[[str, str], float]
"""How many seconds to pause in a step, by its path, and when: `before`, or `after item 3`."""

pausing: ContextVar[Pause | None] = ContextVar("pausing", default=None)
"""How long the runs of this context pause before and after each step's work, and each item's. None: not at all."""


async def with_pauses(pause: Pause, path: str, what: str, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work of a step, or what of it is named, with a pause before it and, if that went well, one after."""
    await trio.sleep(pause(path, f"before{what}"))
    value = await work()
    await trio.sleep(pause(path, f"after{what}"))
    return value


@contextmanager
def not_counted(limit: trio.CancelScope) -> Iterator[None]:
    """Meanwhile put the limit's deadline off by every pause: what is limited is the work, and a pause is none."""
    pause = pausing.get()
    if pause is None:
        yield
        return

    def put_off(path: str, when: str) -> float:
        seconds = pause(path, when)
        limit.deadline += seconds
        return seconds

    token = pausing.set(put_off)
    try:
        yield
    finally:
        pausing.reset(token)
