"""Where one leaves from, where one gets to, which of those fit, and what to ask when none does."""

from datetime import UTC, date, datetime

import pytest

from pipelines.travel_escape.airlabs import ListedAirport, NearbyAirport
from pipelines.travel_escape.answer import MOST_ESCAPES, answer
from pipelines.travel_escape.gazetteer import Gazetteer
from pipelines.travel_escape.models import (
    Airport,
    DayWeather,
    Flight,
    Forecasts,
    Intent,
    Location,
    Place,
    Reach,
    Reading,
    Route,
    Timetable,
    Weather,
)
from pipelines.travel_escape.places import busiest, measured, within
from pipelines.travel_escape.taste import MOST_CHECKED, shortlist, sort_out

GAZETTEER = Gazetteer.load()
HERE = Location(lat=39.4759, lon=-0.3687, timezone="Europe/Madrid")
VLC = Airport(
    iata="VLC", name="Valencia Airport", city="Valencia", country="ES", lat=39.4893, lon=-0.4816,
    timezone="Europe/Madrid",
)  # fmt: skip
WEDNESDAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def near(iata, popularity=None, **more):
    return NearbyAirport(name=f"{iata} Airport", iata_code=iata, lat=39.4, lng=-0.4, popularity=popularity, **more)


def flight(minutes=None, departs="09:00", number="XX1"):
    return Flight(number=number, departs=departs, minutes=minutes)


def timetable(*routes):
    return Timetable(day=WEDNESDAY, weekday="WED", routes=tuple(Route(iata=i, flights=f) for i, f in routes))


def place(iata="AAA", minutes=100, lat=40.0, scheduled=True):
    return Place(
        iata=iata, name=iata, city=iata.title(), country="ES", lat=lat, lon=0, km=500, minutes=minutes,
        scheduled=scheduled, flights=(flight(minutes),),
    )  # fmt: skip


def reading(high, iata="AAA", minutes=100, wet=False):
    return Reading(place=place(iata, minutes), day=DayWeather(high=high, sky="clear sky", wet=wet))


def intent(weather=Weather.hot, hours=2.0):
    return Intent(days_from_now=4, weather=weather, hours=hours, summary="…")


def test_the_busiest_airport_with_airlines_is_departed_from():
    found = busiest([near(None, 99_999), near("CDT", 12_644), near("VLC", 36_418), near("TEV")], HERE, GAZETTEER)
    assert found is not None
    assert (found.iata, found.city, found.country, found.timezone) == ("VLC", "Valencia", "ES", "Europe/Madrid")


def test_what_is_listed_goes_before_what_the_table_knows():
    found = busiest([near("VLC", city="València", country_code="XX", timezone="Europe/Paris")], HERE, GAZETTEER)
    assert found is not None
    assert (found.city, found.country, found.timezone) == ("València", "XX", "Europe/Paris")


def test_an_airport_that_nobody_knows_more_of_is_in_the_zone_of_the_caller():
    found = busiest([near("QQQ")], HERE, GAZETTEER)
    assert found is not None
    assert (found.city, found.timezone) == ("QQQ Airport", "Europe/Madrid")


@pytest.mark.parametrize("airports", [[], [near(None, 1)], [near("")]])
def test_without_airlines_there_is_no_airport(airports):
    assert busiest(airports, HERE, GAZETTEER) is None


def test_coordinates_are_those_listed_and_the_city_is_the_tables():
    listed = {"BRU": ListedAirport(name="Brussels", iata_code="BRU", lat=50.9014, lng=4.4844, country_code="BE")}
    found = measured(timetable(("BRU", (flight(140),))), VLC, listed, GAZETTEER, NOW)
    (bru,) = found.places
    assert (bru.city, bru.km, bru.minutes, bru.scheduled) == ("Brussels", 1327, 140, True)


def test_an_airport_that_is_not_listed_is_where_the_table_has_it():
    (tng,) = measured(timetable(("TNG", (flight(),))), VLC, {}, GAZETTEER, NOW).places
    assert (tng.city, tng.country, tng.km) == ("Tangier", "MA", 636)
    assert (tng.minutes, tng.scheduled) == (85, False)


@pytest.mark.parametrize("iata", ["BRU", "CRL", "QQQ"])
def test_an_airport_that_is_listed_nowhere_or_misplaced_in_the_table_is_left_out(iata):
    found = measured(timetable((iata, (flight(),))), VLC, {}, GAZETTEER, NOW)
    assert (found.places, found.unmapped) == ((), (iata,))


def test_a_place_whose_last_flight_has_left_is_gone():
    routes = timetable(("TNG", (flight(departs="09:00"),)), ("AGP", (flight(departs="09:00"), flight(departs="18:00"))))
    found = measured(routes, VLC, {}, GAZETTEER, datetime(2026, 11, 25, 12, tzinfo=UTC))
    assert found.gone == ("TNG",)
    assert [f.departs for f in found.places[0].flights] == ["18:00"]


