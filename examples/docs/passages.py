"""Documents in passages: which files are read, and how Markdown is split so that each passage can be cited.

A passage is what stands under one heading, or a part of it where that is long, with the file and the line it begins in.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

KINDS = frozenset({".md", ".markdown"})

LONGEST = 1200
"""Characters of a passage. A longer section becomes several."""

_markdown = MarkdownIt("commonmark").enable("table")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Passage:
    """Some lines of a document. `heading` is the way to it: `narrate › The page`."""

    file: str
    line: int
    heading: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" + (f" (“{self.heading}”)" if self.heading else "")


def markdown_files(folder: Path) -> Sequence[Path]:
    """The Markdown files in a folder and below, in the order of their names. What is hidden, or a link, is left out."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]
        paths = (Path(place, name) for name in files if not name.startswith("."))
        found += [path for path in paths if path.suffix.lower() in KINDS and not path.is_symlink()]
    return sorted(found)


def passages_of(text: str, file: str) -> Sequence[Passage]:
    """The passages of one document, in its order. `file` is what they are cited by."""
    lines = text.split("\n")  # as the parser counts them; Python knows other ends of lines, too
    return [
        Passage(file, first + 1, heading, "\n".join(lines[first:end]).strip())
        for heading, blocks in _sections(text)
        for first, end in _parts(lines, blocks)
    ]


def sentences_of(text: str) -> Sequence[str]:
    """The sentences of some Markdown's paragraphs and lists, without their marks; code and tables have none."""
    inline = (token for token in _markdown.parse(text) if token.type in ("inline", "table_open", "table_close"))
    return [
        sentence
        for paragraph in _outside_tables(inline)
        for sentence in re.split(r"(?<=[.!?])\s+(?=\W?[A-Z0-9])", _words(paragraph))
        if sentence.endswith((".", "!", "?"))
    ]


Lines = tuple[int, int]
"""The number of the first line, and of the one behind the last; the file's first is 0."""


def _sections(text: str) -> Iterator[tuple[str, Sequence[Lines]]]:
    """Each heading, with those above it, and the blocks below it."""
    # What stands before the text, for a site's generator, would be read as a heading. Its lines still count.
    text = _FRONT_MATTER.sub(lambda matter: "\n" * matter[0].count("\n"), text)
    above: list[tuple[int, str]] = []
    blocks: list[Lines] = []
    tokens = _markdown.parse(text)
    for token, following in zip_longest(tokens, tokens[1:]):
        if token.level or token.map is None or token.nesting < 0:
            continue
        if token.type == "heading_open":
            yield " › ".join(words for _, words in above), blocks
            level, blocks = int(token.tag[1:]), []
            above = [*((outer, words) for outer, words in above if outer < level), (level, _words(following))]
        else:
            blocks.append((token.map[0], token.map[1]))
    yield " › ".join(words for _, words in above), blocks


def _parts(lines: Sequence[str], blocks: Sequence[Lines]) -> Iterator[Lines]:
    """The blocks of a section, as many together as are not too long. One that is too long by itself is cut."""
    part: Lines | None = None
    for first, end in blocks:
        if part is not None and _size(lines, (part[0], end)) > LONGEST:
            yield part
            part = None
        part = (first if part is None else part[0], end)
        while _size(lines, part) > LONGEST and part[1] - part[0] > 1:
            cut = next(n for n in range(part[0] + 1, part[1]) if _size(lines, (part[0], n + 1)) > LONGEST)
            yield part[0], cut
            part = (cut, part[1])
    if part is not None:
        yield part


def _size(lines: Sequence[str], part: Lines) -> int:
    return sum(len(line) + 1 for line in lines[part[0] : part[1]])


def _outside_tables(tokens: Iterator[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "table_open":
            while next(tokens).type != "table_close":
                pass
        else:
            yield token


def _words(inline: Token | None) -> str:
    """What a reader sees of a line: no marks, no addresses of links."""
    children = inline.children or [] if inline is not None else []
    seen = ("\n" if child.type in ("softbreak", "hardbreak") else child.content for child in children)
    return " ".join("".join(seen).split())
