"""What a journal promises that outlives its process: what was told is kept, and is the same in every process.

Several journals of `durable_factory`, made at one place, stand for several processes; `journal_law_processes` has real
ones.
"""

import itertools
from contextlib import AsyncExitStack

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from narrate.delivery import Delivery
from narrate.errors import KeyTaken, Problem
from narrate.events import (
    Detail,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    RunFailedEvent,
    RunId,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Token,
)
from tests.journal_kinds import an_hour_ahead
from tests.journal_law import END, PATIENCE, RUN, begun, everything, read, said, told, told_whole

OUTLINE = (
    OutlinedStep("a", "A …", 1.5),
    OutlinedGroup((OutlinedStep("b", "B"), OutlinedPipeline("p", "P", (OutlinedStep("p/c", "C"),)))),
)
STARTED = RunStarted(RUN, "p", "Title", OUTLINE, "A note.", t=0.0)
PROBLEM = Problem(title="T", status=502, detail="D", step="p/c")
EVERY_KIND = [
    STARTED,
    StepStarted("a", "Zürich \u2028 →", t=0.1),
    Token("a", " piece\n", t=0.125),
    said("\x00 and \U0001f9ed"),
    Detail("a", "Data", {"rows": [1, 2.5, None, True, "é"]}, 30, t=0.2),
    StepRetrying("a", 1, 3, 0.75, "Busy.", t=0.3),
    StepFinished("a", 0.2, "Done.", "A stand-in.", t=0.3),
    StepSkipped("b", "Not needed.", t=0.3),
    StepCancelled("p", "Enough.", t=0.4),
    StepFailed("p/c", PROBLEM, t=0.4),
    RunFailedEvent(PROBLEM, 0.5, t=0.5),
]


@pytest.fixture
async def both(durable_factory):
    """Two journals at one place, as in two processes."""
    async with AsyncExitStack() as stack:
        journals = durable_factory(), durable_factory()
        for journal in journals:
            await stack.enter_async_context(journal.open())
        yield journals


async def until_told(reader, last):
    """What a reader is told, until event number `last` is."""
    events = []
    with trio.fail_after(PATIENCE):
        while reader.taken < last:
            await reader.wait_more()
            events += reader.take_nowait()
    return events


# --- Told means kept ---


async def test_what_has_settled_can_be_read_by_another_process(both):
    one, other = both
    writer = await one.open_record(begun())
    writer.append([said("a"), said("b")])
    await writer.settle()

    assert told(await read(other)) == [(1, "a"), (2, "b")]


async def test_every_kind_of_event_is_kept_as_it_was_told(both):
    one, other = both
    writer = await one.open_record(begun())
    writer.append(EVERY_KIND)
    await writer.settle()

    numbered = [msgspec.structs.replace(event, n=n) for n, event in enumerate(EVERY_KIND, 1)]
    assert await read(one) == await read(other) == numbered


def test_nothing_is_shown_before_another_process_could_read_it(durable_factory):
    names = itertools.count()

    async def play(batches):
        run = f"r{next(names)}"
        one, other = durable_factory(), durable_factory()
        async with one.open(), other.open():
            writer = await one.open_record(begun(run))
            reader = writer.reader()
            for count, waits in batches:
                writer.append([said("x")] * count)
                for _ in range(waits):
                    await trio.lowlevel.checkpoint()
                shown = list(reader.take_nowait())
                assert (await read(other, run, reader.taken - len(shown)))[: len(shown)] == shown

    @settings(max_examples=15)
    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=8))
    def each_time(batches):
        trio.run(play, batches)

    each_time()


async def test_all_that_was_appended_is_kept_when_the_journal_has_been_left(durable_factory):
    journal = durable_factory()
    async with journal.open():
        writer = await journal.open_record(begun())
        writer.append([said("a")])
        writer.append([said("b"), END])

    again = durable_factory()
    async with again.open():
        assert told(await read(again)) == [(1, "a"), (2, "b"), (3, "run.finished")]


