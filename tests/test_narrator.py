"""Runs and what they share: results, readers, resources, linger, and the ends that a run can have."""

from dataclasses import dataclass

import pytest
import trio
import trio.testing
from pydantic import BaseModel

from narrate import (
    BadInput,
    Caller,
    Explained,
    Pipeline,
    RunCancelled,
    RunFailed,
    TooManyRuns,
    concurrent,
    each,
    progress,
    run,
    run_sync,
    say,
    start,
    step,
)
from narrate.events import RunId, from_json, to_json
from narrate.grammar import check_record
from narrate.journal.memory import MemoryJournal
from narrate.narrator import open_narrator
from narrate.running import HOLD


class Request(BaseModel):
    city: str


@dataclass
class Answer:
    city: str


@step("Answer")
async def answer(request: Request, caller: Caller) -> Answer:
    say(f"Hello {caller.ip}")
    return Answer(request.city)


@step("Wait")
async def waiting():
    await trio.sleep_forever()


@step("Work")
async def working():
    await trio.sleep(5)
    return "worked"


asked = Pipeline("asked", answer, takes=Request)
endless = Pipeline("endless", waiting)
slow = Pipeline("slow", working)


async def read(running, after=0):
    return [event async for event in running.events(after)]


# --- run, start, run_sync ---


async def test_the_result_is_the_value_itself_and_its_json_is_in_the_record():
    async with start(asked, {"city": "Wien"}, caller=Caller(ip="1.2.3.4")) as running:
        result = await running.result()
        events = await read(running)

    assert result == Answer("Wien")
    assert events[-1].result == {"city": "Wien"}
    assert events[2].text == "Hello 1.2.3.4"
    assert (running.ended, running.id, running.pipeline) == (True, events[0].run, asked)


async def test_run_takes_the_input_as_the_type_or_as_what_can_become_it():
    assert await run(asked, Request(city="Wien")) == await run(asked, {"city": "Wien"}) == Answer("Wien")


def test_run_sync_needs_no_trio_of_its_own():
    assert run_sync(asked, {"city": "Wien"}, caller=Caller()) == Answer("Wien")


async def test_bad_input_begins_nothing():
    journal = MemoryJournal()

    with pytest.raises(BadInput, match="city: Field required"):
        await run(asked, {}, journal=journal)
    with pytest.raises(BadInput):
        async with start(asked):
            raise AssertionError


async def test_a_failed_run_raises_its_problem():
    class Sorry(Explained):
        title = "We are sorry"
        status = 418

    @step("A")
    async def a():
        raise Sorry("It did not work.")

    with pytest.raises(RunFailed, match=r"^a: It did not work.$") as caught:
        await run(Pipeline("p", a))

    assert (caught.value.problem.title, caught.value.problem.status) == ("We are sorry", 418)


async def test_a_result_that_is_no_json_fails_the_run():
    @step("A")
    async def a():
        return object()

    async with start(Pipeline("p", a)) as running:
        with pytest.raises(RunFailed) as failed:
            await running.result()
        events = await read(running)

    check_record(events)
    assert events[-1].type == "run.failed"
    assert str(failed.value) == (
        "The result, which step `a` gives, cannot be told. A value of type `object` has no JSON form. "
        "Give a pydantic model, a dataclass or plain data."
    )


# --- Cancelling, leaving ---


async def test_the_first_reason_to_cancel_is_the_one_told(autojump_clock):
    async with start(endless) as running:
        await trio.sleep(3)
        running.cancel("First.")
        running.cancel("Second.")
        with pytest.raises(RunCancelled, match=r"^First.$"):
            await running.result()
        running.cancel("Third.")
        events = await read(running)

    assert (events[-1].type, events[-1].reason, events[-1].seconds) == ("run.cancelled", "First.", 3.0)


async def test_a_reason_without_words_is_none():
    async with start(endless) as running:
        running.cancel("")
        with pytest.raises(RunCancelled, match=r"^The run was cancelled.$"):
            await running.result()


