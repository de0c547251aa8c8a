"""What the terminal says in words and signs: durations, counts, ends; and what it makes of words that others wrote.

The same words as the page's (`narrate/web/words.js`) and the plain text's (`narrate/wire/text.py`). Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from rich.spinner import Spinner

from narrate.events import Progress, Question, RunCancelledEvent, RunFailedEvent, RunFinished, Terminal, whole_text
from narrate.snapshot import StepWord

_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_CONTROLS |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")
"""What a terminal would obey: control codes, and what turns the direction of all that follows on the line."""

_PLAINER = str.maketrans({"…": "...", "–": "-", "—": "-", "→": "->", "·": "-", "’": "'", "“": '"', "”": '"'})
"""What our own words have that an encoding may not."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The marks, brackets and spinner of a terminal; `encoding` is what it reads."""

    encoding: str
    marks: dict[StepWord, str]
    spinner: Sequence[str]
    seconds_a_turn: float
    bracket: tuple[str, str, str]
    closed: str
    opened: str
    pointer: str
    asking: str = "?"
    answered: str = "→"

    def clean(self, text: str) -> str:
        """A text as it can be written here: nothing in it is obeyed, broken, or impossible to write."""
        cleaned = whole_text(text).translate(_CONTROLS).replace("\t", "    ")
        if self is _UNICODE:
            return cleaned
        return cleaned.translate(_PLAINER).encode(self.encoding, "replace").decode(self.encoding)

    def mark(self, state: StepWord, at: float) -> str:
        """The mark of a step; `at` is a reading of the clock, by which the spinner turns."""
        if state == "working":
            return self.spinner[int(at / self.seconds_a_turn) % len(self.spinner)]
        return self.marks[state]


_DOTS = Spinner("dots")
_LINE = Spinner("line")

_UNICODE = Signs(
    encoding="utf-8",
    marks={
        "waiting": "·",
        "retrying": "↻",
        "done": "✓",
        "skipped": "–",
        "failed": "✗",
        "cancelled": "✗",
        "unreached": "·",
        "unknown": "?",
    },
    spinner=_DOTS.frames,
    seconds_a_turn=_DOTS.interval / 1000,
    bracket=("┌", "│", "└"),
    closed="▸",
    opened="▾",
    pointer="›",
)


def signs_for(encoding: str) -> Signs:
    """The signs that can be written in an encoding."""
    if encoding.lower().replace("_", "-").startswith("utf"):
        return _UNICODE
    return Signs(
        encoding=encoding,
        marks={
            "waiting": ".",
            "retrying": "~",
            "done": "+",
            "skipped": "-",
            "failed": "x",
            "cancelled": "x",
            "unreached": ".",
            "unknown": "?",
        },
        spinner=_LINE.frames,
        seconds_a_turn=_LINE.interval / 1000,
        bracket=("/", "|", "\\"),
        closed=">",
        opened="v",
        pointer=">",
        answered="->",
    )


def duration(seconds: float) -> str:
    """A duration for people: `0.4 s`, `12 s`, `2 min 5 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    return f"{minutes} min {whole % 60} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def countdown(seconds: float) -> str:
    """How long something is still waited for: in whole seconds, the last of which is not over yet."""
    return duration(ceil(seconds)).replace(".0 s", " s")


def waited_for(question: Question, now: float) -> str:
    """How long a question is waited for, and what comes then; nothing where it has no end."""
    if question.within is None:
        return ""
    left = question.t + question.within - now
    if left <= 0:
        return "its time is over"
    if question.default is None:
        return f"it waits for {countdown(left)}"
    return f"then: {question.default or '–'}, in {countdown(left)}"


def about(seconds: float) -> str:
    """How long something is expected to take: rounded, because it is a guess."""
    if seconds < 1:
        return "under 1 s"
    return duration(round(seconds) if seconds < 60 else round(seconds / 5) * 5).replace(".0 s", " s")


def how_far(progress: Progress) -> str:
    """How far a step is: `12 of 24 places`, or nothing."""
    done, of, unit, text = progress.done, progress.of, progress.unit, progress.text
    count = "" if done is None else number(done) if of is None else f"{number(done)} of {number(of)}"
    return " ".join(word for word in (count, unit if count else "", text) if word)


def number(value: float) -> str:
    """A number without a fraction that says nothing: `200,000`, `0.5`."""
    return f"{int(value):,}" if isinstance(value, int) or value.is_integer() else f"{value:.1f}"


def size(length: int) -> str:
    """A size in bytes: `4.7 kB`."""
    if length < 1000:
        return f"{length} B"
    return f"{length / 1e3:.1f} kB" if length < 1e6 else f"{length / 1e6:.1f} MB"


def extent(data: Any, length: int, *, known: bool) -> str:
    """How much there is to see in a detail, before it is opened; nothing where that is soon seen."""
    if not known:
        return size(length) if length else ""
    if isinstance(data, list):
        return f"{number(len(data))} {'entry' if len(data) == 1 else 'entries'}"
    return ""


def ending(end: Terminal) -> str:
    """How a run ended, in one sentence."""
    took = f"in {duration(end.seconds)}"
    match end:
        case RunFinished():
            return f"Done {took}."
        case RunFailedEvent():
            return f"Failed {took}: {end.problem.sentence}"
        case RunCancelledEvent():
            return f"Cancelled {took}: {end.reason}"
