"""Beside ours: a generator on Quart-Trio and Hypercorn, as one would write it first. Prints its port."""

import sys
from collections.abc import AsyncIterator

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart import Response
from quart_trio import QuartTrio

from tests.bench.stories import Teller


def app(events: int) -> QuartTrio:
    """A route for each measurement."""
    quart = QuartTrio(__name__, static_folder=None)

    async def frames() -> AsyncIterator[bytes]:
        teller = Teller()
        for _ in range(events):
            yield teller.frame()

    async def burst() -> Response:
        response = Response(frames(), content_type="text/event-stream")
        response.timeout = None
        return response

    quart.add_url_rule("/burst", "burst", burst, methods=["POST"])
    return quart


async def main(events: int) -> None:
    """Serve until a signal."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    async with trio.open_nursery() as nursery:
        addresses: list[str] = await nursery.start(
            lambda task_status: serve(app(events), config, shutdown_trigger=_signalled, task_status=task_status)
        )
        sys.stdout.write(addresses[0].rpartition(":")[2] + "\n")
        sys.stdout.flush()


async def _signalled() -> None:
    await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
