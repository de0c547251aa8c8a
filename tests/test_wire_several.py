"""Several stories in one stream: whose each event is, and the one cursor that is the place in all of them."""

import json

import pytest

from narrate.events import Gap, Message, Progress, RunId, RunStarted, Token, to_json
from narrate.wire.several import SEVERAL, SeveralNdjson, SeveralSse
from narrate.wire.sse import Decoder

RUNS = [RunId("one"), RunId("two"), RunId("three")]


def test_the_id_of_each_event_is_the_place_in_all():
    form = SeveralSse(RUNS, [12, 0, 3])
    stream = form.opening()
    stream += form.events_of(1, [Message("a", "x", n=1, t=0.0)], to_json)
    stream += form.events_of(0, [Token("a", "y", n=13, t=0.0), Token("a", "z", n=14, t=0.0)], to_json)
    stream += form.events_of(2, [Gap(4, 9, n=9, t=0.0)], to_json)
    events = Decoder().feed(stream)
    assert [event.id for event in events] == ["12,1,3", "14,1,3", "14,1,9"]
    told = [json.loads(event.data) for event in events]
    assert [(event["run"], event["n"]) for event in told] == [("two", 1), ("one", 14), ("three", 9)]
    assert (told[1]["text"], told[1]["first"]) == ("yz", 13)


def test_what_knows_its_run_is_not_told_it_twice():
    begun = RunStarted(RUNS[0], "p", "P", (), n=1, t=0.0)
    for form in (SeveralSse(RUNS, [0, 0, 0]), SeveralNdjson(RUNS, [0, 0, 0])):
        assert form.events_of(0, [begun], to_json).count(b'"run":') == 1


def test_status_has_a_run_and_no_place():
    form = SeveralSse(RUNS, [0, 0, 0])
    stream = form.status_of(2, [Progress("a", done=1, t=0.5)])
    (event,) = Decoder().feed(stream)
    assert json.loads(event.data) == {"type": "progress", "step": "a", "done": 1, "t": 0.5, "run": "three"}
    assert b"id:" not in stream


def test_lines_of_json_have_the_run_too():
    form = SeveralNdjson(RUNS, [0, 0, 0])
    lines = form.events_of(1, [Message("a", '}"', n=1, t=0.0)], to_json) + form.status_of(0, [Progress("a", t=0.0)])
    told = [json.loads(line) for line in lines.splitlines()]
    assert [(event["run"], event["type"]) for event in told] == [("two", "message"), ("one", "progress")]
    assert (form.heartbeat(), form.opening()) == (b"\n", b"")


def test_an_id_that_would_break_out_of_its_text_does_not():
    form = SeveralSse([RunId('a"\n\nid: 5')], [0])
    (event,) = Decoder().feed(form.events_of(0, [Message("a", "x", n=1, t=0.0)], to_json))
    assert (json.loads(event.data)["run"], event.id) == ('a"\n\nid: 5', "1")


@pytest.mark.parametrize("kind", SEVERAL)
def test_each_stream_has_a_cursor_of_its_own(kind):
    places = [0]
    form = SEVERAL[kind]([RunId("a")], places)
    form.events_of(0, [Message("a", "x", n=1, t=0.0)], to_json)
    assert places == [0]
