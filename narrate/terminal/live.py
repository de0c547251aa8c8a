"""A story drawn live: events in, frames out, keys heard. Here the terminal is written to; what is written, others say.

What is over is printed once and scrolls away; only the lines at the bottom are redrawn, so many times a second, and
only when they have changed.
"""

import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import nullcontext
from functools import partial

import trio
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment
from rich.text import Text

from narrate.errors import NarrateError
from narrate.events import Event
from narrate.terminal.keys import PASTES, PASTES_NOT, each_key, hear_keys, maybe_keyboard
from narrate.terminal.paper import Paper
from narrate.terminal.pressed import Pressed
from narrate.terminal.prompt import Given, Prompts
from narrate.terminal.screen import Screen
from narrate.terminal.scroll import Scroll

FRAME = 1 / 12
"""Seconds between two frames while something moves."""

DETAILS = "d"
"""The key that opens and closes details."""

BREAKS_NOT, BREAKS = "\x1b[?7l", "\x1b[?7h"
"""DECAWM: what has a terminal cut lines that are too long for it, and break them again."""

Give = Callable[[str, int], Awaitable[object]]
"""Gives an answer to the question of this number."""

NOT_SHOWN = [(ControlType.CARRIAGE_RETURN,)]
"""Any control at all, so that rich does not count such a code as text."""

AT_ONCE = 100
"""Events that are there at once are taken so many at a time, so that frames are drawn in between."""


async def draw(
    events: AsyncIterable[Event],
    console: Console,
    *,
    details: bool = False,
    keys: bool = True,
    interrupt: str = "cancel",
    answer: Give | None = None,
    trouble: Callable[[], str | None] = lambda: None,
) -> None:
    """Draw a story, numbered events with live status in between, until it ends; then its summary stands there.

    - `details`: have them open from the start. `keys`: let `d` open and close them, where standard input is a terminal.
    - `interrupt`: what Ctrl-C does, for the line that says so; empty where that is not to be said. Heard it is not.
    - `answer`: gives the answer to the question of this number, which is asked for where keys are heard. An error of
      ours that it raises is said beside the question; any other is let through.
    - `trouble`: why nothing is heard at the moment, for a line that says so; None while all is well.

    On a console that cannot be redrawn every stage is printed when it is over. What `events` raises is let through;
    what was heard until then is printed first, and the terminal is as it was. The same when this is cancelled.
    """
    keyboard = maybe_keyboard(sys.stdin) if keys and _is_live(console) else None
    terminal = _Terminal(
        console,
        details=details,
        interrupt=interrupt,
        answer=answer if keyboard is not None else None,
        trouble=trouble,
    )
    with terminal, nullcontext() if keyboard is None else each_key(keyboard):
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(terminal.draw_frames)
            if keyboard is not None:
                terminal.has_keys = True
                nursery.start_soon(hear_keys, keyboard, partial(terminal.press, nursery))
            try:
                await terminal.hear(events)
            except Exception as error:  # noqa: BLE001 (raised below, outside the nursery that would wrap it)
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure


def can_ask(console: Console) -> bool:
    """Whether somebody can be asked who sees this console: it can be drawn on, and their keys are heard."""
    return _is_live(console) and maybe_keyboard(sys.stdin) is not None


def _is_live(console: Console) -> bool:
    return console.is_terminal and console.is_interactive and not console.is_dumb_terminal


class _Moving:
    """What is redrawn, as it is at the moment. rich asks anew each time that something is printed.

    Its lines are not broken by the terminal, but cut: one that has become narrower may not have said so yet, and the
    way back up to the first of them must not depend on that.
    """

    lines: Sequence[Text] = ()

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        if self.lines:
            yield Segment(BREAKS_NOT, control=NOT_SHOWN)
            yield Text("\n", no_wrap=True, overflow="crop", end="").join(self.lines)
            yield Segment(BREAKS, control=NOT_SHOWN)


