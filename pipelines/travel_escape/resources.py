"""What all runs of the escape share: the settings, the table of airports, and a client for each API."""

from collections.abc import AsyncIterator

import httpx
from pydantic import SecretStr

from narrate import resource
from narrate.clock import Clock
from pipelines.travel_escape.airlabs import AirLabs, open_airlabs
from pipelines.travel_escape.gazetteer import Gazetteer
from pipelines.travel_escape.ip_api import IpApi, open_ip_api
from pipelines.travel_escape.model import Model, open_model
from pipelines.travel_escape.openweather import OpenWeather, open_openweather
from pipelines.travel_escape.settings import MissingSetting, Settings, read_settings

NO_KEY = SecretStr("replay")
"""What stands for a key where recordings are replayed: they have none."""


@resource
async def settings(clock: Clock) -> AsyncIterator[Settings]:
    """The settings of this environment. Raises WrongSetting. A replay has the defaults: recordings know no others."""
    yield Settings.model_construct() if clock.replaying else read_settings()


@resource
async def gazetteer() -> AsyncIterator[Gazetteer]:
    """The table of airports."""
    yield Gazetteer.load()


@resource
async def ip_api(transport: httpx.AsyncBaseTransport) -> AsyncIterator[IpApi]:
    """ip-api.com, which wants no key."""
    async with open_ip_api(transport) as api:
        yield api


@resource
async def airlabs(transport: httpx.AsyncBaseTransport, settings: Settings, clock: Clock) -> AsyncIterator[AirLabs]:
    """AirLabs. Raises MissingSetting without a key."""
    key = NO_KEY if clock.replaying else settings.airlabs_api_key
    if key is None:
        raise MissingSetting("AIRLABS_API_KEY", "AirLabs tells which flights leave from where (free at airlabs.co)")
    async with open_airlabs(transport, key) as api:
        yield api


@resource
async def openweather(
    transport: httpx.AsyncBaseTransport, settings: Settings, clock: Clock
) -> AsyncIterator[OpenWeather]:
    """OpenWeather. Raises MissingSetting without a key."""
    key = NO_KEY if clock.replaying else settings.openweather_api_key
    if key is None:
        raise MissingSetting("OPENWEATHER_API_KEY", "OpenWeather tells the forecasts (free at openweathermap.org)")
    async with open_openweather(transport, key) as api:
        yield api


@resource
async def model(transport: httpx.AsyncBaseTransport, settings: Settings, clock: Clock) -> AsyncIterator[Model]:
    """The language model; without a key one that says so when it is asked."""
    key = NO_KEY if clock.replaying else settings.key_for_model
    async with open_model(transport, str(settings.model_base_url), settings.model_name, key) as asked:
        yield asked
