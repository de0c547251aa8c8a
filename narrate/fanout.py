"""`each`: the same work for many items, a few at a time, each item in a lane of its own.

Apart from the other verbs because it runs things, where they only speak.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar, overload

import trio

from narrate.errors import problem_of
from narrate.events import StepCancelled, StepFailed, StepFinished, StepStarted, utf8_size
from narrate.pauses import pausing, with_pauses
from narrate.verbs import Speaker, failure_within, speaking, text_for

T = TypeVar("T")
R = TypeVar("R")
F = TypeVar("F")


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
    itself. With a `label` each item is told as a step of its own, `weather/1`, `weather/2`, …: all are announced before
    the first begins, and the `seconds` of each are those of its own work.

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

    async def _announce(self) -> Sequence[tuple[str, str]]:
        """Announce each labelled item, once there is room for all; their paths and labels. Others speak as the step.

        From the first announcement to the fork of the lanes nothing is waited for: were the step to speak from another
        task of its own between them, or to begin another round, neither could be read.
        """
        speaker = self.speaker
        if speaker is None or self.label is None:
            return ()
        titles = [text_for("each(label=...)", self.label(item)) for item in self.items]
        sizes = [utf8_size(title) or 1 for title in titles]
        await speaker.lane.wait_room(sum(sizes), len(sizes))
        announced: list[tuple[str, str]] = []
        for title, size in zip(titles, sizes, strict=True):
            speaker.items += 1
            path = f"{speaker.path}/{speaker.mark}{speaker.items}"
            speaker.lane.tell(StepStarted(path, title, t=speaker.lane.now()), size)
            announced.append((path, title))
        return announced

    def _speakers(self, announced: Sequence[tuple[str, str]]) -> Sequence[Speaker | None]:
        speaker = self.speaker
        if speaker is None:
            return [None] * len(self.items)
        lanes = speaker.lane.fork(len(self.items))
        if announced:
            return [
                Speaker(lane, path, outer=speaker, label=title)
                for lane, (path, title) in zip(lanes, announced, strict=True)
            ]
        unlabelled, begun = speaker.unlabelled, speaker.begun
        speaker.unlabelled += len(lanes)
        speaker.begun += len(lanes)
        return [
            Speaker(
                lane,
                speaker.path,
                f"{speaker.mark}{unlabelled + n}.",
                outer=speaker,
                label=speaker.label,
                place=f"{speaker.place}.{begun + n}".removeprefix("."),
            )
            for n, lane in enumerate(lanes, 1)
        ]

    async def _work(self, speakers: Sequence[Speaker | None]) -> None:
        for index in self._waiting:
            await self._item(index, speakers[index])
            if self.failures:
                return  # up to its first checkpoint, the next would be done
            self.done += 1
            if self.speaker is not None and not self.speaker.silent:
                self.speaker.progress(self.done, len(self.items), self.unit, None)

    async def _item(self, index: int, speaker: Speaker | None) -> None:
        token = speaking.set(speaker)
        began = speaker.lane.now() if speaker else 0.0
        try:
            self.results[index] = await self._work_on(index)
        except BaseException as error:
            failure = failure_within(error)
            if failure is None:
                self._cancelled(speaker)
                raise
            self._failed(speaker, failure)
            speaking.set(self.speaker)  # the item has told its end: what `on_error` says is the step's
            self._collect(index, failure)
        else:
            if speaker is not None and self.label is not None:
                now = speaker.lane.now()
                speaker.lane.tell(StepFinished(speaker.path, round(now - began, 4), t=now))
        finally:
            speaking.reset(token)
            if speaker is not None:
                speaker.end()

    def _work_on(self, index: int) -> Awaitable[Any]:
        item = self.items[index]
        pause = pausing.get()
        if pause is None:
            return self.fn(item)
        path = self.speaker.path if self.speaker is not None else ""
        return with_pauses(pause, path, f" item {index + 1}", partial(self.fn, item))

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
        speaker.end()