async def test_leaving_the_block_cancels_what_still_runs(autojump_clock):
    async with start(endless) as running:
        await trio.sleep(1)
        reader = running.reader()
    events = reader.take_nowait()

    check_record(events)
    assert (running.ended, events[-1].type, events[-1].reason) == (True, "run.cancelled", "The program stopped.")


async def test_an_error_of_the_block_is_raised_as_itself():
    with pytest.raises(KeyError, match="mine"):
        async with start(endless):
            raise KeyError("mine")


async def test_a_cancelled_program_cancels_its_runs(autojump_clock):
    with trio.move_on_after(2) as scope:
        async with start(endless) as running:
            await running.result()

    assert scope.cancelled_caught
    with pytest.raises(RunCancelled):
        await running.result()


# --- Readers ---


async def test_a_late_reader_hears_everything_and_one_that_comes_back_the_rest():
    @step("A")
    async def words():
        await each("abc", speak, label=str)

    async def speak(word):
        say(word)

    async with start(Pipeline("p", words)) as running:
        await running.result()
        whole = await read(running)
        rests = [await read(running, after) for after in range(len(whole) + 2)]

    assert [event.n for event in whole] == list(range(1, len(whole) + 1))
    assert rests == [whole[after:] for after in range(len(whole) + 2)]


async def test_nothing_seen_yet_is_everything_however_it_is_said():
    async with start(asked, {"city": "Wien"}) as running:
        await running.result()

        assert await read(running, -1) == await read(running, 0)


async def test_readers_at_any_pace_hear_the_same_and_delay_nobody(autojump_clock):
    @step("A")
    async def words():
        for word in "abcdef":
            say(word)
            await trio.sleep(1)

    heard = {}

    async def follow(pace):
        heard[pace] = []
        async for event in running.events():
            heard[pace].append(event)
            await trio.sleep(pace)

    async with start(Pipeline("p", words)) as running:
        async with trio.open_nursery() as nursery:
            for pace in (0, 1, 7):
                nursery.start_soon(follow, pace)
            with trio.move_on_after(2):
                await follow(0.5)
        events = await read(running)

    assert heard[0] == heard[1] == heard[7] == events
    assert events[-1].seconds == 6.0


async def test_status_is_live_and_unnumbered_and_only_for_who_asks(autojump_clock):
    @step("A")
    async def first():
        await trio.sleep(3)

    @step("B")
    async def second():
        for done in range(3):
            progress(done, 3)
            await trio.sleep(0.5)

    async with start(Pipeline("p", concurrent(first, second))) as running:
        events = [event async for event in running.events(status=True)]
        record = await read(running)

    statuses = [event for event in events if event.type == "progress"]
    assert {event.n for event in statuses} == {0}
    assert [event.done for event in statuses if event.done is not None] == [0, 1, 2]
    assert [(event.step, event.state, event.t) for event in statuses if event.state] == [("second", "done", 1.5)]
    assert [event for event in events if event.n] == record


async def test_a_title_with_half_a_character_breaks_no_readers_stream():
    @step("To {name}", summary="{name}")
    async def go(name: str): ...

    async with start(Pipeline("p", go, takes=str), "\ud800") as running:
        lines = [to_json(event) async for event in running.events()]

    assert from_json(lines[1]).title == "To �"


# --- Linger ---


def lingering(seconds):
    return Pipeline("p", working, linger=seconds)


@pytest.mark.parametrize(("linger", "ended_at"), [(0, 1), (2, 3), (100, 5), (None, 5)])
async def test_a_run_goes_on_for_its_linger_after_its_last_reader_left(autojump_clock, linger, ended_at):
    async with start(lingering(linger)) as running:
        with running.reading(), running.reading():
            await trio.sleep(1)
        end = (await read(running))[-1]

    assert end.seconds == ended_at
    assert end.type == ("run.cancelled", "run.finished")[ended_at == 5]


