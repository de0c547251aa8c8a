"""The app: its routes, and what stands in front of them all.

`create_app` makes an app of its own; `create_blueprint` the same for an app that is there already.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from quart import Blueprint, Quart, Response
from quart_cors import cors
from quart_trio import QuartTrio

from narrate.errors import DeclarationError
from narrate.journal.base import Journal
from narrate.pipeline import Pipeline
from narrate.server.answers import Answers
from narrate.server.asked import OVERSIZE
from narrate.server.connection import Connection
from narrate.server.deliveries import Deliveries
from narrate.server.docs import add_docs
from narrate.server.jobs import Jobs
from narrate.server.options import Options
from narrate.server.pages import add_pages
from narrate.server.probe import Probes
from narrate.server.problems import Refused, refuse, refuse_everything
from narrate.server.questions import Questions
from narrate.server.service import Authorize, Service

__all__ = ["Service", "create_app", "create_blueprint", "service_of"]

MAY_SEND = ("Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Prefer")
MAY_READ = (
    "Content-Location",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Narrate-Heartbeat",
    "Narrate-Run",
    "Preference-Applied",
    "Retry-After",
)
PREFLIGHT_SECONDS = 3600


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
    authorize: Authorize | None = None,
) -> tuple[Blueprint, Service]:
    """The pipelines' endpoints, and the page, for a Quart-Trio app that exists; and the service behind them.

    Register it under a `url_prefix`: the page is at that address with a slash behind it.
    `resources` stand in for the pipelines' own, by name. `authorize` is given every request before anything is done
    for it: it names the owner, who alone may then see the runs that are begun so (None for nobody), or raises `Refused`
    with 401 or 403. Raises DeclarationError when two pipelines share a path, two of one name bring a page each, or one
    has a callback that cannot be called.
    """
    blueprint, service = _blueprint(pipelines, options, journal, resources, authorize)
    _guard(blueprint, service)
    return blueprint, service


def create_app(
    *pipelines: Pipeline,
    options: Options | None = None,
    journal: Journal | None = None,
    resources: Mapping[str, Any] | None = None,
    authorize: Authorize | None = None,
) -> QuartTrio:
    """A Quart-Trio app that serves the pipelines, each at its path, and a page at `/` to try them.

    Arguments and errors are those of `create_blueprint`.
    """
    app = _App(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # a redirect is no answer to a POST
    blueprint, service = _blueprint(pipelines, options, journal, resources, authorize)
    app.config["MAX_CONTENT_LENGTH"] = (OVERSIZE + 1) * service.options.max_body  # of what no view asks for
    app.register_blueprint(blueprint)
    refuse(app)
    refuse_everything(app)
    app.extensions["narrate"] = service
    _guard(app, service)
    _add_numbers(app, service)
    add_docs(
        app,
        service.pipelines,
        guarded=authorize is not None,
        webhooks=bool(service.options.webhook_secrets),
    )
    return app


def service_of(app: QuartTrio) -> Service:
    """The service behind an app made by `create_app`."""
    service = app.extensions["narrate"]
    assert isinstance(service, Service)
    return service


def _blueprint(
    given: tuple[Pipeline, ...],
    options: Options | None,
    journal: Journal | None,
    resources: Mapping[str, Any] | None,
    authorize: Authorize | None,
) -> tuple[Blueprint, Service]:
    pipelines = tuple(dict.fromkeys(given))
    service = Service(pipelines, options or Options(), journal, resources, authorize)
    jobs, deliveries = Jobs(service), Deliveries(service)
    answers, questions, probes = Answers(service, jobs), Questions(service, jobs), Probes(service)
    blueprint = Blueprint("narrate", __name__)
    taken: dict[str, Pipeline] = {}
    for number, pipeline in enumerate(pipelines):
        if taken.setdefault(pipeline.path, pipeline) is not pipeline:
            raise DeclarationError(
                f"`{taken[pipeline.path].name}` and `{pipeline.name}` both answer at {pipeline.path}; give one a path.",
                where=pipeline.where,
            )
        _check_callback(pipeline, service.options)
        blueprint.add_url_rule(
            pipeline.path, f"begin:{number}", answers.begin, methods=["POST"], defaults={"pipeline": pipeline}
        )
    for path, name, view, method in (
        ("/runs", "list", jobs.list_runs, "GET"),
        ("/runs/<run_id>", "state", jobs.state, "GET"),
        ("/runs/<run_id>", "cancel", jobs.cancel, "DELETE"),
        ("/runs/<run_id>/events", "events", jobs.events, "GET"),
        ("/runs/<run_id>/answers", "answer", questions.answer, "POST"),
        ("/runs/<run_id>/details/<int:n>", "detail", jobs.detail, "GET"),
        ("/events", "several", jobs.several, "GET"),
        ("/probe", "probe", probes.probe, "GET"),
        ("/deliveries", "deliveries", deliveries.listed, "GET"),
        ("/deliveries/<delivery_id>/resend", "resend", deliveries.resend, "POST"),
    ):
        blueprint.add_url_rule(path, name, view, methods=[method])
    add_pages(blueprint, service)
    blueprint.before_app_serving(service.open)
    blueprint.after_app_serving(service.close)
    refuse(blueprint)
    return blueprint, service


def _guard(app: Quart | Blueprint, service: Service) -> None:
    """Put in front of every view who may come in, and behind it what pages of other origins may read."""
    app.before_request(service.admit)
    if service.options.cors_origins:
        cors(
            app,
            allow_origin=service.options.cors_origins,
            allow_headers=MAY_SEND,
            allow_methods=("GET", "HEAD", "POST", "DELETE", "OPTIONS"),
            expose_headers=MAY_READ,
            max_age=PREFLIGHT_SECONDS,
        )


def _check_callback(pipeline: Pipeline, options: Options) -> None:
    if pipeline.callback is None:
        return
    if not options.webhook_secrets:
        raise DeclarationError(
            f"Pipeline `{pipeline.name}` has a callback, but there is no webhook secret to sign what it is told.",
            where=pipeline.where,
        )
    try:
        options.callbacks.check(pipeline.callback)
    except Refused as error:
        raise DeclarationError(f"Pipeline `{pipeline.name}`: {error}", where=pipeline.where) from error


def _add_numbers(app: QuartTrio, service: Service) -> None:
    async def health() -> Response:
        status = HTTPStatus.SERVICE_UNAVAILABLE if service.stopping else HTTPStatus.OK
        told = {"status": "stopping" if service.stopping else "ok", "runs": service.runs}
        return Response(msgspec.json.encode(told), status, content_type="application/json")

    async def metrics() -> Response:
        numbers, content_type = service.numbers()
        return Response(numbers, content_type=content_type)

    app.add_url_rule("/healthz", "narrate:health", health)
    app.add_url_rule("/metrics", "narrate:metrics", metrics)
