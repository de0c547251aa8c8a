"""`narrate show` and `narrate replay`: what was kept, shown again and told again."""

import json
import signal
import sqlite3

import httpx
import pytest

from tests.commanding import HERE, Command, ask, untimed
from tests.terminals import python, terminal
from tests.test_cli_run import RESULT, STORY


@pytest.fixture
def saved(tmp_path):
    ask("run", f"{HERE}:both", "--save", tmp_path / "both.ndjson")
    return tmp_path / "both.ndjson"


@pytest.fixture
def journal(tmp_path):
    """A journal with three runs, the last of which is cut off in its midst."""
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    for name in ("both", "breaks"):
        ask("run", f"{HERE}:{name}", "--journal", url)
    with Command("run", f"{HERE}:waits", "--journal", url) as command:
        command.until("I wait.")
        command.signal(signal.SIGKILL)
        command.end()
    return url


def test_a_saved_run_is_shown_with_its_seconds_and_its_summary(saved):
    told = ask("show", saved)
    assert told.exit_code == 0
    lines = untimed(told.stdout).splitlines()
    assert lines[0] == "Weight and length"
    assert any(line.startswith("┌ ✓ Weighing") and line.endswith(" 0.0 s") for line in lines)
    assert "Done in 0.0 s." in lines
    assert any(line.startswith("Slowest: ") for line in lines)


def test_details_are_shown_when_they_are_asked_for(saved):
    assert "    weight  7\n" in ask("show", saved, "--details").stdout
    assert "    weight  7\n" not in ask("show", saved).stdout


def test_a_story_is_shown_as_json_in_reading_order(saved):
    events = [json.loads(line) for line in ask("show", saved, "--json").stdout.splitlines()]
    assert [event["n"] for event in events] == [*range(1, len(events) + 1)]


@pytest.mark.parametrize("command", [("show", "-"), ("replay", "-", "--pace", "0")])
def test_a_story_is_read_from_standard_input(saved, command):
    assert "It is heavy." in ask(*command, input=saved.read_bytes()).stdout


@pytest.mark.parametrize("command", ["show", "replay"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nix.ndjson", "There is no file nix.ndjson. A run that a journal keeps is shown with --journal"),
        ("folder", "folder cannot be read: Is a directory."),
        ("story.txt", "story.txt, line 1: this is no JSON. A saved run is one event as JSON a line"),
        ("runs.db", "this is a journal: `narrate show RUN --journal sqlite:///runs.db`"),
    ],
)
def test_what_is_no_saved_run_is_said(tmp_path, monkeypatch, command, name, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "story.txt").write_text("Once upon a time\n")
    with sqlite3.connect("runs.db") as db:
        db.execute("CREATE TABLE a (b)")
    db.close()
    told = ask(command, name)
    assert told.exit_code == 2
    assert said in told.stderr


def test_show_wants_to_know_what():
    told = ask("show")
    assert told.exit_code == 2
    assert "Say which story: a file, or a journal with --journal sqlite:///runs.db." in told.stderr


def test_the_runs_of_a_journal_are_listed_the_newest_first(journal):
    lines = untimed(ask("show", "--journal", journal).stdout).splitlines()
    assert [line.split()[4:6] for line in lines] == [["waits", "working"], ["breaks", "failed"], ["both", "finished"]]
    assert lines[1].endswith("in 0.0 s  An unexpected KeyError stopped it.")


def test_no_more_are_listed_than_are_asked_for_and_as_json_if_so(journal):
    told = [json.loads(line) for line in ask("show", "--journal", journal, "--most", 2, "--json").stdout.splitlines()]
    assert [one["pipeline"] for one in told] == ["waits", "breaks"]


def test_a_run_of_a_journal_is_shown(journal):
    both = ask("show", "--journal", journal).stdout.splitlines()[-1].split()[0]
    told = ask("show", both, "--journal", journal)
    assert (told.exit_code, told.stderr) == (0, "")
    assert "It is heavy." in told.stdout


def test_a_run_that_has_not_ended_is_shown_as_far_as_it_has_come(journal):
    waits = ask("show", "--journal", journal).stdout.split()[0]
    told = ask("show", waits, "--journal", journal)
    assert (told.exit_code, told.stderr) == (0, "This run has not ended.\n")
    assert "I wait." in told.stdout


@pytest.mark.parametrize("run", ["-w7IS_SRIRDKFoAHkiZdCQ", "--7IS_SRIRDKFoAHkiZdCQ", "-h7IS_SRIRDKFoAHkiZdCQ", "-abc"])
def test_a_run_whose_id_begins_with_a_dash_is_no_option(journal, run):
    for words in ((run, "--journal", journal), ("--journal", journal, run), ("--journal", journal, "--", run)):
        assert f"There is no run {run} in this journal." in ask("show", *words).stderr


def test_an_option_that_is_mistyped_is_no_run(journal):
    assert "No such option '--detials'" in ask("show", "nix", "--journal", journal, "--detials").stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nix", "--journal", "JOURNAL"), 2, "There is no run nix in this journal."),
        (("--journal", "memory:"), 2, "A journal in memory is gone with its process."),
        (("--journal", "sqlite:///no/such.db"), 2, "no/such.db: there is no such journal."),
        (("--journal", "runs.db"), 2, "'runs.db' names no journal."),
    ],
)
def test_what_no_journal_has_is_said(journal, words, code, said):
    told = ask("show", *(word.replace("JOURNAL", journal) for word in words))
    assert told.exit_code == code
    assert said in told.stderr


