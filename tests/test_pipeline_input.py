"""What a pipeline says of an input that does not fit."""

import pytest
from pydantic import BaseModel

from narrate import BadInput, Pipeline, step
from narrate.inputs import MOST_ERRORS


@step("Adding")
async def total(numbers: list[int]) -> int:
    return sum(numbers)


adding = Pipeline("adding", total, takes=list[int])


def test_each_field_that_is_wrong_is_named_but_not_repeated():
    with pytest.raises(BadInput) as refused:
        adding.validate([1, "s3cret", 3])

    assert [error.field for error in refused.value.problem.errors] == ["1"]
    assert "s3cret" not in str(refused.value)


def test_of_very_many_errors_the_first_are_named_and_the_rest_are_counted():
    with pytest.raises(BadInput) as refused:
        adding.validate(["x"] * 1000)

    assert len(refused.value.problem.errors) == MOST_ERRORS
    assert refused.value.problem.detail.endswith(f"; and {1000 - MOST_ERRORS} more")


class Leave(BaseModel):
    """Nothing of it is needed."""

    days: int = 1


@step("Leaving")
async def left() -> None: ...


def test_no_input_is_one_whose_declared_fields_are_left_out():
    assert Pipeline("leave", left, takes=Leave).validate(None) == Leave(days=1)
    with pytest.raises(BadInput):
        Pipeline("anything", left, takes=dict).validate(None)
