"""A form made from a pipeline's input: what each field is, what is sent, and how it is used."""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pydantic import BaseModel, Field, TypeAdapter

from tests.browser.form_models import TRIP, Escape, Person, Trip
from tests.browser.static_files import staged, violations
from tests.browser.watching import Complaints, opened


@pytest.fixture
def stage(page: Page) -> Iterator[Locator]:
    with staged(page) as stage:
        yield stage


def draw(stage: Locator, takes: Any, value: Any = None) -> None:
    """Draw the form of a type, filled with a value if there is one."""
    schema = None if takes is None else TypeAdapter(takes).json_schema()
    stage.evaluate("(stage, [schema, value]) => stage.form(schema, value ?? undefined)", [schema, value])


def send(stage: Locator) -> None:
    stage.get_by_role("button", name="Begin").click()


def sent(stage: Locator) -> Any:
    """What is sent when the button is pressed."""
    send(stage)
    expect(stage.locator("output")).not_to_be_empty()
    return json.loads(stage.locator("output").inner_text())


def refused(stage: Locator, label: str) -> str:
    """What is said at a field when the button is pressed."""
    send(stage)
    control = stage.get_by_label(label, exact=True)
    expect(control).to_have_attribute("aria-invalid", "true")
    said = control.evaluate(
        "control => control.getRootNode().getElementById("
        "control.getAttribute('aria-describedby').split(' ')[0]).innerText"
    )
    return str(said)


def one(kind: Any, default: Any = ..., name: str = "x") -> type[BaseModel]:
    """A model of one field."""
    return type("One", (BaseModel,), {"__annotations__": {name: kind}, name: default})


@pytest.mark.parametrize(
    ("label", "attributes"),
    [
        ("Name of the trip", {"type": "text", "required": "", "minlength": "3", "maxlength": "40"}),
        ("Email", {"type": "email", "required": ""}),
        ("People", {"type": "number", "min": "1", "max": "9", "step": "1", "required": None}),
        ("Price", {"type": "number", "min": "0", "step": "0.5", "required": ""}),
        ("Leaves", {"type": "date", "required": ""}),
        ("At", {"type": "time", "required": ""}),
        ("Booked", {"type": "datetime-local", "required": None}),
        ("Site", {"type": "url", "required": None}),
        ("Direct", {"type": "checkbox", "required": None}),
        ("Rating", {"type": "text", "required": None}),
    ],
)
def test_each_field_is_of_its_kind_and_the_browser_knows_its_limits(stage, label, attributes):
    draw(stage, Trip)
    control = stage.get_by_label(label, exact=True)
    assert {name: control.get_attribute(name) for name in attributes} == attributes


def test_a_pattern_is_the_browsers_too(stage):
    draw(stage, one(Annotated[str, Field(pattern="[A-Z]{3}")]))
    matches = "(field, text) => { field.value = text; return field.checkValidity(); }"
    verdicts = [stage.get_by_label("X").evaluate(matches, text) for text in ("a VLC b", "VLC", "vlc")]
    assert verdicts == [True, True, False]


def test_a_value_comes_out_as_it_was_filled_in(browser: Browser, complaints: Complaints):
    with opened(browser, complaints, timezone_id="Asia/Kolkata") as context, staged(context.new_page()) as stage:
        draw(stage, Trip, TRIP)
        assert sent(stage) == TRIP
        Trip.model_validate(TRIP)


