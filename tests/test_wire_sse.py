"""The Server-Sent Events codec: what goes out, what is heard, and that the one is the other's inverse.

The decoder's odd cases are in `vectors/sse.json`, which decoders in other languages are held to as well.
"""

import base64
import json
import re
from dataclasses import FrozenInstanceError
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from narrate.wire.sse import LONGEST_RETRY, Decoder, ServerSentEvent, comment, encode, frame, retry

VECTORS = json.loads((Path(__file__).parent / "vectors" / "sse.json").read_text("utf-8"))["cases"]


def heard(*chunks, resumes=""):
    decoder = Decoder(resumes)
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def outcome(chunks, resumes=""):
    decoder = Decoder(resumes)
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events, decoder.last_event_id, decoder.retry


def cut(stream, places):
    edges = [0, *sorted(places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def stream_of(vector):
    return vector["text"].encode() if "text" in vector else base64.b64decode(vector["base64"])


# --- Hearing: the vectors ---


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_decoder_hears_what_the_standard_says(vector):
    stream = stream_of(vector)
    resumes = vector.get("resumes", "")
    expected = [ServerSentEvent(**event) for event in vector["events"]], vector["last_event_id"], vector["retry"]

    assert outcome([stream], resumes) == expected
    assert outcome([stream[i : i + 1] for i in range(len(stream))], resumes) == expected


@pytest.mark.parametrize("vector", [v for v in VECTORS if len(stream_of(v)) < 1000], ids=lambda vector: vector["name"])
def test_a_cut_at_any_place_changes_nothing(vector):
    stream = stream_of(vector)

    cuts = [outcome([stream[:i], stream[i:]], vector.get("resumes", "")) for i in range(len(stream) + 1)]

    assert all(each == cuts[0] for each in cuts)


def test_every_vector_has_its_own_name():
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS)


# --- Hearing: when, not only what ---


def test_an_event_is_heard_with_the_chunk_that_ends_it():
    decoder = Decoder()

    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\ndata: b") == [ServerSentEvent("a")]
    assert decoder.feed(b"\n\n") == [ServerSentEvent("b")]


def test_a_cr_at_a_chunks_end_is_not_held_back():
    decoder = Decoder()

    assert decoder.feed(b"data: a\r\n\r") == [ServerSentEvent("a")]
    assert decoder.feed(b"\ndata: b\r\r") == [ServerSentEvent("b")]


def test_an_lf_that_completes_a_crlf_does_not_end_the_next_event_early():
    decoder = Decoder()

    assert decoder.feed(b"data: a\r") == []
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: b\r\n\r\n") == [ServerSentEvent("a\nb")]


def test_an_empty_chunk_between_cr_and_lf_changes_nothing():
    assert heard(b"data: a\r", b"", b"\ndata: b\r", b"", b"\n\r\n") == [ServerSentEvent("a\nb")]


def test_only_one_lf_after_a_cr_is_swallowed():
    assert heard(b"data: a\r", b"\n", b"\n") == [ServerSentEvent("a")]
    assert heard(b"data: a\r", b"\n\n") == [ServerSentEvent("a")]


def test_the_last_event_id_changes_only_when_its_block_ends():
    decoder = Decoder()

    decoder.feed(b"id: 1\ndata: a\n")
    assert decoder.last_event_id == ""
    decoder.feed(b"\n")
    assert decoder.last_event_id == "1"


def test_retry_holds_as_soon_as_its_line_ends():
    decoder = Decoder()

    decoder.feed(b"retry: 5")
    assert decoder.retry is None
    decoder.feed(b"0\n")
    assert decoder.retry == 50


def test_a_decoder_begins_without_a_place_or_a_retry():
    assert (Decoder().last_event_id, Decoder().retry) == ("", None)


def test_a_line_of_two_million_bytes_may_come_byte_by_byte():
    # No clock is read here. A decoder that copies or scans again what it holds would move terabytes, and not come back.
    decoder = Decoder()
    pieces = [b"x"] * 2_000_000

    early = [event for piece in (b"data:", *pieces) for event in decoder.feed(piece)]

    assert early == []
    assert decoder.feed(b"\n\n") == [ServerSentEvent("x" * 2_000_000)]


def test_an_event_of_many_lines_is_heard_whole():
    assert heard(*[b"data: x\n"] * 200_000, b"\n") == [ServerSentEvent("\n".join(["x"] * 200_000))]


def test_an_event_is_a_frozen_value():
    with pytest.raises(FrozenInstanceError):
        ServerSentEvent("a").data = "b"
    assert not hasattr(ServerSentEvent("a"), "__dict__")


# --- Telling ---


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (encode("hello"), b"data: hello\n\n"),
        (encode(""), b"data: \n\n"),
        (encode("a\nb\rc\r\nd"), b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        (encode("a\n"), b"data: a\ndata: \n\n"),
        (encode("\n\r"), b"data: \ndata: \ndata: \n\n"),
        (encode(" a"), b"data:  a\n\n"),
        (encode("a\u2028b\x0bc\x85d"), "data: a\u2028b\x0bc\x85d\n\n".encode()),
        (encode("a", id=0), b"id: 0\ndata: a\n\n"),
        (encode("a", id=""), b"id: \ndata: a\n\n"),
        (encode("a", id="é"), "id: é\ndata: a\n\n".encode()),
        (encode("a", event=""), b"event: \ndata: a\n\n"),
        (encode("a", event="tick\0"), b"event: tick\0\ndata: a\n\n"),
        (encode("a", retry=0), b"retry: 0\ndata: a\n\n"),
        (encode("a", id="1", event="tick", retry=9), b"id: 1\nevent: tick\nretry: 9\ndata: a\n\n"),
        (frame(b'{"a":1}', 7), b'id: 7\ndata: {"a":1}\n\n'),
        (frame(b'{"a":1}', 0), b'id: 0\ndata: {"a":1}\n\n'),
        (frame(b'{"a":1}', None), b'data: {"a":1}\n\n'),
        (comment(), b": \n\n"),
        (comment("still here"), b": still here\n\n"),
        (comment("a\r\nb\rc\nd"), b": a\n: b\n: c\n: d\n\n"),
        (retry(1500), b"retry: 1500\n\n"),
        (retry(0), b"retry: 0\n\n"),
    ],
)
def test_a_block_is_these_very_bytes(block, expected):
    assert block == expected


