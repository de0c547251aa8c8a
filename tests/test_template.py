"""Templates of titles: what is read, what is filled in, and what is found wrong before anything runs."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel, ConfigDict, computed_field

from narrate.template import Template, hint


@dataclass
class Airport:
    name: str
    iata: str
    far: "Unheard"  # noqa: F821 (a name that only a type checker knows)
    tags: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        return self.iata.lower()


@dataclass(slots=True)
class Slotted:
    name: str


class Model(BaseModel):
    city: str

    @computed_field
    @property
    def shout(self) -> str:
        return self.city.upper()


class OpenModel(BaseModel):
    model_config = ConfigDict(extra="allow")


class Dynamic(BaseModel):
    def __getattr__(self, name: str) -> str:
        return name


@dataclass
class DynamicClass:
    def __getattr__(self, name: str) -> str:
        return name


class Bare:
    name = "bare"


class Pair(NamedTuple):
    what: str
    many: int

    def __str__(self) -> str:
        return f"{self.what} for {self.many}"


TYPES = {
    "airport": Airport,
    "slotted": Slotted,
    "model": Model,
    "open": OpenModel,
    "dynamic": Dynamic,
    "dynamic_class": DynamicClass,
    "bare": Bare,
    "maybe": Airport | None,
    "any": Any,
    "number": int,
}


# --- Filling in ---


def test_a_text_without_places_is_finished_at_once():
    template = Template("100 % {{sure}}")

    assert template.fields == ()
    assert template.text == template.fill({}) == template.outline() == "100 % {sure}"


def test_places_are_filled_from_names_attributes_and_indices():
    template = Template("{a.name}: {b[0]}, {c[key]}, {d:.1f}, {e!r}")

    filled = template.fill({"a": Airport("Wien", "VIE", None), "b": [1], "c": {"key": 2}, "d": 3.14, "e": "x"})

    assert filled == "Wien: 1, 2, 3.1, 'x'"


@pytest.mark.parametrize(
    ("text", "value", "filled"),
    [
        ("Cooking {v}.", ["soup", "bread", "tea"], "Cooking soup, bread, tea."),
        ("Cooking {v}.", ("soup",), "Cooking soup."),
        ("Cooking {v}.", {"tea", "soup", "bread"}, "Cooking bread, soup, tea."),
        ("Cooking {v}.", frozenset({10, 9}), "Cooking 10, 9."),
        ("Cooking {v}.", [["soup", 1], ("tea",)], "Cooking soup, 1, tea."),
        ("Cooking {v}.", [], "Cooking ."),
        ("{v:.1f} km", [1, 2.25], "1.0, 2.2 km"),
        ("{v:>3}", ["a", "b"], "  a,   b"),
        ("{v.tags}", Airport("Wien", "VIE", None, ["old", "big"]), "old, big"),
        ("{v[0]}", [["a", "b"]], "a, b"),
        ("{v!r}", ["soup"], "['soup']"),
        ("{v!s}", ["soup"], "['soup']"),
        ("{v}", Pair("soup", 2), "soup for 2"),
        ("{v}", {"soup": 2}, "{'soup': 2}"),
        ("{v} {v}", True, "True True"),
        ("{v}", None, "None"),
    ],
)
def test_the_items_of_a_list_stand_side_by_side_and_everything_else_is_as_python_has_it(text, value, filled):
    assert Template(text).fill({"v": value}) == filled


def test_a_format_that_an_item_does_not_have_comes_through():
    with pytest.raises(ValueError, match="Unknown format code"):
        Template("{v:.1f}").fill({"v": ["soup"]})


def test_a_format_may_have_places_too():
    template = Template("{price:.{digits}f}")

    assert template.fields == ("price", "digits")
    assert template.fill({"price": 1.234, "digits": 1}) == "1.2"


def test_what_a_value_raises_comes_through():
    with pytest.raises(AttributeError):
        Template("{a.name}").fill({"a": None})


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        ("{a} {b.x}", {"a": 1, "b": 2}, "`{b.x}` raises AttributeError."),
        ("{b.x.y[0]!r}", {"b": {"x": 2}}, "`{b.x.y[0]!r}` raises AttributeError. `b` is a dict: write `{b[x].y[0]}`."),
        ("{b.x}", {"b": {"y": 2}}, "`{b.x}` raises AttributeError."),
        ("{b[x]}", {"b": {}}, "`{b[x]}` raises KeyError."),
        ("{a:.{b}f}", {"a": "secret", "b": 2}, "`{a:.{b}f}` raises ValueError."),
    ],
)
def test_the_place_that_cannot_be_filled_in_is_named_and_nothing_of_its_value(text, values, why):
    assert Template(text).why_not(values) == why


def test_a_place_that_could_not_be_filled_in_before_and_can_now_is_not_named():
    assert Template("{a}").why_not({"a": 1}) == "what stands in it changes while it is read."


@pytest.mark.parametrize(
    ("text", "outline"),
    [
        ("From {a.name} to {b}", "From … to …"),
        ("{a}{b}", "…"),
        ("{{{a}}}", "{…}"),
        ("{a:.{b}f} km", "… km"),
        ("{a}", "…"),
        ("From {a.name} ({a.code}). Where to?", "From … Where to?"),
        ("({a}) at {b} ({c} km)", "(…) at … (… km)"),
        ("Done {a}.", "Done …"),
    ],
)
def test_an_outline_has_an_ellipsis_for_each_place(text, outline):
    assert Template(text).outline() == outline


# --- Malformed ---


@pytest.mark.parametrize("text", ["{", "}", "{a", "{a[0}", "{a.}", "{a[0]b}", "{a!z}", "{a!}", "{a!r:d}", "{a[]}"])
def test_what_str_format_cannot_read_is_refused_when_it_is_made(text):
    with pytest.raises(ValueError, match=r".+"):
        Template(text)


# --- What it misses ---


@pytest.mark.parametrize(
    "text",
    [
        "no places",
        "{airport} {airport.name} {airport.code} {airport.tags[0]} {airport.name.anything}",
        "{slotted.name}",
        "{model.city} {model.shout} {model.model_dump}",
        "{open.whatever} {dynamic.whatever} {dynamic_class.whatever}",
        "{bare.name} {bare.unknown} {maybe.nonsense} {any.thing} {number.real} {number.unknown}",
        "{airport[0].x}",
        "{airport!r:>10}",
    ],
)
def test_nothing_is_missed_where_it_is_there_or_cannot_be_known(text):
    assert Template(text).misses(TYPES) is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{airprt}", "`{airprt}` uses `airprt`, which it does not have (did you mean `airport`?)"),
        ("{zzzzzz.name}", "`{zzzzzz.name}` uses `zzzzzz`, which it does not have"),
        ("{number:{width}}", "`{width}` uses `width`, which it does not have"),
        ("{airport.nme}", "`{airport.nme}`: `airport` has no `nme` (did you mean `name`?)"),
        ("{airport.zzzzzz}", "`{airport.zzzzzz}`: `airport` has no `zzzzzz`"),
        ("{slotted.nam}", "`{slotted.nam}`: `slotted` has no `nam` (did you mean `name`?)"),
        ("{model.cty[0]}", "`{model.cty[0]}`: `model` has no `cty` (did you mean `city`?)"),
        ("{}", "`{}` has no name; write the name of what stands there"),
        ("{0}", "`{0}` has no name; write the name of what stands there"),
        ("{a b}", "`{a b}` has no name; write the name of what stands there"),
    ],
)
def test_the_first_place_that_cannot_be_filled_is_named(text, wrong):
    assert Template(text).misses(TYPES) == wrong


def test_a_name_that_is_there_earlier_is_missed_with_how_to_have_it():
    assert Template("{water.hot}").misses(TYPES, {"water": int}) == (
        "`{water.hot}` uses `water`, which it does not have; add a parameter `water` to it"
    )
    assert Template("{airport.name}").misses(TYPES, {"airport": int}) is None


def test_a_hint_is_given_only_for_a_near_word():
    assert hint("locaton", {"location": 1, "intent": 2}) == " (did you mean `location`?)"
    assert hint("xyz", {"location", "intent"}) == ""
    assert hint("xyz", set()) == ""
