"""Ours: pipelines to measure, on the server that `narrate serve` runs. Prints its port."""

import sys
from collections.abc import AsyncIterator

import httpx
import trio
from pydantic import BaseModel

from narrate import Pipeline, resource, say, step
from narrate.server.app import create_app
from narrate.server.options import Options
from narrate.server.serving import serve
from tests.bench.stories import TEXT

STREAMS = 20_000
"""Runs at once: more than are measured."""


class Upstream(BaseModel):
    """Where the far side listens."""

    port: int


@resource
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """One client for all runs."""
    async with httpx.AsyncClient(timeout=None, trust_env=False) as client:
        yield client


def pipelines(events: int) -> list[Pipeline]:
    """One for each measurement."""

    @step("Talking")
    async def talk() -> None:
        for _ in range(events):
            say(TEXT)

    @step("Talking slowly")
    async def talk_slowly() -> None:
        for _ in range(events):
            say(TEXT)
            await trio.lowlevel.checkpoint()

    @step("Doing nothing")
    async def nothing() -> None:
        pass

    never = trio.Event()

    @step("Waiting")
    async def wait() -> None:
        await never.wait()

    @step("Asking the far side")
    async def ask_upstream(upstream: Upstream, http: httpx.AsyncClient) -> None:
        await http.get(f"http://127.0.0.1:{upstream.port}/")

    return [
        Pipeline("burst", talk),
        Pipeline("trickle", talk_slowly),
        Pipeline("first", nothing),
        Pipeline("idle", wait),
        Pipeline("upstream", ask_upstream, takes=Upstream, resources=[http], linger=0),
    ]


async def main(events: int) -> None:
    """Serve until a signal."""
    app = create_app(*pipelines(events), options=Options(max_runs=STREAMS, grace=0))
    async with trio.open_nursery() as nursery:
        address: str = await nursery.start(lambda **started: serve(app, port=0, **started))
        sys.stdout.write(address.rpartition(":")[2] + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
