"""Which types may go where: refused only what surely does not fit."""

# ruff: noqa: UP007, UP045 (the old spellings are what some annotations are made of)

import enum
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, Never, NewType, Optional, Protocol, TypedDict, TypeVar, Union

import pytest
from pydantic import BaseModel

from narrate.fits import fits, value_fits

T = TypeVar("T")
UserId = NewType("UserId", str)


class Named(Protocol):
    name: str


class Holds(Protocol[T]):
    held: T


class Animal: ...


class Dog(Animal): ...


class Model(BaseModel): ...


class Movie(TypedDict):
    title: str


class Colour(enum.Enum):
    RED = 1


class Pairs(list[tuple[T, int]], Generic[T]):
    """A collection whose argument is not its members' type."""


class Words(list[str]): ...


@dataclass
class Box(Generic[T]):
    held: T


FIT = [
    (int, int),
    (Dog, Animal),
    (bool, int),
    (int, float),
    (bool, float),
    (int, complex),
    (float, complex),
    (None, None),
    (None, type(None)),
    (Any, int),
    (int, Any),
    (Model, object),
    (T, int),
    (int, T),
    ("Unheard", int),
    (Dog, Named),
    (Named, Dog),
    (Dog, Holds[int]),
    (UserId, str),
    (str, UserId),
    (UserId, UserId),
    (Annotated[int, "m"], int),
    (int, Annotated[int, "m"]),
    (int, int | None),
    (int, Optional[int]),
    (int, Union[str, int]),
    (Dog | None, Animal | None),
    (Optional[int], Optional[float]),
    (int | str, str | int | None),
    (Literal["a"], str),
    (Literal["a", 1], str | int),
    (Literal["a"], Literal["a", "b"]),
    (Literal["a", "b"], Literal["a"] | Literal["b"]),
    (Literal["a", 1], Literal["a"] | int),
    (Colour, Colour),
    (Literal[Colour.RED], Colour),
    (list[int], list[int]),
    (list[int], list),
    (list, list[int]),
    (list[int], Sequence[float]),
    (list[Dog], Iterable[Animal]),
    (list[int | None], Collection[int | None]),
    (tuple[int, ...], Sequence[int]),
    (tuple[int, int], tuple[int, ...]),
    (tuple[int, str], Sequence[int]),
    (dict[str, int], Mapping[str, float]),
    (dict[str, int], Iterable[str]),
    (OrderedDict[str, int], dict[str, int]),
    (Counter[str], dict[str, int]),
    (deque[int], Iterable[int]),
    (Pairs[str], list[tuple[str, int]]),
    (Words, list[int]),
    (str, Sequence[str]),
    (Movie, dict),
    (dict, Movie),
    (Movie, Mapping[str, Any]),
    (Callable[[int], str], Callable[[str], int]),
    (Animal, Dog | Any),
    (Never, int),
    (int, Never),
    (type[Dog], type[Animal]),
    (Box[int], Box[str]),  # a class of somebody's that is no collection: its argument may mean anything
    (list["Unheard"], list[int]),  # noqa: F821
]

MISFIT = [
    (int, str),
    (Animal, Dog),
    (float, int),
    (int, bool),
    (None, int),
    (int, None),
    (Literal["a"], Literal[1]),
    (Dog, Literal["a"]),
    (int | None, int),
    (Optional[Dog], Dog),
    (int | str, int),
    (int, str | None),
    (str, Literal["a"]),
    (Literal["c"], Literal["a", "b"]),
    (Literal["a", "c"], Literal["a", "b"]),
    (Literal["a"], int),
    (Literal["a", 1], str),
    (list[int], list[str]),
    (list[int | None], list[int]),
    (list[Animal], Sequence[Dog]),
    (tuple[str, ...], Sequence[int]),
    (tuple[str, int], tuple[int, str]),
    (dict[str, int], dict[str, str]),
    (dict[str, int], list[str]),
    (list[list[int]], list[list[str]]),
    (Sequence[int], list[int]),
    (str, Colour),
    (dict, Model),
    (UserId, int),
    (Annotated[str, "m"], int),
    (Pairs[str], Pairs[int]),
]


@pytest.mark.parametrize(("given", "wanted"), FIT, ids=str)
def test_what_may_go_there_fits(given, wanted):
    assert fits(given, wanted)


@pytest.mark.parametrize(("given", "wanted"), MISFIT, ids=str)
def test_what_surely_may_not_go_there_does_not_fit(given, wanted):
    assert not fits(given, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, int),
        (1, float),
        ("a", Literal["a", "b"]),
        (b"a", bytes),
        (Colour.RED, Literal[Colour.RED]),
        (Colour.RED, Colour),
        (None, int | None),
        ([], list[int]),
        ({}, dict[str, int]),
        ({}, Movie),
        (Dog(), Animal),
        (1.5, Any),
        (True, bool),
    ],
    ids=str,
)
def test_a_value_that_may_stand_there_fits(value, wanted):
    assert value_fits(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(1, str), ("c", Literal["a", "b"]), (None, int), ([], dict[str, int]), (Animal(), Dog), ("x", Model), (1.5, int)],
    ids=str,
)
def test_a_value_that_may_not_stand_there_does_not_fit(value, wanted):
    assert not value_fits(value, wanted)
