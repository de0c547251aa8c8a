"""A client of plain sockets: what it measures is the server, so it does as little as it can."""

import resource
import socket
from time import perf_counter

PATIENCE = 60
"""Seconds without a byte after which a measurement is given up."""

AT_ONCE = 1 << 20

LAST_CHUNK = b"\r\n0\r\n\r\n"


def post(port: int, path: str, body: bytes = b"") -> socket.socket:
    """Send a POST over a connection of its own."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)
    )
    return connection


def wait_event(connection: socket.socket) -> bytes:
    """Read until the first event is there. What has been read."""
    heard = b""
    while b"data: " not in heard:
        piece = connection.recv(AT_ONCE)
        assert piece, f"the stream ended before its first event: {heard!r}"
        heard += piece
    return heard


def read_all(connection: socket.socket, heard: bytes = b"") -> bytes:
    """Read to the end of the answer and close. Not to the end of the connection: not every server ends that at once."""
    pieces = [heard]
    with connection:
        while not pieces[-1].endswith(LAST_CHUNK):
            piece = connection.recv(AT_ONCE)
            if not piece:
                break
            # Only the tail is looked at; where a piece is smaller than the mark, the one before belongs to it.
            pieces.append(pieces.pop() + piece if len(piece) < len(LAST_CHUNK) else piece)
    return b"".join(pieces)


def first_event_seconds(port: int, path: str) -> float:
    """Seconds from connecting to the first event. The rest of the stream is read, but does not count."""
    began = perf_counter()
    connection = post(port, path)
    heard = wait_event(connection)
    seconds = perf_counter() - began
    read_all(connection, heard)
    return seconds


def allow_files(number: int) -> None:
    """Let this process, and those it starts, have so many files open. Raises ValueError when that is not to be had."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
