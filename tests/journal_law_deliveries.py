"""What every journal promises of deliveries: they wait for the end, are due with it, and are handed out once."""

import pytest
import trio

from narrate.delivery import Delivery
from narrate.errors import KeyTaken, RecordGone
from narrate.events import RunId
from narrate.journal.base import MOST_DUE
from tests.journal_kinds import AGE
from tests.journal_law import END, RUN, begun, everything, said, told_whole


def delivery(name: str, run: str = "r") -> Delivery:
    return Delivery(id=name, run=RunId(run), url=f"https://example.org/{name}")


def ids(deliveries) -> list[str]:
    return [one.id for one in deliveries]


async def test_a_delivery_waits_for_the_end_of_its_run(journal):
    writer = await journal.open_record(begun(), [delivery("d")])
    writer.append([said("a")])
    await writer.settle()

    assert await journal.maybe_delivery("d") == delivery("d")
    assert list(await journal.due(1e12, 2e12)) == []


async def test_whoever_is_told_the_end_finds_the_deliveries_due(forgetful, clock):
    writer = await forgetful.open_record(begun(), [delivery("d"), delivery("e")])
    await forgetful.open_record(begun("other"), [delivery("f", "other")])
    writer.append([END])
    await everything(writer.reader())

    kept = await forgetful.maybe_delivery("d")

    assert (kept.state, kept.due) == ("due", clock.seconds)
    assert sorted(ids(await forgetful.due(clock.seconds, clock.seconds + 30))) == ["d", "e"]
    assert ids(await forgetful.deliveries(state="waiting")) == ["f"]


async def test_what_is_due_is_given_once_until_the_time_that_was_said(forgetful, clock):
    await told_whole(forgetful, "r")
    await forgetful.put(Delivery(id="d", run=RUN, url="https://example.org", state="due", due=clock.seconds))
    now = clock.seconds

    given = [ids(await forgetful.due(at, at + 30)) for at in (now - 1, now, now + 1, now + 29, now + 30, now + 31)]

    assert given == [[], ["d"], [], [], ["d"], []]


async def test_many_who_ask_at_once_are_given_different_deliveries(journal):
    names = [f"d{n}" for n in range(30)]
    await journal.open_record(begun())
    for name in names:
        await journal.put(Delivery(id=name, run=RUN, url="https://example.org", state="due", due=1.0))
    given: list[str] = []

    async def ask() -> None:
        given.extend(ids(await journal.due(2.0, 100.0)))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)

    assert sorted(given) == sorted(names)


async def test_a_delivery_that_is_put_back_is_due_when_it_says(journal):
    await journal.open_record(begun())
    tried = Delivery(id="d", run=RUN, url="https://example.org", state="due", due=1.0)
    await journal.put(tried)
    await journal.due(1.0, 100.0)

    later = Delivery(id="d", run=RUN, url="https://example.org", state="due", due=5.0, attempts=1, last="Busy.")
    await journal.put(later)

    assert list(await journal.due(4.0, 100.0)) == []
    assert list(await journal.due(5.0, 100.0)) == [later]


@pytest.mark.parametrize("state", ["delivered", "dead"])
async def test_a_delivery_that_is_done_with_is_kept_and_never_due(journal, state):
    await journal.open_record(begun())
    done = Delivery(id="d", run=RUN, url="https://example.org/é", state=state, attempts=3, last="It answered 204.")

    await journal.put(done)

    assert await journal.maybe_delivery("d") == done
    assert list(await journal.due(1e12, 2e12)) == []


async def test_deliveries_are_listed_newest_first_by_run_and_by_state(journal):
    await journal.open_record(begun("r"), [delivery("a"), delivery("b")])
    await journal.open_record(begun("s"), [delivery("c", "s")])
    await journal.put(Delivery(id="b", run=RUN, url="https://example.org", state="dead"))

    assert ids(await journal.deliveries()) == ["c", "b", "a"]
    assert ids(await journal.deliveries(run=RUN)) == ["b", "a"]
    assert ids(await journal.deliveries(state="waiting")) == ["c", "a"]
    assert ids(await journal.deliveries(run=RUN, state="dead")) == ["b"]
    assert await journal.maybe_delivery("unknown") is None


async def test_those_that_are_due_longest_are_given_first_and_not_all_at_once(journal):
    names = [f"d{n:03}" for n in range(MOST_DUE + 5)]
    for name in reversed(names):
        await journal.put(Delivery(id=name, run=RUN, url="https://example.org", state="due", due=float(name[1:])))

    given = [ids(await journal.due(1e6, 2e6)) for _ in range(3)]

    assert given == [names[:MOST_DUE], names[MOST_DUE:], []]


async def test_of_a_run_whose_key_was_taken_no_delivery_is_kept(journal):
    await journal.open_record(begun("first", key="k"))

    with pytest.raises(KeyTaken):
        await journal.open_record(begun("second", key="k"), [delivery("d", "second")])

    assert await journal.maybe_delivery("d") is None


async def test_a_run_does_not_expire_before_its_deliveries_are_done_with(forgetful, clock):
    writer = await forgetful.open_record(begun(), [delivery("d")])
    writer.append([said("a"), END])
    await writer.settle()
    del writer

    clock.go_on(3 * AGE)
    kept = [event.type for event in (await forgetful.maybe_reader(RUN)).take_nowait()]
    await forgetful.put(Delivery(id="d", run=RUN, url="https://example.org", state="delivered"))
    clock.go_on(AGE)

    assert kept == ["gap", "run.finished"]
    with pytest.raises(RecordGone):
        await forgetful.maybe_reader(RUN)
    assert await forgetful.maybe_delivery("d") is None
