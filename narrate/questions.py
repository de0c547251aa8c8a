"""What a run has asked people: which question an answer is for, whether it may be given, and which were asked before.

Pure. `ask` waits for answers; here is what can be said of them by the record alone, in whichever process.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from narrate.errors import NotAsked, TooLate, WrongAnswer
from narrate.events import (
    Answer,
    Event,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    StepCancelled,
    StepFailed,
    StepFinished,
)

LONGEST = 10_000
"""Characters of an answer in one's own words."""


@dataclass(slots=True)
class Asked:
    """A question of a record, and its answer once it has one. One whose step has ended is not `open` without either."""

    question: Question
    answer: Answer | None = None
    open: bool = True


def questions_in(events: Iterable[Event]) -> Mapping[int, Asked]:
    """The questions of a record, or of what was told of one step, by their numbers."""
    found: dict[int, Asked] = {}
    for event in events:
        match event:
            case Question():
                found[event.n] = Asked(event)
            case Answer(to=n) if n in found:
                found[n].answer = event
                found[n].open = False
            case StepFinished(path) | StepFailed(path) | StepCancelled(path):
                for asked in found.values():
                    asked.open = asked.open and asked.question.step != path
            case RunFinished() | RunFailedEvent() | RunCancelledEvent():
                for asked in found.values():
                    asked.open = False
    return found


def asked_for(questions: Mapping[int, Asked], to: int | None) -> Asked:
    """The question that an answer is for: that with this number, or the only one that is open. Raises NotAsked."""
    if to is not None:
        if to not in questions:
            raise NotAsked(f"Event {to} of this run is no question{_which(questions)}")
        return questions[to]
    still = [asked for asked in questions.values() if asked.open]
    if len(still) == 1:
        return still[0]
    if still:
        raise NotAsked(f"Several questions are open: say which one is answered{_which(questions)}")
    if not questions:
        raise NotAsked("The run has asked nothing so far.")
    return list(questions.values())[-1]  # of which it will be said what has become of it


def checked(asked: Asked, value: object) -> str:
    """The value, if it may be given as the answer. Raises TooLate and WrongAnswer."""
    question = asked.question
    if asked.answer is not None:
        raise TooLate(question.question, asked.answer.value)
    if not asked.open:
        raise TooLate(question.question, None)
    return fitting(question, value)


def fitting(question: Question, value: object) -> str:
    """The value, if the question takes it. Raises WrongAnswer."""
    if not isinstance(value, str):
        raise WrongAnswer(f"An answer is a text, not {_kind(value)}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise WrongAnswer(f"The answer is not valid Unicode: {error.reason} at {error.start}.") from error
    if question.choices is not None:
        if value not in question.choices:
            raise WrongAnswer(f"“{value[:100]}” is none of the choices, which are {listed(question.choices)}.")
    elif not value.strip():
        raise WrongAnswer("An answer in one's own words has at least one.")
    elif len(value) > LONGEST:
        raise WrongAnswer(f"An answer has at most {LONGEST} characters, and this one {len(value)}.")
    return value


def listed(choices: Sequence[str]) -> str:
    """The choices in a sentence."""
    return ", ".join(f"“{choice}”" for choice in choices)


@dataclass(slots=True)
class Inquiry:
    """What a step asks in one attempt, and what it asked in those `before`, in this process or an earlier one.

    A question that was answered in an earlier attempt is not asked again, so that nobody is asked the same thing twice
    because something else went wrong. One that is still open, since the process went, is waited for under its number.
    Questions are told apart by their words; of several with the same, the first that was asked is the first meant.
    """

    before: list[Asked] = field(default_factory=list)
    now: list[Asked] = field(default_factory=list)

    def begin_again(self) -> None:
        """Another attempt begins."""
        self.before = [*self.now, *self.before]
        self.now = []

    def maybe_before(self, question: Question) -> Asked | None:
        """The question that was asked before in these words, taken out, if it need not be asked again.

        One that is open is another's if it was asked elsewhere than in this very place.
        """
        for asked in self.before:
            same = asked.question.question == question.question and asked.question.choices == question.choices
            answered = asked.answer is not None and asked.answer.value is not None
            waited_for = asked.open and asked.question.step == question.step
            if same and (answered or waited_for):
                self.before.remove(asked)
                return asked
        return None


def _which(questions: Mapping[int, Asked]) -> str:
    """The end of a sentence that names what is open."""
    still = [f"{n} (“{asked.question.question}”)" for n, asked in questions.items() if asked.open]
    return f". Open are {', '.join(still)}." if still else ", and none is open."


def _kind(value: object) -> str:
    return {bool: "yes or no", int: "a number", float: "a number", type(None): "null"}.get(type(value), "a structure")
