"""What is seen of a probe: where it is asked for, how its bytes are heard, and how it is drawn."""

import gzip
import zlib
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate.probing.seen import Ear, End, Piece, most_telling, probes_above
from narrate.probing.timeline import timeline
from narrate.probing.words import Plan, Word
from narrate.wire.sse import comment, frame, retry
from tests.probed import TRIP, answered, at_the_end, seen, words_of

# --- Where to ask ---


@pytest.mark.parametrize(
    ("url", "paths"),
    [
        ("http://x", ["/probe"]),
        ("http://x/", ["/probe"]),
        ("http://x/probe", ["/probe"]),
        ("http://x/a/b/?q=1#f", ["/a/b/probe", "/a/probe", "/probe"]),
        ("http://x/a/probe", ["/a/probe", "/probe"]),
        ("http://x:81/runs/ID/events", ["/runs/ID/events/probe", "/runs/ID/probe", "/runs/probe", "/probe"]),
    ],
)
def test_the_probe_is_looked_for_from_the_address_upwards(url, paths):
    host = url.split("/")[2]
    query = "?seconds=2&every=100&silence=0.5"
    assert probes_above(url, Plan(silence=0.5)) == [f"http://{host}{path}{query}" for path in paths]


def test_the_probe_tells_more_than_what_was_found_before_it_and_that_more_than_nothing_there():
    probe, page, nothing = seen(), answered(kind="text/html"), answered(404)
    assert most_telling([page, nothing, probe]) is probe
    assert most_telling([nothing, page, nothing]) is page
    assert most_telling([page, answered(404), nothing]) is page
    assert most_telling([answered(404), nothing]) is nothing


# --- Hearing ---


def sent(*words: Word) -> bytes:
    return comment("narrate") + b"".join(frame(msgspec.json.encode(word), word.n) for word in words) + comment()


WORDS = words_of(Plan(seconds=0.5, silence=1))
PACKED = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


@given(st.sampled_from(sorted(PACKED)), st.lists(st.integers(0, 900)))
def test_however_it_is_cut_and_compressed_the_same_is_heard(encoding, cuts):
    packed = PACKED[encoding](sent(*WORDS))
    bounds = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    ear = Ear(encoding)
    for now, (start, end) in enumerate(pairwise(bounds)):
        ear.hear(packed[start:end], float(now))
    assert [piece.word for piece in ear.pieces] == list(WORDS)
    assert (ear.whole, ear.strange, ear.retry, ear.size) == (True, False, False, len(packed))
    assert [piece.arrived for piece in ear.pieces] == sorted(piece.arrived for piece in ear.pieces)


def test_each_piece_comes_with_its_time_and_all_bytes_so_far():
    ear = Ear()
    first, second = sent(WORDS[0]), sent(WORDS[1])
    ear.hear(first, 0.1)
    ear.hear(second, 0.3)
    assert ear.pieces == [Piece(WORDS[0], 0.1, len(first)), Piece(WORDS[1], 0.3, len(first + second))]
    assert ear.last == 0.3
    assert not ear.whole


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", b"data: hello\n\n"),
        ("", b'data: {"type":"run.started"}\n\n'),
        ("", b"data: \xff\n\n"),
        ("", b"<html>" * 20_000),
        ("gzip", b"not zipped at all"),
    ],
)
def test_what_is_no_probe_is_strange(encoding, body):
    ear = Ear(encoding)
    ear.hear(body, 1.0)
    assert ear.strange
    assert not ear.pieces


def test_a_server_that_asks_to_come_back_is_heard():
    ear = Ear()
    ear.hear(sent(WORDS[0]) + retry(2000), 1.0)
    assert ear.retry
    assert not ear.strange


# --- The drawing ---


def test_a_line_that_does_nothing_is_two_equal_rows():
    drawn = timeline(seen(plan=Plan(seconds=0.5)), 36)
    assert drawn.sent == "•    •    •    •    •    •    •    •"
    assert drawn.came == drawn.sent
    assert drawn.axis == "0 s       0.2 s     0.4 s      0.7 s"
    assert not drawn.figures


def test_a_buffer_is_seen_at_a_glance():
    drawn = timeline(seen(at_the_end, plan=Plan(seconds=0.5)), 36)
    assert drawn.came == "                                   8"
    assert drawn.figures


def test_of_ten_and_more_in_one_place_there_is_a_sign():
    assert timeline(seen(at_the_end), 36).came.strip() == "#"


def test_a_cut_stands_where_it_was():
    drawn = timeline(seen(plan=Plan(seconds=0.5), words=4, end=End.BROKEN, ended=0.6 + TRIP), 31)
    assert drawn.sent == "•    •    •    •               "
    assert drawn.came == "•    •    •    •              ×"


@given(st.floats(0, 5), st.floats(0.3, 120), st.floats(0, 120), st.integers(20, 200))
def test_however_long_it_took_all_rows_are_as_wide_as_asked(held, seconds, silence, width):
    plan = Plan(seconds=seconds, every=1.0, silence=silence)
    drawn = timeline(seen(lambda sent: max(sent, held), plan=plan), width)
    assert {len(drawn.sent), len(drawn.came), len(drawn.axis)} == {width}
