"""`narrate run`: the story in each form, what it leaves behind, and how it ends."""

import json
import re
import shlex
import signal
import sys

import pytest

from narrate.events import from_json
from narrate.grammar import check_record
from narrate.saved import load_story
from tests.commanding import HERE, Command, ask, untimed
from tests.terminals import python, terminal

STORY = """Weight and length

• Weighing
• Measuring
  Weighing: It is heavy.
  Measuring: 3 m.
• Putting 7 and 3 together
  [Both]

Done in 0.0 s.
"""
RESULT = '{\n  "weight": 7,\n  "length": 3\n}\n'


def test_where_there_is_no_terminal_the_story_is_plain_lines_and_then_the_result():
    told = ask("run", f"{HERE}:both")
    assert (told.exit_code, untimed(told.stdout), told.stderr) == (0, f"{STORY}\n{RESULT}", "")


def test_details_are_shown_below_their_titles():
    told = ask("run", f"{HERE}:both", "--details", "--plain")
    assert '  [Both]\n    {\n      "weight": 7,\n      "length": 3\n    }\n\nDone' in told.stdout


def test_json_is_the_record_a_line_an_event():
    told = ask("run", f"{HERE}:both", "--json")
    events = [from_json(line) for line in told.stdout.splitlines()]
    check_record([event for event in events if event.n])
    assert json.loads(told.stdout.splitlines()[-1])["result"] == {"weight": 7, "length": 3}


def test_what_a_step_prints_is_not_among_the_json():
    told = ask("run", f"{HERE}:prints", "--json")
    assert [from_json(line).n for line in told.stdout.splitlines() if "progress" not in line][-1] > 1
    assert told.stderr.startswith("I print.\n")


def test_live_status_is_among_the_json():
    with Command("run", f"{HERE}:waits", "--json") as command:
        assert '"done":1,"of":2,"unit":"waits"' in command.until('"type":"progress"')


def test_the_result_alone_can_be_piped():
    told = ask("run", f"{HERE}:both", "--result")
    assert (told.exit_code, told.stdout, untimed(told.stderr)) == (0, RESULT, STORY)


def test_a_text_that_comes_out_is_shown_plainly_and_given_to_a_pipe_as_json():
    plain, alone = (ask("run", f"{HERE}:echo", 'say "hi"', *options) for options in ((), ("--result",)))
    assert plain.stdout.endswith('\n\nsay "hi"\n')
    assert alone.stdout == '"say \\"hi\\""\n'


def test_what_a_terminal_would_obey_is_not_shown():
    told = ask("run", f"{HERE}:obeys")
    assert told.stdout.endswith("red: \ufffd[31m\n")


def test_a_failure_is_told_with_its_place_but_without_its_text():
    told = ask("run", f"{HERE}:breaks")
    assert told.exit_code == 1
    assert untimed(told.stdout).endswith("\nFailed in 0.0 s: An unexpected KeyError stopped it.\n")
    assert told.stderr.startswith(f"KeyError was raised at {HERE}, line ")
    assert "secret-4711" not in told.output
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("--debug", "run", f"{HERE}:breaks"), ("run", f"{HERE}:breaks", "--debug")])
def test_debug_shows_the_traceback_of_a_step_after_the_story(words):
    told = ask(*words)
    assert told.exit_code == 1
    assert "Traceback" not in told.stdout
    assert "KeyError: 'secret-4711'" in told.stderr


def test_a_resource_that_cannot_be_opened_is_one_sentence():
    told = ask("run", f"{HERE}:opens")
    assert told.exit_code == 1
    assert told.output.startswith(f"Error: It could not be run: {HERE}, line ")
    assert "raised KeyError: 'NARRATE_TEST_NO_SUCH_KEY'." in told.output
    assert "Traceback" not in told.output


def test_debug_shows_why_a_resource_could_not_be_opened():
    assert "Traceback" in Command("--debug", "run", f"{HERE}:opens").end()[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nix.py",), "Error: There is no file nix.py.\n"),
        (("http://127.0.0.1/x",), "Runs are started there by `narrate post`.\n"),
        ((f"{HERE}:both", "x=1"), "Error: It takes no input. Give none.\n"),
        ((f"{HERE}:order", "item=x"), "  item: Input should be a valid integer"),
        ((f"{HERE}:both", "--plain", "--json"), "choose --plain or --json"),
        ((f"{HERE}:both", "--save", "no/such/folder/x"), "cannot be written: No such file or directory.\n"),
        ((f"{HERE}:both", "--replay", "x"), "Error: x: there is no such recording.\n"),
        ((f"{HERE}:both", "--pace", "nan"), "'nan' is not a number"),
    ],
)
def test_a_wrong_use_is_one_sentence_and_exit_code_two(words, said):
    told = ask("run", *words)
    assert told.exit_code == 2
    assert said in told.output
    assert told.stdout == ""


def test_a_run_is_saved_as_it_was_told(tmp_path):
    told = ask("run", f"{HERE}:both", "--save", tmp_path / "it.ndjson")
    story = load_story((tmp_path / "it.ndjson").read_bytes(), "it.ndjson")
    assert (told.exit_code, story.result) == (0, {"weight": 7, "length": 3})
    assert f"narrate show {tmp_path / 'it.ndjson'}" in told.stderr


