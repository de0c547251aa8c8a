"""One request and its response, to the very end of the response, and its line in the access log.

Apart from the app because it mends a seam between Quart-Trio and Hypercorn. With the last bytes of a response,
Hypercorn tells the app that the request is over; Quart-Trio then cancels what handles it, which is still inside
Hypercorn, about to close the connection or to make it ready for the next request. So neither was ever done: a client
that waits for the close (`Connection: close`, HTTP/1.0) waited for ever, and idle connections were never given up.
"""

import logging
from urllib.parse import quote

import trio
from hypercorn.typing import ASGISendCallable, ASGISendEvent
from quart.wrappers import Request
from quart_trio.asgi import TrioASGIHTTPConnection

log = logging.getLogger("narrate.access")
"""A line for each request, at INFO: address, method, path (no query, which may hold a secret), status, seconds."""


class Connection(TrioASGIHTTPConnection):
    """Quart-Trio's, which lets the last message of a response out whole."""

    async def handle_request(  # type: ignore[override]
        self, nursery: trio.Nursery, request: Request, send: ASGISendCallable
    ) -> None:
        response = _Response(send)
        began = trio.current_time()
        try:
            await super().handle_request(nursery, request, response.send)
        finally:
            if log.isEnabledFor(logging.INFO):
                took = trio.current_time() - began
                left = "" if response.whole else " (the client left early)"
                asked = f"{request.method} {quote(request.path)}"  # what is decoded could forge a line
                log.info('%s "%s" %s %.3f s%s', request.remote_addr, asked, response.status or "-", took, left)


class _Response:
    """A response on its way out."""

    def __init__(self, send: ASGISendCallable) -> None:
        self.status: int | None = None
        self.whole = False
        self._send = send

    async def send(self, message: ASGISendEvent) -> None:
        last = message["type"] == "http.response.body" and not message["more_body"]
        with trio.CancelScope(shield=last):
            await self._send(message)
        self.whole = last
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = []  # they are out, and Hypercorn would keep them for as long as the stream is open
