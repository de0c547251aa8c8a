"""What a step and a token cost, beside trio by hand with each event sent through a bounded memory channel.

Both sides do the same: bodies that do nothing, one reader who takes each event, and the same information in each. By
hand nothing is put in order and nothing is kept, and times are not even rounded.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import trio

from narrate import Pipeline, concurrent, relay, start, step
from tests.bench.rounds import best, trio_seconds
from tests.bench.table import Row, Section, per

Shape = Sequence[Sequence[str]]
"""The names of the steps of each stage; more than one are a group."""

UNBUFFERED = 0
"""Trio's advice for a channel, and so the one to be measured against."""

BUFFERED = 64

NO_SLOWER = 1.0
LINEAR = 1.3
TOKENS = 0.5


def sequence(steps: int) -> Shape:
    """So many steps, one after another."""
    return [[f"s{index}"] for index in range(steps)]


def groups(number: int, members: int) -> Shape:
    """So many groups of so many steps, one group after another."""
    return [[f"g{group}m{member}" for member in range(members)] for group in range(number)]


def pipeline_of(shape: Shape) -> Pipeline:
    """A pipeline of steps that do nothing."""
    stages = [[step(f"Step {name}", name=name)(_nothing) for name in stage] for stage in shape]
    return Pipeline("bench", *(stage[0] if len(stage) == 1 else concurrent(*stage) for stage in stages))


async def narrated(pipeline: Pipeline) -> int:
    """Run it and read it, event by event; how many there were."""
    heard = 0
    async with start(pipeline) as run:
        async for _ in run.events():
            heard += 1
    return heard


async def by_hand(shape: Shape, buffer: int) -> int:
    """The same with a channel; how many events there were."""
    send, receive = trio.open_memory_channel[dict[str, Any]](buffer)
    began = trio.current_time()
    number = count(1)

    async def perform(name: str) -> None:
        started = trio.current_time() - began
        await send.send(
            {"type": "step.started", "n": next(number), "t": started, "step": name, "title": f"Step {name}"}
        )
        await _nothing()
        now = trio.current_time() - began
        await send.send({"type": "step.finished", "n": next(number), "t": now, "step": name, "seconds": now - started})

    async def produce() -> None:
        async with send:
            for stage in shape:
                if len(stage) == 1:
                    await perform(stage[0])
                else:
                    async with trio.open_nursery() as members:
                        for name in stage:
                            members.start_soon(perform, name)

    return await _read(produce, receive)


async def narrated_tokens(pieces: int) -> int:
    """Relay so many tokens from one step; how many events were heard."""

    @step("Writing")
    async def write() -> str:
        return await relay(_tokens(pieces))

    return await narrated(Pipeline("bench", write))


async def tokens_by_hand(pieces: int, buffer: int) -> int:
    """The same with a channel; how many events were heard."""
    send, receive = trio.open_memory_channel[dict[str, Any]](buffer)
    began = trio.current_time()
    number = count(1)

    async def produce() -> None:
        async with send:
            async for text in _tokens(pieces):
                now = trio.current_time() - began
                await send.send({"type": "token", "n": next(number), "t": now, "step": "write", "text": text})

    return await _read(produce, receive)


def step_seconds(shape: Shape, rounds: int) -> dict[str, float]:
    """Seconds for a whole run of a shape: ours, and by hand unbuffered and buffered."""
    pipeline = pipeline_of(shape)
    return best(
        rounds,
        {
            "ours": partial(trio_seconds, partial(narrated, pipeline)),
            "unbuffered": partial(trio_seconds, partial(by_hand, shape, UNBUFFERED)),
            "buffered": partial(trio_seconds, partial(by_hand, shape, BUFFERED)),
        },
    )


def token_seconds(pieces: int, rounds: int) -> dict[str, float]:
    """Seconds for a burst of tokens: ours, and by hand unbuffered and buffered."""
    return best(
        rounds,
        {
            "ours": partial(trio_seconds, partial(narrated_tokens, pieces)),
            "unbuffered": partial(trio_seconds, partial(tokens_by_hand, pieces, UNBUFFERED)),
            "buffered": partial(trio_seconds, partial(tokens_by_hand, pieces, BUFFERED)),
        },
    )


def steps_section(few: int, many: int, rounds: int) -> Section:
    """Per step, in every shape; `few` in a group or sequence, and `many` times that, for how it grows."""
    shapes: dict[str, tuple[Shape, int]] = {
        f"{few // 10} in sequence": (sequence(few // 10), 10 * rounds),
        f"10 groups of {few // 100}": (groups(10, few // 100), 10 * rounds),
        f"{few:,} in sequence": (sequence(few), 2 * rounds),
        f"{few:,} in one group": (groups(1, few), 2 * rounds),
        f"{few * many:,} in sequence": (sequence(few * many), rounds),
        f"{few * many:,} in one group": (groups(1, few * many), rounds),
    }
    rows: list[Row] = []
    each: dict[str, dict[str, float]] = {}
    for what, (shape, turns) in shapes.items():
        taken, steps = step_seconds(shape, turns), sum(map(len, shape))
        each[what] = {name: seconds / steps for name, seconds in taken.items()}
        for name, target in (("unbuffered", NO_SLOWER), ("buffered", None)):
            beside = f"{per(taken[name], steps)} ({name})"
            rows.append(Row(what, per(taken["ours"], steps), beside, taken["ours"] / taken[name], target))
    for kind in ("in sequence", "in one group"):
        # Beside the hand-written way, which is linear if anything is: what it grows by is the machine's and trio's.
        large, small = each[f"{few * many:,} {kind}"], each[f"{few:,} {kind}"]
        grown = {name: large[name] / small[name] for name in large}
        what = f"linear: {few * many:,} against {few:,} {kind}"
        beside = f"x {grown['unbuffered']:.2f} (unbuffered)"
        rows.append(Row(what, f"x {grown['ours']:.2f}", beside, grown["ours"] / grown["unbuffered"], LINEAR))
    return Section("A step that does nothing, one reader; beside it: each event through a memory channel", rows)


def tokens_section(pieces: int, rounds: int) -> Section:
    """Per token of a burst from one step."""
    taken = token_seconds(pieces, rounds)
    rows = [
        Row(
            f"{pieces:,} tokens from one step",
            per(taken["ours"], pieces),
            f"{per(taken[name], pieces)} ({name})",
            taken["ours"] / taken[name],
            target,
        )
        for name, target in (("unbuffered", TOKENS), ("buffered", None))
    ]
    return Section("A token passed on, one reader; beside it: each token through a memory channel", rows)


async def _nothing() -> None:
    pass


async def _tokens(pieces: int) -> AsyncIterator[str]:
    for _ in range(pieces):
        yield "word "


async def _read(produce: Any, receive: trio.MemoryReceiveChannel[dict[str, Any]]) -> int:
    heard = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        async for _ in receive:
            heard += 1
    return heard
