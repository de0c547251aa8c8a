"""ip-api.com: its answers read, and each way in which it fails told apart."""

import httpx
import pytest

from narrate.errors import ReplayMiss
from pipelines.travel_escape.ip_api import open_ip_api, public_address
from pipelines.travel_escape.models import Location
from pipelines.travel_escape.upstream import NotRecorded, NotThere, UpstreamBusy, UpstreamRefused, UpstreamUnwell
from tests.travel.far_side import FarSide, cut, html

FOUND = {
    "status": "success",
    "country": "Spain",
    "countryCode": "ES",
    "city": "Valencia",
    "lat": 39.4759,
    "lon": -0.3687,
    "timezone": "Europe/Madrid",
    "query": "195.77.20.100",
}


async def locate(far_side, ip="195.77.20.100"):
    async with open_ip_api(far_side) as api:
        return await api.locate(ip)


async def test_an_address_is_looked_up_over_plain_http_and_with_the_fields_that_tell_a_failure():
    far_side = FarSide(httpx.Response(200, json=FOUND))
    assert await locate(far_side) == Location(
        lat=39.4759, lon=-0.3687, city="Valencia", country="Spain", timezone="Europe/Madrid"
    )
    assert far_side.urls == [
        "http://ip-api.com/json/195.77.20.100?fields=status,message,country,countryCode,city,lat,lon,timezone,query"
    ]


async def test_without_an_address_it_is_asked_for_the_servers_own():
    far_side = FarSide(httpx.Response(200, json=FOUND))
    await locate(far_side, None)
    assert far_side.urls[0].startswith("http://ip-api.com/json/?fields=status,")


async def test_an_ipv6_address_goes_into_the_path():
    far_side = FarSide(httpx.Response(200, json=FOUND))
    await locate(far_side, "2a0c:5a80::1")
    assert far_side.asked[0].url.path == "/json/2a0c:5a80::1"


async def test_what_is_not_known_is_an_empty_string_there_and_none_here():
    unnamed = {**FOUND, "city": "", "country": "", "timezone": "", "lat": 39, "lon": 0}
    found = await locate(FarSide(httpx.Response(200, json=unnamed)))
    assert found == Location(lat=39, lon=0)
    assert found.words == "39.00, 0.00"


@pytest.mark.parametrize("message", ["private range", "reserved range", "invalid query"])
async def test_a_failure_with_status_200_is_an_address_without_a_place(message):
    with pytest.raises(NotThere):
        await locate(FarSide(httpx.Response(200, json={"status": "fail", "message": message, "query": "127.0.0.1"})))


async def test_https_is_refused_with_403():
    answer = {"status": "fail", "message": "SSL unavailable for this endpoint, order a key at https://members…"}
    with pytest.raises(UpstreamRefused):
        await locate(FarSide(httpx.Response(403, json=answer)))


@pytest.mark.parametrize(
    ("headers", "wait"), [({"X-Rl": "0", "X-Ttl": "37"}, 37), ({}, 60), ({"X-Ttl": "soon"}, 60), ({"X-Ttl": "999"}, 60)]
)
async def test_a_429_is_waited_for_as_long_as_its_window_lasts_and_its_body_never_read(headers, wait):
    with pytest.raises(UpstreamBusy) as raised:
        await locate(FarSide(httpx.Response(429, headers=headers)))
    assert raised.value.retry_after == wait


@pytest.mark.parametrize(
    "answer",
    [
        html(),
        html(502),
        httpx.Response(500, json={"status": "fail"}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"status": "success"}),
        httpx.Response(200, json={**FOUND, "lat": None}),
        httpx.Response(200, content=b""),
        httpx.DecodingError("no gzip"),
        cut(),
        httpx.ReadTimeout("slow"),
        httpx.ConnectTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
    ],
)
async def test_anything_but_a_whole_answer_is_unwell(answer):
    with pytest.raises(UpstreamUnwell):
        await locate(FarSide(answer))


async def test_a_replay_without_a_recording_says_so():
    miss = ReplayMiss("GET http://ip-api.com/json/", None, [])
    with pytest.raises(NotRecorded) as raised:
        await locate(FarSide(miss))
    assert raised.value.__cause__ is miss


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        ("195.77.20.100", "195.77.20.100"),
        ("2a0c:5a80:0::1", "2a0c:5a80::1"),
        ("::ffff:195.77.20.100", "195.77.20.100"),
        (None, None),
        ("", None),
        ("127.0.0.1", None),
        ("10.1.2.3", None),
        ("172.16.0.1", None),
        ("192.168.1.20", None),
        ("169.254.1.1", None),
        ("100.64.0.1", None),
        ("203.0.113.7", None),
        ("224.0.0.1", None),
        ("::1", None),
        ("fe80::1%eth0", None),
        ("fd00::1", None),
        ("::ffff:10.0.0.1", None),
        ("testclient", None),
        ("../../batch", None),
    ],
)
def test_only_an_address_that_the_internet_routes_is_asked_about(ip, public):
    assert public_address(ip) == public
