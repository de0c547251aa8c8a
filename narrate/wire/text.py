"""The story as sentences for people: what `curl -N -H 'Accept: text/plain'` shows, and what a test compares.

A step within another stands below it, a little further in. What spoke last is remembered, so that a line told in its
lane's turn says whose it is; and what is asked, so that an answer that is not right below its question says to which.
"""

from collections.abc import Callable, Iterable, Sequence

from narrate.events import (
    Answer,
    Detached,
    Detail,
    Event,
    Gap,
    Message,
    Outlined,
    OutlinedGroup,
    OutlinedPipeline,
    Progress,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Token,
    whole_text,
)
from narrate.past import INTERRUPTED

_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
"""What a terminal would obey. A story may tell what a model or a stranger wrote."""


class TextForm:
    """One line a step, what it says indented below. With `seconds=False` the same run always gives the same text."""

    def __init__(self, *, seconds: bool = True) -> None:
        self._seconds = seconds
        self._titles: dict[str, str] = {}
        self._asked: dict[int, Question] = {}
        self._latest = ""
        self._speaking: str | None = None

    def opening(self) -> bytes:
        return b""

    def events(self, events: Sequence[Event], line: Callable[[Event], bytes] | None = None) -> bytes:  # noqa: ARG002
        return whole_text(self.story(events)).encode()

    def status(self, statuses: Sequence[Progress]) -> bytes:  # noqa: ARG002 (a line once written cannot move)
        return b""

    def heartbeat(self) -> bytes:
        return b""

    def reconnect(self, milliseconds: int) -> bytes:  # noqa: ARG002 (this form has no word for it)
        return b"\n(The server is going down. Ask again for the rest.)\n"

    def detached(self, event: Detached) -> bytes:
        return f"{self._broken()}\n(This goes on without you. See {event.link} for what becomes of it.)\n".encode()

    def story(self, events: Iterable[Event]) -> str:
        """These events as text, going on from those before."""
        return "".join([self._written(event) for event in events]).translate(_CONTROLS)

    def _written(self, event: Event) -> str:
        if isinstance(event, Token):
            margin = _margin(event.step)
            begin = "" if self._speaking == event.step else f"{self._broken()}{margin}  {self._whose(event.step)}"
            self._speaking = event.step
            return begin + event.text.replace("\n", f"\n{margin}  ")
        if self._asked and isinstance(event, (StepFinished, StepFailed, StepCancelled)):
            self._asked = {n: question for n, question in self._asked.items() if question.step != event.step}
        return self._broken() + "".join(f"{line}\n" for line in self._lines(event))

    def _broken(self) -> str:
        """The end of a line of tokens, where one is open."""
        broken, self._speaking = self._speaking is not None, None
        return "\n" if broken else ""

    def _lines(self, event: Event) -> Iterable[str]:  # noqa: C901 (one case an event, each a line)
        match event:
            case RunStarted():
                self._titles.update(_titles(event.outline))
                return [*([event.note] if event.note else []), event.title, ""]
            case StepStarted():
                self._titles[event.step] = event.title
                return self._begun(event.step, event.title)
            case Message():
                return self._said(event.step, event.text)
            case Detail():
                return self._said(event.step, f"[{event.title}]")
            case Question():
                self._asked[event.n] = event
                return self._said(event.step, f"? {asked(event)}")
            case Answer():
                return self._said(event.step, replied(event, self._asked.pop(event.to, None)))
            case StepRetrying():
                return self._said(event.step, retried(event))
            case StepFinished():
                return self._said(event.step, event.text) if event.text else []
            case StepSkipped():
                return self._begun(event.step, f"{self._titles.get(event.step, event.step)} – skipped: {event.reason}")
            case StepFailed():
                return self._said(event.step, f"✗ {event.problem.sentence}")
            case StepCancelled():
                return self._said(event.step, f"✗ stopped: {event.reason}")
            case RunFinished():
                return ["", f"Done{self._took(event.seconds)}."]
            case RunFailedEvent():
                return ["", f"Failed{self._took(event.seconds)}: {event.problem.sentence}"]
            case RunCancelledEvent():
                return ["", f"Cancelled{self._took(event.seconds)}: {event.reason}"]
            case Gap():
                self._latest = ""
                return [f"(What was told from {event.first} to {event.last} is no longer kept.)"]
            case _:
                return []

    def _begun(self, step: str, text: str) -> list[str]:
        """A step's first line, below that of what it is a part of: which is told again where others spoke meanwhile."""
        whole, _, _ = step.rpartition("/")
        elsewhere = bool(whole) and not f"{self._latest}/".startswith(f"{whole}/")
        again = [f"{_margin(step)}{self._title(whole)}:"] if elsewhere else []
        self._latest = step
        return [*again, f"{_margin(step)}• {text}"]

    def _said(self, step: str, text: str) -> list[str]:
        first, *others = text.split("\n")
        margin = _margin(step)
        return [f"{margin}  {self._whose(step)}{first}", *(f"{margin}  {line}" for line in others)]

    def _whose(self, step: str) -> str:
        """Whose line it is, unless the line above was that step's as well: its title, or another line of it."""
        if step == self._latest:
            return ""
        self._latest = step
        return f"{self._title(step)}: "

    def _title(self, step: str) -> str:
        return self._titles.get(step, step).rstrip("….:!? ")

    def _took(self, seconds: float) -> str:
        return f" in {seconds:.1f} s" if self._seconds else ""


def _margin(step: str) -> str:
    """How far in a step stands: by how many others it is within."""
    return "  " * step.count("/")


def retried(event: StepRetrying) -> str:
    """That a step is tried again, and why."""
    if event.reason == INTERRUPTED:
        return f"{INTERRUPTED} Beginning again."
    return f"Attempt {event.attempt} of {event.of} failed: {event.reason} Trying again."


def transcript(events: Iterable[Event]) -> str:
    """A whole record as text without times: the same for every run that told the same."""
    return TextForm(seconds=False).story(events)


def asked(event: Question) -> str:
    """A question with its choices."""
    return f"{event.question} ({' / '.join(event.choices)})" if event.choices else event.question


def replied(event: Answer, question: Question | None) -> str:
    """An answer in its line."""
    name = named(event, question)
    return f"{name} → {answered(event)}" if name else f"→ {answered(event)}"


def named(event: Answer, question: Question | None) -> str:
    """The first words of an answer's question, which its line begins with unless it is right below that.

    Nothing otherwise, and where the question is None: it is not known where history is missing.
    """
    if question is None or event.n == event.to + 1:
        return ""
    return next(filter(None, question.question.split("\n")), "")


def answered(event: Answer) -> str:
    """What came of a question, in a line."""
    if event.value is None:
        return "Nobody answered."
    return event.value if event.by == "person" else f"{event.value} (nobody answered in time)"


def _titles(outline: Iterable[Outlined]) -> dict[str, str]:
    titles: dict[str, str] = {}
    for stage in outline:
        if isinstance(stage, OutlinedGroup):
            titles |= _titles(stage.members)
        else:
            titles[stage.step] = stage.title
            if isinstance(stage, OutlinedPipeline):
                titles |= _titles(stage.stages)
    return titles
