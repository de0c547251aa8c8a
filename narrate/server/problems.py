"""Every refusal as `application/problem+json` (RFC 9457), before any stream has opened."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from quart import Blueprint, Quart, Response
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from narrate.errors import BadInput, JournalFailed, Problem, ProblemError, RecordGone, TooManyOfCaller, TooManyRuns

PROBLEM_JSON = "application/problem+json"

COME_BACK = "5"
"""Seconds after which somebody who was sent away for want of something may come back."""


class Refused(Exception):
    """A request that is refused with this problem, and these headers. `field` names what of the request is wrong.

    A 401 says by what to prove oneself (`WWW-Authenticate`), by default a bearer token.
    """

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, field: str | None = None
    ) -> None:
        status = HTTPStatus(status)
        errors = (ProblemError(detail=detail, field=field),) if field is not None else ()
        self.problem = Problem(title=status.phrase, status=status, detail=detail, errors=errors)
        self.headers = dict(headers or {})
        if status is HTTPStatus.UNAUTHORIZED:
            self.headers.setdefault("WWW-Authenticate", "Bearer")
        super().__init__(detail)


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response."""
    return Response(msgspec.json.encode(problem), problem.status, dict(headers or {}), content_type=PROBLEM_JSON)


def refuse(app: Quart | Blueprint) -> None:
    """Answer our own errors, raised in this app's or blueprint's views, as problems."""

    async def refused(error: Refused) -> Response:
        return answer(error.problem, error.headers)

    async def bad_input(error: BadInput) -> Response:
        return answer(error.problem)

    async def too_many(error: TooManyRuns) -> Response:
        again = {"Retry-After": str(error.retry_after)}
        return _told(HTTPStatus.SERVICE_UNAVAILABLE, f"{error} Please try again soon.", again)

    async def too_many_of_caller(error: TooManyOfCaller) -> Response:
        detail = f"{error.limit} runs of yours are under way, which is as many as you may have. Please try again soon."
        return _told(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(error.retry_after)})

    async def gone(error: RecordGone) -> Response:
        return _told(HTTPStatus.GONE, str(error))

    async def not_kept(error: JournalFailed) -> Response:
        return _told(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": COME_BACK})

    app.register_error_handler(Refused, refused)
    app.register_error_handler(BadInput, bad_input)
    app.register_error_handler(TooManyRuns, too_many)
    app.register_error_handler(TooManyOfCaller, too_many_of_caller)
    app.register_error_handler(RecordGone, gone)
    app.register_error_handler(JournalFailed, not_kept)


def refuse_everything(app: Quart) -> None:
    """Answer whatever else goes wrong in an app that is ours alone: 404, 405, and what nobody foresaw."""

    async def http_error(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
        return _told(status, _sentence(error, status), headers)

    async def unforeseen(_error: InternalServerError) -> Response:
        return _told(HTTPStatus.INTERNAL_SERVER_ERROR, "The server made a mistake; it is in its log.")

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(500, unforeseen)


def _told(status: HTTPStatus, detail: str | None, headers: Mapping[str, str] | None = None) -> Response:
    return answer(Problem(title=status.phrase, status=status, detail=detail), headers)


def _sentence(error: HTTPException, status: HTTPStatus) -> str | None:
    if isinstance(error, MethodNotAllowed):
        offered = ", ".join(sorted(error.valid_methods or ()))
        return f"This address takes {offered}." if offered else "This address does not take that method."
    if status is HTTPStatus.NOT_FOUND:
        return "There is nothing at this address."
    return error.description or None
