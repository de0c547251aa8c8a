"""What every journal promises of what goes with a record: its key, its owner's list, and how long all that is kept.

`forgetful` is a journal that keeps ended runs for `AGE` seconds, and no more than about two `LONG` ones.
"""

import msgspec
import pytest
import trio

from narrate.declare import Caller
from narrate.errors import KeyTaken, RecordGone
from narrate.events import RunId
from narrate.journal.base import Begun, Journal
from tests.journal_kinds import AGE, LONG
from tests.journal_law import END, RUN, begun, read, said, told, told_whole


async def is_gone(journal: Journal, run: str) -> bool:
    try:
        return await journal.maybe_reader(RunId(run)) is None
    except RecordGone:
        return True


# --- What is known of a run ---


async def test_all_that_was_known_at_a_runs_beginning_can_be_asked_for(journal):
    known = Begun(
        run=RUN,
        pipeline="p",
        began=1_700_000_000.25,
        owner="Zoë",
        key="k",
        asked="b6589fc6",
        plan="0123",
        given=b'{"q":"caf\xc3\xa9"}',
        caller=Caller(ip="::1", locale="pt-BR", headers={"x-tenant": "t"}),
    )

    await journal.open_record(known)

    assert await journal.maybe_begun(RUN) == known


async def test_nothing_is_known_of_a_run_that_never_began(journal):
    assert await journal.maybe_begun(RUN) is None


# --- Keys ---


async def test_a_key_that_is_taken_gives_the_run_that_has_it_and_what_was_asked(journal):
    await journal.open_record(begun("first", key="k", asked="this"))

    with pytest.raises(KeyTaken) as caught:
        await journal.open_record(begun("second", key="k", asked="that"))

    assert (caught.value.run, caught.value.asked) == ("first", "this")


async def test_of_a_run_whose_key_was_taken_nothing_is_kept(journal):
    await journal.open_record(begun("first", key="k", owner="me"))

    with pytest.raises(KeyTaken):
        await journal.open_record(begun("second", key="k", owner="me"))

    assert await journal.maybe_begun(RunId("second")) is None
    assert [run.run for run, _ in await journal.listed("me")] == ["first"]


async def test_the_run_that_has_a_key_can_be_asked_for(journal):
    await journal.open_record(Begun(run=RUN, pipeline="p", owner="ann", key="k", asked="tea"))

    found = [
        await journal.maybe_keyed(*asked) for asked in [("ann", "p", "k"), (None, "p", "k"), ("ann", "p", "other")]
    ]

    assert found == [(RUN, "tea"), None, None]


async def test_a_key_stays_taken_when_its_run_has_ended(journal):
    await told_whole(journal, "first", key="k")

    with pytest.raises(KeyTaken):
        await journal.open_record(begun("second", key="k"))


@pytest.mark.parametrize(
    "other",
    [{"key": "l"}, {"key": "k", "pipeline": "q"}, {"key": "k", "owner": "o"}, {"key": "k", "owner": ""}, {}],
    ids=["key", "pipeline", "owner", "owner without a name", "no key"],
)
async def test_a_key_is_of_one_owner_and_one_pipeline(journal, other):
    await journal.open_record(begun("first", key="k"))

    await journal.open_record(begun("second", **other))

    assert await journal.maybe_begun(RunId("second")) == begun("second", **other)


async def test_runs_without_a_key_have_nothing_to_share(journal):
    for run in ("first", "second"):
        await journal.open_record(begun(run))

    assert await journal.maybe_begun(RunId("second")) is not None


async def test_of_many_that_begin_with_one_key_at_once_exactly_one_does(journal):
    given: list[tuple[str, str]] = []

    async def begin(run: str, asked: str) -> None:
        try:
            await journal.open_record(begun(run, key="k", asked=asked))
        except KeyTaken as taken:
            given.append((taken.run, taken.asked))
        else:
            given.append((run, asked))

    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(begin, f"r{n}", f"asked {n}")
    known = [run for n in range(20) if (run := await journal.maybe_begun(RunId(f"r{n}"))) is not None]

    assert len(given) == 20
    assert set(given) == {(run.run, run.asked) for run in known}
    assert len(known) == 1


# --- An owner's list ---


async def test_an_owner_sees_their_runs_the_newest_first_each_with_its_end(journal):
    await told_whole(journal, "a", owner="me", began=1.0)
    await journal.open_record(begun("b", owner="you", began=2.0))
    await journal.open_record(begun("c", owner="me", began=3.0))
    await journal.open_record(begun("d", began=4.0))

    listed = await journal.listed("me")

    assert [(run.run, run.began) for run, _ in listed] == [("c", 3.0), ("a", 1.0)]
    assert [end for _, end in listed] == [None, msgspec.structs.replace(END, n=2)]


async def test_a_list_is_as_long_as_was_asked_for_and_has_the_newest(journal):
    for n in range(6):
        await journal.open_record(begun(f"r{n}", owner="me"))

    assert [run.run for run, _ in await journal.listed("me", 2)] == ["r5", "r4"]


async def test_nobody_sees_the_runs_that_are_nobodys(journal):
    await journal.open_record(begun())

    assert list(await journal.listed(None)) == []
    assert list(await journal.listed("")) == []


