"""Virtual time for a whole trio run: waiting takes none, and what a thread does is waited for.

trio's own autojumping clock knows of no threads: while one works, it jumps to the next deadline, and a step would time
out that had all the time in the world. Here time stands still until the thread is done.
"""

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

T = TypeVar("T")

LOOK_AGAIN = 0.001
"""Real seconds after which to look whether a thread is done, or something has come from outside."""


def run_in_virtual_time(main: Callable[[], Awaitable[T]]) -> T:
    """Run it under trio, on a clock that stands at 0 and moves on only when nobody can do anything before."""
    clock = MockClock()

    async def watched() -> T:
        trio.lowlevel.spawn_system_task(_move_on, clock)
        return await main()

    return trio.run(watched, clock=clock)


async def _move_on(clock: MockClock) -> None:
    """Jump to what is waited for next, whenever all wait and no thread works; for ever."""
    patience = 0.0
    while True:
        await wait_all_tasks_blocked(patience)
        working = trio.to_thread.current_default_thread_limiter().borrowed_tokens
        until = trio.lowlevel.current_statistics().seconds_to_next_deadline
        if not working and 0 < until < math.inf:
            clock.jump(until)
            patience = 0.0
        else:
            patience = LOOK_AGAIN