def test_what_people_type_and_choose_is_what_is_sent(stage):
    draw(stage, Trip)
    for label, text in (("Name of the trip", "To the sea"), ("Email", "ada@example.org"), ("Price", "12.5"),
                        ("Leaves", "2026-03-01"), ("At", "10:30"), ("Pet", '{"kind": "cat"}')):  # fmt: skip
        stage.get_by_label(label, exact=True).fill(text)
    stage.get_by_label("Way", exact=True).select_option("boat")
    stage.get_by_label("boat").check()
    stage.get_by_role("group", name="Home").get_by_label("Airport").fill("VIE")
    stage.get_by_role("group", name="Leg 1").get_by_label("Airport").fill("VLC")
    told = sent(stage)
    assert told == {
        "name": "To the sea", "email": "ada@example.org", "people": 2, "price": 12.5, "way": "boat",
        "leaves": "2026-03-01", "at": "10:30:00", "direct": False, "legs": [{"to": "VLC"}], "home": {"to": "VIE"},
        "pet": {"kind": "cat"}, "v": 2, "ways": ["train", "boat"], "seats": {},
    }  # fmt: skip
    Trip.model_validate(told)


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        (str, "", {}),
        (str | None, None, {}),
        (int | None, None, {}),
        (str | None, ..., {"x": None}),
        (Literal["a", "b"] | None, None, {}),
        (list[int], [], {}),
        (set[Literal["a", "b"]], set(), {}),
        (list[int], ..., {"x": []}),
        (bool, True, {}),
        (bool, ..., {"x": False}),
        (bool | None, None, {}),
        (dict[str, int] | None, None, {}),
        (str, "hello", {"x": "hello"}),
        (int, 0, {"x": 0}),
        (Literal["only"], "only", {}),
        (Escape | None, None, {}),
    ],
)
def test_what_was_left_as_it_was_is_left_out_or_is_its_default(stage, kind, default, value):
    draw(stage, one(kind, default))
    assert sent(stage) == value


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [(str, "hello", {"x": ""}), (str | None, "hello", {"x": None}), (int | None, 3, {"x": None}), (int, 3, {})],
)
def test_a_field_emptied_of_its_default_does_not_bring_it_back(stage, kind, default, value):
    draw(stage, one(kind, default))
    stage.get_by_label("X").fill("")
    assert sent(stage) == value


@pytest.mark.parametrize(
    ("name", "told", "label", "hint"),
    [
        ("q", {}, "Q", None),
        ("max_hours", {}, "Max hours", None),
        ("maxHours", {}, "Max hours", None),
        ("q", {"title": "Your wish"}, "Your wish", None),
        ("q", {"description": "What you `feel` like."}, "What you feel like", None),
        ("q", {"title": "Your wish", "description": "In `any` words."}, "Your wish", "In any words."),
        ("max_hours", {"title": "Max Hours", "description": "Of the flight."}, "Of the flight", None),
        ("q", {"description": "One. Two."}, "Q", "One. Two."),
        ("q", {"description": "long " * 20}, "Q", ("long " * 20).strip()),
        ("q", {"title": "<b>bold</b>", "description": "<script>x</script>"}, "<b>bold</b>", "<script>x</script>"),
    ],
)
def test_a_field_is_called_what_its_author_called_it(stage, name, told, label, hint):
    draw(stage, one(Annotated[str, Field(**told)], name=name))
    control = stage.get_by_role("textbox")
    expect(control).to_have_accessible_name(label)
    expect(control).to_have_accessible_description(hint or "")


def test_backticks_are_shown_as_code(stage):
    draw(stage, Trip)
    expect(stage.locator(".hint code")).to_have_text("dogs")


def test_the_one_sentence_that_is_asked_for_is_one_line_that_is_sent_by_enter(stage):
    draw(stage, Escape)
    field = stage.get_by_role("textbox", name="What you feel like, in your own words")
    expect(field).to_have_attribute("placeholder", "Somewhere warm on Wednesday")
    assert field.evaluate("field => field.tagName") == "INPUT"
    field.fill("warm")
    field.press("Enter")
    expect(stage.locator("output")).to_have_text('{"q":"warm"}')


def test_a_long_text_among_others_has_lines_and_is_sent_by_control_and_enter(stage):
    draw(stage, one(Annotated[str, Field(max_length=301)], ""))
    field = stage.get_by_role("textbox", name="X")
    field.press_sequentially("one\ntwo")
    field.press("Control+Enter")
    expect(stage.locator("output")).to_have_text(r'{"x":"one\ntwo"}')


def test_what_nobody_needs_is_folded_until_it_is_wanted(stage):
    draw(stage, Escape)
    latitude = stage.get_by_label("Latitude to start from; goes with lon")
    expect(latitude).to_be_hidden()
    stage.get_by_text("More options").press("Enter")
    latitude.fill("39.5")
    stage.get_by_role("textbox", name="What you").fill("warm")
    assert sent(stage) == {"q": "warm", "lat": 39.5}