def test_an_empty_journal_says_so(tmp_path):
    ask("run", f"{HERE}:both", "--journal", f"sqlite:///{tmp_path / 'runs.db'}")
    with sqlite3.connect(tmp_path / "runs.db") as db:
        db.execute("UPDATE runs SET expired = 1")
    db.close()
    assert ask("show", "--journal", f"sqlite:///{tmp_path / 'runs.db'}").stdout == "There are none.\n"


def test_to_show_a_journal_lets_nothing_of_it_go(journal):
    path = journal.removeprefix("sqlite:///")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE runs SET ended = 1 WHERE ended IS NOT NULL")  # in 1970
    db.close()
    both = ask("show", "--journal", journal).stdout.splitlines()[-1].split()[0]
    ask("run", f"{HERE}:both", "--journal", journal)
    assert "It is heavy." in ask("show", both, "--journal", journal).stdout


def test_a_saved_run_is_told_again_with_its_result(saved):
    told = ask("replay", saved, "--pace", 0)
    assert (told.exit_code, untimed(told.stdout), told.stderr) == (0, f"{STORY}\n{RESULT}", "")


def test_a_run_that_failed_fails_again(tmp_path):
    ask("run", f"{HERE}:breaks", "--save", tmp_path / "it.ndjson")
    assert ask("replay", tmp_path / "it.ndjson").exit_code == 1


def as_read(saved):
    """The lines of a saved run in the order of reading, in which a story is cut when its connection is."""
    numbered = [line for line in saved.read_text().splitlines() if "n" in json.loads(line)]
    return sorted(numbered, key=lambda line: json.loads(line)["n"])


@pytest.mark.parametrize("form", ["--plain", "--json"])
def test_a_story_that_was_cut_is_told_again_as_far_as_it_goes(tmp_path, saved, form):
    (tmp_path / "cut.ndjson").write_text("\n".join(as_read(saved)[:4]) + "\n")
    told = ask("replay", tmp_path / "cut.ndjson", "--pace", 0, form)
    assert told.exit_code == 3
    assert told.stderr == "The saved story stops here. What became of the run was not saved.\n"
    assert "ailed" not in told.stdout
    assert "Measuring" in told.stdout


def test_an_interrupt_stops_the_replay_of_a_story_that_was_cut(tmp_path, saved):
    *lines, last = as_read(saved)[:5]
    late = json.dumps(json.loads(last) | {"t": 86400.0})
    (tmp_path / "cut.ndjson").write_text("\n".join([*lines, late]) + "\n")
    with Command("replay", tmp_path / "cut.ndjson") as command:
        command.until("Measuring")
        command.signal(signal.SIGINT)
        assert command.end()[0] == 130


def test_a_run_that_was_cancelled_is_cancelled_again(tmp_path):
    with Command("run", f"{HERE}:waits", "--save", tmp_path / "it.ndjson") as command:
        command.until("I wait.")
        command.signal(signal.SIGINT)
        command.end()
    assert ask("replay", tmp_path / "it.ndjson", "--pace", 0).exit_code == 130


def test_an_interrupt_stops_a_replay(tmp_path, saved):
    late = saved.read_text().splitlines()
    end = json.loads(late[-1]) | {"t": 86400.0, "seconds": 86400.0}
    (tmp_path / "late.ndjson").write_text("\n".join([*late[:-1], json.dumps(end)]) + "\n")
    with Command("replay", tmp_path / "late.ndjson") as command:
        command.until("[Both]")
        command.signal(signal.SIGINT)
        assert command.end()[0] == 130


def test_a_replay_is_served_to_whoever_asks_and_whatever_they_give(saved):
    with Command("replay", saved, "--serve", "--port", "0", "--pace", "0") as command:
        url = command.until("POST").split("POST ")[1].strip()
        told = ask("post", url, "any=thing")
        page = httpx.get(url.removesuffix("both")).text
        command.signal(signal.SIGINT)
        code, said, _ = command.end()
    assert untimed(told.stdout) == f"{STORY}\n{RESULT}"
    assert "<title>" in page
    assert (code, said.splitlines()[-1]) == (0, "Stopped.")


def test_a_replay_is_served_at_the_path_that_is_chosen(saved):
    with Command("replay", saved, "--serve", "--port", "0", "--pace", "0", "--path", "/assist") as command:
        url = command.until("POST").split("POST ")[1].strip()
        told = ask("post", url)
        command.signal(signal.SIGINT)
        _, said, _ = command.end()
    assert url.endswith("/assist")
    assert untimed(told.stdout) == f"{STORY}\n{RESULT}"
    assert "--path" not in said


def test_where_no_path_is_chosen_it_is_said_that_one_can_be(saved):
    with Command("replay", saved, "--serve", "--port", "0") as command:
        said = command.until("--path")
    assert "A story does not say at which path its pipeline answered. Choose it with --path." in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--path", "/x"), "--path is where a replay is served: ask for --serve, too."),
        (("--serve", "--path", "assist"), "path 'assist' does not begin with `/`."),
        (("--serve", "--path", "/a b"), "path '/a b' has a"),
    ],
)
def test_a_path_that_cannot_be_served_at_is_said(saved, words, said):
    told = ask("replay", saved, *words)
    assert told.exit_code == 2
    assert said in told.stderr


def test_a_replay_is_drawn_in_a_terminal(saved):
    with terminal(python("-m", "narrate", "replay", str(saved))) as there:
        screen = there.wait_for("[ended: 0]")
    assert "┌ ✓ Weighing" in screen
