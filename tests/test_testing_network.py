"""The network kept out: what gets through, and what does not, by whatever way."""

import socket
from contextlib import suppress
from types import SimpleNamespace

import httpx
import pytest
import trio

from narrate.errors import NetworkBlocked
from narrate.network import network_blocked, place_beyond

INTERNET = SimpleNamespace(family=socket.AF_INET)
UNIX = SimpleNamespace(family=socket.AF_UNIX)

BEYOND = [
    (socket.AF_INET, ("192.0.2.1", 80), "192.0.2.1:80"),
    (socket.AF_INET6, ("2001:db8::1", 443), "[2001:db8::1]:443"),
    (socket.AF_INET6, ("::ffff:192.0.2.1", 443), "[::ffff:192.0.2.1]:443"),
]


@pytest.mark.parametrize(("family", "address", "where"), BEYOND, ids=[where for *_, where in BEYOND])
def test_another_machine_is_not_connected_to_and_not_sent_to(family, address, where):
    with network_blocked() as attempts, socket.socket(family, socket.SOCK_DGRAM) as one:
        with pytest.raises(NetworkBlocked) as connecting:
            one.connect(address)
        with pytest.raises(NetworkBlocked):
            one.sendto(b"hello", address)
        with pytest.raises(NetworkBlocked):
            one.sendmsg([b"hello"], [], 0, address)

    assert connecting.value.where == where
    assert attempts == [where] * 3


@pytest.mark.parametrize("name", ["shop.test", b"shop.test", "notlocalhost"])
def test_no_other_name_is_looked_up(name):
    with network_blocked() as attempts:
        with pytest.raises(NetworkBlocked):
            socket.getaddrinfo(name, 80)
        with pytest.raises(NetworkBlocked):
            socket.gethostbyname(name)

    assert attempts[0].endswith(":80")


async def test_neither_trio_nor_httpx_gets_round_it():
    with network_blocked() as attempts:
        with pytest.raises(NetworkBlocked, match=r"shop\.test:80"):
            await trio.open_tcp_stream("shop.test", 80)
        async with httpx.AsyncClient() as client:
            with pytest.RaisesGroup(NetworkBlocked, allow_unwrapped=True, flatten_subgroups=True):
                await client.get("http://192.0.2.1/x")

    assert attempts == ["shop.test:80", "192.0.2.1:80"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "0.0.0.0", ""])
def test_this_machine_is_connected_to(host):
    with network_blocked() as attempts, socket.socket() as listening:
        listening.bind(("", 0))
        listening.listen()
        with socket.socket() as one:
            one.connect((host, listening.getsockname()[1]))

    assert attempts == []


@pytest.mark.parametrize("name", ["a.localhost", "LOCALHOST.", "192.0.2.1", "::1", None])
def test_what_stands_for_this_machine_or_is_an_address_already_may_be_asked_for(name):
    with network_blocked() as attempts, suppress(socket.gaierror):  # not every system knows all of them
        socket.getaddrinfo(name, 80)

    assert attempts == []


@pytest.mark.parametrize(
    ("event", "arguments", "where"),
    [
        ("socket.connect", (INTERNET, ("192.0.2.1", 80)), "192.0.2.1:80"),
        ("socket.connect", (INTERNET, ("fe80::1%eth0", 80, 0, 2)), "[fe80::1%eth0]:80"),
        ("socket.connect", (INTERNET, ("127.0.0.1", 80)), None),
        ("socket.connect", (INTERNET, ("::ffff:127.0.0.1", 80, 0, 0)), None),
        ("socket.connect", (UNIX, "/run/shop.sock"), None),
        ("socket.connect", (UNIX, b"\0shop"), None),
        ("socket.sendmsg", (INTERNET, None), None),
        ("socket.getaddrinfo", (b"shop.test", "http", 0, 0, 0), "shop.test:http"),
        ("socket.getaddrinfo", ("192.0.2.1", 80, 0, 0, 0), None),
        ("socket.gethostbyname", ("shop.test",), "shop.test"),
        ("socket.gethostbyname", ("localhost",), None),
        ("socket.bind", (INTERNET, ("192.0.2.1", 80)), None),
    ],
)
def test_what_leads_beyond_this_machine(event, arguments, where):
    assert place_beyond(event, arguments) == where


def test_one_block_ends_without_the_other():
    with network_blocked() as outer, socket.socket(type=socket.SOCK_DGRAM) as one:
        with network_blocked() as inner, pytest.raises(NetworkBlocked):
            one.connect(("192.0.2.1", 80))
        with pytest.raises(NetworkBlocked):
            one.connect(("192.0.2.2", 80))
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.connect(("192.0.2.1", 80))  # which sends nothing

    assert inner == ["192.0.2.1:80"]
    assert outer == ["192.0.2.1:80", "192.0.2.2:80"]
