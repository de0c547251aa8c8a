"""What a step can say while it works: `say`, `show`, `progress`, `relay`, `each`.

Functions over a context variable, so that a step stays a plain function: outside a run they say nothing, and a unit
test simply calls the step. They work from threads too. Where the words go is the `Lane`'s business; this module only
knows that there is one.
"""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

import trio

from narrate.errors import problem_of
from narrate.events import (
    Detail,
    Event,
    Message,
    Progress,
    RunId,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepStarted,
    Token,
    plain,
    utf8_size,
    whole_text,
)

T = TypeVar("T")
R = TypeVar("R")
F = TypeVar("F")

TOKENS_PER_TURN = 32
"""So many pieces that are there at once are passed on before other tasks get their turn."""


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

    async def wait_room(self, size: int, events: int = 1) -> None:
        """Wait until the lane is live, or so many more bytes in so many events may be held back.

        There is room on return, not later.
        """
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

    Its items are numbered on from one `each` to the next. An item without a label speaks under the step's own path, so
    the items that it begins have its number in front: `step/1.1`.
    """

    lane: Lane
    path: str
    mark: str = ""
    items: int = 0
    unlabelled: int = 0
    silent: bool = False

    def say(self, text: str) -> None:
        self.lane.tell(Message(self.path, text, t=self.lane.now()), utf8_size(text) or 1)

    def show(self, title: str, data: Any) -> None:
        told, size = plain(data)
        self.lane.tell(Detail(self.path, title, told, size, t=self.lane.now()), size + utf8_size(title))

    def progress(self, done: float | None, of: float | None, unit: str | None, text: str | None) -> None:
        self.lane.status(Progress(self.path, done, of, unit, text, t=self.lane.now()))

    def token(self, text: str) -> None:
        self.lane.tell(Token(self.path, text, t=self.lane.now()), utf8_size(text) or 1)


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
    _speak(Speaker.say, _text(text, "say()"))


def show(title: str, data: Any) -> None:
    """Tell a detail to open and inspect: any value that pydantic can serialise, copied as it is now.

    Raises NotTellable for data without a JSON form, and NarrationTooLong as `say` does.
    """
    _speak(Speaker.show, _text(title, "show()"), data)


def progress(
    done: float | None = None, of: float | None = None, unit: str | None = None, text: str | None = None
) -> None:
    """Give live status: so much `done` `of` so much. Seen at once, whatever the reading order; the latest wins."""
    for number in (done, of):
        if number is not None and not isinstance(number, (int, float)):
            raise TypeError(f"progress() takes numbers, not {type(number).__name__}.")
    for word in (unit, text):
        if word is not None:
            utf8_size(_text(word, "progress()"))
    _speak(Speaker.progress, done, of, unit, text)


async def relay(chunks: AsyncIterable[str]) -> str:
    """Pass a stream of text on as `token` events, piece by piece as it arrives, and return the whole.

    Empty pieces are left out. When the step's turn to be told has not come and the run holds back as much as it may, it
    waits, and so does whoever makes the pieces. An async generator is closed with it, so that what makes the pieces is
    cleaned up at once when the step is cancelled between two of them.
    """
    speaker = speaking.get()
    pieces: list[str] = []
    async with aclosing(chunks) if isinstance(chunks, AsyncGenerator) else nullcontext():
        async for chunk in chunks:
            if not chunk:
                continue
            piece = whole_text(_text(chunk, "relay()"))
            pieces.append(piece)
            if speaker is None or speaker.silent:
                continue
            await speaker.lane.wait_room(utf8_size(piece))
            speaker.token(piece)
            if len(pieces) % TOKENS_PER_TURN == 1:
                await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
    return "".join(pieces)


@overload
async def each(
    items: Iterable[T],
    fn: Callable[[T], Awaitable[R]],
    *,
    at_most: int = 8,
    label: Callable[[T], str] | None = None,
    unit: str | None = None,
) -> list[R]: ...


@overload
async def each(
    items: Iterable[T],
    fn: Callable[[T], Awaitable[R]],
    *,
    at_most: int = 8,
    label: Callable[[T], str] | None = None,
    unit: str | None = None,
    on_error: Callable[[T, Exception], F],
) -> list[R | F]: ...


async def each(
    items: Iterable[T],
    fn: Callable[[T], Awaitable[R]],
    *,
    at_most: int = 8,
    label: Callable[[T], str] | None = None,
    unit: str | None = None,
    on_error: Callable[[T, Exception], Any] | None = None,
) -> list[Any]:
    """Do `fn` for each item, `at_most` at a time; the results come in the items' order.

    Every item has a lane of its own, so what `fn` says is told item by item in their order, and progress is told by
    itself. With a `label` each item is announced and told as a step of its own, `weather/1`, `weather/2`, ….

    The first item to fail stops the others and its error is raised, with the others' as notes. With `on_error`, what
    that gives for the item and its error stands in for the result instead, and the others go on.
    """
    if at_most < 1:
        raise ValueError(f"at_most={at_most} never begins.")
    if inspect.iscoroutinefunction(on_error):
        raise TypeError("on_error is called, not awaited: give each() a plain function.")
    speaker = speaking.get()
    heard = speaker if speaker is not None and not speaker.silent else None
    fan = _FanOut(list(items), fn, heard, label, unit, on_error)
    await fan.run(at_most)
    return fan.results


class _FanOut:
    """One `each` under way."""

    def __init__(
        self,
        items: list[Any],
        fn: Callable[[Any], Awaitable[Any]],
        speaker: Speaker | None,
        label: Callable[[Any], str] | None,
        unit: str | None,
        on_error: Callable[[Any, Exception], Any] | None,
    ) -> None:
        self.items = items
        self.fn = fn
        self.speaker = speaker
        self.label = label
        self.unit = unit
        self.on_error = on_error
        self.results: list[Any] = [None] * len(items)
        self.failures: list[Exception] = []
        self.done = 0
        self._waiting = iter(range(len(items)))
        self._scope = trio.CancelScope()

    async def run(self, at_most: int) -> None:
        speakers = self._speakers(await self._announce())
        try:
            with self._scope:
                if self.speaker is not None and self.label is not None:
                    await self.speaker.lane.settle()
                async with trio.open_nursery() as nursery:
                    for _ in range(min(at_most, len(self.items))):
                        nursery.start_soon(self._work, speakers)
        finally:
            for index in self._waiting:
                self._cancelled(speakers[index])
        if self.failures:
            first, *others = self.failures
            for other in others:
                first.add_note(f"Another item failed as well: {other!r}")
            raise first

    async def _announce(self) -> Sequence[str]:
        """Announce each labelled item, once there is room for all; their paths. Unlabelled ones speak as the step.

        From the first announcement to the fork of the lanes nothing is waited for: were the step to speak from another
        task of its own between them, or to begin another round, neither could be read.
        """
        speaker = self.speaker
        if speaker is None or self.label is None:
            return ()
        titles = [_text(self.label(item), "each(label=...)") for item in self.items]
        sizes = [utf8_size(title) or 1 for title in titles]
        await speaker.lane.wait_room(sum(sizes), len(sizes))
        paths: list[str] = []
        for title, size in zip(titles, sizes, strict=True):
            speaker.items += 1
            paths.append(f"{speaker.path}/{speaker.mark}{speaker.items}")
            speaker.lane.tell(StepStarted(paths[-1], title, t=speaker.lane.now()), size)
        return paths

    def _speakers(self, announced: Sequence[str]) -> Sequence[Speaker | None]:
        speaker = self.speaker
        if speaker is None:
            return [None] * len(self.items)
        lanes = speaker.lane.fork(len(self.items))
        if announced:
            return [Speaker(lane, path) for lane, path in zip(lanes, announced, strict=True)]
        first = speaker.unlabelled + 1
        speaker.unlabelled += len(lanes)
        return [Speaker(lane, speaker.path, f"{speaker.mark}{n}.") for n, lane in enumerate(lanes, first)]

    async def _work(self, speakers: Sequence[Speaker | None]) -> None:
        for index in self._waiting:
            await self._item(index, speakers[index])
            self.done += 1
            if self.speaker is not None and not self.speaker.silent:
                self.speaker.progress(self.done, len(self.items), self.unit, None)

    async def _item(self, index: int, speaker: Speaker | None) -> None:
        token = speaking.set(speaker)
        began = speaker.lane.now() if speaker else 0.0
        try:
            self.results[index] = await self.fn(self.items[index])
        except BaseException as error:
            failure = failure_within(error)
            if failure is None:
                self._cancelled(speaker)
                raise
            self._failed(speaker, failure)
            self._collect(index, failure)
        else:
            if speaker is not None and self.label is not None:
                now = speaker.lane.now()
                speaker.lane.tell(StepFinished(speaker.path, round(now - began, 4), t=now))
        finally:
            speaking.reset(token)
            if speaker is not None:
                _end(speaker)

    def _collect(self, index: int, error: Exception) -> None:
        """Let something stand in for the failed item's result, or stop the others."""
        if self.on_error is not None:
            try:
                self.results[index] = self.on_error(self.items[index], error)
            except Exception as second:  # noqa: BLE001 (raised by `run`, as the item's own error would be)
                error = second
            else:
                return
        self.failures.append(error)
        self._scope.cancel()

    def _failed(self, speaker: Speaker | None, error: Exception) -> None:
        if speaker is not None and self.label is not None:
            speaker.lane.tell(StepFailed(speaker.path, problem_of(error, speaker.path), t=speaker.lane.now()))

    def _cancelled(self, speaker: Speaker | None) -> None:
        if speaker is None or speaker.silent:
            return
        if self.label is not None:
            reason = speaker.lane.stopping or ("Another item failed." if self.failures else "The step stopped.")
            speaker.lane.tell(StepCancelled(speaker.path, reason, t=speaker.lane.now()))
        _end(speaker)


def failure_within(error: BaseException) -> Exception | None:
    """What went wrong by itself in what a step raised; None when that was cancelled, or ends the program.

    A step's own nursery may raise its cancellation and an error of somebody's cleanup in one group: that is an error.
    """
    if isinstance(error, BaseExceptionGroup):
        error = error.split(trio.Cancelled)[1] or error
    return error if isinstance(error, Exception) else None


def _end(speaker: Speaker) -> None:
    if not speaker.silent:
        speaker.silent = True
        speaker.lane.close()


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


def _text(text: Any, verb: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{verb} takes text, not {type(text).__name__}.")
    return text
