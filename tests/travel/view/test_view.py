"""What the view says and shows of a run, whatever way the run went and whenever its details come."""

import re
from collections import Counter

import pytest
from playwright.sync_api import expect

from tests.travel.view.staging import HOT_TOMORROW, NOWHERE_IS_COLD, SNOW_ON_SATURDAY, run_over, up_to

STEPS = ["intent", "location", "departure", "routes", "distances", "weather", "escapes"]
LARGE = ["How far they are", "The weather of the day"]
CARDS = ["Sevilla", "Marrakech", "Fes", "Malaga", "Tangier", "Luqa", "Palermo"]


@pytest.fixture
def hot(told):
    return told(HOT_TOMORROW)


def ended_after(events, step, end):
    """The record of a run that ends otherwise, when this step has told all but its end."""
    last = max(n for n, event in enumerate(events) if event.get("step") == step)
    return [*events[:last], {**end, "n": last + 1, "t": 1, "seconds": 1}]


def failed(events, step):
    problem = {"type": "about:blank", "title": "It failed", "status": 500}
    return ended_after(events, step, {"type": "run.failed", "problem": problem})


def with_first(event, **other):
    """The run's end with something else told of the first of its places."""
    first, *others = event["result"]["escapes"]
    return {**event, "result": {**event["result"], "escapes": [{**first, **other}, *others]}}


def test_before_anything_is_told_the_whole_world_is_there(stage):
    expect(stage.map).to_have_accessible_name("Map of the world. Where to leave from is not known yet.")
    assert len(stage.path("land")) > 10_000
    assert stage.fates() == {}
    assert stage.tally() == ["– non-stop destinations", "– near enough", "– right weather"]


def test_once_the_airport_is_known_the_map_turns_to_it(stage, hot):
    whole = stage.path("grid")
    stage.tell(up_to(hot, "Where you leave from"))

    expect(stage.map).to_have_accessible_name("Map around Valencia (VLC).")
    expect(stage.page.locator(".name.home")).to_have_text("Valencia")
    expect(stage.page.locator(".home:visible")).not_to_have_count(0)
    assert stage.path("grid") != whole


def test_an_arc_goes_to_every_destination_found(stage, hot):
    stage.tell(up_to(hot, "How far they are"))

    fates = stage.fates()
    assert Counter(fates.values()) == {"near": 35, "far": 5}
    assert all(stage.arc(iata).get_attribute("d") for iata in fates)
    assert stage.tally() == ["40 non-stop from Valencia", "35 within 3 h", "– hot enough"]
    expect(stage.map).to_have_accessible_name(
        "Map: arcs from Valencia (VLC) to 40 non-stop destinations, 35 of them within 3 h."
    )


def test_what_a_filter_drops_is_dimmed_and_what_is_left_stands_out(stage, hot):
    stage.tell(hot)

    fates = stage.fates()
    seen = {fate: {stage.opacity(iata) for iata in fates if fates[iata] == fate} for fate in set(fates.values())}
    assert Counter(fates.values()) == {"far": 5, "unfit": 28, "chosen": 7}
    assert seen == {"far": {0.16}, "unfit": {0.26}, "chosen": {1}}
    assert stage.tally() == ["40 non-stop from Valencia", "35 within 3 h", "7 hot enough"]


def test_what_fits_but_has_no_card_is_seen_less_than_what_has_one(stage, told):
    stage.tell(told(SNOW_ON_SATURDAY))

    fates = stage.fates()
    assert Counter(fates.values()) == {"unfit": 32, "chosen": 12, "fitting": 3}
    assert {stage.opacity(iata) for iata in fates if fates[iata] == "fitting"} == {0.45}


