"""A server's probe, asked for and listened to: which piece came when, over a real connection.

What it means is `narrate.probing`'s affair; here is what touches httpx. Raw bytes are heard, since what decodes on the
way would hide when they came.
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import httpx
import trio

from narrate.probing.seen import (
    READABLE,
    WISHES,
    Ear,
    End,
    Head,
    Observation,
    Trouble,
    most_telling,
    probes_above,
)
from narrate.probing.words import Plan

PATIENCE = 15.0
"""Seconds beyond those of the plan for which a probe is waited for."""

CONNECT_WITHIN = 10.0
"""Seconds for a connection to come about."""

TRIPS, TRIPS_WITHIN = 3, 5.0
"""Questions of which the quickest is taken for the time there and back, and seconds for all of them."""

COMPRESSED = "gzip, deflate, br, zstd"
"""What a browser says it can read, upon which something between may compress."""


async def observe(
    url: str,
    plan: Plan | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    http: httpx.AsyncClient | None = None,
) -> Observation:
    """The probe of the server at this address or above it: of a server, of a pipeline, of a run.

    `headers` are sent with each request; `http` is a client of yours, with its proxies, TLS and authentication. It
    takes as long as the plan says, and a few seconds more at most for each folder of the address. Never raises for what
    happens on the way: that is observed.
    """
    plan = plan or Plan()
    client = http if http is not None else httpx.AsyncClient()
    try:
        seen: list[Observation] = []
        for address in probes_above(url, plan):
            seen.append(await _listened(client, address, plan, headers or {}))
            if seen[-1].opened is not None or seen[-1].trouble is not None:
                break
        best = most_telling(seen)
        return replace(best, round_trip=await _round_trip(client, best, headers or {}))
    finally:
        if http is None:
            with trio.CancelScope(shield=True):  # nothing is sent for it, so nothing is waited for
                await client.aclose()


async def _listened(client: httpx.AsyncClient, url: str, plan: Plan, headers: Mapping[str, str]) -> Observation:
    """A probe, asked for as a browser would; and once more without compression, if that cannot be read here."""
    seen = await _heard(client, url, plan, {"Accept-Encoding": COMPRESSED, **headers})
    if seen.encoding in READABLE:
        return seen
    return replace(await _heard(client, url, plan, {"Accept-Encoding": "identity", **headers}), encoding=seen.encoding)


async def _heard(client: httpx.AsyncClient, url: str, plan: Plan, headers: Mapping[str, str]) -> Observation:
    asked = httpx.Headers({**WISHES, **headers})
    request = client.build_request(
        "GET", url, headers=asked, timeout=httpx.Timeout(None, connect=CONNECT_WITHIN, pool=CONNECT_WITHIN)
    )
    sent = {name: request.headers[name] for name in WISHES if name in request.headers}
    seen = Observation(url=url, plan=plan, sent=sent)
    began = trio.current_time()
    until = began + plan.lasts + PATIENCE
    response: httpx.Response | None = None
    try:
        with trio.move_on_at(until):
            response = await client.send(request, stream=True, follow_redirects=False)
        if response is None:
            return replace(seen, trouble=Trouble.MUTE, ended=trio.current_time() - began)
        try:
            return await _taken(response, seen, began, until)
        finally:
            await response.aclose()
    except httpx.TransportError as error:
        trouble, detail = _trouble(error)
        return replace(seen, trouble=trouble, detail=detail, ended=trio.current_time() - began)


async def _taken(response: httpx.Response, seen: Observation, began: float, until: float) -> Observation:
    """The answer as it came, as far as it is a probe."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    head = Head(response.status_code, response.http_version, headers, trio.current_time() - began)
    encoding = headers.get("content-encoding", "").strip().lower()
    seen = replace(seen, head=head, encoding=encoding)
    if response.status_code != httpx.codes.OK or head.media_type == "text/html" or encoding not in READABLE:
        return replace(seen, ended=trio.current_time() - began)
    ear = Ear(encoding)
    end = await _listen(response, ear, began, until)
    return replace(
        seen,
        pieces=tuple(ear.pieces),
        size=ear.size,
        last=ear.last or head.arrived,
        ended=trio.current_time() - began,
        end=end,
        retry=ear.retry,
    )


async def _listen(response: httpx.Response, ear: Ear, began: float, until: float) -> End:
    """Hear it to its end, however that comes."""
    # What is left in the middle is left by a cancel: a generator of httpx's that is not at its end is complained of.
    end = End.SILENT
    with trio.move_on_at(until) as listening:
        try:
            async for chunk in response.aiter_raw():
                ear.hear(chunk, trio.current_time() - began)
                if ear.strange:
                    listening.cancel()
            end = End.CLOSED
        except httpx.TransportError:
            end = End.BROKEN
    if ear.strange:
        return End.STRANGE
    return End.WHOLE if ear.whole else end


async def _round_trip(client: httpx.AsyncClient, seen: Observation, headers: Mapping[str, str]) -> float | None:
    """Seconds that a question and its answer take, once there is a connection; None where they do not come."""
    if seen.opened is None:
        return None
    took: list[float] = []
    with trio.move_on_after(TRIPS_WITHIN), suppress(httpx.TransportError):
        for _ in range(TRIPS):
            began = trio.current_time()
            await client.head(seen.url, headers=dict(headers), timeout=None, follow_redirects=False)
            took.append(trio.current_time() - began)
    return min(took, default=None)


def _trouble(error: httpx.TransportError) -> tuple[Trouble, str]:
    """What it was, and what is to be said about it beside."""
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case ssl.SSLCertVerificationError():
                return Trouble.TLS, cause.verify_message
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):
                return Trouble.TLS, "what answers there is not TLS"
            case ssl.SSLError():
                return Trouble.TLS, (cause.reason or "").replace("_", " ").lower()
            case socket.gaierror():
                return Trouble.NO_HOST, ""
            case ConnectionRefusedError():
                return Trouble.NOBODY, ""
    match error:
        case httpx.ConnectTimeout():
            return Trouble.NO_CONNECTION, ""
        case httpx.RemoteProtocolError():
            return Trouble.NO_HTTP, ""
    return Trouble.BROKEN, ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from, from the outside to the inside."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one)
    before = error.__cause__ or error.__context__
    if before is not None:
        yield from _causes(before)
