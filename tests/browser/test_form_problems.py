"""What the server found wrong with an input, shown at the fields of its form."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, field_validator

from narrate.inputs import input_problem
from tests.browser.form_models import TRIP, Escape, Trip
from tests.browser.static_files import staged, violations


class Dotted(BaseModel):
    """A name with a dot in it, and one that is the beginning of it."""

    a: str = ""
    dotted: int = Field(default=0, alias="a.b")


class Stubborn(BaseModel):
    """Finds fault with what no form could know."""

    words: list[str] = ["sea"]
    limit: Annotated[float | None, Field(title="Limit")] = None
    must: str

    @field_validator("limit")
    @classmethod
    def _never(cls, _limit: float | None) -> float | None:
        raise ValueError("not today")


@pytest.fixture
def stage(page: Page) -> Iterator[Locator]:
    with staged(page) as stage:
        yield stage


def judged(takes: Any, value: Any) -> list[dict[str, Any]]:
    """The `errors` of the problem with which the server refuses a value."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(takes).validate_python(value)
    return [{"field": error.field, "detail": error.detail} for error in input_problem(refused.value).errors]


def show(stage: Locator, takes: Any, shown: Any, errors: list[dict[str, Any]]) -> list[str]:
    """Draw a form with a value in it and show the errors; the sentences that are left over."""
    given = [TypeAdapter(takes).json_schema(), shown, errors]
    left: list[str] = stage.evaluate(
        "(stage, [schema, value, errors]) => { stage.form(schema, value); return stage.inputs.show(errors); }", given
    )
    return left


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in TRIP.items() if key != name}


@pytest.mark.parametrize(
    ("value", "role", "name", "said"),
    [
        (without("email"), "textbox", "Email", "Field required"),
        (
            TRIP | {"people": 12},
            "spinbutton",
            "People",
            "Input should be less than 10 Children count, too. So do dogs.",
        ),
        (TRIP | {"way": "car"}, "combobox", "Way", "Input should be 'train', 'plane' or 'boat'"),
        (TRIP | {"pet": {"kind": "dog"}}, "textbox", "Pet", "dog.loud: Field required"),
        (TRIP | {"tags": ["sun", 5]}, "textbox", "Tags 2", "Input should be a valid string"),
        (TRIP | {"direct": None}, "checkbox", "Direct", "Input should be a valid boolean"),
        (TRIP | {"site": "x"}, "textbox", "Site", "Input should be a valid URL, relative URL without a base"),
        (TRIP | {"rating": []}, "textbox", "Rating", "Input should be a valid integer Input should be a valid string"),
        (TRIP | {"seats": 1}, "textbox", "Seats", "Input should be a valid dictionary"),
    ],
)
def test_an_error_stands_at_its_field_and_the_field_is_gone_to(stage, value, role, name, said):
    assert show(stage, Trip, TRIP, judged(Trip, value)) == []
    field = stage.get_by_role(role, name=name, exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(said)


def test_an_error_deep_within_stands_there(stage):
    value = TRIP | {"legs": [{"to": "VLC"}, {"to": "x"}]}
    assert show(stage, Trip, TRIP, judged(Trip, value)) == []
    field = stage.get_by_role("group", name="Leg 2").get_by_label("Airport")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("String should match pattern '^[A-Z]{3}$'")


def test_an_error_of_a_whole_group_stands_at_the_group(stage):
    errors = judged(Trip, TRIP | {"legs": []})
    assert show(stage, Trip, TRIP | {"legs": []}, errors) == []
    legs = stage.get_by_role("group", name="Legs")
    expect(legs).to_have_accessible_description("List should have at least 1 item after validation, not 0")
    expect(legs.get_by_role("button", name="Add to Legs")).to_be_focused()
    stage.page.keyboard.press("Enter")
    expect(legs).to_have_accessible_description("")


def test_an_error_of_a_row_that_is_not_there_stands_at_its_list(stage):
    assert show(stage, Trip, TRIP, [{"field": "legs.7.to", "detail": "legs.7.to: Field required"}]) == []
    expect(stage.get_by_role("group", name="Legs")).to_have_accessible_description("7.to: Field required")


def test_the_first_of_several_is_gone_to_and_what_is_folded_opens(stage):
    errors = judged(Stubborn, {"words": [1, 2], "limit": 5, "must": 1})
    assert show(stage, Stubborn, {"words": ["a", "b"], "must": "x"}, errors) == []
    expect(stage.get_by_role("textbox", name="Words 1")).to_be_focused()
    expect(stage.locator("[aria-invalid=true]")).to_have_count(4)
    errors = [error for error in errors if error["field"] == "limit"]
    assert show(stage, Stubborn, {"must": "x"}, errors) == []
    expect(stage.get_by_label("Limit")).to_be_focused()
    expect(stage.get_by_label("Limit")).to_have_accessible_description("not today")


def test_names_with_dots_are_told_apart(stage):
    errors = judged(Dotted, {"a": 1, "a.b": "x"})
    assert show(stage, Dotted, {}, errors) == []
    expect(stage.get_by_label("A", exact=True)).to_have_accessible_description("Input should be a valid string")
    expect(stage.get_by_label("a.b")).to_have_accessible_description(
        "Input should be a valid integer, unable to parse string as an integer"
    )


@pytest.mark.parametrize("field", [None, "Idempotency-Key", "zeal", "q2", "lat2.x"])
def test_what_fits_no_field_is_given_back(stage, field):
    error = {"field": field, "detail": f"{field}: it is wrong"}
    assert show(stage, Escape, {"q": "a"}, [error]) == [error["detail"]]
    expect(stage.locator("[aria-invalid=true]")).to_have_count(0)


def test_an_input_that_is_one_field_has_every_error(stage):
    assert show(stage, str, "a", judged(str, 5)) == []
    expect(stage.get_by_label("Input")).to_have_accessible_description("Input should be a valid string")


def test_what_is_shown_replaces_what_was_and_is_taken_away_whole(stage):
    show(stage, Escape, {"q": "a"}, [{"field": "q", "detail": "q: wrong"}])
    stage.evaluate("stage => stage.inputs.show([{ field: 'lon', detail: 'lon: wrong, too' }])")
    expect(stage.locator("[aria-invalid=true]")).to_have_count(1)
    expect(stage.locator(".wrong:visible")).to_have_text(["wrong, too"])
    stage.evaluate("stage => stage.inputs.clear()")
    expect(stage.locator("[aria-invalid=true]")).to_have_count(0)
    expect(stage.locator(".wrong:visible")).to_have_count(0)


def test_an_error_is_text(stage):
    show(stage, Escape, {"q": "a"}, [{"field": "q", "detail": "q: <b>wrong</b>"}])
    expect(stage.locator(".wrong:visible")).to_have_text("<b>wrong</b>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(page, stage, scheme):
    page.emulate_media(color_scheme=scheme)
    show(stage, Trip, TRIP, judged(Trip, {"legs": [], "people": 12, "tags": [1, 2], "back": {}}))
    assert violations(page) == ""
