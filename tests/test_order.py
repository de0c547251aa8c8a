"""The reading order by itself: what many lanes tell, in whatever order they tell it, comes out as it is to be read."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrate.order import OrderLane, ReadingOrder

Order = ReadingOrder[str]


def work_of(do: Callable[[], Any]) -> int:
    """How many calls are made meanwhile, those of built-in functions too: a measure of work that no machine changes."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(before)
    return calls


# By example


def test_without_a_group_everything_is_told_as_it_comes():
    order = Order()
    assert order.feed(order.root, "a") == ("a",)
    assert order.feed(order.root, "b") == ("b",)
    assert list(order.close(order.root)) == []
    assert order.ended


def test_the_first_member_is_live_and_the_others_wait():
    order = Order()
    first, second = order.fork(order.root, 2)
    assert order.is_live(first)
    assert not order.is_live(second)
    assert not order.is_live(order.root)
    assert order.feed(second, "second") == ()
    assert order.feed(first, "first") == ("first",)
    assert list(order.close(first)) == ["second"]
    assert order.is_live(second)
    assert order.feed(second, "more") == ("more",)


def test_what_a_lane_tells_behind_a_group_waits_for_all_of_it():
    order = Order()
    first, second = order.fork(order.root, 2)
    assert order.feed(order.root, "behind") == ()
    assert list(order.close(second)) == []
    assert list(order.close(first)) == ["behind"]
    assert order.is_live(order.root)


def test_members_that_ended_long_ago_are_told_in_their_order():
    order = Order()
    lanes = order.fork(order.root, 4)
    for number in (3, 1, 2):
        order.feed(lanes[number], f"of {number}")
        assert list(order.close(lanes[number])) == []
    assert list(order.close(lanes[0])) == ["of 1", "of 2", "of 3"]
    assert order.is_live(order.root)


def test_a_group_in_a_waiting_lane_is_told_where_it_began():
    order = Order()
    first, second = order.fork(order.root, 2)
    order.feed(second, "before")
    inner = order.fork(second, 2)
    order.feed(second, "behind")
    order.feed(inner[1], "inner 1")
    order.feed(inner[0], "inner 0")
    assert list(order.close(first)) == ["before", "inner 0"]
    assert order.is_live(inner[0])
    assert list(order.close(inner[0])) == ["inner 1"]
    assert list(order.close(inner[1])) == ["behind"]
    assert order.is_live(second)


def test_a_lane_that_closes_before_the_group_it_began_keeps_its_place():
    order = Order()
    first, second = order.fork(order.root, 2)
    inner = order.fork(first, 1)
    order.feed(second, "second")
    assert list(order.close(first)) == []
    assert order.feed(inner[0], "inner") == ("inner",)
    assert list(order.close(inner[0])) == ["second"]


def test_a_group_of_none_is_nothing():
    order = Order()
    assert list(order.fork(order.root, 0)) == []
    assert order.feed(order.root, "a") == ("a",)


def test_what_has_a_size_is_counted_while_it_waits():
    order = Order()
    first, second = order.fork(order.root, 2)
    order.feed(first, "live", 100)
    order.feed(second, "by the declaration")
    order.feed(second, "a", 3)
    order.feed(second, "b", 4)
    assert (order.held, order.held_bytes) == (2, 7)
    order.close(first)
    assert (order.held, order.held_bytes) == (0, 0)


def test_what_a_waiting_lane_holds_back_can_be_read_from_its_end():
    order = Order()
    first, second = order.fork(order.root, 2)
    order.feed(second, "a")
    inner = order.fork(second, 2)
    order.feed(second, "d")
    order.feed(inner[1], "c")
    order.feed(inner[0], "b")
    assert list(order.held_back(second)) == ["d", "c", "b", "a"]
    assert list(order.held_back(inner[1])) == ["c"]
    assert list(order.held_back(first)) == []
    assert list(order.close(first)) == ["a", "b"]
    assert list(order.held_back(inner[1])) == ["c"]
    order.close(inner[0])
    order.close(inner[1])
    assert list(order.held_back(second)) == []


def test_what_is_held_back_can_be_read_without_reading_it_all():
    order = Order()
    _, second = order.fork(order.root, 2)
    for number in range(1000):
        order.feed(second, f"{number}")
    assert work_of(lambda: next(order.held_back(second))) < 20


def test_nothing_is_live_after_the_end():
    order = Order()
    order.close(order.root)
    assert order.ended
    assert not order.is_live(order.root)


# By an oracle: the tree of lanes, written out from its root once everything is closed


@dataclass
class Lane:
    """A lane as it is to be read: facts, and groups of lanes where they began."""

    lane: OrderLane[str]
    entries: list[Any] = field(default_factory=list)
    closed: bool = False

    def written(self) -> list[str]:
        out: list[str] = []
        for entry in self.entries:
            out += [entry] if isinstance(entry, str) else [fact for lane in entry for fact in lane.written()]
        return out


