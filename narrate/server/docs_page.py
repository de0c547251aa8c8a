"""The page at `/docs`: our OpenAPI document as one page of HTML for people, with a curl for every answer.

Pure, and static: it needs no script and nothing from another host, so it works offline and under a policy that forbids
both. The pages that quart-schema has (Swagger UI, Redoc, Scalar) load a script from a CDN, and start it by one inline.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from narrate.server.http_words import JSON, NDJSON, TEXT
from narrate.server.schema_words import Field, Schemas, Table, kind_of, sample_of, tables_of

Described = Mapping[str, Any]
Steps = Sequence[tuple[str, "Steps"]]

_SAID_OF_ALL = ("type", "n", "t")
"""What every event carries."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to ask, what comes of it, and how to try it."""

    title: str
    text: str
    curl: str


@dataclass(frozen=True, slots=True)
class ShownPipeline:
    """What the page has on a pipeline. `takes` is None for one that takes nothing; `steps` are nested."""

    id: str
    title: str
    name: str
    path: str
    steps: Steps
    takes: Sequence[Table] | None
    gives: Sequence[Table]
    result: str
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """What the page has on an event: the word in `type`, and what else it carries."""

    type: str
    carries: Sequence[Field]
    text: str


@dataclass(frozen=True, slots=True)
class ShownOperation:
    """What the page has on anything else that can be asked; `refused` are the refusals that mean here what they mean
    nowhere else.
    """

    method: str
    path: str
    summary: str
    statuses: Sequence[str]
    refused: Sequence[tuple[str, str]]


def page(document: Described, base: str) -> str:
    """The page. `base` is where the server is, such as `https://api.example.com`."""
    schemas = document["components"]["schemas"]
    operations = [(path, *one) for path, told in document["paths"].items() for one in told.items()]
    begins = [(path, post) for path, method, post in operations if _begins(method, post)]
    read = next(told for _, _, told in operations if told.get("operationId") == "readRun")
    events = schemas[_name(read["responses"]["200"]["content"][NDJSON]["schema"])]["anyOf"]
    return _template().render(
        info=document["info"],
        pipelines=[_pipeline(f"pipeline-{n}", *begin, schemas, base) for n, begin in enumerate(begins, 1)],
        events=[_event(schemas[_name(event)], schemas) for event in events],
        operations=[
            ShownOperation(
                method.upper(), path, told.get("summary", ""), [*told["responses"]], list(_refused(told["responses"]))
            )
            for path, method, told in operations
            if not _begins(method, told)
        ],
        refusals=[
            (name.removeprefix("Refused"), told["description"])
            for name, told in document["components"]["responses"].items()
        ],
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("narrate", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = _marked
    return environment.get_template("docs.html")


def _refused(responses: Mapping[str | int, Described]) -> Iterator[tuple[str, str]]:
    """The refusals that are described at their operation itself."""
    for status, told in responses.items():
        if str(status).startswith("4") and "description" in told:  # an author's own are numbers
            yield str(status), told["description"]


def _begins(method: str, told: Described) -> bool:
    return method == "post" and re.fullmatch(r"begin\d+", told.get("operationId", "")) is not None


def _pipeline(id: str, path: str, post: Described, schemas: Schemas, base: str) -> ShownPipeline:  # noqa: A002
    body = post.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")
    result = post["responses"]["200"]["content"][JSON]["schema"]
    return ShownPipeline(
        id=id,
        title=post["summary"],
        name=post["tags"][0],
        path=path,
        steps=_nested(post["description"].splitlines()),
        takes=None if body is None else tables_of(body, schemas),
        gives=tables_of(result, schemas),
        result=kind_of(result, schemas),
        answers=list(_answers(base + path, None if body is None else sample_of(body, schemas), "callbacks" in post)),
    )


def _answers(url: str, sample: Any, webhooks: bool) -> Iterator[Answer]:
    given = ["-X", "POST"]
    if sample is not None:
        given = ["-H", f"Content-Type: {JSON}", "-d", json.dumps(sample, ensure_ascii=False)]

    def curl(*options: str, query: str = "") -> str:
        return shlex.join(["curl", *options, url + query, *given])

    yield Answer("The story, as it happens", "Server-sent events: what a browser reads best.", curl("-N"))
    yield Answer("The story for people", "One line a step, in a terminal.", curl("-N", "-H", f"Accept: {TEXT}"))
    yield Answer("The story for programs", "One event a line, as JSON.", curl("-N", "-H", f"Accept: {NDJSON}"))
    yield Answer(
        "The result alone",
        "Waits for the end. A failure is a problem with a true status code. If a person is asked meanwhile, it is 202 "
        "with the run's address and the question.",
        curl("-H", f"Accept: {JSON}"),
    )
    yield Answer(
        "An address to ask at later",
        "202 at once, and `Location` says where. With `wait=10` it waits ten seconds for the result first.",
        curl("-i", "-H", "Prefer: respond-async"),
    )
    if webhooks:
        yield Answer(
            "A webhook at the end",
            "With any of the others: a signed POST to your server (Standard Webhooks).",
            curl("-N", query="?callback=https://you.example/ended"),
        )
    yield Answer(
        "The rest of a story that was cut",
        "Sent with a key, the same POST is the same run whenever it is sent. It goes on behind the event last heard.",
        curl("-N", "-H", "Idempotency-Key: my-first-run", "-H", "Last-Event-ID: 3"),
    )


def _event(schema: Described, schemas: Schemas) -> ShownEvent:
    (table,) = tables_of({**schema, "title": ""}, schemas)[:1]
    carries = [field for field in table.fields if field.name not in _SAID_OF_ALL]
    return ShownEvent(schema["properties"]["type"]["enum"][0], carries, schema.get("description", ""))


def _nested(lines: Iterable[str]) -> Steps:
    """A list in Markdown, as the document has it, as a tree."""
    levels: list[list[tuple[str, Any]]] = [[]]
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 2
        inside: list[tuple[str, Any]] = []
        levels[depth].append((line.strip().removeprefix("- "), inside))
        levels[depth + 1 :] = [inside]
    return levels[0]


def _marked(text: str) -> Markup:
    """The text, with what stands in backticks as code."""
    parts = text.split("`")
    marked = [Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(parts)]
    return Markup("").join(marked)


def _name(reference: Described) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
