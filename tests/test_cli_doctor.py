"""`narrate doctor`: what it says of a way that is good and of one that is not, for people and for machines."""

import json

import httpx
import pytest

from narrate.probing.words import Kind, Plan, timetable
from tests.commanding import HERE, Command, ask
from tests.proxying import nginx
from tests.serving import Process
from tests.terminals import python, terminal

GOOD = "Nothing between here and the server buffers, cuts or compresses the stream."
COMPRESSES = "proxy_http_version 1.1; gzip on; gzip_proxied any; gzip_min_length 0; gzip_types text/event-stream;"
QUICK = ("--seconds", "0.5")


@pytest.fixture(scope="module")
def server():
    """The address of a pipeline on a server of this module's own."""
    with Process(f"{HERE}:both", "--port", "0", "--no-access-log") as process:
        yield process.address()


@pytest.fixture
def spoilt(server):
    """The address of an nginx before that server, which compresses streams."""
    port = httpx.URL(server).port
    with nginx(port, COMPRESSES) as front:
        yield front.url


def test_a_good_way_is_exit_code_0_and_each_thing_that_was_found_a_line(server):
    result = ask("doctor", server, *QUICK)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"{server.removesuffix('/both')}/probe"
    assert lines[-1] == GOOD
    named = ["reachable", "narrate", "first byte", "pieces", "end", "encoding", "answer headers", "request headers"]
    assert all(any(line.startswith(f"✓  {name} ") for line in lines) for name in named)
    assert any(line.startswith("?  silence ") for line in lines)
    assert "What to do" not in result.stdout


def test_where_there_is_no_terminal_it_is_plain_text_without_blanks_at_its_ends(server):
    result = ask("doctor", server, *QUICK)
    assert "\x1b" not in result.output
    assert [line for line in result.stdout.splitlines() if line != line.rstrip()] == []
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_bad_way_is_exit_code_1_with_what_to_do_about_it(spoilt):
    result = ask("doctor", spoilt, *QUICK)
    assert result.exit_code == 1
    assert "✗  encoding" in result.stdout
    told = " ".join(result.stdout.partition("What to do")[2].split())
    assert told.startswith("• Leave streams as they are. nginx: no text/event-stream in `gzip_types`")
    assert told.endswith("Something between here and the server compresses the stream.")


def test_for_machines_it_is_json_with_the_times_of_each_piece(server, spoilt):
    good, bad = (json.loads(ask("doctor", "--json", url, *QUICK).stdout) for url in (server, spoilt))
    assert (good["good"], bad["good"]) == (True, False)
    assert good["conclusion"] == GOOD
    assert [one["what"] for one in bad["findings"] if one["verdict"] == "bad"] == ["encoding"]
    assert all(one["advice"] for one in bad["findings"] if one["verdict"] == "bad")
    kinds = [f"probe.{kind.value}" for _, kind in timetable(Plan(seconds=0.5))]
    assert [piece["type"] for piece in good["pieces"]] == kinds
    assert f"probe.{Kind.BURST.value}" in kinds
    assert all(piece["arrived"] > 0 for piece in good["pieces"])
    assert good["end"] == "whole"
    assert 0 < good["round_trip"] < 5


def test_where_nobody_is_that_is_exit_code_3_and_one_sentence():
    result = ask("doctor", "http://127.0.0.1:1/")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        "http://127.0.0.1:1/probe",
        "",
        "✗  reachable  Nobody listens there: the connection was refused.",
        "",
        "What to do",
        "  •  Is `narrate serve` running there, and the port right?",
        "",
        "Nothing can be said about the way there: no narrate was reached.",
    ]


def test_for_machines_nothing_said_is_neither_good_nor_bad():
    result = ask("doctor", "http://127.0.0.1:1/", "--json")
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert (told["good"], told["end"], told["pieces"]) == (None, None, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("127.0.0.1:8000",), "'127.0.0.1:8000' is no address of a server: it has no http:// before it."),
        (("ftp://x/",), "'ftp://x/' is no address of a server: it begins with http:// or https://"),
        (("http://x/", "-H", "nonsense"), "A header without a `:` is no header."),
        (("http://x/", "--seconds", "nan"), "'nan' is not a number."),
        (("http://x/", "--silence", "121"), "121.0 is not in the range 0<=x<=120"),
        ((), "Missing argument 'URL'"),
    ],
)
def test_a_wrong_use_is_exit_code_2_and_asks_nobody(words, said):
    result = ask("doctor", *words)
    assert result.exit_code == 2
    assert said in result.output


def test_headers_are_sent(server):
    told = json.loads(ask("doctor", "--json", *QUICK, "-H", "Prefer: wait=9", server).stdout)
    assert {one["what"]: one["verdict"] for one in told["findings"]}["request headers"] == "good"


def test_where_its_signs_cannot_be_written_plainer_ones_are():
    with Command("doctor", "http://127.0.0.1:1/", env={"PYTHONIOENCODING": "ascii"}) as command:
        code, out, err = command.end()
    assert (code, err) == (3, "")
    assert "!  reachable" in out
    assert "*  Is `narrate serve` running there" in out


@pytest.mark.parametrize("columns", [80, 200])
def test_in_a_terminal_it_says_that_it_listens_and_then_what_it_heard(spoilt, columns):
    command = python("-m", "narrate", "doctor", spoilt, "--seconds", "2")
    with terminal(command, columns=columns, rows=50) as shown:
        shown.wait_for("Listening for 2.2 s…")
        screen = shown.wait_for("[ended: 1]")
        codes = shown.codes()
    assert "Listening" not in screen
    assert max(map(len, screen.splitlines())) <= 100
    assert "✗  encoding" in screen
    assert "\x1b[32m" in codes


@pytest.mark.parametrize(
    ("settings", "options", "key"),
    [
        ("proxy_ignore_headers X-Accel-Buffering;", ("--seconds", "1"), "a figure: so many pieces at once"),
        ("proxy_read_timeout 1s;", ("--seconds", "0.2", "--silence", "5"), "×: cut"),
    ],
    ids=["buffered", "cut"],
)
def test_the_signs_of_its_drawing_are_explained_where_they_are_in_it(server, settings, options, key):
    with nginx(httpx.URL(server).port, settings) as front:
        result = ask("doctor", front.url, *options)
    assert result.exit_code == 1
    assert key in result.stdout
