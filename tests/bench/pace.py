"""The time on the wall beside the critical path: what real waiting costs more when it is narrated."""

from statistics import median

import trio

from narrate import Pipeline, concurrent, each, progress, say, step
from tests.bench.rounds import take_turns, trio_seconds
from tests.bench.runner import narrated
from tests.bench.table import Row, Section, milliseconds

WITHIN = 1.01

MEMBERS = (1.0, 0.25, 0.5, 0.75, 0.2, 0.9, 0.4, 0.6)
"""How long the members of the group wait; the first is the longest, and the path."""

ITEMS, AT_MOST, ITEM = 32, 8, 0.25


def sleeping(unit: float) -> tuple[Pipeline, float]:
    """A pipeline of three stages that sleep, some at the same time, and its critical path. Seconds, as `unit` is."""

    @step("Looking around")
    async def look() -> None:
        say("There is much to see.")
        await trio.sleep(unit / 2)

    def member(index: int, seconds: float) -> object:
        async def sleep() -> None:
            for part in range(4):
                progress(part, 4, "parts")
                await trio.sleep(seconds / 4)
            say(f"Slept {seconds:g} s.")

        return step(f"Member {index}", name=f"member{index}")(sleep)

    @step("Fanning out")
    async def fan() -> list[None]:
        async def item(_: int) -> None:
            await trio.sleep(ITEM * unit)

        return await each(range(ITEMS), item, at_most=AT_MOST, label="Item {}".format)

    group = concurrent(*(member(index, unit * seconds) for index, seconds in enumerate(MEMBERS)))
    return Pipeline("sleeping", look, group, fan), unit * (0.5 + max(MEMBERS) + ITEM * ITEMS / AT_MOST)


def pace_section(unit: float, rounds: int) -> Section:
    """The median of some runs; the path is what the sleeps add up to where nothing runs beside them."""
    pipeline, path = sleeping(unit)
    taken = median(take_turns(rounds, {"ours": lambda: trio_seconds(lambda: narrated(pipeline))})["ours"])
    row = Row("3 stages, 8 members, 32 items", milliseconds(taken), milliseconds(path), taken / path, WITHIN)
    return Section("Time on the wall; beside it: the critical path", [row])
