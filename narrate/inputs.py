"""What a pipeline is given: made into the type that it takes, or refused with a sentence for each field.

Pure. The types are pydantic's; how its findings are told is said here alone.
"""

from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from narrate.errors import BadInput, Problem, ProblemError

MOST_ERRORS = 20
"""Errors that a problem names. A body of nothing but unknown fields must not be answered with ten times its size."""


def validated(taken: TypeAdapter[Any], data: Any) -> Any:
    """The data as what is taken. None is no input: all the fields are left out then. Raises BadInput."""
    try:
        return taken.validate_python(data) if data is not None else _left_out(taken)
    except ValidationError as error:
        raise BadInput(input_problem(error)) from error


def input_problem(error: ValidationError) -> Problem:
    """What pydantic found wrong, as a 422 that names each field, the first of very many.

    No value is repeated, but what a validator of the author's own says is told as it is.
    """
    errors = tuple(
        ProblemError(
            detail=_sentence(".".join(map(str, e["loc"])), _found(e)), field=".".join(map(str, e["loc"])) or None
        )
        for e in error.errors(include_url=False, include_input=False)[:MOST_ERRORS]
    )
    sentences = [e.detail for e in errors]
    if (more := error.error_count() - len(errors)) > 0:
        sentences.append(f"and {more} more")
    return Problem(title="The input does not fit", status=422, detail="; ".join(sentences), errors=errors)


def _found(error: ErrorDetails) -> str:
    """What is wrong, in the words of whoever found it: pydantic puts “Value error, ” before a validator's own."""
    own = error.get("ctx", {}).get("error")
    return str(own) if isinstance(own, ValueError | AssertionError) and str(own) else error["msg"]


def _sentence(field: str, message: str) -> str:
    return f"{field}: {message}" if field else message


def _left_out(taken: TypeAdapter[Any]) -> Any:
    """What no input stands for. Raises ValidationError where there must be one, also where fields are not declared."""
    with suppress(ValidationError):
        return taken.validate_python(None)
    nothing = taken.validate_python({})
    return nothing if nothing != {} else taken.validate_python(None)
