"""What a step can say while it works: `say`, `show`, `progress`, `relay`. (`each` has a file of its own, `fanout`.)

Functions over a context variable, so that a step stays a plain function: outside a run they say nothing, and a unit
test simply calls the step. They work from threads that trio started, too. Where the words go is the `Lane`'s business;
this module only knows that there is one.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import trio

from narrate.errors import Explained, NotTellable
from narrate.events import Detail, Event, Message, Progress, Question, RunId, Token, plain, utf8_size, whole_text
from narrate.questions import Inquiry

TOKENS_PER_TURN = 32
"""So many pieces that are there at once are passed on before other tasks get their turn."""

TELLABLE = "Give a pydantic model, a dataclass or plain data."
"""What to do about a value that has no JSON form."""


class Lane(Protocol):
    """Where a step's words go: one sequence of events of a run, which is told in its turn."""

    @property
    def run(self) -> RunId:
        """The run that this is a lane of."""
        ...

    @property
    def stopping(self) -> str | None:
        """Why the run is being stopped; None while it is not."""
        ...

    def now(self) -> float:
        """Seconds since the run began."""
        ...

    def tell(self, event: Event, size: int = 0) -> None:
        """Tell an event. With a size (bytes) it counts towards the bound on what is held back.

        Raises NarrationTooLong at that bound.
        """
        ...

    def status(self, progress: Progress) -> None:
        """Give news that is live whatever lane it comes from, and is kept nowhere."""
        ...

    def cut(self, text: str) -> tuple[str, str]:
        """The text in two: what may be told now, and an end that the next piece might make a secret."""
        ...

    def masked(self, question: Question) -> Question:
        """The question as it may be told, without secrets."""
        ...

    def ask(self, question: Question) -> Question:
        """Tell a question in a lane whose turn it is; the question with its number."""
        ...

    async def wait_answer(self, n: int) -> str:
        """Wait for what a person answers to question number `n`."""
        ...

    async def wait_turn(self) -> None:
        """Wait until what is told here is read at once. It is so on return, not later."""
        ...

    async def wait_room(self, size: int, events: int = 1) -> None:
        """Wait until the lane is live, or so many more bytes in so many events may be held back.

        There is room on return, not later.
        """
        ...

    def keep(self, path: str, value: bytes | None) -> None:
        """Keep what a step gave, once it has told its end, for the case that the run must be gone on with elsewhere."""
        ...

    def settle(self) -> Awaitable[None]:
        """Wait until what has been told is kept and the readers have had their chance to pass it on."""
        ...

    def fork(self, count: int) -> "Sequence[Lane]":
        """Begin a group of so many lanes here."""
        ...

    def close(self) -> None:
        """End the lane: nothing more is told in it."""
        ...


@dataclass(slots=True)
class Speaker:
    """Who speaks: a step (or one item of `each`), by its path, in its lane. Silent once the step has ended.

    An item's speaker has that of its step, or of the item that it is inside of, as `outer`.
    Its items are numbered on from one `each` to the next. An item without a label speaks under the step's own path, so
    the items that it begins have its number in front: `step/1.1`. Which one it is, its `place`, is counted anew in each
    attempt (by `begun`), and from the nearest item with a `label`: it tells the same item in two attempts.
    """

    lane: Lane
    path: str
    mark: str = ""
    items: int = 0
    unlabelled: int = 0
    silent: bool = False
    outer: "Speaker | None" = None
    label: str | None = None
    place: str = ""
    begun: int = 0
    asks: Inquiry | None = None

    @property
    def inquiry(self) -> Inquiry:
        """What the step asks, all its items together."""
        if self.outer is not None:
            return self.outer.inquiry
        if self.asks is None:  # most steps never ask
            self.asks = Inquiry()
        return self.asks

    def begin_again(self) -> None:
        """Another attempt of the step begins."""
        self.begun = 0
        if self.asks is not None:
            self.asks.begin_again()

    def say(self, text: str) -> None:
        self.lane.tell(Message(self.path, text, t=self.lane.now()), utf8_size(text) or 1)

    def show(self, title: str, data: Any) -> None:
        try:
            told, size = plain(data)
        except NotTellable as error:
            raise NotTellable(f"show({title!r}, …): {error} {TELLABLE}") from error
        self.lane.tell(Detail(self.path, title, told, size, t=self.lane.now()), size + utf8_size(title))

    def progress(self, done: float | None, of: float | None, unit: str | None, text: str | None) -> None:
        self.lane.status(Progress(self.path, done, of, unit, text, t=self.lane.now()))

    def end(self) -> None:
        """Say nothing more, and close the lane."""
        if not self.silent:
            self.silent = True
            self.lane.close()

    async def pass_on(self, text: str) -> None:
        """Tell a piece of text, if there is any, as soon as there is room for it."""
        size = utf8_size(text)
        if size and not self.silent:
            await self.lane.wait_room(size)
            if not self.silent:
                self.lane.tell(Token(self.path, text, t=self.lane.now()), size)


