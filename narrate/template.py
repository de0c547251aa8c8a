"""The templates of titles and summaries: `str.format` text whose names are known before anything runs.

Apart from the plan so that the checks (which names, which attributes) and the three ways of filling in stand together.
"""

import dataclasses
import re
import string
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel


class _Formatter(string.Formatter):
    """Fills in as `str.format` does, but writes the items of a list, tuple or set side by side, each in the format.

    With commas alone, which every language reads. What has a class of its own, such as a named tuple, writes itself;
    `!r` asks for Python's own way.
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        if type(value) in (list, tuple):
            return ", ".join(self.format_field(item, format_spec) for item in value)
        if type(value) in (set, frozenset):  # which have no order, and the story must always be the same
            return ", ".join(sorted(self.format_field(item, format_spec) for item in value))
        return str(format(value, format_spec))


_formatter = _Formatter()

_ASIDE = re.compile(r"(?<=…) ?\(…\)")
_MORE_DOTS = re.compile(r"……+|…\.(?= |$)")
"""What stands about places that are not known yet, and says nothing: `… (…)`, `……`, `….`."""

_FIXED = (None, getattr(BaseModel, "__getattr__", None))
"""What a class has for `__getattr__` when its attributes are those it declares."""


class _Anything:
    """Has every attribute and item and takes every format: what still fails with it is malformed."""

    def __getattr__(self, _name: str) -> "_Anything":
        return self

    def __getitem__(self, _key: object) -> "_Anything":
        return self

    def __format__(self, _spec: str) -> str:
        return ""


_ANYTHING = _Anything()


class Template:
    """A text with `{name.attribute}` places. Raises ValueError when it is not one that `str.format` can read.

    `fields` are the places; where there are none, `text` is the finished text.
    """

    __slots__ = ("fields", "text")

    def __init__(self, text: str) -> None:
        self.fields = tuple(_fields(text))
        text.format(*[_ANYTHING] * 9, **{_root(field): _ANYTHING for field in self.fields})
        self.text = text if self.fields else text.format()

    def fill(self, values: Mapping[str, Any]) -> str:
        """The text for these values, with the items of a list as `soup, bread`.

        Raises whatever an attribute, an index or a format raises on them.
        """
        return _formatter.vformat(self.text, (), values) if self.fields else self.text

    def outline(self) -> str:
        """The text before anything is known: each place an ellipsis, and what only sets places apart left out."""
        if not self.fields:
            return self.text
        parts = (f"{text}…" if name is not None else text for text, name, _, _ in _formatter.parse(self.text))
        return _MORE_DOTS.sub("…", _ASIDE.sub("", "".join(parts)))

    def why_not(self, values: Mapping[str, Any]) -> str:
        """Which place cannot be filled in with these values, in words that hold nothing of them.

        Of what a value raises only the class is named, since its text may hold anything.
        """
        for place, name in _places(self.text):
            try:
                _formatter.vformat(place, (), values)
            except Exception as error:  # noqa: BLE001 (whatever the runner was raised)
                return f"`{place}` raises {type(error).__name__}.{_of_a_mapping(name, values)}"
        return "what stands in it changes while it is read."

    def misses(self, types: Mapping[str, Any], earlier: Mapping[str, Any] = MappingProxyType({})) -> str | None:
        """What is wrong with the places, in words, given each name's type; None when nothing is.

        Where a name is missing that is there `earlier`, the words are how to have it.
        """
        for field in self.fields:
            root = _root(field)
            if not root.isidentifier():
                return f"`{{{field}}}` has no name; write the name of what stands there"
            if root not in types and root in earlier:
                return f"`{{{field}}}` uses `{root}`, which it does not have; add a parameter `{root}` to it"
            if root not in types:
                return f"`{{{field}}}` uses `{root}`, which it does not have{hint(root, types)}"
            attribute = field[len(root) :]
            if attribute.startswith("."):
                first = _root(attribute[1:])
                known = _attributes(types[root])
                if known is not None and first not in known:
                    return f"`{{{field}}}`: `{root}` has no `{first}`{hint(first, known)}"
        return None


def hint(word: str, known: Mapping[str, Any] | set[str]) -> str:
    """` (did you mean ...?)` when a known word is near enough, else nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _fields(text: str) -> Iterator[str]:
    """The places, and those in the formats of places, as in `{price:.{digits}f}`."""
    for _, name, spec, _ in _formatter.parse(text):
        if name is not None:
            yield name
            yield from _fields(spec or "")


def _places(text: str) -> Iterator[tuple[str, str]]:
    """Each place as it is written, with its formats, and what stands in it."""
    for _, name, spec, conversion in _formatter.parse(text):
        if name is not None:
            yield f"{{{name}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}}}", name


def _of_a_mapping(field: str, values: Mapping[str, Any]) -> str:
    """How to have from a dict what was written as an attribute; nothing where that is not what is wrong."""
    root, _, rest = field.partition(".")
    first = _root(rest)
    value = values.get(root)
    if not isinstance(value, Mapping) or first not in value:
        return ""
    return f" `{root}` is a {type(value).__name__}: write `{{{root}[{first}]{rest[len(first) :]}}}`."


def _root(field: str) -> str:
    return field.split(".", 1)[0].split("[", 1)[0]


def _attributes(kind: Any) -> set[str] | None:
    """The attributes a value of this type has; None where that cannot be known before there is one."""
    if not isinstance(kind, type) or getattr(kind, "__getattr__", None) not in _FIXED:
        return None
    if dataclasses.is_dataclass(kind):
        return set(dir(kind)) | {field.name for field in dataclasses.fields(kind)}
    if issubclass(kind, BaseModel) and kind.model_config.get("extra") != "allow":
        return set(dir(kind)) | set(kind.model_fields)
    return None
