"""Stories poured into responses: bodies that own nothing but cursors.

No channel and no task is on this path. Whatever is ready goes out in one write, and a slow reader finds more ready the
next time. No work is done here and none is cleaned up: the server may end a body that stalls without running it on.
"""

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

import trio
from quart.wrappers.response import ResponseBody
from werkzeug.datastructures import Headers

from narrate.events import Detached, Detail, Event
from narrate.journal.base import Begun
from narrate.journal.live import Reader, Several
from narrate.running import Run
from narrate.server.options import Options
from narrate.wire.forms import Form, Line, is_large, without_data
from narrate.wire.several import SeveralForm

AT_ONCE = 512
"""Events that go out in one write at most, so that a reader who has fallen behind is never owed a copy of the story."""


BEATS = 4
"""How often within a heartbeat the streams are looked over."""


class Streams:
    """The answers that are under way, so that a server which stops can ask their readers to come back."""

    def __init__(self) -> None:
        self.draining = False
        self._open: set[Body] = set()
        self._waits: set[trio.CancelScope] = set()
        self._empty = trio.lowlevel.ParkingLot()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, body: "Body") -> None:
        self._open.add(body)

    def discard(self, body: "Body") -> None:
        self._open.discard(body)
        if not self._open:
            self._empty.unpark_all()

    @contextmanager
    def reading(self, run: Run | None) -> Iterator[None]:
        """Count as a reader of the run, if it is under way here, for one that waits for its end."""
        if run is not None:
            reading = run.reading()
            reading.__enter__()
        try:
            yield
        finally:
            # A reader that was sent away has not left: what becomes of its run is said by whoever stops the server.
            if run is not None and not self.draining:
                reading.__exit__()

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Give up what waits in the block after so many seconds, or when the streams are drained."""
        with trio.CancelScope(deadline=trio.current_time() + seconds) as scope:
            self._waits.add(scope)
            if self.draining:
                scope.cancel()
            try:
                yield
            finally:
                self._waits.discard(scope)

    async def beat(self, every: float) -> None:
        """Have each stream show that it is alive after so many seconds of silence; for ever.

        One task for all streams: a deadline for each would be a cancel scope for each, a kilobyte in memory, and made
        anew for every chunk.
        """
        while True:
            await trio.sleep(every / BEATS)
            self._look_over(trio.current_time() - every * (BEATS - 1) / BEATS)

    def _look_over(self, since: float) -> None:
        # Apart from the loop, whose variable would keep the last stream's body, and its record, until the next look.
        for body in tuple(self._open):
            body.beat_if_silent(since)

    async def drain(self) -> None:
        """End every stream after a word to its reader, and wait until all have gone."""
        self.draining = True
        for scope in tuple(self._waits):
            scope.cancel()
        for body in tuple(self._open):
            body.stop_waiting()
        while self._open:
            await self._empty.park()


class _Cursor(Protocol):
    """A place in one record or in several."""

    @property
    def ended(self) -> bool: ...

    def stop_waiting(self) -> None: ...

    async def wait_more(self) -> None: ...


class Body(ResponseBody):
    """The body of one stream, from where its cursor stands to the end. It counts as a reader of the `runs`.

    Those are under way; one that was begun `held` is released once the first bytes have been handed over. At `until`,
    by trio's clock, the stream is over though the story is not. `headers` are those of the response, where it is known.
    """

    headers: Headers | None = None

    def __init__(
        self,
        cursor: _Cursor,
        runs: Sequence[Run],
        form: Form | SeveralForm,
        streams: Streams,
        options: Options,
        until: float | None = None,
    ) -> None:
        self._cursor = cursor
        self._form = form
        self._streams = streams
        self._options = options
        self._runs = runs
        self._readings = [run.reading() for run in runs]
        self._until = until
        self._silent_since: float | None = None
        self._beating = False
        self._chunks = self._next_chunks()

    async def __aenter__(self) -> Self:
        if self.headers is not None:
            self.headers.clear()  # they are out, and Quart would keep them for as long as the stream is open
        for reading in self._readings:
            reading.__enter__()
        self._streams.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams.discard(self)
        if self._is_over():  # also when its reader has taken nothing for so long that it could not be told
            self._detach()
        # A reader that was sent away has not left: what becomes of its run is said by whoever stops the server.
        if not self._streams.draining:
            for reading in self._readings:
                reading.__exit__()
        self._release()
        self._chunks = iter(())  # which hold the body as it holds them: one that was left would stay until collected

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            if chunk:
                return chunk
            self._silent_since = trio.current_time()
            if self._until is None:
                await self._cursor.wait_more()
            else:
                with trio.move_on_at(self._until):
                    await self._cursor.wait_more()
            self._silent_since = None
            beating, self._beating = self._beating, False
            if beating and not self._streams.draining and (beat := self._form.heartbeat()):
                return beat
        raise StopAsyncIteration

    def stop_waiting(self) -> None:
        """Wake the body if it waits for more."""
        self._cursor.stop_waiting()

    def beat_if_silent(self, since: float) -> None:
        """Show that the stream is alive if nothing has been written since then."""
        if self._silent_since is not None and self._silent_since <= since:
            self._beating = True
            self._cursor.stop_waiting()

    @abstractmethod
    def _ready(self, before: bytes = b"") -> Iterator[bytes]:
        """All that is ready, behind these bytes."""

    @abstractmethod
    def _last_word(self) -> bytes:
        """What says that the stream is over and the story is not."""

    def _next_chunks(self) -> Iterator[bytes]:
        """The chunks in their order; an empty one where there is nothing more yet."""
        yield from self._ready(self._form.opening())
        # Only when the first chunk has been handed to the connection is the next one asked for.
        self._release()
        while not self._cursor.ended:
            if self._streams.draining:
                if word := self._form.reconnect(self._options.reconnect):
                    yield word
                return
            if self._is_over():
                self._detach()
                yield self._last_word()
                return
            yield b""
            yield from self._ready()

    def _is_over(self) -> bool:
        return self._until is not None and self._until <= trio.current_time()

    def _detach(self) -> None:
        for run in self._runs:
            run.detach()

    def _release(self) -> None:
        for run in self._runs:
            run.release()


class StoryBody(Body):
    """The body of one run's stream. `run` is the run while it is under way here; `home` is the address of its state."""

    _form: Form

    def __init__(
        self,
        reader: Reader,
        begun: Begun,
        run: Run | None,
        form: Form,
        streams: Streams,
        options: Options,
        *,
        home: str,
        until: float | None = None,
    ) -> None:
        self._reader = reader
        self._begun = begun
        self._home = home
        super().__init__(reader, (run,) if run is not None else (), form, streams, options, until)

    def _ready(self, before: bytes = b"") -> Iterator[bytes]:
        # Status first: an event may have overtaken it, but never the other way.
        before += self._form.status(self._reader.take_status_nowait())
        events = self._reader.take_nowait()
        for at in range(0, len(events), AT_ONCE):
            batch = events[at : at + AT_ONCE]
            chunk = before + self._form.events(batch, _line_of(batch, self._reader, self._home))
            before = b""
            if chunk:
                yield chunk
        if before:
            yield before

    def _last_word(self) -> bytes:
        t = round(max(time.time() - self._begun.began, 0.0), 4)
        return self._form.detached(Detached(self._begun.run, self._home, t=t))


