"""The same answer from a recording: with the pieces, and the silences between them, as they were."""

from itertools import pairwise

import msgspec
import pytest

from narrate.cassette import Cassette, Chunk, load
from narrate.testing import narrated
from tests.examples.assistant import HUMS, docs, settings
from tests.examples.record_docs import ABOUT, CASSETTE, PIECES, URL

RECORDED = load(CASSETTE.read_text(encoding="utf-8"), str(CASSETTE))


RECORDED_FROM = settings(model_base_url=URL, model_name="m")


def with_body(*chunks: Chunk, cut: bool = False) -> Cassette:
    """The recording with another body."""
    (exchange,) = RECORDED.exchanges
    response = msgspec.structs.replace(exchange.response, chunks=chunks, cut=cut)
    return msgspec.structs.replace(RECORDED, exchanges=(msgspec.structs.replace(exchange, response=response),))


def told_by(cassette: Cassette, given=HUMS):
    return narrated(docs, given, cassette=cassette, settings=RECORDED_FROM)


def test_it_was_recorded_and_says_from_whom():
    assert (RECORDED.origin, RECORDED.about) == ("recorded", ABOUT)
    assert "K-SECRET" not in CASSETTE.read_text(encoding="utf-8")


def test_replayed_each_piece_comes_when_it_came():
    story = told_by(RECORDED)
    tokens = [event for event in story.events if event.type == "token"]
    (exchange,) = RECORDED.exchanges
    came = [chunk.after for chunk in exchange.response.pieces]

    assert [token.text for token in tokens] == [piece for _, piece in PIECES]
    silences = [after.t - before.t for before, after in pairwise(tokens)]
    assert silences == pytest.approx(came[1 : len(tokens)], abs=0.002)  # the record has milliseconds
    assert silences[3] > 0.3
    assert story.took == pytest.approx(exchange.response.after + sum(came), abs=0.002)


def test_replayed_it_needs_no_key_and_answers_the_same():
    answer = told_by(RECORDED).result

    assert (answer.text, answer.model) == ("It hums because there is lime on its floor. [1]", "m")
    assert (answer.citations[0].file, answer.usage.completion_tokens) == ("kettle.md", 7)


def test_a_question_that_was_not_recorded_is_told_as_such():
    story = told_by(RECORDED, HUMS | {"question": "Which tea?"})

    assert story.problem.detail == "m is replayed, and its answer to this is not in the recording."


def test_a_recording_that_is_cut_breaks_the_answer_off():
    (exchange,) = RECORDED.exchanges
    story = told_by(with_body(*exchange.response.pieces[:2], cut=True))

    assert story.problem.detail.startswith("The answer broke off after 2 words: m was cut off.")
    assert "It hums" in story.lines


def test_a_model_that_falls_silent_is_not_waited_for_forever():
    (exchange,) = RECORDED.exchanges
    story = told_by(with_body(*exchange.response.pieces[:2], Chunk(after=3600, text="data: [DONE]\n\n")))

    assert story.problem.detail.startswith("The answer broke off after 2 words: m said nothing for 30 s.")
    assert story.took < 35
