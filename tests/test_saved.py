"""Tests of saved runs: what is written is what is read, and whatever is no saved run is refused with what to do."""

import json
from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from narrate import StoryUnreadable, start
from narrate.events import Message, Progress, RunFinished, RunId, RunStarted, to_json
from narrate.journal.sqlite import SqliteJournal
from narrate.saved import dump_story, load_story
from narrate.story import Story
from tests import story_runs
from tests.serving import served
from tests.test_story import coffee, told

STARTED = RunStarted(RunId("run-1"), "made", "Made up", (), n=1, t=0.0)
ENDED = RunFinished(None, 0.5, n=3, t=0.5)


def said(n: int, text: str = "Hm.") -> Message:
    return Message("a", text, n=n, t=0.1)


def lines(*events) -> bytes:
    return b"".join(to_json(event) + b"\n" for event in events)


load = partial(load_story, name="runs/made.jsonl")


@pytest.mark.parametrize("kind", ["finished", "failed", "cancelled", "heard_late", "trimmed", "holed"])
async def test_what_is_written_is_what_is_read(kind, autojump_clock):
    story = Story(await getattr(story_runs, kind)())

    again = load(dump_story(story))

    assert again.events == story.events
    assert sorted(again.statuses, key=repr) == sorted(story.statuses, key=repr)
    assert dump_story(again) == dump_story(story)


async def test_a_file_is_in_the_order_in_which_things_happened(autojump_clock):
    written = [json.loads(line) for line in dump_story(await told(coffee)).splitlines()]

    assert [one["t"] for one in written] == sorted(one["t"] for one in written)
    assert [one["n"] for one in written if "n" in one] != sorted(one["n"] for one in written if "n" in one)
    assert written[0]["type"] == "run.started"
    assert written[-1]["type"] == "run.finished"


@given(st.permutations([STARTED, said(2), ENDED, Progress("a", 1, t=0.2)]))
def test_the_lines_may_be_in_any_order(events):
    story = load(lines(*events))

    assert story.events == (STARTED, said(2), ENDED)
    assert story.statuses == (Progress("a", 1, t=0.2),)


async def test_what_a_server_streams_can_be_saved_and_read():
    async with served(coffee) as server:
        answer = await server.client.post("/coffee", headers={"Accept": "application/x-ndjson"})
        story = load(answer.content)

        assert story.events[-1].result == "drip, drop"
        assert story.transcript == Story(await server.record_of(answer)).transcript


def test_blank_lines_types_of_a_later_version_and_the_ends_of_lines_of_other_systems_are_passed_over():
    later = b'{"type":"chapter","n":2,"t":0.1,"title":"Two"}\r\n{"type":"weather","t":0.1}\r\n\r\n'

    assert load(b"\xef\xbb\xbf" + lines(STARTED) + later + lines(ENDED)).events == (STARTED, ENDED)


def test_a_last_line_that_was_not_written_to_its_end_is_where_the_story_was_cut():
    story = load(lines(STARTED, said(2), ENDED)[:-20])

    assert story.events == (STARTED, said(2))
    assert story.end is None


def test_what_is_there_twice_because_two_readers_saved_it_is_read_once():
    assert load(lines(STARTED, said(2), said(2), ENDED)).events == (STARTED, said(2), ENDED)


# What is no saved run


def refusal(data: bytes, name: str = "runs/made.jsonl") -> str:
    with pytest.raises(StoryUnreadable) as refused:
        load_story(data, name)
    return str(refused.value)


def test_a_line_that_is_no_json_is_named():
    broken = lines(STARTED, *(said(n) for n in range(2, 7))) + b"{oh\n" + lines(said(7))

    assert refusal(broken) == (
        "runs/made.jsonl, line 7: this is no JSON. A saved run is one event as JSON a line, "
        "as `narrate run --json` and `Accept: application/x-ndjson` give it"
    )