def test_the_cards_stand_in_the_order_of_the_result_with_its_words(stage, hot):
    stage.tell(hot)

    assert stage.cards.locator("h4").all_inner_texts() == CARDS
    assert [escape["city"] for escape in hot[-1]["result"]["escapes"]] == CARDS
    said = [" ".join(card.inner_text().split()) for card in stage.cards.all()]
    assert said[0] == "Sevilla Spain 28 °C clear sky 1 h 15 min · 524 km 07:40 FR8415 14:50 VY3916"
    assert said[1] == "Marrakech Morocco 30 °C clear sky 2 h 5 min · 1,111 km 07:15 FR8207"
    assert said[2] == "Fes Morocco 27 °C few clouds about 1 h 35 min · 737 km 13:25 FR8297"
    assert stage.skies() == ["sun", "sun", "partly", "partly", "sun", "partly", "partly"]
    expect(stage.page.get_by_role("heading", name="7 places to escape to")).to_be_visible()
    expect(stage.page.get_by_text("Wednesday 14 October")).to_be_visible()


def test_the_map_says_in_the_end_what_is_on_it_and_where_more_is_said(stage, hot):
    stage.tell(hot)

    expect(stage.map).to_have_accessible_name(
        "Map: arcs from Valencia (VLC) to Sevilla, Marrakech, Fes, Malaga, Tangier, Luqa and Palermo. "
        "33 other destinations are dimmed."
    )
    expect(stage.map).to_have_accessible_description(re.compile("^Sevilla Spain 28 °C clear sky .* Palermo Italy"))


def test_the_skeletons_stand_until_there_are_cards(stage, hot):
    stage.tell(up_to(hot, "The weather of the day"))
    assert stage.skeletons.count() == 8
    expect(stage.page.locator("[aria-hidden=true]", has=stage.skeletons)).to_have_count(1)

    stage.tell(hot[-1:])
    assert stage.skeletons.count() == 0


def test_a_card_that_has_the_focus_lights_its_arc_and_no_other(stage, hot):
    stage.tell(hot)
    stage.cards.nth(1).focus()

    assert stage.lit() == ["arc RAK", "spot RAK", "name RAK", "card RAK"]
    stage.page.keyboard.press("Tab")
    assert stage.lit() == ["arc FEZ", "spot FEZ", "name FEZ", "card FEZ"]
    stage.cards.nth(2).blur()
    assert stage.lit() == []


def test_the_pointer_on_a_card_lights_its_arc_and_on_the_map_its_card(stage, hot):
    stage.tell(hot)

    stage.cards.first.locator("time").first.hover()
    assert stage.lit() == ["arc SVQ", "spot SVQ", "name SVQ", "card SVQ"]
    stage.page.locator('.spot[data-iata="PMO"]').hover()
    assert stage.lit() == ["arc PMO", "spot PMO", "name PMO", "card PMO"]
    stage.page.locator("#below").hover()
    assert stage.lit() == []


def test_a_place_without_a_name_on_the_map_has_one_under_the_pointer(stage, hot):
    stage.tell(hot)
    stage.page.locator('.spot[data-iata="PMI"]').hover()

    expect(stage.page.locator(".name.lit")).to_have_text("Palma De Mallorca")


def test_without_a_place_that_fits_the_view_says_what_to_ask_differently(stage, told):
    stage.tell(told(NOWHERE_IS_COLD))

    relax = told(NOWHERE_IS_COLD)[-1]["result"]["relax"]
    expect(stage.page.get_by_text(relax)).to_be_visible()
    expect(stage.page.get_by_role("heading", name="No place fits this time")).to_be_visible()
    assert (stage.cards.count(), stage.skeletons.count()) == (0, 0)
    assert set(stage.fates().values()) == {"far", "unfit"}


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_fails_at_any_step_leaves_a_calm_sentence(stage, hot, step):
    stage.tell(failed(hot, step))

    expect(stage.page.get_by_text("The search ended early, so there are no places to show.")).to_be_visible()
    assert (stage.cards.count(), stage.skeletons.count()) == (0, 0)


def test_a_run_that_is_cancelled_says_so_and_keeps_its_map(stage, hot):
    stage.tell(ended_after(hot, "distances", {"type": "run.cancelled", "reason": "Enough."}))

    expect(stage.page.get_by_text("The search was cancelled")).to_be_visible()
    assert stage.skeletons.count() == 0
    assert len(stage.fates()) == 40