async def test_a_journal_that_was_left_can_be_opened_again(durable_factory):
    journal = durable_factory()
    for run in "abc":
        async with journal.open():
            await told_whole(journal, run)

    async with journal.open():
        assert [len(await read(journal, run)) for run in "abc"] == [2, 2, 2]


async def test_what_goes_with_a_run_is_kept_too(durable_factory):
    delivery = Delivery(id="d", run=RUN, url="https://example.org/é")
    spent = Delivery(id="e", run=RUN, url="https://example.org", state="dead", attempts=10, last="Gone.")
    known = begun(owner="me", key="k", asked="this", began=1.5, plan="0123")
    journal = durable_factory()
    async with journal.open():
        await journal.open_record(known, [delivery])
        await journal.put(spent)

    again = durable_factory()
    async with again.open():
        assert await again.maybe_begun(RUN) == known
        assert list(await again.listed("me")) == [(known, None)]
        assert list(await again.deliveries()) == [spent, delivery]
        with pytest.raises(KeyTaken) as caught:
            await again.open_record(begun("s", owner="me", key="k"))
        assert (caught.value.run, caught.value.asked) == (RUN, "this")


async def test_a_delivery_that_is_due_is_due_after_a_restart(durable_factory):
    journal = durable_factory()
    async with journal.open():
        writer = await journal.open_record(begun(), [Delivery(id="d", run=RUN, url="https://example.org")])
        writer.append([END])

    again = durable_factory()
    async with again.open():
        assert [one.id for one in await again.due(an_hour_ahead(), 1e12)] == ["d"]


# --- Several processes ---


async def test_a_reader_follows_what_another_process_tells_to_the_end(both):
    one, other = both
    writer = await one.open_record(begun())
    writer.append([said("0")])
    await writer.settle()
    reader = await other.maybe_reader(RUN)
    heard = told(await until_told(reader, 1))

    for n in range(1, 4):
        writer.append([said(f"{n}")])
        heard += told(await until_told(reader, n + 1))
    writer.append([said("4"), END])
    heard += told(await everything(reader))

    assert heard == [*((n + 1, f"{n}") for n in range(5)), (6, "run.finished")]


async def test_one_key_begins_one_run_whichever_process_is_asked(both):
    outcomes = set()

    async def begin(journal, run):
        try:
            await journal.open_record(begun(run, key="k"))
        except KeyTaken as taken:
            outcomes.add(taken.run)
        else:
            outcomes.add(run)

    async with trio.open_nursery() as nursery:
        for n in range(10):
            nursery.start_soon(begin, both[n % 2], f"r{n}")

    assert len(outcomes) == 1


async def test_each_delivery_is_given_to_one_process(both):
    names = [f"d{n}" for n in range(20)]
    for name in names:
        await both[0].put(Delivery(id=name, run=RUN, url="https://example.org", state="due", due=1.0))
    given = []

    async def ask(journal):
        given.extend(one.id for one in await journal.due(2.0, 100.0))

    async with trio.open_nursery() as nursery:
        for n in range(6):
            nursery.start_soon(ask, both[n % 2])

    assert sorted(given) == sorted(names)


async def test_whoever_runs_a_run_is_told_once_to_stop_it_wherever_that_was_asked(both):
    here, elsewhere = both
    await here.open_record(begun("mine"))
    await elsewhere.open_record(begun("theirs"))

    await elsewhere.stop(RunId("mine"), "Enough.")

    assert list(await elsewhere.stops()) == []
    assert list(await here.stops()) == [("mine", "Enough.")]
    assert list(await here.stops()) == []


async def test_a_live_run_of_another_process_is_nobodys_to_go_on_with(both):
    here, elsewhere = both
    writer = await here.open_record(begun())
    writer.append([STARTED])
    await writer.settle()

    assert list(await elsewhere.unfinished()) == []
    writer.append([END])
    assert told(await everything(writer.reader()))[-1] == (2, "run.finished")
