"""How a question looks: while it is answered here, while others are to answer it, and when it has been."""

import pytest

from narrate.errors import WrongAnswer
from narrate.events import StepRetrying
from narrate.past import INTERRUPTED
from narrate.terminal.pressed import Key, Pasted
from tests.telling import Sight, answer, begun, finished, question, said, started, step, together, token

LONG = "Is this a question that goes on for longer than eighty columns, so that it is broken somewhere?"
THIRTY = [f"thing {number}" for number in range(1, 31)]


def asking(*choices: str, text: str = "Well?", width: int = 80, encoding: str = "utf-8", **more) -> Sight:
    told = begun(step("a")), started("a"), said("a", "Hm."), question("a", text, *choices, **more)
    return Sight(*told, width=width, encoding=encoding)


def below(sight: Sight, at: float = 0, height: int = 10_000) -> str:
    """What is seen below the head of the step and what it has said."""
    return "".join(f"{line}\n" for line in sight.moving(at, height).splitlines()[2:])


def press(sight: Sight, *keys) -> Sight:
    for key in keys:
        sight.prompts.press(key, 0)
    return sight


def test_a_step_that_asks_takes_no_longer_than_usual_for_as_long_as_it_does():
    told = begun(step("a", 1)), started("a"), question("a", "Well?", n=3)

    assert "12 s · usually 1 s" in Sight(*told).moving(at=12)
    assert "12 s · longer than usual" in Sight(*told, answer("a", 3, "Yes.")).moving(at=12)


def test_where_nobody_can_answer_it_a_question_is_told_and_time_goes_on():
    sight = asking("yes", "no", within=250, default="no")

    assert sight.moving(at=12) == (
        "? Doing a…                                                                  12 s\n"
        "  Hm.\n"
        "  ? Well? (yes / no)\n"
        "    then: no, in 3 min 58 s\n"
    )


@pytest.mark.parametrize(
    ("more", "at", "said"),
    [
        ({}, 0, ""),
        ({"within": 90.5}, 0, "    it waits for 1 min 31 s\n"),
        ({"within": 90}, 85.1, "    it waits for 5 s\n"),
        ({"within": 90}, 90, "    its time is over\n"),
        ({"within": 90, "default": "a\nb"}, 0, "    then: a b, in 1 min 30 s\n"),
        ({"within": 90, "default": ""}, 0, "    then: –, in 1 min 30 s\n"),
    ],
)
def test_it_says_for_how_long_it_is_waited_for_and_what_comes_then(more, at, said):
    assert below(asking(**more), at) == f"  ? Well?\n{said}"


def test_choices_stand_in_a_row_with_their_numbers_and_the_one_that_is_marked():
    sight = press(asking("yes", "no", "").asks(), "2")

    assert below(sight) == "  ? Well?\n    1 yes\n  › 2 no\n    3 –\n"


def test_on_a_wide_terminal_it_is_no_wider_than_the_story():
    sight = asking(LONG, text=LONG + LONG, width=200).asks()

    assert max(map(len, below(sight).splitlines())) <= 100


def test_long_questions_and_choices_are_broken_under_their_beginnings():
    assert below(asking(LONG, "no", text=LONG).asks()) == (
        "  ? Is this a question that goes on for longer than eighty columns, so that it\n"
        "    is broken somewhere?\n"
        "    1 Is this a question that goes on for longer than eighty columns, so that it\n"
        "      is broken somewhere?\n"
        "    2 no\n"
    )


def test_of_many_choices_those_around_the_one_that_is_marked_are_shown():
    sight = asking(*THIRTY).asks()
    top = below(sight).splitlines()
    middle = below(press(sight, "2", "0")).splitlines()
    low = below(sight, height=10).splitlines()

    assert (top[1], top[12:]) == ("     1 thing 1", ["    12 thing 12", "    … 18 below"])
    assert (middle[1], middle[8], middle[-1]) == ("    … 13 above", "  › 20 thing 20", "    … 5 below")
    assert [line.strip() for line in low] == [
        "? Well?", "… 18 above", "19 thing 19", "› 20 thing 20", "21 thing 21", "… 9 below",
    ]  # fmt: skip


def test_a_text_is_seen_while_it_is_typed_broken_by_cells():
    sight = press(asking(width=20).asks(), Pasted("語" * 10 + "\n\nx"), "y")

    assert below(sight) == f"  ? Well?\n  › {'語' * 7}\n    {'語' * 3}\n\n    xy\n"


def test_of_a_long_text_the_end_is_seen():
    sight = press(asking().asks(), Pasted("\n".join("abcdefg")))

    assert below(sight) == "  ? Well?\n  › c\n    d\n    e\n    f\n    g\n"


def test_what_is_typed_is_not_obeyed():
    assert "\u202e" not in below(press(asking().asks(), Pasted("a\u202eb")))


