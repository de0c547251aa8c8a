"""What a request asks for: its input, who is asking, and in which form the answer should come.

Each reading refuses what it cannot take with one clear problem, before a run is begun or a stream opened.
"""

import sys
from http import HTTPStatus

import trio
from pydantic import ValidationError
from pydantic_core import from_json
from quart import Request
from quart_trio.wrappers.request import TrioBody
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header, parse_options_header

from narrate.declare import Caller
from narrate.errors import BadInput
from narrate.pipeline import Pipeline, input_problem
from narrate.server.options import Options
from narrate.server.problems import Refused
from narrate.server.proxies import caller_address
from narrate.wire.forms import FORMS

OVERSIZE = 8
"""So many times its greatest size a body may be and is still heard to its end, before it is refused."""


def form_of(request: Request) -> str:
    """The media type of the form to answer in: server-sent events unless the client would rather have another."""
    offered = list(FORMS)
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


async def input_of(request: Request, pipeline: Pipeline, options: Options) -> object:
    """The pipeline's input, from the body. Raises Refused (400, 408, 413, 415), or BadInput (422) naming each field."""
    body = await _body(request, options)
    if pipeline.input is None:
        if body.strip() not in (b"", b"null", b"{}"):
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"`{pipeline.path}` takes no input; send no body.")
        return None
    _check_type(request)
    _check_json(body)
    try:
        return pipeline.input.validate_json(body)
    except ValidationError as error:
        raise BadInput(input_problem(error)) from error


def caller_of(request: Request, pipeline: Pipeline, options: Options) -> Caller:
    """Who is asking, as far as the pipeline wanted to know."""
    client = request.scope.get("client")
    return Caller(
        ip=caller_address(client[0] if client else None, list(request.headers.items()), options.trusted_proxies),
        locale=parse_accept_header(request.headers.get("Accept-Language"), LanguageAccept).best,
        headers={name.lower(): value for name, value in request.headers.items() if name.lower() in pipeline.headers},
    )


def after_of(request: Request) -> int:
    """The number of the last event that the reader has: `Last-Event-ID`, or `?after=`, or 0."""
    given = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise Refused(
            HTTPStatus.BAD_REQUEST, "The number of the last event seen (`Last-Event-ID` or `?after=`) is none."
        )
    return int(given)


def _check_type(request: Request) -> None:
    given, _ = parse_options_header(request.headers.get("Content-Type", ""))
    given = given.lower()
    if given != "application/json" and not (given.startswith("application/") and given.endswith("+json")):
        what = f"not {given}" if given else "with `Content-Type: application/json`"
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the input as JSON, {what}.", {"Accept-Post": "application/json"}
        )


def _check_json(body: bytes) -> None:
    # Before it is validated, because pydantic takes NaN and infinities for numbers, which no other reader of JSON does.
    try:
        from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        reason = error if body.strip() else "it is empty"
        raise Refused(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {reason}.") from error


async def _body(request: Request, options: Options) -> bytes:
    """The whole body, within the bounds on its size and its time.

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