def test_a_run_that_failed_is_saved_too(tmp_path):
    told = ask("run", f"{HERE}:breaks", "--save", tmp_path / "it.ndjson")
    assert told.exit_code == 1
    assert load_story((tmp_path / "it.ndjson").read_bytes(), "it.ndjson").problem is not None


def test_a_run_that_a_journal_keeps_says_how_it_is_shown_again(tmp_path):
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    told = ask("run", f"{HERE}:both", "--journal", url)
    shown = ask(*told.stderr.removeprefix("Show it again: narrate ").split())
    assert shown.exit_code == 0
    assert "It is heavy." in shown.stdout


def test_what_it_leaves_behind_is_said_so_that_a_shell_finds_it_again(tmp_path):
    url = f"sqlite:///{tmp_path / 'my runs.db'}"
    told = ask("run", f"{HERE}:both", "--journal", url, "--save", tmp_path / "my story")
    saved, journal = (shlex.split(line.partition(": narrate ")[2]) for line in told.stderr.splitlines())
    assert saved == ["show", str(tmp_path / "my story")]
    assert journal[:-1] == ["show", "--journal", url, "--"]  # whatever the id begins with
    assert ask(*journal).exit_code == 0


def test_a_pipeline_is_replayed_at_the_pace_that_is_asked_for():
    told = ask(
        "run",
        "pipelines.travel_escape:travel_escape",
        "q=hot tomorrow",
        "--replay",
        "valencia",
        "--pace",
        0,
        "--result",
    )
    assert told.exit_code == 0
    assert told.stderr.startswith("This is a replay of composed answers")
    assert json.loads(told.stdout)["departure"]["iata"] == "VLC"


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "You pressed Ctrl-C."), (signal.SIGTERM, "The program was asked to stop.")]
)
def test_an_interrupt_cancels_the_run_which_tells_its_end(number, reason):
    with Command("run", f"{HERE}:waits") as command:
        command.until("I wait.")
        command.signal(number)
        code, said, noted = command.end()
    assert (code, noted) == (130, "")
    assert said.startswith(f"  ✗ stopped: {reason}\n\nCancelled in ")
    assert said.endswith(f": {reason}\n")


def test_a_run_that_is_interrupted_is_saved_to_its_end(tmp_path):
    with Command("run", f"{HERE}:waits", "--save", tmp_path / "it.ndjson") as command:
        command.until("I wait.")
        command.signal(signal.SIGINT)
        command.end()
    assert load_story((tmp_path / "it.ndjson").read_bytes(), "it.ndjson").end is not None


@pytest.mark.parametrize(("name", "last"), [("cleans", "I will not go."), ("threads", "A thread does not move.")])
def test_who_interrupts_and_still_waits_is_told_what_a_second_time_does_and_it_does(name, last):
    with Command("run", f"{HERE}:{name}") as command:
        command.until(last)
        command.signal(signal.SIGINT)
        command.until_noted("Ctrl-C once more ends the program at once.")
        command.signal(signal.SIGINT)
        assert command.end() == (130, "", "")


def test_a_second_interrupt_ends_even_a_step_that_blocks_everything():
    with Command("run", f"{HERE}:blocks") as command:
        command.until("Nothing moves.")
        command.signal(signal.SIGINT)
        command.signal(signal.SIGTERM)  # another, since a second of the same may be one with it
        assert command.end()[0] == 130


def test_an_interrupt_before_the_run_has_begun_ends_the_program():
    with Command("run", f"{HERE}:lates") as command:
        command.until("Opening")
        command.signal(signal.SIGINT)
        assert command.end()[0] == 130


def test_who_reads_no_further_ends_the_run_quietly():
    with Command("run", f"{HERE}:endless") as command:
        command.until("again")
        command.stop_listening()
        assert command.wait_ended() == (3, "")


def test_in_a_terminal_the_story_is_drawn_and_its_result_cut_to_what_fits():
    with terminal(python("-m", "narrate", "run", f"{HERE}:much"), rows=40) as there:
        screen = there.wait_for("[ended: 0]")
    assert "✓ Showing much" in screen
    assert "… and 87 lines more: --result gives all of it as JSON." in screen


@pytest.mark.parametrize("how", [{"CI": "true"}, {"TERM": "dumb"}])
def test_in_ci_and_in_a_dumb_terminal_the_story_is_plain(how):
    with terminal(python("-m", "narrate", "run", f"{HERE}:both"), env=how) as there:
        screen = there.wait_for("[ended: 0]")
    assert untimed(screen).startswith(STORY.rstrip("\n"))


@pytest.mark.parametrize(("env", "coloured"), [({"NO_COLOR": "1"}, False), ({}, True)])
def test_there_are_no_colours_where_none_are_wanted(env, coloured):
    with terminal(python("-m", "narrate", "run", f"{HERE}:breaks"), env=env) as there:
        there.wait_for("[ended: 1]")
        assert bool(re.search(r"\x1b\[3[0-7]", there.codes())) is coloured


def test_a_terminal_is_as_it_was_after_a_second_interrupt():
    with terminal() as there:
        there.type("stty -a > /tmp/before-$$; clear")
        there.type(f"{sys.executable} -m narrate run {HERE}:cleans")
        there.wait_for("I will not go.")
        there.press("C-c")
        there.wait_for("Ctrl-C once more ends the program at once.")
        there.press("C-c")
        there.type("echo code $?; stty -a | cmp - /tmp/before-$$ && echo the same; rm /tmp/before-$$")
        screen = there.wait_for("the same\n$")
    assert "code 130" in screen