def test_what_is_folded_is_open_when_something_is_in_it(stage):
    draw(stage, Escape, {"q": "warm", "lon": -0.4})
    expect(stage.get_by_label("Lon", exact=True)).to_have_value("-0.4")
    expect(stage.get_by_label("Lon", exact=True)).to_be_visible()


def test_fields_that_are_all_optional_are_not_folded(stage):
    draw(stage, one(int | None, None))
    expect(stage.get_by_label("X optional")).to_be_visible()


def test_a_list_grows_and_shrinks_and_the_keyboard_stays_in_it(stage):
    draw(stage, one(list[str], ["sun"], name="tags"))
    add = stage.get_by_role("button", name="Add to Tags")
    add.press("Enter")
    expect(stage.get_by_role("textbox", name="Tags 2")).to_be_focused()
    stage.page.keyboard.type("sea")
    stage.get_by_role("button", name="Remove Tags 1").press("Enter")
    expect(stage.get_by_role("button", name="Remove Tags 1")).to_be_focused()
    expect(stage.get_by_role("textbox", name="Tags 1")).to_have_value("sea")
    stage.page.keyboard.press("Enter")
    expect(add).to_be_focused()
    assert sent(stage) == {"tags": []}


def test_a_list_takes_no_more_than_it_may(stage):
    draw(stage, one(Annotated[list[int], Field(max_length=2)], [1]))
    add = stage.get_by_role("button", name="Add to X")
    add.click()
    expect(add).to_be_hidden()
    stage.get_by_role("spinbutton", name="X 2").fill("5")
    assert sent(stage) == {"x": [1, 5]}


@pytest.mark.parametrize("kind", [list[int], set[Literal["a", "b", "c"]]])
def test_a_list_that_is_too_short_is_refused(stage, kind):
    draw(stage, one(Annotated[kind, Field(min_length=2)]), {"x": []})
    send(stage)
    group = stage.get_by_role("group", name="X")
    expect(group).to_have_accessible_description("There should be at least 2.")
    expect(group.locator(":focus")).to_have_count(1)


def test_a_list_that_must_not_be_empty_has_an_empty_row_from_the_first(stage):
    draw(stage, one(Annotated[list[int], Field(min_length=1)]))
    send(stage)
    row = stage.get_by_role("spinbutton", name="X 1")
    expect(row).to_be_focused()
    expect(row).to_have_accessible_description("Please fill this in.")


def test_a_schema_may_say_that_anything_fits(stage):
    stage.evaluate("stage => stage.form({ type: 'object', properties: { x: true, y: {} } }, { x: [1], y: 'a' })")
    assert sent(stage) == {"x": [1], "y": "a"}


def test_an_object_that_may_be_missing_is_added_and_taken_away(stage):
    draw(stage, one(Escape | None))
    assert sent(stage) == {"x": None}
    stage.get_by_role("button", name="Add to X").click()
    expect(stage.get_by_role("textbox", name="What you")).to_be_focused()
    stage.page.keyboard.type("warm")
    assert sent(stage) == {"x": {"q": "warm"}}
    stage.get_by_role("button", name="Remove X").click()
    assert sent(stage) == {"x": None}


def test_what_has_its_own_kind_within_is_drawn_as_deep_as_it_is_wanted(stage):
    draw(stage, Person, {"name": "Ada", "team": [{"name": "Bob", "boss": {"name": "Eve"}}]})
    bob = stage.get_by_role("group", name="Person 1")
    bob.get_by_role("button", name="Add to Team").first.click()
    bob.get_by_role("group", name="Person 1").get_by_label("Name", exact=True).fill("Cy")
    team = [{"name": "Bob", "boss": {"name": "Eve"}, "team": [{"name": "Cy"}]}]
    assert sent(stage) == {"name": "Ada", "team": team}


@pytest.mark.parametrize(
    ("takes", "value"),
    [
        (list[int], [1, 2]),
        (list[Escape], [{"q": "a", "lat": 1.5}]),
        (str, "text"),
        (Literal["a", 1, None], 1),
        (dict[str, int], {"a": 1}),
        (tuple[int, str], [1, "a"]),
        (Any, {"any": [None, "thing"]}),
        (Annotated[str | float, "as Decimal"], "0.10"),
        (list[list[int]], [[1], []]),
    ],
)
def test_an_input_need_not_be_an_object(stage, takes, value):
    draw(stage, takes, value)
    assert sent(stage) == value