class _Code:
    """What a terminal obeys, and does not show."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        yield Segment(self._code, control=NOT_SHOWN)


class _Terminal:
    """A terminal with a story on it. As a context manager: when it is left, all is printed that was heard."""

    def __init__(
        self,
        console: Console,
        *,
        details: bool,
        interrupt: str,
        answer: Give | None,
        trouble: Callable[[], str | None],
    ) -> None:
        self.is_live = _is_live(console)
        self.has_keys = False
        self._console = console
        self._screen = Screen()
        self._answer = answer
        self._prompts = Prompts(self._screen)
        self._scroll = Scroll(self._screen, Paper(console), details=details, prompts=self._prompts)
        self._interrupt = interrupt
        self._trouble = trouble
        self._moving = _Moving()
        self._live = Live(self._moving, console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._news = trio.Event()
        self._width = console.width

    def __enter__(self) -> None:
        if self._answer is not None:
            self._console.print(_Code(PASTES), end="")
        if self.is_live:
            self._live.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._screen.cut()
        now = trio.current_time()
        lost = self._noted(self._prompts.follow(now), now) if self._answer is not None else ()
        try:
            self._show([*lost, *self._scroll.rest(now, explained=kind is not None)], ())
        finally:
            if self.is_live:
                self._live.stop()
            if self._answer is not None:
                self._console.print(_Code(PASTES_NOT), end="")

    async def hear(self, events: AsyncIterable[Event]) -> None:
        """Take every event. Frames are drawn by themselves."""
        count = 0
        async for event in events:
            self._screen.take(event, trio.current_time())
            self._news.set()
            count += 1
            if count % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    async def draw_frames(self) -> None:
        """Draw a frame when there is news, and while something moves by itself."""
        while True:
            if not (self.is_live and self._screen.moves):
                await self._news.wait()
            self._news = trio.Event()
            self._draw()
            await trio.sleep(FRAME)

    def press(self, nursery: trio.Nursery, key: Pressed) -> None:
        """Do what a key is for; an answer is given in this nursery."""
        now = trio.current_time()
        was_typed = self._prompts.hears(now)
        given = self._prompts.press(key, now)
        if given is not None:
            nursery.start_soon(self._give, given)
        if key == DETAILS and not was_typed:
            self._draw(self._scroll.toggle(now))
        elif was_typed or self._prompts.hears(now):
            self._draw()

    async def _give(self, given: Given) -> None:
        """Give an answer. That it was taken, the story tells."""
        assert self._answer is not None
        try:
            await self._answer(given.value, given.prompt.question.n)
        except NarrateError as error:
            now = trio.current_time()
            self._draw(self._noted(self._prompts.refuse(given.prompt, error, now), now))

    def _draw(self, before: Sequence[Text] = ()) -> None:
        now = trio.current_time()
        over = self._scroll.over(now)
        if self._answer is not None:
            over = [*over, *self._noted(self._prompts.follow(now), now)]
        if self._prompts.rings():
            self._console.bell()
        moving: Sequence[Text] = ()
        if self.is_live:
            trouble = self._trouble()
            again = f"{trouble} Trying again…" if trouble is not None else ""
            moving = self._scroll.moving(now, self._console.height, self._keys(now), again)
        self._show([*before, *over], moving)

    def _noted(self, said: Sequence[str], now: float) -> Sequence[Text]:
        return [line for text in said for line in self._scroll.noted(text, now)]

    def _keys(self, now: float) -> str:
        """What the keys do, in a line."""
        details = f"{DETAILS} {'hides details' if self._scroll.details else 'details'}"
        has_details = self.has_keys and not self._prompts.hears(now)
        interrupt = f"Ctrl-C {self._interrupt}" if self._interrupt else ""
        return " · ".join(filter(None, (self._prompts.keys(), details if has_details else "", interrupt)))

    def _show(self, over: Sequence[Text], moving: Sequence[Text]) -> None:
        """Print what is over and redraw what moves, in one go, so that nothing flickers."""
        if not over and moving == self._moving.lines:
            return
        if self.is_live:
            self._climb()
        self._moving.lines = moving
        self._console.print(Group(*over) if over else Control(), crop=False)

    def _climb(self) -> None:
        """Where the window has become narrower, go up to where the redrawn lines begin now.

        A terminal breaks what stands there already and is too long now, and rich counts it as it was. (One that does
        not loses so many lines above; few are left that do not, and the other mistake would leave rubbish behind.) What
        it has pushed out at the top by that is out of reach.
        """
        width, before = self._console.width, self._width
        self._width = width
        if width < before:
            broken = sum((max(line.cell_len, 1) - 1) // width for line in self._moving.lines)
            up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
            self._console.control(Control(*up * broken))
