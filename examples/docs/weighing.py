"""The second look at what was found: bm25 counts words, and this asks whether they stand together.

Three shares between 0 and 1, and their weighted sum: how many of the question's words a passage has at all, how close
together they stand, and how many of them are in its heading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shelf import Found, Search

COVERAGE, NEARNESS, HEADING = 0.5, 0.2, 0.3


@dataclass(frozen=True, slots=True)
class Weighed:
    """A passage and why it stands where it stands. `was` is its rank in the search, from 1."""

    found: Found
    was: int
    coverage: float
    nearness: float
    heading: float

    @property
    def score(self) -> float:
        return COVERAGE * self.coverage + NEARNESS * self.nearness + HEADING * self.heading


def weigh(search: Search) -> Sequence[Weighed]:
    """What was found, the best first; where two weigh the same, as bm25 had them."""
    weighed = [_weighed(found, rank, search.stems) for rank, found in enumerate(search.found, start=1)]
    return sorted(weighed, key=lambda one: (-round(one.score, 6), one.was))


def narrowest(places: Mapping[str, Sequence[int]]) -> int:
    """The width, in words, of the narrowest window with each of these stems in it."""
    ahead = sorted((place, stem) for stem, all_places in places.items() for place in all_places)
    latest: dict[str, int] = {}
    widths: list[int] = []
    for place, stem in ahead:
        latest[stem] = place
        if len(latest) == len(places):
            widths.append(place - min(latest.values()) + 1)
    return min(widths)


def _weighed(found: Found, rank: int, stems: Sequence[str]) -> Weighed:
    there = found.text.keys() | found.heading.keys()
    together = 0.0
    if len(found.text) > 1:  # one word by itself is near to nothing
        # Of five words asked for, two side by side are less than four in one sentence.
        together = len(found.text) / narrowest(found.text) * len(found.text) / len(stems)
    return Weighed(found, rank, len(there) / len(stems), together, len(found.heading) / len(stems))
