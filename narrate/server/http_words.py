"""The words of HTTP that are said at more than one address: parameters, headers and refusals, each described once.

Pure data in OpenAPI's form; `openapi` refers to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from narrate.probing.words import LONGEST, QUICKEST, SLOWEST

SSE, NDJSON, TEXT, JSON = "text/event-stream", "application/x-ndjson", "text/plain", "application/json"

Described = Mapping[str, Any]

ANYTHING: Described = {}
STRING: Described = {"type": "string"}
NUMBER: Described = {"type": "string", "pattern": "^[0-9]{1,15}$"}
NUMBERS: Described = {"type": "string", "pattern": "^[0-9]{1,15}(,[0-9]{1,15})*$"}

ADDRESS: Described = {"type": "string", "format": "uri-reference"}

REFUSALS: Mapping[int, str] = {
    400: "The request cannot be read: malformed JSON, or a header or parameter that makes no sense.",
    401: "Nobody knows who is asking.",
    403: "Who is asking may not.",
    404: "There is nothing of that name here.",
    405: "It cannot be asked with this method; `Allow` names those it can.",
    406: "None of the forms in `Accept` is offered. The problem names those that are.",
    408: "The body did not arrive in time.",
    409: "What was asked for cannot be had: the run was cancelled, or has not come to its end yet.",
    410: "The run is no longer known, or its record no longer kept.",
    412: "The state is another than `If-Match` says.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    422: "What was sent does not fit: `errors` names each field. Or its `Idempotency-Key` had another body before.",
    429: "As many runs are under way as one caller may have.",
    503: "As many runs, or probes, are under way as the server takes, or it is stopping.",
}
"""What each refusal means. All are problems after RFC 9457."""

UNANSWERED: Mapping[int, str] = {
    404: "There is no such run here, or none of its events is question number `to`.",
    409: "The question was answered otherwise already, or is not waited for any more; or there is no `to`, and the run "
    "has asked nothing so far, or several questions.",
}
"""What a refusal means where a question is answered, and what it means nowhere else."""

LATER: Sequence[int] = (429, 503)
"""The refusals that say, in `Retry-After`, when to ask again."""

RUNS: Described = {
    "in": "query",
    "schema": {"type": "array", "items": STRING, "minItems": 1, "maxItems": 50},
    "style": "form",
    "explode": False,
}

ANSWER: Described = {
    "type": "object",
    "properties": {
        "value": {"type": "string", "description": "One of the choices, or any text where there are none."},
        "to": {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "The number of the question. It may be left out where the run has asked one alone.",
        },
    },
    "required": ["value"],
    "additionalProperties": False,
}
"""What answers a question."""

PARAMETERS: Mapping[str, Described] = {
    # None for `Accept`: OpenAPI ignores it, since the content of each answer says what can be asked for.
    "Prefer": {
        "in": "header",
        "description": "`respond-async` asks for an address instead of the story, `wait=N` to wait N seconds first; or "
        "of a stream, that it ends after N seconds while the run goes on (RFC 7240).",
        "schema": STRING,
        "example": "respond-async, wait=10",
    },
    "Idempotency-Key": {
        "in": "header",
        "description": "The same key with the same body is the same run, however often it is sent.",
        "schema": {"type": "string", "pattern": "^[!#-+\\--:<-\\[\\]-~]{1,255}$"},
        "example": "7a0e5b1c-1d2f-4c7e-9f43-0b6d8f1f2a10",
    },
    "Last-Event-ID": {
        "in": "header",
        "description": "The number of the last event heard. The story goes on behind it.",
        "schema": NUMBER,
    },
    "If-None-Match": {"in": "header", "description": "The `ETag` of the state that is known.", "schema": STRING},
    "after": {
        "in": "query",
        "description": "The same as `Last-Event-ID`, for who cannot set a header.",
        "schema": NUMBER,
    },
    "callback": {
        "in": "query",
        "description": "Whom to tell of the run's end, by a signed webhook (Standard Webhooks). May be given again.",
        "schema": {"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": 5},
    },
    "cursor": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The `id` of the last event heard: for each of the runs, in their order, a number.",
        "schema": NUMBERS,
    },
    "places": {
        "name": "after",
        "in": "query",
        "description": "The same, for who cannot set a header.",
        "schema": NUMBERS,
    },
    "runs": {**RUNS, "required": True, "description": "The ids of the runs."},
    "some": {**RUNS, "name": "runs", "description": "Of these alone: for who has no name here, and knows their ids."},
    "seconds": {
        "in": "query",
        "description": "For how many seconds there are ticks.",
        "schema": {"type": "number", "minimum": 0, "maximum": LONGEST, "default": 2},
    },
    "every": {
        "in": "query",
        "description": "Milliseconds from one tick to the next.",
        "schema": {"type": "number", "minimum": QUICKEST, "maximum": SLOWEST, "default": 100},
    },
    "silence": {
        "in": "query",
        "description": "Seconds of silence, but for heartbeats, behind the ticks.",
        "schema": {"type": "number", "minimum": 0, "maximum": LONGEST, "default": 0},
    },
    "state": {
        "in": "query",
        "description": "Only those in this state; `dead` are those given up.",
        "schema": {"enum": ["waiting", "due", "delivered", "dead"]},
    },
    "run": {"in": "path", "required": True, "description": "The id of the run.", "schema": STRING},
    "n": {"in": "path", "required": True, "description": "The number of the event.", "schema": NUMBER},
    "id": {
        "in": "path",
        "required": True,
        "description": "The id of the delivery: its `webhook-id`.",
        "schema": STRING,
    },
}
"""What a request may say. Under another word than its name is what has that name in two senses."""

HEADERS: Mapping[str, Described] = {
    "Narrate-Run": {"description": "The id of the run.", "schema": STRING},
    "Narrate-Heartbeat": {
        "description": "Seconds of silence after which the stream shows that it is alive. One that is silent for twice "
        "as long is as good as cut.",
        "schema": {"type": "string", "pattern": "^[0-9]+([.][0-9]+)?$"},
    },
    "Location": {"description": "Where the run can be asked after.", "schema": ADDRESS},
    "Content-Location": {"description": "Where the same can be read again.", "schema": ADDRESS},
    "Idempotency-Replayed": {
        "description": "That this is the run which was begun with the same key before.",
        "schema": {"const": "true"},
    },
    "Preference-Applied": {"description": "Which of the preferences were followed.", "schema": STRING},
    "Retry-After": {"description": "Seconds after which it is worth asking again.", "schema": NUMBER},
    "ETag": {"description": "Stands for this state of the run.", "schema": STRING},
    "Cache-Control": {"description": "For how long this can be taken for what is so now.", "schema": STRING},
}
"""What an answer may say, by its name."""

WEBHOOK_HEADERS: Mapping[str, str] = {
    "webhook-id": "The same on each try: what has been handled under it need not be handled again.",
    "webhook-timestamp": "When this try was made, in seconds since 1970. Refuse what is old.",
    "webhook-signature": "Signatures of `id.timestamp.body` with HMAC-SHA256, one for each secret in use: `v1,…`.",
}
"""What a webhook says of itself, after Standard Webhooks 1.0."""
