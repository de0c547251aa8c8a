"""The reading order: what many lanes tell at once, put into the one order that the declaration fixes.

Pure, with no clock and no I/O, so that the first law can be read and tested in one file. A group's members are lanes.
One lane is *live*: what it tells goes straight on. Every other lane holds back what it tells until its turn comes:
members one after another, and after the last the lane that the group began in. The rule is recursive, since a member
may begin a group of its own; a group begun in a waiting lane is an entry of that lane like any other.

    feed(lane, fact)   a lane tells something
    fork(lane, count)  a group of so many members begins in a lane; what the lane tells from now on comes after them
    close(lane)        a lane has no more to tell

Each is O(1), or amortised so: an entry is held once and let go once.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

F = TypeVar("F")


class OrderLane(Generic[F]):
    """One sequence of facts. Made by `ReadingOrder` only; to everybody else it is a handle."""

    __slots__ = ("closed", "entries", "index", "parent", "siblings")

    def __init__(self, parent: "OrderLane[F] | None", index: int) -> None:
        self.parent = parent
        self.index = index
        self.siblings: Sequence[OrderLane[F]] = (self,)
        self.entries: deque[tuple[F, int] | Sequence[OrderLane[F]]] | None = None
        self.closed = False


class ReadingOrder(Generic[F]):
    """Facts in, in the order they happen; facts out, in the order they are to be read.

    `held` facts of `held_bytes` wait for their turn; only facts fed with a size count, so a caller can leave out what
    the declaration bounds by itself. `ended` once the root lane is closed and all is out.
    """

    __slots__ = ("_live", "ended", "held", "held_bytes", "root")

    def __init__(self) -> None:
        self.root: OrderLane[F] = OrderLane(None, 0)
        self._live = self.root
        self.held = 0
        self.held_bytes = 0
        self.ended = False

    def is_live(self, lane: OrderLane[F]) -> bool:
        """Whether what this lane tells now goes straight on."""
        return lane is self._live and not self.ended

    def feed(self, lane: OrderLane[F], fact: F, size: int = 0) -> Sequence[F]:
        """Tell one fact in a lane; gives back what is to be read now (that fact, or nothing yet)."""
        if lane is self._live:
            return (fact,)
        self._entries(lane).append((fact, size))
        if size:
            self.held += 1
            self.held_bytes += size
        return ()

    def fork(self, lane: OrderLane[F], count: int) -> Sequence[OrderLane[F]]:
        """Begin a group in a lane; gives back its members' lanes, in reading order. A group of none is nothing."""
        members: list[OrderLane[F]] = [OrderLane(lane, index) for index in range(count)]
        if not members:
            return members
        for member in members:
            member.siblings = members
        if lane is self._live:
            self._live = members[0]
        else:
            self._entries(lane).append(members)
        return members

    def close(self, lane: OrderLane[F]) -> Sequence[F]:
        """End a lane; gives back what is to be read now: all that was held back for this end."""
        lane.closed = True
        return self._advance() if lane is self._live else ()

    def held_back(self, lane: OrderLane[F]) -> Iterator[F]:
        """What a lane that waits holds back, with the groups that it began, the last to be read first."""
        for entry in reversed(lane.entries or ()):
            if isinstance(entry, tuple):
                yield entry[0]
            else:
                for member in reversed(entry):
                    yield from self.held_back(member)

    def _advance(self) -> list[F]:
        """Move on from closed lanes, letting go what the lanes reached held back, up to one that is still open."""
        out: list[F] = []
        lane = self._live
        while lane.closed:
            following = lane.index + 1
            if following < len(lane.siblings):
                lane = lane.siblings[following]
            elif lane.parent is not None:
                lane = lane.parent
            else:
                self.ended = True
                break
            lane = self._release(lane, out)
        self._live = lane
        return out

    def _release(self, lane: OrderLane[F], out: list[F]) -> OrderLane[F]:
        """Let go what a lane held back, down into the groups that it began; gives back the lane that is live then."""
        while lane.entries:
            entry = lane.entries.popleft()
            if isinstance(entry, tuple):
                fact, size = entry
                out.append(fact)
                if size:
                    self.held -= 1
                    self.held_bytes -= size
            else:
                lane = entry[0]
        return lane

    def _entries(self, lane: OrderLane[F]) -> "deque[tuple[F, int] | Sequence[OrderLane[F]]]":
        # Most lanes of a large group never hold anything back, and ten thousand empty deques are six megabytes.
        if lane.entries is None:
            lane.entries = deque()
        return lane.entries
