"""What a journal promises, whatever it keeps records in.

A run has one writer, the process that runs it; readers are any number of cursors, each at its own pace, in any process
that uses the journal. A reader holds nothing but its place, so a slow one costs nothing and delays nobody.
"""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from narrate.declare import Caller
from narrate.delivery import Delivery
from narrate.events import Event, Progress, RunId, Terminal
from narrate.journal.live import Reader
from narrate.past import Kept
from narrate.usual import Usual

MOST_DUE = 100
"""Deliveries that are handed out at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What is known of a run from its beginning on. It is kept beside the record, and none of it is told.

    - `began`: when, in seconds since 1970 in UTC.
    - `owner`: who alone may see it; None for whoever knows its id.
    - `key`, `asked`: the idempotency key it was begun with, and what stands for the request's body.
    - `plan`: what stands for the plan; `given`: its input as JSON, None for one that has no JSON form.
    """

    run: RunId
    pipeline: str
    began: float = 0.0
    owner: str | None = None
    key: str | None = None
    asked: str = ""
    plan: str = ""
    given: bytes | None = None
    caller: Caller = field(default_factory=Caller)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A run whose process has gone before its end: all that is needed to go on with it, and the hand to do so.

    `kept` is what its steps gave, by their path; None where that is damaged. `answers` is what people answered, by the
    questions' numbers. `stopping` is why it was to be cancelled, None where it was not. The `writer` is told the record
    anew, from its first event on; what is in the record already it passes over.
    """

    begun: Begun
    events: Sequence[Event]
    kept: Sequence[tuple[str, Kept]] | None
    answers: Mapping[int, str]
    stopping: str | None
    writer: "Writer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a journal keeps the runs that have ended.

    When a run has ended `age` seconds ago, or the records of ended runs are larger than `size` bytes and it is the
    oldest, only the end of its record stays, and readers are told of the `gap`. After `age` seconds more the run has
    expired: its id is remembered for a while, and its idempotency key is free again. None expires with a delivery due.
    """

    age: float = 24 * 3600.0
    size: int = 1024 * 1024 * 1024


class Writer(Protocol):
    """The one hand that writes a run's record."""

    @property
    def durable(self) -> bool:
        """Whether what is kept outlives the process, so that `keep` is worth calling."""
        ...

    @property
    def left(self) -> bool:
        """Whether the run is another's by now, so that nothing more is written."""
        ...

    @property
    def last(self) -> int:
        """The number of the last event that was appended; 0 before the first."""
        ...

    @property
    def usual(self) -> Usual:
        """What the steps of its pipeline usually took when the run began; nothing where that is not known."""
        ...

    def append(self, facts: Sequence[Event]) -> None:
        """Number these facts and keep them. Readers see them once they are kept. Raises IllegalRecord after the end.

        What is appended, and kept by `keep`, without a checkpoint between is kept all or not at all.

        The event that ends the record also makes the run's deliveries due, and what a run's steps took, which was begun
        here and has finished, is kept with it.
        """
        ...

    def report(self, progress: Progress) -> None:
        """Show a status to whoever reads now."""
        ...

    def keep(self, path: str, kept: Kept) -> None:
        """Keep what a step gave, with all that was appended before it, until the run has ended."""
        ...

    def stop(self, reason: str) -> None:
        """Keep why the run is being cancelled, so that it is cancelled also when its process goes before the end."""
        ...

    def settle(self) -> Awaitable[None]:
        """Wait until all that was appended is kept, and readers that waited have had their turn to pass it on.

        Raises JournalFailed when it cannot be kept.
        """
        ...

    def reader(self, after: int = 0) -> Reader:
        """A cursor behind event number `after`."""
        ...

    def let_go(self) -> None:
        """Write no more: the run is left for whoever goes on with it. What is appended later is dropped."""
        ...


class Journal(Protocol):
    """Keeps the records of runs, and what goes with them."""

    @property
    def durable(self) -> bool:
        """Whether it outlives the process, so that unfinished runs can be gone on with."""
        ...

    def open(self) -> AbstractAsyncContextManager[None]:
        """What it needs while it is used. On leaving, all that was appended has been kept.

        Raises JournalError when it cannot be used.
        """
        ...

    async def open_record(self, begun: Begun, deliveries: Sequence[Delivery] = ()) -> Writer:
        """Begin a run's record, and its deliveries, which wait for its end.

        Raises KeyTaken when a run was begun with that key already, and JournalFailed when it cannot be kept.
        """
        ...

    async def maybe_reader(self, run: RunId, after: int = 0) -> Reader | None:
        """A cursor behind event number `after`; None for a run that is not known. Raises RecordGone for an expired."""
        ...

    async def maybe_begun(self, run: RunId) -> Begun | None:
        """What is known of a run; None for one that is not. Raises RecordGone for an expired."""
        ...

    async def maybe_keyed(self, owner: str | None, pipeline: str, key: str) -> tuple[RunId, str] | None:
        """The run that was begun with this idempotency key, and what it was `asked`; None where there is none."""
        ...

    async def listed(self, owner: str | None, most: int = 50) -> Sequence[tuple[Begun, Terminal | None]]:
        """The runs of one owner (not None), the newest first, each with the event that ended it if it has."""
        ...

    async def named(self, runs: Sequence[RunId]) -> Sequence[tuple[Begun, Terminal | None]]:
        """These runs as `listed` gives them. Those that are not known, or no longer, are left out."""
        ...

    async def usual_seconds(self, pipeline: str) -> Usual:
        """What the steps of the pipeline with this name usually take, also when the runs that showed it have expired.

        Raises JournalFailed when it cannot be read.
        """
        ...

    async def stop(self, run: RunId, reason: str) -> None:
        """Ask whoever runs it, in whichever process, to cancel it. Nothing happens for a run that has ended."""
        ...

    async def stops(self) -> Sequence[tuple[RunId, str]]:
        """The runs of this process that another has asked to cancel, and why; each is given once."""
        ...

    async def answer(self, run: RunId, n: int, value: str) -> str | None:
        """Keep what a person answered to the question that is event number `n`, for whoever runs it, until its end.

        What is kept by then: this, or what was answered before, which stays. None for a run that has ended.
        """
        ...

    async def answers(self) -> Sequence[tuple[RunId, int, str]]:
        """What was answered to runs of this process, whichever process was told; each is given once."""
        ...

    async def watch(self, run: RunId) -> None:
        """Say to whoever runs it, in whichever process, that it is read here, and is not to be given up for that."""
        ...

    async def watched(self) -> Sequence[RunId]:
        """The runs of this process that are, or were, read in another."""
        ...

    async def unfinished(self, of: Collection[str] | None = None) -> Sequence[Unfinished]:
        """The runs of these pipelines (None: of all) whose process has gone, which are this one's from now on."""
        ...

    async def due(self, now: float, until: float) -> Sequence[Delivery]:
        """The deliveries to be tried now, the longest due first, at most MOST_DUE.

        Nobody else gets them before `until` unless they are put back earlier.
        """
        ...

    async def put(self, delivery: Delivery) -> None:
        """Keep what has become of a delivery."""
        ...

    async def deliveries(self, *, run: RunId | None = None, state: str | None = None) -> Sequence[Delivery]:
        """Deliveries, the newest first: all, those of a run, or those in one state."""
        ...

    async def maybe_delivery(self, id: str) -> Delivery | None:  # noqa: A002
        """The delivery with this id; None for one that is not known."""
        ...
