"""A sender of webhooks at work, on a journal in memory and by a clock that a test moves on."""

import base64
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio

from narrate.delivery import Delivery
from narrate.events import RunFinished, RunId, RunStarted
from narrate.journal.base import Begun, Journal, Retention
from narrate.journal.memory import MemoryJournal
from narrate.server.callbacks import CallbackClient, CallbackPolicy
from narrate.server.webhooks import Webhooks
from tests.serving import until

FOREVER = Retention(age=1e9)
LOCAL = CallbackPolicy(private=True, http=True)
RUN = RunId("r1")


def secret_of(length):
    return "whsec_" + base64.b64encode(bytes(range(length))).decode()


SECRET, NEXT_SECRET = secret_of(32), secret_of(33)


class Wall:
    """The time of day, which goes on when it is told to."""

    def __init__(self):
        # The library that verifies goes by the real clock, and takes what is at most five minutes old.
        self.at = time.time()

    def __call__(self):
        return self.at


async def ended(journal, *urls, run=RUN, first=0, result="done"):
    """Keep a run that has ended, and was to be told to these targets under the ids `msg_0`, `msg_1`, …"""
    deliveries = [Delivery(id=f"msg_{n}", run=run, url=url) for n, url in enumerate(urls, first)]
    writer = await journal.open_record(Begun(run=run, pipeline="story", began=1_700_000_000.25), deliveries)
    writer.append([RunStarted(run, "story", "A story", (), t=0.0), RunFinished(result, 1.5, t=1.5)])
    await writer.settle()


@dataclass
class Sending:
    """A sender at work, on a journal of its own."""

    journal: Journal
    webhooks: Webhooks
    wall: Wall

    async def ended(self, *urls, **how):
        await ended(self.journal, *urls, **how)

    async def until_tried(self, times):
        """The first delivery after so many tries in all, counted over all deliveries."""
        self.webhooks.wake()
        await until(lambda: self.webhooks.outcomes.total() >= times)
        return await self.journal.maybe_delivery("msg_0")

    async def later(self, seconds, times):
        """The same after so many seconds, by the time of day."""
        self.wall.at += seconds
        return await self.until_tried(times)


@asynccontextmanager
async def sending(*secrets, journal=None, wall=None, policy=LOCAL, **given):
    wall = wall or Wall()
    journal = journal or MemoryJournal(FOREVER, wall)
    webhooks = Webhooks(
        journal,
        secrets or (SECRET,),
        CallbackClient(policy),
        lambda run: f"https://narrate.example/runs/{run}",
        now=wall,
        dice=lambda: 0.0,
        **given,
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(webhooks.run)
        yield Sending(journal, webhooks, wall)
        nursery.cancel_scope.cancel()
