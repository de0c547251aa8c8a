"""`narrate deliveries` on the file of a real journal."""

from dataclasses import replace

import pytest
import trio
from click.testing import CliRunner

from narrate.cli.commands import narrate
from narrate.delivery import Delivery, given_up
from narrate.events import RunFinished, RunId
from narrate.journal.base import Begun
from narrate.journal.sqlite import SqliteJournal

RUN = RunId("r1")
GOOD = Delivery(id="msg_good", run=RUN, url="https://example.com/good")
BAD = Delivery(id="msg_bad", run=RUN, url="https://example.com/bad")
WAITS = Delivery(id="msg_waits", run=RunId("r2"), url="https://example.com/waits")


@pytest.fixture
def path(tmp_path):
    async def fill() -> None:
        journal = SqliteJournal(tmp_path / "runs.db")
        async with journal.open():
            writer = await journal.open_record(Begun(run=RUN, pipeline="p"), [GOOD, BAD])
            await journal.open_record(Begun(run=RunId("r2"), pipeline="p"), [WAITS])
            writer.append([RunFinished(None, 1.0, t=1.0)])
            await writer.settle()
            await journal.put(replace(GOOD, state="delivered", attempts=1, last="It answered 204 No Content."))
            await journal.put(given_up(replace(BAD, attempts=10), "It answered 500 Internal Server Error."))

    trio.run(fill)
    return tmp_path / "runs.db"


def narrated(*arguments):
    done = CliRunner().invoke(narrate, ["deliveries", *arguments])
    return done.exit_code, done.output


def test_deliveries_are_listed_the_newest_first_with_what_became_of_them(path):
    assert narrated("--journal", f"sqlite:///{path}") == (
        0,
        (
            "msg_waits  waiting    https://example.com/waits  run r2  0 tries\n"
            "msg_bad  dead       https://example.com/bad  run r1  10 tries  It answered 500 Internal Server Error.\n"
            "msg_good  delivered  https://example.com/good  run r1  1 try  It answered 204 No Content.\n"
        ),
    )


def test_only_dead_letters_are_listed_when_only_they_are_asked_for(path):
    _, said = narrated("--journal", f"sqlite:///{path}", "--dead")

    assert [line.split()[0] for line in said.splitlines()] == ["msg_bad"]


def test_a_dead_letter_is_sent_again(path):
    first = narrated("--journal", f"sqlite:///{path}", "--resend", "msg_bad")
    _, listed = narrated("--journal", f"sqlite:///{path}")

    assert first == (0, "msg_bad is due now.\n")
    assert "msg_bad  due        https://example.com/bad  run r1  0 tries, next " in listed
    assert narrated("--journal", f"sqlite:///{path}", "--dead") == (0, "There are none.\n")


def test_one_whose_run_has_not_ended_is_left_waiting(path):
    told = narrated("--journal", f"sqlite:///{path}", "--resend", "msg_waits")

    assert told == (0, "msg_waits waits for the end of its run; there is nothing to send yet.\n")


def test_what_is_not_there_is_named(path):
    assert narrated("--journal", f"sqlite:///{path}", "--resend", "msg_x") == (
        2,
        "Error: There is no delivery msg_x in this journal.\n",
    )
    assert narrated("--journal", f"sqlite:///{path}.other") == (2, f"Error: {path}.other: there is no such journal.\n")


def test_a_url_that_names_no_journal_is_a_wrong_use():
    exit_code, said = narrated("--journal", "runs.db")

    assert exit_code == 2
    assert "'runs.db' names no journal." in said


def test_a_journal_in_memory_has_no_deliveries_to_list():
    exit_code, said = narrated("--journal", "memory:")

    assert exit_code == 2
    assert "gone with its server" in said
