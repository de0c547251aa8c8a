"""What was pressed, by the bytes that a terminal sends for it: characters, pastes, and the few keys that are neither.

Pure; `keys` reads the bytes.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from unicodedata import category

_BEGIN, _END = b"\x1b[200~", b"\x1b[201~"
_SEQUENCE = re.compile(rb"\x1b+(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[^\x1b\[O])")
"""ECMA-48, section 5.4, and what stands for a key that is pressed together with Alt."""


class Key(Enum):
    """A key that is no character."""

    ENTER = auto()
    ESCAPE = auto()
    BACKSPACE = auto()
    KILL = auto()
    UP = auto()
    DOWN = auto()


@dataclass(frozen=True, slots=True)
class Pasted:
    """A text that was pasted."""

    text: str


Pressed = str | Key | Pasted
"""What was pressed: a character, or what is none."""

_CODES: Mapping[str, Key] = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x7f": Key.BACKSPACE,
    "\b": Key.BACKSPACE,
    "\x15": Key.KILL,
}
_SEQUENCES: Mapping[bytes, Key] = {b"[A": Key.UP, b"OA": Key.UP, b"[B": Key.DOWN, b"OB": Key.DOWN}


class Decoder:
    """The bytes of a terminal on their way to keys. Pure. What stands for a key that means nothing here is dropped."""

    def __init__(self) -> None:
        self._left = b""
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def is_torn(self) -> bool:
        """Whether it ends with what may go on, or stand for itself."""
        return bool(self._left) and not self._left.startswith(_BEGIN)

    def take(self, data: bytes) -> Sequence[Pressed]:
        """The keys that these bytes, behind those before, stand for."""
        self._left += data
        keys: list[Pressed] = []
        while self._left:
            if self._left.startswith(_BEGIN):
                text, end, behind = self._left[len(_BEGIN) :].partition(_END)
                if not end:
                    break
                keys.append(Pasted(_pasted(text)))
                self._left = behind
            elif self._left.startswith(b"\x1b"):
                found = _SEQUENCE.match(self._left)
                if found is None:
                    break
                key = _SEQUENCES.get(found[0].lstrip(b"\x1b"))
                keys += [key] if key is not None else []
                self._left = self._left[found.end() :]
            else:
                text, escape, behind = self._left.partition(b"\x1b")
                keys += self._typed(text)
                self._left = escape + behind
        return keys

    def rest(self) -> Sequence[Pressed]:
        """The keys that what is left stands for, now that nothing comes behind it."""
        left, self._left = self._left, b""
        return [Key.ESCAPE] if left.strip(b"\x1b") == b"" else []

    def _typed(self, data: bytes) -> Sequence[Pressed]:
        keys = [_CODES.get(character, character) for character in self._characters.decode(data)]
        return [key for key in keys if isinstance(key, Key) or category(key) != "Cc"]


def _pasted(data: bytes) -> str:
    """A pasted text: its line breaks as such, which a terminal sends as Return; none at its end, nor other controls."""
    text = re.sub("\r\n?", "\n", data.decode(errors="replace")).rstrip("\n")
    return "".join(character for character in text if character in "\n\t" or category(character) != "Cc")
