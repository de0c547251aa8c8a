"""`narrated` and `story_of`: a run as a value, in time that costs nothing."""

import threading
import time

import httpx
import pytest
import trio

from narrate import (
    BadInput,
    Caller,
    DeclarationError,
    Pipeline,
    RunFailed,
    check_record,
    concurrent,
    current_run,
    progress,
    resource,
    run,
    say,
    step,
)
from narrate.cassette import Cassette, Exchange, HttpRequest, HttpResponse, dump
from narrate.clock import Clock, clock
from narrate.errors import Explained, StepTimedOut
from narrate.recordings import RecordTape, ReplayTape
from narrate.testing import narrated, same_in_every_schedule, story_of
from narrate.transport import transport


class Closed(Explained):
    title = "The shop is closed"


@step("Boiling")
async def boiling() -> int:
    progress(1, 2)
    await trio.sleep(3600)
    say("It boils.")
    return 100


@step("Grinding")
async def grinding() -> int:
    await trio.sleep(60)
    return 18


@step("Buying beans")
async def buying() -> int:
    await trio.sleep(2)
    raise Closed("Closed on Sundays.")


COFFEE = Pipeline("coffee", concurrent(boiling, grinding))


def test_a_run_is_a_story_with_its_lines_its_result_and_its_seconds():
    story = narrated(COFFEE)

    assert story.lines == ("Boiling", "Grinding", "It boils.")
    assert story.result == {"boiling": 100, "grinding": 18}
    assert story.problem is None
    assert story.took == 3600
    assert story.critical_path == ("boiling",)
    assert [status.done for status in story.statuses if status.step == "boiling"] == [1]
    check_record(story.events)


def test_a_failed_run_is_a_story_too():
    story = narrated(Pipeline("shopping", concurrent(buying, boiling)))

    assert story.problem.title == "The shop is closed"
    assert story.steps["boiling"].state == "cancelled"
    assert story.took == 2
    with pytest.raises(RunFailed, match="Closed on Sundays") as caught:
        _ = story.result
    assert isinstance(caught.value.__cause__, Closed)


def test_the_input_and_who_asks_are_given_and_checked():
    @step("Greeting {name}")
    async def greeting(name: str, caller: Caller) -> str:
        return f"{name} from {caller.ip}"

    @step("Taking the name")
    async def name(given: dict[str, str]) -> str:
        return given["name"]

    pipeline = Pipeline("greet", name, greeting, takes=dict[str, str])

    assert narrated(pipeline, {"name": "Ada"}, caller=Caller(ip="192.0.2.1")).result == "Ada from 192.0.2.1"
    with pytest.raises(BadInput):
        narrated(pipeline, {"name": 1})


@resource
async def tally():
    yield []


@resource
async def empty_tally():
    yield ["fresh"]


@resource
async def needy_tally(tally):
    yield tally


@step("Counting")
async def counting(tally: list) -> int:
    tally.append("counted")
    return len(tally)


COUNT = Pipeline("count", counting, resources=[tally])


def test_resources_are_stood_in_for_by_a_value_or_by_a_resource_that_is_opened_each_time():
    shared = ["one"]

    assert [narrated(COUNT, tally=shared).result for _ in range(2)] == [2, 3]
    assert [narrated(COUNT, tally=empty_tally).result for _ in range(2)] == [2, 2]
    with pytest.raises(DeclarationError, match=r"has a resource `taly` \(did you mean `tally`\?\)"):
        narrated(COUNT, taly=[])
    with pytest.raises(DeclarationError, match="`needy_tally` stands in for another, and needs others"):
        narrated(COUNT, tally=needy_tally)


def test_the_same_mistakes_as_in_any_run_come_out_as_themselves():
    @resource
    async def broken():
        raise OSError("no such file")
        yield

    @step("Using it")
    async def using(broken: int) -> int:
        return broken

    with pytest.raises(OSError, match="no such file"):
        narrated(Pipeline("p", using, resources=[broken]))


def test_so_does_a_group_of_them():
    @resource
    async def broken():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            yield 1

    async def fail():
        raise OSError("no such file")

    @step("Using it")
    async def using(broken: int) -> int:
        await trio.sleep_forever()
        return broken

    with pytest.RaisesGroup(OSError, flatten_subgroups=True):
        narrated(Pipeline("p", using, resources=[broken]))


def test_ctrl_c_ends_the_test_and_not_only_the_step():
    @step("Being interrupted")
    async def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        narrated(Pipeline("p", interrupted))


