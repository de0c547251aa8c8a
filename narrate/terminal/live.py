"""A story drawn live: events in, frames out, keys heard. Here the terminal is written to; what is written, others say.

What is over is printed once and scrolls away; only the lines at the bottom are redrawn, so many times a second, and
only when they have changed.
"""

import sys
from collections.abc import AsyncIterable, Sequence
from contextlib import nullcontext

import trio
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment
from rich.text import Text

from narrate.events import Event
from narrate.terminal.keys import each_key, hear_keys, maybe_keyboard
from narrate.terminal.paper import Paper
from narrate.terminal.screen import Screen
from narrate.terminal.scroll import Scroll

FRAME = 1 / 12
"""Seconds between two frames while something moves."""

DETAILS = "d"
"""The key that opens and closes details."""

BREAKS_NOT, BREAKS = "\x1b[?7l", "\x1b[?7h"
"""DECAWM: what has a terminal cut lines that are too long for it, and break them again."""

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
) -> None:
    """Draw a story, numbered events with live status in between, until it ends; then its summary stands there.

    - `details`: have them open from the start. `keys`: let `d` open and close them, where standard input is a terminal.
    - `interrupt`: what Ctrl-C does, for the line that says so; empty where that is not to be said. Heard it is not.

    On a console that cannot be redrawn every stage is printed when it is over. What `events` raises is let through;
    what was heard until then is printed first, and the terminal is as it was. The same when this is cancelled.
    """
    terminal = _Terminal(console, details=details, interrupt=interrupt)
    keyboard = maybe_keyboard(sys.stdin) if keys and terminal.is_live else None
    with terminal, nullcontext() if keyboard is None else each_key(keyboard):
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(terminal.draw_frames)
            if keyboard is not None:
                terminal.has_keys = True
                nursery.start_soon(hear_keys, keyboard, terminal.press)
            try:
                await terminal.hear(events)
            except Exception as error:  # noqa: BLE001 (raised below, outside the nursery that would wrap it)
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure


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


class _Terminal:
    """A terminal with a story on it. As a context manager: when it is left, all is printed that was heard."""

    def __init__(self, console: Console, *, details: bool, interrupt: str) -> None:
        self.is_live = console.is_terminal and console.is_interactive and not console.is_dumb_terminal
        self.has_keys = False
        self._console = console
        self._screen = Screen()
        self._scroll = Scroll(self._screen, Paper(console), details=details)
        self._interrupt = interrupt
        self._moving = _Moving()
        self._live = Live(self._moving, console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._news = trio.Event()
        self._width = console.width

    def __enter__(self) -> None:
        if self.is_live:
            self._live.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._screen.cut()
        try:
            self._show(self._scroll.rest(trio.current_time(), explained=kind is not None), ())
        finally:
            if self.is_live:
                self._live.stop()

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

    def press(self, key: str) -> None:
        """Do what a key is for."""
        if key == DETAILS:
            self._draw(self._scroll.toggle(trio.current_time()))

    def _draw(self, opened: Sequence[Text] = ()) -> None:
        now = trio.current_time()
        over = self._scroll.over(now)
        moving = self._scroll.moving(now, self._console.height, self._keys()) if self.is_live else ()
        self._show([*opened, *over], moving)

    def _keys(self) -> str:
        opens = f"{DETAILS} {'hides details' if self._scroll.details else 'details'}" if self.has_keys else ""
        return " · ".join(filter(None, (opens, f"Ctrl-C {self._interrupt}" if self._interrupt else "")))

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
