"""What every journal promises of a run's record: its numbers, its readers, its status. `test_journal_laws` runs it.

A law takes `journal`, one that is open, or `journal_factory`, which makes others at the same place. Waits are for
events, never for time: `PATIENCE` only keeps a broken journal from holding up the tests.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import trio
import trio.testing

from narrate.errors import IllegalRecord, Problem
from narrate.events import (
    Event,
    Message,
    Progress,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunId,
    from_json,
    to_json,
)
from narrate.journal.base import Begun, Journal
from narrate.journal.live import Reader

PATIENCE = 30.0
"""Seconds after which a wait is taken for one that never ends."""

RUN = RunId("r")
END = RunFinished({"found": 3}, 1.0, t=1.0)
ENDS = [
    END,
    RunFailedEvent(Problem(title="T", status=500), 1.0, t=1.0),
    RunCancelledEvent("Enough.", 1.0, t=1.0),
]


def begun(run: str = "r", **more: Any) -> Begun:
    return Begun(run=RunId(run), pipeline=more.pop("pipeline", "p"), **more)


def said(text: str) -> Message:
    return Message("a", text, t=1.0)


def told(events: Sequence[Event]) -> list[tuple[int, str]]:
    """The numbers and what was said under them."""
    return [(event.n, getattr(event, "text", event.type)) for event in events]


async def everything(reader: Reader) -> list[Event]:
    """All that a reader is told, from where it is to the end of the record."""
    events: list[Event] = []
    with trio.fail_after(PATIENCE):
        while not reader.ended:
            await reader.wait_more()
            reader.take_status_nowait()
            events += reader.take_nowait()
    return events


async def read(journal: Journal, run: str = "r", after: int = 0) -> list[Event]:
    """All that is kept of a run's record now."""
    reader = await journal.maybe_reader(RunId(run), after)
    assert reader is not None
    return list(reader.take_nowait())


async def told_whole(journal: Journal, run: str = "r", text: str = "a", **more: Any) -> None:
    """Begin a run, say something, and end it."""
    writer = await journal.open_record(begun(run, **more))
    writer.append([said(text), END])
    await writer.settle()


# --- Numbers ---


async def test_events_are_numbered_from_one_without_a_gap_however_they_are_appended(journal):
    writer = await journal.open_record(begun())

    for batch in (["a"], ["b", "c"], [], ["d"]):
        writer.append([said(text) for text in batch])
    await writer.settle()

    assert told(await read(journal)) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.type)
async def test_nothing_is_told_after_the_end(journal, end):
    writer = await journal.open_record(begun())
    writer.append([said("a"), end])

    with pytest.raises(IllegalRecord, match=r"^event 3: `message` was told after the record had ended.$"):
        writer.append([said("b")])
    await writer.settle()

    assert [event.type for event in await read(journal)] == ["message", end.type]


async def test_runs_are_numbered_each_by_itself(journal):
    one, other = await journal.open_record(begun("one")), await journal.open_record(begun("other"))

    for text in "abc":
        one.append([said(text)])
        other.append([said(text.upper())])
    await one.settle()
    await other.settle()

    assert told(await read(journal, "one")) == [(1, "a"), (2, "b"), (3, "c")]
    assert told(await read(journal, "other")) == [(1, "A"), (2, "B"), (3, "C")]


async def test_what_is_appended_after_letting_go_is_dropped(journal):
    writer = await journal.open_record(begun())
    writer.append([said("a")])

    writer.let_go()
    writer.append([said("b")])
    writer.append([END])
    await writer.settle()

    assert told(await read(journal)) == [(1, "a")]


# --- Readers ---


async def test_a_run_that_is_not_known_has_no_reader(journal):
    assert await journal.maybe_reader(RUN) is None


@pytest.mark.parametrize("ended", [False, True], ids=["live", "ended"])
@pytest.mark.parametrize("after", range(-1, 6))
async def test_a_late_follower_hears_everything_behind_the_number_it_gives(journal, after, ended):
    writer = await journal.open_record(begun())
    writer.append([said("a"), said("b"), said("c")])
    writer.append([END] * ended)
    await writer.settle()

    reader = await journal.maybe_reader(RUN, after)
    first = list(reader.take_nowait())
    writer.append([END] * (not ended))

    whole = [(1, "a"), (2, "b"), (3, "c"), (4, "run.finished")]
    assert told([*first, *await everything(reader)]) == whole[max(after, 0) :]


async def test_a_reader_takes_what_is_new_and_never_the_same_twice(journal):
    writer = await journal.open_record(begun())
    reader = writer.reader()
    taken = []

    for text in "abc":
        writer.append([said(text)])
        await writer.settle()
        taken.append((told(reader.take_nowait()), list(reader.take_nowait()), reader.taken))

    assert taken == [([(1, "a")], [], 1), ([(2, "b")], [], 2), ([(3, "c")], [], 3)]


