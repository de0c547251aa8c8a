"""A story that stands still while somebody looks at it: `python -m tests.drawn FOLDER` draws it in a terminal.

Each step waits until a file of its name is in the folder; `b` also until there is `b-half`. What is in `options` there
is given to `draw`.
"""

import json
import sys
from pathlib import Path

import trio
from rich.console import Console

from narrate import Pipeline, concurrent, progress, say, show, start, step
from narrate.terminal import draw

FOLDER = Path(sys.argv[1])


async def gate(name: str) -> None:
    while not (FOLDER / name).exists():
        await trio.sleep(0.01)


@step("Reading the map…", summary="It is a map of {a}.")
async def a() -> str:
    say("Unfolding it takes a while, since somebody has folded it in a way that nobody will ever understand again.")
    show("Scale", {"one": "to", "many": 25000})
    await gate("a")
    return "Portugal"


@step("Counting the roads…")
async def b() -> int:
    await gate("b-half")
    progress(34, 120, "roads")
    await gate("b")
    return 120


@step("Going…")
async def c() -> str:
    show("Ways", [{"to": "Faro", "km": 650}, {"to": "Porto", "km": 310}])
    await gate("c")
    if (FOLDER / "prints").exists():
        sys.stdout.write("Somebody printed this.\n")
        await gate("printed")
    if (FOLDER / "broken").exists():
        raise ValueError("broken")
    return "there"


journey = Pipeline("journey", concurrent(a, b), c, title="A journey")


async def main() -> None:
    options = json.loads((FOLDER / "options").read_text()) if (FOLDER / "options").exists() else {}
    async with start(journey) as running:
        await draw(running.events(status=True), Console(), **options)


if __name__ == "__main__":
    trio.run(main)
