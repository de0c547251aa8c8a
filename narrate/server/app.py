"""The app: routes, and the one task that keeps the narrator open while it serves.

`create_app` makes an app of its own; `create_blueprint` the same for an app that is there already.
"""

from collections.abc import Mapping
from http import HTTPStatus
from importlib import resources as package_files
from typing import Any

import msgspec
import trio
from quart import Blueprint, Response, current_app, request, url_for
from quart_trio import QuartTrio

from narrate.errors import DeclarationError
from narrate.events import RunId
from narrate.journal.base import Journal, Reader
from narrate.narrator import Narrator, Run, open_narrator
from narrate.pipeline import Pipeline
from narrate.server.asked import OVERSIZE, after_of, caller_of, form_of, input_of
from narrate.server.connection import Connection
from narrate.server.options import Options
from narrate.server.problems import Refused, refuse, refuse_everything
from narrate.server.stream import StoryBody, Streams
from narrate.wire.forms import FORMS

CONTENT_SECURITY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"
PAGE = {"page.js": "text/javascript", "page.css": "text/css"}


class Service:
    """What the views of one blueprint share while it serves."""

    def __init__(
        self,
        pipelines: tuple[Pipeline, ...],
        options: Options,
        journal: Journal | None,
        resources: Mapping[str, Any] | None,
    ) -> None:
        self.pipelines = pipelines
        self.options = options
        self.streams = Streams()
        self._journal = journal
        self._resources = resources
        self.failure: BaseException | None = None
        self._narrator: Narrator | None = None
        self._closing = trio.Event()
        self._closed = trio.Event()

    @property
    def narrator(self) -> Narrator:
        assert self._narrator is not None, "the app has not been started, or has stopped"
        return self._narrator

    @property
    def runs(self) -> int:
        """How many runs are under way."""
        return len(self._narrator.runs) if self._narrator is not None else 0

    async def open(self) -> None:
        """Open the resources, in a task that keeps them open until `close`. Raises and keeps what one raises."""
        self.failure = None
        self.streams.draining = False
        self._closing, self._closed = trio.Event(), trio.Event()
        app: Any = current_app
        try:
            await app.nursery.start(self._keep_open)
        except BaseException as error:
            self.failure = error
            raise

    async def close(self) -> None:
        """Cancel what still runs and close the resources."""
        self._closing.set()
        await self._closed.wait()

    async def _keep_open(self, task_status: trio.TaskStatus[None]) -> None:
        # One task enters and leaves all of it, whatever scopes and nurseries a resource may hold.
        try:
            async with open_narrator(
                self.pipelines, journal=self._journal, resources=self._resources, max_runs=self.options.max_runs
            ) as self._narrator:
                self._narrator.note = self.options.note
                task_status.started()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.streams.beat, self.options.heartbeat)
                    await self._closing.wait()
                    nursery.cancel_scope.cancel()
                for run in self._narrator.runs:
                    run.cancel("The server is stopping.")
        finally:
            self.streams.draining = True  # also when it ends unasked: whoever looks after the server must see it
            self._narrator = None
            self._closed.set()

    async def begin(self, pipeline: Pipeline) -> Response:
        """Begin a run for the request and stream its story."""
        self._check_open()
        form = form_of(request)
        given = await input_of(request, pipeline, self.options)
        caller = caller_of(request, pipeline, self.options)
        run = self.narrator.begin(pipeline, given, caller, held=True)
        return self._stream(run.id, run.reader(), run, form)

    async def resume(self, run_id: str) -> Response:
        """Stream a run's story from where the reader left it."""
        form, after = form_of(request), after_of(request)
        reader = self.narrator.journal.maybe_reader(RunId(run_id), after)
        if reader is None:
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such run here, or it is no longer kept.")
        if reader.ended:
            return Response(b"", HTTPStatus.NO_CONTENT)  # the one answer upon which an EventSource does not come back
        return self._stream(RunId(run_id), reader, self.narrator.maybe_run(RunId(run_id)), form)

    def _stream(self, run_id: RunId, reader: Reader, run: Run | None, form: str) -> Response:
        # A HEAD must not be a reader: its body would be poured into nothing until the story ends.
        body = StoryBody(reader, run, FORMS[form](), self.streams, self.options) if request.method != "HEAD" else None
        response = Response(body, content_type=f"{form}; charset=utf-8")
        response.headers["Cache-Control"] = "no-cache, no-transform"
        response.headers["X-Accel-Buffering"] = "no"
        response.headers["Narrate-Run"] = run_id
        response.headers["Content-Location"] = url_for(".resume", run_id=run_id)
        response.headers["Vary"] = "Accept"
        response.timeout = None  # Quart would cut the stream, without a word, after 60 s.
        return response

    def _check_open(self) -> None:
        if self.streams.draining:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping.", {"Retry-After": "5"})


