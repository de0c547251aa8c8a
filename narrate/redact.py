"""Keeps what was declared secret out of everything that is told or logged.

Pure, and applied at the one place where events enter a run's record, so that no verb and no error can forget it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from pydantic_core import to_jsonable_python

from narrate.errors import Problem
from narrate.events import Event

E = TypeVar("E", bound=Event)

MASK = "•••"


class Redactor:
    """Masks fields by their name, and their values wherever they occur in text, once it has learned them.

    `active` once there is anything to mask; until then nobody need ask it.
    """

    __slots__ = ("_names", "_values", "active")

    def __init__(self) -> None:
        self.active = False
        self._names: set[str] = set()
        self._values: set[str] = set()

    def learn(self, names: frozenset[str], given: Mapping[str, Any]) -> None:
        """Learn what is called by one of these names: a value given under it, or a field at any depth of one."""
        self.active = True
        self._names |= names
        for name, value in given.items():
            data = to_jsonable_python(value, serialize_unknown=True)
            self._values.update(_texts(data) if name in names else _named(data, names))

    def text(self, text: str) -> str:
        """The text with every secret value masked, the longest first."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def event(self, event: E) -> E:
        """The event with every secret masked."""
        return msgspec.convert(self._data(msgspec.to_builtins(event)), type(event))

    def problem(self, problem: Problem) -> Problem:
        """The problem with every secret masked."""
        return msgspec.convert(self._data(msgspec.to_builtins(problem)), Problem)

    def _data(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {key: MASK if key in self._names else self._data(value) for key, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [self._data(item) for item in data]
        return data


def _named(data: Any, names: frozenset[str]) -> Iterator[str]:
    """The texts of all fields with one of these names, at any depth."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value) if key in names else _named(value, names)
    elif isinstance(data, list):
        for item in data:
            yield from _named(item, names)


def _texts(data: Any) -> Iterator[str]:
    """The texts in a secret value. Numbers too, but only long ones: masking every `1` would mask the story."""
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _texts(item)
    elif isinstance(data, str) and data:
        yield data
    elif isinstance(data, (int, float)) and not isinstance(data, bool) and len(str(data)) > 3:
        yield str(data)
