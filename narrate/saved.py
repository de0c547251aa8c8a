"""A saved run: a story as a file of NDJSON, one event a line.

It is what `Accept: application/x-ndjson` and `narrate run --json` give, kept. Pure: bytes in, a story out, and back; a
file, a pipe or a download is for others to read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from narrate.errors import StoryUnreadable
from narrate.events import Event, Gap, Terminal, Token, from_json, to_json
from narrate.retelling import as_it_happened
from narrate.story import Story

SQLITE = b"SQLite format 3\x00"
"""How a SQLite file begins."""

HOW = "A saved run is one event as JSON a line, as `narrate run --json` and `Accept: application/x-ndjson` give it"


def load_story(data: bytes, name: str) -> Story:
    """The story in a file of this name with these contents; its lines may be in the order of happening or of reading.

    Blank lines, and events of a type that this version does not know, are passed over; so is a last line that was not
    written to its end, as it is where a story was cut. Raises StoryUnreadable for anything else that is no event, for a
    missing number, and for more than one run.
    """
    _refuse_foreign(data, name)
    statuses: list[Event] = []
    numbered: dict[int, _Read] = {}
    for line, n, event in _events_in(data, name):
        if n:
            before = numbered.setdefault(n, _Read(line, event))
            if before.event != event:
                what = f"this is another event {n} than in line {before.line}; a file holds one run"
                raise StoryUnreadable(name, what, line)
        elif event is not None:
            statuses.append(event)
    in_order = dict(sorted(numbered.items()))
    _refuse_holes(in_order, name)
    return Story([*[read.event for read in in_order.values() if read.event is not None], *statuses])


def dump_story(story: Story) -> bytes:
    """A file's contents with all of the story, its status too, in the order in which things happened."""
    return b"".join([to_json(event) + b"\n" for event in as_it_happened(story)])


class _Numbered(msgspec.Struct):
    """What every event of a record has, whatever version of this vocabulary it is of."""

    type: str
    n: int = 0


_numbered = msgspec.json.Decoder(_Numbered)


@dataclass(frozen=True, slots=True)
class _Read:
    """A numbered event as it was read; None for one of a type that is not known."""

    line: int
    event: Event | None


def _refuse_foreign(data: bytes, name: str) -> None:
    """Raise StoryUnreadable for what is no text."""
    if data.startswith(SQLITE):
        raise StoryUnreadable(
            name, f"this is a journal: `narrate show RUN --journal sqlite:///{name}` shows a run in it"
        )
    if not data.strip():
        raise StoryUnreadable(name, f"it is empty. {HOW}")
    if b"\0" in data:
        raise StoryUnreadable(name, f"it is no text in UTF-8. {HOW}")


def _events_in(data: bytes, name: str) -> Iterator[tuple[int, int, Event | None]]:
    """Each event with its line and its number, 0 where it has none."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for at, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield at, _numbered.decode(line).n, from_json(line)
        except msgspec.ValidationError as error:
            raise StoryUnreadable(name, f"this is JSON, but no event: {error}. {HOW}", at) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if at == len(lines) > 1:  # nothing ends it
                return
            what = "a stream of server-sent events" if line.startswith((b"data:", b"id:", b":")) else "no JSON"
            raise StoryUnreadable(name, f"this is {what}. {HOW}", at) from error


def _refuse_holes(numbered: Mapping[int, _Read], name: str) -> None:
    """Raise StoryUnreadable where a number is missing, or there twice; and where there is none at all."""
    following = 1
    for n, read in numbered.items():
        if n < 0:
            raise StoryUnreadable(name, f"an event has the number {n}, which none can have", read.line)
        first = read.event.first if isinstance(read.event, (Token, Gap)) and read.event.first is not None else n
        if first != following:
            missing = f"event {following} is missing" if first > following else f"event {first} is there twice"
            raise StoryUnreadable(name, f"this is event {n}, but {missing}", read.line)
        if isinstance(read.event, Token) and n + 1 - first > max(1, len(read.event.text)):
            raise StoryUnreadable(name, f"this token is of {n + 1 - first} pieces, and has fewer characters", read.line)
        following = n + 1
    ends = [n for n, read in numbered.items() if isinstance(read.event, Terminal)]
    if ends and ends[0] < following - 1:
        behind = next(read.line for n, read in numbered.items() if n > ends[0])
        raise StoryUnreadable(name, f"the run has ended with event {ends[0]}, and this one comes behind it", behind)
    if not numbered:
        raise StoryUnreadable(name, f"there is no event of a run in it. {HOW}")
