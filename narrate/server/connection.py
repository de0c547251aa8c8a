"""One request and its response, to the very end of the response.

Apart from the app because it mends a seam between Quart-Trio and Hypercorn. With the last bytes of a response, Hypercorn
tells the app that the request is over; Quart-Trio then cancels what handles it, which is still inside Hypercorn, about
to close the connection or to make it ready for the next request. So neither was ever done: a client that waits for the
close (`Connection: close`, HTTP/1.0) waited for ever, and idle connections were never given up.
"""

from functools import partial

import trio
from hypercorn.typing import ASGISendCallable, ASGISendEvent
from quart.wrappers import Request
from quart_trio.asgi import TrioASGIHTTPConnection


class Connection(TrioASGIHTTPConnection):
    """Quart-Trio's, which lets the last message of a response out whole."""

    async def handle_request(  # type: ignore[override]
        self, nursery: trio.Nursery, request: Request, send: ASGISendCallable
    ) -> None:
        await super().handle_request(nursery, request, partial(_send, send))


async def _send(send: ASGISendCallable, message: ASGISendEvent) -> None:
    last = message["type"] == "http.response.body" and not message["more_body"]
    with trio.CancelScope(shield=last):
        await send(message)
