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
from narrate.questions import LONGEST, Asked, fitting
from narrate.verbs import Lane, Speaker, speaking, text_for

_answers: ContextVar[Iterator[str] | None] = ContextVar("answers", default=None)


async def ask(
    question: str, choices: Sequence[str] | None = None, *, within: float | None = None, default: str | None = None
) -> str:
    """Ask whoever follows the run, and wait for the answer: one of the `choices`, or any text without them.

    A question is asked in its turn: a step that is told later asks later, so that one is open at a time wherever steps
    do not ask for several themselves. Beside an `each` of its own a step asks when that is done, so that no item can
    wait for the answer. `within` so many seconds of being asked it must be answered; then the `default` is the answer,
    or, without one, NotAnswered is raised. The step's `timeout` counts all the waiting, that for the turn too.

    In another attempt of the step, and after a restart on a durable journal, what was answered is not asked again, and
    what is open goes on being waited for. Questions are told apart by their words, so say what they are about: what a
    step, or an item of `each`, has asked several times by the same words is asked again.

    Outside a run there is nobody to ask: `answering` says what is answered then. Raises TypeError and ValueError for a
    question that cannot be asked so.
    """
    meant = _question(question, choices, within, default)
    speaker = speaking.get()
    if speaker is None:
        await trio.lowlevel.checkpoint()
        return _answered_outside(meant)
    if speaker.silent:
        raise NotAnswered(f"“{question}” comes too late: the step that asks it has ended.")
    lane, inquiry = speaker.lane, speaker.inquiry
    told = lane.masked(msgspec.structs.replace(meant, step=speaker.path, item=speaker.place or None))
    if told.choices is not None and len(set(told.choices)) < len(told.choices):
        raise ValueError("ask() needs choices that differ in more than secrets.")
    await lane.wait_turn()
    await trio.lowlevel.checkpoint_if_cancelled()  # no other checkpoint: the turn would be over
    asked = inquiry.maybe_before(told, speaker.label)
    if asked is None:
        asked = Asked(lane.ask(msgspec.structs.replace(told, t=lane.now())), label=speaker.label)
    inquiry.now.append(asked)
    if asked.answer is None:
        await _wait(asked, lane, speaker)
    else:
        await trio.lowlevel.checkpoint()
    return _given(asked, meant, told)


@contextmanager
def answering(*answers: str) -> Iterator[None]:
    """Answer the questions of steps that are called outside a run, as unit tests call them, one after the other."""
    token = _answers.set(iter(answers))
    try:
        yield
    finally:
        _answers.reset(token)


async def _wait(asked: Asked, lane: Lane, speaker: Speaker) -> None:
    """Wait for the end of a question, and tell it."""
    question = asked.question
    seconds = inf if question.within is None else max(question.t + question.within - lane.now(), 0)
    by: Literal["person", "default", "nobody"] = "nobody"
    try:
        with trio.move_on_after(seconds):
            asked.value = await lane.wait_answer(question.n)
        by = "person" if asked.value is not None else "default" if question.default is not None else "nobody"
    finally:
        asked.open = False
        if by == "default":
            asked.value = question.default
        asked.answer = Answer(question.step, question.n, by, asked.value, t=lane.now())
        if not speaker.silent:
            lane.tell(asked.answer, utf8_size(asked.value or "") or 1)


def _given(asked: Asked, meant: Question, told: Question) -> str:
    """What the step is given: of choices that were told without the secrets in them, the one that is meant."""
    assert asked.answer is not None
    if asked.value is None:
        raise NotAnswered(f"Nobody has answered “{meant.question}” within {asked.question.within:g} s.")
    if asked.answer.by == "default" and asked.value == told.default and meant.default is not None:
        return meant.default
    if meant.choices is None or told.choices is None:
        return asked.value
    return meant.choices[told.choices.index(asked.value)]


def _question(question: str, choices: Sequence[str] | None, within: float | None, default: str | None) -> Question:
    """The question, if it can be asked so. Raises TypeError and ValueError."""
    if not text_for("ask()", question).strip():
        raise ValueError("ask() needs a question.")
    if isinstance(choices, str):
        raise TypeError(f"ask() takes the choices one by one: [{choices!r}].")
    offered = None if choices is None else tuple(text_for("ask(choices=...)", choice) for choice in choices)
    if offered is not None and (not offered or len(set(offered)) < len(offered)):
        raise ValueError("ask() needs choices that differ." if offered else "ask() with no choices cannot be answered.")
    if within is not None and (isinstance(within, bool) or not isinstance(within, (int, float))):
        raise TypeError(f"ask(within=...) takes seconds, not {type(within).__name__}.")
    if within is not None and not 0 < within < inf:
        raise ValueError(f"within={within} is no time to answer in. To wait for as long as it takes, leave it out.")
    if default is not None:
        if within is None:
            raise ValueError("A default is the answer when the time is over: say within how many seconds.")
        if offered is not None and text_for("ask(default=...)", default) not in offered:
            raise ValueError(f"The default {default!r} is none of the choices.")
        if offered is None and len(text_for("ask(default=...)", default)) > LONGEST:
            raise ValueError(f"The default is longer than the {LONGEST} characters that an answer may have.")
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
