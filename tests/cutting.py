"""A proxy that cuts: real connections to a real server, each reset behind so many bytes of its answer."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import trio

AT_ONCE = b"a\r\nretry: 0\n\n\r\n"
"""A chunk by which a server asks its readers to come back without waiting."""


@dataclass
class Cutter:
    """A proxy on 127.0.0.1 before `target`. `after` says how many bytes behind the head each answer is cut."""

    target: int
    after: Callable[[], int]
    port: int = 0
    cuts: int = 0

    async def serve(self, client: trio.SocketStream) -> None:
        async with client, await trio.open_tcp_stream("127.0.0.1", self.target) as server:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_pour, client, server)
                await self._answer(server, client)
                nursery.cancel_scope.cancel()
            _reset(client)
            self.cuts += 1

    async def _answer(self, server: trio.SocketStream, client: trio.SocketStream) -> None:
        unread = b""
        while b"\r\n\r\n" not in unread:
            unread += await server.receive_some()
        head, mark, body = unread.partition(b"\r\n\r\n")
        left = self.after()
        await client.send_all(head + mark + AT_ONCE + body[:left])
        left -= len(body)
        while left > 0 and (more := await server.receive_some()):
            await client.send_all(more[:left])
            left -= len(more)


@asynccontextmanager
async def cutting(target: int, after: Callable[[], int]) -> AsyncIterator[Cutter]:
    """A proxy before this port. What is told in full by a connection before it is cut has been told."""
    cutter = Cutter(target, after)
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, cutter.serve, 0, host="127.0.0.1"))
        cutter.port = listener.socket.getsockname()[1]
        yield cutter
        nursery.cancel_scope.cancel()


async def _pour(one: trio.SocketStream, other: trio.SocketStream) -> None:
    try:
        async for data in one:
            await other.send_all(data)
    except trio.BrokenResourceError:
        pass  # it was left, or the server hung up


def _reset(stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