def test_the_time_that_a_thread_takes_is_waited_for_and_is_none():
    @step("Working in a thread", timeout=5)
    def threaded() -> str:
        return working.wait(0.05) or "worked"

    @step("Waiting beside it", timeout=5)
    async def beside() -> str:
        return await trio.to_thread.run_sync(lambda: working.wait(0.05) or "worked")

    working = threading.Event()
    story = narrated(Pipeline("threads", concurrent(threaded, beside)))

    assert story.result == {"threaded": "worked", "beside": "worked"}
    assert story.took == 0


def test_a_step_that_takes_too_long_times_out_at_once():
    @step("Sleeping", timeout=300)
    async def sleeping() -> None:
        await trio.sleep_forever()

    began = time.monotonic()
    story = narrated(Pipeline("p", sleeping))

    assert story.problem.title == StepTimedOut.title
    assert story.took == 300
    assert time.monotonic() - began < 300


async def test_inside_a_trio_run_each_says_what_to_use_instead():
    with pytest.raises(RuntimeError, match=r"narrated\(\) runs trio by itself.*Use `await story_of\(pipeline, …\)`"):
        narrated(COFFEE)
    with pytest.raises(RuntimeError, match=r"same_in_every_schedule\(\) runs trio by itself.*plain test"):
        same_in_every_schedule(COFFEE)


def test_outside_of_one_story_of_says_so_too():
    with pytest.raises(RuntimeError, match=r"story_of\(\) is for async tests.*`narrated\(pipeline, …\)`"):
        story_of(COFFEE).send(None)


async def test_story_of_runs_on_the_clock_of_the_test(autojump_clock):
    before = trio.current_time()
    story = await story_of(COFFEE)

    assert story.took == trio.current_time() - before == 3600
    assert story.lines == ("Boiling", "Grinding", "It boils.")


# With recordings


@step("Asking")
async def asking(transport: httpx.AsyncBaseTransport, clock: Clock) -> str:
    assert current_run() is not None
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get("http://a.test/x")
    say(f"It is {clock.now():%A}.")
    return answer.text


ASKS = Pipeline("asks", asking, resources=[transport, clock])


def recorded(text: str, *, after: float = 0.0) -> Cassette:
    request = HttpRequest(method="GET", url="http://a.test/x")
    exchange = Exchange(request=request, response=HttpResponse(status=200, text=text, after=after))
    return Cassette(origin="composed", about="A test.", at="2026-10-13T09:12:00+00:00", exchanges=(exchange,))


def test_a_recording_stands_in_for_the_network_and_the_day_at_its_recorded_pace():
    story = narrated(ASKS, cassette=recorded("hello", after=3))

    assert story.result == "hello"
    assert story.lines == ("Asking", "It is Tuesday.")
    assert story.took == 3


def test_a_recording_is_a_value_a_path_or_a_tape(tmp_path):
    (tmp_path / "a.test.json").write_text(dump(recorded("hello")))

    assert narrated(ASKS, cassette=tmp_path).result == "hello"
    assert narrated(ASKS, cassette=tmp_path / "a.test.json").result == "hello"
    assert narrated(ASKS, cassette=ReplayTape(recorded("hello"))).result == "hello"


def test_what_is_given_by_name_goes_before_the_recording():
    story = narrated(ASKS, cassette=recorded("hello"), clock=Clock())

    assert story.result == "hello"
    assert "It is" in story.lines[1]


def test_a_pipeline_that_no_recording_can_stand_in_for_is_refused():
    with pytest.raises(DeclarationError, match="`coffee` has no resource `transport`"):
        narrated(COFFEE, cassette=recorded("hello"))
    with pytest.raises(DeclarationError, match="`coffee` has no resource `transport`"):
        narrated(COFFEE, cassette=RecordTape("A test."))


def test_a_tape_knows_what_nobody_asked_for():
    other = Exchange(request=HttpRequest(method="GET", url="http://a.test/y"), response=HttpResponse(status=200))
    recording = recorded("hello")
    tape = ReplayTape(Cassette(origin="composed", about="", at=recording.at, exchanges=(*recording.exchanges, other)))

    assert tape.unasked == ("GET http://a.test/x", "GET http://a.test/y")
    narrated(ASKS, cassette=tape)
    assert tape.unasked == ("GET http://a.test/y",)


async def test_nothing_is_recorded_on_a_clock_that_jumps(autojump_clock):
    with pytest.raises(RuntimeError, match="recorded in real time"):
        await story_of(ASKS, cassette=RecordTape("A test."))


async def test_a_story_of_a_pipeline_is_what_running_it_gives(autojump_clock):
    assert (await story_of(COFFEE)).result == await run(COFFEE)
