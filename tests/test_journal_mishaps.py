"""What must do no harm to a journal: damaged rows, odd clocks, and processes that come back or leave together."""

import sqlite3
import stat
from contextlib import closing

import pytest
import trio
import trio.testing

from narrate import JournalFailed, Pipeline, check_record, resource, say, step
from narrate.declare import Caller
from narrate.errors import KeyTaken
from narrate.events import Message, RunFinished, RunId, from_json
from narrate.journal.base import Begun
from narrate.journal.leap import Leap
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from narrate.running import Events
from tests.journal_kinds import an_hour_ahead

RUN = RunId("r")
END = RunFinished(None, 1.0, t=1.0)


def said(text):
    return Message("a", text, t=1.0)


@resource
async def gate():
    """What a step waits for."""
    yield trio.Event()


@resource
async def ran():
    """Which steps were run."""
    yield []


@step("Asking")
async def ask(ran) -> int:
    ran.append("ask")
    return 20


@step("Waiting")
async def wait(ask: int, gate, ran) -> int:
    ran.append("wait")
    say("I wait.")
    await gate.wait()
    return ask + 1


waiting = Pipeline("waiting", ask, wait, resources=[gate, ran])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


async def interrupted(path, count=1):
    """Leave so many runs in the middle; their ids."""
    async with open_narrator([waiting], journal=SqliteJournal(path)) as narrator:
        runs = [await narrator.begin(waiting, caller=Caller(headers={"x-token": "sesame"})) for _ in range(count)]
        for running in runs:
            async for event in running.events():
                if event.type == "message":
                    break
        narrator.hand_over()
    return [running.id for running in runs]


