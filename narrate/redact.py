"""Keeps what was declared secret out of everything that is told or logged.

Pure, and applied at the one place where events enter a run's record, so that no verb and no error can forget it.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import msgspec
from pydantic import BaseModel, SecretBytes, SecretStr

from narrate.errors import Problem
from narrate.events import Detail, Event, plain

E = TypeVar("E", bound=Event)

MASK = "•••"

_NOTHING: frozenset[str] = frozenset()

_OURS = frozenset(
    {
        "n",
        "t",
        "run",
        "pipeline",
        "outline",
        "step",
        "state",
        "seconds",
        "size",
        "attempt",
        "of",
        "wait",
        "done",
        "first",
        "item",
        "to",
        "by",
        "within",
    }
)
"""Fields of events that hold no word of anybody's but the declaration's and our own counts: a secret that happens to be
spelt like a step, or to be as large as a detail, is not in them."""


class Redactor:
    """Masks fields by their name, and their values wherever they occur in text, once it has learned them.

    `active` once there is anything to mask; until then nobody need ask it.
    """

    __slots__ = ("_names", "_pattern", "_values", "active")

    def __init__(self) -> None:
        self.active = False
        self._names = _NOTHING
        self._values = _NOTHING
        self._pattern: re.Pattern[str] | None = None

    def learn(self, names: frozenset[str], given: Mapping[str, Any]) -> None:
        """Learn what is called by one of these names: a value given under it, or a field at any depth of one."""
        self.active = True
        self._names |= names
        for name, value in given.items():
            for text in _texts([value] if name in names else _named(value, names)):
                self._values |= frozenset(_spellings(text))
        if self._values:
            longest_first = sorted(self._values, key=lambda value: (-len(value), value))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """The text with every secret value masked, the longest first."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def cut(self, text: str) -> tuple[str, str]:
        """The text masked, in two: what may be told now, and an end that the next piece might make a secret."""
        masked = self.text(text)
        longest = max((_begun(value, masked) for value in self._values), default=0)
        return masked[: len(masked) - longest], masked[len(masked) - longest :]

    def event(self, event: E) -> E:
        """The event with every secret masked."""
        told = {field: getattr(event, field) for field in event.__struct_fields__ if field not in _OURS}
        masked = {field: self._masked(value) for field, value in told.items()}
        changes = {field: value for field, value in masked.items() if value != told[field]}
        if "data" in changes and isinstance(event, Detail):
            changes["size"] = plain(changes["data"])[1]
        return msgspec.structs.replace(event, **changes) if changes else event

    def problem(self, problem: Problem) -> Problem:
        """The problem with every secret masked."""
        errors = tuple(msgspec.structs.replace(error, detail=self.text(error.detail)) for error in problem.errors)
        detail = self.text(problem.detail) if problem.detail is not None else None
        return msgspec.structs.replace(problem, title=self.text(problem.title), detail=detail, errors=errors)

    def _masked(self, told: Any) -> Any:
        if isinstance(told, str):
            return self.text(told)
        if isinstance(told, Problem):
            return self.problem(told)
        if isinstance(told, dict):
            return {self.text(key): MASK if key in self._names else self._masked(v) for key, v in told.items()}
        if isinstance(told, (list, tuple)):
            return type(told)(map(self._masked, told))
        return MASK if _is_number(told) and str(told) in self._values else told


def _begun(value: str, text: str) -> int:
    """How many characters at the end of a text are the beginning of a value, but not all of it."""
    most = min(len(value) - 1, len(text))
    return next((size for size in range(most, 0, -1) if text.endswith(value[:size])), 0)


def _named(value: Any, names: AbstractSet[str]) -> Iterator[Any]:
    """All fields with one of these names, at any depth. An object of no known kind is asked only for these."""
    seen: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (str, bytes)) or id(one) in seen:
            continue
        seen[id(one)] = one
        for name, inner in _fields(one) or ():
            if name not in names:
                waiting.append(inner)
        yield from (found for name in names if (found := _maybe_field(one, name)) is not None)


def _maybe_field(value: Any, name: str) -> Any:
    try:
        found = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    except Exception:  # noqa: BLE001 (a property may do anything; that it cannot be read now is no failure of the step)
        return None
    return None if callable(found) else found


def _fields(value: Any) -> Iterable[tuple[str, Any]] | None:
    """What a value is made of, by name (what is only counted has none); None for what is not made of fields."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, (list, tuple, AbstractSet)):
        return (("", item) for item in value)
    if isinstance(value, BaseModel):
        return value
    if dataclasses.is_dataclass(value):
        return ((field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value))
    if isinstance(value, msgspec.Struct):
        return ((field, getattr(value, field)) for field in value.__struct_fields__)
    return None


def _texts(secrets: Iterable[Any]) -> Iterator[str]:
    """The texts in secret values. Numbers too, but only long ones: masking every `1` would mask the story."""
    seen: dict[int, Any] = {}
    waiting = list(secrets)
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if isinstance(one, (SecretStr, SecretBytes)):
            waiting.append(one.get_secret_value())
        elif isinstance(one, Enum):
            waiting.append(one.value)
        elif isinstance(one, bytes):
            yield from (one.decode("utf-8", "replace"), repr(one)[2:-1])
        elif (fields := _fields(one)) is not None:
            waiting += [value for _, value in fields]
        elif one is not None and not isinstance(one, bool) and (text := str(one)).strip():
            yield from (text,) if len(text) > 3 or not _is_number(one) else ()


def _spellings(text: str) -> Iterator[str]:
    """A text as it is, and as it stands in a URL, in JSON and in a traceback."""
    yield text
    if not text.isalnum() or not text.isascii():
        yield from (repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        yield from (quote(text, safe=safe, errors="replace") for safe in ("", "/"))
        yield quote_plus(text, errors="replace")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
