"""The command line: what it does, and the one sentence it says when it cannot."""

import json
import socket
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from narrate.cli.commands import narrate
from narrate.server.serving import listen
from tests.serving import Process

TARGET = """
from collections.abc import AsyncIterator
import httpx
from narrate import Pipeline, resource, say, step

@resource
async def transport() -> AsyncIterator[httpx.AsyncBaseTransport]:
    async with httpx.AsyncHTTPTransport() as live:
        yield live

@step("Asking")
async def asked(q_of: dict, transport: httpx.AsyncBaseTransport) -> str:
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get(URL + "/answer", params={"q": q_of["q"], "api_key": "hunter2hunter2"},
                                  headers={"Authorization": "Bearer hunter2hunter2"})
    say(f"It says {answer.json()['says']}.")
    return answer.json()["says"]

@step("Thinking")
async def q_of(request: dict) -> dict:
    return request

@step("Plainly")
async def plainly() -> int:
    return 1

asks = Pipeline("asks", q_of, asked, takes=dict, resources=[transport], title="Ask")
plain = Pipeline("plain", plainly, title="Plain")
alias = plain
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    text = textwrap.dedent(TARGET)
    (tmp_path / "target.py").write_text('URL = "http://127.0.0.1:9"\n' + text)
    return tmp_path / "target.py"


@pytest.fixture
def upstream(target: Path):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"says": self.path.split("q=")[1].split("&")[0].upper()}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        target.write_text(target.read_text().replace("http://127.0.0.1:9", url))
        yield url
        server.shutdown()
        thread.join()


def ask(*arguments: object) -> Result:
    return CliRunner().invoke(narrate, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("no_such_module", "There is no module `no_such_module`. A file is named with its `.py`."),
        ("narrate.no_such", "There is no module `narrate.no_such`. A file is named with its `.py`."),
        ("nowhere/file.py:x", "There is no file nowhere/file.py."),
        ("narrate.errors", "narrate.errors has no pipeline. Name one as `module:name`."),
        ("narrate.errors:x", "narrate.errors has no pipeline `x`. It has none."),
    ],
)
def test_a_target_that_is_not_there_is_one_sentence(named, said):
    result = ask("serve", named)
    assert (result.exit_code, result.output) == (2, f"Error: {said}\n")


def test_a_pipeline_that_is_not_there_is_said_with_those_that_are(target):
    result = ask("serve", f"{target}:plan")
    assert result.exit_code == 2
    assert "has no pipeline `plan`" in result.output
    assert "did you mean `plain`" in result.output.lower()
    assert "It has: asks, plain, alias." in result.output


def test_debug_shows_where_an_error_came_from():
    result = ask("--debug", "serve", "no_such_module")
    assert type(result.exception).__name__ == "TargetError"


def test_a_pipeline_that_could_never_run_is_one_error(target):
    target.write_text("from narrate import Pipeline\np = Pipeline('p')\n")
    result = ask("serve", target)
    assert result.exit_code == 1
    assert result.output.startswith("Error: Pipeline `p` has no stages.\n  declared at ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--port", "70000"), "'--port'"),
        (("--proxies", "10.0.0.1/8"), "'10.0.0.1/8' is not the address or network of a proxy"),
        (("--heartbeat", "0"), "'--heartbeat'"),
        (("--heartbeat", "nan"), "'--heartbeat'"),
        (("--grace", "nan"), "'--grace'"),
        (("--max-runs", "0"), "'--max-runs'"),
        (("--pace", "-1"), "'--pace'"),
        (("--grace", "-1"), "'--grace'"),
        (("--workers", "0"), "'--workers'"),
        (("--workers", "2"), "2 workers need a journal that all of them can read"),
        (("--keep-for", "36"), "'36' is not a time such as 90s, 30m, 36h or 7d."),
        (("--cors", "app.example"), "'app.example' is no origin"),
        (("--public-url", "foo"), "'foo' is no address such as https://api.example/app."),
        (("--public-url", "https://"), "'https://' is no address"),
        (("--public-url", "https://x:y/"), "'https://x:y/' is no address"),
        (("--public-url", "https://x/?a=b"), "'https://x/?a=b' is no address"),
        (("--max-runs-per-caller", "0"), "'--max-runs-per-caller'"),
    ],
)
def test_a_wrong_use_is_exit_code_two(target, options, said):
    result = ask("serve", f"{target}:plain", *options)
    assert result.exit_code == 2
    assert said in result.output


SERVED = """
import os, signal, threading
import httpx
from narrate import Pipeline, resource, step

def ask_and_stop():
    httpx.post("http://127.0.0.1:PORT/stops", timeout=20)
    os.kill(os.getpid(), signal.SIGTERM)

@resource
async def door():
    thread = threading.Thread(target=ask_and_stop)
    thread.start()
    yield 1
    thread.join()

@step("Working")
async def work(door: int, transport: object) -> int:
    return door

@resource
async def transport():
    yield 1

stops = Pipeline("stops", work, resources=[door, transport], title="It stops")

