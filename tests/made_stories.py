"""Stories to be told again: kept ones and those of made-up runs, and orders in which they may have happened."""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import msgspec
import trio
import trio.testing

from narrate import start
from narrate.events import Event, StepSkipped, StepStarted, from_json
from narrate.order import OrderLane, ReadingOrder
from narrate.story import Story
from tests.generated import Built, Witness

KEPT = Path(__file__).parent / "vectors" / "made_by_test_runs"
WHOLE = sorted({path.stem for path in KEPT.iterdir()} - {"trimmed", "holed"})


def kept(name: str) -> Story:
    lines = (KEPT / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return Story([from_json(json.dumps(json.loads(line)["event"])) for line in lines])


def played(stages: Sequence[object], seed: int) -> Story:
    """The story of a made-up run, with its status."""
    return watched(stages, seed)[0]


def watched(stages: Sequence[object], seed: int) -> tuple[Story, Sequence[Event]]:
    """The story of a made-up run, and its record in the order in which it really happened."""
    built = Built(stages)
    built.witness = Witness(seed)

    async def heard() -> Story:
        async with start(built.pipeline) as run:
            return Story([event async for event in run.events(status=True)])

    with watched_facts() as facts:
        story = trio.run(heard, clock=trio.testing.MockClock(autojump_threshold=0))
    unused = list(story.events)
    happened: list[Event] = []
    for fact in facts:
        happened.append(next(e for e in unused if msgspec.structs.replace(e, n=0) == fact))
        unused.remove(happened[-1])
    return story, [*happened, *unused]


def cut(events: Sequence[Event], part: float) -> Sequence[Event]:
    """So much of them, but always the first and never the end."""
    return events[: 1 + int(part * (len(events) - 2))]


def shuffled(story: Story, chance: random.Random) -> Sequence[Event]:
    """The record in some order in which it may have happened: any in which each event comes behind the one before it in
    its lane, behind what is inside its lane till then, and behind the announcements of its lane and those beside it."""
    latest: dict[str, int] = {"": 0}
    behind: list[set[int]] = []
    for place, event in enumerate(story.events):
        path = getattr(event, "step", "")
        lane = path.rpartition("/")[0] if isinstance(event, (StepStarted, StepSkipped)) else path
        inside = {at for other, at in latest.items() if lane in ("", other) or other.startswith(f"{lane}/")}
        behind.append((inside or {latest[lane.rpartition("/")[0]]}) if place else set())
        latest[lane] = place
    order: list[Event] = []
    while len(order) < len(behind):
        place = chance.choice([place for place, others in enumerate(behind) if not others])
        order.append(story.events[place])
        for others in behind:
            others.discard(place)
        behind[place] = {place}  # it has happened, and never again
    return order


@contextmanager
def watched_facts() -> Iterator[list[Event]]:
    """Meanwhile, note what is told in the order in which it happens."""
    happened: list[Event] = []

    class WatchedOrder(ReadingOrder[Event]):
        def feed(self, lane: OrderLane[Event], fact: Event, size: int = 0) -> Sequence[Event]:
            happened.append(fact)
            return super().feed(lane, fact, size)

    with patch("narrate.narration.ReadingOrder", WatchedOrder):
        yield happened


def labelled(stages: Sequence[object]) -> bool:
    """Whether every item is told as a step of its own, so that one path is one lane."""
    return "label=None" not in repr(stages)
