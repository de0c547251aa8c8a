"""Which passages of the sources answer a question best."""

import re
from collections.abc import Sequence

from planning import share, stem, words
from research_values import Entry, Finding, Plan, Source

NEARLY = 0.75
"""What weighs less than this part of the best is not worth the reader's time."""

LEANING = frozenset({"it", "its", "them", "then", "therefore", "these", "they", "their", "this"})


def weighed(plan: Plan, sources: Sequence[Source]) -> list[Finding]:
    """The best passage of each source, the weightiest first; then those that dwell on it most."""
    best: list[Finding] = []
    for source in sources:
        passage = best_passage(plan, source.text)
        entry = Entry(id=source.id, title=source.title, year=source.year, about=source.about)
        best.append(Finding(source=entry, passage=passage, weight=share(plan, passage)))
    least = max(NEARLY * max((finding.weight for finding in best), default=0.0), 0.01)
    worth = [finding for finding in best if finding.weight >= least]
    return sorted(worth, key=lambda finding: (-finding.weight, -mentions(plan, finding.passage)))


def best_passage(plan: Plan, text: str) -> str:
    """The passage of a text that has most of what is looked for; of equals, that which dwells on it more."""
    return max(passages(text), key=lambda one: (share(plan, one), mentions(plan, one)))


def mentions(plan: Plan, text: str) -> int:
    """How many of a text's words are looked for."""
    looked_for = {stem(word) for kin in plan.looked_for for word in kin}
    return sum(stem(word) in looked_for for word in words(text))


def passages(text: str) -> Sequence[str]:
    """The sentences of a text, but one that leans on what was said before it (“They …”) together with that."""
    found: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", text.strip()):
        if found and LEANING.intersection(words(sentence)):
            found[-1] += f" {sentence}"
        else:
            found.append(sentence)
    return found
