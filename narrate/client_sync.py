"""The client of runs elsewhere for scripts: `connect_sync` and `follow_sync`, which block where `client` awaits.

No second client: that of `client` runs under trio in a thread of its own, and what is asked for here is done there.
"""

import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager, nullcontext
from functools import partial
from threading import Thread
from typing import Any, TypeVar

import httpx
import trio

from narrate.client import RemoteRun, connect, follow
from narrate.errors import RunCut
from narrate.events import AnyEvent, RunId

T = TypeVar("T")


class RemoteRunSync:
    """A run of a server elsewhere, for who has no trio. Made by `connect_sync` and `follow_sync`; it can be read once.

    Everything in it is to be asked for inside the `with` block. While one thread reads, others may cancel the run.
    """

    def __init__(self, held: "_Held") -> None:
        self._held = held
        self._run = held.run
        self._hearing = trio.Lock()
        self._heard: deque[AnyEvent] = deque()

    @property
    def id(self) -> RunId | None:
        """The run's id, once the server has answered."""
        return self._run.id

    @property
    def url(self) -> str | None:
        """The address of the run's state, once the server has answered: `follow_sync` finds the run there again."""
        return self._run.url

    @property
    def last(self) -> int:
        """The number of the last event that was heard; 0 at first."""
        return self._run.last

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, while it is made again; None while all is well."""
        return self._run.trouble

    def events(self) -> Iterator[AnyEvent]:
        """The story from where it has not been heard yet to its end, with live status (unnumbered) in between.

        It may be left and asked for again, also where Ctrl-C broke in. Raises RunRejected when the server refuses, and
        RunCut after as many failed connections as were allowed.
        """
        while True:
            try:
                self._wait(self._hear)
            except StopAsyncIteration:
                return
            yield self._heard.popleft()

    def result(self) -> Any:
        """Hear the story to its end; the pipeline's result, as JSON data.

        Raises RunFailed with the problem, RunCancelled, and what `events` raises.
        """
        for _ in self.events():
            pass
        return self._wait(self._run.result)

    def answer(self, value: str, to: int | None = None) -> None:
        """Answer the question that is event number `to`; it may be left out where the run has asked one alone.

        The answer is kept on return, and the story tells it. Raises RunRejected where it is refused, and RunCut as
        `cancel` does.
        """
        self._wait(partial(self._run.answer, value, to))

    def cancel(self) -> None:
        """Cancel the run; nothing happens to one that has ended. The story tells the rest.

        Raises RunRejected when the server refuses, RunCut when it cannot be reached or has not said where the run is.
        """
        self._wait(self._run.cancel)

    async def _hear(self) -> None:
        # Who waits for this may be interrupted, and this is not: it goes on, and its event is there for the next.
        async with self._hearing:
            if not self._heard:
                self._heard.append(await anext(self._run.events()))

    def _wait(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return self._held.ask(ask).result()
        except (CancelledError, trio.RunFinishedError):
            why = "Its connection was closed when the `with` block was left: ask for more inside of it."
            raise RunCut(self.last, why) from None


@contextmanager
def connect_sync(
    url: str,
    input: object = None,  # noqa: A002  The word for it everywhere else.
    *,
    http: httpx.AsyncClient | None = None,
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
    silence: float | None = None,
    cap: float = 30.0,
    attempts: int | None = 10,
) -> Iterator[RemoteRunSync]:
    """`connect` for a script that has no trio of its own: its options and its errors, with a plain `with` and `for`.

    A client of yours (`http`) serves this one run and is closed with it: its connections live in the run's thread.
    Called from a thread, or in the midst of an async program, it blocks that. Leaving the block, by Ctrl-C too, closes
    the connection at once, and is not to cancel.
    """
    opening = connect(url, input, http=http, headers=headers, key=key, silence=silence, cap=cap, attempts=attempts)
    with _blocking(opening, http) as run:
        yield run


@contextmanager
def follow_sync(
    url: str,
    *,
    after: int = 0,
    http: httpx.AsyncClient | None = None,
    headers: Mapping[str, str] | None = None,
    silence: float | None = None,
    cap: float = 30.0,
    attempts: int | None = 10,
) -> Iterator[RemoteRunSync]:
    """`follow` for a script that has no trio of its own: a run that exists, by the address of its state (`…/runs/ID`).

    The options are those of `follow`; the rest is as `connect_sync` has it.
    """
    opening = follow(url, after=after, http=http, headers=headers, silence=silence, cap=cap, attempts=attempts)
    with _blocking(opening, http) as run:
        yield run


@contextmanager
def _blocking(
    opening: AbstractAsyncContextManager[RemoteRun], http: httpx.AsyncClient | None
) -> Iterator[RemoteRunSync]:
    """A run that is held in a thread of its own until the block is left."""
    ready: Future[_Held] = Future()
    left: Future[None] = Future()
    both: tuple[Future[Any], ...] = (ready, left)
    # A daemon, so that a program which never leaves the block can end.
    Thread(target=_run, args=(opening, http, ready, left), name="narrate-client", daemon=True).start()
    try:
        wait(both, return_when=FIRST_COMPLETED)
        if not left.done():
            yield RemoteRunSync(ready.result())
    finally:
        ready.add_done_callback(lambda held: held.result().leave())  # at once, or if Ctrl-C was before it, then
        if not sys.is_finalizing():  # else the thread stands still already
            left.result()


def _run(
    opening: AbstractAsyncContextManager[RemoteRun],
    http: httpx.AsyncClient | None,
    ready: "Future[_Held]",
    left: "Future[None]",
) -> None:
    try:
        left.set_result(trio.run(_hold, opening, http, ready))
    except Exception as error:  # noqa: BLE001 (raised where it is waited for)
        left.set_exception(error)


async def _hold(
    opening: AbstractAsyncContextManager[RemoteRun], http: httpx.AsyncClient | None, ready: "Future[_Held]"
) -> None:
    # The nursery is inside of the run's block: what is still waited for is over before the connection is closed.
    closing = nullcontext() if http is None else aclosing(http)
    async with closing, opening as run, trio.open_nursery() as nursery:
        ready.set_result(_Held(run, nursery, trio.lowlevel.current_trio_token()))
        await trio.sleep_forever()


class _Held:
    """A run in the thread that holds it, which other threads may ask for things.

    Not anyio's portal, because trio lets nobody wait for that in a thread where it runs already; it would hang there.
    """

    def __init__(self, run: RemoteRun, nursery: trio.Nursery, token: trio.lowlevel.TrioToken) -> None:
        self.run = run
        self._nursery = nursery
        self._token = token

    def ask(self, what: Callable[[], Awaitable[T]]) -> "Future[T]":
        """What will come of it; cancelled when the run is left. Raises trio.RunFinishedError when that is over."""
        answer: Future[T] = Future()

        def begin() -> None:
            if self._nursery.cancel_scope.cancel_called:
                answer.cancel()
            else:
                self._nursery.start_soon(_answer, what, answer)

        self._token.run_sync_soon(begin)
        return answer

    def leave(self) -> None:
        """Stop whatever is waited for, and close the run."""
        self._token.run_sync_soon(self._nursery.cancel_scope.cancel)


async def _answer(what: Callable[[], Awaitable[T]], answer: "Future[T]") -> None:
    try:
        answer.set_result(await what())
    except trio.Cancelled:
        answer.cancel()
        raise
    except Exception as error:  # noqa: BLE001 (raised where it is waited for)
        answer.set_exception(error)
