"""Describes an app of pipelines to those who would use it: `/openapi.json`, and `/docs` for people.

quart-schema serves the document and joins it with what it finds in the app by itself, so that routes which an author
adds with its decorators stand in the same one. Its pages for people are left out (`docs_page` says why), and none of
its validation is used, so our errors are answered as they were.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import msgspec
from quart import Quart, Response, request
from quart.json.provider import DefaultJSONProvider
from quart_schema import Info, QuartSchema
from quart_schema.openapi import OpenAPIProvider
from werkzeug.routing.rules import Rule

from narrate.events import json_schema
from narrate.pipeline import Pipeline
from narrate.server.docs_page import page
from narrate.server.files import WEB, Files, maybe_in, unless_known
from narrate.server.openapi import DESCRIPTION, About, document

POLICY: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The page has no script, and so none is let in."""

DOCS = "narrate:docs"
"""The endpoint of the page."""


def add_docs(
    app: Quart, pipelines: Sequence[Pipeline], *, title: str = "narrate", guarded: bool = False, webhooks: bool = False
) -> None:
    """Describe the app at `/openapi.json`, at `/docs`, and its events at `/schema/events.json`.

    `guarded` says that each request is authorized, and `webhooks` that some are sent. Call it once for an app.
    """
    about = About(title=title, version=version("narrate-pipelines"), guarded=guarded, webhooks=webhooks)
    schema = QuartSchema(
        app,
        info=Info(title=about.title, version=about.version, description=DESCRIPTION),
        openapi_provider_class=describing(pipelines, about),
        redoc_ui_path=None,
        scalar_ui_path=None,
        swagger_ui_path=None,
    )
    assert isinstance(app.json, DefaultJSONProvider), "quart-schema has put it there"
    app.json.sort_keys = False  # fields stand in the order of their declaration
    web = Files(partial(maybe_in, WEB))

    async def docs() -> Response:
        told = page(schema.openapi_provider.schema(), f"{request.scheme}://{request.host}")
        response = Response(told.encode(), headers=dict(POLICY), content_type="text/html; charset=utf-8")
        response.headers["Cache-Control"] = "no-cache"
        return await unless_known(response)

    async def style() -> Response:
        return await web.answer("docs.css", POLICY)

    async def events() -> Response:
        return Response(msgspec.json.encode(json_schema()), content_type="application/schema+json")

    app.add_url_rule("/docs", DOCS, docs)
    app.add_url_rule("/docs.css", "narrate:docs_style", style)
    app.add_url_rule("/schema/events.json", "narrate:event_schema", events)


def describing(pipelines: Sequence[Pipeline], about: About) -> type[OpenAPIProvider]:
    """What tells quart-schema of the pipelines: the `openapi_provider_class` of a `QuartSchema`.

    For an app of one's own with the pipelines' blueprint in it, whose prefix is `about.prefix`; the app's own routes
    stay as quart-schema sees them.
    """

    class Describing(OpenAPIProvider):
        _told: dict[str, Any] | None = None

        def schema(self) -> dict[str, Any]:
            if self._told is None:  # no route can come after the first request
                self._told = _joined(super().schema(), pipelines, about)
            return self._told

        def generate_rules(self) -> Iterable[Rule]:
            views = self._app.view_functions
            for rule in super().generate_rules():
                if not (getattr(views[rule.endpoint], "__module__", None) or "").startswith("narrate.server"):
                    yield rule

    return Describing


def _joined(app: dict[str, Any], pipelines: Sequence[Pipeline], about: About) -> dict[str, Any]:
    """The app's own document with ours in it. Where a name is taken, ours gives way."""
    ours = document(pipelines, about, taken=app["components"]["schemas"])
    components = {**ours["components"], **app["components"]}
    components["schemas"] = {**ours["components"]["schemas"], **app["components"]["schemas"]}
    return {**app, "paths": {**ours["paths"], **app["paths"]}, "components": components}
