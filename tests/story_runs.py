"""Runs whose stories the page's fold is compared on with `Snapshot`: of every kind, with items in lanes that wait.

Each is heard as one reader hears it: recorded events, with live status in between.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import trio
from pydantic import BaseModel

from narrate import (
    Caller,
    Pipeline,
    Retry,
    Run,
    ask,
    concurrent,
    each,
    progress,
    relay,
    resource,
    say,
    show,
    start,
    step,
)
from narrate.errors import Explained
from narrate.events import Event, Gap, Question
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from narrate.recordings import stand_ins, world
from narrate.running import Events
from pipelines.travel_escape import travel_escape

FIXTURES = Path(travel_escape.where.partition(":")[0]).parent / "fixtures"


class Wishes(BaseModel):
    """What becomes of the roast."""

    burns: bool = False


class Busy(Explained):
    """A failure that another attempt may mend."""


async def pieces(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        await trio.sleep(0.05)
        yield text


@step("Shopping…", summary="{shopping} things are in the basket.")
async def shopping() -> int:
    async def buy(thing: str) -> int:
        await trio.sleep(0.2 if thing == "leeks" else 0.3)
        say(f"One pound of {thing}.")
        return 1

    progress(0, 3, "things")
    await trio.sleep(0.1)
    await relay(pieces("A list", " of what", "\nis needed."))
    say("Off to the market.")
    await relay(pieces("And", " back."))
    bought = await each(["leeks", "flour", "beef"], buy, at_most=2, label=str.capitalize, unit="things")
    show("Prices", {"leeks": 2.5})
    show("The whole market", [{"stall": number, "sells": "vegetables and fruit"} for number in range(60)])
    return sum(bought)


@step("Soup…", summary="Hot.")
async def soup() -> str:
    for stirred in range(3):
        progress(stirred, 3, "stirs", "slowly")
        await trio.sleep(0.7)
    say("Done stirring.\nIt has to rest.")
    return "soup"


@step("Roasting")
async def roast(wishes: Wishes) -> str:
    async def turn(side: str) -> None:
        await trio.sleep(0.1)
        say(f"Turned to the {side}.")

    async def piece(number: int) -> int:
        await trio.sleep(0.2 * number)
        await each(["left", "right"], turn, label=str)
        if wishes.burns and number == 2:
            raise Explained("The second piece is black.")
        return number

    await each([1, 2, 3], piece, at_most=2, label="Piece {}".format)
    return "roast"


@step("Gravy", fallback="plain water")
async def gravy() -> str:
    await trio.sleep(0.15)
    raise Explained("The pan is lost.")


@step("Plating the {roast} with {gravy}")
async def plate(roast: str, gravy: str) -> str:
    await trio.sleep(0.1)
    return f"{roast} and {gravy}"


main = Pipeline("main", concurrent(roast, gravy), plate, takes=Wishes, title="The main course")


def thirsty() -> bool:
    return False


@step("Wine", when=thirsty, otherwise="Everybody drives.")
async def wine() -> str:
    return "wine"


class Oven:
    """Is full at first."""

    def __init__(self) -> None:
        self.asked = 0

    async def bake(self) -> str:
        self.asked += 1
        await trio.sleep(0.12)
        if self.asked < 3:
            raise Busy("The oven is still full.")
        return "bread"


@resource
async def oven() -> AsyncIterator[Oven]:
    yield Oven()


@step("Bread", retry=Retry(attempts=3, on=Busy, wait_initial=0.2, wait_jitter=0))
async def bread(oven: Oven) -> str:
    return await oven.bake()


@step("Serving…", summary="{serving}.")
async def serving(soup: str, main: str, bread: str) -> str:
    await trio.sleep(0.2)
    return f"{soup}, {main} and {bread}"


dinner = Pipeline(
    "dinner",
    shopping,
    concurrent(soup, main, wine, bread),
    serving,
    takes=Wishes,
    resources=[oven],
    title="Dinner for two",
)


async def heard(run: Run) -> Sequence[Event]:
    """All that one reader hears of a run."""
    return [event async for event in run.events(status=True)]


async def finished() -> Sequence[Event]:
    async with start(dinner, Wishes()) as run:
        return await heard(run)


async def failed() -> Sequence[Event]:
    async with start(dinner, Wishes(burns=True)) as run:
        return await heard(run)


async def cancelled() -> Sequence[Event]:
    async with start(dinner, Wishes()) as run, trio.open_nursery() as nursery:

        async def stop() -> None:
            await trio.sleep(1.53)
            run.cancel("Nobody is hungry any more.")

        nursery.start_soon(stop)
        return await heard(run)


async def heard_late() -> Sequence[Event]:
    """The finished run, by a reader who comes when all is over."""
    async with start(dinner, Wishes()) as run:
        await run.result()
        return await heard(run)


async def trimmed() -> Sequence[Event]:
    """The finished run, by a reader who comes when its first events are no longer kept."""
    return without(await finished(), 1, 24)


async def holed() -> Sequence[Event]:
    """The finished run, by a reader who was away for so long that what was told meanwhile is no longer kept."""
    return without(await finished(), 26, 34)


def without(events: Sequence[Event], first: int, last: int) -> Sequence[Event]:
    """What is heard where events are no longer kept."""
    numbers = [event.n for event in events]
    before, after = numbers.index(first), numbers.index(last) + 1
    return [*events[:before], Gap(first, last, n=last, t=events[after - 1].t), *events[after:]]


async def travelled(*failures: str) -> Sequence[Event]:
    """The demo of the travel escape, with recordings of failures in front."""
    paths = [FIXTURES / "valencia", *(FIXTURES / "failures" / f"{failure}.json" for failure in failures)]
    request = {"q": "somewhere hot tomorrow, 3 hours at most"}
    async with start(travel_escape, request, **stand_ins(world(paths), [travel_escape])) as run:
        return await heard(run)


@step("Setting the table", retry=Retry(attempts=2, on=Busy, wait_initial=0.2, wait_jitter=0))
async def table(oven: Oven) -> str:
    day = await ask("On which day?\nIt may rain.", ["Friday", "Saturday"])
    where = await ask("Inside or outside?", ["inside", "outside"], within=2, default="inside")
    if not oven.asked:
        await oven.bake()
    return f"{day}, {where}"


@step("Inviting")
async def inviting() -> list[str]:
    async def invite(name: str) -> str:
        say(f"{name} should come.")
        return await ask(f"What does {name} drink?")

    return await each(["Ada", "Ben"], invite, label=str)


@step("Paying")
async def paying() -> None:
    with trio.move_on_after(0.5):
        await ask("Who pays?", within=60)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "Cash?", ["yes", "no"])
        await trio.sleep(0.1)
        await ask("A tip?")


party = Pipeline("party", concurrent(table, inviting), paying, resources=[oven], title="A party")

ANSWERS = {
    "On which day?\nIt may rain.": "Saturday",
    "What does Ada drink?": "Water.\nTea, if it is cold.",
    "What does Ben drink?": "Wine",
    "A tip?": "10 %",
}


async def asked() -> Sequence[Event]:
    """A run whose questions are answered, or come to nothing in each of the ways that there are."""
    events: list[Event] = []
    async with start(party) as run:
        async for event in run.events(status=True):
            events.append(event)
            if isinstance(event, Question) and event.question in ANSWERS:
                await trio.sleep(0.3)
                await run.answer(ANSWERS[event.question], event.n)
                if event.question == "A tip?":
                    run.cancel("There is no money.")
    return events


class Door:
    """What is closed in a run's first life, and open in its second."""

    def __init__(self, *, is_open: bool) -> None:
        self.opened = trio.Event()
        self.knocked = trio.Event()
        if is_open:
            self.opened.set()
            self.knocked.set()


