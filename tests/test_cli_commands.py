"""The door to the commands: its help, what a shell completes, and how errors of any command come out of it."""

import subprocess
import sys

import pytest

from narrate.cli.commands import COMMANDS
from narrate.cli.kinds import completions
from tests.commanding import HERE, ask

EVERY = [command for group in COMMANDS.values() for command in group]


def test_the_help_names_every_command_in_its_group_and_what_else_is_to_know():
    told = ask("--help").stdout
    assert ask("-h").stdout == told
    places = [told.index(f"\n  {command.name} ") for command in EVERY]
    assert places == sorted(places)
    for what in ("\nRun:\n", "\nDeclare:\n", "\nKeep:\n", "Exit codes:", "_NARRATE_COMPLETE=bash_source narrate"):
        assert what in told


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.name)
def test_every_command_has_a_help_that_fits_a_terminal(command):
    told = ask(command.name, "--help")
    assert told.exit_code == 0
    assert max(map(len, told.stdout.splitlines())) <= 100


def test_it_says_which_version_it_is():
    assert ask("--version").stdout.startswith("narrate, version ")


@pytest.mark.parametrize("command", ["serve", "run", "check", "graph", "post", "follow", "new", "doctor", "record"])
def test_a_command_without_what_it_is_about_is_a_wrong_use(command):
    assert ask(command).exit_code == 2


def test_a_shell_completes_commands():
    told = ask(env={"_NARRATE_COMPLETE": "bash_complete", "COMP_WORDS": "narrate s", "COMP_CWORD": "1"})
    assert set(told.stdout.split()) == {"plain,serve", "plain,show", "plain,schema"}


def test_a_shell_completes_targets():
    words = {"_NARRATE_COMPLETE": "bash_complete", "COMP_WORDS": "narrate run examples/co", "COMP_CWORD": "2"}
    assert ask(env=words).stdout.split() == ["plain,examples/coffee.py", "plain,examples/coffee.py:coffee"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("run pipelines.travel_escape --replay v", ["plain,valencia"]),
        ("serve pipelines/travel_escape/pipeline.py --replay v", ["plain,valencia"]),
        ("run --replay v", []),
        ("show narr", ["file,narr"]),
        ("replay narr", ["file,narr"]),
    ],
)
def test_a_shell_completes_recordings_and_files(words, found):
    env = {
        "_NARRATE_COMPLETE": "bash_complete",
        "COMP_WORDS": f"narrate {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    assert ask(env=env).stdout.split() == found


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    for name in ("one.py", "other.py", "deep/two.py", "deep/er/three.py", ".hidden/four.py"):
        (tmp_path / name).write_text("a = Pipeline('a')\nb: Pipeline = narrate.Pipeline('b')\nc = 1\n")
    (tmp_path / "none.py").write_text("a = 1\n")
    (tmp_path / "test_one.py").write_text("a = Pipeline('a')\n")
    (tmp_path / "within.py").write_text("def test_it():\n    a = Pipeline('a')\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text(
        "from pack.inner import a, other\nfrom .inner import b as c\nfrom . import inner\n"
    )
    (tmp_path / "pack" / "inner.py").write_text("a = Pipeline('a')\nb = Pipeline('b')\nother = 1\n")
    (tmp_path / "pack" / "plain.py").write_text("a = 1\n")
    (tmp_path / "broken.py").write_text("a = Pipeline(\n")


@pytest.mark.parametrize(
    ("begun", "found"),
    [
        ("", ["broken.py", "deep/er/three.py", "deep/two.py", "one.py", "other.py", "pack/inner.py"]),
        ("o", ["one.py", "other.py"]),
        ("on", ["one.py", "one.py:a", "one.py:b"]),
        ("./on", ["./one.py", "./one.py:a", "./one.py:b"]),
        ("de", ["deep/er/three.py", "deep/two.py"]),
        ("deep/t", ["deep/two.py", "deep/two.py:a", "deep/two.py:b"]),
        ("one.py:", ["one.py:a", "one.py:b"]),
        ("one.py:b", ["one.py:b"]),
        ("b", ["broken.py"]),
        ("broken.py:", []),
        ("t", []),
        ("test_", ["test_one.py", "test_one.py:a"]),
        ("w", []),
        ("pack.", ["pack.inner", "pack.inner:a", "pack.inner:b"]),
        ("pack.inner:b", ["pack.inner:b"]),
        ("pack:", ["pack:a", "pack:c"]),
        (".pa", []),
        ("nix.", []),
        ("nix/", []),
        ("nix.py:", []),
    ],
)
def test_targets_are_completed_to_files_that_make_pipelines_and_to_those(files, begun, found):
    assert list(completions(begun)) == found


def test_debug_is_taken_before_and_behind_a_command_but_not_from_behind_two_dashes():
    assert ask("--debug", "run", "nix.py").exception.__class__.__name__ == "TargetError"
    assert ask("run", "nix.py", "--debug").exception.__class__.__name__ == "TargetError"
    assert ask("run", f"{HERE}:echo", "--", "--debug").stdout.endswith("\n\n--debug\n")


def test_an_interrupt_while_a_target_is_loaded_is_no_traceback(tmp_path):
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt\n")
    told = ask("run", tmp_path / "slow.py")
    assert (told.exit_code, told.output) == (130, "")


def test_a_stream_that_cannot_say_a_character_says_a_question_mark():
    command = [sys.executable, "-m", "narrate", "run", f"{HERE}:both"]
    told = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "latin-1"}, check=True)
    assert told.stdout.startswith(b"Weight and length\n\n? Weighing\n")
