"""Webhooks as they arrive: verified, read, and each let through once. For programs that are told of a run's end.

Any web framework will do: it gives the headers and the body as it came, and says the status. Signatures are checked by
`standardwebhooks`, in constant time (https://www.standardwebhooks.com; it comes with `narrate-pipelines[server]`).
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from json import JSONDecodeError
from threading import Lock
from typing import Annotated, Any, Literal, Protocol

import msgspec
from standardwebhooks import WebhookVerificationError

from narrate.errors import NarrateError, Problem, WebhookRefused
from narrate.events import RunId
from narrate.signing import signers_of

TOLERANCE = 5 * 60
"""Seconds by which a webhook's timestamp may differ from the clock here; `standardwebhooks` holds to it."""

MOST = 10_000
"""Ids that are remembered in memory. A sender tries for three days, so this is enough for a run every half minute."""

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_ENDS = ("run.finished", "run.failed", "run.cancelled")


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The end of a run, as a webhook tells it. `msgspec.json` writes it down and reads it again.

    - `id` is the `webhook-id`, the same however often it is sent; `at` is when the run ended, `seconds` what it took.
    - By its `type` it has a `result` (as JSON data), a `problem` or a `reason`. One that was too large to be sent is
      named in `left_out`, and is to be read at `link`.
    - `link` is the address of the run's state. It begins with `/` where the server was not given its `--public-url`.
    """

    id: str
    type: Literal["run.finished", "run.failed", "run.cancelled"]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    run: RunId
    pipeline: str
    seconds: float
    link: str
    result: Any = None
    problem: Problem | None = None
    reason: str | None = None
    left_out: Literal["result", "problem", "reason"] | None = None


class Headers(Protocol):
    """A request's headers, of whatever framework; their names may be in any case."""

    def items(self) -> Iterable[tuple[str, str]]: ...


class Seen(Protocol):
    """Remembers which webhooks there were."""

    def add(self, webhook_id: str) -> bool:
        """Remember this one. Whether it is new: of two at the same time, for one only."""
        ...


class SeenInMemory:
    """The latest ids, at most so many, in this process: after a restart, and beside another process, all are new."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ids: dict[str, None] = {}
        self._lock = Lock()

    def add(self, webhook_id: str) -> bool:
        with self._lock:
            if webhook_id in self._ids:
                return False
            self._ids[webhook_id] = None
            if len(self._ids) > self._most:
                del self._ids[next(iter(self._ids))]
            return True


class Receiver:
    """What receives the webhooks of a narrate server that signs with one of these secrets (`whsec_…`).

    Several are for the time in which one replaces another. Raises NarrateError for a secret that is none.

        receiver = Receiver(os.environ["WEBHOOK_SECRET"])

        @app.post("/webhooks")
        def receive():
            try:
                ended = receiver.receive(request.headers, request.get_data())
            except WebhookRefused as refused:
                return str(refused), 401
            if ended is not None:
                ...
            return "", 204

    Answer 204 to whatever is not refused, also to a repetition, and within 20 seconds: else it is sent again, for three
    days. An id is remembered before the work for it is done. Where that may fail and must not be lost, use a `seen`
    that keeps its ids in the database of the work, and call `receive` in the transaction that does the work, or notes
    it to be done. Rolled back, it is new again:

        class SeenInTable:
            def add(self, webhook_id: str) -> bool:
                return db.execute("INSERT OR IGNORE INTO seen (id) VALUES (?)", (webhook_id,)).rowcount == 1

    `read` is for a database that is to be awaited, or a table whose own key is the id: it remembers nothing.
    """

    def __init__(self, *secrets: str, seen: Seen | None = None) -> None:
        if not secrets:
            raise NarrateError("A receiver of webhooks needs a secret: that with which the server signs them.")
        self._verifiers = signers_of(secrets)
        self._seen = seen if seen is not None else SeenInMemory()

    def receive(self, headers: Headers, body: bytes | str) -> Ended | None:
        """The end that this webhook tells; None for a repetition, and for what a later narrate tells besides ends.

        The body must be as it came: the signature is over its bytes, not over what they mean. Raises WebhookRefused
        when it cannot be believed, or tells no event of narrate.
        """
        ended = self.read(headers, body)
        return ended if ended is not None and self._seen.add(ended.id) else None

    def read(self, headers: Headers, body: bytes | str) -> Ended | None:
        """As `receive`, but remembers nothing: a repetition is read again, with the same `id`."""
        named = {name.lower(): value for name, value in headers.items()}
        try:
            told = msgspec.convert(self._verified(named, body), _Told)
            if told.type not in _ENDS:
                return None
            facts = told.data | {"id": named[_ID], "type": told.type, "at": told.timestamp}
            return msgspec.convert(facts, Ended)
        except msgspec.ValidationError as error:
            why = f"It is signed as it should be, and its body is no event that narrate sends: {error}."
            raise WebhookRefused(why) from None

    def _verified(self, headers: Mapping[str, str], body: bytes | str) -> Any:
        """The body, read as JSON. Raises WebhookRefused."""
        for verifier in self._verifiers:
            try:
                return verifier.verify(body, dict(headers))
            except JSONDecodeError as error:
                raise WebhookRefused("It is signed as it should be, and its body is not JSON.") from error
            except (WebhookVerificationError, ValueError):  # the latter for a signature or a body that is no text
                pass
        raise WebhookRefused(_why(headers, time.time()))


class _Told(msgspec.Struct):
    """What a webhook of narrate has, whatever version it is of and whatever it tells."""

    type: str
    timestamp: str
    data: dict[str, Any]


def _why(headers: Mapping[str, str], now: float) -> str:
    """Why none of the secrets verifies a webhook with these headers, in a sentence for its sender."""
    for name in (_ID, _TIMESTAMP, _SIGNATURE):
        if not headers.get(name):
            return f"It has no `{name}` header: whoever sent it did not sign it."
    try:
        age = now - float(headers[_TIMESTAMP])
    except ValueError:
        return f"Its `{_TIMESTAMP}` is not a number of seconds."
    if age > TOLERANCE:
        return f"It was signed {age:.0f} s ago, and after {TOLERANCE} s none is believed. If it is new, set the clocks."
    if age < -TOLERANCE:
        return f"It was signed {-age:.0f} s in the future, and more than {TOLERANCE} s is not believed. Set the clocks."
    return "It is not signed with the secret that we share, or was changed on its way."
