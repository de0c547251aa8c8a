"""What each step usually takes, as a run's first event and the narrator's `outline` tell it."""

import sqlite3
from contextlib import closing

import pytest
import trio

from narrate import Pipeline, RunFailed, concurrent, run, say, step
from narrate.events import OutlinedGroup, OutlinedPipeline, OutlinedStep
from narrate.grammar import check_record
from narrate.journal.memory import MemoryJournal
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from tests.interrupting import answer, ask, gone_on_with, interrupted, pipeline_of, wait


@step("Quick")
async def quick():
    await trio.sleep(0.2)


@step("Slow")
async def slow():
    await trio.sleep(3)


@step("Not needed", when=lambda: False)
async def unneeded(): ...


@step("Late")
async def late():
    await trio.sleep(1)


inner = Pipeline("inner", late, title="Inside")
whole = Pipeline("whole", concurrent(quick, inner), unneeded, slow)
WHOLE = (
    OutlinedGroup(
        (
            OutlinedStep("quick", "Quick", 0.2),
            OutlinedPipeline("inner", "Inside", (OutlinedStep("inner/late", "Late", 1.0),), 1.0),
        )
    ),
    OutlinedStep("unneeded", "Not needed", 0.0),
    OutlinedStep("slow", "Slow", 3.0),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


async def told(narrator, pipeline):
    """The whole record of one more run."""
    running = await narrator.begin(pipeline)
    events = [event async for event in running.events()]
    check_record(events)
    return events


async def test_a_run_is_told_with_what_the_one_before_it_took(autojump_clock):
    async with open_narrator([whole]) as narrator:
        first, second = await told(narrator, whole), await told(narrator, whole)

    assert (first[0].outline, second[0].outline) == (whole.outline, WHOLE)


async def test_an_outline_can_be_had_without_a_run(autojump_clock):
    async with open_narrator([whole]) as narrator:
        before = await narrator.outline(whole)
        await told(narrator, whole)

        assert (before, await narrator.outline(whole)) == (whole.outline, WHOLE)


async def test_what_is_told_of_a_run_stays_as_it_was_told(autojump_clock):
    async with open_narrator([whole]) as narrator:
        events = await told(narrator, whole)
        await told(narrator, whole)
        reader = await narrator.journal.maybe_reader(events[0].run)

        assert reader.take_nowait() == events


async def test_a_value_that_a_stand_in_gave_counts_with_all_that_was_waited_for_it(autojump_clock):
    @step("Asking", timeout=4, fallback="nobody")
    async def asked():
        await trio.sleep_forever()

    pipeline = Pipeline("p", asked)
    async with open_narrator([pipeline]) as narrator:
        await told(narrator, pipeline)

        assert await narrator.outline(pipeline) == (OutlinedStep("asked", "Asking", 4.0),)


async def test_a_run_that_fails_says_nothing_of_what_is_usual(autojump_clock):
    @step("Broken")
    async def broken():
        raise KeyError

    pipeline, journal = Pipeline("p", quick, broken), MemoryJournal()
    with pytest.raises(RunFailed):
        await run(pipeline, journal=journal)

    assert await journal.usual_seconds("p") == {}


# --- Interruptions ---


async def test_an_interrupted_run_keeps_the_outline_that_it_began_with_and_counts_not(path):
    pipeline = pipeline_of(ask, wait, answer)
    await run(pipeline, journal=SqliteJournal(path))
    running = await interrupted(path, pipeline, "I wait.")
    [began] = running.reader().take_nowait()[:1]
    change(path, "UPDATE measured SET usual = ?", b'{"ask": 50.0, "wait": 60.0}')

    events = await gone_on_with(path, running, pipeline)

    assert events[0] == began
    assert [stage.seconds is None for stage in began.outline] == [False] * 3
    assert await usual_seconds(path, "p") == {"ask": 50.0, "wait": 60.0}


# --- Mishaps ---


def change(path, statement, *values):
    """Do to the file what nobody should."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement, values)
        db.commit()


async def usual_seconds(path, pipeline):
    journal = SqliteJournal(path)
    async with journal.open():
        return await journal.usual_seconds(pipeline)


@step("Speaking")
async def speaking():
    say("I speak.")
    return 7


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"speaking": ["1"]}', 5], ids=repr)
async def test_where_what_was_usual_is_damaged_runs_begin_and_end_and_it_is_known_again(path, damage, caplog):
    pipeline = Pipeline("p", speaking)
    await run(pipeline, journal=SqliteJournal(path))
    change(path, "UPDATE measured SET seconds = ?1, usual = ?1", damage)

    async with open_narrator([pipeline], journal=SqliteJournal(path)) as narrator:
        damaged, healed = await told(narrator, pipeline), await told(narrator, pipeline)

    assert (damaged[0].outline, damaged[-1].result) == (pipeline.outline, 7)
    assert healed[0].outline[0].seconds is not None
    assert "What the steps of p usually take cannot be read." in caplog.text


async def test_where_what_is_usual_can_be_neither_read_nor_kept_runs_begin_and_end_all_the_same(path, caplog):
    pipeline, journal = Pipeline("p", speaking), SqliteJournal(path)
    async with open_narrator([pipeline], journal=journal) as narrator:
        change(path, "DROP TABLE measured")
        first, second = await told(narrator, pipeline), await told(narrator, pipeline)
        outline = await narrator.outline(pipeline)

    assert outline == first[0].outline == second[0].outline == pipeline.outline
    async with journal.open():
        kept = await journal.maybe_reader(second[0].run)
        assert kept.take_nowait() == second
    assert "What the steps of p usually take is not known: no such table: measured." in caplog.text
