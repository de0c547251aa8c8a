"""The answers to the POST that begins a run: its story as a stream, its result, or where it can be followed.

All of them read one record, so which one was asked for changes nothing of the run.
"""

from collections.abc import Sequence
from http import HTTPStatus
from math import inf

import msgspec
import trio
from quart import Response, request

from narrate.errors import KeyTaken, Problem, TooManyRuns
from narrate.events import Question, RunCancelledEvent, RunFailedEvent, RunId, Terminal, from_json
from narrate.journal.base import Begun
from narrate.journal.live import Reader
from narrate.pipeline import Pipeline
from narrate.server.asked import (
    Preferences,
    after_of,
    body_of,
    callbacks_of,
    caller_of,
    fingerprint,
    form_of,
    input_in,
    key_of,
    preferences_of,
)
from narrate.server.jobs import JSON, Jobs
from narrate.server.problems import COME_BACK, Refused, answer
from narrate.server.service import STOPPING, Service, all_heard, wait_end_or_question
from narrate.wire.forms import FORMS

OFFERED: Sequence[str] = ("text/event-stream", "application/x-ndjson", JSON, "text/plain")
"""The forms of an answer, in the order in which we would rather give them: who takes JSON or text wants JSON."""


class _Finished(msgspec.Struct):
    """The part of `run.finished` that is the result, not taken apart."""

    result: msgspec.Raw


class Answers:
    """What answers the POST of each pipeline."""

    def __init__(self, service: Service, jobs: Jobs) -> None:
        self._service = service
        self._jobs = jobs

    async def begin(self, pipeline: Pipeline) -> Response:
        """Begin a run for the request, or find the one that was begun with its key, and answer as it asks."""
        service = self._service
        service.check_open()
        form, preferences, key = form_of(request, OFFERED), preferences_of(request), key_of(request)
        after = after_of(request) if key is not None else 0
        streams = form in FORMS and not preferences.respond_async
        begun, replayed = await self._begin(pipeline, key, held=streams, resumed=after > 0)
        if streams:
            response = await self._stream(pipeline, begun, form, after, preferences)
        else:
            response = await self._waited(begun, preferences)
        response.headers["Narrate-Run"] = begun.run
        response.headers["Vary"] = "Accept, Prefer"
        if replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    # --- Which run ---

    def _callbacks(self, pipeline: Pipeline) -> Sequence[str]:
        urls = callbacks_of(request, pipeline)
        for url in urls:
            self._service.webhooks.check(url)
        return urls

    async def _begin(self, pipeline: Pipeline, key: str | None, *, held: bool, resumed: bool) -> tuple[Begun, bool]:
        """A new run, or the one that was begun with the key before, and which of the two it is. Raises Refused."""
        # The body lives in here alone: whoever waits for a result must not hold on to it for as long.
        service = self._service
        callbacks = self._callbacks(pipeline)
        body = await body_of(request, service.options)
        value = input_in(body, request, pipeline)
        asked = fingerprint(body, pipeline, callbacks) if key is not None else ""
        if resumed and await self._maybe_first(pipeline, key) is None:
            raise _forgotten()  # else the work would be done again behind the back of who has heard of it
        service.check_open()  # once more, for the body may have taken its time
        try:
            # A client that leaves here must not leave half a run behind.
            with trio.CancelScope(shield=True):
                run = await service.narrator.begin(
                    pipeline,
                    value,
                    caller_of(request, pipeline, service.options),
                    held=held,
                    owner=service.owner,
                    key=key,
                    asked=asked,
                    callbacks=callbacks,
                )
        except KeyTaken as taken:
            return await self._replayed(taken.run, taken.asked, asked), True
        except TooManyRuns:
            # One run too many is no reason to keep a client from the run it has.
            first = await self._maybe_first(pipeline, key)
            if first is None:
                raise
            return await self._replayed(*first, asked), True
        service.count(run)
        return run.begun, False

    async def _maybe_first(self, pipeline: Pipeline, key: str | None) -> tuple[RunId, str] | None:
        """The run that was begun with the key, and by which request."""
        service = self._service
        return await service.narrator.journal.maybe_keyed(service.owner, pipeline.name, key) if key else None

    async def _replayed(self, run: str, first_asked: str, asked: str) -> Begun:
        """The run that has the key already. Raises Refused where another request began it."""
        if first_asked != asked:
            raise _other_request()
        return await self._service.seen(run)

    # --- Which answer ---

    async def _stream(
        self, pipeline: Pipeline, begun: Begun, form: str, after: int, preferences: Preferences
    ) -> Response:
        reader = await self._service.follower_of(begun.run, after)
        if reader.ended:
            return all_heard()
        seconds = min(inf if wait is None else wait for wait in (preferences.wait, pipeline.detach_after))
        response = self._service.stream(begun, reader, form, seconds=None if seconds == inf else seconds)
        if preferences.wait is not None and preferences.wait == seconds:
            response.headers["Preference-Applied"] = f"wait={preferences.wait}"
        return response

    async def _waited(self, begun: Begun, preferences: Preferences) -> Response:
        """The result once it is there; or, after as long as the client would wait for it, where to ask for it.

        That, too, as soon as the run asks a person: whoever waits here would not hear of it, and it may go on for days.
        """
        service, wait = self._service, preferences.wait
        run = service.narrator.maybe_run(begun.run)
        applied = ["respond-async"] if preferences.respond_async else []
        if preferences.respond_async:
            await service.detach(begun.run)
        if preferences.respond_async and wait is None:
            return _applied(await self._jobs.accepted(begun), applied)
        reader = await service.follower_of(begun.run)
        heard: Terminal | Question | None = None
        with service.streams.reading(run):
            with service.streams.waiting(inf if wait is None else wait):
                heard = await wait_end_or_question(reader)
            if not isinstance(heard, Terminal) and run is not None and not service.streams.draining:
                run.detach()
        waited = [f"wait={wait}"] if wait is not None else []
        if isinstance(heard, Terminal):
            response = _ended(heard, reader)
            response.headers["Location"] = service.home_of(begun.run)
            return _applied(response, waited)
        if heard is None and wait is None:
            raise self._to_be_continued(begun)
        return _applied(await self._jobs.accepted(begun), applied + waited)

    def _to_be_continued(self, begun: Begun) -> Refused:
        home = self._service.home_of(begun.run)
        detail = f"{STOPPING} What becomes of the run can be read at {home}."
        headers = {"Retry-After": COME_BACK, "Location": home, "Narrate-Run": begun.run}
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers)