@pytest.mark.parametrize("text", ["1\n2", "1\r2", "\r\n", "1\0", "\n"])
def test_an_id_that_would_break_its_line_or_be_ignored_is_refused(text):
    with pytest.raises(ValueError, match="id in an event stream cannot hold"):
        encode("a", id=text)


@pytest.mark.parametrize("text", ["tick\ndata: forged", "tick\r", "\n"])
def test_an_event_name_that_would_break_its_line_is_refused(text):
    with pytest.raises(ValueError, match="event name in an event stream cannot hold"):
        encode("a", event=text)


@pytest.mark.parametrize("milliseconds", [-1, LONGEST_RETRY + 1])
def test_a_retry_that_no_timer_can_keep_is_refused(milliseconds):
    with pytest.raises(ValueError, match="retry is from 0"):
        encode("a", retry=milliseconds)
    with pytest.raises(ValueError, match="retry is from 0"):
        retry(milliseconds)


def test_the_longest_retry_is_told_and_heard():
    assert outcome([retry(LONGEST_RETRY)]) == ([], "", LONGEST_RETRY)


@pytest.mark.parametrize(
    "told",
    [
        lambda: encode("a\ud800"),
        lambda: encode("a", id="\udfff"),
        lambda: encode("a", event="\ud800"),
        lambda: comment("\ud800"),
    ],
)
def test_a_lone_surrogate_is_refused_before_any_byte_goes_out(told):
    with pytest.raises(UnicodeEncodeError):
        told()


# --- Both ways ---

texts = st.text(st.one_of(st.sampled_from("\n\r: \0\u2028\x85\ufeff"), st.characters(exclude_categories=["Cs"])))
in_one_line = texts.map(lambda text: re.sub(r"[\r\n]", "", text))
ids = in_one_line.map(lambda text: text.replace("\0", ""))


def normal(text):
    return re.sub(r"\r\n?", "\n", text)


@given(texts.map(lambda text: text.replace("\r", "")))
def test_text_without_cr_is_heard_as_it_was_told(text):
    assert heard(encode(text)) == [ServerSentEvent(text)]


@given(texts)
@example("a\r\n\rb\r")
def test_cr_and_crlf_are_heard_as_lf(text):
    assert heard(encode(text)) == [ServerSentEvent(normal(text))]


@given(texts, ids, in_one_line, st.integers(0, LONGEST_RETRY))
def test_every_field_is_heard_as_it_was_told(data, last, name, milliseconds):
    block = encode(data, id=last, event=name, retry=milliseconds)

    assert outcome([block]) == ([ServerSentEvent(normal(data), name or "message", last)], last, milliseconds)


@given(st.recursive(st.none() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
def test_a_frame_is_what_encode_gives(value):
    line = json.dumps(value, ensure_ascii=False)

    assert frame(line.encode(), 7) == encode(line, id=7)
    assert frame(line.encode(), None) == encode(line)


@given(st.lists(texts), st.lists(texts))
def test_a_comment_or_a_retry_between_events_is_not_heard(said, aside):
    blocks = [encode(text, id=i) for i, text in enumerate(said)]
    between = b"".join(comment(text) for text in aside) + retry(5)

    assert heard(*blocks) == heard(between, *(block + between for block in blocks))


# --- Any bytes ---

words = [b"data", b"id", b"event", b"retry", b":", b": ", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"7", b"a"]
oddities = [
    b"\xef\xbb\xbf",
    b"\xef",
    b"\xbb",
    b"\xbf",
    b"\xe2\x80\xa8",
    b"\xf0\x9f",
    b"\xff",
    b"data: a\n\n",
    b"id: 1\n",
]
streams = st.lists(st.sampled_from(words + oddities)).map(b"".join) | st.binary()


@given(streams, st.data())
def test_any_chunking_of_any_bytes_gives_the_same_events(stream, data):
    places = data.draw(st.lists(st.integers(0, len(stream))))

    assert outcome(cut(stream, places)) == outcome([stream])


def plainly_read(stream):
    """Section 9.2.6 word for word, over a stream that is all there: too slow and too late, but easy to believe."""
    data = event_type = last_id_buffer = last_id = ""
    reconnection = None
    events = []
    for line in re.split("\r\n|\r|\n", stream.decode("utf-8", "replace").removeprefix("\ufeff"))[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            last_id = last_id_buffer
            if data != "":
                events.append(ServerSentEvent(data[:-1], event_type or "message", last_id))
            data = event_type = ""
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            event_type = value
        elif name == "id" and "\0" not in value:
            last_id_buffer = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            reconnection = min(int(value), LONGEST_RETRY)
    return events, last_id, reconnection


@given(streams)
def test_any_bytes_are_heard_as_the_standard_reads_them(stream):
    assert outcome([stream]) == plainly_read(stream)
