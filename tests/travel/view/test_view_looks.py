"""How the view looks and moves: nothing is pushed about, nothing moves that need not, and everybody can read it."""

import pytest
from playwright.sync_api import expect

from tests.travel.view.staging import HOT_TOMORROW, NOWHERE_IS_COLD, SNOW_ON_SATURDAY

WIDTHS = [390, 550, 640, 900]
LOOKS = [{"color_scheme": "light"}, {"color_scheme": "dark"}]
CALM = {"reduced_motion": "reduce"}
PHASES = ["run.started", "Where you leave from", "How far they are", "The weather of the day", "run.finished"]


def phases(events):
    """The record in parts, each up to where there is something new to be seen."""
    ends = [n for n, event in enumerate(events, 1) if {event["type"], event.get("title")} & set(PHASES)]
    return [events[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("question", [SNOW_ON_SATURDAY, NOWHERE_IS_COLD])
def test_nothing_below_moves_from_before_the_first_event_to_the_last(stage, told, question):
    top = stage.top_of_what_is_below()
    tops = [stage.tell(part).top_of_what_is_below() for part in phases(told(question))]

    assert tops == [top] * len(PHASES)
    assert stage.shifted() < 0.02


def test_a_run_as_it_goes_on_is_animated(stage, told):
    _, to_airport, to_places, to_weather, _ = phases(told(HOT_TOMORROW))
    stage.tell(to_airport)

    assert "arc grow" in stage.tell(to_places).animations()
    stage.settle()
    assert "arc opacity" in stage.tell(to_weather).animations()


@pytest.mark.parametrize("look", [CALM], ids=["reduced motion"])
def test_with_reduced_motion_nothing_is_animated(stage, told):
    for part in phases(told(HOT_TOMORROW)):
        assert stage.tell(part).animations() == []
        drawn = stage.home()
        stage.tell([])
        assert stage.home() == drawn


def test_a_run_that_is_told_again_at_once_is_not_animated(stage, told):
    assert stage.tell(told(HOT_TOMORROW)).animations() == []


def test_details_of_such_a_run_that_come_later_are_not_animated_either(stage, told):
    stage.hold().tell(told(HOT_TOMORROW))
    stage.release("The weather of the day", "How far they are")

    assert len(stage.fates()) == 40
    assert stage.animations() == []


@pytest.mark.parametrize("width", [390, 550])
def test_in_a_narrow_place_the_cards_are_one_strip_that_is_gone_through_by_keyboard(stage, told):
    stage.tell(told(HOT_TOMORROW))
    tops = {card.bounding_box()["y"] for card in stage.cards.all()}
    assert len(tops) == 1
    expect(stage.cards.last).not_to_be_in_viewport()

    stage.cards.first.focus()
    for _ in range(6):
        stage.page.keyboard.press("Tab")
    expect(stage.cards.last).to_be_focused()
    expect(stage.cards.last).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize(("width", "shown"), [(640, 6), (900, 8)])
def test_in_a_wide_place_the_cards_are_two_rows_and_the_others_are_shown_on_a_click(stage, told, shown):
    stage.tell(told(SNOW_ON_SATURDAY))
    seen = [card for card in stage.cards.all() if card.is_visible()]
    assert len(seen) == shown
    assert len({card.bounding_box()["y"] for card in seen}) == 2

    stage.page.get_by_role("button", name="Show all 12").click()
    assert all(card.is_visible() for card in stage.cards.all())
    expect(stage.page.get_by_role("button")).to_have_count(0)
    expect(stage.cards.nth(shown)).to_be_focused()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_name_on_the_map_lies_over_another(stage, told):
    stage.tell(told(SNOW_ON_SATURDAY))
    boxes = [name.bounding_box() for name in stage.page.locator(".name:visible").all() if name.inner_html()]

    assert len(boxes) > 4
    assert overlapping(boxes) == []


def overlapping(boxes):
    """The pairs of names that share more than the air above and below their letters."""
    return [
        (a, b)
        for n, a in enumerate(boxes)
        for b in boxes[n + 1 :]
        if min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"]) > 1
        and min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"]) > 6.5
    ]


@pytest.mark.parametrize("width", [390, 900])
@pytest.mark.parametrize("look", LOOKS, ids=["light", "dark"])
def test_axe_finds_nothing_wrong_from_before_the_first_event_to_the_last(stage, told):
    found = [stage.violations(), *(stage.tell(part).violations() for part in phases(told(HOT_TOMORROW)))]

    assert found == [""] * (1 + len(PHASES))


@pytest.mark.parametrize("look", LOOKS, ids=["light", "dark"])
def test_axe_finds_nothing_wrong_where_there_is_nowhere_to_go(stage, told):
    stage.tell(told(NOWHERE_IS_COLD))

    assert stage.violations() == ""


def test_in_print_all_cards_are_there(stage, told):
    stage.tell(told(SNOW_ON_SATURDAY))
    stage.page.emulate_media(media="print")

    assert all(card.is_visible() for card in stage.cards.all())
    expect(stage.page.get_by_role("button")).to_have_count(0)
