"""The network kept out of a test: whatever in this process connects to another machine gets an error instead.

By Python's audit hooks, so that nothing is patched and nothing gets round it, whatever client is used and from whatever
thread. A hook cannot be removed; it is installed when it is first needed, and does nothing while nobody needs it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, AF_INET6
from typing import Any

from narrate.errors import NetworkBlocked

_attempts: list[list[str]] = []
"""For each block that is under way, the places that something was about to connect to."""

_installed: list[bool] = []


@contextmanager
def network_blocked() -> Iterator[list[str]]:
    """Meanwhile, raise NetworkBlocked in whatever connects to anything but this machine, or looks up its address.

    Gives the list of the places that were about to be connected to, which is kept up to date: an error can be caught by
    somebody for whom a network that is down is an everyday thing.
    """
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_watch)
    attempts: list[str] = []
    _attempts.append(attempts)
    try:
        yield attempts
    finally:
        _attempts[:] = [others for others in _attempts if others is not attempts]


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _attempts or not event.startswith("socket."):
        return
    where = place_beyond(event, arguments)
    if where is not None:
        for attempts in _attempts:
            attempts.append(where)
        raise NetworkBlocked(where)


def place_beyond(event: str, arguments: tuple[Any, ...]) -> str | None:
    """Where what is audited by this event would go beyond this machine; None when it stays here."""
    match event, arguments:
        case "socket.connect" | "socket.sendto" | "socket.sendmsg", (socket, (host, port, *_)) if socket.family in (
            AF_INET,
            AF_INET6,
        ):
            return None if _is_here(host) else f"{_bracketed(host)}:{port}"
        case "socket.getaddrinfo", (host, port, *_):
            return None if _is_here(host) or _is_address(host) else f"{_text(host)}:{_text(port)}"
        case "socket.gethostbyname", (host, *_):
            return None if _is_here(host) or _is_address(host) else _text(host)
        case _:
            return None


def _is_here(host: str | bytes | None) -> bool:
    name = _text(host or "").rstrip(".").lower()
    if not name or name == "localhost" or name.endswith(".localhost"):
        return True
    if not _is_address(name):
        return False
    address = ip_address(name)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def _is_address(host: str | bytes | None) -> bool:
    """Whether it is written as an address, which is looked up nowhere."""
    try:
        ip_address(_text(host))
    except ValueError:
        return False
    return True


def _bracketed(host: str | bytes) -> str:
    text = _text(host)
    return f"[{text}]" if ":" in text else text


def _text(word: object) -> str:
    return word.decode("ascii", "backslashreplace") if isinstance(word, bytes) else str(word)
