"""What serving costs: an event's processor time, the first one's delay, an idle stream's memory, a lost one's end.

Each server is a process of its own; the client is in this one.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from time import perf_counter, sleep

from tests.bench.client import PATIENCE, allow_files, first_event_seconds, post, read_all, wait_event
from tests.bench.process import Server, serving
from tests.bench.rounds import best, take_turns
from tests.bench.table import Row, Section, milliseconds, per

NARRATE, STARLETTE, FAST, QUART = "narrate", "Starlette", "Starlette, uvloop", "Quart-Trio"

COMMANDS: Mapping[str, tuple[str, ...]] = {
    NARRATE: ("tests.bench.serve_narrate",),
    STARLETTE: ("tests.bench.serve_starlette",),
    FAST: ("tests.bench.serve_starlette", "fast"),
    QUART: ("tests.bench.serve_quart",),
}
"""The module to run, and its arguments behind the number of events."""

NO_DEARER = 1.0
FIRST = 4.0
IDLE_BYTES = 40 * 1024
CLOSED_SECONDS = 0.010

BATCH = 100
"""Connections that are opened before any of them is read."""

REST = 0.02
"""Seconds for a server to put things away and leave the processor: only then does the kernel count all it has used."""

KEPT_FILES = 200
"""Open files besides the streams."""


@contextmanager
def servers(events: int, *names: str) -> Iterator[Mapping[str, Server]]:
    """Servers whose long stories have so many events."""
    with ExitStack() as stack:
        running: dict[str, Server] = {}
        for name in names:
            module, *arguments = COMMANDS[name]
            running[name] = stack.enter_context(serving(module, events, *arguments))
        for server in running.values():
            assert server.port  # all of them listen before anything is measured
        yield running


def burst_cpu(server: Server, events: int, path: str = "/burst") -> float:
    """What the server's processor spends on one long stream."""
    sleep(REST)
    before = server.cpu_seconds()
    heard = read_all(post(server.port, path))
    told = heard.count(b"data: ")
    assert told >= events, f"{told} events of {events} were heard"
    sleep(REST)
    return server.cpu_seconds() - before


def burst_section(events: int, rounds: int) -> Section:
    """Events in one long stream, as fast as they go."""
    apart = (NARRATE, STARLETTE)
    with servers(events, *COMMANDS) as by:
        for server in by.values():
            burst_cpu(server, events)  # the first of a process pays for what is made once
        burst = best(rounds, {name: partial(burst_cpu, server, events) for name, server in by.items()})
        trickle = best(rounds, {name: partial(burst_cpu, by[name], events, "/trickle") for name in apart})
    rows: list[Row] = []
    for what, taken, target in (("at once", burst, NO_DEARER), ("one a turn", trickle, None)):
        ours = taken.pop(NARRATE)
        for name, theirs in taken.items():
            beside = f"{per(theirs, events)} ({name})"
            held = target if name == STARLETTE else None
            rows.append(Row(f"{events:,} {what}", per(ours, events), beside, ours / theirs, held))
    return Section("A served event, the server's processor time; beside it: a frame for each event", rows)


def first_section(connections: int) -> Section:
    """The median of some fresh connections."""
    with servers(1, NARRATE, STARLETTE, FAST) as by:
        measures = {name: partial(first_event_seconds, server.port, "/first") for name, server in by.items()}
        take_turns(max(connections // 10, 1), measures)
        taken = {name: median(turns) for name, turns in take_turns(connections, measures).items()}
    ours = taken.pop(NARRATE)
    rows = [
        Row(
            "a fresh connection",
            milliseconds(ours),
            f"{milliseconds(theirs)} ({name})",
            ours / theirs,
            FIRST if name == STARLETTE else None,
        )
        for name, theirs in taken.items()
    ]
    return Section("Time to the first event", rows)


def idle_bytes(name: str, streams: int) -> float:
    """Bytes of memory for each stream that is open and waits."""
    allow_files(streams + KEPT_FILES)
    with servers(1, name) as by, ExitStack() as stack:
        server = by[name]

        def open_streams(number: int) -> None:
            for begin in range(0, number, BATCH):
                batch = [stack.enter_context(post(server.port, "/idle")) for _ in range(min(BATCH, number - begin))]
                for connection in batch:
                    wait_event(connection)

        open_streams(max(streams // 20, 1))  # what a process makes once is no stream's
        before = server.resident_bytes()
        open_streams(streams)
        return (server.resident_bytes() - before) / streams


def idle_section(streams: int) -> Section:
    """Streams that are all open at once, each a run that waits."""
    ours, theirs = idle_bytes(NARRATE, streams), idle_bytes(STARLETTE, streams)

    def kib(size: float) -> str:
        return f"{size / 1024:.1f} KiB"

    rows = [
        Row(f"{streams:,} open", kib(ours), f"{kib(IDLE_BYTES)} (the bound)", ours / IDLE_BYTES, 1.0),
        Row(f"{streams:,} open", kib(ours), f"{kib(theirs)} (Starlette)", ours / theirs),
    ]
    return Section("An idle stream's memory", rows)


def closing_seconds(server: Server, upstream: socket.socket) -> float:
    """Seconds from the client's close to the end of the request that its run was waiting on."""
    client = post(server.port, "/upstream", b'{"port": %d}' % upstream.getsockname()[1])
    with client:
        connection, _ = upstream.accept()
        with connection:
            connection.settimeout(PATIENCE)
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            wait_event(client)
            sleep(REST)  # as with a far side that takes its time
            began = perf_counter()
            client.close()
            assert connection.recv(1) == b"", "the far side was sent something more"
            return perf_counter() - began


def closing_section(times: int) -> Section:
    """The median of some disconnects with `linger=0`."""
    with servers(1, NARRATE) as by, socket.create_server(("127.0.0.1", 0)) as upstream:
        upstream.settimeout(PATIENCE)
        taken = median(closing_seconds(by[NARRATE], upstream) for _ in range(times))
    beside = f"{milliseconds(CLOSED_SECONDS)} (the bound)"
    row = Row("linger=0", milliseconds(taken), beside, taken / CLOSED_SECONDS, 1.0)
    return Section("From the client's disconnect to the end of the request upstream", [row])
