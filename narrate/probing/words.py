"""What a probe tells: words that are due at known times, each with the time at which it was sent.

Apart because both ends need it. The server sends the words as it sends a story; a reader that knows when each was sent
can see what the way between did to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import msgspec

LONGEST = 120.0
"""Seconds that ticks, and a silence, may go on."""

QUICKEST, SLOWEST = 10, 10_000
"""Milliseconds that may lie between two ticks."""

TICK_SIZE = 200
"""Characters that fill a tick up, so that it is as large as an event of a story and fills buffers as one does."""

BURST_SIZE = 64 * 1024
"""Characters of the burst: more than the buffers of the usual proxies hold."""

ASKED_WITH = ("Accept", "Idempotency-Key", "Last-Event-ID", "Prefer")
"""The headers of a request without which a stream cannot be asked for, resumed or left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a probe is to send: ticks for so many `seconds`, one `every` so many; then `silence`, in seconds, if any."""

    seconds: float = 2.0
    every: float = 0.1
    silence: float = 0.0

    @property
    def ticks(self) -> int:
        """How many there are."""
        return int(self.seconds / self.every + 1e-9)

    @property
    def lasts(self) -> float:
        """Seconds from the first word to the last."""
        return self.seconds + self.silence + 2 * self.every


class Opened(msgspec.Struct, frozen=True, tag="probe.opened"):
    """The first word: the server's version and heartbeat (in seconds), and what it saw of the request."""

    n: int
    t: float
    narrate: str
    heartbeat: float
    http: str
    asked: dict[str, str]


class Tick(msgspec.Struct, frozen=True, tag="probe.tick"):
    """One of many small words. `t` is when it was sent, in seconds since the first."""

    n: int
    t: float
    filling: str = ""


class Hush(msgspec.Struct, frozen=True, tag="probe.hush"):
    """That nothing but heartbeats follows for so many seconds."""

    n: int
    t: float
    seconds: float


class Burst(msgspec.Struct, frozen=True, tag="probe.burst"):
    """One large word."""

    n: int
    t: float
    filling: str = ""


class Ended(msgspec.Struct, frozen=True, tag="probe.ended"):
    """The last word: a probe that ends without it was cut."""

    n: int
    t: float


Word = Opened | Tick | Hush | Burst | Ended

_word: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)


def maybe_word(data: str) -> Word | None:
    """The word in the data of a server-sent event; None where there is none."""
    try:
        return _word.decode(data)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


class Kind(Enum):
    """What is due, before it is known when it will be sent."""

    OPENED = "opened"
    TICK = "tick"
    HUSH = "hush"
    BURST = "burst"
    ENDED = "ended"


def timetable(plan: Plan) -> Iterator[tuple[float, Kind]]:
    """When each word is due, in seconds since the first, in order.

    The burst comes before the last word and not with it, so that what a full buffer lets go can be told from what only
    the end does.
    """
    yield 0.0, Kind.OPENED
    for number in range(1, plan.ticks + 1):
        yield number * plan.every, Kind.TICK
    if plan.silence:
        yield plan.seconds, Kind.HUSH
    yield plan.seconds + plan.silence + plan.every, Kind.BURST
    yield plan.lasts, Kind.ENDED
