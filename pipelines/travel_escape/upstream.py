"""What can go wrong with an API that is asked, and the one way to ask.

The sentences are told to whoever follows the run, so they are made of our own words only: no URL, no key, nothing of
an answer's body. Keys are put into a request below the client, where no log and no error can see them.

    Explained
    ├── UpstreamBusy      asks to wait, for so many seconds: worth another try
    ├── UpstreamUnwell    answered in a way it should not, or not at all: perhaps worth another try
    ├── UpstreamSpent     an allowance is used up for longer than anybody waits: no use trying again
    ├── UpstreamRefused   the key, the plan or the request is not accepted: no use trying again
    ├── NotThere          works, but does not have what was asked for
    └── NotRecorded       a replay has no recording of this
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from narrate.errors import Explained, ReplayMiss

TIMEOUT = httpx.Timeout(10.0)

BodyT = TypeVar("BodyT", bound=BaseModel)


class UpstreamBusy(Explained):
    """Too many requests for now. `retry_after` is how long it asks to wait, in seconds, where it says."""

    title = "A service is busy"
    status = 503

    def __init__(self, service: str, retry_after: float | None = None) -> None:
        self.service = service
        self.retry_after = retry_after
        asks = "asks to wait a moment" if retry_after is None else f"asks to wait {retry_after:.0f} s"
        super().__init__(f"{service} is busy and {asks}.")


class UpstreamUnwell(Explained):
    """No usable answer. `how` continues the sentence that begins with the service's name."""

    title = "A service is not well"
    status = 502

    def __init__(self, service: str, how: str) -> None:
        self.service = service
        super().__init__(f"{service} {how}.")


class UpstreamSpent(Explained):
    """An allowance is used up, and comes back too late to wait for."""

    title = "A service's allowance is used up"
    status = 503

    def __init__(self, service: str, allowance: str, seconds: float | None = None) -> None:
        self.service = service
        for_how_long = "" if seconds is None else f" for another {seconds:.0f} s"
        super().__init__(f"{service} gives no more answers for now: {allowance} is used up{for_how_long}.")


class UpstreamRefused(Explained):
    """The request is not accepted, and the same one never will be."""

    title = "A service refused"
    status = 502

    def __init__(self, service: str, because: str) -> None:
        self.service = service
        super().__init__(f"{service} refused the request: {because}.")


class NotThere(Explained):
    """The service works, but has nothing of that kind. `what` is the whole sentence."""

    title = "There is nothing there"
    status = 404


class NotRecorded(Explained):
    """A replay has no recording that answers this. The miss itself, with what differs, is its `__cause__`."""

    title = "There is no recording of this"
    status = 503

    def __init__(self, service: str) -> None:
        self.service = service
        super().__init__(f"{service}'s answer to this is not among the recordings.")


class Body(BaseModel):
    """The part we read of what an API sends: more may come, and what was sent is never in an error."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Keyed(httpx.AsyncBaseTransport):
    """Passes requests on with a key added to the query; does not close what it passes them on to.

    httpx writes every URL into its log and keeps the request in its errors. Both see the request as it was before.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, keys: Mapping[str, SecretStr]) -> None:
        self._inner = inner
        self._query = urlencode({name: key.get_secret_value() for name, key in keys.items()}).encode()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._query:
            return await self._inner.handle_async_request(request)
        query = b"&".join(part for part in (request.url.query, self._query) if part)
        keyed = httpx.Request(
            request.method,
            request.url.copy_with(query=query),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(keyed)


@asynccontextmanager
async def open_client(
    transport: httpx.AsyncBaseTransport, base_url: str, **keys: SecretStr
) -> AsyncIterator[httpx.AsyncClient]:
    """A client for one API over a transport that others share. `keys` go into the query of each request, unseen."""
    async with httpx.AsyncClient(transport=_Keyed(transport, keys), base_url=base_url, timeout=TIMEOUT) as client:
        yield client


async def ask(service: str, client: httpx.AsyncClient, path: str, query: Mapping[str, object]) -> httpx.Response:
    """GET and read the whole answer, whatever its status. Raises UpstreamUnwell or NotRecorded."""
    # Commas stand as themselves, as the APIs' own examples have them; httpx would encode them.
    url = f"{path}?{urlencode(query, safe=',')}"
    try:
        return await client.get(url)
    except ReplayMiss as miss:
        raise NotRecorded(service) from miss
    except httpx.TransportError as error:
        raise UpstreamUnwell(service, how_it_broke(error)) from error
    except httpx.HTTPError as error:
        raise UpstreamUnwell(service, "sent an answer that cannot be read") from error


def how_it_broke(error: BaseException | None) -> str:
    """Words for a request that brought no whole answer, to follow the service's name."""
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return "cannot be reached"
        case httpx.TimeoutException():
            return "did not answer in time"
        case httpx.RemoteProtocolError() | httpx.ReadError():
            return "broke off in the middle of its answer"
        case _:
            return "cannot be reached"


def json_of(service: str, response: httpx.Response) -> Any:
    """The answer's JSON. Raises UpstreamUnwell where it is something else, as a CDN's HTML page is."""
    try:
        return response.json()
    except ValueError as error:
        if response.status_code >= 400:
            how = f"has trouble of its own (HTTP status {response.status_code})"
            raise UpstreamUnwell(service, how) from error
        raise UpstreamUnwell(service, "answered with something that is not data") from error


def read_as(service: str, kind: type[BodyT], data: object) -> BodyT:
    """The data as a body of this kind. Raises UpstreamUnwell where it does not fit."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise UpstreamUnwell(service, "answered in a form that is not known") from error


def read_rows(service: str, kind: type[BodyT], rows: object) -> tuple[BodyT, ...]:
    """The rows that can be read as this kind: an odd one does not spoil the rest. Raises UpstreamUnwell for no list."""
    if not isinstance(rows, list):
        raise UpstreamUnwell(service, "answered in a form that is not known")
    return tuple(row for row in (_maybe_row(kind, data) for data in rows) if row is not None)


def _maybe_row(kind: type[BodyT], data: object) -> BodyT | None:
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None
