"""The grammar of questions and answers, rule by rule."""

import pytest

from narrate.events import Answer, Event, Gap, Question
from narrate.grammar import check_record
from narrate.redact import MASK
from tests.test_grammar import ASKED, changed, record, refusal


def answered(question: Question, by: str, value: str | None) -> list[Event]:
    """A record in which step `a` asks this, as event 3, and it ends so."""
    events = record("run begins", "start a", "ask a", "answer a/3", "cancel a", "run cancelled")
    events[2] = question
    events[3] = Answer("a", 3, by, value, n=4, t=0)
    return events


def ask(*choices: str, default: str | None = None) -> Question:
    return Question("a", "Sure?", choices or None, default, n=3, t=0)


def test_an_answer_is_to_a_question_that_waits_for_one():
    sentence = "`answer` is to event {}, which is no question that waits for one"

    assert refusal(changed(ASKED, at="answer a/5", by="answer a/4")) == (6, sentence.format(4))
    assert refusal(changed(ASKED, at="answer a/3", by="answer a/5")) == (7, sentence.format(5))


def test_an_answer_is_its_own_steps():
    asked = ("run begins", "start a", "start a/1", "start a/2", "ask a/1", "finish a/1", "answer a/2/5")
    events = record(*asked[:-1])
    events.append(Answer("a/2", 5, "person", "yes", n=7, t=0))

    assert refusal(events) == (7, "`a/2` has the answer to a question that it did not ask")


@pytest.mark.parametrize(
    ("by", "value", "has"), [("nobody", "yes", "a"), ("person", None, "no"), ("default", None, "no")]
)
def test_only_what_nobody_answered_has_no_value(by, value, has):
    assert refusal(answered(ask(), by, value)) == (4, f"`answer` by {by} has {has} value")


@pytest.mark.parametrize(
    ("question", "by", "value"),
    [
        (ask(), "person", "Anything."),
        (ask("yes", "no"), "person", "no"),
        (ask("yes", "no", default="no"), "person", "yes"),
        (ask("yes", "no", default="no"), "default", "no"),
        (ask(default=""), "default", ""),
        (ask(), "nobody", None),
        (ask("yes", default="yes"), "nobody", None),  # taken back before its time was over
    ],
)
def test_a_question_can_end_so(question, by, value):
    check_record(answered(question, by, value))


@pytest.mark.parametrize("value", ["maybe", "", "YES"])
def test_a_person_answers_with_one_of_the_choices(value):
    sentence = "`answer` by person is none of the choices of event 3"

    assert refusal(answered(ask("yes", "no", default="no"), "person", value)) == (4, sentence)


def test_a_default_is_of_a_question_that_has_one():
    sentence = "`answer` by default is to event 3, which has no default"

    assert refusal(answered(ask("yes", "no"), "default", "yes")) == (4, sentence)


def test_a_default_is_that_of_the_question():
    sentence = "`answer` by default is not the default of event 3"

    assert refusal(answered(ask("yes", "no", default="no"), "default", "yes")) == (4, sentence)


@pytest.mark.parametrize(
    ("question", "by", "value"),
    [
        (ask("yes", "no", default="no"), "person", f"{MASK}!"),
        (ask("yes", f"as {MASK}"), "person", "as Ada"),
        (ask("yes", default="yes"), "default", MASK),
        (ask(default=f"as {MASK}"), "default", "as Ada"),
    ],
)
def test_what_is_masked_may_be_any(question, by, value):
    check_record(answered(question, by, value))


def test_a_mask_gives_no_default_to_a_question_without_one():
    assert refusal(answered(ask(MASK), "default", MASK))[1] == "`answer` by default is to event 3, which has no default"


def test_a_question_may_be_open_when_its_step_ends():
    check_record(record("run begins", "start a", "ask a", "finish a", "run cancelled"))


def test_of_a_question_that_is_no_longer_kept_nothing_is_known():
    events = answered(ask(), "default", "yes")
    events[2] = Gap(3, 3, n=3, t=0)

    check_record(events)
