"""The schemas of a document: whose they are, and that no two go by one name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from narrate import Pipeline, step
from narrate.server.schemas import schemas_of


class Problem(BaseModel):
    """A name that ours has, too."""

    inner: "Message"


class Message(BaseModel):
    words: str


class Unschemable:
    """Nothing that pydantic knows."""


@dataclass
class Unfinished:
    """One that names what is nowhere."""

    nowhere: "Nonesuch"  # type: ignore[name-defined]  # noqa: F821


def other_problem() -> type[BaseModel]:
    """Another model of the same name."""

    class Problem(BaseModel):
        other: int

    return Problem


def giving(kind: Any, takes: Any = None, name: str = "story") -> Pipeline:
    async def given() -> Any: ...

    given.__annotations__["return"] = kind
    return Pipeline(name, step("Working")(given), takes=takes)


def followed(schema: Any, components: Any) -> Any:
    return components[schema["$ref"].rpartition("/")[2]]


def test_what_is_ours_goes_by_the_names_it_has_in_python():
    schemas = schemas_of([])
    ours = {"Event", "RunDocument", "ListedRun", "Problem", "ListedDelivery", "StepStarted", "OutlinedGroup"}
    assert ours <= set(schemas.components)
    assert schemas.ref("Event") == {"$ref": "#/components/schemas/Event"}


def test_an_input_and_a_result_are_described_as_pydantic_does():
    pipeline = giving(list[Message], takes=Message)
    schemas = schemas_of([pipeline])
    assert schemas.results[pipeline]["type"] == "array"
    taken = followed(schemas.inputs[pipeline], schemas.components)
    assert taken["title"] == "Message"
    assert "words" in taken["properties"]


def test_a_model_that_is_called_as_one_of_ours_gives_way_and_is_referred_to_by_its_new_name():
    pipeline = giving(int, takes=Problem)
    schemas = schemas_of([pipeline])
    taken = followed(schemas.inputs[pipeline], schemas.components)
    assert followed(taken["properties"]["inner"], schemas.components)["properties"].keys() == {"words"}
    assert schemas.components["Problem"]["properties"].keys() >= {"title", "status"}
    assert schemas.components["Message"]["properties"].keys() >= {"step", "text"}


def test_two_models_of_one_name_in_two_pipelines_are_told_apart():
    one, other = giving(int, takes=Problem, name="one"), giving(int, takes=other_problem(), name="other")
    schemas = schemas_of([one, other])
    assert followed(schemas.inputs[one], schemas.components)["properties"].keys() == {"inner"}
    assert followed(schemas.inputs[other], schemas.components)["properties"].keys() == {"other"}


def test_ours_give_way_to_names_that_are_taken_also_where_they_refer_to_each_other():
    schemas = schemas_of([], {"Problem", "Token", "Problem2"})
    assert not {"Problem", "Token", "Problem2"} & set(schemas.components)
    assert schemas.ref("Problem") == {"$ref": "#/components/schemas/Problem3"}
    failed = schemas.components["RunFailedEvent"]["properties"]["problem"]
    assert failed == {"$ref": "#/components/schemas/Problem3"}
    event = schemas.components["Event"]
    assert event["discriminator"]["mapping"]["token"] == "#/components/schemas/Token2"
    assert {"$ref": "#/components/schemas/Token2"} in event["anyOf"]


def test_what_pydantic_cannot_describe_may_be_anything():
    kinds = [Unschemable, list[Unschemable], Unfinished, Callable[[], int]]
    pipelines = [giving(kind, name=f"story{n}") for n, kind in enumerate(kinds)]
    schemas = schemas_of(pipelines)
    assert [schemas.results[pipeline] for pipeline in pipelines] == [{}, {}, {}, {}]


def test_a_pipeline_that_takes_nothing_is_described_by_nothing():
    pipeline = giving(int)
    assert schemas_of([pipeline]).inputs[pipeline] == {}
    assert schemas_of([pipeline]).results[pipeline] == {"type": "integer"}


def test_what_has_a_docstring_is_described_by_it_without_its_indentation():
    told = schemas_of([]).components["RunDocument"]["description"]
    assert told.startswith("A run's state, and what stands beside its record.\n\n- `began`")
