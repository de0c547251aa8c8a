"""How an answer gets to the step that waits for it, in whichever process that is.

It is kept in the journal first and then handed on: what was acknowledged is not lost with a process. Whether it was in
time is for the record to say, so whoever answers waits until it does.
"""

from collections.abc import Callable

import trio

from narrate.errors import NotAsked
from narrate.events import Answer, Event, RunId
from narrate.journal.base import Journal
from narrate.journal.live import Reader
from narrate.questions import asked_for, checked, questions_in, too_late

TOLD_WITHIN = 5.0
"""Seconds for an answer to be told. To another process it takes half of one; a process that is gone has to be followed
by another first."""


async def give_answer(
    journal: Journal, run: RunId, value: object, to: int | None, deliver: Callable[[int, str], None] | None
) -> Answer | None:
    """Answer a question of a run; the answer as it was told, or None where it is kept and not told yet.

    `to` is the question's number, and may be left out where the run has asked one alone. The same answer given again is
    the same answer. `deliver` hands it to the run if that is under way here. Raises NotAsked, TooLate and WrongAnswer,
    and RecordGone for a run that is kept no longer.
    """
    reader = await journal.maybe_reader(run)
    if reader is None:
        raise NotAsked("There is no such run.")
    events = list(reader.take_nowait())
    asked = asked_for(questions_in(events), to)
    before, question = asked.answer, asked.question
    if before is not None and before.by == "person" and before.value == value:
        return before
    text = checked(asked, value)
    kept = await journal.answer(run, question.n, text)
    if kept is not None and deliver is not None:
        deliver(question.n, kept)
    told = await _told(reader, events, question.n)
    if kept != text or (told is not None and told.by != "person"):
        raise too_late(question, told)
    return told


async def _told(reader: Reader, events: list[Event], n: int) -> Answer | None:
    """The end of question number `n`, once it is in the record; None if it does not come soon."""
    with trio.move_on_after(TOLD_WITHIN):
        while True:
            asked = questions_in(events)[n]
            if asked.answer is not None:
                return asked.answer
            if not asked.open or reader.ended:
                raise too_late(asked.question, None)
            await reader.wait_more()
            reader.take_status_nowait()
            events += reader.take_nowait()
    return None
