"""Probes as they might have been seen, made of exact numbers."""

from collections.abc import Callable, Sequence

from narrate.probing.seen import WISHES, End, Head, Observation, Piece
from narrate.probing.words import Burst, Ended, Hush, Kind, Opened, Plan, Tick, Word, timetable

URL = "https://api.example/app/probe?seconds=2&every=100&silence=0"
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "narrate-heartbeat": "15",
    "content-location": "/app/probe",
}
TRIP = 0.04
"""Seconds from the server to here."""


def words_of(plan: Plan) -> Sequence[Word]:
    """The words of a probe, each sent just when it was due."""
    made: dict[Kind, Callable[[int, float], Word]] = {
        Kind.OPENED: lambda n, t: Opened(n, t, "1.2.3", 15.0, "1.1", dict(WISHES)),
        Kind.TICK: Tick,
        Kind.HUSH: lambda n, t: Hush(n, t, plan.silence),
        Kind.BURST: Burst,
        Kind.ENDED: Ended,
    }
    return [made[kind](n, round(t, 4)) for n, (t, kind) in enumerate(timetable(plan), 1)]


def on_time(sent: float) -> float:
    return sent + TRIP


def at_the_end(_sent: float) -> float:
    """All come together, later than any was sent."""
    return 2.2


def seen(way: Callable[[float], float] = on_time, *, plan: Plan | None = None, words: int | None = None, **others):
    """A probe whose pieces, 250 bytes each, came when `way` says, given when each was sent.

    With `words`, only so many of them came.
    """
    plan = plan or Plan()
    pieces = [Piece(word, way(word.t), 250 * word.n) for word in words_of(plan)[:words]]
    last = pieces[-1].arrived if pieces else 0.0
    whole = {
        "url": URL,
        "plan": plan,
        "sent": dict(WISHES),
        "head": Head(200, "HTTP/1.1", HEADERS, 0.05),
        "pieces": pieces,
        "size": 250 * len(pieces),
        "last": last,
        "ended": last + 0.01,
        "end": End.WHOLE,
        "round_trip": 2 * TRIP,
    }
    return Observation(**{**whole, **others})


def answered(status: int = 200, kind: str = "application/json", **headers: str) -> Observation:
    """An answer that is no probe."""
    head = Head(status, "HTTP/1.1", {"content-type": kind, **headers}, 0.05)
    return Observation(url=URL, plan=Plan(), head=head)
