"""Calls a client's server back, and only one that may be called: the address that was checked is the one connected to.

A callback is a URL that a stranger gives and our server asks, from inside our network. So a name is resolved once for
each call, by the one who connects; nobody looks it up a second time, when it may mean another address. Proxies, which
would look it up, are not used, and redirects, which would name another, are not followed.
"""

import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpcore
import httpx
import trio
from werkzeug.http import parse_date

from narrate.delivery import Answered, Outcome, Unreached
from narrate.server.problems import Refused
from narrate.server.proxies import Address, Network

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

LONGEST_URL = 2048
"""Characters that a callback may have."""

ANSWER_WITHIN = 20.0
"""Seconds for all of it: to look the name up, to connect, to send, and to hear what came of it."""

CONNECT_WITHIN = 5.0
"""Seconds for one address, so that a dead one leaves time for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPolicy:
    """Which targets may be called.

    - `hosts`: only these, by their exact names; none given means any.
    - `private`: also those at private and loopback addresses. Never those at link-local ones, where clouds keep their
      metadata.
    - `http`: also without TLS. What is told can then be read on the way, though not changed: it is signed.
    """

    hosts: tuple[str, ...] = ()
    private: bool = False
    http: bool = False

    def check(self, url: str) -> httpx.URL:
        """The URL of a target that may be called, as far as can be told without looking its host up.

        Raises Refused, naming `callback`, for any other.
        """
        if len(url) > LONGEST_URL:
            raise _refused(f"may have at most {LONGEST_URL} characters")
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):  # the latter for half a character, and for a name that IDNA cannot hold
            raise _refused("is not a URL") from None
        if target.scheme not in (("https", "http") if self.http else ("https",)):
            raise _refused(f"must begin with https://{' or http://' if self.http else ''}")
        if target.userinfo:
            raise _refused("must not hold a user name or password; what is sent is signed instead")
        if "#" in url:
            raise _refused("must not have a fragment (#)")
        if target.port is not None and not 0 < target.port < 65536:
            raise _refused("has a port that does not exist")
        self._check_host(target)
        return target

    def may_connect(self, address: str) -> bool:
        """Whether a target at this IP address may be called."""
        inner = _inner(ip_address(address))
        if _in(inner, _METADATA):
            return False
        return _public(inner) or (self.private and _in(inner, _PRIVATE))

    def _check_host(self, target: httpx.URL) -> None:
        host = target.raw_host.decode()
        literal = _maybe_address(host)
        if literal is None and not _NAME.fullmatch(host):
            raise _refused("has no host that could be found")
        if self.hosts and not {host, target.host} & {name.lower() for name in self.hosts}:
            raise _refused("has a host that is not among those which are allowed here")
        if literal is not None and not self.may_connect(host):
            raise _refused("has an address that is not allowed here")


class CallbackClient:
    """Calls targets that the policy allows, over TLS that is checked against the host's name.

    `tls` has the authorities that are trusted; by default those of httpx, or of `SSL_CERT_FILE`. `resolve` gives a
    name's addresses, and raises OSError when there are none. `network` opens the connections.
    """

    def __init__(
        self,
        policy: CallbackPolicy,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self.policy = policy
        self._tls = tls or httpx.create_ssl_context()
        self._network = _CheckedNetwork(policy, resolve or resolved, network or httpcore.TrioBackend())

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, now: float) -> Outcome:
        """Send this, once, and hear what came of it within `ANSWER_WITHIN` seconds. Raises nothing.

        `now`, in seconds since 1970, is what a date in `Retry-After` is counted from. Nothing of an answer's body is
        read: all that matters is in its head.
        """
        outcome: Outcome = Unreached(f"It gave no answer within {ANSWER_WITHIN:g} s.")
        with trio.move_on_after(ANSWER_WITHIN):
            try:
                target = self.policy.check(url)
                async with self._sent(target, headers, body) as response:
                    outcome = Answered(response.status, seconds_asked(_header(response, b"retry-after"), now))
            except Refused as error:
                outcome = Unreached(f"It may not be called: {error}")
            except _CannotConnect as error:
                outcome = Unreached(error.why)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                outcome = Unreached("No secure connection to it could be made; is its certificate valid for its name?")
            except (httpcore.NetworkError, httpcore.ProtocolError):
                outcome = Unreached("It broke the connection off, or did not answer in HTTP.")
        return outcome

    @asynccontextmanager
    async def _sent(
        self, target: httpx.URL, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[httpcore.Response]:
        # From httpx's reading of the URL, which was checked: read once more, by another, it might mean another host.
        url = httpcore.URL(
            scheme=target.raw_scheme,
            host=target.raw_host,
            port=target.port or (443 if target.scheme == "https" else 80),
            target=target.raw_path,
        )
        # A connection of its own, and no pool: nothing is shared between one stranger's target and another's. And not
        # httpx's transport, which cannot be told how to connect.
        async with (
            httpcore.AsyncHTTPConnection(
                url.origin, ssl_context=self._tls, network_backend=self._network
            ) as connection,
            connection.stream(
                "POST",
                url,
                headers=[("Host", target.netloc.decode()), *headers.items()],
                content=body,
                extensions={"timeout": {"connect": CONNECT_WITHIN}},
            ) as response,
        ):
            yield response


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host. Raises OSError when it has none that can be found."""
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


def seconds_asked(retry_after: str | None, now: float) -> float | None:
    """What a `Retry-After` (RFC 9110, section 10.2.3) says, in seconds from `now`; None where it cannot be told."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        date = parse_date(retry_after)
    except OverflowError:
        return None
    return max(date.timestamp() - now, 0.0) if date is not None else None


class _CannotConnect(Exception):
    """No connection was made; `why` is a sentence for people."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections, and only to addresses that may be called; where a name has one that may not, to none."""

    def __init__(self, policy: CallbackPolicy, resolve: Resolve, network: httpcore.AsyncNetworkBackend) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        for address in await self._addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise _CannotConnect("No connection to it could be made.")

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise _CannotConnect("Its host could not be found.") from None
        if not all(map(self._policy.may_connect, addresses)):
            raise _CannotConnect("Its host has an address that is not allowed here.")
        return addresses


# Names as in DNS, where the last label is no number: `0x7f.1` and `2130706433` are addresses to the C library. As such
# they would be checked like any other; this only says so at the door.
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?![0-9]){_LABEL}")

# Not left to `ipaddress` alone: what its `is_global` says differs from one Python to the next, and it holds some for
# global that are not, or that hide an IPv4 address.
_PRIVATE = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"),
    )
)
_METADATA = tuple(  # of AWS, Google, Alibaba, Azure and Oracle; those at link-local addresses are never called anyway
    map(ip_network, ("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"))
)
_NOT_PUBLIC = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))
_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


def _refused(why: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"`callback` {why}.", field="callback")


def _maybe_address(host: str) -> Address | None:
    try:
        return ip_address(host) if "%" not in host else None  # a zone means something on its own machine only
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does: whoever routes it may unwrap it."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _public(address: Address) -> bool:
    if _in(address, _NOT_PUBLIC) or address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return isinstance(address, IPv4Address) or address in _UNICAST


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _header(response: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), None)
