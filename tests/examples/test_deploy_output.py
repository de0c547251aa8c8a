"""What of a program's output is told, and how its bytes become lines."""

import pytest

from child_output import LINE, PIECE, WHOLE, Lines, Output


def lines_of(*pieces: bytes) -> list[str]:
    lines = Lines()
    return [line for piece in pieces for line in lines.feed(piece)] + list(lines.feed(b"", final=True))


def told(count: int) -> list[str]:
    output = Output()
    now = [output.hear(f"line {number}") for number in range(1, count + 1)]
    return [line for line in now if line is not None] + list(output.end())


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"o", b"ne\nt", b"wo"], ["one", "two"]),
        ([b"one\r\ntwo\r\n"], ["one", "two"]),
        ([b"10%\r50%\r100%\n"], ["100%"]),
        (["né".encode()[:2], "né\n".encode()[2:]], ["né"]),
        ([b"\xff\n"], ["\ufffd"]),
        ([b"\x1b[1;32mgreen\x1b[0m\x07\n"], ["green"]),
        ([b"\ta\n"], ["\ta"]),
        ([b"a\n\nb\n"], ["a", "", "b"]),
    ],
    ids=["nothing", "lines", "pieces", "crlf", "written over", "cut letter", "no utf-8", "colours", "tab", "blank"],
)
def test_bytes_become_lines(pieces, lines):
    assert lines_of(*pieces) == lines


def test_a_line_without_an_end_is_not_collected_for_ever():
    assert [len(line) for line in lines_of(*[b"x" * 1000] * 20)] == [PIECE + 1000, PIECE + 1000, 2000]


def test_a_short_output_is_told_as_it_comes():
    assert told(20) == [f"line {number}" for number in range(1, 21)]


def test_a_longer_one_is_cut_in_the_middle_and_says_by_how_much():
    assert told(21)[12] == "[1 more line]"
    assert told(1000)[11:14] == ["line 12", "[980 more lines]", "line 993"]
    assert told(1000)[-1] == "line 1000"


def test_a_long_line_is_told_in_part_and_kept_whole():
    output = Output()

    assert output.hear("x" * 1000) == "x" * (LINE - 1) + "…"
    assert output.whole == "x" * 1000 + "\n"


def test_blank_lines_are_kept_and_not_told():
    output = Output()

    assert [output.hear(line) for line in ("a", "", "b")] == ["a", None, "b"]
    assert list(output.end()) == []
    assert output.whole == "a\n\nb\n"
    assert output.count == 2


def test_of_very_much_the_beginning_and_the_end_are_kept():
    output = Output()
    for number in range(100_000):
        output.hear(f"line {number}")

    assert output.is_cut
    assert output.whole.startswith("line 0\nline 1\n")
    assert output.whole.endswith("line 99998\nline 99999\n")
    assert "characters are not kept]" in output.whole
    assert len(output.whole) < 2 * WHOLE + 100
