"""A server elsewhere, as the command line asks it: its address, the headers it wants, and what it says it has."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import click
import httpx
import msgspec

from narrate.cli.work import Cut, WrongUse
from narrate.following import PROBLEM

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_HOST = re.compile(r"(localhost|[\w-]+\.[\w.-]+|[\w-]+:\d+|\[[0-9a-fA-F:]+\])(?=[:/]|$|\d)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Unreachable(Cut):
    """Nobody answers at an address."""


class Listed(msgspec.Struct, frozen=True):
    """A pipeline in a server's list. `input` is the JSON Schema of what it takes; None where it takes nothing."""

    name: str
    path: str
    input: dict[str, Any] | None


class Http(httpx.AsyncClient):
    """A client that gives up at once on a server that has never answered, or not as one of ours does.

    Where nobody listens, or somebody else does, waiting is no help.
    """

    _answered = False

    async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        try:
            response = await super().send(request, **how)
        except httpx.TransportError as error:
            if self._answered:
                raise
            origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
            raise Unreachable(
                f"{origin} cannot be reached: {_why(error)}. Is `narrate serve` running there, and the address right?"
            ) from error
        if not self._answered and response.is_server_error and PROBLEM not in response.headers.get("content-type", ""):
            await response.aclose()
            raise _strange(request, response)
        self._answered = True
        return response


def checked(url: str, like: str) -> str:
    """The address, if it is one; `like` is what one looks like. Raises WrongUse."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise WrongUse(f"{url!r} is no address: {str(error).rstrip('.')}. One looks like {like}.") from error
    if parsed.scheme in ("http", "https") and parsed.host:
        return url
    if "://" not in url:
        maybe = f"Did you mean http://{url}?" if _HOST.match(url) else f"One looks like {like}."
        raise WrongUse(f"{url!r} is no address of a server: it has no http:// before it. {maybe}")
    raise WrongUse(f"{url!r} is no address of a server: it begins with http:// or https://, as {like}.")


def checked_run(url: str, like: str) -> str:
    """The address of a run, also where it is given as that of the page which shows it. Raises WrongUse."""
    parsed = httpx.URL(checked(url, like))
    run = parsed.params.get("run")
    return str(parsed.join(f"runs/{quote(run, safe='')}")) if run and parsed.path.endswith("/") else url


def headers_of(lines: Sequence[str]) -> Mapping[str, str]:
    """Headers as they are given on the command line, `Name: value` each. Raises WrongUse."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name.strip()):
            # The line is not repeated where it may hold a secret.
            begun = f"{name[:20]!r}…" if colon else "A header without a `:`"
            raise WrongUse(f"{begun} is no header. Write 'Name: value', as in -H 'Authorization: Bearer …'.")
        if _CONTROL.search(value):
            raise WrongUse(f"The header {name.strip()} has a line break or another control character in it.")
        headers[name.strip()] = value.strip()
    return headers


async def listed_at(http: httpx.AsyncClient, url: str, headers: Mapping[str, str]) -> Sequence[Listed]:
    """The pipelines that the server of this address says it has; none where it does not say."""
    try:
        response = await http.get(httpx.URL(url).join("/pipelines"), headers=dict(headers))
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=list[Listed])
    except (httpx.HTTPError, msgspec.MsgspecError, Unreachable):
        return ()


def _strange(request: httpx.Request, response: httpx.Response) -> click.ClickException:
    """What to say of an error that no narrate server answers so."""
    status = response.status_code
    said = f"{request.url}: {status} {httpx.codes.get_reason_phrase(status)}".rstrip()
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return WrongUse(f"{said}: no narrate answers there. Is the address right?")
    return Unreachable(f"{said}: no narrate answers there. Is `narrate serve` running there, and the address right?")


def _why(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "nobody answers in time"
    first: BaseException = error
    while not str(first) and (cause := first.__cause__ or first.__context__) is not None:
        first = cause  # httpx keeps the class of what went wrong below it, not always its words
    return " ".join(str(first).split()).rstrip(".") or f"the connection failed ({type(error).__name__})"
