"""Words in a drawing: titles made safe to draw, and wrapped to a width. Any measure will do: cells, or pixels."""

from collections.abc import Callable

from narrate.events import whole_text

TOGETHER = "at the same time"
"""What every drawing says of a group."""

Measure = Callable[[str], float]

_JOINER = "\u200d"
"""What makes one picture of several; the one invisible character that is no trick in a title."""


def one_line(title: str) -> str:
    """A title with nothing in it that a terminal would obey or a document cannot hold, its blanks made single."""
    shown = (c if c.isprintable() or c == _JOINER else " " if c.isspace() else "" for c in whole_text(title))
    return " ".join("".join(shown).split())


def own_name(path: str) -> str:
    """The name of a stage in its own pipeline, which is the last of its path."""
    return path.rpartition("/")[2]


def wrapped(text: str, width: float, measure: Measure) -> list[str]:
    """The text at its blanks in as few lines of at most this width as it takes, all about equally long.

    Only a word that is wider by itself is cut.
    """
    lines = _filled(text, width, measure)
    narrow, wide = min(longest_word(text, measure), width), width
    while len(lines) > 1 and wide - narrow > 1:
        middle = (narrow + wide) / 2
        tried = _filled(text, middle, measure)
        if len(tried) > len(lines):
            narrow = middle
        else:
            lines, wide = tried, middle
    return lines


def longest_word(text: str, measure: Measure) -> float:
    """The width that a text needs if no word of it is to be cut."""
    return max(map(measure, text.split()), default=0)


def _filled(text: str, width: float, measure: Measure) -> list[str]:
    """The text in lines, each as full as it can be."""
    lines: list[str] = []
    for word in text.split():
        if lines and measure(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines += _pieces(word, width, measure)
    return lines or [""]


def _pieces(word: str, width: float, measure: Measure) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and measure(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
