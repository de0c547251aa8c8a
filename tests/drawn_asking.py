"""Questions in a terminal, which stand still: `python -m tests.drawn_asking FOLDER`. What is answered is the result.

First a name is asked for, which must not be `nix` and is waited for 300 seconds, then whether that is so. A file
`elsewhere` in the folder has the first answered by somebody else, and `later` lets the 300 seconds pass.
"""

import sys
from pathlib import Path

import trio
from rich.console import Console
from trio.testing import MockClock

from narrate import Pipeline, WrongAnswer, ask, start, step
from narrate.events import Question
from narrate.terminal import draw

FOLDER = Path(sys.argv[1])


@step("Naming…")
async def name() -> str:
    return await ask("What is it called?", within=300, default="Nobody")


@step("Making sure…")
async def sure() -> str:
    return await ask("Is that so?", ["yes", "no", "not yet"])


@step("Thinking…")
async def thought(name: str, sure: str) -> str:
    return f"{name}: {sure}"


named = Pipeline("named", name, sure, thought, title="A name")


async def gate(name: str) -> None:
    while not (FOLDER / name).exists():
        await trio.sleep(0.01)


async def main() -> None:
    async with start(named) as running, trio.open_nursery() as nursery:
        first = trio.Event()

        async def answer(value: str, to: int) -> None:
            if value == "nix":
                raise WrongAnswer("“nix” is no name.")
            await running.answer(value, to)

        async def heard():
            async for event in running.events(status=True):
                yield event
                if isinstance(event, Question):
                    first.set()

        async def elsewhere() -> None:
            await first.wait()
            await gate("elsewhere")
            await running.answer("Eve")

        async def later() -> None:
            await gate("later")
            CLOCK.jump(300)

        nursery.start_soon(elsewhere)
        nursery.start_soon(later)
        await draw(heard(), Console(), answer=answer)
        nursery.cancel_scope.cancel()
    sys.stdout.write(f"result {await running.result()!r}\n")


CLOCK = MockClock(rate=1)

if __name__ == "__main__":
    trio.run(main, clock=CLOCK)
