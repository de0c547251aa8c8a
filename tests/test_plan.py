"""What a declaration becomes, and every mistake in one: a DeclarationError that names the step and the place."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from narrate import BadInput, Caller, DeclarationError, Limits, Pipeline, concurrent, resource, step
from narrate.events import OutlinedGroup, OutlinedPipeline, OutlinedStep
from narrate.plan import PlannedPipeline
from narrate.wiring import INPUT

declare = partial(Pipeline, "trip")


@dataclass
class Place:
    name: str


class Request(BaseModel):
    city: str
    days: int = 1

    @field_validator("city")
    @classmethod
    def known(cls, city: str) -> str:
        assert city != "Atlantis", "is under water"
        return city


@resource
async def client() -> AsyncIterator[int]:
    yield 1


@step("Locate {request.city}")
async def place(request: Request) -> Place: ...


@step("Weather in {place.name}")
async def weather(place: Place, client: int) -> str: ...


@step("Count")
async def count() -> int: ...


def refused(*stages, at=None, **options):
    with pytest.raises(DeclarationError) as caught:
        declare(*stages, **options)
    assert (caught.value.where or "").startswith(str(Path(__file__).parent))
    assert at is None or caught.value.where == at.where
    return caught.value.what


# --- What it becomes ---


def test_a_pipeline_is_called_and_answers_by_its_name_until_said_otherwise():
    plain = Pipeline("find-a-trip", count)
    other = Pipeline("trip", count, title="Trips", path="/go", headers=["X-Tenant"], limits=Limits(held_events=5))

    assert (plain.title, plain.path, plain.linger, plain.value_name) == (
        "find-a-trip",
        "/find-a-trip",
        10,
        "find_a_trip",
    )
    assert (other.title, other.path, other.headers, other.limits.held_events) == ("Trips", "/go", {"x-tenant"}, 5)
    assert repr(plain) == "<Pipeline find-a-trip: 1 stages>"


def test_the_outline_is_the_tree_of_stages_with_their_titles():
    inner = Pipeline("inner", place, takes=Request, title="Inside")

    outlined = declare(concurrent(count, inner), weather_of_inner, takes=Request).plan.outlined()

    assert outlined == (
        OutlinedGroup(
            (
                OutlinedStep("count", "Count"),
                OutlinedPipeline("inner", "Inside", (OutlinedStep("inner/place", "Locate …"),)),
            )
        ),
        OutlinedStep("weather_of_inner", "In …"),
    )


@step("In {inner.name}")
async def weather_of_inner(inner: Place) -> str: ...


def test_the_result_is_that_of_the_last_stage_or_of_the_step_named():
    values = {"place": "p", "weather": "w", "count": 3}

    last = declare(place, weather, takes=Request, resources=[client])
    group = declare(place, concurrent(weather, count), takes=Request, resources=[client])
    chosen = declare(place, weather, takes=Request, resources=[client], result="place")

    assert [p.plan.result_of(values) for p in (last, group, chosen)] == ["w", {"weather": "w", "count": 3}, "p"]
    assert [p.returns for p in (last, group, chosen)] == [str, dict[str, Any], Place]


def test_the_resources_are_those_of_the_steps_their_fallbacks_and_conditions_and_of_pipelines_inside():
    async def shared():
        yield

    spare, gate, unused = (replace(resource(shared), name=name) for name in ("spare", "gate", "unused"))

    def open_for(gate): ...
    def instead(spare): ...

    @step("A", fallback=instead, when=open_for)
    async def a(): ...

    inner = Pipeline("inner", place, weather, takes=Request, resources=[client])

    outer = declare(concurrent(a, inner), takes=Request, resources=[spare, gate, unused])

    assert outer.plan.resources == [gate, spare, client]
    assert {one.name for one, _ in outer.resources} == {"spare", "gate", "unused", "client"}


def test_a_pipeline_inside_takes_the_outer_input_or_the_one_earlier_value_that_fits_or_nothing():
    of_request, of_place = (
        Pipeline("inner", place, takes=Request),
        Pipeline("inner", step("At")(takes_place), takes=Place),
    )

    assert source_of(declare(of_request, takes=Request)) == INPUT
    assert source_of(declare(place, count, of_place, takes=Request)) == "place"
    assert source_of(declare(Pipeline("inner", count), takes=Request)) is None


def source_of(pipeline):
    stage = pipeline.plan.stages[-1]
    assert isinstance(stage, PlannedPipeline)
    return stage.source


# --- Input ---


def test_input_is_validated_into_what_the_pipeline_takes():
    assert declare(place, takes=Request).validate({"city": "Wien", "days": "2"}) == Request(city="Wien", days=2)


def test_every_field_of_a_bad_input_is_named_and_its_value_is_not_repeated():
    with pytest.raises(BadInput) as caught:
        declare(place, takes=Request).validate({"days": "s3cret"})

    problem = caught.value.problem
    assert (problem.status, [error.field for error in problem.errors]) == (422, ["city", "days"])
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).startswith("city: Field required; days: Input should be a valid integer")


def test_a_bad_input_of_no_field_has_a_sentence_of_its_own():
    with pytest.raises(BadInput) as caught:
        declare(count, takes=int).validate("many")

    assert caught.value.problem.errors[0].field is None
    assert str(caught.value).startswith("Input should be a valid integer")


def test_a_pipeline_without_input_is_given_none():
    assert declare(count).validate(None) is None
    with pytest.raises(BadInput, match="Pipeline `trip` takes no input"):
        declare(count).validate({"city": "Wien"})


# --- Mistakes in the list of stages ---


def test_a_pipeline_needs_a_stage():
    assert refused() == "Pipeline `trip` has no stages."


def test_a_function_without_its_decorator_is_no_stage():
    async def helper(): ...

    assert refused(helper) == "`helper` is not a stage: decorate it with @step."
    assert refused(concurrent(count, helper)) == "`helper` is not a stage: decorate it with @step."
    assert refused("count") == "`'count'` is not a stage: a stage is a step, concurrent(...) or a Pipeline."


def test_two_stages_of_one_name_are_refused_wherever_they_stand():
    wanted = "Two stages are called `count`; give one another name."

    assert refused(count, count, at=count) == wanted
    assert refused(concurrent(count, count), at=count) == wanted
    assert refused(count, Pipeline("count", place, takes=Request), takes=Request) == wanted


def test_a_stage_and_a_resource_of_one_name_are_refused():
    clash = step("C", name="client")(count.fn)

    assert refused(clash, resources=[client], at=clash) == (
        "`client` is a stage and a resource; give one another name."
    )


def test_a_pipeline_inside_itself_is_refused_at_any_depth():
    inner = Pipeline("my-trip", count)
    middle = Pipeline("middle", concurrent(inner, place), takes=Request)

    with pytest.raises(DeclarationError) as direct:
        Pipeline("my-trip", inner)
    with pytest.raises(DeclarationError) as deep:
        Pipeline("my-trip", middle, takes=Request)

    assert direct.value.what == deep.value.what == "Pipeline `my-trip` stands inside itself."


def test_a_result_of_no_step_is_refused_with_a_near_one():
    assert refused(count, result="cuont") == ("Pipeline `trip`: result='cuont' names no step (did you mean `count`?).")


def test_a_pipeline_inside_needs_exactly_one_value_to_take():
    start, end = (step("P", name=name)(gives_place) for name in ("start", "end"))
    inner = Pipeline("inner", step("A")(takes_place), takes=Place)

    assert refused(count, inner) == (
        "Pipeline `inner` takes `Place`: exactly one earlier value should fit, but no earlier value does."
    )
    assert refused(start, end, inner) == (
        "Pipeline `inner` takes `Place`: exactly one earlier value should fit, but `start` and `end` do."
    )


async def takes_place(place: Place): ...
async def gives_place() -> Place: ...


# --- Mistakes in the options ---


@pytest.mark.parametrize("name", ["", "1st", "²"])
def test_a_name_must_begin_with_a_letter(name):
    with pytest.raises(DeclarationError, match=f"^Pipeline name {name!r} does not begin with a letter."):
        Pipeline(name, count)


def test_a_path_without_a_slash_and_a_linger_below_zero_are_refused():
    assert refused(count, path="go") == "Pipeline `trip`: path 'go' does not begin with `/`."
    assert refused(count, linger=-1) == "Pipeline `trip`: linger=-1 is no time."
    assert refused(count, linger=float("nan")) == "Pipeline `trip`: linger=nan is no time."


@pytest.mark.parametrize("takes", [object(), 5, AsyncIterator], ids=str)
def test_an_input_that_pydantic_cannot_validate_is_refused(takes):
    assert ", which pydantic cannot validate: " in refused(count, takes=takes)


def test_two_resources_of_one_name_are_refused_but_not_one_twice():
    @resource
    async def client():
        yield

    assert refused(count, resources=[client, globals()["client"]]) == "Two resources are called `client`."
    assert declare(count, resources=[client, client]).resources


def test_what_is_no_resource_is_refused():
    async def opened():
        yield

    assert refused(count, resources=[opened]) == "`opened` is not a resource: decorate it with @resource."
    assert refused(count, resources=[5]) == "`5` is not a resource: decorate it with @resource."


# --- Mistakes in the wiring of a step ---


def test_a_siblings_and_a_later_value_are_refused_at_the_step():
    early, late = step("A", name="early")(takes_late), step("B", name="late")(takes_nothing)

    assert refused(concurrent(early, late), at=early).startswith(
        "step `early`: parameter `late` names a step that runs at the same time."
    )
    assert refused(early, late, at=early) == (
        "step `early`: parameter `late` names a step that comes later. Move this one behind it."
    )


def test_a_value_inside_another_pipeline_is_not_seen_outside():
    outer = Pipeline("inner", count)

    assert refused(outer, step("A")(takes_count)).startswith(
        "step `takes_count`: parameter `count` names nothing. There are: inner. It must have the name of an earlier"
    )


async def takes_count(count): ...


def test_the_value_of_a_step_that_may_be_skipped_may_be_none():
    @step("A", when=lambda: False)
    async def maybe() -> Place: ...

    @step("B")
    async def sure(maybe: Place): ...

    @step("B")
    async def careful(maybe: Place | None): ...

    assert refused(maybe, sure, at=sure).endswith("It is None when that step is skipped.")
    assert declare(maybe, careful)


def test_a_condition_and_a_fallback_are_wired_as_a_step_is():
    def miscounting(cuont): ...
    def of_itself(own): ...

    asked = step("A", name="asked", when=miscounting)(takes_nothing)
    caught = step("A", name="caught", fallback=miscounting)(takes_nothing)
    own = step("A", name="own", when=of_itself)(takes_nothing)

    why = "parameter `cuont` names nothing (did you mean `count`?). There are: count."
    assert refused(count, asked, at=asked) == f"step `asked`, `when`: {why}"
    assert (
        refused(count, caught, at=caught)
        == f"step `caught`, `fallback`: {why} The failure goes to a parameter annotated `Exception`."
    )
    assert (
        refused(own, at=own)
        == "step `own`, `when`: parameter `own` names the step itself, whose value is not there yet."
    )


async def takes_nothing(): ...
async def takes_late(late): ...


def test_a_condition_may_be_a_step_but_not_async():
    a = step("A", name="a", when=count)(takes_nothing)
    b = step("A", name="b", when=step("Q")(bool_of))(takes_nothing)

    assert refused(a, at=a) == "step `a`, `when`: an async function, where only a plain one is asked."
    assert declare(b)


def bool_of(who: Caller) -> bool: ...


def test_a_fallback_of_another_type_than_the_steps_is_refused():
    def five() -> int: ...

    async def text() -> str: ...
    async def number() -> float: ...

    called = step("A", name="called", fallback=five)(text)
    given = step("A", name="given", fallback=5)(text)
    stepped = step("A", name="stepped", fallback=step("B")(five))(number)

    assert refused(called, at=called) == "step `called`: its fallback gives `int`, but the step gives `str`."
    assert refused(given, at=given) == "step `given`: its fallback is 5, but the step gives `str`."
    assert declare(stepped, step("A", name="other", fallback="")(text))
