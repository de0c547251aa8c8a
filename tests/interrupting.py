"""Runs that a test interrupts in their middle, and goes on with as the next start of the program would."""

from pathlib import Path

import trio

from narrate import Caller, Pipeline, check_record, resource, say, step
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from narrate.running import Events, Run
from narrate.wire.text import TextForm


@resource
async def gate():
    """What a step waits for, so that a test can interrupt it there."""
    opened = trio.Event()
    opened.set()
    yield opened


@resource
async def ran():
    """The steps that began, in the order in which they did."""
    yield []


@step("Asking")
async def ask(ran) -> int:
    ran.append("ask")
    say("I ask.")
    return 20


@step("Waiting")
async def wait(ask: int, gate, ran) -> int:
    ran.append("wait")
    say("I wait.")
    await gate.wait()
    say("I have waited.")
    return ask + 1


@step("Answering {wait}", summary="It is {answer}.")
async def answer(wait: int, ran) -> int:
    ran.append("answer")
    return 2 * wait


def pipeline_of(*stages, **options):
    return Pipeline("p", *stages, resources=[gate, ran], **options)


async def interrupted(path: Path, pipeline: Pipeline, at: str, *, given=None, ran=None) -> Run:
    """Begin a run and leave it in the middle, when this text has been told or its state is this."""
    stand_ins = {"gate": trio.Event(), "ran": ran if ran is not None else []}
    known = {one.name for one, _ in pipeline.resources}
    resources = {name: value for name, value in stand_ins.items() if name in known}
    async with open_narrator([pipeline], journal=SqliteJournal(path), resources=resources) as narrator:
        running = await narrator.begin(pipeline, given, Caller(ip="192.0.2.7"))
        async for event in running.events(status=True):
            if at in (getattr(event, "text", None), f"{getattr(event, 'step', '')} {getattr(event, 'state', '')}"):
                break
        narrator.hand_over()
    return running


async def gone_on_with(path: Path, running: Run, *pipelines: Pipeline, ran=None):
    """The whole record, once another start of the program has gone on with the run."""
    journal = SqliteJournal(path)
    known = {one.name for pipeline in pipelines for one, _ in pipeline.resources}
    resources = {"ran": ran} if ran is not None and "ran" in known else {}
    async with open_narrator(pipelines, journal=journal, resources=resources) as narrator:
        await narrator.pick_up()
        reader = await journal.maybe_reader(running.id)
        events = [event async for event in Events(reader, status=False)]
    check_record(events)
    return events


def told(events):
    return TextForm(seconds=False).story(events)
