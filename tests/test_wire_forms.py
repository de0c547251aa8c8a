"""The forms a story is streamed in: what each writes, and what it joins."""

import pytest

from narrate.events import (
    Detached,
    Detail,
    Event,
    Message,
    Progress,
    RunStarted,
    StepStarted,
    Token,
    from_json,
    to_json,
)
from narrate.record import Record
from narrate.wire.forms import FORMS, LARGE, NdjsonForm, SseForm, is_large, joined, without_data
from narrate.wire.sse import Decoder
from narrate.wire.text import TextForm


def record(*facts: Event) -> Record:
    kept = Record()
    for fact in facts:
        kept.append(fact)
    return kept


def line(kept: Record):
    return kept.line


def pieces(step: str, *texts: str) -> list[Token]:
    return [Token(step, text, t=float(number)) for number, text in enumerate(texts)]


def join(*facts: Event) -> list[Event]:
    kept = record(*facts)
    told = list(joined(kept.events, line(kept)))
    events = [from_json(data) for _, data in told]
    assert [n for n, _ in told] == [event.n for event in events]
    return events


def test_neighbouring_tokens_of_a_step_become_one_that_says_where_it_began():
    (one,) = join(*pieces("a", "x", "é", "", "\n"))
    assert one == Token("a", "xé\n", first=1, n=4, t=3.0)


def test_a_token_by_itself_stays_as_it_is():
    (one,) = join(*pieces("a", "x"))
    assert one == Token("a", "x", n=1, t=0.0)
    assert b"first" not in to_json(one)


def test_tokens_of_two_steps_and_those_with_something_between_are_not_joined():
    said = Message("a", "!", t=9.0)
    told = join(*pieces("a", "1", "2"), *pieces("b", "3"), *pieces("a", "4"), said, *pieces("a", "5", "6"))
    assert [(event.n, getattr(event, "first", None), event.text) for event in told] == [
        (2, 1, "12"),
        (3, None, "3"),
        (4, None, "4"),
        (5, None, "!"),
        (7, 6, "56"),
    ]


def test_nothing_is_nothing():
    assert join() == []
    assert [form().events([], bytes) for form in FORMS.values()] == [b"", b"", b""]


def test_an_event_is_encoded_once_however_many_ask():
    kept = record(Message("a", "x", t=0.0), *pieces("a", "y"))
    asked = [list(joined(kept.events, line(kept))) for _ in range(3)]
    assert asked[0][0][1] is asked[1][0][1] is asked[2][0][1]
    assert asked[0][1][1] is asked[2][1][1]


def test_server_sent_events_have_an_id_where_there_is_a_number():
    kept = record(Message("a", "x", t=0.0), *pieces("a", "y", "z"))
    form = SseForm()
    status = Progress("a", done=1, t=0.5)
    stream = form.opening() + form.status([status]) + form.events(kept.events, line(kept)) + form.heartbeat()
    assert stream == (
        b": narrate\n\n"
        b'data: {"type":"progress","step":"a","done":1,"t":0.5}\n\n'
        b'id: 1\ndata: {"type":"message","step":"a","text":"x","n":1,"t":0.0}\n\n'
        b'id: 3\ndata: {"type":"token","step":"a","text":"yz","first":2,"n":3,"t":1.0}\n\n'
        b": \n\n"
    )
    decoder = Decoder()
    assert next(from_json(event.data) for event in decoder.feed(stream)) == status
    assert decoder.last_event_id == "3"


def test_server_sent_events_ask_to_come_back():
    assert SseForm().reconnect(2000) == b"retry: 2000\n\n"


def test_lines_of_json_are_one_an_event_and_empty_in_silence():
    kept = record(Message("a", "two\nlines\r\u2028", t=0.0))
    form = NdjsonForm()
    assert form.opening() == form.reconnect(5) == b""
    assert form.heartbeat() == b"\n"
    told = form.events(kept.events, line(kept)) + form.status([Progress("a", text="x", t=0.0)])
    assert told.count(b"\n") == 2
    assert next(from_json(each) for each in told.splitlines()) == kept.events[0]


def test_a_stream_that_ends_before_its_run_says_where_that_is_to_be_found():
    event = Detached("r", "/runs/r", t=5.0)
    assert from_json(SseForm().detached(event).removeprefix(b"data: ")) == event
    assert SseForm().detached(event).endswith(b"\n\n")
    assert from_json(NdjsonForm().detached(event)) == event
    text = TextForm()
    text.events([StepStarted("a", "First", t=0.0), *pieces("a", "half a")])
    assert text.detached(event) == b"\n\n(This goes on without you. See /runs/r for what becomes of it.)\n"


def test_a_large_detail_travels_as_its_title_its_size_and_a_link():
    small, large = [Detail("a", "T", "x" * size, size, n=7, t=1.0) for size in (LARGE, LARGE + 1)]
    assert (is_large(small), is_large(large), is_large(Message("a", "x" * 9999, t=0.0))) == (False, True, False)
    told = from_json(without_data(large, "/runs/r/details/7"))
    assert told == Detail("a", "T", size=LARGE + 1, link="/runs/r/details/7", n=7, t=1.0)
    assert b'"data"' not in without_data(large, "/x")


def test_text_is_silent_where_it_has_no_words():
    form = TextForm()
    assert form.opening() == form.heartbeat() == form.status([Progress("a", done=1, t=0.0)]) == b""
    assert b"Ask again" in form.reconnect(5)


@pytest.mark.parametrize("kind", FORMS)
def test_each_stream_has_a_form_of_its_own(kind):
    assert FORMS[kind]() is not FORMS[kind]()


def test_text_remembers_from_one_call_to_the_next():
    form = TextForm()
    kept = record(
        RunStarted("r", "p", "Title", (), t=0.0),
        StepStarted("a", "First", t=0.0),
        StepStarted("b", "Second", t=0.0),
        *pieces("a", "one ", "two"),
    )
    whole = TextForm().events(kept.events)
    assert b"".join(form.events([event]) for event in kept.events) == whole
    assert whole.decode() == "Title\n\n• First\n• Second\n  First: one two"
