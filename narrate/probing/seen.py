"""What was seen of a probe: where it can be asked for, its pieces with the times of their arrival, and how it ended.

Pure: whoever holds the connection gives bytes and times in. `judge` says what it all means.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from narrate.probing.words import ASKED_WITH, Ended, Opened, Plan, Word, maybe_word
from narrate.wire.sse import Decoder

EVENT_STREAM = "text/event-stream"

WISHES: Mapping[str, str] = dict(zip(ASKED_WITH, (EVENT_STREAM, "narrate-doctor", "0", "wait=1"), strict=True))
"""What a probe is asked with, to see which of it arrives. To a probe it says nothing."""

READABLE = ("", "identity", "gzip", "x-gzip", "deflate")
"""The content encodings that are read here."""

STRANGE_AFTER = 64 * 1024
"""Bytes without a word after which an answer is no probe."""


class Trouble(Enum):
    """Why there was no answer at all."""

    NO_HOST = "no host"
    NOBODY = "nobody listens"
    NO_CONNECTION = "no connection in time"
    TLS = "tls"
    MUTE = "no answer in time"
    NO_HTTP = "no http"
    BROKEN = "broken"


class End(Enum):
    """How an answer ended: as it should, cut cleanly or not, or given up because nothing more came, or as no probe."""

    WHOLE = "whole"
    CLOSED = "closed"
    BROKEN = "broken"
    SILENT = "silent"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer: its headers in lower case, the version of HTTP, and its arrival in seconds."""

    status: int
    http: str
    headers: Mapping[str, str]
    arrived: float

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Piece:
    """A word that was heard, and when: in seconds since it was asked for. `at` is how many bytes had come with it."""

    word: Word
    arrived: float
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A probe as it was seen. All times are seconds since it was asked for.

    - `url`: where it was asked for; `plan`: what it was to be; `sent`: the headers of the request that are to arrive.
    - `trouble`: why there was no answer, with what was said about it in `detail`.
    - `pieces`, `size` (bytes on the wire), `last` (when the last byte came), `ended`, `end`: what was heard.
    - `retry`: whether it asked to come back, as a server does that stops.
    - `encoding`: the content encoding in which it came when any might have been used.
    - `round_trip`: how long a question and its answer take.
    """

    url: str
    plan: Plan
    sent: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None
    detail: str = ""
    head: Head | None = None
    pieces: Sequence[Piece] = ()
    size: int = 0
    last: float = 0.0
    ended: float = 0.0
    end: End = End.STRANGE
    retry: bool = False
    encoding: str = ""
    round_trip: float | None = None

    @property
    def opened(self) -> Opened | None:
        """The first word, where it was heard: then this is narrate."""
        first = self.pieces[0].word if self.pieces else None
        return first if isinstance(first, Opened) else None


def probes_above(url: str, plan: Plan) -> Sequence[str]:
    """Where a server's probe may be, given its address or any address below it, the nearest first."""
    scheme, host, path, _, _ = urlsplit(url)
    parts = [part for part in path.split("/") if part]
    if parts[-1:] == ["probe"]:
        parts.pop()
    query = urlencode(
        {"seconds": f"{plan.seconds:g}", "every": f"{plan.every * 1000:g}", "silence": f"{plan.silence:g}"}
    )
    folders = ["/".join(["", *parts[:count]]) for count in range(len(parts), -1, -1)]
    return [urlunsplit((scheme, host, f"{folder}/probe", query, "")) for folder in folders]


def most_telling(seen: Sequence[Observation]) -> Observation:
    """Of several observations the one that is to be judged: the probe, else what says most about why there is none."""

    def rank(one: Observation) -> int:
        if one.opened is not None:
            return 3
        if one.trouble is not None:
            return 2
        return int(one.head is not None and one.head.status != 404)

    return max(reversed(seen), key=rank)  # of equals that nearest to the root


class Ear:
    """Hears the body of one probe, whatever content encoding it came in; `encoding` is one of the READABLE."""

    def __init__(self, encoding: str = "") -> None:
        self.pieces: list[Piece] = []
        self.size = 0
        self.last = 0.0
        self.strange = False
        self._decoder = Decoder()
        self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32) if encoding not in ("", "identity") else None

    @property
    def whole(self) -> bool:
        """Whether the last word has been heard."""
        return bool(self.pieces) and isinstance(self.pieces[-1].word, Ended)

    @property
    def retry(self) -> bool:
        """Whether it was asked to come back."""
        return self._decoder.retry is not None

    def hear(self, chunk: bytes, now: float) -> None:
        """The next bytes as they came from the wire. What is no probe sets `strange`, and need not be read on."""
        self.size += len(chunk)
        self.last = now
        if self._inflate is not None:
            try:
                chunk = self._inflate.decompress(chunk)
            except zlib.error:
                self.strange = True
                return
        for event in self._decoder.feed(chunk):
            word = maybe_word(event.data)
            if word is None:
                self.strange = True
                return
            self.pieces.append(Piece(word, now, self.size))
        self.strange = self.strange or (not self.pieces and self.size > STRANGE_AFTER)


def same_place(asked: str, given: str) -> bool:
    """Whether an address that an answer gives leads to where it was asked for."""
    mine, its = urlsplit(asked), urlsplit(urljoin(asked, given))
    return (mine.netloc, mine.path) == (its.netloc, its.path)
