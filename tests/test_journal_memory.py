"""The journal in memory: cursors that miss nothing and hold nothing, and which records are forgotten when.

What it has in common with every journal is in the laws (`test_journal_laws`). Here is what only memory can promise:
that all is kept at once, and what it weighs.
"""

import gc
import weakref

import pytest

from narrate.errors import RecordGone
from narrate.events import Message, Progress, RunFinished, RunId, to_json
from narrate.journal import memory
from narrate.journal.base import Begun, Journal, Retention
from narrate.journal.memory import MemoryJournal
from tests.journal_kinds import Clock

RUN = RunId("r")
END = RunFinished(None, 1.0, t=1.0)
AGE = 100.0
LONG = "x" * 10_000


def said(text):
    return Message("a", text, t=1.0)


def texts(events):
    return [event.text for event in events]


def types(events):
    return [event.type for event in events]


def begun(run=RUN, **more):
    return Begun(run=RunId(run), pipeline="p", **more)


async def opened(journal, *runs, ended=True):
    for run in runs:
        writer = await journal.open_record(begun(run))
        writer.append([said(LONG), *[END] * ended])


async def first_types(journal, runs):
    """What the record of each run begins with now."""
    return [(await journal.maybe_reader(RunId(run))).take_nowait()[0].type for run in runs]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(clock) -> Journal:
    return MemoryJournal(Retention(age=AGE, size=3 * len(LONG) + 5000), clock)


# --- Reading ---


async def test_a_run_that_is_not_known_has_no_reader(journal):
    assert await journal.maybe_reader(RUN) is None


async def test_what_is_appended_is_kept_and_shown_at_once(journal):
    writer = await journal.open_record(begun())
    reader = await journal.maybe_reader(RUN)

    writer.append([said("a"), said("b")])
    first = reader.take_nowait()
    nothing = reader.take_nowait()
    writer.append([said("c")])

    assert (texts(first), list(nothing), texts(reader.take_nowait())) == (["a", "b"], [], ["c"])


@pytest.mark.parametrize(("after", "rest"), [(0, "abc"), (1, "bc"), (3, ""), (9, ""), (-1, "abc")])
async def test_a_cursor_begins_behind_the_number_it_is_given(journal, after, rest):
    (await journal.open_record(begun())).append([said(text) for text in "abc"])

    assert "".join(texts((await journal.maybe_reader(RUN, after)).take_nowait())) == rest


async def test_a_cursor_has_ended_once_all_is_taken_up_to_the_end(journal):
    writer = await journal.open_record(begun())
    reader = await journal.maybe_reader(RUN)
    states = [reader.ended]

    writer.append([said("a"), END])
    states.append(reader.ended)
    reader.take_nowait()

    assert [*states, reader.ended, (await journal.maybe_reader(RUN, 9)).ended] == [False, False, True, True]


async def test_two_cursors_get_the_very_same_line(journal):
    writer = await journal.open_record(begun())
    writer.append([said("a")])
    one, other = writer.reader(), await journal.maybe_reader(RUN)

    (event,) = one.take_nowait()

    assert one.line(event) is other.line(event)
    assert one.line(event) == to_json(event)


async def test_a_status_is_taken_once_by_each_cursor(journal):
    writer = await journal.open_record(begun())
    writer.report(Progress("a", 1, t=0.0))
    one, other = writer.reader(), await journal.maybe_reader(RUN)

    taken = [one.take_status_nowait(), one.take_status_nowait(), other.take_status_nowait()]

    assert [[status.done for status in statuses] for statuses in taken] == [[1], [], [1]]


async def test_nothing_outlives_the_process_so_nothing_is_kept_for_another(journal):
    writer = await journal.open_record(begun())

    await journal.stop(RUN, "Enough.")

    assert (journal.durable, writer.durable) == (False, False)
    assert (list(await journal.stops()), list(await journal.unfinished())) == ([], [])


# --- Forgetting ---


async def test_of_the_records_that_have_ended_the_oldest_is_trimmed_when_they_are_too_large(journal):
    await opened(journal, *"abcd")

    assert await first_types(journal, "abcd") == ["gap", "message", "message", "message"]


async def test_a_live_record_is_never_trimmed(journal, clock):
    await opened(journal, "a", "b", ended=False)
    await opened(journal, *"cdefgh")

    clock.go_on(10 * AGE)

    assert await first_types(journal, "ab") == ["message", "message"]


async def test_a_record_grows_old_from_its_end_on_and_not_from_its_beginning(journal, clock):
    writer = await journal.open_record(begun())
    writer.append([said("a")])
    clock.go_on(10 * AGE)
    writer.append([END])

    clock.go_on(AGE - 1)
    young = await first_types(journal, RUN)
    clock.go_on(2)

    assert (young, await first_types(journal, RUN)) == (["message"], ["gap"])


async def test_a_reader_goes_on_with_what_is_left_of_a_record_that_is_trimmed_meanwhile(journal, clock):
    writer = await journal.open_record(begun())
    reader, late = writer.reader(), writer.reader(1)
    writer.append([said("a"), said("b"), END])

    clock.go_on(AGE + 1)
    await journal.maybe_reader(RUN)

    gaps = [cursor.take_nowait()[0] for cursor in (reader, late)]
    assert [(gap.first, gap.last) for gap in gaps] == [(1, 2), (2, 2)]
    assert (reader.ended, late.ended) == (True, True)


async def test_a_journal_that_keeps_nothing_still_keeps_the_live(clock):
    journal = MemoryJournal(Retention(age=0.0, size=0), clock)

    await opened(journal, "a")
    await opened(journal, "b", ended=False)

    assert await first_types(journal, "b") == ["message"]
    with pytest.raises(RecordGone):
        await journal.maybe_reader(RunId("a"))


async def test_an_expired_record_takes_no_memory(journal, clock):
    writer = await journal.open_record(begun())
    writer.append([said("a"), END])
    live = weakref.ref(writer.live)
    del writer

    clock.go_on(2 * AGE + 1)
    for _ in range(2):
        await journal.maybe_begun(RunId("other"))
    gc.collect()

    assert live() is None


async def test_only_so_many_expired_runs_are_remembered(journal, clock, monkeypatch):
    monkeypatch.setattr(memory, "EXPIRED", 2)
    for run in "abc":
        await opened(journal, run)
        clock.go_on(2 * AGE + 1)
        await journal.maybe_reader(RunId("z"))
        await journal.maybe_reader(RunId("z"))

    assert await journal.maybe_reader(RunId("a")) is None
    for run in "bc":
        with pytest.raises(RecordGone):
            await journal.maybe_reader(RunId(run))


async def test_to_append_nothing_after_the_end_is_nothing(journal):
    writer = await journal.open_record(begun("a"))
    writer.append([said(LONG), END])

    for _ in range(5):
        writer.append([])
    await opened(journal, "b")

    assert await first_types(journal, "ab") == ["message", "message"]