def _forgotten() -> Refused:
    return Refused(
        HTTPStatus.GONE,
        "The run that was begun with this key is not known here any more: the server has forgotten it.",
        field="Idempotency-Key",
    )


def _other_request() -> Refused:
    return Refused(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This key came with another request before; send a new one with each.",
        field="Idempotency-Key",
    )


def _ended(end: Terminal, reader: Reader) -> Response:
    """How a run ended, as the client of a plain request expects it."""
    line = reader.line(end)
    told = from_json(line)  # not the event itself: nobody is told anything else than what is on the wire
    if isinstance(told, RunFailedEvent):
        status = told.problem.status if told.problem.status in range(400, 600) else HTTPStatus.INTERNAL_SERVER_ERROR
        return answer(msgspec.structs.replace(told.problem, status=status))
    if isinstance(told, RunCancelledEvent):
        # Its own reason, not somebody's text: it is given where the server stops, and nowhere else.
        stopped = told.reason == STOPPING
        status = HTTPStatus.SERVICE_UNAVAILABLE if stopped else HTTPStatus.CONFLICT
        problem = Problem(title="The run was cancelled", status=status, detail=told.reason)
        return answer(problem, {"Retry-After": COME_BACK} if stopped else {})
    return Response(bytes(msgspec.json.decode(line, type=_Finished).result), content_type=JSON)


def _applied(response: Response, preferences: Sequence[str]) -> Response:
    if preferences:
        response.headers["Preference-Applied"] = ", ".join(preferences)
    return response
