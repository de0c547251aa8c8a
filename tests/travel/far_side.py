"""The far side of a connection, for tests: answers what it was told to, and keeps what it was asked."""

from collections.abc import Callable

import httpx
import trio

Answer = httpx.Response | Exception


class FarSide(httpx.AsyncBaseTransport):
    """Gives its answers one after another, the last one for ever, or those that a function gives for a request."""

    def __init__(self, *answers: Answer, by: Callable[[httpx.Request], Answer] | None = None) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)
        self._by = by

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        await trio.lowlevel.checkpoint()
        if self._by is not None:
            answer = self._by(request)
        else:
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.asked]


def html(status: int = 200) -> httpx.Response:
    """The page that a network in front of an API answers with."""
    return httpx.Response(status, html="<!DOCTYPE html><html><body>Attention required, key K-SECRET</body></html>")


def cut(body: bytes = b'{"half') -> httpx.Response:
    """An answer that breaks off in the middle of its body."""

    class Cut(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield body
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    return httpx.Response(200, headers={"content-type": "application/json"}, stream=Cut())
