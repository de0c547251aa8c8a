"""Which recorded exchange answers a request, and what to say when none does.

Apart from the transport because the choice is synchronous and has no I/O: it is made the moment a request is begun, so
that concurrent requests are answered in the order in which they were made.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

from msgspec import UNSET

from narrate.cassette import Exchange, HttpRequest, comparable
from narrate.errors import ReplayMiss

SCOPES = 4096
_LONG = 60
_BEFORE = 20
_MANY = 10
_NOTHING = "nothing"


class Answers:
    """The exchanges of a cassette as answers: the nth of the same request gets the nth that is recorded for it.

    Each scope hears the whole story from its beginning. The `scopes` used last are remembered, so that a server that
    lives long does not grow; one forgotten begins anew. (Not weak references: a run's id, a scope at its simplest, is a
    text, which cannot be referred to weakly.)
    """

    def __init__(self, exchanges: Iterable[Exchange], *, scopes: int = SCOPES) -> None:
        self._exchanges = tuple(exchanges)
        self._scopes = scopes
        self._by_key: dict[Hashable, list[Exchange]] = {}
        self._heard: OrderedDict[Hashable, Counter[Hashable]] = OrderedDict()
        for exchange in self._exchanges:
            self._by_key.setdefault(exchange.request.key, []).append(exchange)

    def next(self, request: HttpRequest, scope: Hashable) -> Exchange:
        """The next exchange that answers this request in this scope. The request must have been scrubbed.

        Raises ReplayMiss where none is recorded, with the nearest, and where all have been heard.
        """
        key = request.key
        recorded = self._by_key.get(key)
        if recorded is None:
            raise _miss(self._exchanges, request)
        heard = self._heard_in(scope)
        if heard[key] == len(recorded):
            raise _used_up(request, len(recorded))
        heard[key] += 1
        return recorded[heard[key] - 1]

    def _heard_in(self, scope: Hashable) -> Counter[Hashable]:
        heard = self._heard.setdefault(scope, Counter())
        self._heard.move_to_end(scope)
        if len(self._heard) > self._scopes:
            self._heard.popitem(last=False)
        return heard


def differences(asked: HttpRequest, recorded: HttpRequest) -> tuple[str, ...]:
    """In what the two differ, in words, a line each: for `body messages[1].content` and the like what stands there."""
    a, r = asked.key, recorded.key
    found = [
        f"{part}: asked {one}, recorded {other}"
        for part, one, other in (("method", a.method, r.method), ("host", a.origin, r.origin), ("path", a.path, r.path))
        if one != other
    ]
    found += _query_differences(asked, recorded)
    if a.body != r.body:
        found += _body_differences(asked, recorded)
    more = len(found) - _MANY
    return (*found[:_MANY], f"and {more} more") if more > 0 else tuple(found)


def _miss(exchanges: Iterable[Exchange], request: HttpRequest) -> ReplayMiss:
    nearest = max((exchange.request for exchange in exchanges), key=lambda r: _likeness(request, r), default=None)
    if nearest is None:
        return ReplayMiss(str(request), None, ())
    return ReplayMiss(str(request), str(nearest), differences(request, nearest))


def _used_up(request: HttpRequest, times: int) -> ReplayMiss:
    what = f"recorded {times} time{'s' * (times > 1)}, asked a {_ordinal(times + 1)}"
    return ReplayMiss(f"{request} ({what})", None, (what,))


def _likeness(asked: HttpRequest, recorded: HttpRequest) -> tuple[float, ...]:
    """How like each other they are, the weightiest part first; for each part 0 to 1."""
    a, r = asked.key, recorded.key
    steps, others = a.path.split("/"), r.path.split("/")
    return (
        float(a.origin == r.origin),
        _alike(steps, others) / max(len(steps), len(others)),
        float(a.method == r.method),
        _share(a.query, r.query),
        1.0 if a.body == r.body else _share(_leaves(asked), _leaves(recorded)),
    )


def _alike(some: Sequence[str], others: Sequence[str]) -> int:
    """How many of their first items are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False)))


def _share(some: Iterable[Hashable], others: Iterable[Hashable]) -> float:
    one, other = Counter(some), Counter(others)
    either = (one | other).total()
    return (one & other).total() / either if either else 1.0


def _leaves(request: HttpRequest) -> list[tuple[str, str]]:
    return [(where, json.dumps(value)) for where, value in _flat(_document(request), "")]


def _flat(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    match value:
        case dict() if value:
            for name, each in value.items():
                yield from _flat(each, f"{where}.{name}" if where else name)
        case list() if value:
            for n, each in enumerate(value):
                yield from _flat(each, f"{where}[{n}]")
        case _:
            yield where, value


def _document(request: HttpRequest) -> Any:
    """The body as one JSON value: what was JSON as it is, all else as a text of its bytes."""
    if request.json is not UNSET:
        return comparable(request.json)
    return request.content.decode("utf-8", "backslashreplace")


def _query_differences(asked: HttpRequest, recorded: HttpRequest) -> Iterator[str]:
    one, other = Counter(asked.pairs), Counter(recorded.pairs)
    here, there = sorted((one - other).elements()), sorted((other - one).elements())
    for name in dict.fromkeys(name for name, _ in (*here, *there)):
        mine = ", ".join(_short(value or "''") for each, value in here if each == name)
        theirs = ", ".join(_short(value or "''") for each, value in there if each == name)
        yield f"query {name}: asked {mine or _NOTHING}, recorded {theirs or _NOTHING}"


def _body_differences(asked: HttpRequest, recorded: HttpRequest) -> Iterator[str]:
    if _form(asked) != _form(recorded):
        yield f"body: asked {_form(asked)}, recorded {_form(recorded)}"
        return
    here, there = dict(_flat(_document(asked), "")), dict(_flat(_document(recorded), ""))
    for where in dict.fromkeys((*here, *there)):
        mine, theirs = here.get(where, UNSET), there.get(where, UNSET)
        if UNSET in (mine, theirs) or json.dumps(mine) != json.dumps(theirs):  # for Python 1 is True
            one, other = _both(mine, theirs)
            yield f"{f'body {where}'.strip()}: asked {one}, recorded {other}"


def _form(request: HttpRequest) -> str:
    if request.json is not UNSET:
        return "JSON"
    return "text" if request.content else _NOTHING


def _both(one: Any, other: Any) -> tuple[str, str]:
    """Both values in few words; of two long texts the place where they part, since they begin alike more often."""
    if isinstance(one, str) and isinstance(other, str):
        long = max(len(one), len(other)) > _LONG
        start = max(0, _alike(one, other) - _BEFORE) if long else 0
        return _quoted(one, start), _quoted(other, start)
    return _word(one), _word(other)


def _word(value: Any) -> str:
    if value is UNSET:
        return _NOTHING
    return _quoted(value, 0) if isinstance(value, str) else _short(json.dumps(value))


def _quoted(text: str, start: int) -> str:
    return ("…" if start else "") + repr(text[start : start + _LONG]) + ("…" if len(text) > start + _LONG else "")


def _short(text: str) -> str:
    return text if len(text) <= _LONG else text[:_LONG] + "…"


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
