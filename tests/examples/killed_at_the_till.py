"""Serves the checkout, takes one order, and is killed when that is paid: before anything could be told of it."""

import os
import signal
import sys
from pathlib import Path

import trio

from narrate import targets
from narrate.journal.sqlite import SqliteJournal
from shop import Shop
from tests.examples.found import target
from tests.serving import served


class Deadly(Shop):
    """Is the end of whoever is paid in it."""

    def pay(self, *given):
        super().pay(*given)
        os.kill(os.getpid(), signal.SIGKILL)


async def take(database: Path, journal: Path, order: str) -> None:
    (checkout,) = targets.load(target("checkout"))
    async with served(checkout, journal=SqliteJournal(journal), resources={"shop": Deadly(database)}) as server:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "once"}
        await server.client.post("/checkout", content=order, headers=headers)


if __name__ == "__main__":
    trio.run(take, Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
