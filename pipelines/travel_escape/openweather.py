"""OpenWeather: the forecast of a place, five days in steps of three hours.

Free for 60 requests a minute. A new key works only some time after it was made, up to two hours, and is refused until
then just as a wrong one is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from pydantic import Field, SecretStr

from pipelines.travel_escape.upstream import (
    Body,
    NotThere,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamUnwell,
    ask,
    json_of,
    open_client,
    read_as,
)

SERVICE = "OpenWeather"
BASE_URL = "https://api.openweathermap.org"

MINUTE = 60.0
"""Seconds. Its 429 does not say how long to wait; the allowance is one by the minute."""


class Main(Body):
    """`temp_max` is of the three hours; °C."""

    temp_max: float


class Condition(Body):
    """A condition: 2xx thunder, 3xx drizzle, 5xx rain, 6xx snow, 7xx fog and the like, 800 clear, 80x clouds."""

    id: int
    description: str


class Sys(Body):
    """`pod` is `d` by day, `n` by night."""

    pod: str = ""


class Entry(Body):
    """Three hours; `dt` is a Unix time. There is a `dt_txt` too, in UTC, which is of no use for a local day."""

    dt: int
    main: Main
    weather: tuple[Condition, ...] = Field(min_length=1)
    sys: Sys = Sys()


class City(Body):
    """`timezone` is in seconds east of UTC, as of now."""

    timezone: int


class Forecast(Body):
    """What is to come, at most 40 entries."""

    list: tuple[Entry, ...]
    city: City


class _Code(Body):
    """`cod` is a string on success, 400 and 404, a number on 401 and 429."""

    cod: int | str | None = None


class OpenWeather:
    """Forecasts, in °C. The client adds the key."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def forecast(self, lat: float, lon: float) -> Forecast:
        """The forecast for a point, to two decimals, which is as fine as it gets. Raises what `upstream` lists."""
        query = {"lat": f"{lat:.2f}", "lon": f"{lon:.2f}", "units": "metric"}
        response = await ask(SERVICE, self._client, "/data/2.5/forecast", query)
        if response.status_code == 429:
            raise UpstreamBusy(SERVICE, MINUTE)
        data = json_of(SERVICE, response)
        code = _number(read_as(SERVICE, _Code, data).cod, response.status_code)
        if code != 200:
            raise _failure(code)
        return read_as(SERVICE, Forecast, data)


@asynccontextmanager
async def open_openweather(transport: httpx.AsyncBaseTransport, key: SecretStr) -> AsyncIterator[OpenWeather]:
    """A client over that transport, which stays open."""
    async with open_client(transport, BASE_URL, appid=key) as client:
        yield OpenWeather(client)


def _number(cod: int | str | None, status_code: int) -> int:
    """The body's own code where it has one: an error may well come with HTTP status 200."""
    text = str(cod)
    return int(text) if text.isdecimal() else status_code


def _failure(code: int) -> Exception:
    match code:
        case 401:
            return UpstreamRefused(SERVICE, "the key is not valid, or too new to be known yet")
        case 403:
            return UpstreamRefused(SERVICE, "the key's plan does not include forecasts")
        case 400 | 404:
            return NotThere(f"{SERVICE} has no forecast for that place.")
        case 429:
            return UpstreamBusy(SERVICE, MINUTE)
        case _:
            return UpstreamUnwell(SERVICE, f"has trouble of its own (status {code})")
