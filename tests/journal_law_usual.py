"""What every journal promises of how long things usually take: it is known from a run's end on, and outlives the run.

Journals of `durable_factory`, made at one place, stand for processes; `both` are two that are open.
"""

from collections.abc import Mapping
from typing import Any

import pytest
import trio

from narrate.events import Answer, OutlinedStep, Question, RunStarted, StepFinished, StepSkipped
from narrate.journal.base import Journal, Writer
from narrate.usual import RUNS
from tests.journal_kinds import AGE
from tests.journal_law import END, ENDS, RUN, begun, everything, read
from tests.journal_law_kept import is_gone


def worked(seconds: Mapping[str, float], pipeline: str = "p") -> list[Any]:
    """What a run tells whose steps take so long, but for its end."""
    outline = tuple(OutlinedStep(step, step.upper()) for step in seconds)
    done = [StepFinished(step, took, t=1.0) for step, took in seconds.items()]
    return [RunStarted(RUN, pipeline, "P", outline, t=0.0), *done]


async def ran(journal: Journal, run: str = "r", end: Any = END, *, pipeline: str = "p", **seconds: float) -> Writer:
    """Have a run told whose steps take so long."""
    writer = await journal.open_record(begun(run, pipeline=pipeline))
    writer.append([*worked(seconds, pipeline), end])
    await writer.settle()
    return writer


async def test_of_a_pipeline_that_never_ran_nothing_is_usual(journal):
    assert await journal.usual_seconds("p") == {}
    assert (await journal.open_record(begun())).usual == {}


async def test_what_steps_took_is_usual_for_whatever_begins_later(journal):
    first = await ran(journal, "first", a=1.0, b=0.25)
    second = await ran(journal, "second", a=4.0, b=0.5)
    await ran(journal, "third", a=2.0, b=0.75)

    assert (first.usual, second.usual) == ({}, {"a": 1.0, "b": 0.25})
    assert (await journal.open_record(begun("fourth"))).usual == {"a": 2.0, "b": 0.5}
    assert await journal.usual_seconds("p") == {"a": 2.0, "b": 0.5}


async def test_a_run_counts_from_its_end_on(journal):
    writer = await journal.open_record(begun())
    writer.append(worked({"a": 1.0}))
    await writer.settle()
    before = await journal.usual_seconds("p")

    writer.append([END])
    await writer.settle()

    assert (before, await journal.usual_seconds("p")) == ({}, {"a": 1.0})


async def test_only_the_last_runs_count(journal):
    for n in range(RUNS):
        await ran(journal, f"slow{n}", a=8.0)
    slow = await journal.usual_seconds("p")

    for n in range(RUNS // 2 + 1):
        await ran(journal, f"quick{n}", a=1.0)

    assert (slow, await journal.usual_seconds("p")) == ({"a": 8.0}, {"a": 1.0})


@pytest.mark.parametrize("end", ENDS[1:], ids=lambda end: end.type)
async def test_what_a_run_took_that_did_not_finish_is_not_usual(journal, end):
    await ran(journal, "whole", a=1.0)

    await ran(journal, "half", end, a=9.0, b=9.0)

    assert await journal.usual_seconds("p") == {"a": 1.0}


async def test_a_step_that_was_skipped_takes_what_it_took_when_it_was_not(journal):
    await ran(journal, "first", a=1.0, b=2.0)
    writer = await journal.open_record(begun("second"))
    started, _, done = worked({"a": 1.0, "b": 4.0})
    writer.append([started, StepSkipped("a", "Not needed.", t=0.5), done, END])
    await writer.settle()

    assert await journal.usual_seconds("p") == {"a": 1.0, "b": 3.0}


async def test_how_long_a_person_took_is_not_usual_for_the_step_that_asked(journal):
    await ran(journal, "first", a=1.0, b=2.0)
    writer = await journal.open_record(begun("second"))
    started, *done = worked({"a": 1.0, "b": 500.0})
    writer.append([started, Question("b", "Well?", t=0.0), Answer("b", 2, "person", "Yes.", t=499.0), *done, END])
    await writer.settle()

    assert await journal.usual_seconds("p") == {"a": 1.0}


async def test_each_pipeline_has_what_is_usual_for_it(journal):
    await ran(journal, "one", a=1.0)
    await ran(journal, "other", pipeline="q", a=2.0)

    assert [await journal.usual_seconds(name) for name in ("p", "q", "")] == [{"a": 1.0}, {"a": 2.0}, {}]


async def test_it_outlives_the_runs_that_showed_it(forgetful, clock):
    await ran(forgetful, a=1.5)

    for _ in range(20):
        clock.go_on(AGE)
        await is_gone(forgetful, "r")

    assert await is_gone(forgetful, "r")
    assert await forgetful.usual_seconds("p") == {"a": 1.5}


# --- Several processes, one after the other and at once ---


async def test_it_is_known_after_a_restart(durable_factory):
    journal = durable_factory()
    async with journal.open():
        await ran(journal, a=1.5)

    again = durable_factory()
    async with again.open():
        assert await again.usual_seconds("p") == (await again.open_record(begun("s"))).usual == {"a": 1.5}


async def test_whoever_hears_the_end_of_a_run_in_another_process_knows_what_it_took(both):
    one, other = both
    writer = await one.open_record(begun())
    writer.append(worked({"a": 1.5}))
    await writer.settle()
    reader = await other.maybe_reader(RUN)

    writer.append([END])
    await everything(reader)

    assert await other.usual_seconds("p") == {"a": 1.5}


async def test_of_runs_that_end_at_once_in_several_processes_all_count(both):
    async def run(n: int) -> None:
        await ran(both[n % 2], f"r{n}", a=float(n))

    async with trio.open_nursery() as nursery:
        for n in range(9):
            nursery.start_soon(run, n)

    assert [await journal.usual_seconds("p") for journal in both] == [{"a": 4.0}] * 2


async def test_what_an_interrupted_run_took_is_not_usual(durable_factory):
    journal = durable_factory()
    async with journal.open():
        await ran(journal, "whole", a=1.0)
        writer = await journal.open_record(begun("broken"))
        writer.append(worked({"a": 500.0, "b": 0.5}))
        writer.let_go()

    again = durable_factory()
    async with again.open():
        (left,) = await again.unfinished()
        left.writer.append([*left.events, END])
        await left.writer.settle()

        assert (await read(again, "broken"))[-1].type == "run.finished"
        assert await again.usual_seconds("p") == {"a": 1.0}