def test_a_result_without_places_is_an_ending_like_another(stage, hot):
    stage.tell([*hot[:-1], {**hot[-1], "result": None}])

    expect(stage.page.get_by_text("No place fits this time. Another day")).to_be_visible()


@pytest.mark.parametrize("order", [LARGE, LARGE[::-1]], ids=["in order", "the other way round"])
def test_details_that_come_late_make_the_same_picture(stage, hot, order):
    stage.hold().tell(hot)
    assert set(stage.fates().values()) == {"chosen"}
    stage.release(*order)

    assert Counter(stage.fates().values()) == {"far": 5, "unfit": 28, "chosen": 7}
    assert stage.tally() == ["40 non-stop from Valencia", "35 within 3 h", "7 hot enough"]
    assert stage.cards.locator("h4").all_inner_texts() == CARDS


def test_details_that_cannot_be_had_take_nothing_from_the_result(stage, hot):
    stage.hold().tell(hot)
    stage.refuse(*LARGE)

    assert stage.cards.count() == 7
    assert set(stage.fates().values()) == {"chosen"}
    assert stage.tally() == ["– non-stop from Valencia", "– within 3 h", "7 hot enough"]


def test_what_an_attempt_told_that_was_made_again_is_told_no_more(stage, hot):
    first = {"type": "detail", "step": "departure", "title": "Where you leave from", "n": 0, "t": 0}
    elsewhere = {"iata": "ALC", "city": "Alicante", "country": "ES", "lat": 38.28, "lon": -0.56}
    stage.tell([{**first, "data": elsewhere}])
    expect(stage.page.locator(".name.home")).to_have_text("Alicante")

    stage.tell(up_to(hot, "Where you leave from"))
    expect(stage.page.locator(".name.home")).to_have_text("Valencia")


def test_a_city_named_as_a_script_is_shown_as_text(stage, hot):
    name = "<script>alert(1)</script>"
    stage.tell([*hot[:-1], with_first(hot[-1], city=name)])

    expect(stage.cards.first.locator("h4")).to_have_text(name)
    expect(stage.page.locator('.name[data-iata="SVQ"]')).to_have_text(f"{name}28 °C")
    expect(stage.map).to_have_accessible_name(re.compile(re.escape(f"to {name}, Marrakech")))
    assert stage.page.locator("view-stage script").count() == 0


def test_what_is_not_known_of_a_place_is_left_out(stage, hot):
    flights = [{"number": "FR1", "departs": None}]
    stage.tell([*hot[:-1], with_first(hot[-1], country="", sky="raining frogs", high=-0.4, flights=flights)])

    assert " ".join(stage.cards.first.inner_text().split()) == "Sevilla 0 °C raining frogs 1 h 15 min · 524 km FR1"


def test_each_sky_has_its_drawing(stage, hot):
    skies = {
        "clear sky": "sun",
        "scattered clouds": "partly",
        "overcast clouds": "cloud",
        "shower rain": "rain",
        "light rain and snow": "snow",
        "thunderstorm with light rain": "storm",
        "mist": "mist",
    }
    result = hot[-1]["result"]
    escapes = [{**escape, "sky": sky} for escape, sky in zip(result["escapes"], skies, strict=True)]
    stage.tell([*hot[:-1], {**hot[-1], "result": {**result, "escapes": escapes}}])

    assert stage.skies() == list(skies.values())


@pytest.mark.parametrize(
    ("places", "land"),
    [
        (("AKL Auckland -37.0 174.8", "HNL Honolulu 21.3 -157.9", "SYD Sydney -33.9 151.2"), False),
        (("OSL Oslo 60.2 11.1", "NRT Tokyo 35.8 140.4", "ANC Anchorage 61.2 -150"), True),
        (("VLC Valencia 39.5 -0.5", "SYD Sydney -33.9 151.2", "LAX Angeles 33.9 -118.4"), True),
    ],
    ids=["over the antimeridian", "over the pole", "over the world"],
)
def test_arcs_are_whole_and_land_is_land(stage, places, land):
    stage.tell(run_over(*places))
    iata = places[1].split()[0]

    assert stage.arc(iata).get_attribute("d").count("M") == 1
    assert stage.half_way(iata) is land