@resource
async def door() -> AsyncIterator[Door]:
    yield Door(is_open=True)


@step("Waiting at the door")
async def wait(door: Door) -> int:
    say("I wait.")
    await door.opened.wait()
    return 20


@step("Knocking")
async def knock(door: Door) -> int:
    say("I was quicker.")
    door.knocked.set()
    return 2


@step("Guests")
async def guests(door: Door) -> list[str]:
    async def enter(name: str) -> str:
        if name == "Ben":
            await door.knocked.wait()
            progress(text="at the door")
            await door.opened.wait()
        say(f"{name} is in.")
        return name

    return await each(["Ada", "Ben", "Cid"], enter, at_most=1, label=str)


@step("Counting", summary="{counting} in all.")
async def counting(wait: int, knock: int, guests: list[str]) -> int:
    return wait + knock + len(guests)


visit = Pipeline("visit", concurrent(wait, knock, guests), counting, resources=[door], title="A visit")


async def interrupted(path: Path) -> Sequence[Event]:
    """A run in two lives, by a reader who comes back for the second."""
    events: list[Event] = []
    async with open_narrator([visit], journal=SqliteJournal(path), resources={"door": Door(is_open=False)}) as first:
        first.note = "The doors of this house are made up."
        run = await first.begin(visit, None, Caller())
        async for event in run.events(status=True):
            events.append(event)
            if getattr(event, "text", None) == "at the door":
                break
        first.hand_over()
    journal = SqliteJournal(path)
    async with open_narrator([visit], journal=journal) as second:
        await second.pick_up()
        reader = await journal.maybe_reader(run.id, max(event.n for event in events))
        assert reader is not None
        return [*events, *[event async for event in Events(reader, status=True)]]
