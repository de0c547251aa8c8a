"""`ask` in another attempt and after a restart: nobody is asked the same twice, or given what another was answered."""

import sqlite3
from contextlib import closing

import pytest
import trio

from narrate import Retry, TooLate, ask, check_record, each, start, step
from narrate.events import Answer, Question
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import MOST_INTERRUPTIONS, open_narrator
from narrate.running import Events
from tests.questioning import Busy, asks, decided, event_n, left_while_asking, told

# --- Another attempt ---


async def test_another_attempt_does_not_ask_again_what_was_answered(autojump_clock):
    tries = []

    @step("Paying", retry=Retry(attempts=3, on=Busy))
    async def paid() -> str:
        sure = await ask("Sure?", ["yes", "no"])
        how = await ask("How?", ["card", "cash"])
        tries.append((sure, how))
        if len(tries) < 3:
            raise Busy("The bank is busy.")
        return how

    async with start(asks(paid)) as running:
        events = await told(running, "yes", "card")

        assert await running.result() == "card"
    assert tries == [("yes", "card")] * 3
    assert sum(isinstance(event, Question) for event in events) == 2


async def test_a_question_that_was_taken_back_is_asked_anew_in_another_attempt(autojump_clock):
    @step("Deciding", retry=Retry(attempts=2, on=Busy))
    async def decided() -> str:
        with trio.move_on_after(10):
            return await ask("Ship it?")
        raise Busy("Nobody cared.")

    async with start(asks(decided)) as running:
        events = await told(running, None, "yes")

        assert await running.result() == "yes"
    assert [event.by for event in events if isinstance(event, Answer)] == ["nobody", "person"]


async def test_what_was_asked_several_times_by_the_same_words_is_asked_again(autojump_clock):
    """Of two who are asked about by the same words, the second attempt may leave out the one that is done."""
    paid = []

    @step("Paying", retry=Retry(attempts=2, on=Busy))
    async def paying() -> list[str]:
        for who in [who for who in ("ada", "bob", "eve") if who not in paid]:
            if await ask("Pay this one?", ["yes", "no"]) == "yes":
                paid.append(who)
                raise Busy("The bank is busy, though it has paid.")
        return paid

    async with start(asks(paying)) as running:
        await told(running, "no", "yes", "no", "no")

        assert await running.result() == ["bob"]


@pytest.mark.parametrize("label", [None, str])
async def test_an_item_is_never_given_the_answer_of_another(label, autojump_clock):
    tries = []

    @step("Releasing", retry=Retry(attempts=2, on=Busy))
    async def released() -> dict[str, str]:
        tries.append({})

        async def one(who: str) -> None:
            await trio.sleep(9 if who == "ada" and len(tries) == 2 else 1)
            tries[-1][who] = await ask("Release it?", ["yes", "no"])

        await each(["ada", "bob", "eve"], one, label=label)
        if len(tries) == 1:
            raise Busy("The bank is busy.")
        return tries[-1]

    async with start(asks(released)) as running:
        await told(running, "no", "yes", "no")

        assert await running.result() == {"ada": "no", "bob": "yes", "eve": "no"}


async def test_an_item_with_the_label_of_another_is_asked_itself(autojump_clock):
    tries = []

    @step("Releasing", retry=Retry(attempts=2, on=Busy))
    async def released() -> list[str]:
        async def one(who: str) -> str:
            return await ask("Release it?", ["yes", "no"])

        tries.append(await each([["ada", "bob"], ["bob", "eve"]][len(tries)], one, label=str))
        if len(tries) == 1:
            raise Busy("The bank is busy.")
        return tries[-1]

    async with start(asks(released)) as running:
        await told(running, "no", "yes", "no")

        assert await running.result() == ["yes", "no"]


async def test_an_item_within_an_item_is_given_its_own_answer(autojump_clock):
    tries = []

    @step("Releasing", retry=Retry(attempts=2, on=Busy))
    async def released() -> list[list[str]]:
        async def outer(who: str) -> list[str]:
            async def inner(what: str) -> str:
                await trio.sleep(1 if len(tries) % 2 == len(who) % 2 else 5)
                return await ask("Release it?")

            return await each(["x", "y"], inner)

        tries.append(None)
        found = await each(["a", "bb"], outer)
        if len(tries) == 1:
            raise Busy("The bank is busy.")
        return found

    async with start(asks(released)) as running:
        events = await told(running, "1", "2", "3", "4")

        assert await running.result() == [["1", "2"], ["3", "4"]]
    assert [event.item for event in events if isinstance(event, Question)] == ["1.1", "1.2", "2.1", "2.2"]


