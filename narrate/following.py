"""A client's side of one run, without a network: what to ask next, what was heard, and when to come back.

Bytes, answers and failures go in; requests, events and waits come out. The rules are those of the browser's client, and
both are held to the same cases. Apart from `client`, which holds the connection and knows no rule.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urljoin

import msgspec

from narrate.errors import Problem, RunCut, RunRejected
from narrate.events import AnyEvent, Detached, Gap, RunId, Terminal, Token, from_json
from narrate.wire.sse import Decoder, ServerSentEvent

EVENT_STREAM = "text/event-stream"
PROBLEM = "application/problem+json"

HEARTBEAT = 30.0
"""Seconds between two heartbeats of a server that does not say."""

SHORTEST = 0.25
"""Seconds from which waits grow where the server asks for none."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A request to make. `url` is absolute; whoever makes it may add headers of its own."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer, with the names of its headers in lower case. `url` is that which was asked."""

    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Dropped(Exception):
    """A connection that is over before the story is. `wait` is how many seconds the server would have the client wait.

    Never seen outside: whoever holds the connection asks `Follow.wait` what to do about it. `moved` is that nothing
    went wrong, and the story goes on at another address.
    """

    def __init__(self, why: str, wait: float = 0.0, *, moved: bool = False) -> None:
        self.why = why
        self.wait = wait
        self.moved = moved
        super().__init__(why)


class _Numbered(msgspec.Struct):
    """What every event of a record has, whatever version of this vocabulary it is of."""

    type: str
    n: int = 0


_numbered = msgspec.json.Decoder(_Numbered)
_problem = msgspec.json.Decoder(Problem)


class Follow:
    """One run, followed across its connections.

    `after` is the number of the last event that was heard elsewhere. `silence` is how many seconds of it are a broken
    connection; None for twice the server's heartbeat. `cap` bounds the wait between two connections in seconds, and
    `attempts` how many may fail in a row; None for any number.

    `run` and `url` (of the run's state) are known once a server has answered. `last` is the number of the last event
    that was heard, and `over` whether it was the last there is.
    """

    def __init__(
        self,
        asking: Asking,
        *,
        url: str | None = None,
        after: int = 0,
        silence: float | None = None,
        cap: float = 30.0,
        attempts: int | None = None,
    ) -> None:
        self.run: RunId | None = None
        self.url = url
        self.last = after
        self.over = False
        self._asking = asking
        self._silence = silence
        self._heartbeat = HEARTBEAT
        self._cap = cap
        self._attempts = attempts
        self._place = str(after) if after else ""
        self._decoder = Decoder()
        self._floor = 1.0
        self._failures = 0
        self._hole: int | None = None

    @property
    def silence(self) -> float:
        """How many seconds of silence are a broken connection."""
        return self._silence if self._silence is not None else 2 * self._heartbeat

    def asking(self) -> Asking:
        """The next request to make: for what has not been heard yet."""
        self._heartbeat = HEARTBEAT
        resumed = {"Last-Event-ID": self._place} if _can_be_sent(self._place) else {}
        return replace(self._asking, headers={"Accept": EVENT_STREAM, **self._asking.headers, **resumed})

    def answered(self, answer: Answer) -> bool:
        """Whether the body of this answer is the story. If it is not, `refused` has to be told it, unless it is `over`.

        Raises RunCut when the server tells another run than before: it has lost this one.
        """
        if answer.status == HTTPStatus.NO_CONTENT:
            self.over = True
            return False
        if answer.status != HTTPStatus.OK or answer.media_type != EVENT_STREAM:
            return False
        self._opened(answer)
        return True

    def refused(self, answer: Answer, body: bytes) -> Dropped | RunRejected:
        """Why an answer was no story: a drop where asking again may help, else for good."""
        if answer.status == HTTPStatus.OK:
            what = answer.media_type or "of no type"
            detail = f"The answer is {what} where {EVENT_STREAM} was asked for."
            return RunRejected(Problem(title="This is no story", status=answer.status, detail=detail))
        problem = problem_in(answer, body)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Dropped(problem.sentence, _retry_after(answer))
        return RunRejected(problem)

    def heard(self, chunk: bytes) -> Iterator[AnyEvent]:
        """The events that are complete with these bytes and that are news. Raises Dropped where one is missing."""
        messages = self._decoder.feed(chunk)
        if self._decoder.retry is not None:
            self._floor = self._decoder.retry / 1000
        for message in messages:
            yield from self._told(message)
            if self.over:
                return
        self._place = self._decoder.last_event_id

    def wait(self, dropped: Dropped, roll: float) -> float:
        """Seconds to wait for the next connection after this drop; `roll` is a random number from 0 to 1.

        Raises RunCut after too many.
        """
        if dropped.moved:
            return 0.0
        self._failures += 1
        if self._attempts is not None and self._failures >= self._attempts:
            raise RunCut(self.last, dropped.why)
        return max(dropped.wait, wait_before(self._failures, self._floor, self._cap, roll))

    def _opened(self, answer: Answer) -> None:
        run = answer.headers.get("narrate-run", self.run)
        if self.last and self.run is not None and run != self.run:
            raise RunCut(self.last, "The server has lost it, and began it anew.")
        self.run = RunId(run) if run is not None else None
        if events := answer.headers.get("content-location"):
            self.url = urljoin(answer.url, events).removesuffix("/events")
        self._heartbeat = _positive(answer.headers.get("narrate-heartbeat", "")) or HEARTBEAT
        self._decoder = Decoder(self._place)

    def _told(self, message: ServerSentEvent) -> Iterator[AnyEvent]:
        """The event in a message, if it is news."""
        if message.event != "message":
            return
        try:
            n = _numbered.decode(message.data).n
            event = from_json(message.data)
        except msgspec.DecodeError:
            return  # what is unreadable is passed over; if it had a number, that is missed as a hole
        if n and not self._is_news(n, event):
            return
        self._place = message.id
        self._failures = 0
        self.over = isinstance(event, Terminal)
        if event is not None:
            yield event
        if isinstance(event, Detached):
            self._move_on(event)

    def _is_news(self, n: int, event: AnyEvent | None) -> bool:
        if n <= self.last:
            return False
        # Tokens that were joined tell the number of the first; a gap says itself what is missing.
        first = event.first if isinstance(event, Token) and event.first is not None else n
        if first != self.last + 1 and not isinstance(event, Gap) and self._hole != self.last:
            self._hole = self.last  # if the server tells it so again, it is how it is told
            self._place = str(self.last) if self.last else ""
            raise Dropped(f"Event {self.last + 1} was missing.")
        self.last = n
        return True

    def _move_on(self, event: Detached) -> None:
        """Go on at the run's own address, where no stream has a budget."""
        url = urljoin(self._asking.url, event.link) + "/events"
        if self._asking.url == url:
            raise Dropped("The server ended the stream.")
        self._asking = Asking("GET", url, {})
        raise Dropped("It goes on elsewhere.", moved=True)


def problem_in(answer: Answer, body: bytes) -> Problem:
    """The problem that a refusal tells; where it tells none, one made of its status."""
    if answer.media_type == PROBLEM:
        try:
            return _problem.decode(body)
        except msgspec.DecodeError:
            pass  # whoever stands before the server may say anything
    try:
        title = HTTPStatus(answer.status).phrase
    except ValueError:
        title = f"The server answered {answer.status}"
    return Problem(title=title, status=answer.status)


def wait_before(failures: int, floor: float, cap: float, roll: float) -> float:
    """Seconds before the next connection after so many failures in a row: they double, with half as much of jitter.

    `floor` is what the server asks for, and is kept to even beyond `cap`.
    """
    grown = max(floor, SHORTEST) * 2.0 ** min(failures - 1, 64)
    return max(floor, min(grown, cap / 1.5)) * (1 + roll / 2)


def _retry_after(answer: Answer) -> float:
    """Seconds until what `Retry-After` says (RFC 9110, section 10.2.3); a date counts by the server's own clock."""
    value = answer.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until, now = (parsedate_to_datetime(text).timestamp() for text in (value, answer.headers.get("date", "")))
    except ValueError:
        return 0.0
    return max(0.0, until - now)


def _positive(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


def _can_be_sent(place: str) -> bool:
    """Whether a header can carry it: no control character but a tab."""
    return bool(place) and not any(
        character != "\t" and (character < " " or character == "\x7f") for character in place
    )
