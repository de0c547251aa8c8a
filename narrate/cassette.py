"""What was asked of the services a pipeline calls and what they answered, kept as a file that people read and edit.

Apart from the transport so that a recording is a value: it is loaded, merged, overlaid, compared and written in a test
without a network or a clock. One file is usually one upstream; a folder of them is a world. The format is JSON:

    {"narrate_cassette": 1, "origin": "recorded", "about": "one sentence", "at": "2026-10-13T09:12:00+00:00",
     "exchanges": [{"request": {"method": "GET", "url": "https://…"}, "response": {"status": 200, "json": {…}}}]}

`origin` says honestly whether it was recorded from the real service or composed by hand. `at` is the day a replay
lives on. Every wait is called `after`, in seconds.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, unquote_plus, urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from narrate.errors import CassetteError
from narrate.scrub import SCRUBBED

VERSION = 1
ErrorKind = Literal[
    "ConnectError", "ConnectTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError", "WriteError", "WriteTimeout"
]
"""The ways in which the far side or the way there can fail, by the names that httpx gives them."""

Cut = bool | Literal["ReadError", "ReadTimeout"]
"""Whether a body broke off, and in which httpx error if not in RemoteProtocolError."""

_PORTS = {"http": 80, "https": 443}
_UTC = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|\+00:00)", re.ASCII
)


class RequestKey(NamedTuple):
    """What two requests must share for one recording to answer both."""

    method: str
    origin: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str | bytes


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was asked. Headers are not kept: they hold the keys, and an answer never hangs on the rest of them."""

    method: str
    url: str
    json: Any = UNSET
    text: str | UnsetType = UNSET
    base64: bytes | UnsetType = UNSET

    def __post_init__(self) -> None:
        _at_most_one_body(self.json, self.text, self.base64)
        parts = urlsplit(self.url)  # which raises ValueError by itself, as does an impossible port
        if not parts.hostname or parts.port == 0:
            raise ValueError(f"the url {self.url!r} has no host")

    def __str__(self) -> str:
        return f"{self.method} {self.url}"

    @property
    def content(self) -> bytes:
        """The body as bytes; a JSON body in its compact form."""
        return _content(self.json, self.text, self.base64)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query's pairs, decoded and sorted, without the scrubbed ones."""
        return sorted(_pairs(urlsplit(self.url).query))

    @property
    def key(self) -> RequestKey:
        """Equal for requests that one recording answers: the query in any order, JSON as values, secrets left out."""
        parts = urlsplit(self.url)
        port = parts.port or _PORTS.get(parts.scheme)
        return RequestKey(
            method=self.method.upper(),
            origin=f"{parts.scheme}://{parts.hostname}:{port}",
            path=unquote(parts.path) or "/",
            query=tuple(self.pairs),
            body=self.content if self.json is UNSET else json.dumps(comparable(self.json), sort_keys=True),
        )


class Chunk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A piece of a body that came `after` so many seconds of silence.

    An empty piece is a silence and nothing more; a connection that broke some time after the last byte is told so.
    """

    after: float = 0.0
    text: str | UnsetType = UNSET
    base64: bytes | UnsetType = UNSET

    def __post_init__(self) -> None:
        _at_most_one_body(UNSET, self.text, self.base64)
        _not_negative(self.after)

    @property
    def content(self) -> bytes:
        return _content(UNSET, self.text, self.base64)


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was answered: `after` is the seconds until the head; for a body kept in one, until that was there, too.

    Bodies are kept decoded, without a content-encoding. `cut` says that nothing is known beyond the last byte: the
    connection broke there, or whoever recorded it stopped reading.
    """

    status: int
    headers: dict[str, str | tuple[str, ...]] = {}
    after: float = 0.0
    json: Any = UNSET
    text: str | UnsetType = UNSET
    base64: bytes | UnsetType = UNSET
    chunks: tuple[Chunk, ...] | UnsetType = UNSET
    cut: Cut = False

    def __post_init__(self) -> None:
        _at_most_one_body(self.json, self.text, self.base64, self.chunks)
        _not_negative(self.after)
        if not 200 <= self.status <= 599:  # httpx shows no caller a 1xx
            raise ValueError(f"{self.status} is no final HTTP status")

    @property
    def pieces(self) -> tuple[Chunk, ...]:
        """The body as it arrives; in one piece, at once, unless chunks were kept."""
        if self.chunks is not UNSET:
            return self.chunks
        content = _content(self.json, self.text, self.base64)
        return (Chunk(base64=content),) if content else ()


