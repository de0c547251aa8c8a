"""Full-text search over passages: SQLite's FTS5, in memory, ranked by bm25.

The index is made for one question and thrown away. A few hundred passages take some milliseconds, and so nothing is
answered from a file as it was yesterday.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from passages import Passage

BEST = 12

HEADING_COUNTS = 3.0
"""How much more a word counts for bm25 where it stands in the heading."""

UNASKED = frozenset(
    re.findall(
        r"\w+",
        "a about all an and any are as at be been but by can could do does for from had has have how i if in into is "
        "it its may me my of on or our shall should so some than that the their them then there these they this to us "
        "was we were what when where which who whom whose why will with would you your",
    )
)
"""Words that a question has whatever it is about."""

# porter: "readers" finds "reader"; diacritics never matter.
_TABLES = """
CREATE VIRTUAL TABLE passage USING fts5(heading, text, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE word USING fts5vocab(passage, instance);
CREATE VIRTUAL TABLE asked USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE stem USING fts5vocab(asked, row);
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with words of the question in it. `bm25` is the better the smaller it is, and below zero.

    `text` and `heading` say where each word stands, as so many words from the beginning; by the word's stem.
    """

    passage: Passage
    bm25: float
    heading: Mapping[str, Sequence[int]]
    text: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Search:
    """What a search gave: the best passages, how many had a word of the question at all, and its words' stems."""

    found: Sequence[Found]
    among: int
    stems: Sequence[str]


def words_of(question: str) -> Sequence[str]:
    """The words to look for; where a question has none of its own, all it has."""
    words = tuple(dict.fromkeys(re.findall(r"\w+", question.lower())))
    return tuple(word for word in words if word not in UNASKED) or words


def search_in(passages: Sequence[Passage], question: str, best: int = BEST) -> Search:
    """The passages that have any of the question's words, the best first."""
    words = words_of(question)
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(_TABLES)
        rows = ((n, passage.heading, passage.text) for n, passage in enumerate(passages))
        db.executemany("INSERT INTO passage (rowid, heading, text) VALUES (?, ?, ?)", rows)
        db.execute("INSERT INTO asked VALUES (?)", (" ".join(words),))
        stems = [stem for (stem,) in db.execute("SELECT term FROM stem ORDER BY term")]
        # In quotes a word is a word, whatever else it would mean to FTS5.
        query = " OR ".join(f'"{word}"' for word in words)
        ranked = db.execute(
            "SELECT rowid, bm25(passage, ?, 1.0) AS score FROM passage WHERE passage MATCH ? ORDER BY score, rowid",
            (HEADING_COUNTS, query),
        ).fetchall()
        places = _places(db, stems, {n for n, _ in ranked[:best]})
    found = [Found(passages[n], score, places[n, "heading"], places[n, "text"]) for n, score in ranked[:best]]
    return Search(found, len(ranked), stems)


def _places(
    db: sqlite3.Connection, stems: Sequence[str], among: set[int]
) -> Mapping[tuple[int, str], Mapping[str, Sequence[int]]]:
    """Where each stem stands in each column of these passages."""
    places: dict[tuple[int, str], dict[str, list[int]]] = {(n, part): {} for n in among for part in ("heading", "text")}
    for stem in stems:
        for n, part, place in db.execute("SELECT doc, col, offset FROM word WHERE term = ?", (stem,)):
            if n in among:
                places[n, part].setdefault(stem, []).append(place)
    return places
