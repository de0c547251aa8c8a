"""What a run asks while the command line tells it: `--answer`, a terminal, `narrate answer`, or nobody."""

import signal
import sys
import unicodedata

import httpx
import pytest

from narrate.cli.addresses import checked_run
from narrate.cli.answering import Questioned, Questions, waits
from narrate.cli.remote import A_RUN
from narrate.cli.work import Cut
from narrate.errors import NotAsked, Problem, RunCut, RunRejected, TooLate, WrongAnswer
from narrate.events import Question
from narrate.saved import load_story
from tests.commanding import Command, ask
from tests.serving import Process
from tests.telling import question
from tests.terminals import terminal
from tests.test_cli_remote import begun

HERE = "tests/questioned.py"
NAMES = ("asks", "wants", "both", "several")

HOSTILE = "\u001b]0;PWNED\u0007"
"""An answer that sets the title of a terminal which obeys it."""

NOBODY = "there is no terminal here to answer in, nor an answer left. Give one in advance: --answer"


@pytest.fixture(scope="module")
def served():
    """Where a server of the pipelines that ask answers."""
    with Process(*(f"{HERE}:{name}" for name in NAMES), "--port", "0", "--no-access-log") as process:
        yield process.address().removesuffix("/asks")


def controls_in(said: str) -> set[str]:
    """What in it a terminal would obey."""
    return {sign for sign in said if unicodedata.category(sign) == "Cc" and sign != "\n"}


def state_of(where: str) -> dict:
    return httpx.get(where).json()


# --- Here ---


def test_answers_are_given_to_one_question_after_the_other():
    told = ask("run", f"{HERE}:both", "--answer", "yes", "--answer", "Ada Lovelace")
    assert (told.exit_code, told.stderr) == (0, "")
    assert "  ? Is it you? (yes / no)\n  → yes\n" in told.stdout
    assert told.stdout.endswith("\n\nAda Lovelace: yes\n")


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("asks", (), f"Error: “Is it you? (yes / no)” was asked, and {NOBODY} yes\n"),
        ("both", ("--answer", "yes"), f"Error: “What is it called?” was asked, and {NOBODY} '…'\n"),
    ],
)
def test_where_nobody_can_answer_the_run_is_cancelled_and_it_is_said_what_to_do(name, given, said):
    told = ask("run", f"{HERE}:{name}", *given)
    assert (told.exit_code, told.stderr) == (1, said)
    assert told.stdout.endswith(": Nobody could be asked.\n")


def test_a_question_that_is_not_waited_for_without_end_is_left_to_its_time():
    told = ask("run", f"{HERE}:hurries")
    assert told.exit_code == 0
    assert told.stdout.endswith("\n\nno\n")
    assert told.stderr == (
        "“Now? (yes / no)” cannot be answered here: after 1 s the answer is “no”. "
        "To give another in advance: --answer yes\n"
    )


def test_minutes_that_are_whole_are_said_to_be_so():
    question = Question("a", "Sure?", None, None, 900, t=0.0)
    assert waits(question, 900).startswith("“Sure?” cannot be answered here: after 15 min the step fails. ")


def test_an_answer_that_does_not_fit_cancels_the_run():
    told = ask("run", f"{HERE}:asks", "--answer", "maybe")
    assert (told.exit_code, told.stderr) == (
        2,
        (
            "Error: --answer “maybe” does not answer “Is it you?”: "
            "“maybe” is none of the choices, which are “yes”, “no”.\n"
        ),
    )
    assert told.stdout.endswith(": An answer did not fit.\n")


def test_answers_that_were_not_needed_are_named():
    told = ask("run", f"{HERE}:asks", "--answer", "yes", "--answer", "no", "--answer", "a\x1b[31m")
    assert told.exit_code == 0
    assert told.stderr == "Not asked for, and not given: “no”, “a\ufffd[31m”.\n"


