"""Sends what the journal says is due: the end of a run, signed, to the target that was to be told of it.

All that lasts is in the journal: what is due, how often it was tried, and what there is to tell. So a restart in the
middle of the schedule goes on where it was, and every process that uses the journal may send. A delivery is sent at
least once: one whose outcome was lost with its process is sent again, with the same id.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Never
from weakref import WeakValueDictionary

import trio

from narrate.delivery import Delivery, DeliveryState, Outcome, again, body_of, given_up, tried
from narrate.errors import JournalFailed, RecordGone
from narrate.events import Event, RunId, Terminal
from narrate.journal.base import Journal
from narrate.server.callbacks import ANSWER_WITHIN, CallbackClient
from narrate.server.problems import Refused
from narrate.signing import signers_of

POLL = 1.0
"""Seconds after which the journal is asked again, if `wake` is not called before."""

LEASE = 60.0
"""Seconds for which nobody else gets a delivery that is taken to be tried."""

AT_ONCE = 32
"""Tries that may be under way at the same time."""

AT_ONE_TARGET = 4
"""How many of these may be to one target, so that a slow one does not hold up all others."""


class Webhooks:
    """The sender, and what its journal's deliveries can be asked for.

    `secrets` are `whsec_…` strings, as Standard Webhooks has them. Each signs what is sent, so that receivers can be
    moved from one to the next while both are given. Without one nothing is sent and no callback taken. `link` says
    where a run can be read. `now` is in seconds since 1970, `dice` in [0, 1). Raises NarrateError for a secret that is
    none.

    `outcomes` counts what came of tries: `delivered`, `due` for those that failed and will be repeated, and `dead`.
    """

    def __init__(
        self,
        journal: Journal,
        secrets: Sequence[str],
        client: CallbackClient,
        link: Callable[[RunId], str],
        *,
        now: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
        at_once: int = AT_ONCE,
    ) -> None:
        self.outcomes: Counter[DeliveryState] = Counter()
        self._journal = journal
        self._signers = signers_of(secrets)
        self._client = client
        self._link = link
        self._now = now
        self._dice = dice
        self._woken = trio.Event()
        self._in_hand: set[str] = set()
        self._room = trio.Semaphore(at_once)
        self._room_at: WeakValueDictionary[str, trio.Semaphore] = WeakValueDictionary()

    def check(self, url: str) -> None:
        """Raises Refused, naming `callback`, where this URL could never be told of a run's end."""
        if not self._signers:
            why = "`callback` is not offered here: every webhook is signed, and this server has no secret to sign with."
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, why, field="callback")
        self._client.policy.check(url)

    def wake(self) -> None:
        """Have the journal asked at once, because there may be something to send."""
        self._woken.set()

    async def resend(self, id: str) -> Delivery | None:  # noqa: A002
        """Send a delivery again, dead or not, with the whole schedule before it; as it is now, or None for an unknown.

        One that waits for its run's end is left as it is. Raises JournalFailed.
        """
        delivery = await self._journal.maybe_delivery(id)
        if delivery is None:
            return None
        delivery = again(delivery, self._now())
        await self._journal.put(delivery)
        self.wake()
        return delivery

    async def run(self) -> Never:
        """Send what is due, for ever. A journal that fails is asked again."""
        if not self._signers:
            await trio.sleep_forever()
        async with trio.open_nursery() as nursery:
            while True:
                self._woken = trio.Event()
                taken_until = self._now() + LEASE
                for delivery in await self._due(taken_until):
                    self._in_hand.add(delivery.id)
                    nursery.start_soon(self._handle, delivery, taken_until)
                with trio.move_on_after(POLL):
                    await self._woken.wait()

    async def _due(self, until: float) -> Sequence[Delivery]:
        try:
            due = await self._journal.due(self._now(), until)
        except JournalFailed:
            return ()
        # What is still in hand when its lease is over has an outcome that cannot be kept at the moment.
        return [delivery for delivery in due if delivery.id not in self._in_hand]

    async def _handle(self, delivery: Delivery, taken_until: float) -> None:
        try:
            async with self._room_for(delivery), self._room:
                if self._now() > taken_until - ANSWER_WITHIN:
                    return  # Its turn came so late that another process may have it before this one had an answer.
                after = await self._tried(delivery)
            await self._keep(after)
            self.outcomes[after.state] += 1
        except JournalFailed:
            pass  # What there is to tell could not be read; the delivery is due again when the lease is over.
        finally:
            self._in_hand.remove(delivery.id)

    async def _tried(self, delivery: Delivery) -> Delivery:
        """What becomes of the delivery, after one try."""
        try:
            body = await self._body(delivery.run)
        except RecordGone as gone:
            return given_up(delivery, str(gone))
        outcome = await self._sent(delivery, body)
        return tried(delivery, outcome, self._now(), self._dice())

    async def _body(self, run: RunId) -> bytes:
        begun = await self._journal.maybe_begun(run)
        end = await self._end_of(run)
        if begun is None or end is None:
            raise RecordGone(run)
        ended = datetime.fromtimestamp(begun.began + end.t, UTC).isoformat(timespec="milliseconds")
        return body_of(end, run=run, pipeline=begun.pipeline, at=ended.replace("+00:00", "Z"), link=self._link(run))

    async def _end_of(self, run: RunId) -> Terminal | None:
        reader = await self._journal.maybe_reader(run)
        last: Event | None = None
        while reader is not None and not reader.ended:
            await reader.wait_more()
            for event in reader.take_nowait():
                last = event
        return last if isinstance(last, Terminal) else None

    async def _sent(self, delivery: Delivery, body: bytes) -> Outcome:
        now = self._now()
        return await self._client.post(delivery.url, self._headers(delivery.id, int(now), body), body, now)

    def _headers(self, webhook_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
        # Signed anew on each try, because receivers refuse a timestamp that is more than minutes old.
        signed_at, text = datetime.fromtimestamp(timestamp, UTC), body.decode()
        return {
            "Content-Type": "application/json",
            "User-Agent": "narrate",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signer.sign(webhook_id, signed_at, text) for signer in self._signers),
        }

    async def _keep(self, delivery: Delivery) -> None:
        # Until it is kept: forgotten, the target would be told again each time that the lease is over.
        while True:
            try:
                return await self._journal.put(delivery)
            except JournalFailed:
                await trio.sleep(POLL)

    def _room_for(self, delivery: Delivery) -> trio.Semaphore:
        origin = "/".join(delivery.url.split("/")[:3])
        return self._room_at.setdefault(origin, trio.Semaphore(AT_ONE_TARGET))
