"""Which way a story is shown – as a live view, as plain lines or as JSON – and what is said at its end.

The result goes to standard output, and so does the story, unless `--result` asks for the result alone.
"""

import json
import os
import sys
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import wraps
from typing import Any, TextIO, TypeVar

import click
import msgspec
import trio
from rich.console import Console

from narrate.cli.work import CANCELLED, CUT, FAILED, FINISHED, ReaderLeft, note
from narrate.events import (
    Detached,
    Detail,
    Event,
    Progress,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    Terminal,
    Token,
    to_json,
)
from narrate.terminal import Give, can_ask, draw
from narrate.terminal.words import signs_for
from narrate.wire.text import TextForm

F = TypeVar("F", bound=Callable[..., Any])

MOST_LINES, MOST_WIDTH = 15, 400
"""Lines of a result, and characters of a line, that are shown below a live view."""

PATIENCE = 1.0
"""Seconds that somebody who pressed Ctrl-C waits without a word."""

AGAIN = "It is being stopped. Ctrl-C once more ends the program at once."


class Form(Enum):
    """How a story looks."""

    LIVE = auto()
    PLAIN = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way a story is shown: its form, whether its details are open, and whether standard output is the result's.

    `console` is where a live view is drawn, `out` where JSON is written.
    """

    form: Form
    console: Console
    details: bool = False
    result_alone: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Meanwhile send what steps print to standard error, where standard output is for JSON alone."""
        if self.form is Form.JSON or self.result_alone:
            with redirect_stdout(sys.stderr):
                yield
        else:
            yield

    @property
    def asks_here(self) -> bool:
        """Whether who sees the story can be asked something."""
        return self.form is Form.LIVE and can_ask(self.console)


class Overheard:
    """Events on their way to whoever shows them. `end` is the event that ended the story, once it has passed.

    With `keep`, all that passed are in `events`.
    """

    def __init__(self, events: AsyncIterable[Event], *, keep: bool = False) -> None:
        self.end: Terminal | None = None
        self.events: list[Event] = []
        self._source = aiter(events)
        self._keep = keep

    def __aiter__(self) -> "Overheard":
        return self

    async def __anext__(self) -> Event:
        event = await anext(self._source)
        if isinstance(event, Terminal):
            self.end = event
        if self._keep:
            self.events.append(event)
        return event


def telling_options(command: F) -> F:
    """Give a command the options for the way in which it tells a story, which it gets as `way`."""

    @click.option("--plain", is_flag=True, help="Plain lines, as where there is no terminal.")
    @click.option("--json", "as_json", is_flag=True, help="Each event as a line of JSON, live status among them.")
    @click.option("--details", is_flag=True, help="Show the data of each detail.")
    @click.option("--result", is_flag=True, help="Only the result, as JSON; the story goes to standard error.")
    @wraps(command)
    def told(*arguments: Any, plain: bool, as_json: bool, details: bool, result: bool, **others: Any) -> Any:
        if plain and as_json:
            raise click.UsageError("A story is told in one form: choose --plain or --json.")
        form = Form.JSON if as_json else Form.PLAIN if plain or not _is_lively(err=result) else Form.LIVE
        console = Console(stderr=result, highlight=False)
        out = sys.stderr if result else sys.stdout
        way = Way(form=form, console=console, details=details, result_alone=result, out=out)
        return command(*arguments, way=way, **others)

    return told  # type: ignore[return-value]  # click calls it by its options, whatever their names


async def tell(
    events: AsyncIterable[Event],
    way: Way,
    *,
    interrupt: str = "cancel",
    answer: Give | None = None,
    trouble: Callable[[], str | None] = lambda: None,
) -> None:
    """Show a story as it happens, to its end. `interrupt` is what Ctrl-C does, for a view that says so.

    `answer` gives the answers of who sees it, where they can be asked; `trouble` says why nothing is heard.
    Raises ReaderLeft where nobody reads what is written, as behind `| head`.
    """
    try:
        match way.form:
            case Form.LIVE:
                await draw(
                    events, way.console, details=way.details, interrupt=interrupt, answer=answer, trouble=trouble
                )
            case Form.PLAIN:
                await _tell_plainly(events, way)
            case Form.JSON:
                async for event in events:
                    click.echo(to_json(event), file=way.out)
    except BrokenPipeError as error:
        raise ReaderLeft from error


async def remind(way: Way) -> None:
    """Say, to whoever pressed Ctrl-C and still waits, what another one does."""
    await trio.sleep(PATIENCE)
    if way.form is Form.LIVE:
        way.console.print(AGAIN, style="dim")  # above what is redrawn
    else:
        note(AGAIN)


def tell_result(end: Terminal | None, way: Way) -> None:
    """Show what came out, where something did and the form has not shown it."""
    if not isinstance(end, RunFinished):
        return
    if way.result_alone:
        click.echo(json.dumps(end.result, ensure_ascii=False, indent=2))
    elif way.form is not Form.JSON and end.result is not None:
        text = _as_text(end.result)
        click.echo("\n" + (_cut(text) if way.form is Form.LIVE else text))


def exit_code_of(end: Terminal | None) -> int:
    """The exit code of a command that has told a story with this end; None for one that was cut."""
    match end:
        case RunFinished():
            return FINISHED
        case RunFailedEvent():
            return FAILED
        case RunCancelledEvent():
            return CANCELLED
    return CUT


def detail_text(event: Detail) -> str:
    """The data of a detail as text, indented below what is told."""
    text = f"({event.size} bytes, at {event.link})" if event.data is msgspec.UNSET else _as_text(event.data)
    return "".join(f"    {line}\n" for line in text.splitlines())


async def _tell_plainly(events: AsyncIterable[Event], way: Way) -> None:
    form, last = TextForm(), None
    async for event in events:
        if isinstance(event, Progress | Detached):
            continue  # a line once written cannot move
        click.echo(form.story([event]), nl=False, err=way.result_alone)
        if way.details and isinstance(event, Detail):
            click.echo(detail_text(event), nl=False, err=way.result_alone)
        last = event
    if isinstance(last, Token):
        click.echo(err=way.result_alone)  # the story was cut in the middle of a line


def _is_lively(*, err: bool) -> bool:
    """Whether who reads the story is a person at a terminal that can be drawn on."""
    stream = sys.stderr if err else sys.stdout
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return stream is not None and stream.isatty() and not in_ci and os.environ.get("TERM") not in ("dumb", "unknown")


def _as_text(data: Any) -> str:
    """Data for people: a text as it is, but for what a terminal would obey; anything else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2)
    return signs_for("utf-8").clean(text)


def _cut(text: str) -> str:
    """As much of a text as fits below a live view, with a word on how to have the rest."""
    lines = text.splitlines()
    shown = [line if len(line) <= MOST_WIDTH else f"{line[:MOST_WIDTH]}…" for line in lines[:MOST_LINES]]
    if shown == lines:
        return text
    more = f"… and {len(lines) - MOST_LINES} lines more: " if len(lines) > MOST_LINES else ""
    return "\n".join([*shown, click.style(f"{more}--result gives all of it as JSON.", dim=True)])