@step("Breaking off")
async def breaks(transport: int) -> int:
    raise KeyboardInterrupt

broken = Pipeline("broken", breaks, resources=[transport])
"""


@pytest.fixture
def stopping(tmp_path: Path) -> tuple[str, int]:
    """A target that is asked once when it is served, and then stops the server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "stopping.py").write_text(SERVED.replace("PORT", str(port)))
    (tmp_path / "fixtures" / "monday").mkdir(parents=True)
    (tmp_path / "fixtures" / "monday" / "a.json").write_text(
        '{"narrate_cassette": 1, "origin": "composed", "about": "", "at": "2026-10-13T09:12:00+00:00", "exchanges": []}'
    )
    return f"{tmp_path / 'stopping.py'}", port


def test_a_server_says_where_it_is_what_it_was_asked_and_that_it_has_stopped(stopping):
    target, port = stopping
    result = ask("serve", f"{target}:stops", "--port", port)
    assert result.exit_code == 0, result.output
    first, second, third, last = result.output.splitlines()
    assert first == f"It stops  POST http://127.0.0.1:{port}/stops"
    assert second == f"Open http://127.0.0.1:{port}/ to try it. Press Ctrl-C to stop."
    assert third.startswith('127.0.0.1 "POST /stops"')
    assert '" 200 ' in third
    assert last == "Stopped."


def test_a_server_on_recordings_says_so(stopping):
    target, port = stopping
    result = ask("serve", f"{target}:stops", "--port", port, "--replay", "monday", "--no-access-log")
    assert result.output.splitlines()[1:] == [
        "This is a replay of composed answers: no live service is asked, and today is Tuesday 13 October 2026.",
        f"Open http://127.0.0.1:{port}/ to try it. Press Ctrl-C to stop.",
        "Stopped.",
    ]


def test_a_server_that_cannot_start_says_why(stopping):
    target, port = stopping
    with socket.create_server(("127.0.0.1", port)):
        result = ask("serve", f"{target}:stops", "--port", port)
    assert (result.exit_code, result.output) == (
        1,
        f"Error: Port {port} is in use already. Choose another with --port.\n",
    )


def test_an_interrupt_while_recording_is_no_traceback(tmp_path):
    (tmp_path / "breaking.py").write_text(SERVED)
    result = ask("record", f"{tmp_path / 'breaking.py'}:broken", "--to", tmp_path / "out")
    assert (result.exit_code, result.output.count("Traceback")) == (130, 0)


@pytest.mark.parametrize("command", ["serve", "run"])
def test_a_journal_that_is_none_is_a_wrong_use(target, command):
    result = ask(command, f"{target}:plain", "--journal", "runs.db")
    assert result.exit_code == 2
    assert result.output.endswith(
        "'runs.db' names no journal. Write `memory:`, or `sqlite:///runs.db` to keep runs in a file.\n"
    )


def test_a_webhook_secret_that_is_none_is_one_sentence_that_does_not_tell_it(target, monkeypatch):
    monkeypatch.setenv("NARRATE_WEBHOOK_SECRETS", "hunter2hunter2")
    result = ask("serve", f"{target}:plain", "--port", "0")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert "hunter2" not in result.output


def test_a_pipeline_that_is_named_twice_is_served_and_listed_once(target):
    with Process(str(target), f"{target}:plain", str(target), "--port", "0") as process:
        assert [process.line().split(" ")[0] for _ in range(3)] == ["Ask", "Plain", "Open"]


def test_what_is_asked_of_a_server_is_what_it_does(target, monkeypatch):
    monkeypatch.setenv("NARRATE_WEBHOOK_SECRETS", "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3 whsec_" + "a" * 32)
    callbacks = ("--callback-host", "127.0.0.1", "--allow-private-callbacks", "--allow-http-callbacks")
    options = ("--port", "0", "--cors", "https://app.example", "--keep-for", "90s", *callbacks)
    with Process(f"{target}:plain", *options) as process:
        url = process.address()
        allowed = httpx.post(url, headers={"Origin": "https://app.example"}, timeout=20)
        taken = [
            httpx.post(url, params={"callback": callback}, timeout=20).status_code
            for callback in ("http://127.0.0.1:9/", "http://127.0.0.2:9/")
        ]
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert taken == [200, 422]


def test_a_worker_serves_where_it_is_given_to_and_tells_only_its_parent(target):
    ours, theirs = socket.socketpair()
    answers = []

    def parent() -> None:
        with ours, ours.makefile("rb") as line:
            answers.append(_post(json.loads(line.readline())["address"] + "/plain", None))

    thread = threading.Thread(target=parent)
    thread.start()
    numbers = (listen("127.0.0.1", 0).detach(), theirs.detach())
    result = ask("serve", "--worker", *numbers, f"{target}:plain", "--no-access-log")
    thread.join()
    assert (result.exit_code, result.output) == (0, "")
    assert b"run.finished" in answers[0]


