"""What the views of one blueprint share while it serves: the narrator, who may see what, and how it comes to a stop."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from inspect import isawaitable
from typing import Any

import trio
from quart import Request, Response, current_app, g, request, url_for

from narrate.events import Event, Question, RunId, Terminal
from narrate.journal.base import Begun, Journal
from narrate.journal.live import Reader
from narrate.narrator import Narrator, open_narrator
from narrate.pipeline import Pipeline
from narrate.questions import questions_in
from narrate.running import Run
from narrate.server.callbacks import CallbackClient
from narrate.server.metrics import Metrics, Present
from narrate.server.options import Options
from narrate.server.problems import COME_BACK, Refused
from narrate.server.stream import Body, StoryBody, Streams
from narrate.server.webhooks import Webhooks
from narrate.wire.forms import FORMS

Authorize = Callable[[Request], str | Awaitable[str | None] | None]

STOPPING = "The server is stopping."

LONGEST_ID = 64
"""Characters of an unknown run's id that are repeated to who asked for it."""

COUNT_EVERY = 1.0
"""Seconds between two looks at which runs have ended, so that the records of those are not held for the count."""


class Service:
    """Runs of these pipelines, for the views of one blueprint.

    `authorize` is asked about every request; `failure` is what kept the service from opening, and `picked_up` how many
    runs that others had left behind it found when it did.
    """

    def __init__(
        self,
        pipelines: tuple[Pipeline, ...],
        options: Options,
        journal: Journal | None,
        resources: Mapping[str, Any] | None,
        authorize: Authorize | None,
    ) -> None:
        self.pipelines = pipelines
        self.options = options
        self.authorize = authorize
        self.streams = Streams()
        self.failure: BaseException | None = None
        self.picked_up = 0
        self._journal = journal
        self._resources = resources
        self._narrator: Narrator | None = None
        self._webhooks: Webhooks | None = None
        self._metrics = Metrics([pipeline.name for pipeline in pipelines], self._present)
        self._uncounted: dict[RunId, Run] = {}
        self._stopping = False
        self._closing = trio.Event()
        self._closed = trio.Event()

    @property
    def narrator(self) -> Narrator:
        """Raises Refused (503) before the app has started and after it has stopped."""
        if self._narrator is None:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The server is not ready.", {"Retry-After": COME_BACK})
        return self._narrator

    @property
    def webhooks(self) -> Webhooks:
        """As `narrator`."""
        if self._webhooks is None:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The server is not ready.", {"Retry-After": COME_BACK})
        return self._webhooks

    @property
    def runs(self) -> int:
        """How many runs are under way."""
        return len(self._narrator.runs) if self._narrator is not None else 0

    @property
    def stopping(self) -> bool:
        """Whether new runs are refused."""
        return self._stopping or self.streams.draining

    @property
    def owner(self) -> str | None:
        """Who asks, by the name that `authorize` gave."""
        owner: str | None = g.get("narrate_owner")
        return owner

    # --- From the first request to the last ---

    async def open(self) -> None:
        """Open the resources, in a task that keeps them open until `close`. Raises and keeps what one raises."""
        self.failure = None
        self.streams.draining = self._stopping = False
        self._closing, self._closed = trio.Event(), trio.Event()
        app: Any = current_app
        try:
            await app.nursery.start(self._keep_open)
        except BaseException as error:
            self.failure = error
            raise

    async def close(self) -> None:
        """Leave what another process can go on with, cancel what else still runs, and close the resources."""
        self._closing.set()
        await self._closed.wait()

    async def drain(self, grace: float) -> None:
        """Refuse new runs, and come to a good end with those there are. May be called again, and given up.

        Runs that nobody can go on with have `grace` seconds, with their readers; then they are cancelled. When they
        have ended, all streams end, and the other runs are left for whoever goes on with them.
        """
        self._stopping = True
        if self._narrator is not None:
            self._narrator.leaving = True  # else it would take up what another process, which stops as well, has left
        ending = self._ending()
        with trio.move_on_after(grace):
            await _wait_ends(ending)
        for run in ending:
            run.cancel(STOPPING)
        await _wait_ends(ending)
        await self.streams.drain()
        if self._narrator is not None:
            self._narrator.hand_over()

    async def _keep_open(self, task_status: trio.TaskStatus[None]) -> None:
        # One task enters and leaves all of it, whatever scopes and nurseries a resource may hold.
        try:
            async with open_narrator(
                self.pipelines,
                journal=self._journal,
                resources=self._resources,
                max_runs=self.options.max_runs,
                max_runs_per_caller=self.options.max_runs_per_caller,
            ) as narrator:
                narrator.note = self.options.note
                self._webhooks = Webhooks(
                    narrator.journal,
                    self.options.webhook_secrets,
                    CallbackClient(self.options.callbacks),
                    lambda run: f"{self.options.public_url.rstrip('/')}/runs/{run}",
                )
                self.picked_up = await narrator.pick_up()
                self._narrator = narrator
                task_status.started()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.streams.beat, self.options.heartbeat)
                    nursery.start_soon(self._webhooks.run)
                    nursery.start_soon(self._keep_count)
                    if narrator.journal.durable:
                        nursery.start_soon(narrator.tend)
                    await self._closing.wait()
                    nursery.cancel_scope.cancel()
                narrator.hand_over()
                for run in self._ending():
                    run.cancel(STOPPING)
        finally:
            self.streams.draining = True  # also when it ends unasked: whoever looks after the server must see it
            self._narrator = self._webhooks = None
            self._uncounted.clear()
            self._closed.set()

    @property
    def ending(self) -> int:
        """How many runs are under way that no other process can go on with, so that they end with this one."""
        return len(self._ending())

    def _ending(self) -> list[Run]:
        if self._narrator is None:
            return []
        durable = self._narrator.journal.durable
        return [run for run in self._narrator.runs if not (durable and run.pipeline.recover)]

    # --- What is counted ---

    def count(self, run: Run) -> None:
        """Count the run, which has begun here, once it has ended."""
        self._uncounted[run.id] = run

    @property
    def uncounted(self) -> int:
        """How many runs are to be counted yet."""
        return len(self._uncounted)

    def numbers(self) -> tuple[bytes, str]:
        """What has been counted, in Prometheus' text format, and its content type."""
        self._count_ended()
        return self._metrics.render()

    def _count_ended(self) -> None:
        for run in self.narrator.runs:  # also those that were picked up
            self._uncounted.setdefault(run.id, run)
        for run in [run for run in self._uncounted.values() if run.ended]:
            record = run.reader().take_nowait()
            told = bool(record) and isinstance(record[-1], Terminal)  # its end may still be on its way to the disk
            if told:
                self._metrics.ended(run.pipeline.name, record)
            if told or run.left:
                del self._uncounted[run.id]

    async def _keep_count(self) -> None:
        while True:
            await trio.sleep(COUNT_EVERY)
            self._count_ended()

    def _present(self) -> Present:
        under_way = Counter(run.pipeline.name for run in self.narrator.runs)
        return Present(runs=under_way, streams=len(self.streams), tries=dict(self.webhooks.outcomes.items()))

    # --- What a request may see ---

    async def admit(self) -> None:
        """Ask who is asking, before anything else. Raises whatever `authorize` raises."""
        # A browser asks without credentials what it may ask (Fetch, section 4.9), and must be told.
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if self.authorize is not None and not preflight:
            owner = self.authorize(request)
            g.narrate_owner = await owner if isawaitable(owner) else owner

    def check_open(self) -> None:
        """Raises Refused while the server is stopping."""
        if self.stopping:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING, {"Retry-After": COME_BACK})

    async def seen(self, run_id: str) -> Begun:
        """What is known of a run that whoever asks may see. Raises Refused (404), or RecordGone."""
        run = self.narrator.maybe_run(RunId(run_id))
        begun = run.begun if run is not None else await self.narrator.journal.maybe_begun(RunId(run_id))
        if begun is None or begun.owner not in (None, self.owner):
            raise _unknown(run_id)
        return begun

    async def reader_of(self, run_id: RunId, after: int = 0) -> Reader:
        """A cursor on a run that was seen. One who claims to have heard more than was told has heard all that was."""
        run = self.narrator.maybe_run(run_id)
        if run is None:
            # Of another process's run, more may have been told already than is known here.
            reader = await self.narrator.journal.maybe_reader(run_id, after)
            if reader is None:
                raise _unknown(run_id)
            return reader
        if after:
            told = run.reader()
            told.take_nowait()
            after = min(after, told.taken)
        return run.reader(after)

    async def follower_of(self, run_id: RunId, after: int = 0) -> Reader:
        """A cursor of one who stays: on a run of another process, which is told that it is read."""
        reader = await self.reader_of(run_id, after)
        stays = request.method != "HEAD"
        if stays and self.narrator.maybe_run(run_id) is None and not reader.over:
            await self.narrator.journal.watch(run_id)
        return reader

    async def detach(self, run_id: RunId) -> None:
        """Have a run carry on, whether or not anybody reads."""
        run = self.narrator.maybe_run(run_id)
        if run is not None:
            run.detach()
        else:
            await self.narrator.journal.watch(run_id)

    def home_of(self, run_id: RunId) -> str:
        """The address of a run's state, below which all else of it is."""
        return url_for(".state", run_id=run_id)

    def stream(self, begun: Begun, reader: Reader, form: str, *, seconds: float | None = None) -> Response:
        """The rest of a run's story in one of the `FORMS`, for so many seconds at most."""
        home = self.home_of(begun.run)
        until = trio.current_time() + seconds if seconds is not None else None
        # A HEAD must not be a reader: its body would be poured into nothing until the story ends.
        body = (
            StoryBody(
                reader,
                begun,
                self.narrator.maybe_run(begun.run),
                FORMS[form](),
                self.streams,
                self.options,
                home=home,
                until=until,
            )
            if request.method != "HEAD"
            else b""
        )
        response = self.streaming(body, form)
        response.headers["Narrate-Run"] = begun.run
        response.headers["Content-Location"] = f"{home}/events"
        return response

    def streaming(self, body: Body | bytes, form: str) -> Response:
        """A response with this body, so that nothing between here and its reader holds it back or cuts it."""
        response = Response(body, content_type=f"{form}; charset=utf-8")
        response.headers["Cache-Control"] = "no-cache, no-transform"
        response.headers["X-Accel-Buffering"] = "no"
        response.headers["Vary"] = "Accept"
        if FORMS[form]().heartbeat():
            response.headers["Narrate-Heartbeat"] = f"{self.options.heartbeat:.15g}"
        response.headers.pop("Content-Length", None)  # where only the headers were asked for
        response.timeout = None  # Quart would cut the stream, without a word, after 60 s.
        if isinstance(body, Body):
            body.headers = response.headers
        return response


