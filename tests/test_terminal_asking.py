"""Questions in a real terminal: answered by keys, by others, by nobody; and how the terminal is left behind."""

import re
from collections.abc import Iterator

import pytest

from tests.terminals import Terminal, python, terminal
from tests.test_terminal import settings

FOOT = "Enter answers · Esc leaves it for now · Ctrl-C cancel"


@pytest.fixture
def asked(tmp_path) -> Iterator[Terminal]:
    """A terminal in which a name is asked for."""
    with terminal(python("-m", "tests.drawn_asking", str(tmp_path))) as running:
        running.wait_for(FOOT)
        yield running


def named(asked: Terminal, name: str) -> None:
    """Give the name, and wait to be asked whether that is so."""
    asked.type(name)
    asked.wait_for(f"1–3 or letters choose · {FOOT}")


def still(screen: str) -> str:
    """A screen at which time stands still."""
    return re.sub(r"\d\.\d s", "0.0 s", re.sub(r"\d min \d+ s", "5 min 0 s", screen))


def test_a_question_is_asked_under_its_step(asked):
    assert still(asked.screen()) == (
        "A name\n"
        "\n"
        "? Naming…                                                                  0.0 s\n"
        "  ? What is it called?\n"
        "  ›\n"
        "    then: Nobody, in 5 min 0 s\n"
        "· Making sure…\n"
        "· Thinking…\n"
        "\n"
        f"{FOOT}"
    )


def test_what_is_typed_may_be_in_any_script_and_taken_back(asked):
    asked.press("d", "BSpace", "Up", "Left")
    named(asked, "語 Łukaß")
    asked.press("BSpace", "n", "Enter")

    screen = asked.wait_for("result")

    assert "result '語 Łukaß: no'" in screen


def test_what_was_typed_can_be_begun_anew(asked):
    asked.press("N", "o", "C-u")
    named(asked, "Ada")

    assert "  → Ada\n" in asked.screen()


def test_a_paste_is_one_answer_whatever_lines_it_has(asked):
    asked.paste("Ada\nLovelace\n")
    asked.wait_for("Lovelace")
    asked.press("Enter")

    assert "  → Ada\n    Lovelace\n" in asked.wait_for("→ Ada")


@pytest.mark.parametrize(("keys", "chosen"), [("3", "not yet"), ("y", "yes"), ("Down", "yes"), ("n o t", "not yet")])
def test_a_choice_is_marked_by_its_number_its_beginning_or_an_arrow(asked, keys, chosen):
    named(asked, "Ada")
    asked.press(*keys.split())
    asked.wait_for(f" {chosen}\n")
    assert re.search(rf"  › \d {chosen}\n", asked.wait_for("›"))

    asked.press("Enter")

    assert f"result 'Ada: {chosen}'" in asked.wait_for("result")


def test_an_answer_that_is_refused_can_be_tried_again(asked):
    asked.type("nix")
    screen = asked.wait_for("“nix” is no name.")
    assert "  › nix\n    “nix” is no name.\n" in screen

    asked.press("BSpace", "BSpace", "BSpace")
    named(asked, "Ada")

    assert "no name" not in asked.screen()


def test_enter_alone_answers_nothing(asked):
    asked.press("Enter")

    assert "  ›\n    Write an answer first.\n" in asked.wait_for("Write an answer first.")


def test_a_question_is_left_for_now_and_taken_up_again(asked):
    asked.press("A", "d", "Escape")
    asked.wait_for("Enter goes to the question · d details · Ctrl-C cancel")
    asked.press("x", "d")
    asked.wait_for("d hides details")

    asked.press("Enter")
    asked.wait_for(FOOT)

    assert "  › Ad\n" in asked.screen()


@pytest.mark.parametrize(
    ("how", "answer", "said"),
    [
        ("elsewhere", "Eve", "Somebody else has answered “What is it called?”; what you had was not sent."),
        (
            "later",
            "Nobody (nobody answered in time)",
            "The time for “What is it called?” was over; what you had was not sent.",
        ),
    ],
)
def test_what_was_typed_is_not_sent_when_the_question_goes_meanwhile(asked, tmp_path, how, answer, said):
    asked.press("A", "d")
    asked.wait_for("› Ad")

    (tmp_path / how).touch()
    screen = asked.wait_for(f"1–3 or letters choose · {FOOT}")

    assert f"  ? What is it called?\n  → {answer}\n" in screen
    assert said in screen
    assert "› Ad" not in screen


def test_the_terminal_rings_once_for_a_question(tmp_path):
    with terminal() as running:
        story = " ".join(python("-m", "tests.drawn_asking", str(tmp_path)))
        running.type(f"script -qec '{story}' {tmp_path}/script; echo '[over]'")
        running.wait_for(FOOT)
        running.type("Ada")
        running.wait_for(f"1–3 or letters choose · {FOOT}")
        running.press("y", "Enter")
        running.wait_for("\n[over]")
    written = (tmp_path / "script").read_bytes()

    assert written.count(b"\x07") == 2
    assert written.count(b"\x1b[?2004h") == written.count(b"\x1b[?2004l") == 1


def test_the_terminal_is_left_as_it_was_by_an_interrupt_while_something_is_typed(tmp_path):
    with terminal() as running:
        story = " ".join(python("-m", "narrate", "run", "tests/questioned.py:wants"))
        running.type(f'stty -a >{tmp_path}/before; {story}; echo "[left: $?]"; stty -a >{tmp_path}/after; echo end')
        running.wait_for(FOOT)
        running.press("A", "d", "C-c")
        running.wait_for("[left: 130]")
        running.wait_for("\nend")
        screen = running.screen()

    assert settings(tmp_path, "after") == settings(tmp_path, "before")
    assert "    → Nobody answered.\n" in screen.replace("  →", "    →")
    assert "You pressed Ctrl-C." in screen
    assert "was not sent" not in screen
