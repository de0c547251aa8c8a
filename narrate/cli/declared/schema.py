"""`narrate schema`: what is told, and what a pipeline takes and gives, as JSON Schema."""

import json
from collections.abc import Callable
from typing import Any, Literal

import click
from pydantic import PydanticUserError, TypeAdapter
from rich.console import Console

from narrate import targets
from narrate.cli.kinds import Target
from narrate.cli.work import WrongUse
from narrate.events import json_schema
from narrate.pipeline import Pipeline

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@click.command()
@click.argument("target", required=False, type=Target())
@click.option("--input", "of_input", is_flag=True, help="Only that of the input.")
@click.option("--result", "of_result", is_flag=True, help="Only that of the result.")
def schema(target: str | None, *, of_input: bool, of_result: bool) -> None:
    """Print the JSON Schema of events, or of a pipeline's input and result.

    Without TARGET it is that of everything that can be told. TARGET is `module:name`, `file.py:name`, or either without
    a name where it has one pipeline. A type of which nothing can be said has the schema {}, which anything fits.

    \b
    Examples:
      narrate schema
      narrate schema pipelines.travel_escape:travel_escape
      narrate schema examples/coffee.py --result
    """
    if target is None:
        if of_input or of_result:
            raise WrongUse("Events have neither input nor result. Name the pipeline: narrate schema TARGET --input.")
        _print(json_schema())
        return
    pipeline = targets.load_one(target)
    asked = {"input": input_schema(pipeline), "result": result_schema(pipeline)}
    _print(asked if of_input == of_result else asked["input" if of_input else "result"])


def input_schema(pipeline: Pipeline) -> dict[str, Any]:
    """What a pipeline takes; of one that takes nothing, null."""
    return _schema(lambda: pipeline.input or TypeAdapter(None), "validation")


def result_schema(pipeline: Pipeline) -> dict[str, Any]:
    """What a pipeline gives, as it stands in `run.finished`."""
    return _schema(lambda: TypeAdapter(pipeline.returns), "serialization")


def _schema(adapter: Callable[[], TypeAdapter[Any]], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    try:
        return {"$schema": DIALECT, **adapter().json_schema(mode=mode)}
    except (PydanticUserError, NameError):  # nobody validates results, so their types may be anything
        return {"$schema": DIALECT}


def _print(data: Any) -> None:
    Console().print_json(json.dumps(data, ensure_ascii=False))