def test_what_was_asked_and_answered_is_saved(tmp_path):
    ask("run", f"{HERE}:asks", "--answer", "yes", "--save", tmp_path / "it.ndjson")
    story = load_story((tmp_path / "it.ndjson").read_bytes(), "it.ndjson")
    assert story.lines_of("sure")[-2:] == ("Is it you? (yes / no)", "yes")
    assert "  ? Is it you? (yes / no)\n  → yes\n" in ask("show", tmp_path / "it.ndjson").stdout


def test_in_a_terminal_answers_are_given_first_and_then_its_reader_is_asked():
    with terminal() as there:
        there.type(f"{sys.executable} -m narrate run {HERE}:both --answer no; echo code $?")
        there.wait_for("Enter answers")
        screen = there.screen()
        there.type("Łukasz")
        there.wait_for("\ncode 0")
        end = there.screen()
    assert "  ? Is it you? (yes / no)\n  → no\n" in screen
    assert "\nŁukasz: no\ncode 0" in end


def test_a_terminal_whose_input_comes_from_elsewhere_asks_nobody():
    with terminal() as there:
        there.type(f"{sys.executable} -m narrate run {HERE}:asks </dev/null; echo code $?")
        there.wait_for("\ncode 1")
        assert "--answer yes" in there.all()


# --- Whatever a run is answered by ---


async def met(error: Exception) -> list[str]:
    """Why an answer was refused that was given beforehand and ended in this error."""
    refused: list[str] = []

    async def give(*_):
        raise error

    async def is_open(_):
        return True

    async def nobody(_):
        raise AssertionError

    async def refuse(sentence):
        refused.append(sentence)

    async def events():
        yield question("a", "Well?", n=4)

    questions = Questions(answers=["x"], asks_here=False, give=give, is_open=is_open, nobody=nobody, refused=refuse)
    assert [event.n async for event in Questioned(events(), questions)] == [4]
    return refused


def rejected(status: int) -> RunRejected:
    return RunRejected(Problem(title="No.", status=status))


@pytest.mark.parametrize("error", [TooLate("Well?", "y"), NotAsked("Nobody asks."), rejected(409), rejected(410)])
async def test_an_answer_that_is_not_waited_for_any_more_is_noted_and_the_story_goes_on(error, capsys):
    assert await met(error) == []
    assert capsys.readouterr().err == f"--answer “x” came too late: {error}\n"


async def test_what_somebody_else_answered_is_noted_with_nothing_in_it_that_a_terminal_obeys(capsys):
    assert await met(TooLate("Well?", HOSTILE)) == []
    assert await met(RunRejected(Problem(title="No.", status=409, detail=HOSTILE))) == []
    assert controls_in(capsys.readouterr().err) == set()


@pytest.mark.parametrize("error", [WrongAnswer("No."), rejected(422), rejected(403)])
async def test_an_answer_that_is_refused_is_said_with_the_reason(error):
    assert await met(error) == ["--answer “x” does not answer “Well?”: No."]


async def test_a_server_out_of_reach_is_said_with_the_question():
    with pytest.raises(Cut, match="“Well\\?” could not be answered: It is gone"):
        await met(RunCut(4, "It is gone."))


# --- On a server ---


def test_answers_are_given_to_a_run_that_is_posted(served):
    told = ask("post", f"{served}/both", "--answer", "yes", "--answer", "Ada")
    assert told.exit_code == 0
    assert told.stdout.endswith("\n\nAda: yes\n")


def test_a_question_there_waits_for_whoever_answers_it_elsewhere(served):
    with Command("post", f"{served}/both", "--answer", "no") as command:
        noted = command.until_noted("“What is it called?” waits for an answer, which can be given elsewhere: narrate")
        answer = noted.split("elsewhere: narrate ")[1].split()
        told = ask(*(word.replace("'…'", "Ada Lovelace") for word in answer))
        code, said, _ = command.end()
    assert (told.exit_code, told.stdout) == (0, "? What is it called?\n→ Ada Lovelace\n")
    assert (code, said.endswith("\n\nAda Lovelace: no\n")) == (0, True)


