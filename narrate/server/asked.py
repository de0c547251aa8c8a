"""What a request asks for: its input, who is asking, from where on, and in which form the answer should come.

Each reading refuses what it cannot take with one clear problem, before a run is begun or a stream opened.
"""

import json
import re
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated

import trio
from pydantic import BaseModel, ConfigDict, Field, StrictInt, TypeAdapter, ValidationError
from pydantic_core import from_json
from quart import Request
from quart_trio.wrappers.request import TrioBody
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header, parse_list_header, parse_options_header, unquote_header_value

from narrate.declare import Caller
from narrate.errors import BadInput
from narrate.events import RunId
from narrate.inputs import input_problem
from narrate.pipeline import Pipeline
from narrate.server.options import Options
from narrate.server.problems import Refused
from narrate.server.proxies import caller_address

OVERSIZE = 8
"""So many times its greatest size a body may be and is still heard to its end, before it is refused."""

MOST_RUNS = 50
"""Runs that one request may name."""

MOST_CALLBACKS = 5
"""Callbacks that one request may name."""

LONGEST_KEY = 255
"""Characters that an idempotency key may have."""

_KEY = re.compile(r'"(?P<quoted>(?:[ !#-\[\]-~]|\\["\\])*)"|(?P<bare>[!#-+\--:<-\[\]-~]+)')
_LONGEST_WAIT = 9
"""Digits of a `wait` in seconds; what has more is nobody's wish."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the client would like (`Prefer`, RFC 7240): a job at once, or an answer within so many seconds."""

    respond_async: bool = False
    wait: int | None = None


def form_of(request: Request, forms: Collection[str]) -> str:
    """The media type of the form to answer in: the first of these unless the client would rather have another."""
    offered = list(forms)
    if not request.headers.get("Accept", "").strip():
        return offered[0]
    # What follows the type, such as a charset, is no reason to refuse it.
    # Parsed here and not by the request, which would keep the result for as long as the stream is open.
    accepted = parse_accept_header(request.headers.get("Accept"), MIMEAccept)
    wanted = MIMEAccept([(value.partition(";")[0].strip(), quality) for value, quality in accepted])
    chosen = wanted.best_match(offered)
    if chosen is None:
        raise Refused(HTTPStatus.NOT_ACCEPTABLE, f"This is answered as {', '.join(offered[:-1])} or {offered[-1]}.")
    return chosen


def preferences_of(request: Request) -> Preferences:
    """What the client would like. What is not known here, or not well said, is no error but passed over (RFC 7240)."""
    lines = request.headers.getlist("Prefer")
    asked: dict[str, str] = {}
    for preference in parse_list_header(",".join(lines)) if lines else ():
        name, _, value = preference.partition(";")[0].partition("=")
        asked.setdefault(name.strip().lower(), unquote_header_value(value.strip()))
    wait = asked.get("wait", "")
    return Preferences(
        respond_async=asked.get("respond-async") == "",
        wait=int(wait) if wait.isascii() and wait.isdigit() and len(wait) <= _LONGEST_WAIT else None,
    )


def key_of(request: Request) -> str | None:
    """The `Idempotency-Key`, as it is or as a string in quotes (RFC 9651); None where there is none. Raises Refused."""
    lines = request.headers.getlist("Idempotency-Key")
    if not lines:
        return None
    found = _KEY.fullmatch(lines[0].strip()) if len(lines) == 1 else None
    key = (found["bare"] or re.sub(r"\\(.)", r"\1", found["quoted"] or "")) if found is not None else ""
    if not 0 < len(key) <= LONGEST_KEY:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            f"`Idempotency-Key` must be one key of at most {LONGEST_KEY} characters, such as a UUID.",
            field="Idempotency-Key",
        )
    return key


def callbacks_of(request: Request, pipeline: Pipeline) -> Sequence[str]:
    """The URLs that are to be told the end: the pipeline's own, and those in `?callback=`. Raises Refused."""
    # The query is not parsed where there is none: the request would keep the result while the stream is open.
    named = request.args.getlist("callback") if request.query_string else []
    if len(named) > MOST_CALLBACKS:
        detail = f"`callback` may be given {MOST_CALLBACKS} times at most."
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail, field="callback")
    own = [pipeline.callback] if pipeline.callback is not None else []
    return tuple(dict.fromkeys([*own, *named]))


async def body_of(request: Request, options: Options) -> bytes:
    """The whole body, within the bounds on its size and its time. Raises Refused (408, 413).

    One that is too large, but not by far, is heard to its end: a client that is still sending when the connection
    closes may lose the answer. The connection stays usable then; else the answer says that it closes.
    """
    enough = min(OVERSIZE * options.max_body, request.max_content_length or sys.maxsize)  # Quart raises at its own
    most = min(options.max_body, enough)
    received = bytearray()
    size = request.content_length or 0
    body = request.body
    assert isinstance(body, TrioBody)
    with trio.move_on_after(options.body_timeout) as waiting:
        if size <= enough:
            size = 0
            async for chunk in body:
                size += len(chunk)
                if size <= most:
                    received += chunk
                elif size > enough:
                    break
    closes = {"Connection": "close"} if waiting.cancelled_caught or size > enough else {}
    if size > most:
        detail = f"The body is larger than {most} bytes."
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, closes)
    if waiting.cancelled_caught:
        detail = f"The body did not arrive within {options.body_timeout:g} s."
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, detail, closes)
    return bytes(received)


