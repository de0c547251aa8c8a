"""What a run asks while the command line tells it: answered by `--answer`, by a person who sees it, or by nobody."""

import shlex
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import click

from narrate.cli.work import Cut, note
from narrate.errors import NotAsked, RunCut, RunRejected, TooLate, WrongAnswer
from narrate.events import Event, Question
from narrate.terminal.words import countdown, signs_for
from narrate.wire.text import asked

F = TypeVar("F", bound=Callable[..., Any])

TOO_LATE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE)
"""What a server answers to an answer that is not wrong, but not waited for either."""

answer_option = click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="TEXT",
    help="Answer a question with this; may be repeated, for one question after the other.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """How a command has the questions of its run answered.

    - `answers` are those that were given beforehand, for one question after the other.
    - `asks_here`: a person can be asked at the terminal, who is when no answer is left.
    - `give`: gives an answer to the question of this number.
    - `is_open`: whether a question that was told is still waited for.
    - `nobody`: what is done about one that nobody can answer here.
    - `refused`: what is done when an answer that was given beforehand does not fit; with a sentence that says so.
    """

    answers: Sequence[str]
    asks_here: bool
    give: Callable[[str, int], Awaitable[object]]
    is_open: Callable[[Question], Awaitable[bool]]
    nobody: Callable[[Question], Awaitable[None]]
    refused: Callable[[str], Awaitable[None]]


class Questioned:
    """Events on their way past, of which questions are answered before they are told, where that can be.

    Raises Cut where an answer cannot be given because the server is out of reach.
    """

    def __init__(self, events: AsyncIterable[Event], questions: Questions) -> None:
        self.left = list(questions.answers)
        self._source = aiter(events)
        self._questions = questions

    def __aiter__(self) -> "Questioned":
        return self

    async def __anext__(self) -> Event:
        event = await anext(self._source)
        if isinstance(event, Question) and (self.left or not self._questions.asks_here):
            await self._meet(event)
        return event

    def note_left(self) -> None:
        """Say which answers were not needed."""
        if self.left:
            said = ", ".join(f"“{clean(value)}”" for value in self.left)
            note(f"Not asked for, and not given: {said}.")

    async def _meet(self, question: Question) -> None:
        if not await self._questions.is_open(question):
            return
        if not self.left:
            await self._questions.nobody(question)
            return
        value = self.left.pop(0)
        try:
            await self._questions.give(value, question.n)
        except (TooLate, NotAsked) as error:
            note(f"--answer “{clean(value)}” came too late: {clean(str(error))}")
        except WrongAnswer as error:
            await self._questions.refused(_unfit(question, value, error))
        except RunRejected as error:
            if error.problem.status in TOO_LATE:
                note(f"--answer “{clean(value)}” came too late: {clean(str(error))}")
            else:
                await self._questions.refused(_unfit(question, value, error))
        except RunCut as error:
            raise Cut(f"“{clean(question.question)}” could not be answered: {error.why}") from error


def unanswerable(question: Question) -> str:
    """That nobody can answer a question, and what to do about it."""
    return (
        f"“{clean(asked(question))}” was asked, and there is no terminal here to answer in, nor an answer left. "
        f"Give one in advance: --answer {example(question)}"
    )


def waits(question: Question, seconds: float) -> str:
    """For how long a question is waited for that nobody can answer here, and what comes then."""
    end = "the step fails" if question.default is None else f"the answer is “{clean(question.default)}”"
    after = countdown(seconds).removesuffix(" 0 s")
    return (
        f"“{clean(asked(question))}” cannot be answered here: after {after} {end}. "
        f"To give another in advance: --answer {example(question)}"
    )


def example(question: Question) -> str:
    """An answer to a question, as a word of a command line."""
    return shlex.quote(clean(question.choices[0])) if question.choices else "'…'"


def clean(text: str) -> str:
    """What others wrote, on one line, and with nothing in it that a terminal would obey."""
    return " ".join(signs_for("utf-8").clean(text).split())


def _unfit(question: Question, value: str, error: Exception) -> str:
    return f"--answer “{clean(value)}” does not answer “{clean(question.question)}”: {clean(str(error))}"
