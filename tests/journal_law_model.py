"""What every journal promises of a record, whatever happens and in which order: a list says what is to be told."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrate.events import Event, Gap, Progress, RunId
from narrate.journal.base import Journal, Retention
from narrate.journal.live import Reader
from tests.journal_kinds import Clock
from tests.journal_law import END, begun, everything, said, told


@dataclass
class Follower:
    """A reader, where it began, and what it was told."""

    reader: Reader
    after: int
    taken: list[Event] = field(default_factory=list)

    def numbers(self) -> list[int]:
        """The numbers that it was told of, those that are kept no longer too."""
        numbers: list[int] = []
        for event in self.taken:
            numbers += range(event.first, event.last + 1) if isinstance(event, Gap) else [event.n]
        return numbers


class Model:
    """A run whose record is a list as well, and what its followers are told."""

    def __init__(self, journal: Journal, run: RunId) -> None:
        self.journal = journal
        self.run = run
        self.said: list[str] = []
        self.settled = 0
        self.followers: list[Follower] = []

    async def begin(self) -> None:
        self.writer = await self.journal.open_record(begun(self.run))

    async def append(self, count: int) -> None:
        batch = [f"{len(self.said) + place}" for place in range(count)]
        self.said += batch
        self.writer.append([said(text) for text in batch])

    async def settle(self, _: int) -> None:
        await self.writer.settle()
        self.settled = len(self.said)

    async def follow(self, after: int) -> None:
        reader = await self.journal.maybe_reader(self.run, after)
        assert reader is not None
        self.followers.append(Follower(reader, max(after, 0)))

    async def take(self, which: int) -> None:
        for follower in self.followers[which : which + 1]:
            before = follower.reader.taken
            events = follower.reader.take_nowait()
            after = follower.reader.taken
            assert told(events) == list(enumerate(self.said[before:after], before + 1))
            assert after >= self.settled
            follower.taken += events

    async def report(self, done: int) -> None:
        self.writer.report(Progress("a", done, t=0.0))

    async def checkpoint(self, _: int) -> None:
        await trio.lowlevel.checkpoint()

    async def end(self, trim: Callable[[], None]) -> None:
        """End the run; every other follower reads on at once, the rest when the record is kept no longer."""
        self.writer.append([END])
        for follower in self.followers[::2]:
            follower.taken += await everything(follower.reader)
        trim()
        await self.follow(0)
        for follower in self.followers:
            follower.taken += await everything(follower.reader)

    def check(self) -> None:
        whole = [*enumerate(self.said, 1), (len(self.said) + 1, "run.finished")]
        for follower in self.followers:
            assert follower.reader.ended
            assert follower.numbers() == [n for n, _ in whole[follower.after :]]
            assert set(told([one for one in follower.taken if not isinstance(one, Gap)])) <= set(whole)


MOVES = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 4)),
    st.tuples(st.sampled_from(["settle", "checkpoint", "report"]), st.just(0)),
    st.tuples(st.just("follow"), st.integers(-1, 8)),
    st.tuples(st.just("take"), st.integers(0, 3)),
)


def test_whatever_happens_when_each_reader_is_told_the_list(journal_factory):
    clock, names = Clock(), itertools.count()

    async def play(moves: list[tuple[str, int]]) -> None:
        journal = journal_factory(Retention(age=1000.0), clock)
        async with journal.open():
            model = Model(journal, RunId(f"r{next(names)}"))
            await model.begin()
            for move, number in moves:
                await getattr(model, move)(number)
            await model.end(lambda: clock.go_on(1500.0))
            model.check()

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(MOVES, max_size=40))
    def each_time(moves: list[tuple[str, int]]) -> None:
        trio.run(play, moves)

    each_time()