def test_while_it_is_sent_it_says_so_and_then_what_was_wrong():
    sight = press(asking(within=90).asks(), "x", Key.ENTER)
    sent = below(sight)

    sight.prompts.refuse(sight.prompts.by_number[4], WrongAnswer("Not so."), 0)

    assert sent == "  ? Well?\n  › x\n    Answering…\n"
    assert below(sight) == "  ? Well?\n  › x\n    Not so.\n"


def test_one_that_was_left_for_now_is_a_question_alone():
    assert below(press(asking("yes", "no").asks(), "y", Key.ESCAPE)) == "  ? Well? (yes / no)\n"


def test_of_several_questions_the_first_is_asked_and_the_others_wait():
    sight = Sight(
        begun(together("a", "b")), started("a"), started("b"), question("a", "One?"), question("b", "Two?", "yes", "no")
    ).asks()

    assert sight.moving() == (
        "┌ ? Doing a…                                                               0.0 s\n"
        "│   ? One?\n"
        "│   ›\n"
        "│ ? Doing b…                                                               0.0 s\n"
        "└   ? Two? (yes / no)\n"
    )


def test_on_a_screen_that_is_too_small_what_is_asked_is_kept():
    names = [f"lane{number}" for number in range(20)]
    asked = question("lane7", "Well?", "yes", "no", within=90)
    sight = Sight(begun(together(*names)), *[started(name) for name in names], asked).asks()

    assert [line.strip("│ ") for line in sight.moving(height=6).splitlines()[-6:-1]] == [
        "? Doing lane7…                                                           0.0 s",
        "? Well?", "1 yes", "2 no", "it waits for 1 min 30 s",
    ]  # fmt: skip


def test_an_item_that_asks_is_shown_before_others_that_move():
    items = [started(f"a/{number}", title=f"Item {number}") for number in range(1, 21)]
    sight = Sight(begun(step("a")), started("a"), *items, question("a/15", "Well?")).asks()

    screen = sight.moving()

    assert "  ? Item 15                                                                0.0 s\n    ? Well?\n" in screen
    assert "Item 7 " in screen
    assert "Item 8 " not in screen


def test_a_question_that_was_answered_is_a_line_and_so_is_its_answer():
    told = question("a", "On which day?\nIt may rain.", "Friday", "Saturday"), answer("a", 3, "Friday")
    sight = Sight(begun(step("a")), started("a"), *told, token("a", "Good."), finished("a"))

    assert sight.end().splitlines()[3:7] == [
        "  ? On which day?",
        "    It may rain. (Friday / Saturday)",
        "  → Friday",
        "  Good.",
    ]


def test_an_answer_that_is_not_right_below_its_question_names_it():
    told = question("a", "One?"), question("a", "Two?\nIt may rain."), answer("a", 3, "x"), answer("a", 4, "y")
    sight = Sight(begun(step("a")), started("a"), *told, finished("a"), encoding="ascii")

    assert sight.end().splitlines()[3:8] == ["  ? One?", "  ? Two?", "    It may rain.", "  One? -> x", "  Two? -> y"]


def test_a_step_that_was_interrupted_is_working_again():
    sight = Sight(begun(step("a")), started("a"), question("a", "One?"), StepRetrying("a", 1, 2, 0, INTERRUPTED, t=0))
    asking = sight.screen.steps["a"].state
    sight.screen.take(answer("a", 3, "x", n=5), 0)

    assert (asking, sight.screen.steps["a"].state) == ("working", "working")


def test_a_step_that_is_tried_again_is_working_for_as_long_as_it_asks():
    sight = Sight(begun(step("a")), started("a"), StepRetrying("a", 1, 2, 0, "Busy.", t=0), question("a", "One?"))
    asking = sight.screen.steps["a"].state
    sight.screen.take(answer("a", 4, "x", n=5), 0)

    assert (asking, sight.screen.steps["a"].state) == ("working", "retrying")


@pytest.mark.parametrize(
    ("by", "value", "said"),
    [("default", "no", "→ no (nobody answered in time)"), ("nobody", None, "→ Nobody answered.")],
)
def test_how_it_ended_without_a_person_is_said(by, value, said):
    sight = Sight(begun(step("a")), started("a"), question("a", "Well?"), answer("a", 3, value, by), finished("a"))

    assert f"  {said}\n" in sight.over()


def test_a_terminal_without_utf_8_has_signs_of_its_own():
    sight = press(asking("yes", "no", text="“Well?”", encoding="ascii", within=90).asks(), "1")
    screen = sight.moving()
    sight.screen.take(answer("a", 4, "yes", n=5), 0)

    assert screen.isascii()
    assert "? Doing a..." in screen
    assert '  ? "Well?"\n  > 1 yes\n    2 no\n' in screen
    assert "  -> yes\n" in sight.moving()


@pytest.mark.parametrize("events", [[], [finished("a", n=9)]])
def test_a_question_without_an_answer_at_the_end_is_a_line(events):
    sight = asking("yes", "no", within=90)
    for event in events:
        sight.screen.take(event, 0)
    sight.screen.cut()

    assert "  ? Well? (yes / no)\n" in sight.end()
    assert "it waits" not in sight.end()
