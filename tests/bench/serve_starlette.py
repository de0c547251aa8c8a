"""Beside ours: Starlette's StreamingResponse on Uvicorn, one frame an event. Prints its port.

In pure Python as we are, so that the designs are compared; with `fast`, on what C can do for it (uvloop and httptools).
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.bench.stories import Teller


def app(events: int) -> Starlette:
    """A route for each measurement."""

    async def burst() -> AsyncIterator[bytes]:
        teller = Teller()
        for _ in range(events):
            yield teller.frame()

    async def trickle() -> AsyncIterator[bytes]:
        teller = Teller()
        for _ in range(events):
            yield teller.frame()
            await asyncio.sleep(0)

    async def first() -> AsyncIterator[bytes]:
        yield Teller().frame()

    never = asyncio.Event()

    async def idle() -> AsyncIterator[bytes]:
        yield Teller().frame()
        await never.wait()

    def route(body: object) -> Route:
        async def answer(_: Request) -> StreamingResponse:
            return StreamingResponse(body(), media_type="text/event-stream")

        return Route(f"/{body.__name__}", answer, methods=["POST"])

    return Starlette(routes=[route(body) for body in (burst, trickle, first, idle)])


def main(events: int, *, fast: bool) -> None:
    """Serve until a signal."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        app(events),
        loop="uvloop" if fast else "asyncio",
        http="httptools" if fast else "h11",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(int(sys.argv[1]), fast="fast" in sys.argv[2:])
