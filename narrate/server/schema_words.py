"""A JSON Schema in words: what there is to say in a table of its fields, and a sample that fits it.

Pure. It knows the schemas that pydantic and msgspec make; of what it does not know it says less, and nothing wrong.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]

_LIMITS: Mapping[str, str] = {
    "const": "always “{}”",
    "enum": "one of {}",
    "format": "a {}",
    "pattern": "matching {}",
    "minLength": "at least {} long",
    "maxLength": "at most {} long",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "minimum": "{} or more",
    "exclusiveMinimum": "more than {}",
    "maximum": "{} or less",
    "exclusiveMaximum": "less than {}",
}

_SAMPLES: Mapping[str, Any] = {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "null": None}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object: its type and its limits in words."""

    name: str
    kind: str
    limits: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Table:
    """An object's fields. `name` is that of the object, empty for one that has none."""

    name: str
    description: str
    fields: Sequence[Field]


def tables_of(schema: Schema, schemas: Schemas) -> Sequence[Table]:
    """A table for the object that a schema describes, and one for each that is named in it, in the order of naming."""
    tables: list[Table] = []
    seen: set[str] = set()
    left = [schema]
    while left:
        one = left.pop(0)
        name = _name(one)
        if name in seen and name:
            continue
        seen.add(name)
        followed = _followed(one, schemas)
        if properties := followed.get("properties"):
            required = followed.get("required", ())
            fields = [_field(key, told, key in required, schemas) for key, told in properties.items()]
            tables.append(Table(name, followed.get("description", ""), fields))
        left += _named_in(followed)
    return tables


def kind_of(schema: Schema, schemas: Schemas) -> str:
    """The type in words, such as `string or null` or `array of Place`."""
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(dict.fromkeys(kind_of(option, schemas) for option in options))
    if "$ref" in schema:
        return (
            _name(schema)
            if _followed(schema, schemas).get("properties")
            else kind_of(_followed(schema, schemas), schemas)
        )
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"array of {kind_of(schema.get('items', {}), schemas)}"
    return kind or ("string" if all(isinstance(one, str) for one in schema.get("enum", [None])) else "anything")


def sample_of(schema: Schema, schemas: Schemas, inside: frozenset[str] = frozenset()) -> Any:
    """A value that fits the schema as far as can be seen: its own example or default, else one of its type.

    `inside` are the names of those that it is a part of, and will not be again.
    """
    if _name(schema) in inside:
        return None
    inside |= {_name(schema)} - {""}
    schema = _followed(schema, schemas)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("example", "const", "default"):
        if key in schema:
            return schema[key]
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return sample_of(next((one for one in options if _name(one) not in inside), options[0]), schemas, inside)
    match schema.get("type"):
        case "array":
            item = schema.get("items", {})
            count = max(schema.get("minItems", 0), 0 if _name(item) in inside else 1)
            return [sample_of(item, schemas, inside) for _ in range(count)]
        case "object":
            properties = schema.get("properties", {})
            return {name: sample_of(properties.get(name, {}), schemas, inside) for name in schema.get("required", ())}
        case "integer" | "number":
            return _number(schema)
        case kind:
            return _SAMPLES.get(str(kind))


def _number(schema: Schema) -> Any:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    if least is None:
        return schema.get("maximum", _SAMPLES[schema["type"]])
    return least if "minimum" in schema else least + 1


def _field(name: str, schema: Schema, required: bool, schemas: Schemas) -> Field:
    followed = _followed(schema, schemas)
    description = schema.get("description") or followed.get("description", "")
    return Field(name, kind_of(schema, schemas), ", ".join(_limits(schema, schemas)), required, description)


def _limits(schema: Schema, schemas: Schemas) -> Iterator[str]:
    followed = _followed(schema, schemas)
    for key, words in _LIMITS.items():
        if key in followed:
            told = followed[key]
            yield words.format(", ".join(map(_json, told)) if isinstance(told, list) else _bare(told))
    for option in followed.get("anyOf", ()):
        yield from _limits(option, schemas)
    if followed.get("default") is not None:
        yield f"{_json(followed['default'])} if left out"


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _named_in(schema: Any) -> Iterator[Schema]:
    """Every reference within a schema, in its order."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield {"$ref": schema["$ref"]}
        for key, part in schema.items():
            if key not in ("discriminator", "examples", "example", "default"):
                yield from _named_in(part)
    elif isinstance(schema, (list, tuple)):
        for part in schema:
            yield from _named_in(part)


def _followed(schema: Schema, schemas: Schemas) -> Schema:
    """What a reference refers to; what stands beside it counts, too."""
    while "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**schemas.get(_name(schema), {}), **beside}
    return schema


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
