"""What can be asked of runs once they have begun: their state, their story, their details, and to stop."""

from http import HTTPStatus
from typing import Any

import msgspec
import trio
from quart import Response, request

from narrate.errors import RecordGone
from narrate.events import Detail, Gap
from narrate.journal.base import Begun
from narrate.server.asked import after_of, form_of, places_of, runs_of
from narrate.server.documents import RunDocument, document_of
from narrate.server.files import unless_known
from narrate.server.problems import Refused
from narrate.server.service import Service, all_heard, wait_end
from narrate.server.stream import SeveralBody
from narrate.snapshot import Snapshot, listed
from narrate.wire.forms import FORMS
from narrate.wire.several import SEVERAL

JSON = "application/json"

POLL = "2"
"""Seconds for which the state of a run under way may be taken for the present one."""

CANCELLED = "The client cancelled it."

STOP_WITHIN = 2.0
"""Seconds that a run which is cancelled has to come to its end before it is said that it will."""

FIRST_WITHIN = 1.0
"""Seconds for the first event of a run that has just begun to be kept."""


class _Told(msgspec.Struct):
    """The part of a detail that is its data, not taken apart."""

    data: msgspec.Raw


class Jobs:
    """The endpoints under `/runs`, and `/events` for several runs at once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pipelines = {pipeline.name: pipeline for pipeline in service.pipelines}

    async def state(self, run_id: str) -> Response:
        """What has become of a run."""
        document = await self._document(await self._service.seen(run_id))
        response = _json(document)
        if document.state == "working":
            response.headers["Cache-Control"] = f"private, max-age={POLL}"
            response.headers["Retry-After"] = POLL
        else:
            response.headers["Cache-Control"] = "private, no-cache"
        return await unless_known(response)

    async def accepted(self, begun: Begun) -> Response:
        """That a run goes on, and where it can be asked after (202)."""
        response = _json(await self._document(begun), HTTPStatus.ACCEPTED)
        response.headers["Location"] = response.headers["Content-Location"] = self._service.home_of(begun.run)
        response.headers["Retry-After"] = POLL
        return response

    async def events(self, run_id: str) -> Response:
        """A run's story from where the reader left it."""
        form, after = form_of(request, FORMS), after_of(request)
        begun = await self._service.seen(run_id)
        reader = await self._service.follower_of(begun.run, after)
        if reader.ended:
            return all_heard()
        return self._service.stream(begun, reader, form)

    async def detail(self, run_id: str, n: int) -> Response:
        """The data of the detail that is event number `n`."""
        begun = await self._service.seen(run_id)
        reader = await self._service.reader_of(begun.run, max(n - 1, 0))
        for event in reader.take_nowait()[:1]:
            if isinstance(event, Gap) and event.first <= n <= event.last:
                raise RecordGone(run_id)
            if isinstance(event, Detail) and event.n == n:
                data = msgspec.json.decode(reader.line(event), type=_Told).data
                return Response(bytes(data), headers={"Cache-Control": "private, max-age=3600"}, content_type=JSON)
        raise Refused(HTTPStatus.NOT_FOUND, f"Event {n} of this run is no detail.")

    async def cancel(self, run_id: str) -> Response:
        """Cancel a run, whichever process runs it. Nothing happens to one that has ended."""
        begun = await self._service.seen(run_id)
        run = self._service.narrator.maybe_run(begun.run)
        reader = await self._service.reader_of(begun.run)
        if run is not None:
            run.cancel(CANCELLED)
        else:
            await self._service.narrator.journal.stop(begun.run, CANCELLED)
        with self._service.streams.waiting(STOP_WITHIN):
            await wait_end(reader)
        return _json(await self._document(begun), HTTPStatus.OK if reader.ended else HTTPStatus.ACCEPTED)

    async def list_runs(self) -> Response:
        """The runs of whoever asks, the newest first; of one whom nobody names, those in `?runs=`."""
        named, owner = runs_of(request), self._service.owner
        if named:
            found = await self._service.narrator.journal.named(named)
            seen = [(begun, end) for begun, end in found if begun.owner in (None, owner)]
        else:
            seen = list(await self._service.narrator.journal.listed(owner)) if owner is not None else []
        told = [listed(begun.run, begun.pipeline, begun.began, end) for begun, end in seen]
        response = _json(told)
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    async def several(self) -> Response:
        """The stories of several runs over one connection, from where the reader left each."""
        form, runs = form_of(request, SEVERAL), runs_of(request)
        if not runs:
            raise Refused(HTTPStatus.BAD_REQUEST, "`runs` must name the runs: `?runs=a,b,c`.", field="runs")
        places = places_of(request, len(runs))
        service = self._service
        begun = [await service.seen(run) for run in runs]
        readers = [await service.follower_of(run, after) for run, after in zip(runs, places, strict=True)]
        if all(reader.ended for reader in readers):
            return all_heard()
        under_way = [run for one in begun if (run := service.narrator.maybe_run(one.run)) is not None]
        taken = [reader.taken for reader in readers]
        homes = [service.home_of(run) for run in runs]
        body = SeveralBody(
            readers, under_way, SEVERAL[form](runs, taken), service.streams, service.options, homes=homes
        )
        return service.streaming(body if request.method != "HEAD" else b"", form)

    async def _document(self, begun: Begun) -> RunDocument:
        service = self._service
        reader = await service.reader_of(begun.run)
        if not reader.has_more:
            with trio.move_on_after(FIRST_WITHIN):
                await reader.wait_more()
        snapshot = Snapshot(begun.run, begun.pipeline)
        snapshot.take(reader.take_nowait())
        return document_of(
            snapshot.state(reader.take_status_nowait()),
            begun,
            service.home_of(begun.run),
            run=service.narrator.maybe_run(begun.run),
            pipeline=self._pipelines.get(begun.pipeline),
            deliveries=await service.narrator.journal.deliveries(run=begun.run),
        )


def _json(told: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(told), status, content_type=JSON)
