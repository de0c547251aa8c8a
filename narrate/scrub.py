"""The rules by which secrets are taken out of an exchange before it becomes a recording.

Apart from the transport so that each rule is tested on values, and apart from the format so that the same rules make
both what is written and what a replayed request is compared by: a scrubbed part can never be the reason for a miss.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

from msgspec import UNSET

from narrate.cassette import SCRUBBED, Chunk, HttpRequest, HttpResponse, strict_json

NAMES = frozenset(
    """
    access_key access_token api_key api_secret api_token appid auth_token client_secret id_token jwt key passwd password
    private_key refresh_token secret secret_key session_token sig signature token x_amz_credential x_amz_security_token
    x_amz_signature
    """.split()
)
"""Query and form fields and members of JSON objects that hold secrets, whatever their case, `-` and `_`."""

HEADERS = frozenset(
    """
    authorization cookie openai-organization proxy-authorization set-cookie x-api-key x-auth-token x-goog-api-key
    """.split()
)
"""Headers that hold secrets, besides those named like a secret field."""

PATHS = ("request.key.api_key", "request.client")
"""AirLabs echoes in each answer whose key asked, and from which address and place."""

PATTERNS = (
    r"\borg_[0-9A-Za-z]{6,}",  # Groq names the account in its messages.
    r"://(?P<secret>[^/?#@\s\"'\\]+)@",  # user:password@ in a URL
)

_PAIR = re.compile(r"(?:^|[?&]|\\u0026)(?P<name>[\w.-]+)=(?P<secret>[^&#\s\"'<>\\]+)")
# Quoted once, or as often as JSON within JSON within a stream of events quotes it; a text that ends too early ends it.
_MEMBER = re.compile(
    r"(?P<quote>\\*\")(?P<name>[\w.-]+)(?P=quote)\s*:\s*(?P=quote)(?P<secret>.*?)(?:(?<!\\)(?P=quote)|\Z)", re.DOTALL
)
_LEARNED = 8  # A shorter value is a word that may stand anywhere with another meaning.
_DOCUMENT = 1.0

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scrub:
    """What counts as a secret. Every one becomes `[scrubbed]`, in requests, response headers and bodies alike.

    `names` are fields of queries, forms and JSON objects; under such a name every text and number goes, however deep.
    `headers` are names of headers. `paths` are places in a JSON document, `request.client`, with `*` for any member or
    item; whatever is there goes. `patterns` are regular expressions for any text; the group `secret` goes, or the whole
    match. `secrets` are the values themselves, which go wherever they occur, in whatever quoting, also across the
    pieces of a stream. In streams and other text `names` are found as JSON members and as pairs of a URL or form.
    """

    names: frozenset[str] = NAMES
    headers: frozenset[str] = HEADERS
    paths: tuple[str, ...] = PATHS
    patterns: tuple[str, ...] = PATTERNS
    secrets: tuple[str, ...] = field(default=(), repr=False)
    _names: frozenset[str] = field(init=False, repr=False, compare=False)
    _headers: frozenset[str] = field(init=False, repr=False, compare=False)
    _finders: tuple[Callable[[str], Iterator[Span]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        patterns = [re.compile(pattern) for pattern in self.patterns]
        if any(self.secrets):
            # The longest first: of two secrets of which one begins the other, no tail may stay.
            spellings = sorted({s for secret in self.secrets if secret for s in _spellings(secret)}, key=len)
            patterns.append(re.compile("|".join(re.escape(spelling) for spelling in reversed(spellings))))
        object.__setattr__(self, "_names", frozenset(map(_folded, self.names)))
        object.__setattr__(self, "_headers", frozenset(map(_folded, self.headers)))
        object.__setattr__(self, "_finders", tuple(map(_finder, patterns)))

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

        Services echo what they were asked: the key then goes wherever it stands in the answer. Bodies teach nothing;
        a `key` in a prompt's schema is an ordinary word.
        """
        parts = urlsplit(url)
        found = [value for name, value in _pairs(parts.query) if self._is_secret(name)]
        found += [part for part in (parts.username, parts.password) if part]
        for name, value in headers:
            if self._is_secret_header(name):
                found += [value, value.split(" ")[-1]]  # `Bearer …` and what it bears
        return self.also(secrets=(value for value in found if len(value) >= _LEARNED and value != SCRUBBED))

    def text(self, text: str) -> str:
        """The text without its secrets."""
        return _without(text, self._spans(text))

    def url(self, url: str) -> str:
        """The URL without its secrets: no user, no fragment, and each scrubbed value as a plain `[scrubbed]`."""
        parts = urlsplit(url)
        # The user is left out, not replaced: brackets there would make the URL one that cannot be parsed.
        netloc = parts.netloc.rpartition("@")[2]
        query = "&".join(self._pair(pair) for pair in parts.query.split("&"))
        return urlunsplit((parts.scheme, netloc, self.text(parts.path), query, ""))

    def header(self, name: str, value: str) -> str:
        """The value of a header as it may be written."""
        return SCRUBBED if self._is_secret_header(name) else self.text(value)

    def json(self, value: Any) -> Any:
        """The JSON value without its secrets, in the same shape."""
        return self._json(value, (), named=False)

    def pieces(self, pieces: Sequence[bytes]) -> list[bytes]:
        """The pieces of one text without its secrets, also those that lie across a border. As many pieces come back."""
        whole = b"".join(pieces).decode("utf-8", "surrogateescape")
        return _cut(pieces, [_in_bytes(whole, span) for span in self._spans(whole)])

    def request(self, method: str, url: str, content_type: str, content: bytes) -> HttpRequest:
        """The request as it is recorded and as it is compared."""
        method, url = method.upper(), self.url(url)
        if not content:
            return HttpRequest(method=method, url=url)
        if _is_json(content_type):
            try:
                return HttpRequest(method=method, url=url, json=self.json(strict_json(content)))
            except (ValueError, RecursionError):
                [content] = self._broken([content])
        [content] = self.pieces([content])
        text = _text(content)
        return (
            HttpRequest(method=method, url=url, base64=content)
            if text is None
            else HttpRequest(method=method, url=url, text=text)
        )

    def response(
        self,
        status: int,
        headers: Iterable[tuple[str, str]],
        after: float,
        pieces: Sequence[tuple[float, bytes]],
        *,
        cut: bool = False,
    ) -> HttpResponse:
        """The response as it is recorded, from its head `after` so many seconds and its decoded pieces, each after so
        many more.

        A body is kept in one, JSON as JSON, if it came in one piece within a second of the head. JSON that came in
        several within that second was cut by the network and is kept as JSON, too, as is any that a rule scrubs: in
        pieces its members cannot be told apart. Everything else, and every event stream, keeps its pieces and timing.
        """
        content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
        kept = self._headers_kept(headers)
        contents = [content for _, content in pieces]
        took = sum(seconds for seconds, _ in pieces)
        if _is_json(content_type):
            try:
                given = strict_json(b"".join(contents))
            except (ValueError, RecursionError):
                contents = self._broken(contents)
            else:
                clean = self.json(given)
                if took <= _DOCUMENT or clean != given:
                    return HttpResponse(status=status, headers=kept, after=_seconds(after + took), json=clean, cut=cut)
        contents = self.pieces(contents)
        if not any(contents) and not took:
            return HttpResponse(status=status, headers=kept, after=_seconds(after), cut=cut)
        if len(contents) == 1 and took <= _DOCUMENT and not _is_events(content_type):
            text = _text(contents[0])
            return HttpResponse(
                status=status,
                headers=kept,
                after=_seconds(after + took),
                text=UNSET if text is None else text,
                base64=contents[0] if text is None else UNSET,
                cut=cut,
            )
        chunks = tuple(_chunk(seconds, content) for (seconds, _), content in zip(pieces, contents, strict=True))
        return HttpResponse(status=status, headers=kept, after=_seconds(after), chunks=chunks, cut=cut)
