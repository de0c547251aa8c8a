"""Pipelines for the tests in a browser: between them a run of theirs can be brought to any state and be held there.

Each waits at gates that the test opens (see `gates`). What they say is what the tests look for.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import trio
from pydantic import BaseModel, Field, field_validator

from narrate import Explained, Pipeline, Retry, ask, concurrent, current_run, each, progress, relay, say, show, step
from narrate.events import RunId
from tests.browser.gates import passed


class Ask(BaseModel):
    """What `story` takes."""

    q: str = Field(title="What are you looking for?", min_length=3)
    most: int = Field(5, title="How many at most", ge=1, le=20)


class Busy(Explained):
    """Somebody else is busy; waiting helps."""

    title = "The other side is busy"


class Patient(Busy):
    """So busy that it asks for an hour, for which no test waits."""

    retry_after = 3600


class Broken(Explained):
    """Something that no retry mends."""

    title = "The mill is broken"
    status = 502


# story: everything in reading order, with a gate wherever it can be looked at half-way.


@step("Reading “{ask.q}”", summary="{reading} words read.")
async def reading(ask: Ask) -> int:
    say("The first line.")
    await passed("reading")
    say("The second line.")
    return len(ask.q.split())


@step("Asking the left side", summary="The left side is heard.")
async def left() -> str:
    say("Left begins.")
    await passed("left")
    say("Left ends.")
    return "l"


@step("Asking the right side")
async def right() -> str:
    progress(3, of=4, unit="pages")
    say("Right begins.")
    await passed("right")
    progress(4, of=4, unit="pages")
    say("Right ends.")
    return "r"


@step("Checking the towns")
async def towns() -> list[str]:
    async def check(town: str) -> str:
        say(f"Looking at {town}.")
        await passed(town)
        say(f"{town} is fine.")
        return town

    return await each(["Bern", "Oslo", "Faro"], check, label=str, unit="towns")


@step("Weighing")
async def weighing() -> int:
    say("Everything is weighed.")
    return 3


@step("Choosing")
async def choosing(weighing: int) -> int:
    say("The last one.")
    return weighing - 1


@step("Writing it down")
async def writing(closer: int, towns: list[str]) -> str:
    async def pieces() -> AsyncIterator[str]:
        for piece in ("Once ", "upon "):
            yield piece
        await passed("writing")
        for piece in ("a ", "time."):
            yield piece

    return f"{await relay(pieces())} {towns[closer]}"


story = Pipeline(
    "story",
    reading,
    concurrent(left, right),
    towns,
    Pipeline("closer", weighing, choosing, title="A closer look"),
    writing,
    takes=Ask,
    title="A story",
)


# behind: a step of many items in a lane whose turn has not come.

behind = Pipeline("behind", concurrent(left, towns), title="One behind the other", linger=None)


# trouble: retries, a fallback and a step that is left out; then it ends as it was asked to.


class Trouble(BaseModel):
    """What `trouble` takes."""

    ending: Literal["well", "badly"] = "well"


tried: set[RunId | None] = set()
"""The runs whose first attempt at `busy` has failed already."""


@step("Asking a busy one", retry=Retry(attempts=3, on=Busy, wait_initial=0, wait_jitter=0))
async def busy() -> str:
    await passed("busy")
    run = current_run()
    if run not in tried:
        tried.add(run)
        raise Busy("It is busy just now.")
    return "at last"


@step("Guessing the weather", fallback="probably rain")
async def weather() -> str:
    raise Broken("The barometer fell down.")


@step("Packing an umbrella", when=lambda weather: weather == "snow", otherwise="It is {weather}, not snow.")
async def umbrella() -> str:
    return "umbrella"


@step("Grinding the corn…")
async def grinding(trouble: Trouble) -> str:
    say("The mill turns.")
    await passed("grinding")
    if trouble.ending == "badly":
        raise Broken("A stone broke the wheel. Mend it, then try again.")
    return "flour"


@step("Baking the bread…")
async def baking(grinding: str) -> str:
    return f"bread of {grinding}"


trouble = Pipeline("trouble", busy, weather, umbrella, grinding, baking, takes=Trouble, title="Trouble at the mill")


# held: one step at one gate. It goes on without readers, so that leaving it is never its end.


@step("Holding on…")
async def holding() -> str:
    say("It holds.")
    await passed("held")
    say("It lets go.")
    return "let go"


held = Pipeline("held", holding, title="Held", linger=None)
briefly = Pipeline("briefly", holding, title="Told for a moment only", detach_after=0.2)


# talkative: hundreds of lines at once, behind a gate.

LINES = 300


@step("Saying much")
async def talking() -> None:
    await passed("talking")
    for number in range(LINES):
        say(f"Line {number}.")


talkative = Pipeline("talkative", talking, title="Talkative", linger=1)


# patient: a step that waits for its next attempt for as long as anybody looks.


@step("Asking the patient one", retry=Retry(attempts=3, on=Busy))
async def patiently() -> str:
    raise Patient("It asks for an hour.")


patient = Pipeline("patient", patiently, title="Patient")


# asks, hurried, several: a person is waited for, with each kind of answer that there is.


@step("Deciding")
async def deciding() -> str:
    say("It can be done.")
    sure = await ask("Shall it be done?", ["yes", "no"])
    say("Noted.")
    return f"{sure}, {await ask('What shall it be called?')}"


asks = Pipeline("asks", deciding, title="A question", linger=None)


class Hurry(BaseModel):
    """What `hurried` takes."""

    seconds: float = Field(250, title="How long to wait")


@step("Turning")
async def turning(hurry: Hurry) -> str:
    turn = await ask("Left or right?", ["left", "right"], within=hurry.seconds, default="left")
    await passed("hurried")
    return turn


hurried = Pipeline("hurried", turning, takes=Hurry, title="In a hurry", linger=None)

CARRIERS = ["By train to Oslo, and from there on by bicycle", "By air", "By ship, when there is one"]
DAYS = [f"Day {number}" for number in range(1, 31)]


@step("Sending it off")
async def sending() -> list[str]:
    answers: list[str] = []

    async def asked(question: str, choices: list[str] | None = None) -> None:
        answers.append(await ask(question, choices))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(asked, "To whom?")
        await passed("several")
        nursery.start_soon(asked, "How?", CARRIERS)
        await passed("last")
        nursery.start_soon(asked, "On which day?", DAYS)
    return answers


several = Pipeline("several", sending, title="Several questions", linger=None)


# hostile: everything that can be told is markup, which nobody must take for anything but text.

MARKUP = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&amp;<b>bold</b>"


class HostileError(Explained):
    """A failure whose words are markup, too."""

    title = f"Failed {MARKUP}"


@step(f"Title {MARKUP}", summary=f"Summary {MARKUP}")
async def hostile_words() -> str:
    say(f"Line {MARKUP}")

    async def pieces() -> AsyncIterator[str]:
        for piece in ("Token ", *MARKUP):
            yield piece

    await relay(pieces())
    show(f"Detail {MARKUP}", {f"key {MARKUP}": f"value {MARKUP}"})
    show(f"Table {MARKUP}", [{f"column {MARKUP}": f"cell {MARKUP}"}, {f"column {MARKUP}": 2}])
    show(f"Text {MARKUP}", f"one\n{MARKUP}")
    progress(1, of=2, unit=f"units {MARKUP}", text=f"text {MARKUP}")
    await passed("hostile")
    return MARKUP


@step("Failing", fallback=MARKUP)
async def hostile_fallback() -> str:
    raise HostileError(f"Reason {MARKUP}")


@step("Failing for good")
async def hostile_failure() -> str:
    raise HostileError(f"Problem {MARKUP}")


hostile = Pipeline("hostile", hostile_words, hostile_fallback, hostile_failure, title=f"Pipeline {MARKUP}")


# choosy: refuses what no schema says.


class Choice(BaseModel):
    """What `choosy` takes."""

    colour: str = Field(title="Colour")

    @field_validator("colour")
    @classmethod
    def _known(cls, colour: str) -> str:
        if colour not in ("red", "green"):
            raise ValueError(f"{colour} is no colour")
        return colour


@step("Painting it {choice.colour}")
async def painting(choice: Choice) -> str:
    return choice.colour


choosy = Pipeline("choosy", painting, takes=Choice, title="Choosy")


# details: one of each shape and size.

TABLE = [{"town": "Bern", "people": 146_000, "capital": True}, {"town": "Oslo", "people": 717_000, "capital": True}]
TREE = {"where": {"town": "Bern", "at": [46.9, 7.4]}, "why": None, "sure": True}
LARGE = [{"row": number, "text": f"row number {number}, long enough to weigh something"} for number in range(3000)]


@step("Showing what was found")
async def showing() -> dict[str, Any]:
    show("A tree", TREE)
    show("A table", TABLE)
    show("A text", "First line.\n\n    An indented one, with a very long end: " + "so it goes " * 30)
    show("A large table", LARGE)
    show("Nothing", None)
    show("A number", 42)
    show("An empty list", [])
    show("A deep one", _deep(12))
    return {"kinds": 8}


def _deep(levels: int) -> Any:
    return {"level": levels, "next": _deep(levels - 1)} if levels else "the bottom"


details = Pipeline("details", showing, title="Details")


# viewed, badly_viewed, falteringly_viewed: with views of their own, of which one fails at once, and one half-way.

VIEWS = Path(__file__).parent / "views"

viewed = Pipeline("viewed", holding, showing, title="With a view", page=VIEWS / "counting")
badly_viewed = Pipeline("badly-viewed", holding, title="With a broken view", page=VIEWS / "broken")
falteringly_viewed = Pipeline("falteringly-viewed", holding, title="With a faltering view", page=VIEWS / "faltering")


# long: many steps with many lines, and a word that fits nowhere.

STEPS = 40


def _member(number: int) -> Any:
    @step(f"Part {number}", name=f"part{number}")
    async def part() -> int:
        say(f"Line one of part {number}.")
        say(f"Line two of part {number}, which is long enough to need a second row on a telephone's narrow screen.")
        show(f"What part {number} found", {"number": number})
        return number

    return part


@step("A title that goes on for rather longer than anybody would like to read it, and then still some more of it")
async def wide() -> str:
    say("Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3)
    show("A wide table", [{f"column {number}": "content" * 3 for number in range(14)}])
    show("A wide word", {"word": "x" * 400})
    await passed("wide")
    return "x" * 200


long = Pipeline("long", concurrent(*[_member(number) for number in range(6)]), wide, title="A long one")
many = Pipeline("many", *[_member(number) for number in range(STEPS)], title="Many steps")
