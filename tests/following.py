"""A far side for tests of the client: a transport that gives scripted answers, or cuts real ones."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import httpx
import msgspec
import trio

STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Narrate-Run": "r1",
    "Content-Location": "/runs/r1/events",
}
STARTED = {"type": "run.started", "run": "r1", "pipeline": "p", "title": "P", "outline": [], "t": 0.0}


def frame(event: Mapping[str, object]) -> bytes:
    """An event as the server sends it."""
    told = b"data: " + msgspec.json.encode(event) + b"\n\n"
    return b"id: %d\n" % event["n"] + told if event.get("n") else told


def said(*numbers: int) -> bytes:
    """Messages with these numbers."""
    return b"".join(frame({"type": "message", "step": "a", "text": str(n), "n": n, "t": 0.0}) for n in numbers)


def end(n: int, result: object = None) -> bytes:
    return frame({"type": "run.finished", "result": result, "seconds": 1.0, "n": n, "t": 1.0})


class Chunks(httpx.AsyncByteStream):
    """A body of these chunks; `then` is what happens behind them: nothing, an error, or silence."""

    def __init__(self, chunks: Iterable[bytes], then: BaseException | float | None = None) -> None:
        self._chunks = chunks
        self._then = then
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            await trio.lowlevel.checkpoint()
            yield chunk
        if isinstance(self._then, BaseException):
            raise self._then
        if self._then is not None:
            await trio.sleep(self._then)

    async def aclose(self) -> None:
        self.closed = True


Answer = Callable[[httpx.Request], httpx.Response] | BaseException


class Scripted(httpx.AsyncBaseTransport):
    """Gives these answers, one a request, and remembers what was asked and when."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.times: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await trio.lowlevel.checkpoint()
        self.asked.append(request)
        self.times.append(trio.current_time())
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer(request)

    @property
    def last_ids(self) -> list[str | None]:
        return [request.headers.get("Last-Event-ID") for request in self.asked]


def streams(*chunks: bytes, then: BaseException | float | None = None, **headers: str) -> Answer:
    """An answer that is a story."""
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(200, headers={**STREAM, **extra}, stream=Chunks(chunks, then))


def refuses(status: int, detail: str = "No.", **headers: str) -> Answer:
    """An answer that is a problem."""
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    problem = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail}
    return lambda _: httpx.Response(status, headers={"Content-Type": "application/problem+json", **extra}, json=problem)


class Cutting(httpx.AsyncBaseTransport):
    """Real connections, each cut behind as many bytes of its body as `after` says next; none once that is out."""

    def __init__(self, after: Iterable[int]) -> None:
        self._after = iter(after)
        self._transport = httpx.AsyncHTTPTransport()
        self.cuts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        after = next(self._after, None)
        if after is not None:
            response.stream = self._cut(response.stream, after)
        return response

    def _cut(self, stream: httpx.AsyncByteStream, after: int) -> httpx.AsyncByteStream:
        cutting = self

        class Cut(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                left, chunks = after, aiter(stream)
                async for chunk in chunks:
                    yield chunk[:left]
                    left -= len(chunk)
                    if left <= 0:
                        break
                with trio.CancelScope() as over:  # a generator that is not at its end is complained of
                    over.cancel()
                    async for _ in chunks:
                        pass
                if left <= 0:
                    cutting.cuts += 1
                    raise httpx.ReadError("cut")

            async def aclose(self) -> None:
                await stream.aclose()

        return Cut()

    async def aclose(self) -> None:
        await self._transport.aclose()