# --- After a restart ---


async def gone_on_with(path, pipeline, run_id, *anew, waiting=None):
    """The record of a run that another process goes on with, where what it asks `anew` is answered so.

    `waiting` are answers to what it was waiting for, by the questions' numbers.
    """
    journal, left, events = SqliteJournal(path), list(anew), []
    async with open_narrator([pipeline], journal=journal) as narrator:
        known = len(list((await journal.maybe_reader(run_id)).take_nowait()))
        await narrator.pick_up()
        running = narrator.maybe_run(run_id)
        for n, value in (waiting or {}).items():
            await running.answer(value, n)
        async for event in Events(await journal.maybe_reader(run_id), status=False):
            events.append(event)
            if isinstance(event, Question) and event.n > known:
                await running.answer(left.pop(0), event.n)
    check_record(events)
    assert not left
    return events


def begun_earlier(path, seconds):
    """Let the runs of a journal have begun so many seconds earlier."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE runs SET begun = json_set(begun, '$.began', json_extract(begun, '$.began') - ?)", (seconds,))


async def test_an_open_question_is_waited_for_under_its_number_after_a_restart(tmp_path):
    pipeline = asks(decided)
    run_id, n = await left_while_asking(tmp_path / "runs.db", pipeline)

    journal = SqliteJournal(tmp_path / "runs.db")
    async with open_narrator([pipeline], journal=journal) as narrator:
        await narrator.pick_up()
        running = narrator.maybe_run(run_id)
        await running.answer("no", n)
        events = [event async for event in running.events()]

        assert await running.result() == "no"
    check_record(events)
    assert [event.n for event in events if isinstance(event, Question)] == [n]


async def test_what_was_answered_before_a_restart_is_not_asked_again(tmp_path):
    @step("Deciding")
    async def both() -> list[str]:
        return [await ask("First?"), await ask("Second?")]

    pipeline = asks(both)
    run_id, n = await left_while_asking(tmp_path / "runs.db", pipeline, "one")

    async with open_narrator([pipeline], journal=SqliteJournal(tmp_path / "runs.db")) as narrator:
        await narrator.pick_up()
        running = narrator.maybe_run(run_id)
        await running.answer("two", n)

        assert await running.result() == ["one", "two"]


async def answered_by_nobody_who_runs_it(path, run_id, n, value):
    """An answer to a run that no process has: it is kept."""
    elsewhere = SqliteJournal(path)
    async with elsewhere.open():
        assert await elsewhere.answer(run_id, n, value) == value


async def test_an_answer_given_while_nobody_ran_the_run_counts_though_the_time_is_over_by_now(tmp_path):
    @step("Deciding")
    async def decided() -> str:
        return await ask("Is it you?", ["yes", "no"], within=300, default="no")

    pipeline = asks(decided)
    run_id, n = await left_while_asking(tmp_path / "runs.db", pipeline)
    await answered_by_nobody_who_runs_it(tmp_path / "runs.db", run_id, n, "yes")
    begun_earlier(tmp_path / "runs.db", 1000)

    events = await gone_on_with(tmp_path / "runs.db", pipeline, run_id)

    assert [(event.by, event.value) for event in events if isinstance(event, Answer)] == [("person", "yes")]
    assert events[-1].result == "yes"


async def test_another_process_takes_an_answer_for_the_one_that_runs_the_run(tmp_path):
    pipeline = asks(decided)
    here, there = SqliteJournal(tmp_path / "runs.db"), SqliteJournal(tmp_path / "runs.db")
    async with (
        open_narrator([pipeline], journal=here) as running_it,
        open_narrator([pipeline], journal=there) as asked,
    ):
        running = await running_it.begin(pipeline)
        async for event in running.events():
            if isinstance(event, Question):
                answer = await asked.answer(running.id, "yes")

        assert answer == Answer("decided", event_n(running, Question), "person", "yes", n=answer.n, t=answer.t)
        assert await running.result() == "yes"


async def test_an_item_that_was_interrupted_asks_again_in_its_new_place(tmp_path):
    @step("Asking all")
    async def asked() -> list[str]:
        async def one(name):
            return await ask(f"Is {name} right?")

        return await each(["a", "b"], one, label=str)

    pipeline = asks(asked)
    run_id, _ = await left_while_asking(tmp_path / "runs.db", pipeline, "yes")

    async with open_narrator([pipeline], journal=SqliteJournal(tmp_path / "runs.db")) as narrator:
        await narrator.pick_up()
        running = narrator.maybe_run(run_id)
        events = []
        async for event in running.events():
            events.append(event)
            if isinstance(event, Question) and event.step == "asked/4":
                await running.answer("no", event.n)

        assert await running.result() == ["yes", "no"]
    check_record(events)
    assert [event.step for event in events if isinstance(event, Question)] == ["asked/1", "asked/2", "asked/4"]


async def test_where_the_time_is_over_and_nobody_has_answered_the_default_is_the_answer(tmp_path):
    @step("Deciding")
    async def decided() -> str:
        return await ask("Is it you?", ["yes", "no"], within=300, default="no")

    pipeline = asks(decided)
    run_id, _ = await left_while_asking(tmp_path / "runs.db", pipeline)
    begun_earlier(tmp_path / "runs.db", 1000)

    events = await gone_on_with(tmp_path / "runs.db", pipeline, run_id)

    assert [(event.by, event.value) for event in events if isinstance(event, Answer)] == [("default", "no")]


@pytest.mark.parametrize("label", [None, str])
async def test_an_answer_to_an_item_given_while_nobody_ran_the_run_is_that_items(tmp_path, label):
    again = []

    @step("Releasing")
    async def released() -> dict[str, str]:
        async def one(who: str) -> str:
            if again and who == "ada":
                await asked.wait()  # the others come first
            elif again:
                asked.set()
            return await ask("Release it?", ["yes", "no"])

        asked = trio.Event()
        people = ["ada", "bob", "eve"]
        return dict(zip(people, await each(people, one, label=label), strict=True))

    pipeline = asks(released)
    run_id, n = await left_while_asking(tmp_path / "runs.db", pipeline, "no")
    await answered_by_nobody_who_runs_it(tmp_path / "runs.db", run_id, n, "yes")
    again.append(True)

    events = await gone_on_with(tmp_path / "runs.db", pipeline, run_id, "no")

    assert events[-1].result == {"ada": "no", "bob": "yes", "eve": "no"}


async def test_of_several_by_the_same_words_the_one_that_waits_is_taken_back_and_all_are_asked_again(tmp_path):
    @step("Guessing")
    async def guessed() -> list[str]:
        return [await ask("Which number?"), await ask("Which number?")]

    pipeline = asks(guessed)
    run_id, _ = await left_while_asking(tmp_path / "runs.db", pipeline, "1")

    events = await gone_on_with(tmp_path / "runs.db", pipeline, run_id, "2", "3")

    assert [event.by for event in events if isinstance(event, Answer)] == ["person", "nobody", "person", "person"]
    assert events[-1].result == ["2", "3"]


async def test_a_question_waits_through_any_number_of_restarts(tmp_path):
    pipeline = asks(decided)
    run_id, n = await left_while_asking(tmp_path / "runs.db", pipeline)
    for _ in range(MOST_INTERRUPTIONS + 1):
        async with open_narrator([pipeline], journal=SqliteJournal(tmp_path / "runs.db")) as narrator:
            await narrator.pick_up()
            narrator.hand_over()

    events = await gone_on_with(tmp_path / "runs.db", pipeline, run_id, waiting={n: "yes"})

    assert events[-1].result == "yes"


async def test_an_answer_that_was_kept_and_not_heard_is_heard_by_whoever_asks_again(tmp_path):
    """Another process kept it, and the one that runs the run has not looked yet: the second hands on the first."""
    journal = SqliteJournal(tmp_path / "runs.db")
    pipeline = asks(decided)
    async with open_narrator([pipeline], journal=journal) as narrator:
        running = await narrator.begin(pipeline)
        async for event in running.events():
            if isinstance(event, Question):
                await journal.answer(running.id, event.n, "yes")
                with pytest.raises(TooLate, match="was answered with “yes” already"):
                    await running.answer("no", event.n)

        assert await running.result() == "yes"