def input_in(body: bytes, request: Request, pipeline: Pipeline) -> object:
    """The pipeline's input. Raises Refused (400, 415), or BadInput (422) naming each field."""
    if pipeline.input is None:
        if body.strip() not in (b"", b"null", b"{}"):
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"`{pipeline.path}` takes no input; send no body.")
        return None
    if not body.strip():
        with suppress(BadInput):  # it is then refused for what it is
            return pipeline.validate(None)
    _check_type(request, "input")
    _check_json(body)
    try:
        return pipeline.input.validate_json(body)
    except ValidationError as error:
        raise BadInput(input_problem(error)) from error


class GivenAnswer(BaseModel):
    """An answer to a question of a run. `to` is the question's number; it may be left out where the run has asked one
    alone, for an answer that is sent again must never answer the next.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str
    to: Annotated[StrictInt, Field(ge=1)] | None = None


_given_answer = TypeAdapter(GivenAnswer)


def answer_in(body: bytes, request: Request) -> GivenAnswer:
    """The answer in a body. Raises Refused (400, 415), or BadInput (422) naming each field."""
    _check_type(request, "answer")
    _check_json(body)
    try:
        return _given_answer.validate_json(body)
    except ValidationError as error:
        raise BadInput(input_problem(error)) from error


def fingerprint(body: bytes, pipeline: Pipeline, callbacks: Sequence[str]) -> str:
    """What stands for a request whose body is good: the same for the same JSON, however it is written."""
    given = from_json(body.strip() or b"null", cache_strings="none") if pipeline.input is not None else None
    asked = json.dumps([given, *callbacks], sort_keys=True, separators=(",", ":"))
    return sha256(asked.encode()).hexdigest()


def caller_of(request: Request, pipeline: Pipeline, options: Options) -> Caller:
    """Who is asking, as far as the pipeline wanted to know."""
    client = request.scope.get("client")
    return Caller(
        ip=caller_address(client[0] if client else None, list(request.headers.items()), options.trusted_proxies),
        locale=parse_accept_header(request.headers.get("Accept-Language"), LanguageAccept).best,
        headers={name.lower(): value for name, value in request.headers.items() if name.lower() in pipeline.headers},
    )


def after_of(request: Request) -> int:
    """The number of the last event that the reader has: `Last-Event-ID`, or `?after=`, or 0. Raises Refused."""
    given = _place(request, "0")
    if not _is_number(given):
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "The number of the last event seen (`Last-Event-ID` or `?after=`) is not one: give digits.",
            field=_place_field(request),
        )
    return int(given)


def runs_of(request: Request) -> Sequence[RunId]:
    """The runs in `?runs=a,b,c`, each once. Raises Refused for too many."""
    runs = [RunId(run.strip()) for part in request.args.getlist("runs") for run in part.split(",")]
    runs = list(dict.fromkeys(filter(None, runs)))
    if len(runs) > MOST_RUNS:
        raise Refused(HTTPStatus.BAD_REQUEST, f"`runs` may name {MOST_RUNS} runs at most.", field="runs")
    return runs


def places_of(request: Request, count: int) -> Sequence[int]:
    """As `after_of`, for so many runs: a cursor such as `12,7,0`. Raises Refused."""
    given = _place(request, ",".join("0" * count)).split(",")
    if len(given) != count or not all(map(_is_number, given)):
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "The place (`Last-Event-ID` or `?after=`) must be a number for each of the runs, such as 12,7,0.",
            field=_place_field(request),
        )
    return [int(number) for number in given]


def _place(request: Request, beginning: str) -> str:
    # A browser that comes back by itself sends both, and the header is the newer.
    return request.headers.get("Last-Event-ID") or request.args.get("after") or beginning


def _place_field(request: Request) -> str:
    return "Last-Event-ID" if request.headers.get("Last-Event-ID") else "after"


def _is_number(given: str) -> bool:
    return given.isascii() and given.isdigit() and len(given) < 16


def _check_type(request: Request, sent: str) -> None:
    given, _ = parse_options_header(request.headers.get("Content-Type", ""))
    given = given.lower()
    if given != "application/json" and not (given.startswith("application/") and given.endswith("+json")):
        what = f"not {given}" if given else "with `Content-Type: application/json`"
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the {sent} as JSON, {what}.", {"Accept-Post": "application/json"}
        )


def _check_json(body: bytes) -> None:
    # Before it is validated, because pydantic takes NaN and infinities for numbers, which no other reader of JSON does.
    try:
        from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        reason = error if body.strip() else "it is empty"
        raise Refused(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {reason}.") from error
