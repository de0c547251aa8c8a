"""A pipeline that asks, whoever answers it, and a process that goes while it waits: what the tests of `ask` share."""

from narrate import Explained, Pipeline, ask, check_record, say, step
from narrate.events import Question
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator


class Busy(Explained):
    """A failure that another attempt may mend."""


def asks(*stages, **options):
    return Pipeline("asks", *stages, linger=None, **options)


@step("Deciding")
async def decided() -> str:
    say("Let me see.")
    return await ask("Is it you?", ["yes", "no"])


async def told(running, *answers):
    """The record of a run whose questions are answered one after the other; None leaves one unanswered."""
    left = list(answers)
    events = []
    async for event in running.events():
        events.append(event)
        if isinstance(event, Question) and (value := left.pop(0)) is not None:
            await running.answer(value, event.n)
    check_record(events)
    assert not left
    return events


async def left_while_asking(path, pipeline, *answers):
    """A run whose process goes while the question behind these answers is open; the number of that question."""
    left = list(answers)
    async with open_narrator([pipeline], journal=SqliteJournal(path)) as narrator:
        running = await narrator.begin(pipeline)
        async for event in running.events():
            if isinstance(event, Question):
                if not left:
                    break
                await running.answer(left.pop(0))
        narrator.hand_over()
    return running.id, event.n


def event_n(running, kind):
    return next(event.n for event in running.reader().take_nowait() if isinstance(event, kind))
