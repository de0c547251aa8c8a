"""`ask`: a step's question to a person, waited for across broken lines and restarts.

Apart from the other verbs because it waits, where they only speak. What may be answered is `questions`' affair.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Literal

import msgspec
import trio

from narrate.errors import NotAnswered
from narrate.events import Answer, Question, utf8_size
from narrate.questions import Asked, fitting
from narrate.verbs import Lane, Speaker, speaking, text_for

_answers: ContextVar[Iterator[str] | None] = ContextVar("answers", default=None)


async def ask(
    question: str, choices: Sequence[str] | None = None, *, within: float | None = None, default: str | None = None
) -> str:
    """Ask whoever follows the run, and wait for the answer: one of the `choices`, or any text without them.

    A question is asked in its turn: a step that is told later asks later, so that one is open at a time wherever steps
    do not ask for several themselves. `within` so many seconds of being asked it must be answered; then the `default`
    is the answer, or, without one, NotAnswered is raised. The step's `timeout` counts the waiting too.

    In another attempt of the step, and after a restart on a durable journal, what was answered is not asked again, and
    what is open goes on being waited for. Outside a run there is nobody to ask: `answering` says what is answered then.
    """
    asked = _question(question, choices, within, default)
    speaker = speaking.get()
    if speaker is None or speaker.silent:
        await trio.lowlevel.checkpoint()
        return _answered_outside(asked)
    lane = speaker.lane
    asked = lane.masked(msgspec.structs.replace(asked, step=speaker.path))
    inquiry = speaker.inquiry
    before = inquiry.maybe_before(asked)
    if before is not None and before.answer is not None:
        inquiry.now.append(before)
        await trio.lowlevel.checkpoint()
        assert before.answer.value is not None
        return before.answer.value
    await lane.wait_turn()
    await trio.lowlevel.checkpoint_if_cancelled()  # no other checkpoint: the turn would be over
    if before is None:
        before = Asked(lane.ask(msgspec.structs.replace(asked, t=lane.now())))
    inquiry.now.append(before)
    try:
        before.answer = answer = await _answer(before.question, lane, speaker)
    finally:
        before.open = False
    if answer.value is None:
        raise NotAnswered(f"Nobody has answered “{question}” within {before.question.within:g} s.")
    return answer.value


@contextmanager
def answering(*answers: str) -> Iterator[None]:
    """Answer the questions of steps that are called outside a run, as unit tests call them, one after the other."""
    token = _answers.set(iter(answers))
    try:
        yield
    finally:
        _answers.reset(token)


async def _answer(question: Question, lane: Lane, speaker: Speaker) -> Answer:
    """Wait for the end of a question, and tell it."""
    seconds = inf if question.within is None else max(question.t + question.within - lane.now(), 0)
    value: str | None = None
    by: Literal["person", "default", "nobody"] = "nobody"
    try:
        with trio.move_on_after(seconds):
            value = await lane.wait_answer(question.n)
        by = "person" if value is not None else "default" if question.default is not None else "nobody"
    finally:
        value = value if by == "person" else question.default if by == "default" else None
        answer = Answer(question.step, question.n, by, value, t=lane.now())
        if not speaker.silent:
            lane.tell(answer, utf8_size(value or "") or 1)
    return answer


def _question(question: str, choices: Sequence[str] | None, within: float | None, default: str | None) -> Question:
    """The question, if it can be asked so. Raises TypeError and ValueError."""
    if not text_for("ask()", question).strip():
        raise ValueError("ask() needs a question.")
    if isinstance(choices, str):
        raise TypeError(f"ask() takes the choices one by one: [{choices!r}].")
    offered = None if choices is None else tuple(text_for("ask(choices=...)", choice) for choice in choices)
    if offered is not None and (not offered or len(set(offered)) < len(offered)):
        raise ValueError("ask() needs choices that differ." if offered else "ask() with no choices cannot be answered.")
    if within is not None and not within > 0:
        raise ValueError(f"within={within} is over before anybody can answer.")
    if default is not None:
        if within is None:
            raise ValueError("A default is the answer when the time is over: say within how many seconds.")
        if offered is not None and text_for("ask(default=...)", default) not in offered:
            raise ValueError(f"The default {default!r} is none of the choices.")
    for text in (question, default or "", *(offered or ())):
        utf8_size(text)
    return Question("", question, offered, default, within, t=0.0)


def _answered_outside(question: Question) -> str:
    answers = _answers.get()
    if answers is None:
        raise NotAnswered(
            f"There is nobody to ask “{question.question}” outside a run. In a test, say what is answered: "
            "`with answering(…):`."
        )
    for answer in answers:
        return fitting(question, answer)
    raise NotAnswered(f"“{question.question}” was asked, and `answering` has no more answers.")
