"""A question while somebody answers it at the terminal: what they typed or marked, and what becomes of that.

Pure: keys come in, answers go out. Which of several questions has the keys is decided here, too, and how it looks
elsewhere. Nothing is answered by one key alone, since a question may come, or go, while something else is typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

from narrate.errors import NarrateError, NotAsked, RunCut, RunRejected, TooLate
from narrate.questions import LONGEST, Asked
from narrate.terminal.pressed import Key, Pasted, Pressed
from narrate.terminal.screen import Screen

GRACE = 0.2
"""Seconds after which a question that is still open is one for whoever sits here: others may answer at once."""

REST = 1.0
"""Seconds that fingers must rest, when their question has gone, until keys mean something again."""

ROUNDED = 0.001
"""Seconds by which the times of a record may be off."""

OVER = frozenset({403, 404, 409, 410})
"""What a server refuses with where to answer again would change nothing. The same as on the page."""


SAID = 60
"""Characters that are repeated of what was typed and is no choice."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given, and is to be sent."""

    prompt: "Prompt"
    value: str


class Prompt:
    """One question, and the answer as far as it has come.

    - `state`: `waiting` until it has the keys, which is `here`; `aside` when it was left for now; `sent` when it was
      answered; and `over` when that was refused for good.
    - `text`: what was typed: an answer in one's own words; of a choice, its beginning or its number, until another key
      than these begins anew. `marked`: the place of the choice that was marked.
    - `said`: why it was not sent, or refused.
    """

    def __init__(self, asked: Asked) -> None:
        self.question = asked.question
        self.state: Literal["waiting", "here", "aside", "sent", "over"] = "waiting"
        self.text = ""
        self.marked: int | None = None
        self.said = ""
        self._asked = asked

    @property
    def begun(self) -> bool:
        """Whether there is something of an answer that was not sent."""
        return self.state in ("here", "aside") and (bool(self.text) or self.marked is not None)

    def press(self, key: Pressed) -> str | None:
        """Take a key; the answer, where that was the last of it."""
        if key is Key.ENTER:
            return self._enter()
        if key is Key.ESCAPE:
            self.state = "aside"
            if self.question.choices is not None:
                self.text = self.said = ""
        elif self.question.choices is None:
            self._type(key)
        else:
            self._mark(key, self.question.choices)
        return None

    def refuse(self, error: NarrateError) -> None:
        """Take it that what was sent was not taken."""
        is_over = isinstance(error, (TooLate, NotAsked)) or (
            isinstance(error, RunRejected) and error.problem.status in OVER
        )
        self.state = "over" if is_over else "here"
        self.said = error.why if isinstance(error, RunCut) else str(error)

    def lost(self) -> str:
        """What is to be said of an answer that came to nothing when the question closed; empty where none did."""
        answer = self._asked.answer
        if self.state == "over":
            return self.said
        if not self.begun or answer is None:
            return ""
        if answer.by == "person":
            return f"Somebody else has answered “{self.question.question}”; what you had was not sent."
        within = self.question.within
        if within is None or answer.t + ROUNDED < self.question.t + within:
            return ""  # it was taken back, with its step or its run
        return f"The time for “{self.question.question}” was over; what you had was not sent."

    def _enter(self) -> str | None:
        choices = self.question.choices
        if choices is None:
            value = self.text if self.text.strip() else None
        else:
            value = None if self.marked is None else choices[self.marked]
            self.text = ""
        if value is None:
            self.said = "Write an answer first." if choices is None else "Choose one of them first."
            return None
        self.state, self.said = "sent", ""
        return value

    def _type(self, key: Pressed) -> None:
        self.said = ""
        if key is Key.BACKSPACE:
            while self.text and cell_len(self.text[-1]) == 0 and self.text[-1] != "\n":
                self.text = self.text[:-1]  # an accent goes with what it stands on
            self.text = self.text[:-1]
        elif key is Key.KILL:
            self.text = ""
        elif isinstance(key, (str, Pasted)):
            new = key if isinstance(key, str) else key.text
            if len(self.text) + len(new) > LONGEST:
                self.said = f"An answer has at most {LONGEST} characters."
            else:
                self.text += new

    def _mark(self, key: Pressed, choices: Sequence[str]) -> None:
        """Mark a choice: the one above or below, or what is meant by all that was typed. By what fits none, none is."""
        if key is Key.UP or key is Key.DOWN:
            step = -1 if key is Key.UP else 1
            marked = (len(choices) if step < 0 else -1) if self.marked is None else self.marked
            self.marked = (marked + step) % len(choices)
            self.text = self.said = ""
            return
        if isinstance(key, str) and _begins_anew(self.text, key, choices):
            self.text = ""
        had_text = bool(self.text)
        self._type(key)
        if self.text:
            self.marked = maybe_meant(self.text, choices)
            if self.marked is None and not self.said:
                self.said = f"“{_shortened(self.text)}” is none of them."
        elif had_text or key is Key.KILL:
            self.marked = None


