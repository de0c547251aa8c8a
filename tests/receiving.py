"""Real targets of webhooks on free ports: one that answers as it is told to, byte for byte, and any Quart app."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import h11
import httpx
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart_trio import QuartTrio

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def answering(status: int, *headers: str) -> bytes:
    """An answer without a body."""
    lines = [f"HTTP/1.1 {status} Such", "Content-Length: 0", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass
class Heard:
    """One request as it came."""

    path: str
    headers: httpx.Headers
    body: bytes


@dataclass
class Target:
    """A server on 127.0.0.1. It gives its `answers` in turn, the last for ever. None is silence, until it hangs up."""

    port: int = 0
    scheme: str = "http"
    answers: list[bytes | None] = field(default_factory=lambda: [OK])
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    _silence: trio.Event = field(default_factory=trio.Event)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def hang_up(self) -> None:
        """Close the connections on which it is silent, and those to come at once."""
        self._silence.set()

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        try:
            async with stream:
                heard = await _request(stream)
                if heard is not None:
                    self.heard.append(heard)
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    await (stream.send_all(answer) if answer is not None else self._silence.wait())
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass  # the other end has left, or speaks something else


@asynccontextmanager
async def target(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Target]:
    one = Target(scheme="https" if tls else "http")
    if answers:
        one.answers = list(answers)
    async with trio.open_nursery() as nursery:
        if tls is None:
            opening = partial(trio.serve_tcp, one.serve, 0, host="127.0.0.1")
        else:
            opening = partial(trio.serve_ssl_over_tcp, one.serve, 0, tls, host="127.0.0.1", https_compatible=True)
        [listener] = await nursery.start(opening)
        listener = getattr(listener, "transport_listener", listener)
        one.port = listener.socket.getsockname()[1]
        yield one
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def hosted(app: QuartTrio) -> AsyncIterator[str]:
    """Serve an app on Hypercorn; gives its address."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.loglevel = "WARNING"
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        [address] = await nursery.start(partial(serve, app, config, shutdown_trigger=stop.wait))
        yield address
        stop.set()


async def _request(stream: trio.abc.Stream) -> Heard | None:
    """The next request; None from a connection that was closed without one."""
    connection = h11.Connection(h11.SERVER)
    head, body = None, b""
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            case h11.Request() as head:
                pass
            case h11.Data(data=data):
                body += data
            case _:
                break
    if head is None:
        return None
    return Heard(head.target.decode(), httpx.Headers(list(head.headers)), body)