@pytest.mark.parametrize(
    "line", [b"[1]", b'"run.started"', b'{"a": 1}', b'{"type": 3}', b"7", b'{"type":"message","n":2}']
)
def test_json_that_is_no_event_is_named_and_what_is_wrong_with_it(line):
    told = refusal(lines(STARTED) + line + b"\n")

    assert told.startswith("runs/made.jsonl, line 2: this is JSON, but no event: ")
    assert "`" in told


@pytest.mark.parametrize("data", [b"", b"\n \r\n\n"])
def test_an_empty_file_is_said_to_be_empty(data):
    assert refusal(data).startswith("runs/made.jsonl: it is empty. A saved run is one event as JSON a line")


@pytest.mark.parametrize("data", [lines(Progress("a", 1, t=0.2)), b"\n{", b'{"type":"weather","t":0.1}\n'])
def test_a_file_without_any_event_of_a_record_is_refused(data):
    assert refusal(data).startswith("runs/made.jsonl: there is no event of a run in it. ")


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([said(2), ENDED], "line 1: this is event 2, but event 1 is missing"),
        ([ENDED, STARTED], "line 1: this is event 3, but event 2 is missing"),
        ([said(-1), STARTED], "line 1: an event has the number -1, which none can have"),
    ],
)
def test_a_missing_number_is_named(events, what):
    assert refusal(lines(*events)) == f"runs/made.jsonl, {what}"


def test_tokens_that_were_joined_are_no_hole_but_are_not_there_twice():
    joined = b'{"type":"token","step":"a","text":"abc","first":2,"n":4,"t":0.1}\n'

    assert len(load(lines(STARTED) + joined + lines(said(5))).events) == 3
    assert refusal(lines(STARTED, said(2)) + joined) == (
        "runs/made.jsonl, line 3: this is event 4, but event 2 is there twice"
    )


def test_two_runs_in_one_file_are_refused():
    other = RunStarted(RunId("run-2"), "made", "Made up", (), n=1, t=0.0)

    assert refusal(lines(STARTED, said(2), other)) == (
        "runs/made.jsonl, line 3: this is another event 1 than in line 1; a file holds one run"
    )


async def test_a_journal_is_known_for_what_it_is(tmp_path):
    kept = tmp_path / "runs.db"
    async with start(coffee, journal=SqliteJournal(kept)) as run:
        await run.result()

    told = refusal(await trio.Path(kept).read_bytes(), str(kept))

    assert told == f"{kept}: this is a journal: `narrate show RUN --journal sqlite:///{kept}` shows a run in it"


@pytest.mark.parametrize("data", [lines(STARTED).decode().encode("utf-16"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_what_is_no_text_is_said_to_be_none(data):
    assert refusal(data).startswith("runs/made.jsonl: it is no text in UTF-8. ")


@pytest.mark.parametrize("data", [b'{"type":"message","text":"\xff"}\n', b'{"x":' * 100_000 + b"\n", b"\x1f\x8b\x08\n"])
def test_what_cannot_be_decoded_is_no_json(data):
    assert refusal(data).startswith("runs/made.jsonl, line 1: this is no JSON. ")


def test_a_stream_of_server_sent_events_is_known_for_what_it_is():
    told = refusal(b": narrate\n\nid: 1\ndata: " + lines(STARTED) + b"\n")

    assert told.startswith("runs/made.jsonl, line 1: this is a stream of server-sent events. ")
    assert "`Accept: application/x-ndjson`" in told


def test_more_pieces_than_characters_are_refused_before_anybody_tells_them():
    joined = b'{"type":"token","step":"a","text":"ab","first":3,"n":1000000000,"t":0.1}\n'

    assert refusal(lines(STARTED, said(2)) + joined) == (
        "runs/made.jsonl, line 3: this token is of 999999998 pieces, and has fewer characters"
    )


def test_nothing_comes_behind_the_end_of_a_run():
    assert refusal(lines(STARTED, said(2), ENDED, said(4))) == (
        "runs/made.jsonl, line 4: the run has ended with event 3, and this one comes behind it"
    )