class _App(QuartTrio):
    asgi_http_class = Connection

    def log_exception(self, *given: Any) -> None:
        # The exception's info comes last; from Quart 0.23 on a context comes before it.
        if given[-1][1] is not service_of(self).failure:  # which is told by whoever serves the app
            super().log_exception(*given)


def create_blueprint(
    *pipelines: Pipeline,
    options: Options | None = None,
    journal: Journal | None = None,
    resources: Mapping[str, Any] | None = None,
) -> tuple[Blueprint, Service]:
    """The pipelines' endpoints for a Quart-Trio app that exists, and the service behind them.

    `resources` stand in for the pipelines' own, by name. Raises DeclarationError when two pipelines share a path.
    """
    pipelines = tuple(dict.fromkeys(pipelines))
    service = Service(pipelines, options or Options(), journal, resources)
    blueprint = Blueprint("narrate", __name__)
    taken: dict[str, Pipeline] = {}
    for number, pipeline in enumerate(pipelines):
        if taken.setdefault(pipeline.path, pipeline) is not pipeline:
            raise DeclarationError(
                f"`{taken[pipeline.path].name}` and `{pipeline.name}` both answer at {pipeline.path}; give one a path.",
                where=pipeline.where,
            )
        blueprint.add_url_rule(
            pipeline.path, f"begin:{number}", service.begin, methods=["POST"], defaults={"pipeline": pipeline}
        )
    blueprint.add_url_rule("/runs/<run_id>/events", "resume", service.resume)
    blueprint.before_app_serving(service.open)
    blueprint.after_app_serving(service.close)
    refuse(blueprint)
    return blueprint, service


def create_app(
    *pipelines: Pipeline,
    options: Options | None = None,
    journal: Journal | None = None,
    resources: Mapping[str, Any] | None = None,
) -> QuartTrio:
    """A Quart-Trio app that serves the pipelines, each at its path, and a page at `/` to try them.

    `resources` stand in for the pipelines' own, by name. Raises DeclarationError when two pipelines share a path.
    """
    app = _App(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # a redirect is no answer to a POST
    blueprint, service = create_blueprint(*pipelines, options=options, journal=journal, resources=resources)
    app.config["MAX_CONTENT_LENGTH"] = (OVERSIZE + 1) * service.options.max_body  # of what no view asks for
    app.register_blueprint(blueprint)
    refuse(app)
    refuse_everything(app)
    app.extensions["narrate"] = service
    _add_page(app, service)
    return app


def service_of(app: QuartTrio) -> Service:
    """The service behind an app made by `create_app`."""
    service = app.extensions["narrate"]
    assert isinstance(service, Service)
    return service


def _add_page(app: QuartTrio, service: Service) -> None:
    web = package_files.files("narrate") / "web"

    def served(name: str, content_type: str) -> Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY, "X-Content-Type-Options": "nosniff"}
        return Response((web / name).read_bytes(), headers=headers, content_type=f"{content_type}; charset=utf-8")

    async def page() -> Response:
        return served("page.html", "text/html")

    async def part(name: str) -> Response:
        if name not in PAGE:
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such file.")
        return served(name, PAGE[name])

    async def pipelines() -> Response:
        listed = [
            {
                "name": pipeline.name,
                "title": pipeline.title,
                "path": pipeline.path,
                "input": pipeline.input.json_schema() if pipeline.input else None,
            }
            for pipeline in service.pipelines
        ]
        return Response(msgspec.json.encode(listed), content_type="application/json")

    async def health() -> Response:
        status = 503 if service.streams.draining else 200
        told = {"status": "stopping" if service.streams.draining else "ok", "runs": service.runs}
        return Response(msgspec.json.encode(told), status, content_type="application/json")

    app.add_url_rule("/", "page", page)
    app.add_url_rule("/web/<name>", "part", part)
    app.add_url_rule("/pipelines", "pipelines", pipelines)
    app.add_url_rule("/healthz", "health", health)
