"""What was pressed, by the bytes that come: however they are torn apart on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate.terminal.pressed import Decoder, Key, Pasted


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"a1", ["a", "1"]),
        ("é語".encode(), ["é", "語"]),
        ("\u3000\u200d".encode(), ["\u3000", "\u200d"]),
        (b"\r", [Key.ENTER]),
        (b"\n", [Key.ENTER]),
        (b"\x7f\x08", [Key.BACKSPACE, Key.BACKSPACE]),
        (b"\x15", [Key.KILL]),
        (b"\x01\t\x00", []),
        (b"\x1b[A\x1bOB", [Key.UP, Key.DOWN]),
        (b"\x1b[1;2D\x1b[15~x", ["x"]),
        (b"\x1bxy", ["y"]),
        (b"\xff", ["\ufffd"]),
        (b"\x1b[200~one\r\ntwo\rthree\tx\x1b[31m\r\x1b[201~z", [Pasted("one\ntwo\nthree\tx[31m"), "z"]),
    ],
)
def test_bytes_stand_for_keys(data, keys):
    assert Decoder().take(data) == keys


def test_an_escape_is_one_only_when_nothing_comes_behind_it():
    decoder = Decoder()

    assert (decoder.take(b"\x1b"), decoder.is_torn, decoder.rest()) == ([], True, [Key.ESCAPE])
    assert not decoder.is_torn


def test_of_an_arrow_that_is_torn_and_never_completed_nothing_is_left():
    decoder = Decoder()
    decoder.take(b"\x1b[1;")

    assert decoder.rest() == []
    assert decoder.take(b"A") == ["A"]


def test_a_paste_waits_for_its_end_and_an_escape_in_it_is_no_key():
    decoder = Decoder()

    assert (decoder.take(b"\x1b[200~a\x1b"), decoder.is_torn) == ([], False)
    assert decoder.take(b"[201~") == [Pasted("a")]


@given(
    st.lists(st.sampled_from(["é", "語", "\x1b[A", "\x1bOB", "\r", "\x1b[200~\n語\x1b[201~", "\x1b[3;5~"])), st.data()
)
def test_however_bytes_are_torn_apart_they_are_the_same_keys(pieces, data):
    whole = "".join(pieces).encode()
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    decoder = Decoder()

    keys = [key for a, b in zip([0, *places], [*places, len(whole)], strict=True) for key in decoder.take(whole[a:b])]

    assert keys == Decoder().take(whole)