speaking: ContextVar[Speaker | None] = ContextVar("speaking", default=None)
"""The speaker of the step that runs in this context. Set by the runner."""


def current_run() -> RunId | None:
    """The id of the run that the calling step belongs to; None outside one."""
    speaker = speaking.get()
    return speaker.lane.run if speaker is not None else None


def say(text: str) -> None:
    """Tell one line.

    Raises NotTellable for a lone surrogate, and NarrationTooLong when the step's turn to be told has not come and the
    run holds back as much as it may.
    """
    _speak(Speaker.say, text_for("say()", text))


def show(title: str, data: Any) -> None:
    """Tell a detail to open and inspect: any value that pydantic can serialise, copied as it is now.

    Raises NotTellable for data without a JSON form, and NarrationTooLong as `say` does.
    """
    _speak(Speaker.show, text_for("show()", title), data)


def progress(
    done: float | None = None, of: float | None = None, unit: str | None = None, text: str | None = None
) -> None:
    """Give live status: so much `done` `of` so much. Seen at once, whatever the reading order; the latest wins."""
    for number in (done, of):
        if number is not None and not isinstance(number, (int, float)):
            raise TypeError(f"progress() takes numbers, not {type(number).__name__}.")
    for word in (unit, text):
        if word is not None:
            utf8_size(text_for("progress()", word))
    _speak(Speaker.progress, done, of, unit, text)


async def relay(chunks: AsyncIterable[str]) -> str:
    """Pass a stream of text on as `token` events, piece by piece as it arrives, and return the whole.

    Empty pieces are left out. When the step's turn to be told has not come and the run holds back as much as it may, it
    waits, and so does whoever makes the pieces. An async generator is closed with it, so that what makes the pieces is
    cleaned up at once when the step is cancelled between two of them.
    """
    speaker = speaking.get()
    pieces: list[str] = []
    held = ""
    async with aclosing(chunks) if isinstance(chunks, AsyncGenerator) else nullcontext():
        async for chunk in chunks:
            if not chunk:
                continue
            piece = whole_text(text_for("relay()", chunk))
            pieces.append(piece)
            if speaker is None or speaker.silent:
                continue
            ready, held = speaker.lane.cut(held + piece)
            await speaker.pass_on(ready)
            if len(pieces) % TOKENS_PER_TURN == 1:
                await trio.lowlevel.checkpoint()
        if speaker is not None:
            await speaker.pass_on(held)
        await trio.lowlevel.checkpoint()
    return "".join(pieces)


def failure_within(error: BaseException) -> Exception | None:
    """What went wrong by itself in what a step raised; None when that was cancelled, or ends the program.

    A step's own nursery may raise its cancellation and an error of somebody's cleanup in one group: that is an error.
    """
    if isinstance(error, BaseExceptionGroup):
        error = error.split(trio.Cancelled)[1] or error
    if isinstance(error, SystemExit):  # one step must not end a server with all its runs
        return Explained("It tried to end the whole program.")
    return error if isinstance(error, Exception) else None


def _speak(verb: Callable[..., None], *words: Any) -> None:
    """Let the current speaker speak, in the run's own thread."""
    speaker = speaking.get()
    if speaker is None:
        return
    if trio.lowlevel.in_trio_run():
        _heard(speaker, verb, *words)
    else:
        trio.from_thread.run_sync(_heard, speaker, verb, *words)


def _heard(speaker: Speaker, verb: Callable[..., None], *words: Any) -> None:
    if not speaker.silent:
        verb(speaker, *words)


def text_for(verb: str, text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{verb} takes text, not {type(text).__name__}.")
    return text
