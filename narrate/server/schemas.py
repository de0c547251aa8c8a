"""The schemas that an API document refers to, each under a name of its own.

Pure. Our own come from msgspec, those of the pipelines from pydantic, and in an app that is not ours there are others
already: whichever comes later gives way where two have one name.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

import msgspec
from pydantic import PydanticUserError, TypeAdapter

from narrate.errors import Problem
from narrate.events import AnyEvent
from narrate.pipeline import Pipeline
from narrate.server.documents import ListedDelivery, ListedPipeline, RunDocument
from narrate.server.http_words import ANYTHING
from narrate.snapshot import ListedRun

Schema = Mapping[str, Any]

OWN: Sequence[tuple[str, Any]] = (
    ("Event", AnyEvent),
    ("RunDocument", RunDocument),
    ("ListedRun", ListedRun),
    ("Problem", Problem),
    ("ListedDelivery", ListedDelivery),
    ("ListedPipeline", ListedPipeline),
)


@dataclass(frozen=True, slots=True)
class Schemas:
    """`components` are all by their names; `own` are the names that ours have got, by those they have among us."""

    components: Mapping[str, Schema]
    own: Mapping[str, str]
    inputs: Mapping[Pipeline, Schema]
    results: Mapping[Pipeline, Schema]

    def ref(self, own: str) -> Schema:
        """A reference to one of ours."""
        return {"$ref": _place(self.own[own])}


def schemas_of(pipelines: Sequence[Pipeline], taken: Collection[str] = ()) -> Schemas:
    """Our own schemas and those of the pipelines' inputs and results, under none of the names `taken`."""
    own = _own()
    own_names = _free_names(own, taken)
    given, made = _of_pipelines(pipelines)
    made_names = _free_names(made, {*taken, *own_names.values()})

    def of(mode: str) -> Mapping[Pipeline, Schema]:
        return {one: _renamed(given.get((one, mode), ANYTHING), made_names) for one in pipelines}

    return Schemas(
        {own_names[name]: _renamed(told, own_names) for name, told in own.items()}
        | {made_names[name]: _renamed(told, made_names) for name, told in made.items()},
        own_names,
        of("validation"),
        of("serialization"),
    )


def _own() -> Mapping[str, Schema]:
    told, components = msgspec.json.schema_components([kind for _, kind in OWN], ref_template=_place("{name}"))
    unions = {name: schema for (name, _), schema in zip(OWN, told, strict=True) if "$ref" not in schema}
    for schema in components.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    return components | unions


def _of_pipelines(pipelines: Sequence[Pipeline]) -> tuple[Mapping[Any, Schema], Mapping[str, Schema]]:
    """What can be said of inputs and results, and what that refers to. pydantic tells two models of one name apart."""
    adapters = [(one, "validation", one.input) for one in pipelines if one.input is not None]
    adapters += [(one, "serialization", adapter) for one in pipelines if (adapter := _maybe_adapter(one.returns))]
    told: Any = [asked for asked in adapters if _has_schema(asked[2], asked[1])]
    given, made = TypeAdapter.json_schemas(told, ref_template=_place("{model}"))
    return given, made.get("$defs", {})


def _maybe_adapter(kind: Any) -> TypeAdapter[Any] | None:
    """Of a result's type, which may be anything: nobody validates results."""
    try:
        return TypeAdapter(kind)
    except (PydanticUserError, NameError):
        return None


def _has_schema(adapter: TypeAdapter[Any], mode: Any) -> bool:
    try:
        adapter.json_schema(mode=mode)
    except PydanticUserError:
        return False
    return True


def _free_names(names: Collection[str], taken: Collection[str]) -> Mapping[str, str]:
    """A name for each: its own, or that with a number behind it where it is taken."""
    used = {*names, *taken}
    free: dict[str, str] = {}
    for name in names:
        number = 2
        free[name] = name
        while name in taken and free[name] in used:
            free[name] = f"{name}{number}"
            number += 1
        used.add(free[name])
    return free


def _renamed(schema: Schema, names: Mapping[str, str]) -> Schema:
    """A schema with every reference under its new name, also where a discriminator maps to it."""
    places = {_place(before): _place(after) for before, after in names.items()}

    def within(part: Any) -> Any:
        match part:
            case dict():
                return {key: within(value) for key, value in part.items()}
            case list() | tuple():
                return [within(value) for value in part]
            case str():
                return places.get(part, part)
        return part

    renamed: Schema = within(schema)
    return renamed


def _place(name: str) -> str:
    return f"#/components/schemas/{name}"
