"""`narrate new`: what it makes works as it is, by every tool that a newcomer will try on it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commanding import ask

BIN = Path(sys.executable).parent


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder in which `narrate new parcel-quotes` was asked for."""
    folder = tmp_path_factory.mktemp("new")
    command = [sys.executable, "-m", "narrate", "new", "parcel-quotes"]
    said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    (folder / "said").write_text(said)
    return folder


def run(folder, *command):
    """What a tool says of what was made; its exit code is 0."""
    tried = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=folder, check=False, capture_output=True, text=True, timeout=120
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr
    return tried.stdout


def test_it_says_what_it_made_and_what_to_try(made):
    assert (made / "said").read_text() == (
        "Made parcel-quotes/parcel_quotes.py\n"
        "Made parcel-quotes/test_parcel_quotes.py\n"
        "\n"
        "  Run it               narrate run parcel-quotes/parcel_quotes.py text='The cat and the end of the cat.'\n"
        "  Test it              pytest parcel-quotes\n"
        "  See what it will do  narrate check parcel-quotes/parcel_quotes.py\n"
        "  Serve it             narrate serve parcel-quotes/parcel_quotes.py\n"
    )


def test_it_runs(made):
    said = run(made, "narrate", "run", "parcel-quotes/parcel_quotes.py", "text=The cat and the end of the cat.")
    assert "It seems to be English." in said
    assert "About 2 seconds." in said


def test_it_is_sound(made):
    assert "1 pipeline is sound." in run(made, "narrate", "check", "parcel-quotes/parcel_quotes.py")


def test_its_own_tests_hold(made):
    tested = run(made, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "parcel-quotes")
    assert "4 passed" in tested


@pytest.mark.parametrize("width", ["88", "100", "120"])
def test_ruff_has_nothing_to_say_of_it(made, width):
    run(made / "parcel-quotes", "ruff", "format", "--isolated", "--no-cache", "--check", "--line-length", width, ".")
    rules = "ANN,ARG,B,C4,E,F,I,N,PT,RET,RUF,SIM,UP,W"
    run(
        made / "parcel-quotes",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--select",
        rules,
        "--line-length",
        width,
        ".",
    )


def test_mypy_has_nothing_to_say_of_it(made):
    said = run(made, "mypy", "--strict", "--cache-dir", made / "mypy", "parcel-quotes")
    assert said.startswith("Success: no issues found")


def test_here_is_this_folder(here):
    result = ask("new", "quotes", "--here")
    assert result.exit_code == 0
    assert result.output.startswith("Made quotes.py\nMade test_quotes.py\n")
    assert "  Test it              pytest test_quotes.py\n" in result.output
    assert {path.name for path in here.iterdir()} == {"quotes.py", "test_quotes.py"}


def test_the_name_is_that_of_the_pipeline_too(here):
    ask("new", "parcel-quotes")
    assert "POST /parcel-quotes" in ask("check", "parcel-quotes/parcel_quotes.py").output


def test_a_name_in_any_script_will_do(here):
    assert ask("new", "cafe\u0301").exit_code == 0
    assert (here / "cafe\u0301" / "caf\u00e9.py").is_file()


@pytest.mark.parametrize("there", ["quotes/quotes.py", "quotes/test_quotes.py"])
def test_no_file_is_written_over(here, there):
    (here / "quotes").mkdir()
    (here / there).write_text("mine")
    result = ask("new", "quotes")
    assert result.exit_code == 2
    assert result.output == f"Error: {there} exists already, and is left as it is. Choose another name.\n"
    assert [path.read_text() for path in (here / "quotes").iterdir()] == ["mine"]


def test_nothing_is_written_through_a_link(here):
    (here / "quotes.py").symlink_to(here / "elsewhere.py")
    assert ask("new", "quotes", "--here").exit_code == 2
    assert not (here / "elsewhere.py").exists()


def test_a_folder_that_is_there_already_is_used(here):
    (here / "quotes").mkdir()
    (here / "quotes" / "notes.txt").touch()
    assert ask("new", "quotes").exit_code == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("json", "`json` is a module of Python itself, whose place json.py would take. Choose another name."),
        ("trio", "`trio` is a module that is installed, whose place trio.py would take. Choose another name."),
        ("narrate", "`narrate` is a module that is installed"),
        ("typing-extensions", "`typing_extensions` is a module that is installed"),
        ("conftest", "`conftest` is a name that pytest takes for its own. Choose another name."),
        ("test-it", "`test-it` is a name that pytest takes for its own. Choose another name."),
        ("class", "`class` is a word of Python's own and cannot name a module. Choose another name."),
        ("9lives", "`9lives` cannot name a module: a name begins with a letter and goes on with letters, digits"),
        ("../up", "`../up` cannot name a module"),
        ("two words", "`two words` cannot name a module"),
        ("_private", "`_private` cannot name a module"),
        ("", "`` cannot name a module"),
        ("a" * 41, "is longer than 40 characters. Choose a shorter name."),
    ],
)
def test_a_name_that_would_be_trouble_is_refused(here, name, said):
    result = ask("new", name)
    assert result.exit_code == 2
    assert said in result.output
    assert list(here.iterdir()) == []


def test_a_file_of_that_name_is_in_the_way_of_a_folder(here):
    (here / "quotes").touch()
    result = ask("new", "quotes")
    assert result.exit_code == 2
    assert "quotes is a file. Choose another name, or write into this folder with --here." in result.output


def test_a_folder_that_cannot_be_made_is_said(here):
    (here / "quotes").symlink_to("nowhere")
    result = ask("new", "quotes")
    assert result.exit_code == 2
    assert "quotes/quotes.py cannot be written: File exists." in result.output


def test_a_name_is_needed(here):
    assert "Missing argument 'NAME'." in ask("new").output