class HttpFailure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """There was no answer: an httpx transport error of this kind, `after` so many seconds."""

    kind: ErrorKind
    after: float = 0.0

    def __post_init__(self) -> None:
        _not_negative(self.after)


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One request and what came of it: a response or an error."""

    request: HttpRequest
    response: HttpResponse | UnsetType = UNSET
    error: HttpFailure | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.response is UNSET) == (self.error is UNSET):
            raise ValueError("an exchange has either a response or an error")

    @property
    def outcome(self) -> HttpResponse | HttpFailure:
        """What came of it, as one value to match on."""
        if self.response is not UNSET:
            return self.response
        assert self.error is not UNSET
        return self.error


class Cassette(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="narrate_cassette",
    tag=VERSION,
):
    """Exchanges in the order in which they were begun.

    `at`, when they were recorded or are set, is a time in UTC such as 2026-10-13T09:12:00+00:00; anything else raises
    ValueError. In UTC only, because the latest of several is then the greatest text and needs no calendar here.
    """

    origin: Literal["recorded", "composed"]
    about: str
    at: str
    exchanges: tuple[Exchange, ...]

    def __post_init__(self) -> None:
        if not _UTC.fullmatch(self.at):
            raise ValueError(f"at is {self.at!r}, not a time in UTC such as 2026-10-13T09:12:00+00:00")

    def overlaid(self, other: "Cassette") -> "Cassette":
        """This world with `other` lying over it.

        A request that both answer is answered by `other` alone, with all its repeats: a failure laid over a happy
        world. The time stays this world's; the sentences are joined; it is recorded only if both are.
        """
        covered = {exchange.request.key for exchange in other.exchanges}
        kept = tuple(exchange for exchange in self.exchanges if exchange.request.key not in covered)
        return Cassette(
            origin=_origin((self, other)), about=_about((self, other)), at=self.at, exchanges=kept + other.exchanges
        )


def load(text: str, path: str) -> Cassette:
    """The cassette in the text of a file. `path` names it in errors only.

    Raises CassetteError for what is not JSON, for another version, and for a part that is missing, of a wrong type or
    not of this format, saying in which exchange. Unknown fields are errors, since a slip in a fixture made by hand
    (`afer`) would otherwise be a fixture that says something else.
    """
    try:
        data = strict_json(text)
    except (ValueError, RecursionError) as error:
        raise CassetteError(path, f"is not JSON: {error}") from error
    if not isinstance(data, dict) or "narrate_cassette" not in data:
        raise CassetteError(path, "is no cassette: narrate_cassette is missing")
    if data["narrate_cassette"] != VERSION:
        version = json.dumps(data["narrate_cassette"])
        raise CassetteError(path, f"is of version {version}, and this narrate reads version {VERSION}")
    if not isinstance(data.get("exchanges"), list):
        raise CassetteError(path, "exchanges is missing, or is not a list")
    try:
        head = msgspec.convert({**data, "exchanges": ()}, Cassette)
    except msgspec.ValidationError as error:
        raise CassetteError(path, str(error)) from error
    exchanges = tuple(_exchange(each, n, path) for n, each in enumerate(data["exchanges"], start=1))
    return msgspec.structs.replace(head, exchanges=exchanges)


def dump(cassette: Cassette) -> str:
    """The cassette as the text of a file, ending with a newline; `load` gives an equal one back."""
    return json.dumps(msgspec.to_builtins(cassette), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load_world(path: Path) -> Cassette:
    """The cassette in a file, or all those in a folder (its *.json, in the order of their names) as one.

    Where files differ in `at`, the latest counts: on any earlier day one of them would tell of the future. The
    sentences are joined; the whole is recorded only if every file is. Raises CassetteError.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise CassetteError(str(path), "is a folder without a *.json file")
    loaded = [load(_text(file), str(file)) for file in files]
    return Cassette(
        origin=_origin(loaded),
        about=_about(loaded),
        at=max((cassette.at for cassette in loaded), key=lambda at: at.replace("Z", "+00:00")),
        exchanges=tuple(exchange for cassette in loaded for exchange in cassette.exchanges),
    )


def strict_json(text: str | bytes) -> Any:
    """The JSON value in a text, if writing it again gives an equal document.

    Raises ValueError if not: for what is not JSON, NaN, infinities, a lone surrogate, a name that stands twice in one
    object.
    """
    value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    compact_json(value)
    return value


def compact_json(value: Any) -> bytes:
    """The value as JSON without blanks. Raises ValueError for what JSON or UTF-8 cannot say."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def comparable(value: Any) -> Any:
    """The JSON value without what was scrubbed from it, and with 1.0 as the 1 that it equals (and that True is not)."""
    match value:
        case dict():
            return {name: comparable(each) for name, each in value.items() if each != SCRUBBED}
        case list() | tuple():
            return [comparable(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _pairs(query: str) -> Iterable[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if (decoded := unquote_plus(value)) != SCRUBBED:
            yield unquote_plus(name), decoded


def _content(document: Any, text: str | UnsetType, base64: bytes | UnsetType) -> bytes:
    if document is not UNSET:
        return compact_json(document)
    if isinstance(text, str):
        return text.encode()
    return base64 if isinstance(base64, bytes) else b""


def _at_most_one_body(*forms: object) -> None:
    if sum(form is not UNSET for form in forms) > 1:
        raise ValueError("a body has one form: json, text, base64 or chunks")


def _not_negative(after: float) -> None:
    if not after >= 0:
        raise ValueError(f"after is {after:g} seconds, and nothing happens before it was asked for")


def _exchange(data: object, n: int, path: str) -> Exchange:
    try:
        return msgspec.convert(data, Exchange)
    except msgspec.ValidationError as error:
        raise CassetteError(path, f"exchange {n}: {error}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CassetteError(str(file), f"cannot be read: {error}") from error


def _origin(cassettes: Iterable[Cassette]) -> Literal["recorded", "composed"]:
    return "recorded" if all(cassette.origin == "recorded" for cassette in cassettes) else "composed"


def _about(cassettes: Iterable[Cassette]) -> str:
    return " ".join(dict.fromkeys(cassette.about for cassette in cassettes))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    together = dict(pairs)
    if len(together) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)!r} stands twice in one object")
    return together


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