class Telling:
    """The machine and its oracle, told the same."""

    def __init__(self) -> None:
        self.order = Order()
        self.root = Lane(self.order.root)
        self.lanes = [self.root]
        self.told: list[str] = []
        self.sizes: dict[str, int] = {}

    def feed(self, lane: Lane, size: int) -> None:
        fact = f"{len(self.sizes)}"
        self.sizes[fact] = size
        lane.entries.append(fact)
        live = self.order.is_live(lane.lane)
        told = self.order.feed(lane.lane, fact, size)
        assert list(told) == ([fact] if live else [])
        self.told += told

    def fork(self, lane: Lane, count: int) -> None:
        members = [Lane(member) for member in self.order.fork(lane.lane, count)]
        lane.entries.append(members)
        self.lanes += members

    def close(self, lane: Lane) -> None:
        lane.closed = True
        self.told += self.order.close(lane.lane)

    def check(self) -> None:
        waiting = [size for fact, size in self.sizes.items() if size and fact not in set(self.told)]
        assert (self.order.held, self.order.held_bytes) == (len(waiting), sum(waiting))
        assert sum(self.order.is_live(lane.lane) for lane in self.lanes) == (not self.order.ended)
        assert self.told == self.root.written()[: len(self.told)]
        told = set(self.told)
        for lane in self.not_being_told():
            left = [fact for fact in lane.written() if fact not in told]
            assert list(self.order.held_back(lane.lane)) == left[::-1]

    def not_being_told(self) -> list[Lane]:
        """The lanes that wait or are done with: all but the live one and those that it is in."""
        being_told: set[OrderLane[str]] = set()
        for lane in self.lanes:
            outer = lane.lane if self.order.is_live(lane.lane) else None
            while outer is not None:
                being_told.add(outer)
                outer = outer.parent
        return [lane for lane in self.lanes if lane.lane not in being_told]


MOVES = st.tuples(st.sampled_from(["feed", "feed", "feed", "fork", "close"]), st.integers(0, 99), st.integers(0, 3))


@settings(max_examples=500, deadline=None)
@given(st.lists(MOVES, max_size=60), st.randoms(use_true_random=False))
def test_whatever_happens_when_the_record_is_the_tree_written_out(moves, chance):
    telling = Telling()
    prefixes: list[list[str]] = []
    for move, which, number in moves:
        open_lanes = [lane for lane in telling.lanes if not lane.closed]
        lane = open_lanes[which % len(open_lanes)]
        if move != "close":
            {"feed": telling.feed, "fork": telling.fork}[move](lane, number)
        elif lane is not telling.root:
            telling.close(lane)
        telling.check()
        prefixes.append(list(telling.told))
    rest = [lane for lane in telling.lanes if not lane.closed]
    chance.shuffle(rest)
    for lane in rest:
        assert not telling.order.ended
        telling.close(lane)
        telling.check()
    final = telling.root.written()
    assert telling.told == final
    assert all(prefix == final[: len(prefix)] for prefix in prefixes)
    assert telling.order.ended
    assert (telling.order.held, telling.order.held_bytes) == (0, 0)


# By counting: an entry is held once and let go once, however many lanes there are


def wide(count: int, backwards: bool) -> None:
    """A group of so many members, who all tell something and end; the first to be read may end last."""
    order = Order()
    lanes = list(order.fork(order.root, count))
    for lane in reversed(lanes) if backwards else lanes:
        order.feed(lane, "a", 1)
        order.close(lane)


def deep(count: int, backwards: bool) -> None:
    """Groups in groups, so many; the first to be read may be the last to end."""
    order = Order()
    lanes = [order.root]
    held, lane = order.fork(order.root, 2)
    for _ in range(count):
        lanes.append(lane)
        order.feed(lane, "a", 1)
        (lane,) = order.fork(lane, 1)
    if not backwards:
        order.close(held)
    for open_lane in reversed([*lanes, lane]):
        order.close(open_lane)
    order.close(held)
    assert order.ended


def long(count: int, backwards: bool) -> None:
    """Group after group in one lane, which may wait."""
    order = Order()
    first, second = order.fork(order.root, 2)
    for _ in range(count):
        order.feed(second if backwards else first, "a", 1)
        for lane in order.fork(second if backwards else first, 3):
            order.close(lane)
    for lane in (first, second, order.root):
        order.close(lane)
    assert order.ended


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("shape", [wide, deep, long])
def test_twice_as_much_is_twice_the_work(shape, backwards):
    small, large = (work_of(lambda c=count: shape(c, backwards)) for count in (1000, 2000))
    assert large < 2.05 * small