def test_a_place_is_as_far_as_its_quickest_flight_and_only_flights_in_the_budget_are_kept():
    flights = (flight(130, number="SLOW"), flight(110, number="QUICK"), flight(None, number="OPEN"))
    places = measured(timetable(("TNG", flights)), VLC, {}, GAZETTEER, NOW).places
    reach = within(places, 2)
    assert [f.number for f in reach.places[0].flights] == ["QUICK", "OPEN"]
    assert reach.places[0].minutes == 110


def test_the_budget_is_kept_to_the_minute_and_the_quickest_beyond_it_remembered():
    reach = within([place("AAA", 121), place("BBB", 120), place("CCC", 200), place("DDD", 60)], 2)
    assert [p.iata for p in reach.places] == ["DDD", "BBB"]
    assert reach.too_far == 2
    assert reach.just_beyond is not None
    assert reach.just_beyond.iata == "AAA"


def test_the_places_checked_are_those_likeliest_to_have_the_weather():
    places = [place(f"A{n:02}", minutes=60 + n, lat=10.0 + n) for n in range(40)]
    assert [p.iata for p in shortlist(places, Weather.hot)] == [f"A{n:02}" for n in range(24)]
    assert [p.iata for p in shortlist(places, Weather.cold)] == [f"A{n:02}" for n in range(16, 40)]
    assert [p.iata for p in shortlist(places, Weather.normal)] == [f"A{n:02}" for n in range(24)]
    assert len(shortlist(places, Weather.hot)) == MOST_CHECKED


@pytest.mark.parametrize(
    ("weather", "highs"), [(Weather.cold, [-10, 12]), (Weather.normal, [12, 18, 24]), (Weather.hot, [24, 35])]
)
def test_the_bands_include_their_ends(weather, highs):
    readings = [reading(high, f"A{high}") for high in (-10, 12, 12.1, 18, 23.9, 24, 35)]
    kept = {r.day.high for r in sort_out(readings, weather, 0).fitting}
    assert set(highs) <= kept
    assert all(weather is Weather.normal or high in highs for high in kept)


def test_the_best_fit_weighs_the_weather_the_way_and_the_rain():
    near_ideal, far, warmer, wet = (
        reading(30, "NEA", 60), reading(30, "FAR", 180), reading(27, "WAR", 60), reading(30, "WET", 60, wet=True),
    )  # fmt: skip
    order = sort_out([far, wet, warmer, near_ideal], Weather.hot, 0).fitting
    assert [r.place.iata for r in order] == ["NEA", "WAR", "FAR", "WET"]


def test_rain_is_no_fault_where_it_is_cold():
    order = sort_out([reading(5, "DRY"), reading(4, "WET", wet=True)], Weather.cold, 0).fitting
    assert [r.place.iata for r in order] == ["WET", "DRY"]


def test_the_answer_has_the_best_places_with_three_flights_each_and_nothing_to_relax():
    many = tuple(reading(25, f"A{n:02}") for n in range(MOST_ESCAPES + 1))
    four = tuple(flight(60, f"0{n}:00", f"XX{n}") for n in range(4))
    first = Reading(place=place().model_copy(update={"flights": four}), day=many[0].day)
    found = answer(
        intent(), VLC, timetable(("AAA", four)), Reach(places=()), Forecasts(fitting=(first, *many), others=())
    )
    assert len(found.escapes) == MOST_ESCAPES
    assert [f.number for f in found.escapes[0].flights] == ["XX0", "XX1", "XX2"]
    assert found.relax is None


def relax(timetable_, reach=None, forecasts=None, weather=Weather.hot):
    found = answer(intent(weather), VLC, timetable_, reach or Reach(places=()), forecasts)
    assert found.escapes == ()
    return found.relax


def test_an_empty_answer_says_which_filter_emptied_it_and_what_to_relax():
    some = timetable(("AAA", (flight(),)))
    too_far = Reach(places=(), too_far=1, just_beyond=place("ROM", 125))
    too_cold = Forecasts(fitting=(), others=(reading(22.4, "FAO"), reading(3, "OSL")))
    assert relax(timetable()) == "No known flight leaves Valencia Airport on Wednesday 25 November. Try another day."
    assert relax(some, too_far) == "Nothing is within 2 h. The quickest to reach is Rom: allow 2 h 05 min."
    assert relax(some) == "No flight of that day is left whose destination is on the map. Try another day."
    assert relax(some, None, too_cold) == (
        "None of the places checked has 24 °C or more. Fao comes nearest with 22 °C: "
        "ask for normal weather, or allow a longer flight."
    )
    assert (
        relax(some, None, Forecasts(fitting=(), others=(), failed=3))
        == "No forecast reaches that day. Try an earlier one."
    )


def test_the_nearest_miss_of_mild_weather_may_be_on_either_side():
    readings = [reading(5, "COL"), reading(27, "HOT"), reading(40, "DES")]
    forecasts = sort_out(readings, Weather.normal, 0)
    assert [r.place.iata for r in forecasts.others] == ["HOT", "COL", "DES"]
    assert "ask for hot weather" in str(relax(timetable(("AAA", (flight(),))), None, forecasts, Weather.normal))