async def test_the_writers_reader_and_the_journals_are_told_the_same(journal):
    writer = await journal.open_record(begun())
    writer.append([said("a"), said("b"), END])

    assert await everything(writer.reader(1)) == await everything(await journal.maybe_reader(RUN, 1))


async def test_a_reader_has_ended_once_it_has_taken_the_end_and_not_before(journal):
    writer = await journal.open_record(begun())
    reader = writer.reader()
    writer.append([said("a")])
    await writer.settle()
    reader.take_nowait()
    states = [reader.ended]

    writer.append([END])
    await writer.settle()
    states.append(reader.ended)
    reader.take_nowait()
    with trio.fail_after(PATIENCE):
        await reader.wait_more()

    assert [*states, reader.ended, writer.reader(9).ended] == [False, False, True, True]


async def test_each_follower_hears_everything_once_in_order_whatever_the_others_do(journal):
    writer = await journal.open_record(begun())
    heard: dict[str, list[Event]] = {}
    has_ended = trio.Event()
    impatience = trio.CancelScope()

    async def fast(name: str) -> None:
        heard[name] = await everything(writer.reader())

    async def slow() -> None:
        reader = await journal.maybe_reader(RUN)
        await reader.wait_more()
        first = list(reader.take_nowait())
        await has_ended.wait()
        heard["slow"] = [*first, *await everything(reader)]

    async def leaving() -> None:
        reader = await journal.maybe_reader(RUN)
        await reader.wait_more()
        heard["leaving"] = list(reader.take_nowait())

    async def cancelled_and_back() -> None:
        reader = writer.reader()
        heard["back"] = []
        with impatience:
            while True:
                await reader.wait_more()
                heard["back"] += reader.take_nowait()
        await has_ended.wait()
        heard["back"] += await everything(reader)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as readers:
            for name in ("one", "two", "three"):
                readers.start_soon(fast, name)
            for follow in (slow, leaving, cancelled_and_back):
                readers.start_soon(follow)
            await trio.testing.wait_all_tasks_blocked()
            for n in range(1, 31):
                writer.append([said(f"{n}")])
                await writer.settle()
                impatience.cancel()
            writer.append([said("31"), said("32"), END])
            await writer.settle()
            has_ended.set()

    whole = [*((n, f"{n}") for n in range(1, 33)), (33, "run.finished")]
    for name in ("one", "two", "three", "slow", "back"):
        assert told(heard[name]) == whole, name
    assert told(heard["leaving"]) == whole[: len(heard["leaving"])]


async def test_readers_that_waited_have_been_told_once_the_writer_has_settled(journal):
    writer = await journal.open_record(begun())
    heard: list[list[Event]] = [[] for _ in range(5)]

    async def follow(heard: list[Event]) -> None:
        reader = writer.reader()
        while True:
            await reader.wait_more()
            heard += reader.take_nowait()

    async with trio.open_nursery() as readers:
        for one in heard:
            readers.start_soon(follow, one)
        await trio.testing.wait_all_tasks_blocked()
        for n in range(1, 6):
            writer.append([said("x")])
            await writer.settle()
            assert [len(one) for one in heard] == [n] * 5
        readers.cancel_scope.cancel()


async def test_a_line_is_the_event_as_json_encoded_once_for_all_readers(journal):
    writer = await journal.open_record(begun())
    writer.append([said("Zürich\u2028→ \x00"), END])
    await writer.settle()
    one, other = writer.reader(), await journal.maybe_reader(RUN)

    for event in one.take_nowait():
        assert one.line(event) == to_json(event)
        assert one.line(event) is other.line(event)
        assert from_json(one.line(event)) == event


# --- Status ---


async def test_of_each_steps_status_a_reader_is_shown_the_latest_once(journal):
    writer = await journal.open_record(begun())
    early = writer.reader()
    for step, done in (("a", 1), ("b", 1), ("a", 2)):
        writer.report(Progress(step, done, t=0.0))
    late = await journal.maybe_reader(RUN)

    for reader in (early, late):
        assert {(one.step, one.done) for one in reader.take_status_nowait()} == {("a", 2), ("b", 1)}
        assert list(reader.take_status_nowait()) == []


async def test_status_is_no_part_of_the_record(journal):
    writer = await journal.open_record(begun())
    writer.append([said("a")])
    writer.report(Progress("a", 1, t=0.0))
    writer.append([said("b")])
    await writer.settle()

    assert told(await read(journal)) == [(1, "a"), (2, "b")]


async def test_status_is_gone_with_the_end_and_none_comes_after_it(journal):
    writer = await journal.open_record(begun())
    reader = writer.reader()
    writer.report(Progress("a", 1, t=0.0))
    writer.append([END])
    await writer.settle()
    writer.report(Progress("a", 2, t=0.0))

    assert list(reader.take_status_nowait()) == []
    assert list((await journal.maybe_reader(RUN)).take_status_nowait()) == []
