"""Who is really calling, when the connection comes from a proxy of ours.

Kept apart because it decides what to believe of a stranger's headers. Limits, logs and places hang on that, so it is
pure, and each way to lie to it is a test.

Each proxy writes the address that it heard from at the right end. So the right end is ours and the left is whatever the
caller cares to claim; everything here is read from the right, and no further than what a trusted proxy wrote.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_proxies(text: str | Sequence[str]) -> tuple[Network, ...]:
    """The networks in a list such as `127.0.0.1, 10.0.0.0/8, ::1`, or in its entries. An empty list trusts nobody.

    Raises ValueError, naming the entry, for one that is neither an address nor a network, or has bits set to the right
    of its prefix (`10.0.0.1/8`), since one cannot tell which of the two was meant.
    """
    entries = text.split(",") if isinstance(text, str) else text
    return tuple(_network(entry.strip()) for entry in entries if entry.strip())


def caller_address(peer: str | None, headers: Sequence[tuple[str, str]], trusted: Sequence[Network]) -> str | None:
    """The address of the caller, in its canonical form: the nearest one that is not a trusted proxy.

    That is `peer`, the other end of the connection, unless it is trusted. Then it is found in `Forwarded` (RFC 7239)
    or in `X-Forwarded-For`. Where the trail is lost (the header ends, or says `unknown`, a made-up name or nonsense) it
    is the last address that is known for sure, be it a proxy's. IPv4 in IPv6's clothes (`::ffff:10.0.0.1`) is IPv4.
    None where `peer` is no IP address, as on a Unix socket. Never raises.

    A proxy writes one of the two headers and may pass the other on as the caller made it up. So where both are there
    and do not agree, neither is believed, and the address is the peer's.
    """
    own = _maybe_address(peer.partition("%")[0]) if peer else None
    if own is None:
        return None
    found = {_last_trusted(own, nodes, trusted) for nodes in _trails(headers)}
    return str(found.pop() if len(found) == 1 else own)


def _last_trusted(caller: Address, nodes: Iterator[str], trusted: Sequence[Network]) -> Address:
    """The end of a trail: the first address that is not a trusted proxy's, or the last before the trail is lost."""
    while any(caller in network for network in trusted) and (before := _maybe_address(next(nodes, ""))) is not None:
        caller = before
    return caller


def _trails(headers: Sequence[tuple[str, str]]) -> Iterator[Iterator[str]]:
    """What each of the headers says that is there, nearest first."""
    # Generators, so that nothing of an element is read before its writer is known to be trusted.
    for name, nodes in (("forwarded", _in_forwarded), ("x-forwarded-for", _in_x_forwarded_for)):
        lines = [value for given, value in headers if given.lower() == name]
        if lines:
            yield nodes(",".join(lines))


def _network(entry: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise ValueError(f"{entry!r} is not the address or network of a proxy: {error}") from None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def _in_x_forwarded_for(header: str) -> Iterator[str]:
    elements = (element.strip(" \t") for element in reversed(header.split(",")))
    yield from filter(None, elements)


# RFC 7239, section 4, in the mirror: `for="[::1]";by=_us` is read as `su_=yb;"]1::["=rof`. From the left, a quote that
# the caller left open would swallow what our proxies wrote after it. From the right, what they wrote is whole before
# the caller's part is reached. In the mirror a quote within a string is followed by its backslash; one that is not ends
# the string. The alternatives begin with different characters, so nothing is tried twice and the time is linear.
# Blanks around `;` are not in the grammar, but proxies write them.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PAIR = re.compile(
    rf"""[ \t]*+ (?: (?: "(?P<quoted>(?:[^"]|"\\)*+)" | (?P<plain>{_TOKEN}) ) = (?P<name>{_TOKEN}) )? [ \t]*+
         (?P<end>[;,]|\Z)""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")


def _in_forwarded(header: str) -> Iterator[str]:
    """What each element says in `for`, last first: "" where it does not say. Ends at what is not in the grammar."""
    mirrored = header[::-1]
    at = 0
    element: list[tuple[str, str]] = []
    while (pair := _PAIR.match(mirrored, at)) is not None:
        if pair["name"]:
            element.append((pair["name"][::-1].lower(), _value(pair)))
        if pair["end"] != ";" and element:
            nodes = [value for name, value in element if name == "for"]
            yield nodes[0] if len(nodes) == 1 else ""
            element = []
        if not pair["end"]:
            return
        at = pair.end()


def _value(pair: re.Match[str]) -> str:
    if pair["plain"]:
        return pair["plain"][::-1]
    return _ESCAPED.sub(r"\1", pair["quoted"][::-1])


# RFC 7239, section 6, with IPv6 also out of its brackets, as X-Forwarded-For has it. The characters are checked before
# `ip_address` sees them, because after a `%` it takes anything for the name of a zone.
_PORT = r"(?: : (?: [0-9]{1,5} | _[0-9A-Za-z._-]+ ) )?"
_V6 = r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]+"
_NODE = re.compile(rf"(?P<v4>[0-9.]+) {_PORT} | \[ (?P<bracketed>{_V6}) \] {_PORT} | (?P<bare>{_V6})", re.VERBOSE)


def _maybe_address(node: str) -> Address | None:
    found = _NODE.fullmatch(node)
    if found is None:
        return None
    try:
        address = ip_address(found["v4"] or found["bracketed"] or found["bare"])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
