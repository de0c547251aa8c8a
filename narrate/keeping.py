"""How a run's input and the values of its steps are written down, so that another process can go on with it.

Pure. A value is kept as the JSON that pydantic makes of it by the type its step declares, and only if the same value
can be made of that again: a run that goes on with half a value would be worse than one that does not.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from narrate.declare import Resource, place_of
from narrate.errors import DeclarationError
from narrate.pipeline import Pipeline
from narrate.plan import Plan, PlannedGroup, PlannedPipeline, PlannedStage, PlannedStep
from narrate.wiring import Key, typed


class Keeper:
    """Writes down and reads what a pipeline's steps give, each by its path.

    `fingerprint` stands for the plan: a run goes on only with the plan that it was begun with. Raises DeclarationError
    for a step whose type pydantic does not know.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._input = pipeline.input
        self._steps = {path: _adapter(step) for path, step in _steps(pipeline.plan, "")}
        self.fingerprint = self._fingerprint(pipeline)

    def dump_input(self, value: Any) -> bytes | None:
        """The input as JSON; None for one that has no JSON form."""
        return _dumped(self._input, value) if self._input is not None else b"null"

    def load_input(self, kept: bytes) -> Any:
        """The input that was kept. Raises pydantic's ValidationError, a ValueError, for one that fits no more."""
        return _loaded(self._input, kept) if self._input is not None else None

    def dump(self, path: str, value: Any) -> bytes | None:
        """A step's value as JSON; None for one that has no JSON form."""
        return _dumped(self._steps[path], value)

    def load(self, path: str, kept: bytes) -> Any:
        """The value that was kept of a step. Raises pydantic's ValidationError, a ValueError, as `load_input` does."""
        return _loaded(self._steps[path], kept)

    def _fingerprint(self, pipeline: Pipeline) -> str:
        # What its steps do is not in it: to mend one is a good reason for a restart.
        drawn = [pipeline.name, _schema(self._input), [self._drawn(stage, "") for stage in pipeline.plan.stages]]
        return hashlib.sha256(msgspec.json.encode(drawn)).hexdigest()[:32]

    def _drawn(self, stage: PlannedStage, prefix: str) -> Any:
        match stage:
            case PlannedStep():
                needs = [[parameter, _key(key)] for parameter, key in stage.call.needs]
                return [stage.name, needs, _schema(self._steps[prefix + stage.name]), stage.when is not None]
            case PlannedGroup():
                return {"members": [self._drawn(member, prefix) for member in stage.members]}
            case PlannedPipeline():
                inner = [self._drawn(one, f"{prefix}{stage.name}/") for one in stage.plan.stages]
                return [stage.name, _key(stage.source), inner]


def _steps(plan: Plan, prefix: str) -> Iterator[tuple[str, PlannedStep]]:
    for stage in plan.stages:
        for member in stage.members if isinstance(stage, PlannedGroup) else (stage,):
            if isinstance(member, PlannedPipeline):
                yield from _steps(member.plan, f"{prefix}{member.name}/")
            else:
                yield prefix + member.name, member


def _adapter(step: PlannedStep) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(step.call.returns)
    except PydanticUserError as error:
        raise DeclarationError(
            f"step `{step.name}` gives {typed(step.call.returns)}, which pydantic cannot write down, so a durable "
            "journal cannot keep it. Give a model or a dataclass, or make the pipeline with recover=False.",
            where=place_of(step.call.fn),
        ) from error


def _dumped(adapter: TypeAdapter[Any], value: Any) -> bytes | None:
    try:
        kept = adapter.dump_json(value, by_alias=False, round_trip=True, warnings="error")
        return kept if _loaded(adapter, kept) == value else None
    except Exception:  # noqa: BLE001 (a serialiser, a validator or an `__eq__` of the author's may raise anything)
        return None


def _loaded(adapter: TypeAdapter[Any], kept: bytes) -> Any:
    return adapter.validate_json(kept, by_name=True, by_alias=False)


def _schema(adapter: TypeAdapter[Any] | None) -> Any:
    if adapter is None:
        return None
    try:
        return _shape(adapter.json_schema())
    except PydanticInvalidForJsonSchema:
        return str(adapter)


def _shape(schema: Any) -> Any:
    """A JSON Schema without what is said about it: a better description is no other plan."""
    if isinstance(schema, dict):
        return {
            word: {name: _shape(one) for name, one in part.items()} if word in ("properties", "$defs") else _shape(part)
            for word, part in schema.items()
            if word not in ("title", "description", "examples")
        }
    return [_shape(one) for one in schema] if isinstance(schema, list) else schema


def _key(key: Key | None) -> str:
    if isinstance(key, str) or key is None:
        return str(key)
    return f"{'resource ' if isinstance(key, Resource) else ''}{key.name}"
