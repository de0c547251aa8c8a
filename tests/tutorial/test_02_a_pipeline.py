"""2. A pipeline is an ordered list of steps, wired by name.

As in pytest, a parameter says by its name what it wants: the value of an earlier step. Everything is checked when the
pipeline is declared, before anything runs.
"""

import pytest

from narrate import DeclarationError, Pipeline, step
from narrate.testing import narrated


@step("Weighing the flour…")
async def flour() -> int:
    return 500


@step("Measuring water for {flour} g of flour…")
async def water(flour: int) -> int:
    return flour * 65 // 100


@step("Kneading {flour} g and {water} g…")
async def dough(flour: int, water: int) -> str:
    return f"{flour + water} g of dough"


def test_values_flow_to_the_parameters_of_their_name():
    """Titles are templates over the step's parameters. The result of the last step is the pipeline's."""
    story = narrated(Pipeline("bread", flour, water, dough))

    assert story.lines == (
        "Weighing the flour…",
        "Measuring water for 500 g of flour…",
        "Kneading 500 g and 325 g…",
    )
    assert story.result == "825 g of dough"


def test_another_step_may_give_the_result():
    assert narrated(Pipeline("bread", flour, water, dough, result="water")).result == 325


def test_a_name_that_nobody_gives_is_found_at_once_with_a_guess_at_what_was_meant():
    @step("Baking…")
    async def bread(douhg: str) -> str:
        return douhg

    with pytest.raises(DeclarationError, match=r"`douhg`.*did you mean `dough`"):
        Pipeline("bread", flour, water, dough, bread)


def test_so_is_a_value_that_comes_only_later():
    with pytest.raises(DeclarationError, match="`flour`"):
        Pipeline("bread", water, flour)


def test_so_is_a_type_that_cannot_fit():
    @step("Baking…")
    async def bread(dough: bytes) -> str:
        return str(dough)

    with pytest.raises(DeclarationError, match="`dough`"):
        Pipeline("bread", flour, water, dough, bread)


def test_so_is_a_title_that_names_what_the_step_does_not_have():
    @step("Baking at {heat} °C…")
    async def bread(dough: str) -> str:
        return dough

    with pytest.raises(DeclarationError, match="heat") as caught:
        Pipeline("bread", flour, water, dough, bread)

    # Every such error says where the mistake stands.
    assert "test_02_a_pipeline.py:" in str(caught.value)
