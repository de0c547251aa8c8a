"""Distances and days: the globe, and what day it is where."""

from datetime import UTC, date, datetime

import pytest

from pipelines.travel_escape.days import local_now, local_time, spoken, spoken_minutes, weekday
from pipelines.travel_escape.geo import block_minutes, haversine

VALENCIA = (39.4893, -0.48163)


@pytest.mark.parametrize(
    ("lat", "lon", "km"),
    [
        (39.48930, -0.48163, 0),  # VLC itself
        (39.55170, 2.73881, 276),  # PMI
        (52.30860, 4.76389, 1481),  # AMS
        (41.80453, 12.25200, 1104),  # FCO
        (28.48270, -16.34150, 1902),  # TFN
        (41.26130, 28.74195, 2472),  # IST
        (45.46784, -73.74229, 5834),  # YUL
    ],
)
def test_great_circle_distances_are_those_of_the_atlas(lat, lon, km):
    assert haversine(*VALENCIA, lat, lon) == pytest.approx(km, abs=0.6)


def test_distance_is_the_same_both_ways_and_across_the_date_line():
    assert (
        haversine(0, 179.5, 0, -179.5) == pytest.approx(haversine(0, -179.5, 0, 179.5)) == pytest.approx(111.2, abs=0.1)
    )


def test_the_antipodes_are_half_the_globe_away():
    assert haversine(12.3, 45.6, -12.3, -134.4) == pytest.approx(20015, abs=1)


@pytest.mark.parametrize(
    ("km", "scheduled"), [(174, 50), (276, 55), (750, 105), (1104, 125), (1481, 160), (1902, 185), (2472, 225)]
)
def test_estimated_flight_times_are_near_the_scheduled_ones(km, scheduled):
    assert abs(block_minutes(km) - scheduled) <= 10
    assert block_minutes(km) % 5 == 0


@pytest.mark.parametrize(
    ("utc", "zone", "lon", "day"),
    [
        (datetime(2026, 11, 21, 22, 59, tzinfo=UTC), "Europe/Madrid", 0, date(2026, 11, 21)),
        (datetime(2026, 11, 21, 23, 0, tzinfo=UTC), "Europe/Madrid", 0, date(2026, 11, 22)),
        (datetime(2026, 7, 21, 22, 0, tzinfo=UTC), "Europe/Madrid", 0, date(2026, 7, 22)),  # summer time
        (datetime(2026, 11, 21, 3, 0, tzinfo=UTC), "America/New_York", 0, date(2026, 11, 20)),
        (datetime(2026, 11, 21, 15, 0, tzinfo=UTC), "Asia/Tokyo", 0, date(2026, 11, 22)),
        (datetime(2026, 11, 21, 23, 0, tzinfo=UTC), "Atlantic/Canary", 0, date(2026, 11, 21)),
    ],
)
def test_today_is_the_airports_own(utc, zone, lon, day):
    assert local_now(utc, zone, lon).date() == day


@pytest.mark.parametrize("unknown", [None, "", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/passwd"])
def test_an_unknown_zone_is_told_from_the_longitude(unknown):
    assert local_now(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), unknown, 15).date() == date(2026, 11, 22)
    assert local_now(datetime(2026, 11, 21, 4, 30, tzinfo=UTC), unknown, -75).date() == date(2026, 11, 20)


def test_the_night_of_the_clock_change_is_still_one_day():
    before = local_now(datetime(2026, 10, 24, 22, 30, tzinfo=UTC), "Europe/Madrid", 0)  # 00:30, UTC+2
    after = local_now(datetime(2026, 10, 25, 22, 30, tzinfo=UTC), "Europe/Madrid", 0)  # 23:30, UTC+1
    assert before.date() == after.date() == date(2026, 10, 25)


@pytest.mark.parametrize(
    ("offset", "local"), [(-14400, "2026-11-20 21:00"), (0, "2026-11-21 01:00"), (32400, "2026-11-21 10:00")]
)
def test_a_unix_time_is_read_on_the_places_own_wall_clock(offset, local):
    assert f"{local_time(int(datetime(2026, 11, 21, 1, tzinfo=UTC).timestamp()), offset):%Y-%m-%d %H:%M}" == local


def test_days_and_times_are_said_as_people_do():
    assert spoken(date(2026, 11, 5)) == "Thursday 5 November"
    assert weekday(date(2026, 11, 25)) == "wed"
    assert [spoken_minutes(m) for m in (50, 60, 65, 150)] == ["50 min", "1 h", "1 h 05 min", "2 h 30 min"]
