"""AirLabs: its answers read, and each way in which it fails told apart."""

import httpx
import pytest
from pydantic import SecretStr

from pipelines.travel_escape.airlabs import open_airlabs
from pipelines.travel_escape.upstream import (
    NotThere,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamSpent,
    UpstreamUnwell,
)
from tests.travel.far_side import FarSide, cut, html

ROW = {
    "airline_iata": None,
    "airline_icao": "SVS",
    "flight_number": "1225",
    "flight_iata": None,
    "flight_icao": "SVS1225",
    "cs_airline_iata": None,
    "cs_flight_iata": None,
    "cs_flight_number": None,
    "dep_terminals": ["3", "2"],
    "dep_time": "23:00",
    "arr_iata": "AAL",
    "arr_terminals": None,
    "arr_time": None,
    "duration": None,
    "days": ["sun"],
    "aircraft_icao": None,
    "counter": 14,
    "updated": "2026-01-15T20:51:21.000Z",
}


def wrapped(response, **request):
    """An answer as AirLabs wraps it, with its echo of the key."""
    return {"request": {"key": {"api_key": "K-SECRET", "type": "free"}, **request}, "response": response, "terms": "…"}


async def ask(far_side, method="nearby", *args):
    async with open_airlabs(far_side, SecretStr("K-SECRET")) as api:
        return await getattr(api, method)(*(args or (39.4759, -0.3687)))


async def test_airports_near_a_point_come_out_of_an_object():
    airport = {"name": "Valencia Airport", "iata_code": "VLC", "lat": 39.48, "lng": -0.48, "popularity": 36418}
    heliport = {"name": "Heliport", "iata_code": None, "lat": 39.4, "lng": -0.4}
    far_side = FarSide(httpx.Response(200, json=wrapped({"airports": [heliport, airport], "cities": []})))
    assert [near.iata_code for near in await ask(far_side)] == [None, "VLC"]
    assert far_side.urls == ["https://airlabs.co/api/v9/nearby?lat=39.4759&lng=-0.3687&distance=150&api_key=K-SECRET"]


@pytest.mark.parametrize("response", [{}, {"airports": None}, {"airports": []}, [], None])
async def test_no_airport_near_is_told_in_several_ways(response):
    assert await ask(FarSide(httpx.Response(200, json=wrapped(response)))) == ()


async def test_a_tiny_coordinate_is_written_without_an_exponent():
    far_side = FarSide(httpx.Response(200, json=wrapped({})))
    await ask(far_side, "nearby", 0.00001, -0.3687)
    assert far_side.asked[0].url.params["lat"] == "0.0"


async def test_a_page_of_routes_survives_nulls_and_says_whether_there_is_more():
    far_side = FarSide(httpx.Response(200, json=wrapped([ROW], has_more=True)))
    page = await ask(far_side, "routes", "VLC", 50)
    assert (page.rows[0].flight_icao, page.rows[0].duration, page.has_more) == ("SVS1225", None, True)
    assert far_side.urls == ["https://airlabs.co/api/v9/routes?dep_iata=VLC&limit=50&offset=50&api_key=K-SECRET"]


@pytest.mark.parametrize(("request_", "rows"), [({"has_more": True}, []), ({"has_more": None}, [ROW]), ({}, [ROW])])
async def test_a_page_without_rows_or_without_a_word_on_more_is_the_last(request_, rows):
    assert not (await ask(FarSide(httpx.Response(200, json=wrapped(rows, **request_))), "routes", "VLC", 0)).has_more


async def test_an_odd_row_does_not_spoil_the_rest():
    odd = {**ROW, "days": "sun"}
    page = await ask(FarSide(httpx.Response(200, json=wrapped([odd, ROW, None]))), "routes", "VLC", 0)
    assert len(page.rows) == 1


async def test_several_airports_are_asked_for_in_order_and_found_by_code():
    listed = [
        {"name": "Malaga", "iata_code": "AGP", "icao_code": "LEMG", "lat": 36.67, "lng": -4.49, "country_code": "ES"},
        {"name": "A helipad", "iata_code": None, "lat": 1, "lng": 2},
    ]
    far_side = FarSide(httpx.Response(200, json=wrapped(listed)))
    found = await ask(far_side, "airports", ["TNG", "AGP"])
    assert list(found) == ["AGP"]
    assert far_side.urls == ["https://airlabs.co/api/v9/airports?iata_code=AGP,TNG&api_key=K-SECRET"]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("unknown_api_key", UpstreamRefused),
        ("invalid_api_key", UpstreamRefused),
        ("expired_api_key", UpstreamRefused),
        ("wrong_params", UpstreamRefused),
        ("unknown_method", UpstreamRefused),
        ("something_new", UpstreamRefused),
        (1001, UpstreamRefused),
        (None, UpstreamRefused),
        ("minute_limit_exceeded", UpstreamBusy),
        ("hour_limit_exceeded", UpstreamSpent),
        ("month_limit_exceeded", UpstreamSpent),
        ("year_limit_exceeded", UpstreamSpent),
        ("not_found", NotThere),
        ("internal_error", UpstreamUnwell),
    ],
)
async def test_an_error_is_told_by_the_body_whatever_the_status(status, code, error):
    answer = {"error": {"message": "key K-SECRET", "code": code}, "request": {"key": {"api_key": "K-SECRET"}}}
    with pytest.raises(error):
        await ask(FarSide(httpx.Response(status, json=answer)))


async def test_two_waits_for_the_allowance_by_the_minute_outlast_the_minute():
    with pytest.raises(UpstreamBusy) as raised:
        await ask(FarSide(httpx.Response(200, json={"error": {"code": "minute_limit_exceeded"}})))
    assert raised.value.retry_after == 30


@pytest.mark.parametrize("error", ["a sentence", None, ["a", "list"]])
async def test_an_error_of_another_form_is_still_an_error(error):
    with pytest.raises(UpstreamRefused):
        await ask(FarSide(httpx.Response(200, json={"error": error})))


async def test_a_429_of_the_network_before_it_is_waited_for():
    with pytest.raises(UpstreamBusy):
        await ask(FarSide(html(429)))


@pytest.mark.parametrize(
    "answer",
    [
        html(200),
        html(403),
        html(503),
        httpx.Response(503, json={"what": "else"}),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json=wrapped("pong")),
        cut(),
        httpx.ReadTimeout(""),
        httpx.ConnectError(""),
        httpx.RemoteProtocolError(""),
    ],
)
async def test_anything_but_a_whole_answer_is_unwell(answer):
    with pytest.raises(UpstreamUnwell):
        await ask(FarSide(answer), "routes", "VLC", 0)
