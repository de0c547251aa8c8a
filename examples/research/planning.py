"""What a question looks for, by rules and without a model: which of its words count, and which others say the same."""

import re
from collections.abc import Sequence

from research_values import Plan

SMALL = frozenset(
    "a an and are at be been can could do does did for from has have how i in is it its may my of on or our should so "  # noqa: SIM905 (words are read best as words)
    "some that the their them there these they this to was we what when where which who why will with would you".split()
)

KIN = (
    ("hum", "tone", "sing", "sound", "noise", "ring", "whistle", "drum", "loud", "heard"),
    ("sway", "swing", "swung", "bounce", "wobble", "vibrate", "shake", "twist", "flutter"),
    ("bridge", "span", "deck", "cable", "stay", "railing", "viaduct"),
    ("wind", "storm", "whirl"),
    ("fall", "fell", "destroy", "collapse", "broken"),
    ("damper", "damp"),
)
"""Words that say much the same, as far as bridges are concerned."""


def plan_of(question: str) -> Plan:
    """What to look for. Empty where the question has none but small words."""
    looked_for: list[list[str]] = []
    for word in dict.fromkeys(words(question)):
        if word in SMALL:
            continue
        kin = next((kin for kin in KIN if stem(word) in {stem(one) for one in kin}), (word,))
        if list(kin) not in looked_for:
            looked_for.append(list(kin))
    return Plan(looked_for=looked_for)


def share(plan: Plan, text: str) -> float:
    """How much of what is looked for a text has, between 0 and 1."""
    there = {stem(word) for word in words(text)}
    touched = [kin for kin in plan.looked_for if any(stem(word) in there for word in kin)]
    return len(touched) / len(plan.looked_for) if plan.looked_for else 0.0


def words(text: str) -> Sequence[str]:
    """The words of a text, in small letters."""
    return re.findall(r"[^\W\d_]+", text.lower())


def stem(word: str) -> str:
    """What the forms of a word have in common, roughly: `hum` of `hums` and `humming`."""
    bare = re.sub(r"(?<=\w{3})(ing|ed|es|s|e)$", "", word)
    return bare[:-1] if len(bare) > 3 and bare[-1] == bare[-2] else bare
