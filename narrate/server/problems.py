"""Every refusal as `application/problem+json` (RFC 9457), before any stream has opened."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from quart import Blueprint, Quart, Response
from werkzeug.exceptions import HTTPException, InternalServerError

from narrate.errors import BadInput, Problem, TooManyRuns

PROBLEM_JSON = "application/problem+json"


class Refused(Exception):
    """A request that is refused with this problem, and these headers."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.problem = Problem(title=status.phrase, status=status, detail=detail)
        self.headers = dict(headers or {})
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
        status = HTTPStatus.SERVICE_UNAVAILABLE
        problem = Problem(title=status.phrase, status=status, detail=f"{error} Please try again soon.")
        return answer(problem, {"Retry-After": str(error.retry_after)})

    app.register_error_handler(Refused, refused)
    app.register_error_handler(BadInput, bad_input)
    app.register_error_handler(TooManyRuns, too_many)


def refuse_everything(app: Quart) -> None:
    """Answer whatever else goes wrong in an app that is ours alone: 404, 405, and what nobody foresaw."""

    async def http_error(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
        return answer(Problem(title=status.phrase, status=status, detail=error.description or None), headers)

    async def unforeseen(_error: InternalServerError) -> Response:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return answer(
            Problem(title=status.phrase, status=status, detail="The server made a mistake; it is in its log.")
        )

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(500, unforeseen)