def test_an_answer_that_does_not_fit_cancels_the_run_that_was_posted(served):
    told = ask("post", f"{served}/asks", "--answer", "maybe")
    assert told.exit_code == 2
    assert told.stdout.endswith(": The client cancelled it.\n")
    assert "Error: --answer “maybe” does not answer “Is it you?”: " in told.stderr


def test_who_follows_answers_what_is_still_open(served):
    where = begun(f"{served}/both")
    with Command("follow", where) as command:
        command.until_noted("waits for an answer")
    ask("answer", where, "yes")
    told = ask("follow", where, "--answer", "Ada")
    assert told.exit_code == 0
    assert told.stdout.endswith("\n\nAda: yes\n")
    again = ask("follow", where, "--answer", "Ada")
    assert again.stderr.startswith("Not asked for, and not given: “Ada”.\n")


def test_an_answer_that_does_not_fit_leaves_a_run_that_is_followed(served):
    where = begun(f"{served}/asks")
    with Command("follow", where) as command:
        command.until("Is it you?")
    told = ask("follow", where, "--answer", "maybe")
    assert told.exit_code == 2
    assert state_of(where)["state"] == "working"
    httpx.delete(where)


def test_in_a_terminal_a_run_elsewhere_asks_its_reader(served):
    with terminal() as there:
        there.type(f"{sys.executable} -m narrate post {served}/asks; echo code $?")
        there.wait_for("Enter answers")
        there.press("y", "Enter")
        there.wait_for("\ncode 0")
        assert "  → yes\n" in there.screen()


def test_in_a_terminal_a_question_goes_when_somebody_answers_it_elsewhere(served):
    where = begun(f"{served}/wants")
    with terminal() as there:
        there.type(f"{sys.executable} -m narrate follow {where}; echo code $?")
        there.wait_for("Enter answers")
        there.press("A", "d")
        there.wait_for("› Ad")
        ask("answer", where, "Eve")
        screen = there.wait_for("\ncode 0")
    assert "  → Eve\n" in screen
    assert "Somebody else has answered “What is it called?”; what you had was not sent." in screen


def test_a_server_that_goes_while_it_is_answered_cuts_the_story():
    with Process(f"{HERE}:asks", "--port", "0", "--no-access-log") as process, terminal() as there:
        there.type(f"{sys.executable} -m narrate post {process.address()} --attempts 1; echo code $?")
        there.wait_for("Enter answers")
        process.signal(signal.SIGKILL)
        there.wait_for("\ncode 3")
        assert "The story was heard up to event" in there.screen().replace("\n", " ")


# --- narrate answer ---


def test_a_question_is_answered_by_its_number_and_again_with_the_same(served):
    where = begun(f"{served}/asks")
    with Command("follow", where) as command:
        command.until("Is it you?")
        number = str(state_of(where)["steps"][0]["questions"][0]["n"])
        told = ask("answer", f"{where}/events", "yes", "--to", number)
        code, _, _ = command.end()
    again = ask("answer", where, "yes")
    assert (told.exit_code, told.output, code) == (0, "? Is it you?\n→ yes\n", 0)
    assert (again.exit_code, again.output) == (0, "→ yes\n")


