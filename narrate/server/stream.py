"""A story poured into a response: a body that owns nothing but a cursor.

No channel and no task is on this path. Whatever is ready goes out in one write, and a slow reader finds more ready the
next time. No work is done here and none is cleaned up: the server may end a body that stalls without running it on.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

import trio
from quart.wrappers.response import ResponseBody

from narrate.journal.base import Reader
from narrate.narrator import Run
from narrate.server.options import Options
from narrate.wire.forms import Form

AT_ONCE = 512
"""Events that go out in one write at most, so that a reader who has fallen behind is never owed a copy of the story."""


BEATS = 4
"""How often within a heartbeat the streams are looked over."""


class Streams:
    """The streams that are open, so that a server which stops can ask their readers to come back."""

    def __init__(self) -> None:
        self.draining = False
        self._open: set[StoryBody] = set()
        self._empty = trio.lowlevel.ParkingLot()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, body: "StoryBody") -> None:
        self._open.add(body)

    def discard(self, body: "StoryBody") -> None:
        self._open.discard(body)
        if not self._open:
            self._empty.unpark_all()

    async def beat(self, every: float) -> None:
        """Have each stream show that it is alive after so many seconds of silence; for ever.

        One task for all streams: a deadline for each would be a cancel scope for each, a kilobyte in memory, and made
        anew for every chunk.
        """
        while True:
            await trio.sleep(every / BEATS)
            since = trio.current_time() - every * (BEATS - 1) / BEATS
            for body in tuple(self._open):
                body.beat_if_silent(since)

    async def drain(self) -> None:
        """End every stream after a word to its reader, and wait until all have gone."""
        self.draining = True
        for body in tuple(self._open):
            body.stop_waiting()
        while self._open:
            await self._empty.park()


class StoryBody(ResponseBody):
    """The body of one stream, from where the reader stands to the story's end.

    `run` is the run while it is under way: one that was begun `held` is released once its first bytes have been handed
    over, and its `linger` counts this stream as a reader.
    """

    def __init__(self, reader: Reader, run: Run | None, form: Form, streams: Streams, options: Options) -> None:
        self._run = run
        self._form = form
        self._streams = streams
        self._options = options
        self._reader = reader
        self._reading: AbstractContextManager[None] = run.reading() if run is not None else nullcontext()
        self._silent_since: float | None = None
        self._beating = False
        self._chunks = self._next_chunks()

    async def __aenter__(self) -> "StoryBody":
        self._reading.__enter__()
        self._streams.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams.discard(self)
        # A reader that was sent away has not left: what becomes of its run is said by whoever stops the server.
        if not self._streams.draining:
            self._reading.__exit__(kind, error, trace)
        self._release()

    def __aiter__(self) -> "StoryBody":
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            if chunk:
                return chunk
            self._silent_since = trio.current_time()
            await self._reader.wait_more()
            self._silent_since = None
            beating, self._beating = self._beating, False
            if beating and not self._streams.draining and (beat := self._form.heartbeat()):
                return beat
        raise StopAsyncIteration

    def stop_waiting(self) -> None:
        """Wake the body if it waits for more."""
        self._reader.stop_waiting()

    def beat_if_silent(self, since: float) -> None:
        """Show that the stream is alive if nothing has been written since then."""
        if self._silent_since is not None and self._silent_since <= since:
            self._beating = True
            self._reader.stop_waiting()

    def _next_chunks(self) -> Iterator[bytes]:
        """The chunks in their order; an empty one where there is nothing more yet."""
        yield from self._ready(self._form.opening())
        # Only when the first chunk has been handed to the connection is the next one asked for.
        self._release()
        while not self._reader.ended:
            if self._streams.draining:
                if word := self._form.reconnect(self._options.reconnect):
                    yield word
                return
            yield b""
            yield from self._ready()

    def _release(self) -> None:
        if self._run is not None:
            self._run.release()

    def _ready(self, before: bytes = b"") -> Iterator[bytes]:
        """All that is ready. Status first: an event may have overtaken it, but never the other way."""
        before += self._form.status(self._reader.take_status_nowait())
        events = self._reader.take_nowait()
        for at in range(0, len(events), AT_ONCE):
            chunk = before + self._form.events(events[at : at + AT_ONCE], self._reader.line)
            before = b""
            if chunk:
                yield chunk
        if before:
            yield before