def change(path, statement, *values):
    """Do to the file what nobody should."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement, values)
        db.commit()


def look_up(path, question, *values):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(question, values).fetchall()


async def gone_on_with(path, run_id, ran):
    """The whole record of a run, once a next start has gone on with all there are."""
    journal, opened = SqliteJournal(path), trio.Event()
    opened.set()
    async with open_narrator([waiting], journal=journal, resources={"gate": opened, "ran": ran}) as narrator:
        await narrator.pick_up()
        events = [event async for event in Events(await journal.maybe_reader(run_id), status=False)]
    check_record(events)
    return events


# --- Damage ---


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET begun = ? WHERE run = ?",
        "UPDATE events SET line = ? WHERE seq = (SELECT seq FROM runs WHERE run = ?) AND n = 2",
    ],
)
async def test_a_run_that_cannot_be_read_is_ended_and_the_others_are_gone_on_with(path, statement, caplog):
    bad, good = await interrupted(path, 2)
    change(path, statement, b'{"not": ', bad)

    events = await gone_on_with(path, good, [])

    assert events[-1].type == "run.finished"
    [(line,)] = look_up(path, "SELECT line FROM events JOIN runs USING (seq) WHERE run = ? AND n = last AND ended", bad)
    assert from_json(line).problem.detail.endswith("is damaged.")
    assert f"Run {bad} was interrupted and is damaged" in caplog.text


async def test_a_run_of_whose_steps_the_values_cannot_be_read_runs_none_of_them_again(path):
    [bad] = await interrupted(path)
    change(path, "UPDATE kept SET facts = ?", b"{")
    ran = []

    events = await gone_on_with(path, bad, ran)

    assert events[-1].problem.detail == "The server stopped in the middle of it, and what its steps gave is damaged."
    assert ran == []


async def test_a_run_whose_past_makes_no_sense_fails_and_the_others_are_gone_on_with(path):
    bad, good = await interrupted(path, 2)
    change(path, "INSERT INTO kept SELECT NULL, seq, 'nowhere', '1', x'' FROM runs WHERE run = ?", bad)

    assert (await gone_on_with(path, good, []))[-1].type == "run.finished"
    assert (await gone_on_with(path, bad, []))[-1].problem.detail.endswith("what was kept of it makes no sense.")


async def test_a_damaged_event_is_no_more_than_a_refusal_to_read_it(path):
    here, there = SqliteJournal(path), SqliteJournal(path)
    async with here.open(), there.open():
        bad, good = [await there.open_record(Begun(run=RunId(name), pipeline="p")) for name in ("bad", "good")]
        readers = [await here.maybe_reader(writer.run) for writer in (bad, good)]
        change(path, "INSERT INTO events SELECT seq, 1, ? FROM runs WHERE run = 'bad'", b"{")
        with pytest.raises(JournalFailed, match="an event of the run is damaged"):
            await here.maybe_reader(bad.run)
        for fact in (said("one"), said("two"), END):
            good.append([fact])
            await readers[1].wait_more()
            readers[1].take_nowait()

    assert readers[1].ended


async def test_a_damaged_run_does_not_keep_its_owners_others_from_being_listed(path):
    journal = SqliteJournal(path)
    async with journal.open():
        for name in ("one", "two"):
            await journal.open_record(Begun(run=RunId(name), pipeline="p", owner="me"))
        change(path, "UPDATE runs SET begun = 'x' WHERE run = 'two'")

        assert [begun.run for begun, _ in await journal.listed("me")] == ["one"]


async def test_an_end_is_kept_of_a_run_of_which_the_beginning_is_damaged(path):
    journal = SqliteJournal(path)
    async with journal.open():
        writer = await journal.open_record(Begun(run=RUN, pipeline="p"))
        change(path, "UPDATE runs SET begun = 'x'")
        writer.append([END])
        await writer.settle()

    assert look_up(path, "SELECT ended IS NOT NULL, last FROM runs") == [(1, 1)]


# --- Clocks ---


async def test_a_clock_that_is_put_forward_takes_no_live_run_from_its_process(path):
    clock = [1_700_000_000.0]
    here, there = (SqliteJournal(path, now=lambda: clock[0]) for _ in range(2))
    async with here.open(), there.open():
        await there.open_record(Begun(run=RUN, pipeline="p"))
        before = await here.unfinished()
        clock[0] += 3600.0

        assert (before, await here.unfinished()) == ([], [])


@pytest.mark.parametrize(
    ("looks", "last"),
    [
        ([(1000.0, 0.0)], True),
        ([(1000.0, 0.0), (1005.0, 5.0)], True),
        ([(1000.0, 0.0), (1005.0, 1.0)], False),
        ([(1000.0, 0.0), (1005.0, 1.0), (1014.5, 10.5)], False),
        ([(1000.0, 0.0), (1005.0, 1.0), (1015.0, 11.0)], True),
        ([(1000.0, 0.0), (900.0, 1.0)], True),
    ],
)
def test_after_a_leap_of_the_clock_it_is_not_trusted_for_a_lease(looks, last):
    leap = Leap(10.0)
    assert [leap.trusted(*look) for look in looks][-1] is last


async def test_a_clock_that_was_put_back_tells_nothing_as_earlier_than_what_came_before(path):
    [run_id] = await interrupted(path)
    change(path, "UPDATE runs SET begun = json_replace(begun, '$.began', 9e9)")
    change(path, "UPDATE events SET line = CAST(json_replace(line, '$.t', 50.0) AS BLOB) WHERE n > 1")

    times = [event.t for event in await gone_on_with(path, run_id, [])]

    assert times == sorted(times)


# --- Processes ---


async def test_a_run_begun_by_a_process_that_was_taken_for_gone_is_not_orphaned(path):
    slow, other, third = (
        SqliteJournal(path),
        SqliteJournal(path, now=an_hour_ahead),
        SqliteJournal(path, now=an_hour_ahead),
    )
    async with slow.open(), other.open(), third.open():
        await other.unfinished()
        await slow.open_record(Begun(run=RUN, pipeline="p"))

        assert [one.begun.run for one in await third.unfinished()] == [RUN]


async def test_a_run_comes_back_to_its_first_process_only_when_that_has_let_go_of_it(path):
    first, second = SqliteJournal(path), SqliteJournal(path, now=an_hour_ahead)
    async with first.open():
        writer = await first.open_record(Begun(run=RUN, pipeline="p"))
        writer.append([said("one")])
        await writer.settle()
        async with second.open():
            [one] = await second.unfinished()
            one.writer.append([*one.events, said("two")])
            await one.writer.settle()
        too_early = await first.unfinished()
        writer.append([said("late")])
        await writer.settle()
        [back] = await first.unfinished()
        writer.append([said("later")])
        back.writer.append([*back.events, END])
        await back.writer.settle()
        kept = (await first.maybe_reader(RUN)).take_nowait()

    assert too_early == []
    assert [(event.n, getattr(event, "text", "")) for event in kept] == [(1, "one"), (2, "two"), (3, "")]


async def test_a_run_that_is_picked_up_while_everybody_leaves_is_left_for_the_next_start(path):
    [run_id] = await interrupted(path)
    async with open_narrator([waiting], journal=SqliteJournal(path)) as narrator, trio.open_nursery() as nursery:
        nursery.start_soon(narrator.pick_up)
        await trio.testing.wait_all_tasks_blocked()
        narrator.hand_over()

    assert (await gone_on_with(path, run_id, []))[-1].type == "run.finished"


async def test_a_run_that_is_begun_while_everybody_leaves_is_left_for_the_next_start(path):
    begun = []
    async with open_narrator([waiting], journal=SqliteJournal(path)) as narrator, trio.open_nursery() as nursery:

        async def begin():
            begun.append(await narrator.begin(waiting))

        nursery.start_soon(begin)
        await trio.testing.wait_all_tasks_blocked()
        narrator.hand_over()

    assert (await gone_on_with(path, begun[0].id, []))[-1].type == "run.finished"


async def test_who_reads_a_run_while_it_is_being_begun_is_told_nothing_twice(path):
    journal, told = SqliteJournal(path), []

    async def begin(number):
        try:
            writer = await journal.open_record(Begun(run=RunId(f"{number}"), pipeline="p", key="k", owner=f"{number}"))
        except KeyTaken as taken:
            reader = await journal.maybe_reader(taken.run)
            while not reader.ended:
                told.extend((number, event.n) for event in reader.take_nowait())
                await reader.wait_more()
            told.extend((number, event.n) for event in reader.take_nowait())
        else:
            for _ in range(3):
                writer.append([said("more")])
                await writer.settle()
            writer.append([END])

    async with journal.open():
        for number in range(150):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(begin, number)
                nursery.start_soon(begin, number)

    assert told == [(number, n) for number in range(150) for n in range(1, 5)]


# --- What stays behind ---


async def test_when_a_run_has_ended_who_asked_is_in_the_file_no_more(path):
    [run_id] = await interrupted(path)
    assert b"sesame" in path.read_bytes()

    await gone_on_with(path, run_id, [])

    assert b"sesame" not in path.read_bytes()


async def test_what_lies_beside_the_file_may_be_read_by_its_owner_alone(path):
    async with SqliteJournal(path).open():
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == {"runs.db": 0o600, "runs.db-wal": 0o600, "runs.db-shm": 0o600}


async def test_of_those_who_asked_nothing_is_remembered_once_their_runs_have_ended():
    pipeline = Pipeline("p", ask, resources=[ran])
    async with open_narrator([pipeline]) as narrator:
        for n in range(3):
            await (await narrator.begin(pipeline, caller=Caller(ip=f"192.0.2.{n}"))).result()

        assert not narrator._beginning
