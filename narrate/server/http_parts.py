"""The parts that an API document is made of, in OpenAPI's form: operations, their answers and what is in those.

Pure. What they are named and mean is said where they are put together (`openapi`) and in `http_words`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from narrate.server.http_words import HEADERS, Described

OF_A_RUN = ("getRun", "readRun", "cancelRun")
"""What can be asked of a run by its id alone, and so of one that was just begun."""


def operation_of(name: str, summary: str, responses: Described, *parameters: str) -> Described:
    """An operation of this name, its `operationId`."""
    told = {"operationId": name, "summary": summary, "responses": responses}
    return {**told, "parameters": parameters_of(*parameters)} if parameters else told


def get_of(name: str, summary: str, responses: Described, *parameters: str, **others: Described) -> Described:
    """An address that can be got, and what else can be done there."""
    return {"get": operation_of(name, summary, responses, *parameters), **others}


def parameters_of(*names: str) -> Sequence[Described]:
    """References to parameters by their names."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def answer_of(description: str, content: Described, *always: str, sometimes: Sequence[str] = ()) -> Described:
    """An answer, with the headers that it has always and those that it may have."""
    told: dict[str, Any] = {"description": description, "content": content}
    if headers := {name: {**HEADERS[name], "required": True} for name in always} | {
        name: {"$ref": f"#/components/headers/{name}"} for name in sometimes
    }:
        told["headers"] = headers
    if "Narrate-Run" in always:
        told["links"] = {operation: {"$ref": f"#/components/links/{operation}"} for operation in OF_A_RUN}
    return told


def array_of(item: Described) -> Described:
    """The content that is an array of these."""
    return {"schema": {"type": "array", "items": item}}


def object_of(properties: Mapping[str, Described], *required: str) -> Described:
    """The schema of an object; all its properties are required where none is named."""
    return {"type": "object", "properties": properties, "required": list(required or properties)}
