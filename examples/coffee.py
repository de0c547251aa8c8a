"""Two things at once, told one after the other: the water takes longer, and is still told first."""

import trio

from narrate import Pipeline, concurrent, say, step


@step("Heating the water…")
async def water() -> int:
    await trio.sleep(0.3)
    say("It is at 94 °C.")
    return 94


@step("Grinding the beans…", summary="{beans} g, medium fine.")
async def beans() -> int:
    await trio.sleep(0.1)
    return 18


@step("Pouring {water} °C over {beans} g…")
async def cup(water: int, beans: int) -> str:
    return f"{water * beans // 100} sips of coffee"


coffee = Pipeline("coffee", concurrent(water, beans), cup, title="A cup of coffee")
