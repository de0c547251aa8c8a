"""A question while it is answered here: what keys make of it, which question has them, and what is never sent."""

import pytest

from narrate.errors import NotAsked, Problem, RunCut, RunRejected, TooLate, WrongAnswer
from narrate.questions import LONGEST, Asked
from narrate.terminal.pressed import Key, Pasted
from narrate.terminal.prompt import GRACE, REST, Given, Prompt, Prompts
from tests.telling import answer, begun, finished, numbered, question, screen_of, started, step, together

TEN = [str(number) for number in range(100, 110)]


def prompt_of(*choices: str, **more) -> Prompt:
    prompt = Prompt(Asked(question("a", "Well?", *choices, n=3, **more)))
    prompt.state = "here"
    return prompt


def pressed(prompt: Prompt, *keys) -> str | None:
    return [prompt.press(key) for key in keys][-1]


@pytest.mark.parametrize(
    ("choices", "keys", "chosen"),
    [
        (["yes", "no"], ["2"], "no"),
        (["yes", "no"], ["2", "1"], "yes"),
        (["yes", "no"], ["N"], "no"),
        (["yes", "no"], ["n"], "no"),
        (["yes", "no"], [*"yes"], "yes"),
        (["yes", "no"], [*"ye", Key.BACKSPACE, Key.BACKSPACE, "n"], "no"),
        (["yes", "no"], [*"yen", Key.BACKSPACE], "yes"),
        (["yes", "no"], [*"maybe", Key.KILL, "y"], "yes"),
        (["yes", "no"], [*"maybe", Key.ENTER, "y"], "yes"),
        (["yes", "no"], [*"maybe", Key.DOWN], "yes"),
        (["yes", "no"], [*"maybe", Key.DOWN, "n"], "no"),
        (["yes", "no"], [*"2yes"], "yes"),
        (["yes", "no"], [Pasted("YES")], "yes"),
        (["no", "not yet"], [*"no"], "no"),
        (["not yet", "no"], [*"no"], "no"),
        (["no", "not yet"], [*"not"], "not yet"),
        (["Ärger", "Öl"], ["ö"], "Öl"),
        (["A", "a"], ["a"], "a"),
        (["stay", "go", "stop"], ["s"], "stay"),
        (["stay", "go", "stop"], [*"sto"], "stop"),
        (["v2", "v1"], [*"v1"], "v1"),
        (["5", "10", "20"], [*"10"], "10"),
        (["2nd", "1st"], [*"2n"], "2nd"),
        (["stay", "go", "stop"], [Key.DOWN, Key.DOWN], "go"),
        (["stay", "go", "stop"], [Key.UP], "stop"),
        (["stay", "go", "stop"], [Key.DOWN, Key.UP], "stop"),
        (TEN, ["1", "0"], "109"),
        (TEN, [*"104"], "104"),
        (TEN, ["1", Key.DOWN, "0", "1"], "100"),
    ],
)
def test_a_choice_is_marked_by_its_number_its_beginning_or_arrows_and_given_by_enter(choices, keys, chosen):
    prompt = prompt_of(*choices)

    assert pressed(prompt, *keys) is None
    assert prompt.press(Key.ENTER) == chosen
    assert prompt.state == "sent"


@pytest.mark.parametrize(
    ("choices", "keys", "typed"),
    [
        (["yes", "no"], [*"not today"], "not today"),
        (["yes", "no"], [*"maybe"], "maybe"),
        (["yes", "no"], [*"yes but no"], "yes but no"),
        (["yes", "no"], [*"ask me in 2"], "ask me in 2"),
        (["yes", "no"], [*"1 n"], "n"),
        (["yes", "no"], [Key.DOWN, "x"], "x"),
        (["yes", "no"], ["1", "x", "y"], "xy"),
        (["yes", "no"], [*"30"], "30"),
        (["yes", "no"], ["n", Pasted("ot\ntoday")], "not today"),
        (["yes", "no"], [Pasted("maybe")], "maybe"),
        (["yes", "no"], [Pasted("9" * 5000)], "9" * 59 + "…"),
        (["yes", "no"], [*"maybe", Key.BACKSPACE], "mayb"),
        (["no", "not yet"], [*"not yes"], "not yes"),
        (["v1", "v2", "v4"], [*"v3"], "v3"),
        (["5", "10", "20"], [*"15"], "15"),
    ],
)
def test_what_fits_no_choice_answers_none_which_is_said(choices, keys, typed):
    prompt = prompt_of(*choices)

    pressed(prompt, *keys)
    assert prompt.said == f"“{typed}” is none of them."

    assert prompt.press(Key.ENTER) is None
    assert (prompt.said, prompt.state, prompt.begun) == ("Choose one of them first.", "here", False)


