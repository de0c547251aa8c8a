"""What the mistakes that people make first are told: each with what would mend it."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel

from narrate import Caller, DeclarationError, Explained, Pipeline, RunFailed, concurrent, resource, run, step


class Order(BaseModel):
    cups: int = 1


@dataclass
class Shop:
    name: str


class Beans(TypedDict):
    grams: int


@resource
async def shop() -> AsyncIterator[Shop]:
    yield Shop("Corner")


@resource
async def till() -> AsyncIterator[int]:
    yield 0


@step("Heating")
async def water() -> dict[str, int]:
    return {"b": 94}


def refused(*stages, **options):
    with pytest.raises(DeclarationError) as caught:
        Pipeline("coffee", *stages, **options)
    return caught.value.what


# --- The input and the resources ---


async def of_order(request: Order): ...
async def of_maybe(request: Order | None): ...
async def of_shop(request: Shop): ...
async def of_beans(request: Beans): ...


@pytest.mark.parametrize(
    ("fn", "takes"),
    [(of_order, "Order"), (of_maybe, "Order"), (of_shop, "Shop"), (of_beans, "Beans")],
    ids=["model", "optional", "dataclass", "typed dict"],
)
def test_a_parameter_that_looks_like_an_input_is_told_how_to_be_one(fn, takes):
    assert refused(step("A", name="a")(fn)) == (
        f"step `a`: parameter `request` names nothing. Nothing comes before it. Is it what the pipeline takes? Then "
        f"say `takes={takes}`. Else it must have the name of an earlier step, or of a resource in `resources=[…]`."
    )


def test_an_input_whose_name_is_near_an_earlier_ones_is_told_both():
    @step("A")
    async def a(watre: Order): ...

    assert refused(water, a) == (
        "step `a`: parameter `watre` names nothing (did you mean `water`?). There are: water. Is it what the pipeline "
        "takes? Then say `takes=Order`. Else it must have the name of an earlier step, or of a resource in "
        "`resources=[…]`."
    )


def test_a_resource_that_is_declared_and_was_not_passed_is_told_how_to_be_passed():
    @step("A")
    async def a(shop: Shop): ...

    @step("B")
    async def b(till: int, shop: Shop): ...

    assert refused(a) == (
        "step `a`: parameter `shop` names nothing. Nothing comes before it. Pass the resource: `resources=[shop]`."
    )
    assert refused(b, resources=[till]).endswith("There are: till. Pass the resource: `resources=[…, shop]`.")


def test_a_resource_that_another_needs_and_was_not_passed_is_told_how_to_be_passed():
    @resource
    async def bar(shop: Shop) -> AsyncIterator[int]:
        yield 1

    @resource
    async def cellar(order: Order) -> AsyncIterator[int]:
        yield 1

    assert refused(water, resources=[bar]).endswith("Pass the resource: `resources=[…, shop]`.")
    assert refused(water, resources=[cellar]) == (
        "resource `cellar`: parameter `order` names nothing. There are: cellar. It must have the name of a resource in "
        "`resources=[…]`."
    )


def test_a_parameter_that_could_be_anything_is_told_of_both_ways_and_of_the_input():
    @step("A")
    async def a(milk: Any): ...

    assert refused(water, a, takes=Order) == (
        "step `a`: parameter `milk` names nothing. There are: water. It must have the name of an earlier step, or of a "
        "resource in `resources=[…]`. The input goes to a parameter annotated `Order`."
    )


def test_an_instance_is_no_input_type_and_nothing_of_it_is_told():
    wanted = "Pipeline `coffee`: give `takes` the class `{}`, not one of its instances."

    assert refused(water, takes=Order(cups=7)) == wanted.format("Order")
    assert refused(water, takes=Shop("Corner")) == wanted.format("Shop")


# --- Steps that need each other ---


async def needs_a(a): ...
async def needs_b(b): ...
async def needs_c(c): ...
async def may_need_a(a=None): ...


def test_of_steps_that_need_each_other_neither_is_told_to_move():
    a, b = step("A", name="a")(needs_b), step("B", name="b")(needs_a)
    why = "They need each other, so neither can be first: one of them must do without."

    assert refused(a, b) == f"step `a`: parameter `b` names a step that needs this one (a → b → a). {why}"
    assert refused(b, a) == f"step `b`: parameter `a` names a step that needs this one (b → a → b). {why}"
    assert refused(concurrent(a, b)) == refused(a, b)


def test_a_circle_over_several_steps_is_shown_whole():
    a, b, c = (step("A", name=name)(fn) for name, fn in (("a", needs_b), ("b", needs_c), ("c", needs_a)))

    assert "names a step that needs this one (a → b → c → a)." in refused(a, b, c)


def test_a_circle_that_a_step_is_not_in_is_not_its_fault():
    a, b, c = (step("A", name=name)(fn) for name, fn in (("a", needs_b), ("b", needs_c), ("c", needs_b)))

    assert refused(a, b, c) == "step `a`: parameter `b` names a step that comes later. Move this one behind it."


def test_a_later_step_that_can_do_without_this_one_is_only_in_the_wrong_place():
    a, b = step("A", name="a")(needs_b), step("B", name="b")(may_need_a)

    assert refused(a, b) == "step `a`: parameter `b` names a step that comes later. Move this one behind it."


# --- What stands in the list of stages ---


def test_a_step_that_was_called_is_no_stage_and_python_warns_of_nothing(recwarn):
    @step("A")
    async def a(): ...

    @step("B")
    async def b(): ...

    assert refused(a()) == "`a()` is not a stage: write it without the parentheses, `a`."
    assert refused(water, 5, concurrent(b(), a())) == "`b()` is not a stage: write it without the parentheses, `b`."
    assert [str(warning.message) for warning in recwarn] == []


def test_a_list_of_stages_is_no_stage():
    mend = "give the stages one by one, or concurrent(a, b) for those at the same time."

    assert refused([water]) == f"A list is not a stage: {mend}"
    assert refused(water, (water, water)) == f"A tuple is not a stage: {mend}"


def test_a_resource_is_no_stage():
    assert refused(water, shop) == "`shop` is not a stage but a resource: pass it in `resources=[shop]`."


def test_what_is_no_stage_is_not_shown_at_length():
    assert len(refused("stage" * 100)) < 120


# --- Titles ---


def test_a_title_that_uses_an_earlier_value_says_how_to_have_it():
    @step("Pouring {water}")
    async def pour(): ...

    @step("Pouring", summary="Poured {water[b]}")
    async def poured(): ...

    mend = "which it does not have; add a parameter `water` to it."
    assert refused(water, pour) == f"step `pour`, title: `{{water}}` uses `water`, {mend}"
    assert refused(water, poured) == f"step `poured`, summary: `{{water[b]}}` uses `water`, {mend}"


async def test_a_title_that_cannot_be_filled_in_is_named_and_its_error_logged(caplog):
    @step("Pouring at {water.b}")
    async def pour(water: dict[str, int]): ...

    with caplog.at_level(logging.ERROR, "narrate"), pytest.raises(RunFailed) as failed:
        await run(Pipeline("coffee", water, pour))

    assert str(failed.value) == (
        "pour: Its title cannot be filled in: `{water.b}` raises AttributeError. `water` is a dict: write `{water[b]}`."
    )
    (logged,) = caplog.messages
    assert logged.startswith("Step pour failed.\nTraceback")


def never(caller: Caller) -> bool:
    return False


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"summary": "{a.cups}"}, "summary"),
        ({"when": never, "otherwise": "{caller.ip:d}"}, "reason to be skipped"),
    ],
    ids=["summary", "otherwise"],
)
async def test_a_summary_and_a_reason_that_cannot_be_filled_in_are_named(options, what):
    async def work():
        return 1

    with pytest.raises(RunFailed, match=rf"^a: Its {what} cannot be filled in: `{{.+}}` raises \w+Error\.$"):
        await run(Pipeline("coffee", step("A", name="a", **options)(work)))


async def test_a_value_that_explains_itself_is_heard_in_a_title_too():
    class Cup:
        def __format__(self, _spec: str) -> str:
            raise Explained("The cup is broken.")

    async def cup() -> Cup:
        return Cup()

    async def pour(cup): ...

    with pytest.raises(RunFailed, match=r"^pour: The cup is broken\.$"):
        await run(Pipeline("coffee", step("A")(cup), step("Pouring into {cup}")(pour)))


# --- A result that is no data ---


async def test_of_several_steps_that_give_the_result_the_one_is_named_whose_value_cannot_be_told():
    @step("A")
    async def plain():
        return 1

    @step("B")
    async def odd():
        return {1: object()}

    with pytest.raises(RunFailed, match=r"^The result, which step `inner/odd` gives, cannot be told\. A value"):
        await run(Pipeline("p", concurrent(plain, Pipeline("inner", odd))))