def test_the_address_of_the_page_that_shows_a_run_stands_for_the_run(served):
    where = begun(f"{served}/asks")
    page = f"{served}/?run={where.rpartition('/')[2]}"
    with Command("follow", page) as command:
        command.until("Is it you?")
        told = ask("answer", page, "yes")
        code, _, _ = command.end()
    assert (told.exit_code, told.output, code) == (0, "? Is it you?\n→ yes\n", 0)


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ("http://a.org/?run=7z", "http://a.org/runs/7z"),
        ("http://a.org?run=7z", "http://a.org/runs/7z"),
        ("https://a.org:81/told/?run=7z#here", "https://a.org:81/told/runs/7z"),
        ("http://a.org/?pipeline=b&run=7%2Fz", "http://a.org/runs/7%2Fz"),
        ("http://a.org/?run=", "http://a.org/?run="),
        ("http://a.org/runs/7z/events?run=8z", "http://a.org/runs/7z/events?run=8z"),
    ],
)
def test_the_page_of_a_run_names_it_by_its_query(given, run):
    assert checked_run(given, A_RUN) == run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("maybe",), "Error: It was not answered: “maybe” is none of the choices, which are “yes”, “no”.\n"),
        (("yes", "--to", 3), "Event 3 of this run is no question. Open is 4 (“Is it you?”).\n"),
        (("yes", "--to", "x"), "'x' is not a valid integer"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(served, words, said):
    where = begun(f"{served}/asks")
    with Command("follow", where) as command:
        command.until("Is it you?")
    told = ask("answer", where, *words)
    assert told.exit_code == 2
    assert said in told.output
    httpx.delete(where)


def test_where_several_are_open_it_has_to_be_said_which(served):
    where = begun(f"{served}/several")
    with Command("follow", where) as command:
        command.until("?")
        command.until("?")
        asked = {one["question"]: one["n"] for one in state_of(where)["steps"][0]["questions"]}
        told = ask("answer", where, "yes")
        answered = [ask("answer", where, "yes", "--to", n).output for n in asked.values()]
        code = command.end()[0]
    assert told.exit_code == 2
    assert told.output.startswith("Error: Several questions are open. Say which one is answered:\n  --to ")
    assert [f"  --to {n}  {question}\n" in told.output for question, n in asked.items()] == [True, True]
    assert answered == [f"? {question}\n→ yes\n" for question in asked]
    assert code == 0


def test_the_question_that_is_open_is_found_though_another_was_answered_before(served):
    where = begun(f"{served}/both")
    with Command("follow", where) as command:
        command.until("Is it you?")
        first = ask("answer", where, "yes")
        command.until("What is it called?")
        second = ask("answer", where, "Ada")
        code, _, _ = command.end()
    again = ask("answer", where, "Ada")
    assert (first.output, second.output, code) == ("? Is it you?\n→ yes\n", "? What is it called?\n→ Ada\n", 0)
    assert again.exit_code == 2
    assert "refused (409): Nothing is asked any more: none of the run's questions is open." in again.output


def test_another_answer_comes_too_late(served):
    where = ask("post", f"{served}/asks", "--answer", "yes").stderr.split()[-1]
    told = ask("answer", where, "no")
    assert told.exit_code == 2
    assert told.output.endswith("refused (409): “Is it you?” was answered with “yes” already.\n")


@pytest.mark.parametrize("words", [("other",), ("other", "--to", 3), (HOSTILE,)])
def test_what_somebody_else_answered_is_not_obeyed_by_the_terminal(served, words):
    where = begun(f"{served}/wants")
    with Command("follow", where) as command:
        command.until("What is it called?")
    assert httpx.post(f"{where}/answers", json={"value": HOSTILE}).status_code == 200
    told = ask("answer", where, *words)
    assert controls_in(told.stdout) == controls_in(told.stderr) == set()
    assert "]0;PWNED" in told.output


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/runs/nix", "There is no run `nix` here"),
        ("/asks", "is a pipeline's address: start a run with `narrate post"),
        ("/runs", " is no run's address. One looks like http://"),
    ],
)
def test_where_there_is_no_such_run_it_is_said(served, path, said):
    told = ask("answer", f"{served}{path}", "yes")
    assert told.exit_code == 2
    assert said in told.output


def test_a_server_that_cannot_be_reached_is_said():
    told = ask("answer", "http://127.0.0.1:9/runs/x", "yes")
    assert told.exit_code == 3
    assert told.output.startswith("Error: http://127.0.0.1:9 cannot be reached: ")
