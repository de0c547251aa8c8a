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
    or, only where there is none, in `X-Forwarded-For`. Where the trail is lost (the header ends, or says `unknown`, a
    made-up name or nonsense) it is the last address that is known for sure, be it a proxy's. IPv4 in IPv6's clothes
    (`::ffff:10.0.0.1`) is IPv4. None where `peer` is no IP address, as on a Unix socket. Never raises.

    A trusted proxy must write or remove `Forwarded`: one that adds to `X-Forwarded-For` only, and passes on a
    `Forwarded` that the caller made up, lends it its good name.
    """
    caller = _maybe_address(peer.partition("%")[0]) if peer else None
    if caller is None:
        return None
    nodes = _nodes_from_the_right(headers)
    while any(caller in network for network in trusted) and (before := _maybe_address(next(nodes, ""))) is not None:
        caller = before
    return str(caller)


def _network(entry: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise ValueError(f"{entry!r} is not the address or network of a proxy: {error}") from None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def _nodes_from_the_right(headers: Sequence[tuple[str, str]]) -> Iterator[str]:
    # A generator, so that nothing of an element is read before its writer is known to be trusted.
    forwarded = [value for name, value in headers if name.lower() == "forwarded"]
    if forwarded:
        yield from _in_forwarded(",".join(forwarded))
    else:
        lines = [value for name, value in headers if name.lower() == "x-forwarded-for"]
        elements = (element.strip(" \t") for element in reversed(",".join(lines).split(",")))
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
