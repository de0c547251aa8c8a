"""The telling of one run: where runner, reading order, secrets and journal are joined.

The runner and the verbs see only lanes; the journal sees only numbered events. What stands between them, and the bound
on what may be held back, is here.
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import msgspec
import trio

from narrate.errors import NarrationTooLong, RecordTooLong
from narrate.events import (
    Event,
    Progress,
    Question,
    RunId,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepStarted,
    utf8_size,
)
from narrate.journal.base import Writer
from narrate.order import OrderLane, ReadingOrder
from narrate.past import Kept, step_of
from narrate.plan import Limits
from narrate.redact import Redactor
from narrate.verbs import Lane

_STATES: Mapping[type[Event], str] = {
    StepStarted: "working",
    StepFinished: "done",
    StepFailed: "failed",
    StepCancelled: "cancelled",
}
"""What a waiting lane's status says when one of these is held back."""


@dataclass(slots=True)
class Reply:
    """What is answered to a question, once it is."""

    value: str | None = None
    given: trio.Event = field(default_factory=trio.Event)


class Narration:
    """The telling of one run, begun so many seconds ago: facts go in by its lanes, and out in reading order."""

    __slots__ = (
        "_limits",
        "_replies",
        "_room",
        "began",
        "order",
        "redactor",
        "run",
        "said",
        "stopping",
        "time",
        "writer",
    )

    def __init__(self, run: RunId, writer: Writer, limits: Limits, ago: float = 0.0) -> None:
        self.run = run
        self.stopping: str | None = None
        self.redactor = Redactor()
        self.writer = writer
        self.order: ReadingOrder[Event] = ReadingOrder()
        self._limits = limits
        self._room: trio.lowlevel.ParkingLot | None = None  # made when somebody has to wait, which is seldom
        self.time = trio.lowlevel.current_clock().current_time  # what trio.current_time() asks in the end
        self.began = self.time() - ago
        self.said = 0
        self._replies: dict[int, Reply] = {}

    @property
    def root(self) -> "NarratedLane":
        """The lane of the run itself."""
        return NarratedLane(self, self.order.root)

    def now(self) -> float:
        """Seconds since the run began."""
        return round(self.time() - self.began, 4)

    def record(self, told: Sequence[Event]) -> None:
        """Put into the record what a closed lane has let go, and let in who waits for room.

        There may be room though nothing was let go: the lane whose turn it is now may wait with nothing held back.
        """
        if told:
            self.writer.append(told)
        if self._room:
            self._room.unpark_all()

    def end(self, event: Event) -> None:
        """Close the root lane and tell the event that ends the record."""
        self.record(self.order.close(self.order.root))
        self.writer.append([self.redactor.event(event) if self.redactor.active else event])

    def answer(self, n: int, value: str) -> None:
        """Let whoever waits for an answer to question number `n`, or will, have it. The first one counts."""
        reply = self._reply(n)
        if reply.value is None:
            reply.value = value
            reply.given.set()

    async def wait_answer(self, n: int) -> str:
        """Wait for what is answered to question number `n`. Not a checkpoint when it is there: it counts as in time."""
        reply = self._reply(n)
        if reply.value is None:
            await reply.given.wait()
        assert reply.value is not None
        return reply.value

    def _reply(self, n: int) -> Reply:
        return self._replies.setdefault(n, Reply())

    def take(self, size: int) -> None:
        """Count so many bytes more as said. Raises RecordTooLong when the record cannot hold them."""
        if self.said + size > self._limits.record_bytes:
            raise RecordTooLong(self._limits.record_bytes)
        self.said += size

    def has_room(self, lane: OrderLane[Event], size: int, events: int = 1) -> bool:
        """Whether so many more bytes in so many events may be told in a lane now."""
        order = self.order
        return order.is_live(lane) or (
            order.held + events <= self._limits.held_events and order.held_bytes + size <= self._limits.held_bytes
        )

    async def wait_room(self, lane: OrderLane[Event], size: int, events: int = 1) -> None:
        """Wait for that room. Not a checkpoint when it is there: the room must not go to another between."""
        while not self.has_room(lane, size, events):
            await self._wait_moved()

    async def wait_turn(self, lane: OrderLane[Event]) -> None:
        """Wait for a lane's turn. Not a checkpoint when it has come."""
        while not self.order.is_live(lane):
            await self._wait_moved()

    async def _wait_moved(self) -> None:
        if self._room is None:
            self._room = trio.lowlevel.ParkingLot()
        await self._room.park()


class NarratedLane:
    """A lane of a narration, as the runner and the verbs know it."""

    __slots__ = ("_lane", "_narration")

    def __init__(self, narration: Narration, lane: OrderLane[Event]) -> None:
        self._narration = narration
        self._lane = lane

    @property
    def run(self) -> RunId:
        return self._narration.run

    @property
    def stopping(self) -> str | None:
        return self._narration.stopping

    def now(self) -> float:
        narration = self._narration
        return round(narration.time() - narration.began, 4)

    def tell(self, event: Event, size: int = 0) -> None:
        narration = self._narration
        if size:
            if not narration.has_room(self._lane, size):
                raise NarrationTooLong(narration.order.held, narration.order.held_bytes)
            narration.take(size)
        if narration.redactor.active:
            event = narration.redactor.event(event)
        told = narration.order.feed(self._lane, event, size)
        if told:
            narration.writer.append(told)
        elif isinstance(event, (StepStarted, StepFinished, StepFailed, StepCancelled)):
            self.status(Progress(event.step, state=_STATES[type(event)], t=event.t))

    def status(self, progress: Progress) -> None:
        narration = self._narration
        narration.writer.report(narration.redactor.event(progress) if narration.redactor.active else progress)

    def cut(self, text: str) -> tuple[str, str]:
        redactor = self._narration.redactor
        return redactor.cut(text) if redactor.active else (text, "")

    def masked(self, question: Question) -> Question:
        redactor = self._narration.redactor
        return redactor.event(question) if redactor.active else question

    def ask(self, question: Question) -> Question:
        texts = (question.question, question.default or "", *(question.choices or ()))
        self.tell(question, sum(map(utf8_size, texts)))
        return msgspec.structs.replace(question, n=self._narration.writer.last)

    async def wait_answer(self, n: int) -> str:
        return await self._narration.wait_answer(n)

    async def wait_turn(self) -> None:
        await self._narration.wait_turn(self._lane)

    async def wait_room(self, size: int, events: int = 1) -> None:
        await self._narration.wait_room(self._lane, size, events)

    def keep(self, path: str, value: bytes | None) -> None:
        own = takewhile(lambda fact: not (isinstance(fact, StepStarted) and fact.step == path), self._held_back())
        facts = tuple(fact for fact in own if step_of(fact) == path)[::-1]
        self._narration.writer.keep(path, Kept(value, facts))

    def _held_back(self) -> Iterator[Event]:
        order = self._narration.order
        return iter(()) if order.is_live(self._lane) else order.held_back(self._lane)

    def settle(self) -> Awaitable[None]:
        return self._narration.writer.settle()

    def fork(self, count: int) -> Sequence[Lane]:
        narration = self._narration
        return [NarratedLane(narration, lane) for lane in narration.order.fork(self._lane, count)]

    def close(self) -> None:
        self._narration.record(self._narration.order.close(self._lane))
