"""A provider of models on 127.0.0.1, over real HTTP, that says what a test has it say: and stalls, cuts or ends it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import h11
import httpx
import trio

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}

CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
"""What each chunk of a stream in the OpenAI dialect says besides."""


class Talk:
    """One request, as it came, and the connection to answer it on."""

    def __init__(self, stream: trio.SocketStream, head: h11.Request, body: bytes) -> None:
        self.path = head.target.decode()
        self.headers = httpx.Headers(list(head.headers))
        self.asked = json.loads(body)
        self._stream = stream

    async def refuse(self, status: int, body: str = "{}", headers: str = "") -> None:
        """A whole answer that is no stream."""
        length = f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n"
        await self._stream.send_all(f"HTTP/1.1 {status} Such\r\n{length}{headers}\r\n{body}".encode())

    async def begin(self, kind: str = "text/event-stream") -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        await self._stream.send_all(head.encode())

    async def send(self, data: bytes) -> None:
        """One piece of the body, in a packet of its own."""
        await self._stream.send_all(b"%x\r\n%b\r\n" % (len(data), data))

    async def say(self, *pieces: str) -> None:
        """Pieces of an answer in the OpenAI dialect."""
        for piece in pieces:
            await self.send(chunk({"content": piece}))

    async def finish(self, finish_reason: str = "stop", **more: Any) -> None:
        """The last of an answer in the OpenAI dialect."""
        last = chunk({}, finish_reason, **({"usage": USAGE} | more))
        await self.send(last + b"data: [DONE]\n\n")
        await self.end()

    async def end(self) -> None:
        """The clean end of the body, whatever was in it."""
        await self._stream.send_all(b"0\r\n\r\n")

    async def wait_gone(self) -> None:
        """Until the other side has closed the connection."""
        with suppress(trio.BrokenResourceError):
            assert await self._stream.receive_some() == b""


Script = Callable[[Talk], Awaitable[None]]
"""What a provider does with a request. Where it returns, the connection is closed."""


@dataclass
class Upstream:
    """A provider that is up."""

    url: str
    talks: list[Talk] = field(default_factory=list)


@asynccontextmanager
async def upstream(*scripts: Script, port: int = 0) -> AsyncIterator[Upstream]:
    """A provider that follows these scripts, one for each request in turn, the last for ever."""
    provider = Upstream("")
    left = list(scripts)

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            talk = await _heard(stream)
            provider.talks.append(talk)
            script = left.pop(0) if len(left) > 1 else left[0]
            with suppress(trio.BrokenResourceError):
                await script(talk)

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, answer, port, host="127.0.0.1"))
        provider.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        yield provider
        nursery.cancel_scope.cancel()


def chunk(delta: dict[str, str], finish_reason: str | None = None, **more: Any) -> bytes:
    """One event of a stream in the OpenAI dialect."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return event(**CHUNK, choices=[choice], **more)


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


async def _heard(stream: trio.SocketStream) -> Talk:
    connection = h11.Connection(h11.SERVER)
    head, body = None, b""
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            case h11.Request() as head:
                pass
            case h11.Data(data=data):
                body += bytes(data)
            case _:
                assert head is not None
                return Talk(stream, head, body)
