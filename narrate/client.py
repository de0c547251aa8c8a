"""Runs of a server elsewhere: begun by `connect`, found again by `follow`, read event by event through broken lines.

What to ask and when to come back is `narrate.follow`'s affair; here a connection is held. Raw bytes are heard, never
text that somebody decoded on the way. To leave is not to cancel.
"""

import random
from collections import ChainMap
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import httpx
import trio
from pydantic_core import to_json

from narrate.errors import RunCancelled, RunCut, RunFailed, RunRejected
from narrate.events import AnyEvent, RunCancelledEvent, RunFailedEvent, RunFinished, RunId, Terminal
from narrate.following import Answer, Asking, Dropped, Follow, problem_in

PATIENT = httpx.Timeout(None, connect=10.0)
"""How long httpx waits: of a connection that was made, `Follow` says how much silence it may keep."""


class RemoteRun:
    """A run of a server elsewhere. Made by `connect` and `follow`; it can be read once."""

    def __init__(self, http: httpx.AsyncClient, headers: Mapping[str, str], following: Follow) -> None:
        self._http = http
        self._headers = headers
        self._follow = following
        self._events = RemoteEvents(http, headers, following)

    @property
    def id(self) -> RunId | None:
        """The run's id, once the server has answered."""
        return self._follow.run

    @property
    def url(self) -> str | None:
        """The address of the run's state, once the server has answered: give it to `follow` to find the run again."""
        return self._follow.url

    @property
    def last(self) -> int:
        """The number of the last event that was heard; 0 at first."""
        return self._follow.last

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, while it is made again; None while all is well."""
        return self._events.trouble

    def events(self) -> "RemoteEvents":
        """The story from where it has not been heard yet to its end, with live status (unnumbered) in between.

        Raises RunRejected when the server refuses, and RunCut after as many failed connections as were allowed.
        """
        return self._events

    async def result(self) -> Any:
        """Hear the story to its end; the pipeline's result, as JSON data.

        Raises RunFailed with the problem, RunCancelled, and what `events` raises.
        """
        async for _ in self._events:
            pass
        match self._events.end:
            case RunFinished(result):
                return result
            case RunFailedEvent(problem):
                raise RunFailed(problem)
            case RunCancelledEvent(reason):
                raise RunCancelled(reason)
        raise RunCut(self.last, "Its end had been told before.")

    async def answer(self, value: str, to: int | None = None) -> None:
        """Answer the question that is event number `to`; it may be left out where the run has asked one alone.

        The answer is kept on return, and the story tells it. Raises RunRejected where it is refused, and RunCut as
        `cancel` does.
        """
        given = {"value": value} if to is None else {"value": value, "to": to}
        await self._ask("POST", "/answers", "answered", to_json(given))

    async def cancel(self) -> None:
        """Cancel the run; nothing happens to one that has ended. The story tells the rest.

        Raises RunRejected when the server refuses, RunCut when it cannot be reached or has not said where the run is.
        """
        await self._ask("DELETE", "", "cancelled")

    async def _ask(self, method: str, place: str, done: str, body: bytes | None = None) -> None:
        """Ask something of the run, below its address, that it be `done`."""
        if self.url is None:
            raise RunCut(self.last, f"The server has not answered yet, so nothing can be {done}.")
        kind = {} if body is None else {"Content-Type": "application/json"}
        headers = _in_bytes(self._headers, kind)
        try:
            response = await self._http.request(method, self.url + place, headers=headers, content=body)
        except httpx.TransportError as error:
            raise RunCut(self.last, f"The server could not be reached, so nothing was {done}.") from error
        if response.is_error:
            raise RunRejected(problem_in(_answer(response), response.content))


class RemoteEvents:
    """The story of a remote run, event by event. `end` is the event that ended it, once it was heard.

    `trouble` is why there is no connection, while it is made again.
    """

    def __init__(self, http: httpx.AsyncClient, headers: Mapping[str, str], following: Follow) -> None:
        self.end: Terminal | None = None
        self.trouble: str | None = None
        self._http = http
        self._headers = headers
        self._follow = following
        self._ready: Iterator[AnyEvent] = iter(())
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    def __aiter__(self) -> "RemoteEvents":
        return self

    async def __anext__(self) -> AnyEvent:
        while True:
            try:
                for event in self._ready:
                    if isinstance(event, Terminal):
                        self.end = event
                    return event
                if self._follow.over:
                    await self.aclose()
                    raise StopAsyncIteration
                self._ready = self._follow.heard(await self._more())
                self.trouble = None
            except Dropped as dropped:
                await self.aclose()
                wait = self._follow.wait(dropped, random.random())
                self.trouble = str(dropped)
                await trio.sleep(wait)

    async def aclose(self) -> None:
        """Close the connection. The run goes on, or not, as its pipeline says of readers that leave."""
        response, self._response = self._response, None
        chunks, self._chunks = self._chunks, None
        self._ready = iter(())
        if chunks is not None:
            # Cancelled where it waits, or broken: either way all the generators inside of it come to their end.
            with trio.CancelScope() as over, suppress(httpx.TransportError):
                over.cancel()
                async for _ in chunks:
                    pass
        if response is not None:
            await response.aclose()

    async def _more(self) -> bytes:
        """The next bytes of the story, over a new connection if there is none. Raises Dropped, or for good."""
        with trio.move_on_after(self._follow.silence):
            try:
                chunks = self._chunks or await self._open()
                if self._follow.over:
                    return b""
                self._chunks = chunks
                async for chunk in chunks:
                    return chunk
            except httpx.TransportError as error:
                raise Dropped(f"The connection failed ({type(error).__name__}).") from error
            raise Dropped("The stream ended before the story did.")
        raise Dropped(f"Nothing was heard for {self._follow.silence:g} s.")

    async def _open(self) -> AsyncIterator[bytes]:
        """Ask for the rest of the story; what comes of it. Raises Dropped, RunRejected, RunCut."""
        asking = self._follow.asking()
        request = self._http.build_request(
            asking.method,
            asking.url,
            headers=_in_bytes(self._headers, asking.headers),
            content=asking.body,
            timeout=PATIENT,
        )
        self._response = await self._http.send(request, stream=True)
        answer = _answer(self._response)
        if not self._follow.answered(answer) and not self._follow.over:
            raise self._follow.refused(answer, await self._response.aread())
        return self._response.aiter_raw()


@asynccontextmanager
async def connect(
    url: str,
    input: object = None,  # noqa: A002  The word for it everywhere else.
    *,
    http: httpx.AsyncClient | None = None,
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
    silence: float | None = None,
    cap: float = 30.0,
    attempts: int | None = 10,
) -> AsyncIterator[RemoteRun]:
    """A run of the pipeline that answers at this URL, begun when its story is first asked for.

    - `input`: anything pydantic can serialise; None sends no body.
    - `http`: a client of yours, with its proxies, TLS and authentication; else one is made for this run.
    - `key`: the `Idempotency-Key`. With one of its own, the very same request can be made again after every break, and
      begins nothing twice.
    - `silence`: seconds of it that are a broken connection; None for twice the server's heartbeat. `cap`: the longest
      wait between two connections, in seconds. `attempts`: how many may fail in a row, which by
      default takes about a minute; None for any number.

    Leaving the block closes the connection, and is not to cancel.
    """
    body = None if input is None else to_json(input)
    asked = {"Idempotency-Key": key or str(uuid4())} | ({} if body is None else {"Content-Type": "application/json"})
    following = Follow(Asking("POST", url, asked, body), silence=silence, cap=cap, attempts=attempts)
    async with _held(http, headers, following) as run:
        yield run


@asynccontextmanager
async def follow(
    url: str,
    *,
    after: int = 0,
    http: httpx.AsyncClient | None = None,
    headers: Mapping[str, str] | None = None,
    silence: float | None = None,
    cap: float = 30.0,
    attempts: int | None = 10,
) -> AsyncIterator[RemoteRun]:
    """A run that exists, by the address of its state (`…/runs/ID`), from behind event number `after`. As `connect`."""
    home = url.rstrip("/").removesuffix("/events")
    asking = Asking("GET", f"{home}/events", {})
    following = Follow(asking, url=home, after=after, silence=silence, cap=cap, attempts=attempts)
    async with _held(http, headers, following) as run:
        yield run


@asynccontextmanager
async def _held(
    http: httpx.AsyncClient | None, headers: Mapping[str, str] | None, following: Follow
) -> AsyncIterator[RemoteRun]:
    """A run whose connection is closed in the end, and so is the client if it is ours."""
    client = http if http is not None else httpx.AsyncClient()
    run = RemoteRun(client, headers or {}, following)
    try:
        yield run
    finally:
        with trio.CancelScope(shield=True):  # nothing is sent for it, so nothing is waited for
            await run.events().aclose()
            if http is None:
                await client.aclose()


def _in_bytes(*headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers, the later over the earlier, in UTF-8: the id of an event may be any text."""
    return [(name.encode(), value.encode()) for name, value in ChainMap(*map(dict, reversed(headers))).items()]


def _answer(response: httpx.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, str(response.request.url), headers)