def maybe_meant(typed: str, choices: Sequence[str]) -> int | None:
    """The place of the choice that is meant by what was typed: the whole of it, its number, or how it begins."""
    folded, names = typed.casefold(), [choice.casefold() for choice in choices]
    if typed in choices:
        return choices.index(typed)
    if folded in names:
        return names.index(folded)
    number = _maybe_number(typed, choices)
    if number is not None:
        return number - 1
    return next((at for at, name in enumerate(names) if name.startswith(folded)), None)


def _begins_anew(typed: str, key: str, choices: Sequence[str]) -> bool:
    """Whether a character is not one more of what was typed: behind a number, a letter or the number of a choice.

    Behind letters a digit is one of them: “in 2 days” is no choice, and not the second one either.
    """
    if not typed.isdecimal() or maybe_meant(typed + key, choices) is not None:
        return False
    return not key.isdecimal() or _maybe_number(key, choices) is not None


def _maybe_number(typed: str, choices: Sequence[str]) -> int | None:
    """The number of a choice that was typed."""
    is_one = typed.isdecimal() and len(typed) <= len(str(len(choices)))
    return int(typed) if is_one and 1 <= int(typed) <= len(choices) else None


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SAID else f"{line[: SAID - 1]}…"


class Prompts:
    """The questions of a run that can be answered here: one has the keys, the first that was asked, and others wait."""

    def __init__(self, screen: Screen) -> None:
        self.by_number: dict[int, Prompt] = {}
        self.current: Prompt | None = None
        self._screen = screen
        self._since: dict[int, float] = {}
        self._deaf_until = float("-inf")
        self._rings = False

    def follow(self, at: float) -> Sequence[str]:
        """Take in what is asked now, by the clock; sentences about answers that came to nothing."""
        asked = {one.question.n: one for one in self._screen.questions}
        closed = [self.by_number.pop(n) for n in [*self.by_number] if n not in asked]
        for n, one in asked.items():
            if n not in self.by_number:
                self.by_number[n] = Prompt(one)
                self._since[n] = at
        self._choose(at)
        lost = [said for prompt in closed if (said := prompt.lost())]
        if lost:
            self._deaf_until = at + REST
        return lost

    def hears(self, at: float) -> bool:
        """Whether keys are not for anything else at this moment."""
        return at < self._deaf_until or (self.current is not None and self.current.state in ("here", "sent"))

    def press(self, key: Pressed, at: float) -> Given | None:
        """Take a key; what is to be sent, where it completed an answer."""
        prompt = self.current
        if at < self._deaf_until:
            self._deaf_until = at + REST  # who looks at the keys may go on with what there is no question for any more
        elif prompt is not None and prompt.state == "here":
            value = prompt.press(key)
            if key is Key.ESCAPE:
                self.by_number[prompt.question.n] = self.by_number.pop(prompt.question.n)  # behind the others
                self._choose(at)
            return None if value is None else Given(prompt, value)
        elif prompt is not None and prompt.state == "aside" and key is Key.ENTER:
            prompt.state = "here"
        return None

    def refuse(self, prompt: Prompt, error: NarrateError, at: float) -> Sequence[str]:
        """Take it that an answer was refused; what is to be said of it where its question is gone."""
        prompt.refuse(error)
        if self.by_number.get(prompt.question.n) is prompt:
            self._choose(at)
            return ()
        return (prompt.said,)

    def keys(self) -> str:
        """What the keys do to it, in a line."""
        prompt = self.current
        if prompt is None or prompt.state not in ("here", "aside"):
            return ""
        if prompt.state == "aside":
            return "Enter goes to the question"
        choices = prompt.question.choices
        numbers = "1" if choices is None or len(choices) == 1 else f"1–{len(choices)}"
        choose = "" if choices is None else f"{numbers} or letters choose · "
        return f"{choose}Enter answers · Esc leaves it for now"

    def rings(self) -> bool:
        """Whether somebody is wanted who was not, since this was last asked."""
        rings, self._rings = self._rings, False
        return rings

    def _choose(self, at: float) -> None:
        """Give the keys to the first question that can be answered, unless it is too new; to one left aside, last."""
        left = [prompt for prompt in self.by_number.values() if prompt.state != "over"]
        ready = [prompt for prompt in left if at - self._since[prompt.question.n] >= GRACE]
        self.current = min(ready, key=lambda prompt: prompt.state == "aside", default=None)
        if self.current is not None and self.current.state == "waiting":
            self.current.state = "here"
            self._rings = True
