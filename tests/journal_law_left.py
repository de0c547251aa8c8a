"""What a journal promises that outlives its process, of the runs that a process leaves behind unfinished.

Journals of `durable_factory`, made at one place, stand for processes. One whose clock is `an_hour_ahead` takes for gone
whoever is not there with it now.
"""

import pytest

from narrate.errors import Problem
from narrate.events import RunFailedEvent, RunStarted, StepFinished, StepStarted
from narrate.past import Kept
from tests.journal_kinds import an_hour_ahead
from tests.journal_law import END, RUN, begun, everything, read, said, told

STARTED = RunStarted(RUN, "p", "Title", (), t=0.0)
KNOWN = begun(given=b'{"q":1}', plan="0123", began=1.5, owner="me")
A = Kept(b'{"x":1}')
WAITING = (said("held back"), StepFinished("b", 0.5, t=0.7))
B = Kept(b"2", WAITING)


def tell_nothing(writer):
    pass


def tell_a_part(writer):
    writer.append([STARTED, StepStarted("a", "A", t=0.1)])
    writer.append([StepFinished("a", 0.2, t=0.3), StepStarted("b", "B", t=0.3), StepStarted("p", "P", t=0.3)])
    writer.keep("a", A)
    writer.keep("b", B)
    writer.keep("p/c", Kept(None))


PART = ["run.started", "step.started", "step.finished", "step.started", "step.started"]


async def left_behind(durable_factory, tell):
    """Have a run begun and told, and leave it as a process does that is stopped."""
    journal = durable_factory()
    async with journal.open():
        writer = await journal.open_record(KNOWN)
        tell(writer)
        writer.let_go()


async def test_what_a_process_left_is_given_with_all_that_is_needed_to_go_on(durable_factory):
    await left_behind(durable_factory, tell_a_part)
    journal = durable_factory()
    async with journal.open():
        (left,) = await journal.unfinished()

        assert left.begun == KNOWN
        assert [(event.n, event.type) for event in left.events] == list(enumerate(PART, 1))
        assert list(left.kept) == [("a", A), ("b", B), ("p/c", Kept(None))]
        assert left.stopping is None


async def test_a_run_that_had_told_nothing_is_left_too(durable_factory):
    await left_behind(durable_factory, tell_nothing)
    journal = durable_factory()
    async with journal.open():
        (left,) = await journal.unfinished()

        assert (left.begun.run, list(left.events), list(left.kept)) == (RUN, [], [])


async def test_what_was_left_is_given_to_one_process_once(durable_factory):
    await left_behind(durable_factory, tell_a_part)
    one, other = durable_factory(), durable_factory()
    async with one.open(), other.open():
        given = [len(await journal.unfinished()) for journal in (one, other, one, other)]

    assert given == [1, 0, 0, 0]


async def test_what_was_told_already_is_passed_over_and_the_rest_numbered_on(durable_factory):
    await left_behind(durable_factory, tell_a_part)
    journal = durable_factory()
    async with journal.open():
        (left,) = await journal.unfinished()
        late, before = left.writer.reader(4), [event.type for event in left.writer.reader().take_nowait()]

        tell_a_part(left.writer)
        await left.writer.settle()
        passed_over = list(left.writer.reader().take_nowait())
        left.writer.append([said("new"), END])

        assert [(event.n, event.type) for event in await everything(late)] == [
            (5, "step.started"),
            (6, "message"),
            (7, "run.finished"),
        ]
        assert before == [event.type for event in passed_over] == PART
    again = durable_factory()
    async with again.open():
        assert list(await again.unfinished()) == []
        assert [event.n for event in await read(again)] == [1, 2, 3, 4, 5, 6, 7]


async def test_a_run_that_is_ended_at_once_closes_what_was_open_in_it(durable_factory):
    await left_behind(durable_factory, tell_a_part)
    journal = durable_factory()
    async with journal.open():
        (left,) = await journal.unfinished()
        left.writer.append([RunFailedEvent(Problem(title="T", status=503), 2.0, t=2.0)])

        rest = await everything(left.writer.reader(len(PART)))

    assert [(event.type, getattr(event, "step", "")) for event in rest] == [
        ("message", "a"),
        ("step.finished", "b"),
        ("step.cancelled", "p"),
        ("run.failed", ""),
    ]


async def test_a_run_can_be_left_and_gone_on_with_again_and_again(durable_factory):
    await left_behind(durable_factory, tell_a_part)
    for n in range(3):
        journal = durable_factory()
        async with journal.open():
            (left,) = await journal.unfinished()
            assert [path for path, _ in left.kept] == ["a", "b", "p/c", *(f"s{n}" for n in range(n))]
            left.writer.append([*left.events, said(f"{n}")])
            left.writer.keep(f"s{n}", Kept(b"0"))
            left.writer.let_go()

    last = durable_factory()
    async with last.open():
        assert told(await read(last, after=len(PART))) == [(6, "0"), (7, "1"), (8, "2")]


@pytest.mark.parametrize("asked", ["by its writer", "from elsewhere"])
async def test_why_it_was_to_be_cancelled_is_not_forgotten(durable_factory, asked):
    journal = durable_factory()
    async with journal.open():
        writer = await journal.open_record(KNOWN)
        writer.append([STARTED])
        await {"by its writer": stop_by_writer, "from elsewhere": stop_from_elsewhere}[asked](journal, writer)
        writer.let_go()

    again = durable_factory()
    async with again.open():
        assert [left.stopping for left in await again.unfinished()] == ["Enough."]


async def stop_by_writer(journal, writer):
    writer.stop("Enough.")
    writer.stop("And again.")


async def stop_from_elsewhere(journal, writer):
    await journal.stop(RUN, "Enough.")
    await journal.stop(RUN, "And again.")


async def test_a_process_that_was_taken_for_gone_can_tell_keep_and_stop_no_more(durable_factory):
    slow, other = durable_factory(), durable_factory(now=an_hour_ahead)
    async with slow.open():
        writer = await slow.open_record(KNOWN)
        writer.append([STARTED])
        await writer.settle()
        async with other.open():
            (left,) = await other.unfinished()
            left.writer.append([STARTED, said("the other's")])
            await left.writer.settle()

            writer.append([said("too late")])
            writer.keep("a", A)
            await writer.settle()
            writer.stop("Too late, too.")
            writer.append([END])
            await writer.settle()

            assert [run for run, _ in await slow.stops()] == [RUN]
            assert list(await other.stops()) == []
            left.writer.let_go()

    last = durable_factory()
    async with last.open():
        (left,) = await last.unfinished()
        assert told(left.events) == [(1, "run.started"), (2, "the other's")]
        assert (list(left.kept), left.stopping) == ([], None)


async def test_readers_hear_the_rest_from_whoever_goes_on_with_it(durable_factory):
    slow, other = durable_factory(), durable_factory(now=an_hour_ahead)
    async with slow.open(), other.open():
        writer = await slow.open_record(KNOWN)
        writer.append([STARTED])
        await writer.settle()
        reader = writer.reader()
        heard = list(reader.take_nowait())

        writer.let_go()
        await writer.settle()
        (left,) = await other.unfinished()
        left.writer.append([STARTED, said("the other's"), END])
        heard += await everything(reader)

    assert told(heard) == [(1, "run.started"), (2, "the other's"), (3, "run.finished")]
