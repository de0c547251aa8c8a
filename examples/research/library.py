"""The library that is asked: its HTTP interface, what can go wrong with it, and the recorded one that stands in for it.

Without `RESEARCH_LIBRARY`, the address of a library with the same interface, nothing is asked of any network: the
answers come from `fixtures/corpus.json`, each after as long as it is written there.
"""

import os
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from pathlib import Path

import httpx
from pydantic import TypeAdapter, ValidationError

from narrate import Explained, ReplayMiss, current_run, resource
from narrate.cassette import load_world
from narrate.transport import ReplayTransport
from research_values import Entry, Shelf, Source

ADDRESS = "RESEARCH_LIBRARY"
MADE_UP = "https://library.example"
CORPUS = Path(__file__).parent / "fixtures" / "corpus.json"
TIMEOUT = httpx.Timeout(30.0)
"""Seconds of silence, not of the whole: what comes in pieces may take longer."""

_ENTRIES = TypeAdapter(list[Entry])


class Unreadable(Explained):
    """The library does not give it out."""

    title = "The library does not give it out"
    status = 502


class Busy(Unreadable):
    """The library asks to wait, for `retry_after` seconds: worth another try."""

    title = "The library is busy"
    status = 503

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(f"The library is busy and asks me to wait {retry_after:g} s.")


class Library:
    """Shelves and sources. Each question raises Busy or another Unreadable where there is no answer to it."""

    def __init__(self, client: httpx.AsyncClient, introduction: str) -> None:
        self._client = client
        self.introduction = introduction

    async def shelf(self, shelf: Shelf) -> Sequence[Entry]:
        return _ENTRIES.validate_json(await self._get(f"/shelves/{shelf}"))

    async def source(self, id_: str) -> Source:
        body = await self._get(f"/sources/{id_}")
        try:
            return Source.model_validate_json(body)
        except ValidationError as error:
            raise Unreadable("The library sent something that is no source.") from error

    async def _get(self, path: str) -> bytes:
        try:
            answer = await self._client.get(path)
        except ReplayMiss as miss:
            raise Unreadable("It is not in the recorded library.") from miss
        except httpx.TimeoutException as error:
            raise Unreadable("The library did not answer in time.") from error
        except httpx.TransportError as error:
            raise Unreadable("The library cannot be reached, or broke off.") from error
        if answer.status_code in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            raise Busy(_seconds(answer.headers.get("retry-after", "")))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise Unreadable("It stands in the catalogue, but not on the shelf.")
        if not answer.is_success:
            raise Unreadable(f"The library has trouble of its own (HTTP status {answer.status_code}).")
        return answer.content


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else 5.0


@resource
async def transport() -> AsyncIterator[httpx.AsyncBaseTransport]:
    """The way to the library: the network where one is named, and else the recording of the made-up one."""
    if os.environ.get(ADDRESS):
        async with httpx.AsyncHTTPTransport() as live:
            yield live
    else:
        yield ReplayTransport(load_world(CORPUS), scope=current_run)


@resource
async def library(transport: httpx.AsyncBaseTransport) -> AsyncIterator[Library]:
    """The library that is named, or else the made-up one."""
    address = os.environ.get(ADDRESS)
    introduction = (
        f"The library asked is {address}."
        if address
        else "The library asked is made up, and its answers are composed: its titles are invented, its facts are not."
    )
    async with httpx.AsyncClient(transport=transport, base_url=address or MADE_UP, timeout=TIMEOUT) as client:
        yield Library(client, introduction)