def test_who_leaves_a_question_of_choices_types_from_the_beginning_when_back():
    prompt = prompt_of("yes", "no")

    pressed(prompt, *"ye", Key.ESCAPE)
    prompt.state = "here"

    assert pressed(prompt, *"no") is None
    assert prompt.press(Key.ENTER) == "no"


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ([*"Ada"], "Ada"),
        ([*"dé語", Key.BACKSPACE], "dé"),
        ([*"ae\u0301", Key.BACKSPACE], "a"),
        ([*"no", Key.KILL, *"yes"], "yes"),
        ([Key.BACKSPACE, Key.UP, "x"], "x"),
        (["a", Pasted("b\nc"), "d"], "ab\ncd"),
        ([Pasted("a\nb"), Key.BACKSPACE, Key.BACKSPACE], "a"),
    ],
)
def test_a_text_is_typed_and_given_by_enter(keys, text):
    prompt = prompt_of()

    assert pressed(prompt, *keys) is None
    assert prompt.press(Key.ENTER) == text


@pytest.mark.parametrize(
    ("choices", "keys", "why"),
    [((), ["  "], "Write an answer first."), (["yes"], ["x"], "Choose one of them first.")],
)
def test_without_an_answer_enter_says_what_is_missing_until_another_key(choices, keys, why):
    prompt = prompt_of(*choices)

    assert pressed(prompt, *keys, Key.ENTER) is None
    assert (prompt.said, prompt.state) == (why, "here")

    prompt.press("y")
    assert prompt.said == ""


def test_more_than_an_answer_may_have_is_not_taken():
    prompt = prompt_of()

    pressed(prompt, Pasted("a" * LONGEST), "b")

    assert prompt.said == "An answer has at most 10000 characters."
    assert prompt.press(Key.ENTER) == "a" * LONGEST


def rejected(status: int) -> RunRejected:
    return RunRejected(Problem(title="No", status=status))


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (WrongAnswer("Not so."), "here", "Not so."),
        (RunCut(7, "The server could not be reached."), "here", "The server could not be reached."),
        (rejected(422), "here", "No"),
        (rejected(403), "over", "No"),
        (rejected(409), "over", "No"),
        (NotAsked("Nobody asks."), "over", "Nobody asks."),
        (TooLate("Well?", "no"), "over", "“Well?” was answered with “no” already."),
    ],
)
def test_what_was_refused_can_be_tried_again_where_that_may_help(error, state, said):
    prompt = prompt_of()
    pressed(prompt, "x", Key.ENTER)

    prompt.refuse(error)

    assert (prompt.state, prompt.said, prompt.text) == (state, said, "x")


class Here:
    """The prompts of a screen that hears of events, at times by the clock."""

    def __init__(self, *events) -> None:
        self.events = list(events)
        self.screen = screen_of(*events)
        self.prompts = Prompts(self.screen)
        self.prompts.follow(0)
        self.prompts.follow(GRACE)

    def hear(self, *events, at=1) -> list[str]:
        self.events += events
        for event in numbered(self.events)[-len(events) :]:
            self.screen.take(event, at)
        return [*self.prompts.follow(at)]

    def press(self, *keys, at=1) -> Given | None:
        return [self.prompts.press(key, at) for key in keys][-1]


BEGUN = begun(together("a", "b")), started("a"), started("b")
"""Events 1 to 3."""


def test_a_question_has_the_keys_when_it_is_not_answered_at_once_and_rings_once():
    here = Here(*BEGUN)
    here.hear(question("a", "One?"))
    before = here.prompts.current, here.prompts.rings(), here.prompts.hears(1)

    here.prompts.follow(2)

    assert before == (None, False, False)
    assert (here.prompts.current.question.n, here.prompts.hears(2)) == (4, True)
    assert (here.prompts.rings(), here.prompts.rings()) == (True, False)