async def test_the_reason_is_that_nobody_reads():
    async with start(lingering(0)) as running:
        with running.reading():
            await trio.sleep(0)
        with pytest.raises(RunCancelled, match=r"^Nobody was reading any more.$"):
            await running.result()


async def test_linger_begins_anew_when_a_reader_came_back_and_left(autojump_clock):
    async with start(lingering(2)) as running:
        with running.reading():
            await trio.sleep(1)
        await trio.sleep(1)
        with running.reading():
            await trio.sleep(0.5)
        end = (await read(running))[-1]

    assert (end.type, end.seconds) == ("run.cancelled", 4.5)


async def test_a_reader_that_stays_keeps_the_run_and_one_that_leaves_after_the_end_changes_nothing(autojump_clock):
    async with start(lingering(2)) as running:
        with running.reading():
            with running.reading():
                await trio.sleep(1)
            assert await running.result() == "worked"


# --- The narrator ---


async def test_there_are_no_more_runs_than_allowed(autojump_clock):
    async with open_narrator([slow], max_runs=2) as narrator:
        first, second = await narrator.begin(slow), await narrator.begin(slow)
        with pytest.raises(TooManyRuns, match="2 runs are under way") as caught:
            await narrator.begin(slow)
        assert (narrator.runs, caught.value.limit, caught.value.retry_after) == ((first, second), 2, 5)

        await first.result()
        await trio.testing.wait_all_tasks_blocked()

        assert narrator.runs == ()
        assert await (await narrator.begin(slow)).result() == "worked"


async def test_a_held_run_has_told_that_it_began_and_does_nothing_until_it_is_let_go(autojump_clock):
    async with open_narrator([slow]) as narrator:
        running = await narrator.begin(slow, held=True)
        await trio.sleep(1)
        before = [event.type for event in running.reader().take_nowait()]
        running.release()
        await running.result()

    assert before == ["run.started"]


async def test_two_narrators_in_one_process_know_nothing_of_each_other(autojump_clock):
    async with open_narrator([slow], max_runs=1) as one, open_narrator([slow], max_runs=1) as other:
        mine, theirs = await one.begin(slow), await other.begin(slow)
        mine.cancel()
        assert await one.journal.maybe_reader(theirs.id) is None

        assert await theirs.result() == "worked"


async def test_a_held_run_that_nobody_lets_go_is_given_up(autojump_clock):
    async with open_narrator([slow]) as narrator:
        running = await narrator.begin(slow, held=True)
        with pytest.raises(RunCancelled, match=r"^Nobody was reading any more.$"):
            await running.result()

    assert trio.current_time() == HOLD


async def test_a_run_is_known_by_its_id_while_it_is_under_way(autojump_clock):
    async with open_narrator([slow]) as narrator:
        running = await narrator.begin(slow)

        assert narrator.maybe_run(running.id) is running
        assert narrator.maybe_run(RunId("another")) is None


class FullDisk:
    """A writer that keeps nothing for good."""

    durable = left = False

    def __init__(self, record):
        self.append, self.report, self.reader, self.stop = record.append, record.report, record.reader, record.stop
        self.usual = record.usual

    async def settle(self):
        raise OSError("no space for s3cret")


class FullJournal(MemoryJournal):
    async def open_record(self, begun, deliveries=()):
        return FullDisk(await super().open_record(begun, deliveries))


async def test_an_error_of_no_step_ends_the_run_and_is_logged_without_its_secrets(caplog):
    @step("A", secret=("key",))
    async def a(key: str): ...

    pipeline = Pipeline("p", concurrent(a), takes=str)
    async with start(pipeline, "s3cret", journal=FullJournal()) as running:
        with pytest.raises(RunFailed, match=r"^An unexpected OSError stopped it.$"):
            await running.result()
        events = await read(running)

    check_record(events)
    assert "OSError: no space for •••" in caplog.text
    assert "s3cret" not in caplog.text