class SeveralBody(Body):
    """The body of a stream of several runs. `homes` are the addresses of their states, in the order of the readers."""

    _form: SeveralForm

    def __init__(
        self,
        readers: Sequence[Reader],
        runs: Sequence[Run],
        form: SeveralForm,
        streams: Streams,
        options: Options,
        *,
        homes: Sequence[str],
    ) -> None:
        self._readers = readers
        self._homes = homes
        super().__init__(Several(readers), runs, form, streams, options)

    def _ready(self, before: bytes = b"") -> Iterator[bytes]:
        for which, (reader, home) in enumerate(zip(self._readers, self._homes, strict=True)):
            before += self._form.status_of(which, reader.take_status_nowait())
            events = reader.take_nowait()
            for at in range(0, len(events), AT_ONCE):
                batch = events[at : at + AT_ONCE]
                yield before + self._form.events_of(which, batch, _line_of(batch, reader, home))
                before = b""
        if before:
            yield before

    def _last_word(self) -> bytes:
        return b""  # it has no other end than that of the last story


def _line_of(batch: Sequence[Event], reader: Reader, home: str) -> Line:
    """What gives the JSON of these events as it travels."""
    # Nearly every batch is without details, and then its lines are the record's own, at no cost for each.
    if Detail not in set(map(type, batch)):
        return reader.line

    def line(event: Event) -> bytes:
        return without_data(event, f"{home}/details/{event.n}") if is_large(event) else reader.line(event)

    return line
