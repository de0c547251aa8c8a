"""The reader of wishes by rules: what each sentence means on a Saturday, 21 November 2026."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.travel_escape.models import Intent, Weather
from pipelines.travel_escape.rules import read_wish
from pipelines.travel_escape.taste import DEFAULT_DAYS, DEFAULT_HOURS, DEFAULT_WEATHER

SATURDAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("q", "days"),
    [
        ("somewhere warm today", 0),
        ("TODAY!", 0),
        ("right now", 0),
        ("this afternoon", 0),
        ("tomorrow", 1),
        ("the day after tomorrow", 2),
        ("in 3 days", 3),
        ("in three days", 3),
        ("in a couple of days", 2),
        ("in a few days", 3),
        ("two days from now", 2),
        ("in a day", 1),
        ("on sunday", 1),
        ("on Monday", 2),
        ("next monday", 2),
        ("tues evening", 3),
        ("Wednesday", 4),
        ("on wed", 4),
        ("thursdays are free", 5),
        ("this weekend", 0),
        ("a week-end away", 0),
        ("on saturday", 0),
    ],
)
def test_days_are_counted_from_today(q, days):
    assert read_wish(q, SATURDAY).days_from_now == days


@pytest.mark.parametrize("today", [date(2026, 11, day) for day in range(16, 21)])
def test_the_weekend_is_the_coming_saturday(today):
    assert read_wish("at the weekend", today).days_from_now == 21 - today.day


def test_the_weekend_is_today_on_a_sunday():
    assert read_wish("this weekend", date(2026, 11, 22)).days_from_now == 0


@pytest.mark.parametrize("q", ["on friday", "next saturday", "in 10 days", "next week", f"in {'9' * 400} days"])
def test_a_day_beyond_the_forecasts_is_the_last_they_reach_and_the_summary_says_so(q):
    intent = read_wish(q, SATURDAY)
    assert intent.days_from_now == 5
    assert "forecasts do not reach" in intent.summary


@pytest.mark.parametrize("q", ["for three days", "sun and sand", "I sat in the office", "a trip of 2 days", "money"])
def test_what_is_no_day_is_not_taken_for_one(q):
    assert read_wish(q, SATURDAY).days_from_now == DEFAULT_DAYS


@pytest.mark.parametrize(
    ("q", "hours"),
    [
        ("2 hours", 2),
        ("2 h", 2),
        ("2h", 2),
        ("max 2hrs", 2),
        ("two hours at most", 2),
        ("a two-hour flight", 2),
        ("an hour", 1),
        ("within one hour", 1),
        ("half an hour", 0.5),
        ("1.5 h", 1.5),
        ("1,5 hours", 1.5),
        ("2½ hours", 2.5),
        ("an hour and a half", 1.5),
        ("two and a half hours", 2.5),
        ("two hours and a half", 2.5),
        ("a couple of hours", 2),
        ("a few hours", 3),
        ("90 minutes", 1.5),
        ("a 90-minute flight", 1.5),
        ("ninety minutes", 1.5),
        ("45 min", 0.75),
        ("forty-five minutes", 0.75),
        ("2h30", 2.5),
        ("2 h 30", 2.5),
        ("2 hours 30 minutes", 2.5),
        ("2 hours and 15 minutes", 2.25),
        ("2:30 h", 2.5),
        ("twelve hours", 12),
        ("48 hours", 24),
        ("0 hours", 0.5),
        ("less than 2 hours, in two days", 2),
        ("a short flight", 2),
        ("somewhere not too far", 2),
        ("far away", 8),
    ],
)
def test_flight_times_are_read(q, hours):
    assert read_wish(q, SATURDAY).hours == hours


@pytest.mark.parametrize("q", ["in 3 hours from now", "a hotel", "2 homes", "5 people", "17:30"])
def test_what_is_no_flight_time_is_not_taken_for_one(q):
    assert read_wish(q, SATURDAY).hours == DEFAULT_HOURS


@pytest.mark.parametrize(
    ("q", "weather"),
    [
        ("somewhere warm", Weather.hot),
        ("HOT please", Weather.hot),
        ("a beach", Weather.hot),
        ("sun on monday", Weather.hot),
        ("winter sun", Weather.hot),
        ("escape to the sun", Weather.hot),
        ("escape somewhere warm", Weather.hot),
        ("take me where it's warm", Weather.hot),
        ("I'm tired of the cold", Weather.hot),
        ("escape from this cold", Weather.hot),
        ("It's freezing here, take me to the beach", Weather.hot),
        ("It’s so cold here", Weather.hot),
        ("sightseeing in the sun, nothing cold", Weather.hot),
        ("ice cream on a beach", Weather.hot),
        ("cold", Weather.cold),
        ("snow!", Weather.cold),
        ("skiing", Weather.cold),
        ("northern lights", Weather.cold),
        ("it's too hot, I need snow", Weather.cold),
        ("mild", Weather.normal),
        ("spring weather", Weather.normal),
        ("somewhere cool", Weather.normal),
        ("not too hot", Weather.normal),
        ("not cold", Weather.normal),
        ("neither hot nor cold", Weather.normal),
        ("no snow", Weather.normal),
        ("I don't like heat", Weather.normal),
        ("escape the heat", Weather.normal),
        ("not hot but mild", Weather.normal),
        ("on sunday", DEFAULT_WEATHER),
        ("a hotel in the iceland of my dreams", DEFAULT_WEATHER),
    ],
)
def test_words_about_the_weather_are_read(q, weather):
    assert read_wish(q, SATURDAY).weather is weather


def test_a_whole_wish_is_understood_and_said_in_one_line():
    assert read_wish("Somewhere warm on Wednesday, two hours at most", SATURDAY) == Intent(
        days_from_now=4,
        weather=Weather.hot,
        hours=2,
        summary="A high of 24 °C or more on Wednesday 25 November, at most 2 h non-stop.",
    )


def test_a_wish_that_says_nothing_is_read_as_the_defaults():
    intent = read_wish("where can I escape to?", SATURDAY)
    assert (intent.days_from_now, intent.weather, intent.hours) == (DEFAULT_DAYS, DEFAULT_WEATHER, DEFAULT_HOURS)


WORDS = st.sampled_from(
    ["in", "two", "9", "½", "1.5", ",", "hours", "h", "and a half", "days", "not", "too", "hot", "it's", "snow", "next",
     "monday", "weekend", "30", ":", "minutes", "-", "a", "couple of", "from now", "🙂", "٣"]
)  # fmt: skip


@given(
    st.one_of(st.text(max_size=500), st.lists(WORDS, max_size=40).map(" ".join)), st.dates(max_value=date(9000, 1, 1))
)
def test_every_wish_can_be_read(q, today):
    assert isinstance(read_wish(q, today), Intent)
