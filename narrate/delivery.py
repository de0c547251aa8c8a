"""A webhook's way to its target, decided: what is sent, when it is tried again, and when it is given up.

Pure: whoever sends asks this half what the answer to a try means. The contract is Standard Webhooks 1.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal, assert_never

import msgspec

from narrate.events import RunCancelledEvent, RunFailedEvent, RunFinished, RunId, Terminal, to_json

DeliveryState = Literal["waiting", "due", "delivered", "dead"]

MINUTE, HOUR = 60.0, 3600.0

WAITS: Sequence[float] = (0, 5, 5 * MINUTE, 30 * MINUTE, *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24)))
"""Seconds before each try, counted from the one before it: the schedule that Standard Webhooks proposes."""

JITTER = 0.1
"""By so much of itself a wait may be longer, so that what failed together does not come back together."""

LONGEST_WAIT = 24 * HOUR
"""Seconds for which a target can put the next try off."""

BODY_LIMIT = 20_000
"""Bytes that a body may have. Standard Webhooks wants small ones, and a receiver may refuse others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The telling of one run's end to one target.

    - `id` is the `webhook-id`: the same on each try, so that a receiver can tell a repetition.
    - `state`: `waiting` for the run's end, `due` for its next try, `delivered`, or `dead`: given up.
    - `due`: when it is to be tried next, in seconds since 1970 in UTC; None while nothing is to be tried.
    - `attempts`: how often it has been tried; `last`: what came of the last try, in words.
    """

    id: str
    run: RunId
    url: str
    state: DeliveryState = "waiting"
    attempts: int = 0
    due: float | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The target answered with this status, and wants to be left alone for `retry_after` seconds if it says so."""

    status: int
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unreached:
    """The target gave no answer, or may not be asked for one; `why` is a sentence for people."""

    why: str


Outcome = Answered | Unreached


def tried(delivery: Delivery, outcome: Outcome, now: float, dice: float) -> Delivery:
    """What becomes of a delivery that has been tried once more.

    Any 2xx is a success, 410 the wish to hear no more; all else, redirects too, is a failure, and tried again when the
    next of `WAITS` is over or, where that is later, the target's own `Retry-After`. `dice`, in [0, 1), says how much
    longer than planned the wait is.
    """
    after = replace(delivery, attempts=delivery.attempts + 1, due=None, last=_in_words(outcome))
    match outcome:
        case Answered(status=status) if 200 <= status < 300:
            return replace(after, state="delivered")
        case Answered(status=HTTPStatus.GONE):
            return replace(after, state="dead")
        case Answered(retry_after=asked):
            return _later(after, now, dice, asked or 0.0)
        case Unreached():
            return _later(after, now, dice, 0.0)
        case other:
            assert_never(other)


def given_up(delivery: Delivery, why: str) -> Delivery:
    """The delivery as a dead letter, without another try."""
    return replace(delivery, state="dead", due=None, last=why)


def again(delivery: Delivery, now: float) -> Delivery:
    """The delivery, whatever has become of it, due now and with the whole schedule before it.

    One that still waits for its run's end is left as it is: there is nothing to tell yet.
    """
    return delivery if delivery.state == "waiting" else replace(delivery, state="due", attempts=0, due=now)


def body_of(event: Terminal, *, run: RunId, pipeline: str, at: str, link: str, limit: int = BODY_LIMIT) -> bytes:
    """What a target is told of a run's end: the same bytes for the same arguments.

    `at` is when the run ended, in ISO 8601; `link` is where it can be read. A result (or problem, or reason) with which
    the body would be larger than `limit` bytes is left out; then `left_out` names it, and it is to be read at `link`.
    """
    # From the event's own JSON, not from its values: no reader of the record is told anything else.
    told = msgspec.json.decode(to_json(event), type=dict[str, msgspec.Raw])
    word = _word(event)
    facts: dict[str, Any] = {"run": run, "pipeline": pipeline, "seconds": told["seconds"]}

    def payload(rest: dict[str, Any]) -> bytes:
        return msgspec.json.encode({"type": event.type, "timestamp": at, "data": {**facts, **rest, "link": link}})

    whole = payload({word: told[word]})
    return whole if len(whole) <= limit else payload({"left_out": word})


def _later(after: Delivery, now: float, dice: float, asked: float) -> Delivery:
    if after.attempts >= len(WAITS):
        return replace(after, state="dead", last=f"{after.last} That was the last of {len(WAITS)} tries.")
    wait = max(WAITS[after.attempts], min(asked, LONGEST_WAIT))
    return replace(after, state="due", due=now + wait * (1 + JITTER * dice))


def _in_words(outcome: Outcome) -> str:
    if isinstance(outcome, Unreached):
        return outcome.why
    known = outcome.status in list(HTTPStatus)
    said = f"It answered {outcome.status}{' ' + HTTPStatus(outcome.status).phrase if known else ''}"
    return f"{said}, and redirects are not followed." if 300 <= outcome.status < 400 else f"{said}."


def _word(event: Terminal) -> str:
    match event:
        case RunFinished():
            return "result"
        case RunFailedEvent():
            return "problem"
        case RunCancelledEvent():
            return "reason"
        case other:
            assert_never(other)
