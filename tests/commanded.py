"""Pipelines for the command line to run: such as end well, badly or not at all, and such as take this and that."""

import os
import threading
from typing import Literal

import trio
from pydantic import BaseModel

from narrate import Pipeline, concurrent, progress, relay, resource, say, show, step


class Where(BaseModel):
    city: str
    zip: int | None = None


class Order(BaseModel):
    item: int
    note: str = ""
    size: Literal["small", "large"] = "small"
    where: Where | None = None


class Wishes(BaseModel):
    milk: bool = False


@step("Weighing")
async def weight() -> int:
    say("It is heavy.")
    return 7


@step("Measuring", summary="{length} m.")
async def length() -> int:
    return 3


@step("Putting {weight} and {length} together")
async def together(weight: int, length: int) -> dict[str, int]:
    show("Both", {"weight": weight, "length": length})
    return {"weight": weight, "length": length}


both = Pipeline("both", concurrent(weight, length), together, title="Weight and length")


@step("Taking item {order.item}")
async def taken(order: Order) -> Order:
    return order


order = Pipeline("order", taken, takes=Order)


@step("Granting")
async def granted(wishes: Wishes) -> bool:
    return wishes.milk


wishes = Pipeline("wishes", granted, takes=Wishes)


@step("Repeating")
async def repeated(text: str) -> str:
    return text


echo = Pipeline("echo", repeated, takes=str)


@step("Adding")
async def added(numbers: list[int]) -> int:
    return sum(numbers)


total = Pipeline("total", added, takes=list[int])


@step("Breaking")
async def broken() -> int:
    raise KeyError("secret-4711")


breaks = Pipeline("breaks", broken)


@step("Speaking on and on")
async def spoken() -> str:
    async def words():
        yield "One word, "
        await trio.sleep_forever()

    return await relay(words())


speaks = Pipeline("speaks", spoken)


@step("Waiting for ever")
async def waited() -> int:
    say("I wait.")
    progress(1, 2, "waits")
    await trio.sleep_forever()
    return 1


waits = Pipeline("waits", waited)


@step("Blocking everything")
async def blocked() -> int:
    print("Nothing moves.", flush=True)  # noqa: T201 (to be told, it would have to let others move)
    threading.Event().wait()
    return 1


blocks = Pipeline("blocks", blocked)


@step("Blocking a thread")
def threaded() -> int:
    say("A thread does not move.")
    threading.Event().wait()
    return 1


threads = Pipeline("threads", threaded)


@step("Cleaning up for ever")
async def cleaned() -> int:
    say("I will not go.")
    with trio.CancelScope(shield=True):
        await trio.sleep_forever()
    return 1


cleans = Pipeline("cleans", cleaned)


@step("Showing much")
async def shown() -> list[int]:
    show("Much", list(range(1000)))
    return list(range(100))


much = Pipeline("much", shown)


@resource
async def key():
    yield os.environ["NARRATE_TEST_NO_SUCH_KEY"]


@step("Opening")
async def opened(key: str) -> str:
    return key


opens = Pipeline("opens", opened, resources=[key])


@resource
async def never():
    print("Opening.", flush=True)  # noqa: T201 (for the test that interrupts it there)
    await trio.sleep_forever()
    yield 1


@step("Coming too late")
async def late(never: int) -> int:
    return never


lates = Pipeline("lates", late, resources=[never])


@step("Saying what a terminal obeys")
async def obeyed() -> str:
    return "red: \x1b[31m"


obeys = Pipeline("obeys", obeyed)


@step("Going on and on")
async def went_on() -> int:
    while True:
        say("again")
        await trio.lowlevel.checkpoint()


endless = Pipeline("endless", went_on)


@step("Printing")
async def printed() -> int:
    print("I print.")  # noqa: T201
    return 1


prints = Pipeline("prints", printed)
