"""OpenWeather: its answers read, and each way in which it fails told apart; then a local day's high and sky."""

from datetime import UTC, date, datetime

import httpx
import pytest
from pydantic import SecretStr

from pipelines.travel_escape.openweather import Forecast, open_openweather
from pipelines.travel_escape.sky import weather_on
from pipelines.travel_escape.upstream import NotThere, UpstreamBusy, UpstreamRefused, UpstreamUnwell
from tests.travel.far_side import FarSide, cut, html

DAY = date(2026, 11, 22)


def entry(hour, high, *, day=22, pod="d", condition=800, sky="clear sky"):
    """Three hours of a forecast; `hour` is UTC."""
    at = datetime(2026, 11, day, hour, tzinfo=UTC)
    return {
        "dt": int(at.timestamp()),
        "main": {"temp": high - 1, "temp_max": high, "temp_min": high - 2, "humidity": 60},
        "weather": [{"id": condition, "main": "X", "description": sky, "icon": "01d"}],
        "pop": 0,
        "sys": {"pod": pod},
        "dt_txt": f"{at:%Y-%m-%d %H:%M:%S}",
    }


def body(*entries, timezone=0):
    """A whole answer."""
    return {"cod": "200", "message": 0, "cnt": len(entries), "list": list(entries), "city": {"timezone": timezone}}


async def forecast(far_side, lat=36.6749, lon=-4.49911):
    async with open_openweather(far_side, SecretStr("K-SECRET")) as api:
        return await api.forecast(lat, lon)


async def test_a_point_is_asked_for_in_degrees_celsius_and_to_two_decimals():
    far_side = FarSide(httpx.Response(200, json=body(entry(12, 20))))
    await forecast(far_side)
    assert far_side.urls == [
        "https://api.openweathermap.org/data/2.5/forecast?lat=36.67&lon=-4.50&units=metric&appid=K-SECRET"
    ]


async def test_whole_and_broken_numbers_optional_fields_and_a_place_without_a_name_are_read():
    rain = {**entry(12, 20), "rain": {"3h": 0.32}, "main": {"temp": 20, "temp_max": 20}}
    del rain["sys"]
    answer = {**body(rain, entry(15, 21.5)), "city": {"id": 0, "name": "", "country": "", "timezone": 0}}
    assert len((await forecast(FarSide(httpx.Response(200, json=answer)))).list) == 2


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (401, {"cod": 401, "message": "Invalid API key."}, UpstreamRefused),
        (200, {"cod": 401, "message": "Invalid API key."}, UpstreamRefused),
        (403, {"cod": "403"}, UpstreamRefused),
        (404, {"cod": "404", "message": "city not found"}, NotThere),
        (200, {"cod": "404", "message": "city not found"}, NotThere),
        (400, {"cod": "400", "message": "wrong latitude"}, NotThere),
        (429, {"cod": 429, "message": "Your account is temporary blocked"}, UpstreamBusy),
        (200, {"cod": 429, "message": "Your account is temporary blocked"}, UpstreamBusy),
        (500, {"cod": "500", "message": "Internal error"}, UpstreamUnwell),
        (503, {}, UpstreamUnwell),
        (503, {"cod": "oops"}, UpstreamUnwell),
        (200, {"cod": "200"}, UpstreamUnwell),
        (200, [], UpstreamUnwell),
        (200, {"cod": {"a": 1}}, UpstreamUnwell),
    ],
)  # fmt: skip
async def test_its_codes_are_told_apart_whether_strings_or_numbers(status, answer, error):
    with pytest.raises(error):
        await forecast(FarSide(httpx.Response(status, json=answer)))


async def test_a_429_without_a_readable_body_asks_to_wait_the_minute():
    with pytest.raises(UpstreamBusy) as raised:
        await forecast(FarSide(html(429)))
    assert raised.value.retry_after == 60


@pytest.mark.parametrize("answer", [html(), html(502), cut(), httpx.ReadTimeout(""), httpx.ConnectError("")])
async def test_anything_but_a_whole_answer_is_unwell(answer):
    with pytest.raises(UpstreamUnwell):
        await forecast(FarSide(answer))


def weather(*entries, timezone=0, day=DAY):
    return weather_on(Forecast.model_validate(body(*entries, timezone=timezone)), day)


def test_a_day_is_the_places_own_west_of_greenwich():
    told = weather(
        entry(3, 30, pod="n"),  # 23:00 of the day before
        entry(4, 11, pod="n"),  # midnight
        entry(18, 15),  # 14:00
        entry(3, 12, day=23, pod="n"),  # 23:00
        entry(4, 31, day=23, pod="n"),  # midnight of the next day
        timezone=-14400,
    )
    assert told is not None
    assert told.high == 15


def test_a_day_is_the_places_own_east_of_greenwich():
    told = weather(
        entry(14, 30, day=21),  # 23:00 of the day before
        entry(15, 11, day=21, pod="n"),  # midnight
        entry(4, 15),  # 13:00
        entry(14, 12, pod="n"),  # 23:00
        entry(15, 31, pod="n"),  # midnight of the next day
        timezone=32400,
    )
    assert told is not None
    assert told.high == 15


def test_the_sky_is_that_of_the_early_afternoon_and_of_daylight():
    told = weather(
        entry(9, 10, sky="mist", condition=701),
        entry(12, 14, sky="light rain", condition=500),
        entry(15, 16, sky="few clouds", condition=801),
        entry(21, 12, pod="n"),
    )
    assert told is not None
    assert (told.sky, told.wet, told.partial) == ("light rain", True, False)


def test_a_day_of_which_only_the_morning_is_forecast_is_partial():
    told = weather(entry(0, 8, pod="n"), entry(9, 12))
    assert told is not None
    assert (told.high, told.partial) == (12, True)


def test_a_day_beyond_the_forecast_has_no_weather():
    assert weather(entry(12, 20, day=23)) is None
    assert weather() is None
