"""Pipelines that ask, for the command line to run."""

import trio

from narrate import Pipeline, ask, say, step


@step("Making sure")
async def sure() -> str:
    say("One moment.")
    return await ask("Is it you?", ["yes", "no"])


@step("Wanting a name")
async def name() -> str:
    return await ask("What is it called?")


@step("Hurrying")
async def hurried() -> str:
    return await ask("Now?", ["yes", "no"], within=0.3, default="no")


@step("Saying it")
async def told(sure: str, name: str) -> str:
    return f"{name}: {sure}"


@step("Asking two things at once")
async def two() -> str:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "One?", ["yes", "no"])
        nursery.start_soon(ask, "Two?")
    return "both"


asks = Pipeline("asks", sure, linger=None)
wants = Pipeline("wants", name, linger=None)
both = Pipeline("both", sure, name, told, linger=None)
several = Pipeline("several", two, linger=None)
hurries = Pipeline("hurries", hurried, linger=None)
