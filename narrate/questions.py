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
    StepStarted,
)

LONGEST = 10_000
"""Characters of an answer in one's own words."""


@dataclass(slots=True)
class Asked:
    """A question of a record, and its answer once it has one. One whose step has ended is not `open` without either.

    `label` is that of the item of `each` that asked, if it has one. `value` is what was answered as it was given, where
    the record has it without the secrets in it.
    """

    question: Question
    answer: Answer | None = None
    open: bool = True
    label: str | None = None
    value: str | None = None

    def is_same(self, question: Question, label: str | None) -> bool:
        """Whether a question is this one, asked again in another attempt: in the same place, and by the same words."""
        mine = self.question
        return (label, question.item, question.question, question.choices) == (
            self.label,
            mine.item,
            mine.question,
            mine.choices,
        )


def questions_in(events: Iterable[Event]) -> Mapping[int, Asked]:
    """The questions of a record, or of what was told of one step, by their numbers."""
    found: dict[int, Asked] = {}
    labels: dict[str, str] = {}
    for event in events:
        match event:
            case StepStarted(path, title) if path.rpartition("/")[2][:1].isdigit():  # no declared step's name begins so
                labels[path] = title
            case Question():
                found[event.n] = Asked(event, label=labels.get(event.step))
            case Answer(to=n) if n in found:
                found[n].answer = event
                found[n].value = event.value
                found[n].open = False
            case StepFinished(path) | StepFailed(path) | StepCancelled(path):
                for asked in found.values():
                    asked.open = asked.open and asked.question.step != path
            case RunFinished() | RunFailedEvent() | RunCancelledEvent():
                for asked in found.values():
                    asked.open = False
    return found


def asked_for(questions: Mapping[int, Asked], to: int | None) -> Asked:
    """The question that an answer is for: that with this number, or the only one of the run. Raises NotAsked.

    Not the only one that is open: an answer that is sent again would be given to the next.
    """
    if to is not None:
        if to not in questions:
            raise NotAsked(f"Event {to} of this run is no question{_which(questions)}")
        return questions[to]
    if not questions:
        raise NotAsked("The run has asked nothing so far.")
    if len(questions) > 1:
        if not any(asked.open for asked in questions.values()):
            raise NotAsked("Nothing is asked any more: none of the run's questions is open.")
        raise NotAsked(f"The run has asked several questions: say which one is answered{_which(questions)}")
    return next(iter(questions.values()))


def checked(asked: Asked, value: object) -> str:
    """The value, if it may be given as the answer. Raises TooLate and WrongAnswer."""
    question = asked.question
    if asked.answer is not None or not asked.open:
        raise too_late(question, asked.answer)
    return fitting(question, value)


def too_late(question: Question, answer: Answer | None) -> TooLate:
    """What to raise for an answer to a question of which this, or nothing, came."""
    if answer is None:
        return TooLate(question.question, None)
    return TooLate(question.question, answer.value, by_default=answer.by == "default")


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
    Of several that were asked in one place by the same words nobody can say which is which: they are asked again.
    """

    before: list[Asked] = field(default_factory=list)
    now: list[Asked] = field(default_factory=list)

    def begin_again(self) -> None:
        """Another attempt begins."""
        self.before = [*self.now, *self.before]
        self.now = []

    def maybe_before(self, question: Question, label: str | None) -> Asked | None:
        """The very question of an earlier attempt, taken out, if it need not be asked again."""
        same = [asked for asked in self.before if asked.is_same(question, label)]
        if len(same) != 1 or not _still_counts(same[0], question):
            return None
        self.before.remove(same[0])
        return same[0]


def taken_up(told: Iterable[Event], answers: Mapping[int, str], now: float) -> tuple[list[Asked], Sequence[Answer]]:
    """The questions of a step that was interrupted, by what it `told`; and what is to be told of them first.

    `answers` are what people gave, by the questions' numbers, as they gave it. What came while nobody ran the step is
    told now. Where several wait in one place by the same words, nobody can say which is which: they are taken back.
    """
    found = list(questions_in(told).values())
    news: list[Answer] = []
    for asked in found:
        question, value = asked.question, answers.get(asked.question.n)
        if asked.open and (value is not None or sum(one.is_same(question, asked.label) for one in found) > 1):
            asked.answer = Answer(question.step, question.n, "person" if value is not None else "nobody", value, t=now)
            asked.open = False
            news.append(asked.answer)
        if value is not None and asked.answer is not None and asked.answer.by == "person":
            asked.value = value
    return found, news


def _still_counts(asked: Asked, question: Question) -> bool:
    """Whether what has become of a question counts when it comes up again."""
    if asked.answer is None:
        return asked.open and asked.question.step == question.step  # else it was closed with the item that asked it
    return asked.answer.by == "person" or (asked.answer.by == "default" and asked.answer.value == question.default)


def _which(questions: Mapping[int, Asked]) -> str:
    """The end of a sentence that names what is open."""
    still = [f"{n} (“{asked.question.question}”)" for n, asked in questions.items() if asked.open]
    are = "is" if len(still) == 1 else "are"
    return f". Open {are} {', '.join(still)}." if still else ", and none is open."


def _kind(value: object) -> str:
    return {bool: "yes or no", int: "a number", float: "a number", type(None): "null"}.get(type(value), "a structure")
