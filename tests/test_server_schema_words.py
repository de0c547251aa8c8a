"""Schemas in words, and samples that fit them."""

from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field, TypeAdapter

from narrate.events import json_schema
from narrate.server.schema_words import kind_of, sample_of, tables_of


class Place(BaseModel):
    """Where something is."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    name: str = "nowhere"


class Trip(BaseModel):
    """A trip to places."""

    to: list[Place] = Field(min_length=1, description="Where to go.")
    first: Place | None = None
    how: Literal["air", "rail"] = "rail"


class Tree(BaseModel):
    branches: "list[Tree]"
    beside: "Tree | None"


def schema_of(kind: Any) -> tuple[Any, Any]:
    """A type's schema, and those it refers to."""
    schema = TypeAdapter(kind).json_schema()
    return schema, schema.pop("$defs", {})


def word(kind: Any) -> str:
    return kind_of(*schema_of(kind))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (str, "string"),
        (int | None, "integer or null"),
        (list[Place], "array of Place"),
        (list[list[int]], "array of array of integer"),
        (Place | Tree, "Place or Tree"),
        (Literal["a", "b"], "string"),
        (Literal[1, 2], "integer"),
        (Any, "anything"),
        (dict[str, int], "object"),
        (bool | bool, "boolean"),
    ],
)
def test_a_type_is_told_in_words(kind, words):
    assert word(kind) == words


def test_a_list_of_types_and_an_enumeration_without_one_are_told_too():
    assert kind_of({"type": ["string", "null"]}, {}) == "string or null"
    assert kind_of({"enum": ["a"]}, {}) == "string"
    assert kind_of({"enum": [1, "a"]}, {}) == "anything"
    assert kind_of({"$ref": "#/x/Weather"}, {"Weather": {"enum": ["hot"], "type": "string"}}) == "string"


def test_each_object_has_a_table_in_the_order_in_which_they_are_named_and_none_two():
    tables = tables_of(*schema_of(Trip))
    assert [(table.name, table.description) for table in tables] == [
        ("", "A trip to places."),
        ("Place", "Where something is."),
    ]
    to, first, how = tables[0].fields
    assert (to.name, to.kind, to.limits, to.required) == ("to", "array of Place", "at least 1 of them", True)
    assert to.description == "Where to go."
    assert (first.kind, first.limits, first.required) == ("Place or null", "", False)
    assert how.limits == 'one of "air", "rail", "rail" if left out'


def test_what_refers_to_itself_is_told_once():
    schema, schemas = schema_of(Tree)
    assert [table.name for table in tables_of(schema, schemas)] == ["Tree"]


def test_what_is_no_object_has_no_table():
    assert tables_of({"type": "string"}, {}) == []


def test_an_example_of_the_authors_own_comes_before_anything_made_up():
    assert sample_of({"type": "string", "examples": ["Somewhere warm"]}, {}) == "Somewhere warm"
    assert sample_of({"type": "string", "example": "Somewhere hot"}, {}) == "Somewhere hot"


@pytest.mark.parametrize(
    "kind",
    [
        Trip,
        Tree,
        Annotated[int, Field(gt=5)],
        Annotated[int, Field(le=-3)],
        Annotated[float, Field(ge=2, lt=3)],
        Annotated[list[int], Field(min_length=3)],
        dict[str, Any],
        int | None,
        Literal["a"],
        bool,
        None,
        Any,
        AnyUrl | int,
    ],
    ids=str,
)
def test_a_sample_fits_its_schema(kind):
    schema, schemas = schema_of(kind)
    assert jsonschema_rs.is_valid({**schema, "$defs": schemas}, sample_of(schema, schemas))


def test_a_sample_of_what_must_hold_itself_for_ever_ends_all_the_same():
    schemas = {"Loop": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Loop"}}, "required": ["next"]}}
    assert sample_of({"$ref": "#/$defs/Loop"}, schemas) == {"next": None}


def test_every_event_has_a_table():
    schema = msgspec.json.decode(msgspec.json.encode(json_schema()))
    tables = tables_of({"anyOf": schema["anyOf"]}, schema["$defs"])
    assert {table.name for table in tables} == set(schema["$defs"])


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.sampled_from(
            [{}, {"type": "string"}, {"type": "integer", "minimum": 3}, {"type": "null"}, {"enum": ["a", 2]}]
        ),
        lambda inner: st.one_of(
            inner.map(lambda one: {"type": "array", "items": one}),
            st.lists(inner, min_size=1, max_size=3).map(lambda several: {"anyOf": several}),
            st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(
                lambda told: {"type": "object", "properties": told, "required": sorted(told)}
            ),
        ),
        max_leaves=8,
    )
)
def test_any_schema_can_be_told_and_sampled(schema):
    assert kind_of(schema, {})
    tables_of(schema, {})
    jsonschema_rs.validate(schema, sample_of(schema, {}))
