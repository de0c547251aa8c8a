"""AirLabs: airports near a point, the flights that leave one, and where airports are.

Free for 1000 requests a month, 250 a minute, 50 rows a page. Failures come as `{"error": ...}` with HTTP status 200 as
often as not, so the body decides before the status does.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from pydantic import BeforeValidator, SecretStr

from pipelines.travel_escape.upstream import (
    Body,
    NotThere,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamSpent,
    UpstreamUnwell,
    ask,
    json_of,
    open_client,
    read_as,
    read_rows,
)

SERVICE = "AirLabs"
BASE_URL = "https://airlabs.co/api/v9"

PAGE = 50
"""Rows of a page, the most the free plan gives."""
MOST_CODES = 50
"""Codes in one request for airports. How many it takes is documented nowhere; so many it does (assumed)."""
NEAR_KM = 150

HALF_A_MINUTE = 30.0
"""Seconds. It never says how long to wait for its allowance by the minute; two such waits outlast any minute."""


class NearbyAirport(Body):
    """An airport or heliport; only those with an IATA code have airlines."""

    name: str | None = None
    iata_code: str | None = None
    lat: float
    lng: float
    city: str | None = None
    country_code: str | None = None
    timezone: str | None = None
    popularity: float | None = None


class ListedAirport(Body):
    """An airport. The free plan leaves out the city."""

    name: str | None = None
    iata_code: str | None = None
    lat: float
    lng: float
    city: str | None = None
    country_code: str | None = None


class RouteRow(Body):
    """A row of the timetable: a flight number, and the weekdays on which it leaves at that time.

    `cs_…` is the operating flight of a row that is a codeshare, sold under another number. `dep_time` is local HH:MM,
    `duration` in minutes, `days` like WEEKDAYS. Nearly everything may be null.
    """

    flight_iata: str | None = None
    flight_icao: str | None = None
    cs_flight_iata: str | None = None
    cs_airline_iata: str | None = None
    cs_flight_number: str | None = None
    arr_iata: str | None = None
    dep_time: str | None = None
    duration: float | None = None
    days: tuple[str, ...] | None = None
    updated: str | None = None


class RoutePage(Body):
    """Some rows, and whether there are more after them."""

    rows: tuple[RouteRow, ...]
    has_more: bool


class _Error(Body):
    """`code` is an open set of strings, and now and then a number."""

    code: int | str | None = None


class _Failed(Body):
    error: Annotated[_Error, BeforeValidator(lambda error: error if isinstance(error, dict) else {})]


class _Request(Body):
    has_more: bool | None = None


class _Answer(Body):
    """`response` is a list of rows; of `nearby`, an object of lists."""

    request: _Request | None = None
    response: Any


class AirLabs:
    """Airports and timetables. The client adds the key."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def nearby(self, lat: float, lon: float) -> tuple[NearbyAirport, ...]:
        """Airports within NEAR_KM, the nearest first. Raises what `upstream` lists."""
        answer = await self._get("/nearby", {"lat": round(lat, 4), "lng": round(lon, 4), "distance": NEAR_KM})
        found = answer.response.get("airports") if isinstance(answer.response, dict) else answer.response
        return read_rows(SERVICE, NearbyAirport, found or [])

    async def routes(self, dep_iata: str, offset: int) -> RoutePage:
        """A page of the timetable of an airport, from row `offset` on. Raises what `upstream` lists."""
        answer = await self._get("/routes", {"dep_iata": dep_iata, "limit": PAGE, "offset": offset})
        rows = read_rows(SERVICE, RouteRow, answer.response)
        # A page without rows would be followed by the same one for ever.
        return RoutePage(rows=rows, has_more=bool(answer.request and answer.request.has_more and answer.response))

    async def airports(self, iata_codes: Sequence[str]) -> dict[str, ListedAirport]:
        """At most MOST_CODES airports by their code, without those it does not know. Raises what `upstream` lists."""
        answer = await self._get("/airports", {"iata_code": ",".join(sorted(iata_codes))})
        listed = read_rows(SERVICE, ListedAirport, answer.response)
        return {airport.iata_code: airport for airport in listed if airport.iata_code}

    async def _get(self, method: str, query: Mapping[str, object]) -> _Answer:
        response = await ask(SERVICE, self._client, method, query)
        try:
            data = json_of(SERVICE, response)
        except UpstreamUnwell:
            raise _cdn_failure(response.status_code) from None
        if isinstance(data, dict) and "error" in data:
            raise _failure(str(read_as(SERVICE, _Failed, data).error.code))
        if response.status_code >= 400:
            raise _cdn_failure(response.status_code)
        return read_as(SERVICE, _Answer, data)


@asynccontextmanager
async def open_airlabs(transport: httpx.AsyncBaseTransport, key: SecretStr) -> AsyncIterator[AirLabs]:
    """A client over that transport, which stays open."""
    async with open_client(transport, BASE_URL, api_key=key) as client:
        yield AirLabs(client)


def _failure(code: str) -> Exception:
    match code:
        case "unknown_api_key" | "invalid_api_key":
            return UpstreamRefused(SERVICE, "the key is not valid")
        case "expired_api_key":
            return UpstreamRefused(SERVICE, "the key has expired")
        case "minute_limit_exceeded" | "429":
            return UpstreamBusy(SERVICE, HALF_A_MINUTE)
        case "hour_limit_exceeded":
            return UpstreamSpent(SERVICE, "this hour's allowance")
        case "month_limit_exceeded":
            return UpstreamSpent(SERVICE, "this month's allowance")
        case "year_limit_exceeded":
            return UpstreamSpent(SERVICE, "this year's allowance")
        case "not_found" | "404":
            return NotThere(f"{SERVICE} does not have what was asked for.")
        case "internal_error" | "500":
            return UpstreamUnwell(SERVICE, "has trouble of its own")
        case _:
            return UpstreamRefused(SERVICE, "it does not accept how it was asked")


def _cdn_failure(status_code: int) -> Exception:
    """What it means when not AirLabs answers but the network before it, with a page in HTML."""
    if status_code == 429:
        return UpstreamBusy(SERVICE, HALF_A_MINUTE)
    if status_code >= 400:
        return UpstreamUnwell(SERVICE, f"cannot be reached behind its network (HTTP status {status_code})")
    return UpstreamUnwell(SERVICE, "answered with something that is not data")
