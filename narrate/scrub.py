"""The rules by which secrets are taken out of an exchange before it becomes a recording.

Apart so that each rule is tested on plain values, and so that the same rules make what is written and what a replayed
request is compared by: a scrubbed part can never be the reason for a miss.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, AnyStr
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

SCRUBBED = "[scrubbed]"
"""Stands where a secret stood. In a recording, a query pair or JSON member of this value plays no part in matching."""

NAMES = frozenset(
    {"api_key", "api_secret", "api_token", "appid", "key", "jwt", "passwd", "password", "secret", "token"}
    | {"access_key", "access_token", "auth_token", "id_token", "private_key", "refresh_token", "session_token"}
    | {"client_secret", "secret_key", "sig", "signature", "x_amz_credential", "x_amz_security_token", "x_amz_signature"}
)
"""Fields of queries and forms, and members of JSON objects, that hold secrets."""

HEADERS = frozenset(
    {"authorization", "cookie", "openai-organization", "proxy-authorization", "set-cookie"}
    | {"x-api-key", "x-auth-token", "x-goog-api-key"}
)
"""Headers that hold secrets, besides those named like a secret field."""

PATHS = ("request.key.api_key", "request.client")
"""AirLabs tells in each answer whose key asked, and from which address and place."""

PATTERNS = (
    r"\borg_[0-9A-Za-z]{6,}",  # Groq names the account in its messages.
    r"://(?P<secret>[^/?#@\s\"'\\]+)@",  # user:password@ in a URL
)

_LEARNED = 8  # A shorter value is a word that may stand anywhere with another meaning.

# `?api_key=`, also as Go's JSON writes an ampersand. It may begin a text, as in a form.
_PAIR = re.compile(r"(?:^|[?&]|\\u0026)(?P<name>[\w.-]+)=")
_PAIR_VALUE = re.compile(r"[^&#\s\"'<>\\]*")
# `"api_key": `, quoted once or as often as JSON within JSON within an event quotes it.
_MEMBER = re.compile(r"(?<!\\)(?P<quote>\\*\")(?P<name>[\w.-]+)(?P=quote)\s*:\s*")
_NUMBER = re.compile(r"[-+.\deE]*")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scrub:
    """What counts as a secret: each becomes `[scrubbed]`, in URLs, headers and bodies alike.

    `names` are fields of queries, forms and JSON objects, whatever their case, `-` and `_`; below such a name every
    text and number goes, however deep. In streams and other text they are found as JSON members and as pairs of a URL.
    `headers` are names of headers. `paths` are places in a JSON document such as `request.client`, with `*` for any
    member or item; whatever is there goes. `patterns` are regular expressions for any text, of which the group `secret`
    goes, or the whole match. `secrets` are the values themselves, which go wherever they occur, in whatever quoting,
    also across the pieces of a stream.

    To loosen a default, leave it out: `Scrub(names=NAMES - {"token"})`.
    """

    names: frozenset[str] = NAMES
    headers: frozenset[str] = HEADERS
    paths: tuple[str, ...] = PATHS
    patterns: tuple[str, ...] = PATTERNS
    secrets: tuple[str, ...] = field(default=(), repr=False)
    _names: frozenset[str] = field(init=False, repr=False, compare=False)
    _headers: frozenset[str] = field(init=False, repr=False, compare=False)
    _patterns: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", frozenset(map(_folded, self.names)))
        object.__setattr__(self, "_headers", frozenset(map(_folded, self.headers)))
        # Secrets longest first: where one begins another, the tail of the longer must not stay.
        spellings = sorted({s for secret in self.secrets if secret for s in _spellings(secret)}, key=len, reverse=True)
        literal = ("|".join(map(re.escape, spellings)),) if spellings else ()
        object.__setattr__(self, "_patterns", tuple(map(re.compile, (*self.patterns, *literal))))

    def also(
        self,
        *,
        names: Iterable[str] = (),
        headers: Iterable[str] = (),
        paths: Iterable[str] = (),
        patterns: Iterable[str] = (),
        secrets: Iterable[str] = (),
    ) -> "Scrub":
        """These rules and more."""
        return replace(
            self,
            names=self.names | frozenset(names),
            headers=self.headers | frozenset(headers),
            paths=(*self.paths, *paths),
            patterns=(*self.patterns, *patterns),
            secrets=(*self.secrets, *secrets),
        )

    def learning(self, url: str, headers: Iterable[tuple[str, str]]) -> "Scrub":
        """These rules, and as secrets the values that they find in a request's URL and headers.

        Services echo what they were asked; the key then goes wherever it stands in the answer. Bodies teach nothing,
        because a `key` in one is often an ordinary word, and so is any value of fewer than eight characters.
        """
        parts = urlsplit(url)
        pairs = (pair.partition("=") for pair in parts.query.split("&"))
        found = [unquote_plus(value) for name, _, value in pairs if self._is_secret(unquote_plus(name))]
        found += [part for part in (parts.username, parts.password) if part]
        for name, value in headers:
            if self._is_secret_header(name):
                found += [value, value.partition(" ")[2]]  # `Bearer …`, and what it bears
        return self.also(secrets=[value for value in found if len(value) >= _LEARNED and value != SCRUBBED])

    def text(self, text: str) -> str:
        """Any text without its secrets."""
        return "".join(_cut([text], self._spans(text), SCRUBBED))

    def url(self, url: str) -> str:
        """The URL without its secrets, its user and its fragment."""
        parts = urlsplit(url)
        # The user is left out and not replaced: `[scrubbed]@` would make a URL that no longer parses.
        netloc = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, netloc, self.text(parts.path), self.form(parts.query), ""))

    def form(self, text: str) -> str:
        """A query, or a body of `application/x-www-form-urlencoded`, without its secrets; each a plain `[scrubbed]`."""
        return "&".join(self._pair(pair) for pair in text.split("&"))

    def header(self, name: str, value: str) -> str:
        """The value of a header as it may be written."""
        return SCRUBBED if self._is_secret_header(name) else self.text(value)

    def json(self, value: Any) -> Any:
        """The JSON value without its secrets, in the same shape save for what stood at one of the paths."""
        return self._json(value, (), named=False)

    def pieces(self, pieces: Sequence[bytes]) -> list[bytes]:
        """The pieces of one text without its secrets, those across their borders included; as many pieces come back."""
        whole = b"".join(pieces).decode("utf-8", "surrogateescape")
        return _cut(pieces, _in_bytes(whole, self._spans(whole)), SCRUBBED.encode())

    def broken_json(self, pieces: Sequence[bytes]) -> list[bytes]:
        """The pieces of a JSON document that broke off, without secrets.

        Where a path leads cannot be told in it, so from the first name that could end one all the rest goes.
        """
        lasts = (re.escape(json.dumps(path.rstrip(".*").rpartition(".")[2])) for path in self.paths)
        names = "|".join(lasts)
        return (self.also(patterns=[rf"(?s:(?:{names})\s*:(?P<secret>.+))"]) if names else self).pieces(pieces)

    def _is_secret(self, name: str) -> bool:
        return _folded(name) in self._names

    def _is_secret_header(self, name: str) -> bool:
        return _folded(name) in self._headers or self._is_secret(name)

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if value and self._is_secret(unquote_plus(name)):
            return f"{name}={SCRUBBED}"
        return self._unquoted(name) + equals + self._unquoted(value)

    def _unquoted(self, part: str) -> str:
        plain = unquote_plus(part)
        clean = self.text(plain)
        return part if clean == plain else quote_plus(clean, safe="[]")

    def _json(self, value: Any, where: tuple[str, ...], *, named: bool) -> Any:
        if any(_leads(path, where) for path in self.paths):
            return SCRUBBED
        match value:
            case dict():
                return {
                    self.text(name): self._json(each, (*where, name), named=named or self._is_secret(name))
                    for name, each in value.items()
                }
            case list():
                return [self._json(each, (*where, str(n)), named=named) for n, each in enumerate(value)]
            case str():
                return SCRUBBED if named and value else self.text(value)
            case int() | float() if not isinstance(value, bool):
                number = json.dumps(value)
                return SCRUBBED if named or self.text(number) != number else value
            case _:
                return value

    def _spans(self, text: str) -> list[Span]:
        """Where the secrets are, in order, none overlapping another, none empty."""
        found = [*self._named_spans(text)]
        for pattern in self._patterns:
            group = "secret" if "secret" in pattern.groupindex else 0
            found += [match.span(group) for match in pattern.finditer(text)]
        apart: list[Span] = []
        for start, stop in sorted(span for span in found if span[0] < span[1]):
            if apart and start < apart[-1][1]:
                apart[-1] = (apart[-1][0], max(stop, apart[-1][1]))
            else:
                apart.append((start, stop))
        return apart

    def _named_spans(self, text: str) -> Iterator[Span]:
        for pair in _PAIR.finditer(text):
            if self._is_secret(pair["name"]):
                yield _span(_PAIR_VALUE, text, pair.end())
        for member in _MEMBER.finditer(text):
            if self._is_secret(member["name"]):
                mark = member["quote"]
                if not text.startswith(mark, member.end()):
                    yield _span(_NUMBER, text, member.end())
                    continue
                begin = member.end() + len(mark)
                # A mark behind a backslash belongs to the value. A text that broke off before the mark is all value.
                end = re.compile(rf"(?<!\\){re.escape(mark)}").search(text, begin)
                yield begin, end.start() if end else len(text)


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _span(value: re.Pattern[str], text: str, at: int) -> Span:
    match = value.match(text, at)
    return match.span() if match else (at, at)


def _spellings(secret: str) -> set[str]:
    """A value as it stands in a URL, in JSON, and in JSON within JSON."""
    quoted = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    once = {json.dumps(spelling, ensure_ascii=plain)[1:-1] for spelling in quoted for plain in (True, False)}
    return quoted | once | {json.dumps(spelling)[1:-1] for spelling in once}


def _leads(path: str, where: tuple[str, ...]) -> bool:
    names = path.split(".")
    return len(names) == len(where) and all(name in ("*", part) for name, part in zip(names, where, strict=True))


def _in_bytes(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Where the spans of the text are in its bytes; in one pass, as a stream may hold many."""
    at = size = 0
    for span in spans:
        bounds = []
        for border in span:
            size += len(text[at:border].encode("utf-8", "surrogateescape"))
            at = border
            bounds.append(size)
        yield bounds[0], bounds[1]


def _cut(pieces: Iterable[AnyStr], spans: Iterable[Span], mark: AnyStr) -> list[AnyStr]:
    """The pieces with the mark where a span of them all begins, and without the rest of it, wherever that lies."""
    left = deque(spans)
    cut, begin, at = [], 0, 0
    for piece in pieces:
        end = begin + len(piece)
        kept = mark[:0]
        while left and left[0][0] < end:
            start, stop = left.popleft()
            kept += piece[at - begin : start - begin] + mark
            at = stop
        cut.append(kept + piece[at - begin :])
        begin, at = end, max(at, end)
    return cut
