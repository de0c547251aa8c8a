"""What can be asked of a server of pipelines, as an OpenAPI 3.1 document.

Pure: the pipelines and a few facts about the server in, plain data out. What the pipelines take and give, the events
and the states are described by their own types (`schemas`); here is what HTTP adds to them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from narrate.events import Outlined, OutlinedGroup, OutlinedStep
from narrate.pipeline import Pipeline
from narrate.server.http_parts import OF_A_RUN, answer_of, array_of, get_of, object_of, operation_of, parameters_of
from narrate.server.http_words import (
    ANSWER,
    ANYTHING,
    HEADERS,
    JSON,
    LATER,
    NDJSON,
    PARAMETERS,
    REFUSALS,
    SSE,
    STRING,
    TEXT,
    UNANSWERED,
    WEBHOOK_HEADERS,
    Described,
)
from narrate.server.problems import PROBLEM_JSON
from narrate.server.schemas import Schemas, schemas_of

DESCRIPTION = """
One POST begins a run and answers with its story. Which answer that is, the request says: `Accept` asks for a stream of
events (`text/event-stream` or `application/x-ndjson`), of sentences (`text/plain`), or for the result alone
(`application/json`); `Prefer: respond-async` for an address where the run can be asked after.

Events are numbered from 1 without a gap. A stream ends with `run.finished`, `run.failed` or `run.cancelled`, or with
`detached` where the run goes on without it. One that stops otherwise was cut: ask again with the last number as
`Last-Event-ID`. Readers pass over types and fields that they do not know.
""".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a document says of the server.

    - `title`, `version`: of the API.
    - `prefix`: what stands before every path, where the pipelines are part of another app.
    - `guarded`: whether somebody authorizes each request.
    - `webhooks`: whether they are sent. Where also somebody authorizes, they can be listed and sent again.
    """

    version: str
    title: str = "narrate"
    prefix: str = ""
    guarded: bool = False
    webhooks: bool = False


def document(pipelines: Sequence[Pipeline], about: About, taken: Collection[str] = ()) -> dict[str, Any]:
    """The document. None of its schemas has a name of those `taken`."""
    schemas = schemas_of(pipelines, taken)
    writing = _Writing(schemas, about)
    paths: dict[str, Described] = {
        quote(pipeline.path, safe="/:@!$&'()*+,;=~%"): {"post": writing.begin(pipeline, f"begin{number}")}
        for number, pipeline in enumerate(pipelines, 1)
    }
    paths |= writing.runs()
    paths |= writing.stories()
    paths |= writing.questions()
    paths |= writing.itself()
    if about.webhooks and about.guarded:
        paths |= writing.deliveries()
    return {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": about.version, "description": DESCRIPTION},
        "paths": {about.prefix + path: operations for path, operations in paths.items()},
        "components": {
            "schemas": dict(schemas.components),
            "parameters": {name: {"name": name, **told} for name, told in PARAMETERS.items()},
            "headers": dict(HEADERS),
            "links": {
                operation: {"operationId": operation, "parameters": {"run": "$response.header.Narrate-Run"}}
                for operation in OF_A_RUN
            },
            "responses": {f"Refused{status}": writing.refusal(status) for status in REFUSALS},
        },
    }