def test_a_pipeline_that_takes_nothing_has_an_empty_form(stage):
    draw(stage, None)
    assert stage.locator(".inputs").inner_html() == ""
    assert sent(stage) is None


def test_a_field_without_a_value_brings_back_what_was_there_at_first(stage):
    draw(stage, Trip, TRIP)
    stage.evaluate("stage => stage.inputs.fill(undefined)")
    expect(stage.get_by_label("People", exact=True)).to_have_value("2")
    expect(stage.get_by_label("Name of the trip")).to_have_value("")
    expect(stage.get_by_role("group", name="Leg 2")).to_have_count(0)


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        (str, "", "Please fill this in."),
        (Annotated[str, Field(min_length=3)], "ab", "At least 3 characters; this has 2."),
        (Annotated[str, Field(pattern="^[a-z]+$", examples=["abc"])], "1", "It should look like abc."),
        (Annotated[str, Field(pattern=r"[\w.-]@")], "1", "This does not have the form that is asked for."),
        (Annotated[str, Field(json_schema_extra={"format": "email"})], "ada", "This is not an e-mail address."),
        (Annotated[str, Field(json_schema_extra={"format": "uri"})], "x",
         "This is not a whole address, such as https://example.org."),
        (int, "1.5", "This should be a whole number."),
        (int, "9007199254740993", "This has more digits than can be sent exactly."),
        (Annotated[float, Field(ge=1)], "0.5", "This should be 1 or more."),
        (Annotated[float, Field(le=1)], "1.5", "This should be 1 or less."),
        (Annotated[float, Field(gt=1)], "1", "This should be more than 1."),
        (Annotated[float, Field(lt=1)], "1", "This should be less than 1."),
        (Annotated[float, Field(multiple_of=0.1)], "0.35", "This should be a multiple of 0.1."),
        (Literal["a", "b"], None, "Please fill this in."),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_said_at_the_field(stage, kind, typed, said):
    draw(stage, one(kind))
    for text in filter(None, [typed]):
        stage.get_by_label("X").fill(text)
    assert refused(stage, "X") == said
    expect(stage.get_by_label("X")).to_be_focused()


def test_characters_are_counted_as_people_count_them(stage):
    draw(stage, one(Annotated[str, Field(max_length=2)]), {"x": "🌊🌊"})
    assert sent(stage) == {"x": "🌊🌊"}


def test_json_is_checked(stage):
    draw(stage, one(dict[str, int]))
    stage.get_by_label("X").fill('{"a": 1,}')
    assert refused(stage, "X").startswith("This is not JSON: ")


def test_an_error_goes_when_its_field_is_changed(stage):
    draw(stage, Escape)
    field = stage.get_by_role("textbox", name="What you")
    send(stage)
    expect(field).to_have_accessible_description("Please fill this in.")
    field.press("a")
    expect(field).to_have_accessible_description("")
    assert field.get_attribute("aria-invalid") is None


def test_a_browser_that_checks_by_itself_can_point_at_what_is_folded(stage):
    draw(stage, Escape, {"q": "warm", "lat": 1})
    stage.locator(".more").evaluate("more => more.open = false")
    stage.get_by_label("Latitude").evaluate("field => { field.max = '0'; field.form.reportValidity(); }")
    expect(stage.get_by_label("Latitude")).to_be_focused()


def test_all_is_disabled_at_once(stage):
    draw(stage, Trip, TRIP)
    stage.locator(".inputs").evaluate("inputs => inputs.disabled = true")
    assert set(stage.locator(".inputs :is(input, select, textarea, button)").evaluate_all(
        "all => all.map(one => one.matches(':disabled'))")) == {True}  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["new", "filled", "refused"])
def test_axe_finds_nothing_wrong(page, stage, scheme, state):
    page.emulate_media(color_scheme=scheme)
    prepare: dict[str, Callable[[], None]] = {
        "new": lambda: draw(stage, Trip),
        "filled": lambda: draw(stage, Trip, TRIP),
        "refused": lambda: (draw(stage, Trip), send(stage)),
    }
    prepare[state]()
    expect(stage.get_by_label("Name of the trip")).to_be_visible()
    assert violations(page) == ""