def all_heard() -> Response:
    """That there is nothing left to tell (204): the one answer upon which an EventSource does not come back."""
    response = Response(b"", HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"], response.headers["Content-Length"]  # of nothing, nothing is to be said
    response.headers["Cache-Control"] = "no-cache"  # a 204 may be kept, and another reader of this has not heard all
    return response


async def wait_end(reader: Reader) -> Terminal | None:
    """Take a record to its end; the event that ends it, or None for a reader that stood behind it."""
    last: Event | None = None
    while events := await _wait_events(reader):
        last = events[-1]
    return last if isinstance(last, Terminal) else None


async def wait_end_or_question(reader: Reader) -> Terminal | Question | None:
    """As `wait_end`, but no further than to where the run waits for a person: the question then."""
    last: Event | None = None
    while events := await _wait_events(reader):
        last = events[-1]
        for asked in questions_in(events).values():  # none before these is open: it would have been the end of it
            if asked.open:
                return asked.question
    return last if isinstance(last, Terminal) else None


async def _wait_events(reader: Reader) -> Sequence[Event]:
    """The next events of a record; none at its end."""
    while True:
        events = reader.take_nowait()
        reader.take_status_nowait()  # what is left untaken is not waited for
        if events or reader.ended:
            return events
        await reader.wait_more()


def _unknown(run_id: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, f"There is no run `{run_id[:LONGEST_ID]}` here, or it is no longer kept.")


async def _wait_ends(runs: list[Run]) -> None:
    for run in runs:
        await wait_end(run.reader())
