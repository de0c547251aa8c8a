"""The journal in memory: cursors that miss nothing and hold nothing, and which records are forgotten when."""

import pytest
import trio
import trio.testing

from narrate.events import Message, Progress, RunFinished, RunId, to_json
from narrate.journal.base import Journal
from narrate.journal.memory import MemoryJournal

RUN = RunId("r")
END = RunFinished(None, 1.0, t=1.0)


def said(text):
    return Message("a", text, t=1.0)


def texts(events):
    return [event.text for event in events]


def opened(journal, *runs, ended=True):
    for run in runs:
        journal.open_record(RunId(run)).append([END] if ended else [])


def known(journal, names):
    return "".join(name for name in names if journal.maybe_reader(RunId(name)) is not None)


@pytest.fixture
def journal() -> Journal:
    return MemoryJournal()


# --- Reading ---


def test_a_run_that_is_not_known_has_no_reader(journal):
    assert journal.maybe_reader(RUN) is None


def test_a_cursor_takes_all_there_is_and_then_what_is_new(journal):
    writer, reader = journal.open_record(RUN), journal.maybe_reader(RUN)

    writer.append([said("a"), said("b")])
    first = reader.take_nowait()
    nothing = reader.take_nowait()
    writer.append([said("c")])

    assert (texts(first), list(nothing), texts(reader.take_nowait())) == (["a", "b"], [], ["c"])


@pytest.mark.parametrize(("after", "rest"), [(0, "abc"), (1, "bc"), (3, ""), (9, ""), (-1, "abc")])
def test_a_cursor_begins_behind_the_number_it_is_given(journal, after, rest):
    journal.open_record(RUN).append([said(text) for text in "abc"])

    assert "".join(texts(journal.maybe_reader(RUN, after).take_nowait())) == rest


def test_a_cursor_has_ended_once_all_is_taken_up_to_the_end(journal):
    writer, reader = journal.open_record(RUN), journal.maybe_reader(RUN)
    states = [reader.ended]

    writer.append([said("a"), END])
    states.append(reader.ended)
    reader.take_nowait()

    assert [*states, reader.ended, journal.maybe_reader(RUN, 9).ended] == [False, False, True, True]


def test_two_cursors_get_the_very_same_line(journal):
    writer = journal.open_record(RUN)
    writer.append([said("a")])
    one, other = journal.maybe_reader(RUN), journal.maybe_reader(RUN)

    (event,) = one.take_nowait()

    assert one.line(event) is other.line(event)
    assert one.line(event) == to_json(event)


def test_a_status_is_taken_once_by_each_cursor(journal):
    writer = journal.open_record(RUN)
    writer.report(Progress("a", 1, t=0.0))
    one, other = journal.maybe_reader(RUN), journal.maybe_reader(RUN)

    taken = [one.take_status_nowait(), one.take_status_nowait(), other.take_status_nowait()]

    assert [[status.done for status in statuses] for statuses in taken] == [[1], [], [1]]


# --- Waiting ---


@pytest.mark.parametrize(
    "happen",
    [
        lambda writer: writer.append([said("a")]),
        lambda writer: writer.append([END]),
        lambda writer: writer.report(Progress("a", t=0.0)),
    ],
    ids=["event", "end", "status"],
)
async def test_whoever_waits_is_woken_by_anything_new(journal, nursery, happen):
    writer, reader = journal.open_record(RUN), journal.maybe_reader(RUN)
    woken = trio.Event()

    async def wait():
        await reader.wait_more()
        woken.set()

    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    before = woken.is_set()
    happen(writer)
    await trio.testing.wait_all_tasks_blocked()

    assert (before, woken.is_set()) == (False, True)


async def test_nobody_waits_for_what_is_there_already(journal, autojump_clock):
    writer, reader = journal.open_record(RUN), journal.maybe_reader(RUN)

    with trio.fail_after(1):
        writer.append([said("a")])
        await reader.wait_more()
        reader.take_nowait()
        writer.report(Progress("a", t=0.0))
        await reader.wait_more()
        reader.take_status_nowait()
        writer.append([END])
        reader.take_nowait()
        await reader.wait_more()

    assert reader.ended


async def test_readers_that_waited_have_taken_what_was_appended_when_it_has_settled(journal, nursery):
    writer = journal.open_record(RUN)
    taken = []

    async def read(reader):
        while True:
            await reader.wait_more()
            taken.extend(reader.take_nowait())

    for _ in range(5):
        nursery.start_soon(read, journal.maybe_reader(RUN))
    await trio.testing.wait_all_tasks_blocked()

    for n in range(1, 6):
        writer.append([said("x")])
        await writer.settle()
        assert len(taken) == 5 * n
    nursery.cancel_scope.cancel()


async def test_a_reader_that_leaves_while_it_waits_leaves_nothing_behind(journal):
    writer, reader = journal.open_record(RUN), journal.maybe_reader(RUN)
    async with trio.open_nursery() as readers:
        readers.start_soon(reader.wait_more)
        await trio.testing.wait_all_tasks_blocked()
        readers.cancel_scope.cancel()

    writer.append([said("a")])
    await writer.settle()

    assert texts(reader.take_nowait()) == ["a"]


async def test_settling_is_a_checkpoint_and_can_be_cancelled(journal):
    writer = journal.open_record(RUN)

    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.settle()

    assert scope.cancelled_caught


# --- Forgetting ---


def test_the_oldest_records_that_have_ended_are_forgotten():
    journal = MemoryJournal(keep=2)

    opened(journal, "a", "b", "c")

    assert known(journal, "abc") == "bc"


def test_a_live_record_is_never_forgotten():
    journal = MemoryJournal(keep=2)
    opened(journal, "a", "b", ended=False)

    opened(journal, *"cdefgh")

    assert known(journal, "ab") == "ab"
    assert len(known(journal, "cdefgh")) <= 3


def test_a_record_may_be_forgotten_once_it_has_ended():
    journal = MemoryJournal(keep=1)
    writer = journal.open_record(RUN)
    opened(journal, "b")
    writer.append([END])

    opened(journal, "c", "d", "e")

    assert known(journal, ["r", "b", "c", "d"]) == ""


def test_a_reader_goes_on_with_a_record_that_is_forgotten_meanwhile():
    journal = MemoryJournal(keep=1)
    opened(journal, "a")
    reader = journal.maybe_reader(RunId("a"))

    opened(journal, "b")

    assert known(journal, "a") == ""
    assert [event.type for event in reader.take_nowait()] == ["run.finished"]


def test_a_journal_that_keeps_nothing_still_keeps_the_live():
    journal = MemoryJournal(keep=0)

    opened(journal, "a")
    opened(journal, "b", ended=False)

    assert known(journal, "ab") == "b"
