"""What can be asked of webhooks, by those whose runs they tell of: which were given up, and to send one again.

Only where somebody authorizes requests: without owners, whoever came by could have anybody's sent.
"""

from http import HTTPStatus

import msgspec
from quart import Response, request

from narrate.delivery import Delivery
from narrate.errors import RecordGone
from narrate.server.documents import listed_delivery
from narrate.server.problems import Refused
from narrate.server.service import Service

MOST = 100
"""Deliveries that one answer lists."""

STATES = ("waiting", "due", "delivered", "dead")


class Deliveries:
    """The endpoints under `/deliveries`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def listed(self) -> Response:
        """The webhooks of one's own runs, the newest first; all, or those in `?state=`."""
        self._check_guarded()
        state = request.args.get("state")
        if state not in (None, *STATES):
            detail = f"`state` is {', '.join(STATES[:-1])} or {STATES[-1]}."
            raise Refused(HTTPStatus.BAD_REQUEST, detail, field="state")
        told = []
        for delivery in await self._service.narrator.journal.deliveries(state=state):
            if await self._is_own(delivery):
                told.append(listed_delivery(delivery))
            if len(told) == MOST:
                break
        headers = {"Cache-Control": "private, no-cache"}
        return Response(msgspec.json.encode(told), headers=headers, content_type="application/json")

    async def resend(self, delivery_id: str) -> Response:
        """Send a webhook again, from the beginning of its schedule."""
        self._check_guarded()
        delivery = await self._service.narrator.journal.maybe_delivery(delivery_id)
        if delivery is None or not await self._is_own(delivery):
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such delivery, or its run is no longer kept.")
        if delivery.state == "waiting":
            raise Refused(HTTPStatus.CONFLICT, "The run has not ended: there is nothing to send yet.")
        again = await self._service.webhooks.resend(delivery_id)
        told = msgspec.json.encode(listed_delivery(again or delivery))
        return Response(told, HTTPStatus.ACCEPTED, content_type="application/json")

    def _check_guarded(self) -> None:
        if self._service.authorize is None:
            raise Refused(HTTPStatus.NOT_FOUND, "There is nothing at this address.")

    async def _is_own(self, delivery: Delivery) -> bool:
        try:
            begun = await self._service.narrator.journal.maybe_begun(delivery.run)
        except RecordGone:
            return False
        return begun is not None and begun.owner is not None and begun.owner == self._service.owner
