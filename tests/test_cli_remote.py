"""`narrate post` and `narrate follow`: a server's runs, told as if they were here, and what goes wrong on the way."""

import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from narrate.cli.addresses import checked, headers_of
from narrate.cli.work import WrongUse
from tests.commanding import HERE, Command, ask, untimed
from tests.serving import Process
from tests.terminals import terminal
from tests.test_cli_run import RESULT, STORY

A_RUN = "http://127.0.0.1:8000/runs/ID"


@pytest.fixture(scope="module")
def served():
    """Where a server of the commanded pipelines answers."""
    names = ("both", "order", "echo", "breaks", "waits", "much", "wishes")
    with Process(*(f"{HERE}:{name}" for name in names), "--port", "0", "--no-access-log") as process:
        yield process.address().removesuffix("/both")


@pytest.fixture(scope="module")
def strange():
    """A server that is none of ours: HTML for whatever is asked, with the status that a path is, or else 200.

    It knows how one of ours is busy, too, at /busy.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            busy = self.path == "/busy"
            body = b'{"title": "Busy", "status": 503}' if busy else b"<!doctype html><title>Hello</title>"
            self.send_response(503 if busy else int(self.path[1:4]) if self.path[1:4].isdigit() else 200)
            self.send_header("Content-Type", "application/problem+json" if busy else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 (as the library wants it)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def begun(url: str) -> str:
    """The address of a run that waits, begun as a job."""
    return str(httpx.URL(url).join(httpx.post(url, headers={"Prefer": "respond-async"}).headers["location"]))


def test_a_run_that_is_posted_is_told_as_one_of_this_process(served):
    told = ask("post", f"{served}/both")
    assert told.exit_code == 0
    assert untimed(told.stdout) == f"{STORY}\n{RESULT}"
    assert told.stderr.startswith(f"Tell it again: narrate follow {served}/runs/")


def test_a_run_is_told_again_from_where_it_was_said_to_be(served):
    where = ask("post", f"{served}/both").stderr.split()[-1]
    for url in (where, f"{where}/events"):
        assert untimed(ask("follow", url).stdout) == f"{STORY}\n{RESULT}"


def test_only_what_comes_behind_a_number_is_told(served):
    where = ask("post", f"{served}/both").stderr.split()[-1]
    told = [json.loads(line) for line in ask("follow", where, "--after", 8, "--json").stdout.splitlines()]
    assert [event["n"] for event in told if "n" in event] == [9, 10]


@pytest.mark.parametrize(("name", "code", "word"), [("both", 0, "finished"), ("breaks", 1, "failed")])
def test_where_nothing_is_left_to_tell_the_run_s_own_end_is_the_exit_code(served, name, code, word):
    where = ask("post", f"{served}/{name}").stderr.split()[-1]
    told = ask("follow", where, "--after", 1000)
    assert told.exit_code == code
    assert told.stderr.startswith(f"Nothing was told after event 1000: the run had {word}.\n")


def test_an_input_is_given_as_for_run(served):
    fields = ask("post", f"{served}/order", "item=3", "where.city=Wien", "--result")
    text = ask("post", f"{served}/echo", "some text", "--result")
    assert json.loads(fields.stdout)["where"] == {"city": "Wien", "zip": None}
    assert json.loads(text.stdout) == "some text"


def test_large_details_are_fetched_where_details_are_to_be_shown(served):
    told = ask("post", f"{served}/much", "--details", "--plain")
    closed = ask("post", f"{served}/much", "--json")
    assert "      999\n    ]\n" in told.stdout
    assert '"link":"/runs/' in closed.stdout


def test_nothing_is_an_input_where_all_of_it_may_be_left_out(served):
    assert ask("post", f"{served}/wishes").exit_code == 0


def test_a_run_that_fails_there_is_exit_code_one_here(served):
    assert ask("post", f"{served}/breaks").exit_code == 1


@pytest.mark.parametrize(
    ("path", "words", "said"),
    [
        ("/order", ("item=x",), "  item: Input should be a valid integer"),
        ("/order", (), "Error: It takes an input, and none was given.\nIt takes these fields"),
        ("/both", ("x=1",), "Error: It takes no input. Give none.\n"),
        ("/order", ('{"item"',), "is not JSON: Expecting ':' delimiter"),
        ("/bth", (), "/bth: There is nothing at this address. The pipelines there are at:\n"),
        ("/runs/nix", (), "It is a run's address: `narrate follow http"),
        ("/both", ("-H", "x"), "A header without a `:` is no header."),
    ],
)
def test_what_the_server_would_refuse_or_does_is_said_with_what_would_mend_it(served, path, words, said):
    told = ask("post", f"{served}{path}", *words)
    assert told.exit_code == 2
    assert said in told.stderr


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/runs/nix", "There is no run `nix` here"),
        ("/both", "/both is a pipeline's address: start a run with `narrate post"),
        ("", "is no run's address, as http://127.0.0.1:"),
        ("/", "`narrate post` starts a run and says its address; the pipelines there are at:\n  http://127.0.0.1:"),
        ("/nix", "/nix is no run's address, as "),
    ],
)
def test_a_run_that_is_not_there_is_said(served, path, said):
    told = ask("follow", f"{served}{path}")
    assert told.exit_code == 2
    assert said in told.stderr


@pytest.mark.parametrize("command", ["post", "follow"])
def test_a_server_that_is_none_of_ours_is_said(strange, command):
    told = ask(command, f"{strange}/x")
    assert (told.exit_code, told.stderr) == (
        2,
        (
            f"Error: {strange}/x is no address of a narrate server. "
            "The answer is text/html where text/event-stream was asked for.\n"
        ),
    )


def test_a_server_that_never_tells_is_given_up_after_as_many_attempts_as_were_asked_for(strange):
    told = ask("post", f"{strange}/busy", "--attempts", 1)
    assert (told.exit_code, told.stderr) == (3, f"Error: {strange}/busy tells no story: Busy.\n")


@pytest.mark.parametrize("command", ["post", "follow"])
@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/501", 2, ": 501 Not Implemented: no narrate answers there. Is the address right?\n"),
        ("/502", 3, ": 502 Bad Gateway: no narrate answers there. Is `narrate serve` running there, and the address"),
    ],
)
def test_a_server_that_fails_as_none_of_ours_does_is_given_up_at_once(strange, command, path, code, said):
    told = ask(command, f"{strange}{path}", "--attempts", 1_000_000)
    assert told.exit_code == code
    assert said in told.stderr


@pytest.mark.parametrize("command", ["post", "follow"])
def test_a_server_that_cannot_be_reached_is_said_at_once(command):
    told = ask(command, "http://127.0.0.1:9/both")
    assert told.exit_code == 3
    assert told.stderr.startswith("Error: http://127.0.0.1:9 cannot be reached: ")
    assert told.stderr.endswith(" Is `narrate serve` running there, and the address right?\n")


def test_tls_where_there_is_none_is_said_as_such(served):
    told = ask("post", f"{served}/both".replace("http:", "https:"))
    assert told.exit_code == 3
    assert "cannot be reached: [SSL" in told.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:8000/x", "Did you mean http://127.0.0.1:8000/x?"),
        ("localhost/x", "Did you mean http://localhost/x?"),
        ("api.example.com/x", "Did you mean http://api.example.com/x?"),
        ("7zKx4yTtqg2n", f"One looks like {A_RUN}."),
        ("/runs/7zKx", f"One looks like {A_RUN}."),
        ("ftp://x/y", "it begins with http:// or https://"),
        ("http:///x", "it begins with http:// or https://"),
        ("http://[::1", "is no address: "),
        ("http://x:port/", "is no address: "),
        ("http://x/\n", "is no address: "),
    ],
)
def test_what_is_no_address_is_said_with_one_that_is(url, said):
    with pytest.raises(WrongUse) as caught:
        checked(url, A_RUN)
    assert said in caught.value.message


def test_headers_are_given_by_name_and_value():
    assert headers_of(["X-A: b", "Authorization:Bearer c:d", "X-Empty:"]) == {
        "X-A": "b",
        "Authorization": "Bearer c:d",
        "X-Empty": "",
    }


@pytest.mark.parametrize("line", ["Bearer hunter2", "a b: c", ": c", "a: b\nc: d", ""])
def test_what_is_no_header_is_refused_and_its_value_not_repeated(line):
    with pytest.raises(WrongUse) as caught:
        headers_of([line])
    assert "hunter2" not in caught.value.message


def test_an_interrupt_cancels_a_run_that_was_posted_which_tells_its_end(served):
    with Command("post", f"{served}/waits") as command:
        command.until("I wait.")
        command.signal(signal.SIGINT)
        code, said, noted = command.end()
    assert code == 130
    assert said.endswith(": The client cancelled it.\n")
    assert ask("follow", noted.split()[-1]).exit_code == 130


def test_an_interrupt_leaves_a_run_that_is_followed_and_says_where_it_is(served):
    where = begun(f"{served}/waits")
    with Command("follow", where) as command:
        command.until("I wait.")
        command.signal(signal.SIGINT)
        code, said, noted = command.end()
    assert (code, said) == (130, "")
    assert noted == f"The run was left, not cancelled. Tell it further: narrate follow {where}\n"
    assert httpx.get(where).json()["state"] == "working"
    httpx.delete(where)


def test_a_story_that_is_cut_says_how_to_hear_the_rest():
    with Process(f"{HERE}:waits", "--port", "0", "--no-access-log") as process:
        url = process.address()
        with Command("post", url, "--attempts", "1") as command:
            command.until("I wait.")
            process.signal(signal.SIGKILL)
            code, _, noted = command.end()
    assert code == 3
    assert noted.startswith("Error: The story was heard up to event 3: ")
    assert f"`narrate follow {url.removesuffix('/waits')}/runs/" in noted
    assert "--after 3` tells the rest" in noted


def test_a_server_that_was_started_anew_without_a_journal_has_lost_the_run_and_it_is_said():
    with Process(f"{HERE}:waits", "--port", "0", "--no-access-log") as process:
        url = process.address()
        with Command("post", url) as command:
            command.until("I wait.")
            process.signal(signal.SIGKILL)
            process.end()
            with Process(f"{HERE}:waits", "--port", url.split(":")[2].split("/")[0], "--no-access-log"):
                code, _, noted = command.end()
    assert (code, noted) == (
        3,
        (
            "Error: The story was heard up to event 3. The server was started anew and has kept nothing of the run. "
            "`narrate serve --journal sqlite:///runs.db …` would have kept it.\n"
        ),
    )


def test_a_run_that_is_followed_is_lost_with_a_server_that_kept_nothing():
    with Process(f"{HERE}:waits", "--port", "0", "--no-access-log") as process:
        url = process.address()
        with Command("follow", begun(url)) as command:
            command.until("I wait.")
            process.signal(signal.SIGKILL)
            process.end()
            with Process(f"{HERE}:waits", "--port", url.split(":")[2].split("/")[0], "--no-access-log"):
                code, _, noted = command.end()
    assert code == 3
    assert noted.startswith("Error: The story was heard up to event 3. The server was started anew")


def test_in_a_terminal_it_says_that_an_interrupt_only_leaves(served):
    where = begun(f"{served}/waits")
    with terminal() as there:
        there.type(f"{sys.executable} -m narrate follow {where}; echo code $?")
        there.wait_for("Ctrl-C leave")
        there.press("C-c")
        there.wait_for("\ncode ")
        assert "code 130" in there.all()
    assert httpx.get(where).json()["state"] == "working"
    httpx.delete(where)
