"""How readers wait in a live record: woken by anything new, by nothing else, and waited for by nobody for long.

With the journal in memory, through which records are shown at once.
"""

import pytest
import trio
import trio.testing

from narrate.events import Message, Progress, RunFinished, RunId
from narrate.journal.base import Begun, Journal
from narrate.journal.live import Several
from narrate.journal.memory import MemoryJournal

RUN = RunId("r")
END = RunFinished(None, 1.0, t=1.0)


def said(text):
    return Message("a", text, t=1.0)


def texts(events):
    return [event.text for event in events]


def begun(run=RUN):
    return Begun(run=RunId(run), pipeline="p")


@pytest.fixture
def journal() -> Journal:
    return MemoryJournal()


# --- One record ---


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
    writer = await journal.open_record(begun())
    reader = writer.reader()
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
    writer = await journal.open_record(begun())
    reader = writer.reader()

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
    writer = await journal.open_record(begun())
    taken = []

    async def follow(reader):
        while True:
            await reader.wait_more()
            taken.extend(reader.take_nowait())

    for _ in range(5):
        nursery.start_soon(follow, writer.reader())
    await trio.testing.wait_all_tasks_blocked()

    for n in range(1, 6):
        writer.append([said("x")])
        await writer.settle()
        assert len(taken) == 5 * n
    nursery.cancel_scope.cancel()


async def test_nobody_waits_for_a_reader_that_does_not_come_back(journal, nursery, autojump_clock):
    writer = await journal.open_record(begun())

    async def stall(reader):
        await reader.wait_more()
        await trio.sleep_forever()

    nursery.start_soon(stall, writer.reader())
    await trio.testing.wait_all_tasks_blocked()

    for _ in range(3):
        writer.append([said("a")])
        await writer.settle()

    assert trio.current_time() == 0.0
    nursery.cancel_scope.cancel()


async def test_a_reader_that_leaves_while_it_waits_leaves_nothing_behind(journal):
    writer = await journal.open_record(begun())
    reader = writer.reader()
    async with trio.open_nursery() as readers:
        readers.start_soon(reader.wait_more)
        await trio.testing.wait_all_tasks_blocked()
        readers.cancel_scope.cancel()

    writer.append([said("a")])
    await writer.settle()

    assert texts(reader.take_nowait()) == ["a"]


async def test_a_reader_can_be_let_go_on_though_there_is_no_more(journal, autojump_clock):
    writer = await journal.open_record(begun())
    reader = writer.reader()

    with trio.fail_after(1):
        async with trio.open_nursery() as readers:
            readers.start_soon(reader.wait_more)
            await trio.testing.wait_all_tasks_blocked()
            reader.stop_waiting()
            reader.stop_waiting()

    writer.append([said("a")])
    assert texts(reader.take_nowait()) == ["a"]


async def test_settling_is_a_checkpoint_and_can_be_cancelled(journal):
    writer = await journal.open_record(begun())

    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.settle()

    assert scope.cancelled_caught


# --- Several records ---


async def two(journal):
    writers = [await journal.open_record(begun(run)) for run in "ab"]
    return writers, Several([writer.reader() for writer in writers])


@pytest.mark.parametrize("which", [0, 1])
async def test_who_waits_for_several_records_is_woken_by_each(journal, nursery, which):
    writers, several = await two(journal)
    woken = trio.Event()

    async def wait():
        await several.wait_more()
        woken.set()

    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    before = woken.is_set()
    writers[which].append([said("a")])
    await writers[which].settle()

    assert (before, woken.is_set()) == (False, True)
    assert [texts(reader.take_nowait()) for reader in several.readers] == [[["a"], []], [[], ["a"]]][which]


async def test_who_waits_for_several_records_waits_for_no_more_of_those_that_have_ended(journal, nursery):
    (first, second), several = await two(journal)
    first.append([END])
    several.readers[0].take_nowait()
    woken = trio.Event()

    async def wait():
        await several.wait_more()
        woken.set()

    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    states = [woken.is_set(), several.ended]
    second.append([END])
    await trio.testing.wait_all_tasks_blocked()
    several.readers[1].take_nowait()

    assert [*states, woken.is_set(), several.ended] == [False, False, True, True]


async def test_there_is_nothing_to_wait_for_where_all_have_ended_or_one_has_more(journal, autojump_clock):
    (first, second), several = await two(journal)

    with trio.fail_after(1):
        first.append([said("a")])
        await several.wait_more()
        for reader, writer in zip(several.readers, (first, second), strict=True):
            writer.append([END])
            reader.take_nowait()
        await several.wait_more()

    assert several.ended


@pytest.mark.parametrize("leave", ["cancelled", "let go on"])
async def test_who_no_longer_waits_for_several_leaves_nothing_behind(journal, autojump_clock, leave):
    writers, several = await two(journal)
    with trio.fail_after(1):
        async with trio.open_nursery() as readers:
            readers.start_soon(several.wait_more)
            await trio.testing.wait_all_tasks_blocked()
            {"cancelled": readers.cancel_scope.cancel, "let go on": several.stop_waiting}[leave]()

    for writer in writers:
        writer.append([said("a")])
        await writer.settle()

    assert [texts(reader.take_nowait()) for reader in several.readers] == [["a"], ["a"]]