class _Writing:
    """One document being written."""

    def __init__(self, schemas: Schemas, about: About) -> None:
        self.schemas = schemas
        self.about = about

    def begin(self, pipeline: Pipeline, operation: str) -> Described:
        """The POST that begins a run, and its five answers."""
        parameters = ["Prefer", "Idempotency-Key", "Last-Event-ID", *(["callback"] if self.about.webhooks else [])]
        failed = self._problem(
            "Asked for as `application/json`: the run failed, and this is its problem.",
            sometimes=("Narrate-Run", "Location", "Preference-Applied", "Idempotency-Replayed"),
        )
        told = {
            "operationId": operation,
            "summary": pipeline.title,
            "description": "\n".join(_steps(pipeline.outline)),
            "tags": [pipeline.name],
            "parameters": parameters_of(*parameters),
            "responses": {
                "200": answer_of(
                    "The story while it happens; or of `application/json`, the result at its end.",
                    {**self._streams(TEXT), JSON: {"schema": self.schemas.results[pipeline]}},
                    "Narrate-Run",
                    sometimes=(
                        "Narrate-Heartbeat",
                        "Location",
                        "Content-Location",
                        "Preference-Applied",
                        "Idempotency-Replayed",
                    ),
                ),
                "202": answer_of(
                    "The run goes on, and can be asked after at `Location`. Of `application/json`, this comes also as "
                    "soon as the run waits for a person, whom the `questions` of its steps are for.",
                    {JSON: {"schema": self.schemas.ref("RunDocument")}},
                    "Narrate-Run",
                    "Location",
                    "Content-Location",
                    "Retry-After",
                    "Preference-Applied",
                    sometimes=("Idempotency-Replayed",),
                ),
                **self._heard(),
                **self._refused(400, 406, 408, 409, 410, 413, 415, 422, 429, 503),
                # Its status is that of whatever went wrong, which the pipeline's author may have chosen.
                "4XX": failed,
                "5XX": failed,
            },
        }
        if pipeline.input is not None:
            body = {JSON: {"schema": self.schemas.inputs[pipeline]}}
            told["requestBody"] = {"required": _is_needed(pipeline), "content": body}
        if self.about.webhooks:
            told["callbacks"] = {"ended": {"{$request.query.callback}": {"post": self._webhook(pipeline)}}}
        return told

    def runs(self) -> Mapping[str, Described]:
        """What can be asked of runs."""
        state = {JSON: {"schema": self.schemas.ref("RunDocument")}}
        listed = {JSON: array_of(self.schemas.ref("ListedRun"))}
        return {
            "/runs": get_of(
                "listRuns",
                "Your runs, the newest first",
                {"200": answer_of("The runs.", listed, "Cache-Control"), **self._refused(400, 503)},
                "some",
            ),
            "/runs/{run}": get_of(
                "getRun",
                "What has become of a run",
                {
                    "200": answer_of("Its state now.", state, "ETag", "Cache-Control", sometimes=("Retry-After",)),
                    "304": {"description": "It is as it was when it had this `ETag`."},
                    **self._refused(404, 410, 412, 503),
                },
                "run",
                "If-None-Match",
                delete=operation_of(
                    "cancelRun",
                    "Cancel a run; nothing happens to one that has ended",
                    {
                        "200": answer_of("Its state now that it has ended.", state),
                        "202": answer_of("Its state now; it is about to end.", state),
                        **self._refused(404, 410, 503),
                    },
                    "run",
                ),
            ),
        }

    def stories(self) -> Mapping[str, Described]:
        """What can be read of runs."""
        rest = "The record from behind the last event heard, to the end of the run."
        return {
            "/runs/{run}/events": get_of(
                "readRun",
                "The story of a run, or the rest of it",
                {
                    "200": answer_of(
                        rest,
                        self._streams(TEXT),
                        "Narrate-Run",
                        "Content-Location",
                        sometimes=("Narrate-Heartbeat",),
                    ),
                    **self._heard(),
                    **self._refused(400, 404, 406, 410, 503),
                },
                "run",
                "Last-Event-ID",
                "after",
            ),
            "/runs/{run}/details/{n}": get_of(
                "getDetail",
                "The data of a detail that was too large to be sent with its event",
                {
                    "200": answer_of("The data.", {JSON: {"schema": ANYTHING}}, "Cache-Control"),
                    **self._refused(404, 410, 503),
                },
                "run",
                "n",
            ),
            "/events": get_of(
                "readRuns",
                "Several runs over one connection; each event says in `run` whose it is",
                {
                    "200": answer_of(rest, self._streams(), "Narrate-Heartbeat"),
                    **self._heard(),
                    **self._refused(400, 404, 406, 410, 503),
                },
                "runs",
                "cursor",
                "places",
            ),
        }

    def questions(self) -> Mapping[str, Described]:
        """How a person answers what a run asks."""
        told = answer_of("The answer as it was told.", {JSON: {"schema": self.schemas.ref("Answer")}})
        later = answer_of("It is kept, and will be told.", {JSON: {"schema": self.schemas.ref("RunDocument")}})
        refused = {
            **self._refused(400, 404, 408, 409, 410, 413, 415, 422, 503),
            **{str(status): self._problem(means) for status, means in UNANSWERED.items()},
        }
        answer = operation_of(
            "answerQuestion", "Answer a question of a run", {"200": told, "202": later, **refused}, "run"
        )
        body = {"requestBody": {"required": True, "content": {JSON: {"schema": ANSWER}}}}
        return {"/runs/{run}/answers": {"post": {**answer, **body}}}

    def itself(self) -> Mapping[str, Described]:
        """What the server says of itself."""
        pipelines = {JSON: array_of(self.schemas.ref("ListedPipeline"))}
        schema = {"application/schema+json": {"schema": {"type": "object"}}}
        health = {JSON: {"schema": object_of({"status": {"enum": ["ok", "stopping"]}, "runs": {"type": "integer"}})}}
        numbers = {TEXT: {"schema": STRING}}
        healthy = {"200": answer_of("It does.", health), "503": answer_of("It is stopping.", health)}
        return {
            "/pipelines": get_of(
                "listPipelines",
                "The pipelines that are served",
                {"200": answer_of("The pipelines.", pipelines, "Cache-Control"), **self._refused(503)},
            ),
            "/schema/events.json": self._told("getEventSchema", "The JSON Schema of every event", schema),
            "/healthz": get_of("getHealth", "Whether it takes new runs", {**self._refused(), **healthy}),
            "/metrics": self._told("getMetrics", "Its numbers in the text format of Prometheus", numbers),
            "/probe": get_of(
                "probe",
                "A stream that tells when each of its events was sent, to see what the way does to streams",
                {
                    "200": answer_of("The probe.", {SSE: {"schema": {"type": "object"}}}, "Narrate-Heartbeat"),
                    **self._refused(400, 503),
                },
                "seconds",
                "every",
                "silence",
            ),
        }

    def deliveries(self) -> Mapping[str, Described]:
        """What can be asked of webhooks."""
        delivery = self.schemas.ref("ListedDelivery")
        listed = answer_of("The deliveries.", {JSON: array_of(delivery)}, "Cache-Control")
        due = answer_of("It is due now, with the whole schedule before it.", {JSON: {"schema": delivery}})
        return {
            "/deliveries": get_of(
                "listDeliveries",
                "The webhooks of your runs, the newest first",
                {"200": listed, **self._refused(400, 503)},
                "state",
            ),
            "/deliveries/{id}/resend": {
                "post": operation_of(
                    "resendDelivery", "Send a webhook again", {"202": due, **self._refused(404, 409, 503)}, "id"
                )
            },
        }

    def refusal(self, status: int) -> Described:
        """A refusal, to which every operation that may refuse so refers."""
        return self._problem(REFUSALS[status], sometimes=("Retry-After", "Location") if status in LATER else ())

    def _webhook(self, pipeline: Pipeline) -> Described:
        data = {
            "run": STRING,
            "pipeline": {"const": pipeline.name},
            "seconds": {"type": "number"},
            "link": {"type": "string", "format": "uri-reference", "description": "Where the run can be asked after."},
            "result": self.schemas.results[pipeline],
            "problem": self.schemas.ref("Problem"),
            "reason": STRING,
            "left_out": {"enum": ["result", "problem", "reason"], "description": "What was too large; see `link`."},
        }
        body = object_of(
            {
                "type": {"enum": ["run.finished", "run.failed", "run.cancelled"]},
                "timestamp": {"type": "string", "format": "date-time", "description": "When the run ended."},
                "data": object_of(data, "run", "pipeline", "seconds", "link"),
            }
        )
        headers = [
            {"name": name, "in": "header", "required": True, "description": told, "schema": STRING}
            for name, told in WEBHOOK_HEADERS.items()
        ]
        return {
            "summary": "The run has ended",
            "parameters": headers,
            "requestBody": {"required": True, "content": {JSON: {"schema": body}}},
            "responses": {
                "2XX": {"description": "It was received."},
                "410": {"description": "It is not wanted any more, and is not tried again."},
                "default": {"description": "It was not received, and is tried again, not before `Retry-After`."},
            },
        }

    def _told(self, operation: str, summary: str, content: Described) -> Described:
        return get_of(operation, summary, {"200": answer_of(f"{summary}.", content), **self._refused()})

    def _streams(self, *others: str) -> Described:
        event = self.schemas.ref("Event")
        sent = object_of(
            {
                "data": {"type": "string", "contentMediaType": JSON, "contentSchema": event},
                "id": {"type": "string", "description": "The event's number, where it has one."},
            },
            "data",
        )
        # A sequence is described by its item: 3.1 has no other word (3.2 has `itemSchema`), and its readers know it so.
        return {SSE: {"schema": sent}, NDJSON: {"schema": event}, **{other: {"schema": STRING} for other in others}}

    def _heard(self) -> Mapping[str, Described]:
        return {"204": {"description": "Everything has been heard: the run has ended, and nothing is left to tell."}}

    def _refused(self, *statuses: int) -> Mapping[str, Described]:
        guarded = (401, 403) if self.about.guarded else ()
        return {
            str(status): {"$ref": f"#/components/responses/Refused{status}"}
            for status in sorted({*statuses, *guarded, 405})
        }

    def _problem(self, means: str, sometimes: Sequence[str] = ()) -> Described:
        return answer_of(means, {PROBLEM_JSON: {"schema": self.schemas.ref("Problem")}}, sometimes=sometimes)


def _is_needed(pipeline: Pipeline) -> bool:
    """Whether nothing at all is no input."""
    try:
        pipeline.validate(None)
    except Exception:  # noqa: BLE001 (a validator of the author's may raise anything, and this only describes)
        return True
    return False


def _steps(stages: Iterable[Outlined], indent: str = "") -> Iterator[str]:
    """The outline as a list in Markdown."""
    for stage in stages:
        match stage:
            case OutlinedStep(_, title):
                yield f"{indent}- {_one_line(title)}"
            case OutlinedGroup(members):
                yield f"{indent}- At the same time:"
                yield from _steps(members, indent + "  ")
            case _:
                yield f"{indent}- {_one_line(stage.title)}"
                yield from _steps(stage.stages, indent + "  ")


def _one_line(text: str) -> str:
    return " ".join(text.split())
