"""Measuring on a machine that others use too: the things to compare take turns, and the best turn of each counts.

What disturbs a turn can only make it longer, so the shortest one is nearest to the truth; and because the turns are
interleaved, what lasts longer than a turn disturbs both sides alike.
"""

import gc
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

import trio

Measure = Callable[[], float]


def take_turns(rounds: int, measures: Mapping[str, Measure]) -> dict[str, list[float]]:
    """What each measure gave in each round. The one that begins changes from round to round."""
    names = list(measures)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(measures[name]())
    return taken


def best(rounds: int, measures: Mapping[str, Measure]) -> dict[str, float]:
    """The smallest that each measure gave."""
    return {name: min(turns) for name, turns in take_turns(rounds, measures).items()}


def trio_seconds(work: Callable[[], Awaitable[Any]]) -> float:
    """Seconds that one piece of work takes in a trio of its own, whose start does not count."""

    async def main() -> float:
        began = perf_counter()
        await work()
        return perf_counter() - began

    gc.collect()  # the garbage of the turn before is not this one's; the collector stays on, as it is for users
    return trio.run(main)
