"""Wiring by parameter name: what each parameter gets, and what is said when it gets nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pytest

from narrate import Caller, DeclarationError, resource
from narrate.declare import place_of
from narrate.wiring import CALLER, FAILURE, INPUT, Scope, typed, wire_resources, yields

HERE = "flow.py:7"


@dataclass
class Request:
    city: str


@resource
async def client() -> AsyncIterator[int]:
    yield 1


def wired(fn, scope=None, **options):
    return (scope or Scope()).wire(fn, "step `it`", where=HERE, **options)


def refused(fn, scope=None, **options):
    with pytest.raises(DeclarationError) as caught:
        wired(fn, scope, **options)
    assert caught.value.where == HERE
    return caught.value.what


# --- What a parameter gets ---


def test_a_parameter_gets_the_value_the_resource_the_input_the_caller_and_the_failure():
    async def fn(weather: str, client: int, request: Request, who: Caller, why: Exception) -> float: ...

    scope = Scope(takes=Request, values={"weather": str}, resources={"client": client})

    call = wired(fn, scope, failure=True)

    assert call.needs == (
        ("weather", "weather"),
        ("client", client),
        ("request", INPUT),
        ("who", CALLER),
        ("why", FAILURE),
    )
    assert (call.returns, call.is_async) == (float, True)


def test_a_call_takes_its_arguments_from_the_values_by_their_keys():
    def fn(weather, request: Request): ...

    call = wired(fn, Scope(takes=Request, values={"weather": Any}))

    assert call.arguments({"weather": "sun", INPUT: 5, CALLER: 6}) == {"weather": "sun", "request": 5}
    assert (call.returns, call.is_async) == (Any, False)


def test_a_value_goes_before_the_input_of_the_same_type():
    def fn(city: str, other: str): ...

    assert wired(fn, Scope(takes=str, values={"city": str})).needs == (("city", "city"), ("other", INPUT))


def test_a_default_stands_where_nothing_has_the_name():
    def fn(weather: str, units: str = "metric"): ...

    scope = Scope(values={"weather": str})

    assert wired(fn, scope).needs == (("weather", "weather"),)


def test_a_partial_and_an_object_that_can_be_called_are_wired_by_what_they_still_take():
    class Choose:
        async def __call__(self, weather: str) -> int: ...

    async def weigh(weather: str, factor: int) -> float: ...

    scope = Scope(values={"weather": str})
    chosen, weighed = wired(Choose(), scope), wired(partial(weigh, factor=2), scope)

    assert (chosen.needs, chosen.returns, chosen.is_async) == ((("weather", "weather"),), int, True)
    assert (weighed.needs, weighed.returns, weighed.is_async) == ((("weather", "weather"),), float, True)


def test_a_class_is_wired_by_its_fields():
    assert wired(Request, Scope(values={"city": str})).needs == (("city", "city"),)


# --- What is refused ---


def test_an_unknown_name_is_refused_with_a_near_one_and_all_there_are():
    def fn(wether): ...

    scope = Scope(takes=Request, values={"weather": str, "days": int}, resources={"client": client})

    assert refused(fn, scope) == (
        "step `it`: parameter `wether` names nothing (did you mean `weather`?). There are: client, days, weather. "
        "The input goes to a parameter annotated `Request`."
    )


def test_a_name_with_nothing_before_it_is_refused():
    def fn(weather): ...

    assert refused(fn) == (
        "step `it`: parameter `weather` names nothing. Nothing comes before it. "
        "It must have the name of an earlier step, or of a resource in `resources=[…]`."
    )


@pytest.mark.parametrize(
    ("scope", "own", "why"),
    [
        (Scope(), "weather", "names the step itself, whose value is not there yet."),
        (
            Scope(beside={"weather"}),
            "it",
            (
                "names a step that runs at the same time. "
                "Take one of the two out of the group, so that `weather` comes first."
            ),
        ),
        (Scope(later={"weather"}), "it", "names a step that comes later. Move this one behind it."),
    ],
    ids=["own", "sibling", "later"],
)
def test_a_value_that_is_not_there_yet_is_refused_with_the_reason(scope, own, why):
    def fn(weather): ...

    assert refused(fn, scope, own=own) == f"step `it`: parameter `weather` {why}"


def test_a_value_of_a_type_that_does_not_fit_is_refused():
    def fn(days: str): ...

    scope = Scope(values={"days": list[int]})

    assert refused(fn, scope) == "step `it`: parameter `days` is annotated `str`, but `days` is `list[int]`."


def test_a_resource_of_a_type_that_does_not_fit_is_refused():
    def fn(client: str): ...

    scope = Scope(resources={"client": client})

    assert refused(fn, scope) == "step `it`: parameter `client` is annotated `str`, but `client` is `int`."


def test_a_value_that_may_be_skipped_is_refused_where_none_does_not_fit():
    def fn(days: int): ...

    scope = Scope(values={"days": int | None})

    assert refused(fn, scope) == (
        "step `it`: parameter `days` is annotated `int`, but `days` is `int | None`. "
        "It is None when that step is skipped."
    )


def test_a_literal_that_does_not_fit_is_refused():
    def fn(mood: Literal["sad"]): ...

    what = refused(fn, Scope(values={"mood": Literal["glad"]}))

    assert what == (
        "step `it`: parameter `mood` is annotated `typing.Literal['sad']`, but `mood` is `typing.Literal['glad']`."
    )


def test_only_a_fallback_is_given_a_failure():
    def fn(why: ValueError): ...

    assert refused(fn) == "step `it`: only a fallback is given a failure."


def test_a_failure_comes_in_a_parameter_for_any_failure():
    def fn(why: ValueError): ...

    assert refused(fn, failure=True) == (
        "step `it`: `why` is annotated `ValueError`, but any failure may come. Annotate it `Exception`."
    )


def many(*weather): ...
def keywords(**weather): ...
def positional(weather, /): ...


@pytest.mark.parametrize(
    ("fn", "parameter"), [(many, "*weather"), (keywords, "**weather"), (positional, "weather")], ids=["*", "**", "/"]
)
def test_a_parameter_that_has_no_name_to_pass_it_by_is_refused(fn, parameter):
    assert refused(fn, Scope(values={"weather": str})) == (
        f"step `it`: parameter `{parameter}` cannot be wired by name. Use plain named parameters."
    )


def unheard(weather: "Unheard"): ...  # noqa: F821
def broken(weather: "Any["): ...  # noqa: F722
def no_member(weather: "pytest.Unheard"): ...


@pytest.mark.parametrize(
    ("fn", "error"),
    [
        (unheard, "name 'Unheard' is not defined"),
        (no_member, "module 'pytest' has no attribute 'Unheard'"),
    ],
)
def test_an_annotation_that_means_nothing_is_refused(fn, error):
    assert refused(fn) == f"step `it`: an annotation cannot be resolved: {error}."


def test_an_annotation_that_cannot_be_read_is_refused():
    assert refused(broken).startswith("step `it`: an annotation cannot be resolved: ")


def test_a_builtin_that_does_not_say_what_it_takes_is_refused():
    assert refused(dict) == "step `it`: <class 'dict'> does not say which parameters it has."


# --- Resources ---


def test_the_value_of_a_resource_is_what_it_says_it_yields():
    @resource
    async def bare():
        yield 1

    assert (yields(client), yields(bare)) == (int, Any)


def test_resources_stand_behind_those_they_need():
    @resource
    async def api(client: int, settings: str) -> AsyncIterator[str]:
        yield ""

    @resource
    async def settings() -> AsyncIterator[str]:
        yield ""

    ordered = [one.name for one, _ in wire_resources([api, settings, client])]

    assert ordered == ["client", "settings", "api"]


def test_a_circle_of_resources_is_refused_with_its_members():
    @resource
    async def a(b):
        yield

    @resource
    async def b(c):
        yield

    @resource
    async def c(b):
        yield

    with pytest.raises(DeclarationError) as caught:
        wire_resources([a, b, c])

    assert caught.value.what == "Resources need each other in a circle: b → c → b."
    assert caught.value.where == place_of(b.open)


def test_a_resource_cannot_need_itself():
    @resource
    async def a(a):
        yield

    with pytest.raises(DeclarationError, match="circle: a → a"):
        wire_resources([a])


def test_a_resource_is_refused_what_only_a_run_has():
    @resource
    async def api(who: Caller):
        yield

    with pytest.raises(DeclarationError) as caught:
        wire_resources([api])

    assert (caught.value.what, caught.value.where) == (
        "resource `api`: parameter `who` cannot be had, because a resource is opened before any run.",
        place_of(api.open),
    )


def test_a_resource_that_needs_what_is_no_resource_is_refused():
    @resource
    async def api(clent):
        yield

    with pytest.raises(DeclarationError) as caught:
        wire_resources([api, client])

    assert caught.value.what == (
        "resource `api`: parameter `clent` names nothing (did you mean `client`?). There are: api, client."
    )


def test_types_are_written_as_they_are_in_code():
    assert [typed(kind) for kind in (int, list[int], int | None, Any)] == [
        "`int`",
        "`list[int]`",
        "`int | None`",
        "`Any`",
    ]