async def test_runs_that_are_named_are_given_the_newest_first_and_once_whoever_owns_them(journal):
    await told_whole(journal, "a", owner="me", began=1.0)
    await journal.open_record(begun("b", owner="you", began=2.0))
    await journal.open_record(begun("c", began=3.0))

    named = await journal.named(["a", "c", "never", "b", "a"])

    assert [(run.run, run.owner) for run, _ in named] == [("c", None), ("b", "you"), ("a", "me")]
    assert [end for _, end in named] == [None, None, msgspec.structs.replace(END, n=2)]
    assert list(await journal.named([])) == []


# --- How long it is kept ---


async def test_a_run_that_ended_long_ago_is_told_as_a_gap_and_its_end(forgetful, clock):
    writer = await forgetful.open_record(begun())
    writer.append([said("a"), said("b"), said("c"), END])
    await writer.settle()
    del writer

    clock.go_on(AGE + 1)

    assert told(await read(forgetful)) == [(3, "gap"), (4, "run.finished")]
    assert [(event.first, event.last) for event in (await read(forgetful, after=1))[:1]] == [(2, 3)]
    assert told(await read(forgetful, after=3)) == [(4, "run.finished")]
    assert told(await read(forgetful, after=4)) == []


async def test_before_its_age_a_record_is_whole(forgetful, clock):
    await told_whole(forgetful, "r")

    clock.go_on(AGE - 1)

    assert told(await read(forgetful)) == [(1, "a"), (2, "run.finished")]


async def test_a_reader_that_was_there_before_is_told_the_gap(forgetful, clock):
    writer = await forgetful.open_record(begun())
    reader, late = writer.reader(), writer.reader()
    writer.append([said("a")])
    await writer.settle()
    first = told(reader.take_nowait())
    writer.append([said("b"), said("c"), END])
    await writer.settle()

    clock.go_on(AGE + 1)
    assert told(await read(forgetful)) == [(3, "gap"), (4, "run.finished")]

    assert (first, told(reader.take_nowait())) == ([(1, "a")], [(3, "gap"), (4, "run.finished")])
    assert told(late.take_nowait()) == [(3, "gap"), (4, "run.finished")]
    assert reader.ended
    assert late.ended


async def test_the_end_of_a_trimmed_run_is_still_listed_and_its_key_taken(forgetful, clock):
    await told_whole(forgetful, "r", owner="me", key="k")

    clock.go_on(AGE + 1)
    await read(forgetful)

    assert [(run.run, end.n) for run, end in await forgetful.listed("me")] == [("r", 2)]
    with pytest.raises(KeyTaken):
        await forgetful.open_record(begun("again", owner="me", key="k"))


async def test_an_expired_run_is_gone_and_its_key_is_free(forgetful, clock):
    await told_whole(forgetful, "r", owner="me", key="k")

    clock.go_on(2 * AGE + 1)

    for ask in (forgetful.maybe_reader, forgetful.maybe_begun):
        with pytest.raises(RecordGone, match=r"^The record of run r is no longer kept.$"):
            await ask(RUN)
    assert list(await forgetful.listed("me")) == []
    await forgetful.open_record(begun("again", owner="me", key="k"))
    assert [run.run for run, _ in await forgetful.listed("me")] == ["again"]


async def test_a_key_is_free_the_moment_its_run_has_expired(forgetful, clock):
    await told_whole(forgetful, "r", key="k")

    clock.go_on(2 * AGE + 1)
    await forgetful.open_record(begun("again", key="k"))

    assert await is_gone(forgetful, "r")
    assert not await is_gone(forgetful, "again")


async def test_an_expired_run_never_comes_back(forgetful, clock):
    await told_whole(forgetful, "r")
    gone = []

    for _ in range(20):
        clock.go_on(2 * AGE + 1)
        gone.append(await is_gone(forgetful, "r"))

    assert gone == [True] * 20


async def test_when_there_is_too_much_the_record_that_ended_first_is_let_go(forgetful, clock):
    writers = [await forgetful.open_record(begun(run)) for run in "abc"]
    for writer in writers[::-1]:
        writer.append([said(LONG), END])
        await writer.settle()
        clock.go_on(1)
    del writer, writers

    firsts = [(await read(forgetful, run))[0].type for run in "abc"]

    assert firsts == ["message", "message", "gap"]


async def test_a_run_that_has_not_ended_is_kept_whole_however_old_and_long(forgetful, clock):
    writer = await forgetful.open_record(begun("live"))
    writer.append([said(LONG) for _ in range(5)])
    await writer.settle()

    for n in range(3):
        clock.go_on(AGE + 1)
        await told_whole(forgetful, f"r{n}", LONG)

    assert told(await read(forgetful, "live")) == [(n, LONG) for n in range(1, 6)]


# --- Other processes ---


async def test_what_is_asked_to_stop_here_by_nobody_is_not_stopped(journal):
    await journal.open_record(begun())

    assert list(await journal.stops()) == []


async def test_to_stop_a_run_that_has_ended_or_never_began_is_nothing(journal):
    await told_whole(journal, "r")

    await journal.stop(RUN, "Too late.")
    await journal.stop(RunId("never"), "No such run.")

    assert list(await journal.stops()) == []


async def test_what_is_under_way_here_or_has_ended_is_not_unfinished(journal):
    await journal.open_record(begun("live"))
    await told_whole(journal, "ended")

    assert list(await journal.unfinished()) == []
