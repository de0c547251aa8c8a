"""The page at `/`, the files that it and others like it are made of, and what they ask first: which pipelines are here.

What a pipeline brings stands beside the framework's own, under one policy: a page of this server runs nothing but such
files, and asks nobody else.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path, PurePath
from typing import Any

import msgspec
from pydantic import PydanticUserError
from quart import Blueprint, Response, current_app, url_for

from narrate.errors import DeclarationError
from narrate.pipeline import VIEW, Pipeline
from narrate.server.docs import DOCS
from narrate.server.documents import ListedPipeline
from narrate.server.files import CONTENT_TYPES, WEB, Files, maybe_below, maybe_in
from narrate.server.problems import Refused
from narrate.server.service import Service

POLICY: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "Referrer-Policy": "no-referrer",
}
"""What every file says to a browser, for any of them (a picture in SVG, say) may be opened as a page of its own."""


def add_pages(blueprint: Blueprint, service: Service) -> None:
    """Serve the page, the files in `narrate/web`, those that the pipelines bring, and their list, which says by the
    link `service-doc` (RFC 8631) where the docs are, if there are some.

    Raises DeclarationError when two pipelines of one name bring a page each.
    """
    own = Files(partial(maybe_in, WEB))
    theirs = {name: Files(partial(maybe_below, page)) for name, page in _pages(service.pipelines).items()}
    # Anybody may have these from a registry. On a page that may not ask for runs, the element can then say so.
    open_policy = POLICY if service.options.cors_origins else {**POLICY, "Access-Control-Allow-Origin": "*"}
    inputs = {pipeline: _schema(pipeline) for pipeline in service.pipelines}

    async def page() -> Response:
        return await own.answer("page.html", POLICY)

    async def part(name: str) -> Response:
        # Documents have addresses of their own, and some of those here are templates.
        if PurePath(name).suffix not in CONTENT_TYPES.keys() - {".html"}:
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such file.")
        return await own.answer(name, open_policy)

    async def brought(name: str, file: str) -> Response:
        if name not in theirs:
            raise Refused(HTTPStatus.NOT_FOUND, "There is no pipeline of this name with a page.")
        return await theirs[name].answer(file, POLICY)

    async def pipelines() -> Response:
        listed = [
            ListedPipeline(
                name=pipeline.name,
                title=pipeline.title,
                path=url_for(".page").removesuffix("/") + pipeline.path,
                input=inputs[pipeline],
                outline=await service.narrator.outline(pipeline),
                linger=pipeline.linger,
                view=url_for(".brought", name=pipeline.name, file=VIEW) if pipeline.page is not None else None,
            )
            for pipeline in service.pipelines
        ]
        headers = {"Cache-Control": "private, no-cache"}
        if DOCS in current_app.view_functions:
            headers["Link"] = f'<{url_for(DOCS)}>; rel="service-doc"'
        return Response(msgspec.json.encode(listed), headers=headers, content_type="application/json")

    blueprint.add_url_rule("/", "page", page)
    blueprint.add_url_rule("/web/<name>", "part", part)
    blueprint.add_url_rule("/pipelines/<path:name>/page/<path:file>", "brought", brought)
    blueprint.add_url_rule("/pipelines", "pipelines", pipelines)


def _pages(pipelines: Sequence[Pipeline]) -> Mapping[str, Path]:
    """The folders that pipelines bring, by their names."""
    pages: dict[str, Path] = {}
    for pipeline in pipelines:
        if pipeline.page is not None and pages.setdefault(pipeline.name, pipeline.page) != pipeline.page:
            raise DeclarationError(
                f"Two pipelines are called `{pipeline.name}`, and each brings a page; give one another name.",
                where=pipeline.where,
            )
    return pages


def _schema(pipeline: Pipeline) -> dict[str, Any] | None:
    """The JSON Schema of its input: one that anything fits for a type that has none; None where it takes nothing."""
    if pipeline.input is None:
        return None
    try:
        return pipeline.input.json_schema()
    except PydanticUserError:
        return {}
