"""Made-up events of a run for tests of what is drawn of it: numbered in their order, and put on a screen."""

from collections.abc import Iterable, Sequence
from io import BytesIO, TextIOWrapper
from typing import Any

import msgspec
from rich.console import Console

from narrate.errors import Problem
from narrate.events import (
    Answer,
    Detail,
    Event,
    Message,
    OutlinedGroup,
    OutlinedStep,
    Progress,
    Question,
    RunFinished,
    RunId,
    RunStarted,
    StepFinished,
    StepStarted,
    Token,
)
from narrate.terminal.paper import Paper
from narrate.terminal.prompt import Prompts
from narrate.terminal.screen import Screen
from narrate.terminal.scroll import Scroll

ALL = 10_000


def step(name: str, seconds: float | None = None) -> OutlinedStep:
    return OutlinedStep(name, f"Doing {name}…", seconds)


def together(*names: str) -> OutlinedGroup:
    return OutlinedGroup(tuple(step(name) for name in names))


def begun(*outline: Any, note: str | None = None) -> RunStarted:
    return RunStarted(RunId("run-1"), "story", "A story", outline, note, t=0)


def started(name: str, t: float = 0, title: str | None = None, n: int = 0) -> StepStarted:
    return StepStarted(name, title or f"Doing {name}…", t=t, n=n)


def said(name: str, text: str, t: float = 0) -> Message:
    return Message(name, text, t=t)


def token(name: str, text: str) -> Token:
    return Token(name, text, t=0)


def detail(name: str, title: str, data: Any, t: float = 0) -> Detail:
    return Detail(name, title, data, len(msgspec.json.encode(data)), t=t)


def question(name: str, text: str, *choices: str, t: float = 0, **more: Any) -> Question:
    return Question(name, text, choices or None, t=t, **more)


def answer(name: str, to: int, value: str | None, by: Any = "person", t: float = 0, n: int = 0) -> Answer:
    return Answer(name, to, by, value, t=t, n=n)


def finished(name: str, seconds: float = 1, t: float = 1, **more: Any) -> StepFinished:
    return StepFinished(name, seconds, t=t, **more)


def status(name: str, *, t: float = 0, **more: Any) -> Progress:
    return Progress(name, t=t, **more)


def done(seconds: float = 1) -> RunFinished:
    return RunFinished(None, seconds, t=seconds)


def problem(detail: str, **more: Any) -> Problem:
    return Problem(title="It failed", status=500, detail=detail, **more)


def numbered(events: Iterable[Event]) -> Sequence[Event]:
    """The events as a record has them; status gets no number, and from a number that is there it is counted on."""
    told: list[Event] = []
    last = 0
    for event in events:
        is_status = isinstance(event, Progress)
        last = last if is_status else event.n or last + 1
        told.append(event if is_status else msgspec.structs.replace(event, n=last))
    return told


def screen_of(*events: Event, at: float = 0) -> Screen:
    """A screen that has heard these events, the first of them at zero by the clock."""
    screen = Screen()
    for event in numbered(events):
        screen.take(event, max(at, event.t))
    return screen


def console_of(width: int = 80, encoding: str = "utf-8") -> Console:
    """A console of this width that writes to nobody."""
    return Console(file=TextIOWrapper(BytesIO(), encoding=encoding), width=width, height=ALL)


class Sight:
    """What is seen of a story: what is printed for good, and what moves below."""

    def __init__(self, *events: Event, width: int = 80, details: bool = False, encoding: str = "utf-8") -> None:
        self.screen = screen_of(*events)
        self.prompts = Prompts(self.screen)
        self.scroll = Scroll(self.screen, Paper(console_of(width, encoding)), details=details, prompts=self.prompts)

    def asks(self) -> "Sight":
        """Let who sees it answer what is asked."""
        self.prompts.follow(-1)
        self.prompts.follow(0)
        return self

    def over(self) -> str:
        return seen(self.scroll.over(0))

    def moving(self, at: float = 0, height: int = ALL, keys: str = "", trouble: str = "") -> str:
        self.scroll.over(at)
        return seen(self.scroll.moving(at, height, keys, trouble))

    def end(self) -> str:
        return seen(self.scroll.rest(0, explained=False))


def seen(lines: Iterable[Any]) -> str:
    return "".join(f"{line.plain.rstrip()}\n" for line in lines)
