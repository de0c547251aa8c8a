"""What a program says, as lines for people: cut in the middle where it is long. Pure: bytes in, lines out."""

import codecs
import re
from collections import deque
from collections.abc import Iterator

FIRST = 12
LAST = 8
"""Lines told of a long output: so many as they come, and so many at the end."""

LINE = 200
"""Characters told of a line."""

WHOLE = 100_000
"""Characters kept of its beginning, and as many of its end, for who wants to read it all."""

PIECE = 8_000
"""A line that is longer than so many characters is taken for several."""

_UNSEEN = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
"""Colours and moves of a terminal, and what else no page can show."""


class Lines:
    """Bytes as they come, made into lines without ends. What a `\\r` has written over is left out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes | bytearray, *, final: bool = False) -> Iterator[str]:
        """The lines that are whole by now; at the end, the last one too."""
        *whole, self._rest = (self._rest + self._decoder.decode(data, final)).split("\n")
        if len(self._rest) > PIECE or (final and self._rest):
            whole.append(self._rest)
            self._rest = ""
        for line in whole:
            yield _UNSEEN.sub("", line.rstrip("\r").rpartition("\r")[2]).rstrip()


class Output:
    """What of a program's lines is told when, and all of them (of very many, the beginning and the end)."""

    def __init__(self) -> None:
        self.count = 0
        self._last: deque[str] = deque(maxlen=LAST)
        self._whole = ""
        self._end: deque[str] = deque()
        self._end_size = 0
        self._lost = 0

    def hear(self, line: str) -> str | None:
        """The line as it is to be told now; None when it is blank, or the end decides whether it is told at all."""
        self._keep(line + "\n")
        if not line:
            return None
        self.count += 1
        short = line if len(line) <= LINE else line[: LINE - 1] + "…"
        if self.count <= FIRST:
            return short
        self._last.append(short)
        return None

    def end(self) -> Iterator[str]:
        """What is still to be told: how much was left out, and the last lines."""
        left_out = self.count - FIRST - len(self._last)
        if left_out > 0:
            yield f"[{left_out} more {'line' if left_out == 1 else 'lines'}]"
        yield from self._last

    @property
    def is_cut(self) -> bool:
        """Whether there is more to read than was told."""
        return self.count > FIRST + LAST

    @property
    def whole(self) -> str:
        """All of it."""
        hole = f"\n[{self._lost} characters are not kept]\n\n" if self._lost else ""
        return self._whole + hole + "".join(self._end)

    def _keep(self, line: str) -> None:
        if not self._end and len(self._whole) + len(line) <= WHOLE:
            self._whole += line
            return
        self._end.append(line)
        self._end_size += len(line)
        while self._end_size > WHOLE:
            dropped = len(self._end.popleft())
            self._end_size -= dropped
            self._lost += dropped
