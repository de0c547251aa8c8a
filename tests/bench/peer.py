"""For scale, a peer: Burr, with hooks that are told of each action before and after it."""

import asyncio
import gc
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

from burr.core import Application, ApplicationBuilder, State, action
from burr.lifecycle import PostRunStepHookAsync, PreRunStepHookAsync

from tests.bench.rounds import best, trio_seconds
from tests.bench.runner import UNBUFFERED, by_hand, sequence
from tests.bench.table import Row, Section, per


class Heard(PreRunStepHookAsync, PostRunStepHookAsync):
    """Counts the two events of each action."""

    def __init__(self) -> None:
        self.events = 0

    async def pre_run_step(self, **_: Any) -> None:
        self.events += 1

    async def post_run_step(self, **_: Any) -> None:
        self.events += 1


def burr_seconds(actions: int) -> float:
    """Seconds for so many actions in sequence that do nothing."""
    heard = Heard()
    application, last = _application(actions, heard)

    async def main() -> float:
        began = perf_counter()
        await application.arun(halt_after=[last])
        return perf_counter() - began

    gc.collect()
    seconds = asyncio.run(main())
    assert heard.events == 2 * actions, heard.events
    return seconds


def peer_section(sizes: Sequence[int], rounds: int) -> Section:
    """Burr as a multiple of the hand-written channel."""
    rows: list[Row] = []
    for size in sizes:
        hand = partial(trio_seconds, partial(by_hand, sequence(size), UNBUFFERED))
        taken = best(rounds, {"burr": partial(burr_seconds, size), "hand": hand})
        beside = f"{per(taken['hand'], size)} (unbuffered)"
        rows.append(Row(f"Burr, {size:,} in sequence", per(taken["burr"], size), beside, taken["burr"] / taken["hand"]))
    return Section("For scale: Burr in narrate's place, with a hook for each event", rows)


@action(reads=[], writes=[])
async def _nothing(state: State[Any]) -> State[Any]:
    return state


def _application(actions: int, heard: Heard) -> tuple[Application[Any], str]:
    names = [f"s{index}" for index in range(actions)]
    builder = ApplicationBuilder().with_actions(**dict.fromkeys(names, _nothing))
    builder = builder.with_transitions(*pairwise(names)).with_entrypoint(names[0])
    return builder.with_hooks(heard).build(), names[-1]
