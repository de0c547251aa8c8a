"""What is written down of a run's values: the same value is made of it again, or nothing is written."""

import enum
import math
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    PrivateAttr,
    SecretStr,
    ValidationError,
    computed_field,
    field_serializer,
    field_validator,
)
from pydantic.alias_generators import to_camel

from narrate import DeclarationError, Pipeline, concurrent, step
from narrate.keeping import Keeper


def gives(kind, name="a"):
    """A step that gives a value of this type."""

    async def work(): ...

    work.__annotations__ = {"return": kind}
    return step(name.upper(), name=name)(work)


def keeper_of(kind):
    return Keeper(Pipeline("p", gives(kind)))


# --- What comes back ---


class Color(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    label: str


@dataclass
class Place:
    name: str
    at: tuple[float, float] = (0.0, 0.0)
    tags: list[str] = field(default_factory=list)


class Trip(BaseModel):
    to: Place
    on: datetime
    price: Decimal | None = None


class Animal(BaseModel):
    name: str


class Cat(Animal):
    kind: Literal["cat"] = "cat"


class Dog(Animal):
    kind: Literal["dog"] = "dog"


class Zoo(BaseModel):
    animals: list[Annotated[Cat | Dog, Field(discriminator="kind")]]


class Camel(BaseModel):
    """As an API speaks that writes otherwise than Python."""

    model_config = ConfigDict(alias_generator=to_camel)
    first_name: str


class Renamed(BaseModel):
    city: str = Field(validation_alias="place", serialization_alias="town")


class Counted(BaseModel):
    """It says more than it takes."""

    model_config = ConfigDict(extra="forbid")
    x: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> int:
        return 2 * self.x


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int


COMES_BACK = [
    (str, "Zürich \u2028 \x00 🧭"),
    (int, 10**40),
    (float, 0.1),
    (bool, True),
    (None, None),
    (Any, {"a": [1, 2.5, None, True, "b"]}),
    (Any, None),
    (bytes, b"abc"),
    (list[int], [1, 2]),
    (tuple[int, ...], (1, 2)),
    (tuple[int, str], (1, "a")),
    (set[str], {"a", "b"}),
    (frozenset[int], frozenset({1})),
    (dict[int, str], {1: "a"}),
    (int | str, "1"),
    (Color, Color.RED),
    (Point, Point(1, "a")),
    (Place, Place("Rome", (41.9, 12.5), ["old"])),
    (Trip, Trip(to=Place("Rome"), on=datetime(2026, 5, 1, 12, tzinfo=UTC), price=Decimal("19.90"))),
    (list[Place], [Place("a"), Place("b")]),
    (Zoo, Zoo(animals=[Dog(name="Rex"), Cat(name="Mia")])),
    (timedelta, timedelta(seconds=1.5)),
    (UUID, UUID(int=7)),
    (PurePosixPath, PurePosixPath("/a/b")),
    (Camel, Camel(firstName="Ada")),
    (Renamed, Renamed(place="Rome")),
    (Counted, Counted(x=1)),
    (Open, Open(x=1, y=2)),
]


@pytest.mark.parametrize(("kind", "value"), COMES_BACK, ids=lambda one: repr(one)[:40])
def test_a_value_comes_back_as_it_was(kind, value):
    keeper = keeper_of(kind)

    kept = keeper.dump("a", value)

    assert kept is not None
    assert keeper.load("a", kept) == value
    assert type(keeper.load("a", kept)) is type(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_whatever_is_kept_is_the_same_again(value):
    keeper = keeper_of(Any)

    for kept in filter(None, [keeper.dump("a", value)]):
        assert keeper.load("a", kept) == value


# --- What would not ---


class Hidden(BaseModel):
    key: SecretStr


class Excluding(BaseModel):
    x: int
    y: int = Field(default=0, exclude=True)


class Private(BaseModel):
    x: int
    _seen: int = PrivateAttr(default=0)


class Rounded(BaseModel):
    x: float

    @field_serializer("x")
    def one_digit(self, x: float) -> float:
        return round(x, 1)


class Unwritable(BaseModel):
    x: int

    @field_serializer("x")
    def breaks(self, x: int) -> int:
        raise LookupError(x)


class Unreadable(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def breaks(cls, x: int) -> int:
        raise LookupError(x)


class Strange:
    pass


@dataclass
class Incomparable:
    x: int
    __hash__ = None

    def __eq__(self, other: object) -> bool:
        raise LookupError("no")


def seen() -> Private:
    made = Private(x=1)
    made._seen = 5
    return made


def endless() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


DOES_NOT = {
    "a secret": (SecretStr, SecretStr("k")),
    "a model with a secret": (Hidden, Hidden(key=SecretStr("k"))),
    "a model with an excluded field": (Excluding, Excluding(x=1, y=5)),
    "a model with a private attribute": (Private, seen()),
    "a model that is written down rounded": (Rounded, Rounded(x=0.25)),
    "more than was declared": (Animal, Cat(name="Mia")),
    "a tuple where a list was declared": (list[int], (1, 2)),
    "a list where a tuple was declared": (tuple[int, ...], [1, 2]),
    "a word where a number was declared": (int, "one"),
    "a number as a word": (int, "1"),
    "a tuple of which nothing was declared": (Any, (1, 2)),
    "a model of which nothing was declared": (Any, Animal(name="Rex")),
    "a number as a key of which nothing was declared": (Any, {1: "a"}),
    "not a number": (float, math.nan),
    "an infinite number": (float, math.inf),
    "an infinite number of which nothing was declared": (Any, math.inf),
    "bytes that are no text": (bytes, b"\xff"),
    "half a character": (str, "\ud83e"),
    "an instance of something strange": (Annotated[Strange, InstanceOf()], Strange()),
    "a function": (Callable[[], int], endless),
    "a generator": (typing.Generator[int, None, None], (n for n in [1])),
    "a list in itself": (Any, endless()),
    "what cannot be written": (Unwritable, Unwritable(x=1)),
    "what cannot be read": (Unreadable, Unreadable.model_construct(x=1)),
    "what cannot be compared": (Incomparable, Incomparable(1)),
}


@pytest.mark.parametrize(("kind", "value"), DOES_NOT.values(), ids=DOES_NOT)
def test_what_could_not_be_read_back_the_same_is_not_written_down(kind, value):
    assert keeper_of(kind).dump("a", value) is None


@pytest.mark.parametrize("kind", [Strange, list[Strange], Place | Strange], ids=str)
def test_a_type_that_pydantic_does_not_know_is_a_mistake_in_the_declaration(kind):
    with pytest.raises(DeclarationError, match=r"step `a` gives `.*Strange.*`, which pydantic cannot write down"):
        keeper_of(kind)


def test_what_fits_the_declaration_no_more_is_refused_when_it_is_read():
    before, after = keeper_of(Any), keeper_of(Place)

    with pytest.raises(ValidationError):
        after.load("a", before.dump("a", {"title": "Rome"}))


# --- Paths, and the input ---


def test_steps_of_nested_pipelines_and_groups_are_known_by_their_paths():
    inner = Pipeline("inner", concurrent(gives(int, "x"), gives(Place, "y")))
    keeper = Keeper(Pipeline("outer", gives(str, "a"), concurrent(inner, gives(Color, "b"))))
    values = {"a": "text", "inner/x": 1, "inner/y": Place("Rome"), "b": Color.RED}

    kept = {path: keeper.dump(path, value) for path, value in values.items()}

    assert kept["inner/y"] == b'{"name":"Rome","at":[0.0,0.0],"tags":[]}'
    assert {path: keeper.load(path, one) for path, one in kept.items()} == values


def test_the_input_comes_back_as_it_was():
    keeper = Keeper(Pipeline("p", gives(int), takes=Trip))
    trip = Trip(to=Place("Rome"), on=datetime(2026, 5, 1, tzinfo=UTC))

    assert keeper.load_input(keeper.dump_input(trip)) == trip


def test_an_input_with_a_secret_is_not_written_down():
    assert Keeper(Pipeline("p", gives(int), takes=Hidden)).dump_input(Hidden(key=SecretStr("k"))) is None


def test_of_a_pipeline_that_takes_nothing_nothing_is_an_input_too():
    keeper = keeper_of(int)

    assert keeper.load_input(keeper.dump_input(None)) is None
