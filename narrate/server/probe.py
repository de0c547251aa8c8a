"""`/probe`: a stream that tells nothing but when it was sent, so that its reader can see what the way did to it.

It is poured by the very body that pours stories, with the same headers, heartbeats and last word. It begins nothing,
and knows nothing of runs.
"""

from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from math import nan
from types import TracebackType
from weakref import WeakSet

import msgspec
import trio
from quart import Response, request, url_for

from narrate.probing.words import (
    ASKED_WITH,
    BURST_SIZE,
    LONGEST,
    QUICKEST,
    SLOWEST,
    TICK_SIZE,
    Burst,
    Ended,
    Hush,
    Kind,
    Opened,
    Plan,
    Tick,
    Word,
    timetable,
)
from narrate.server.options import Options
from narrate.server.problems import COME_BACK, Refused
from narrate.server.service import Service
from narrate.server.stream import Body, Streams
from narrate.wire.forms import SseForm
from narrate.wire.sse import frame

AT_ONCE = 4
"""Probes that one process has under way at most."""

LONGEST_ECHO = 100
"""Characters of a request's header that are repeated to who sent it."""

SSE = "text/event-stream"


class Probes:
    """The endpoint `/probe`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._under_way: WeakSet[ProbeBody] = WeakSet()  # weak, since a body that is never poured never says so

    async def probe(self) -> Response:
        """A probe by the plan in the query: `seconds`, `every` (milliseconds) and `silence`."""
        plan = _plan_asked()
        body: ProbeBody | bytes = b""
        if request.method != "HEAD":
            self._service.check_open()
            if len(self._under_way) >= AT_ONCE:
                detail = f"{AT_ONCE} probes are under way, which is as many as are allowed here. Please try again soon."
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": COME_BACK})
            opened = Opened(1, 0.0, version("narrate-pipelines"), self._service.options.heartbeat, _http(), _asked())
            body = ProbeBody(plan, opened, self._under_way, self._service.streams, self._service.options)
            self._under_way.add(body)
        response = self._service.streaming(body, SSE)
        response.headers["Content-Location"] = url_for(".probe")
        return response


class _Due:
    """A place in a timetable, as a cursor: what is due, and when the next is."""

    def __init__(self, plan: Plan) -> None:
        self._left = list(reversed(list(timetable(plan))))
        self._began: float | None = None
        self._woken = trio.lowlevel.ParkingLot()

    @property
    def ended(self) -> bool:
        return not self._left

    def take_nowait(self) -> Iterator[tuple[float, Kind]]:
        """What is due, with the seconds since the first was taken."""
        if self._began is None:
            self._began = trio.current_time()
        while self._left and self._began + self._left[-1][0] <= trio.current_time():
            yield trio.current_time() - self._began, self._left.pop()[1]

    def stop_waiting(self) -> None:
        self._woken.unpark_all()

    async def wait_more(self) -> None:
        assert self._began is not None
        with trio.move_on_at(self._began + self._left[-1][0]):
            await self._woken.park()


class ProbeBody(Body):
    """The body of one probe. It is in `under_way` for as long as it is poured."""

    _cursor: _Due

    def __init__(
        self, plan: Plan, opened: Opened, under_way: "WeakSet[ProbeBody]", streams: Streams, options: Options
    ) -> None:
        self._plan = plan
        self._opened = opened
        self._under_way = under_way
        self._sent = 0
        super().__init__(_Due(plan), (), SseForm(), streams, options)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._under_way.discard(self)
        await super().__aexit__(kind, error, trace)

    def _ready(self, before: bytes = b"") -> Iterator[bytes]:
        for t, kind in self._cursor.take_nowait():
            self._sent += 1
            before += frame(msgspec.json.encode(self._word(kind, self._sent, round(t, 4))), self._sent)
        if before:
            yield before

    def _word(self, kind: Kind, n: int, t: float) -> Word:
        match kind:
            case Kind.OPENED:
                return self._opened
            case Kind.TICK:
                return Tick(n, t, "." * TICK_SIZE)
            case Kind.HUSH:
                return Hush(n, t, self._plan.silence)
            case Kind.BURST:
                return Burst(n, t, "." * BURST_SIZE)
            case Kind.ENDED:
                return Ended(n, t)

    def _last_word(self) -> bytes:
        return b""  # it ends when all is told


def _plan_asked() -> Plan:
    """The plan in the query. Raises Refused."""
    return Plan(
        seconds=_number("seconds", 2, 0, LONGEST),
        every=_number("every", 100, QUICKEST, SLOWEST) / 1000,
        silence=_number("silence", 0, 0, LONGEST),
    )


def _number(name: str, default: float, least: float, most: float) -> float:
    given = request.args.get(name, str(default))
    try:
        number = float(given)
    except ValueError:
        number = nan
    if not least <= number <= most:  # which nan never is
        raise Refused(HTTPStatus.BAD_REQUEST, f"`{name}` must be a number from {least:g} to {most:g}.", field=name)
    return number


def _http() -> str:
    """The version of HTTP that has arrived here, which need not be that of who asked."""
    return str(request.http_version)


def _asked() -> dict[str, str]:
    return {name: request.headers[name][:LONGEST_ECHO] for name in ASKED_WITH if name in request.headers}