def test_a_worker_that_cannot_serve_tells_only_its_parent_why():
    ours, theirs = socket.socketpair()
    with listen("127.0.0.1", 0) as listening, ours:
        result = ask("serve", "--worker", listening.fileno(), theirs.detach(), "no_such_module")
        said = json.loads(ours.recv(65536))
    assert (result.exit_code, result.output) == (1, "")
    assert said == {"type": "cannot", "reason": "There is no module `no_such_module`. A file is named with its `.py`."}


def test_a_recording_that_is_not_there_is_said_with_those_that_are(target):
    (target.parent / "fixtures" / "monday").mkdir(parents=True)
    (target.parent / "fixtures" / "monday" / "api.json").write_text("{}")
    result = ask("serve", f"{target}:asks", "--replay", "tuesday")
    assert result.exit_code == 2
    assert result.output.endswith("there are: monday.\n")


def test_a_recording_that_is_none_is_one_sentence(target):
    (target.parent / "broken.json").write_text("{")
    result = ask("serve", f"{target}:asks", "--replay", target.parent / "broken.json")
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert "broken.json" in result.output


def test_what_asks_nobody_cannot_be_replayed(target, upstream):
    ask("record", f"{target}:asks", '{"q": "a"}', "--to", target.parent / "fixtures" / "monday")
    result = ask("serve", f"{target}:plain", "--replay", "monday")
    assert result.exit_code == 2
    assert "no pipeline has the resource `transport`" in result.output


def test_what_is_recorded_holds_no_secret_and_can_be_replayed(target, upstream):
    to = target.parent / "fixtures" / "monday"
    result = ask("record", f"{target}:asks", '{"q": "ja"}', '{"q": "nein"}', "--to", to)
    assert result.exit_code == 0, result.output
    assert "It says JA." in result.output
    assert "It says NEIN." in result.output
    (file,) = to.iterdir()
    assert f"Wrote {file}" in result.output
    assert "hunter2" not in file.read_text()
    assert file.name == "127.0.0.1.json"
    with Process(f"{target}:asks", "--port", "0", "--replay", "monday", "--no-access-log") as process:
        url, said = process.address(), process.line()
        assert said.startswith("This is a replay of recorded answers")
        answer = _post(url, {"q": "nein"})
    assert b"It says NEIN." in answer
    assert said.strip().encode() in answer


def _post(url: str, data: object) -> bytes:
    return httpx.post(url, json=data, timeout=20).content


def test_a_recording_that_fails_is_said_with_its_place_but_without_a_traceback(target):
    result = ask("record", f"{target}:asks", '{"q": "ja"}', "--to", target.parent / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("ConnectError was raised at ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" in ask("--debug", "record", f"{target}:asks", '{"q": "ja"}', "--to", target.parent / "o").stderr


def test_a_resource_that_a_recording_cannot_open_is_one_sentence(target):
    text = target.read_text().replace("AsyncBaseTransport) -> str", "AsyncBaseTransport, door: int) -> str")
    text = text.replace("resources=[transport]", "resources=[transport, door]")
    door = "@resource\nasync def door() -> AsyncIterator[int]:\n    raise KeyError('no door')\n    yield\n\n"
    target.write_text(text.replace("asks = ", f"{door}asks = "))
    result = ask("record", f"{target}:asks", '{"q": "ja"}', "--to", target.parent / "out")
    assert result.exit_code == 1
    assert "raised KeyError: 'no door'." in result.stderr
    assert "Traceback" not in result.output


def test_record_says_that_no_input_was_given_where_one_is_needed(target):
    result = ask("record", f"{target}:asks", "--to", target.parent / "out")
    assert result.exit_code == 2
    assert result.output.startswith("Error: It takes an input, and none was given.\n")


def test_record_takes_one_pipeline(target):
    result = ask("record", target, "--to", target.parent / "out")
    assert result.exit_code == 2
    assert f"{target} has 2 pipelines. Name one: {target}:asks, {target}:plain." in result.output


def test_record_takes_json(target):
    result = ask("record", f"{target}:asks", "{no", "--to", target.parent / "out")
    assert result.exit_code == 2
    assert "'{no' is not JSON" in result.output


def test_record_says_what_is_wrong_with_the_input(target):
    result = ask("record", f"{target}:asks", "[]", "--to", target.parent / "out")
    assert result.exit_code == 2
    assert "dictionary" in result.output


def test_record_needs_something_to_record(target):
    result = ask("record", f"{target}:plain", "--to", target.parent / "out")
    assert result.exit_code == 1
    assert "No pipeline here has a resource `transport`" in result.output


def test_a_whole_module_is_served_and_its_requests_are_logged(target):
    with Process(str(target), "--port", "0") as process:
        lines = [process.line() for _ in range(3)]
        assert [line.split(" ")[0] for line in lines] == ["Ask", "Plain", "Open"]
        answer = _post(lines[1].split("POST ")[1].strip(), None)
        assert b"run.finished" in answer
        assert process.line().startswith('127.0.0.1 "POST /')
