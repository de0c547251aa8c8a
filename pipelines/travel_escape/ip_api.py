"""ip-api.com: where in the world an address is.

Free, without a key, over plain http only (the free service answers https with 403), for non-commercial use, 45 requests
a minute; an address that keeps on asking after a 429 is banned. So every 429 is waited for, as long as `X-Ttl` says.
"""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from pipelines.travel_escape.models import Location
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

SERVICE = "ip-api"
BASE_URL = "http://ip-api.com"
FIELDS = "status,message,country,countryCode,city,lat,lon,timezone,query"

WINDOW = 60.0
"""Seconds in which the 45 requests count; the wait when a 429 does not say how much of them is left."""


class _Found(Body):
    """An answer of status `success`. What is not known is an empty string, never null."""

    lat: float
    lon: float
    city: str = ""
    country: str = ""
    timezone: str = ""


class _Status(Body):
    status: str
    message: str = ""


class IpApi:
    """Looks addresses up."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def locate(self, ip: str | None) -> Location:
        """Where that address is; None asks for the address that this server has on the internet.

        Raises NotThere for an address that has no place (a private or reserved one), and what `upstream` lists.
        """
        response = await ask(SERVICE, self._client, f"/json/{ip or ''}", {"fields": FIELDS})
        if response.status_code == 429:  # its body is empty: never to be read
            raise UpstreamBusy(SERVICE, _seconds(response.headers.get("X-Ttl")))
        data = json_of(SERVICE, response)
        if read_as(SERVICE, _Status, data).status != "success":
            raise _failure(response.status_code)
        found = read_as(SERVICE, _Found, data)
        return Location(
            lat=found.lat,
            lon=found.lon,
            city=found.city or None,
            country=found.country or None,
            timezone=found.timezone or None,
        )


@asynccontextmanager
async def open_ip_api(transport: httpx.AsyncBaseTransport) -> AsyncIterator[IpApi]:
    """A client over that transport, which stays open."""
    async with open_client(transport, BASE_URL) as client:
        yield IpApi(client)


def public_address(ip: str | None) -> str | None:
    """The address, if it is one that the internet routes; None for a private, loopback or reserved one, or no address.

    An IPv4 address in IPv6 clothes (`::ffff:203.0.113.7`) is judged, and given, as what it is.
    """
    try:
        address = ipaddress.ip_address((ip or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address) if address.is_global and not address.is_multicast else None


def _failure(status_code: int) -> Exception:
    if status_code == 403:
        return UpstreamRefused(SERVICE, "it does not accept how it was asked")
    if status_code >= 500:
        return UpstreamUnwell(SERVICE, f"has trouble of its own (HTTP status {status_code})")
    return NotThere(f"{SERVICE} knows no place for that address.")


def _seconds(ttl: str | None) -> float:
    return min(float(ttl), WINDOW) if ttl is not None and ttl.isdecimal() else WINDOW
