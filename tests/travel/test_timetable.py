"""From AirLabs' rows to the flights of one day."""

from datetime import UTC, date, datetime

from pipelines.travel_escape.airlabs import RouteRow
from pipelines.travel_escape.models import Flight, Route
from pipelines.travel_escape.timetable import LeftOut, flights_of, still_leaving

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEDNESDAY = date(2026, 11, 25)


def row(number="VY3906", to="AMS", at="09:40", **more):
    """A row of the timetable that flies on Wednesdays."""
    fields = {"days": ["mon", "wed"], "duration": 160, "updated": "2026-11-01T20:51:21.000Z", **more}
    return RouteRow(flight_iata=number, arr_iata=to, dep_time=at, **fields)


def on_wednesday(*rows):
    return flights_of(rows, "VLC", WEDNESDAY, NOW)


def test_flights_are_grouped_by_where_they_go_the_earliest_first():
    routes, left_out = on_wednesday(
        row("VY2", "FCO", "22:00"), row("FR1", "FCO", "06:00"), row("HV1"), row("FR9", "FCO", None)
    )
    assert [(route.iata, [flight.number for flight in route.flights]) for route in routes] == [
        ("AMS", ["HV1"]),
        ("FCO", ["FR1", "VY2", "FR9"]),
    ]
    assert left_out == LeftOut(stale=0, unclear=0, of_other_days=0)


def test_rows_older_than_a_year_of_other_days_or_without_a_place_are_left_out_and_counted():
    routes, left_out = on_wednesday(
        row(updated="2025-11-20T00:00:00.000Z"),
        row(updated="2023-01-15T20:51:21.000Z"),
        row(days=["tue", "sat"]),
        row(to=None),
        row(to="VLC"),
        row(number=None),
        row(days=None),
        row(days=[]),
    )
    assert routes == ()
    assert left_out == LeftOut(stale=2, unclear=5, of_other_days=1)


def test_a_row_exactly_a_year_old_or_of_unknown_age_still_counts():
    routes, _ = on_wednesday(
        row("A1", updated="2025-11-21T12:00:00.000Z"),
        row("A2", updated=None),
        row("A3", updated="yesterday"),
        row("A4", updated="2026-11-01 10:00:00"),
    )
    assert [flight.number for flight in routes[0].flights] == ["A1", "A2", "A3", "A4"]


def test_nulls_are_survived():
    routes, _ = on_wednesday(row(None, flight_icao="SVS1225", duration=None, at=None, updated=None))
    assert routes == (Route(iata="AMS", flights=(Flight(number="SVS1225", departs=None, minutes=None),)),)


def test_a_codeshare_is_folded_into_the_flight_that_flies():
    codeshare = row("IB5123", cs_flight_iata="VY3906", at="09:45", duration=165)
    also = row("QR999", cs_airline_iata="VY", cs_flight_number="3906", at="09:45")
    routes, _ = on_wednesday(codeshare, row(), also)
    assert routes[0].flights == (Flight(number="VY3906", departs="09:40", minutes=160, sold_as=("IB5123", "QR999")),)


def test_a_codeshare_whose_own_flight_is_not_listed_is_told_under_the_number_that_flies():
    routes, _ = on_wednesday(row("AC9977", cs_flight_iata="EE1215"))
    assert routes[0].flights == (Flight(number="EE1215", departs="09:40", minutes=160, sold_as=("AC9977",)),)


def test_what_the_operator_leaves_open_is_taken_from_a_seller():
    routes, _ = on_wednesday(row(duration=None), row("IB5123", cs_flight_iata="VY3906", duration=165))
    assert routes[0].flights[0].minutes == 165


def test_of_two_times_of_one_flight_the_one_seen_last_counts():
    routes, _ = on_wednesday(
        row(at="09:40", updated="2026-03-01T00:00:00.000Z"), row(at="10:10", updated="2026-11-01T00:00:00.000Z")
    )
    assert [flight.departs for flight in routes[0].flights] == ["10:10"]


def test_a_duration_of_nothing_or_less_is_no_duration():
    routes, _ = on_wednesday(row("A1", duration=0), row("A2", duration=-30))
    assert [flight.minutes for flight in routes[0].flights] == [None, None]


def test_of_today_only_what_has_not_left_is_still_leaving():
    flights = [Flight(number=n, departs=at, minutes=60) for n, at in (("A", "11:59"), ("B", "12:01"), ("C", None))]
    assert [flight.number for flight in still_leaving(flights, NOW.date(), NOW)] == ["B", "C"]
    assert len(still_leaving(flights, WEDNESDAY, NOW)) == 3