def test_of_several_questions_the_first_has_the_keys_until_it_is_answered():
    here = Here(*BEGUN, question("a", "One?"), question("b", "Two?", "yes", "no"))

    given = here.press("n", Key.ENTER)
    assert (given.prompt.question.n, given.value) == (4, "n")

    here.press("y", Key.ENTER)  # while it is being answered, keys mean nothing
    here.hear(answer("a", 4, "n"))
    assert here.press("n", Key.ENTER).value == "no"


def test_one_that_is_left_gives_the_keys_to_the_others_and_enter_takes_it_up_again():
    here = Here(*BEGUN, question("a", "One?"), question("b", "Two?"))

    here.press("x", Key.ESCAPE)
    assert here.prompts.current.question.n == 5
    here.press(Key.ESCAPE)
    assert (here.prompts.hears(1), here.prompts.keys()) == (False, "Enter goes to the question")

    here.press("y", Key.ENTER)
    assert here.press(Key.ENTER) == Given(here.prompts.by_number[4], "x")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (answer("a", 4, "Eve"), ["Somebody else has answered “One?”; what you had was not sent."]),
        (answer("a", 4, "Eve", "default", t=9), ["The time for “One?” was over; what you had was not sent."]),
        (answer("a", 4, None, "nobody", t=9), ["The time for “One?” was over; what you had was not sent."]),
        (answer("a", 4, None, "nobody", t=8), []),
    ],
)
def test_what_was_typed_is_not_sent_when_the_question_goes_and_that_is_said(end, said):
    here = Here(*BEGUN, question("a", "One?", within=9, default="Eve"))
    here.press(*"Ada")

    assert here.hear(end) == said
    assert here.prompts.current is None


def test_who_has_not_begun_to_answer_misses_nothing():
    here = Here(*BEGUN, question("a", "One?"))

    assert here.hear(answer("a", 4, "Eve")) == []
    assert not here.prompts.hears(1)


def test_who_types_on_when_the_question_has_gone_answers_no_other_by_it():
    here = Here(*BEGUN, question("a", "One?"), question("b", "Two?", "yes", "no"))
    here.press("n")
    here.hear(answer("a", 4, "Eve"), at=1)

    assert here.press("n", Key.ENTER, at=1 + REST / 2) is None
    assert here.press("n", Key.ENTER, at=1 + REST) is None
    assert here.prompts.current.marked is None
    assert here.press("y", Key.ENTER, at=1 + 2 * REST).value == "yes"


def test_one_that_was_refused_for_good_lets_the_next_have_the_keys():
    here = Here(*BEGUN, question("a", "One?"), question("b", "Two?"))
    given = here.press("x", Key.ENTER)

    assert here.prompts.refuse(given.prompt, rejected(403), 1) == ()

    assert here.prompts.current.question.n == 5


def test_a_refusal_is_said_also_when_its_question_has_gone_before_or_goes_then():
    late = TooLate("One?", "Eve")
    before, then = Here(*BEGUN, question("a", "One?")), Here(*BEGUN, question("a", "One?"))
    given, other = before.press("x", Key.ENTER), then.press("x", Key.ENTER)

    assert before.hear(answer("a", 4, "Eve")) == []
    assert before.prompts.refuse(given.prompt, late, 1) == (str(late),)
    assert then.prompts.refuse(other.prompt, late, 1) == ()
    assert then.hear(answer("a", 4, "Eve")) == [str(late)]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ((), "Enter answers · Esc leaves it for now"),
        (("yes",), "1 or letters choose · Enter answers · Esc leaves it for now"),
        (("yes", "no"), "1–2 or letters choose · Enter answers · Esc leaves it for now"),
    ],
)
def test_the_foot_says_what_keys_do_while_they_do_it(choices, said):
    here = Here(*BEGUN, question("a", "One?", *choices))
    assert here.prompts.keys() == said

    here.press("y", Key.ENTER)
    assert here.prompts.keys() == ""


def test_the_end_of_a_step_closes_its_questions():
    here = Here(begun(step("a")), started("a"), question("a", "One?"))

    assert here.hear(finished("a")) == []
    assert (here.screen.questions, here.prompts.current) == ([], None)
