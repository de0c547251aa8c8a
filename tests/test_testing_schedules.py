"""`same_in_every_schedule`: what is sound passes, and each mistake that people make is shown."""

import random
import re

import httpx
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings

from narrate import (
    Pipeline,
    Retry,
    RunFailed,
    StoriesDiffer,
    concurrent,
    current_run,
    each,
    relay,
    resource,
    say,
    show,
    step,
)
from narrate.cassette import Cassette, Exchange, HttpRequest, HttpResponse
from narrate.errors import Explained
from narrate.testing import same_in_every_schedule
from narrate.transport import transport
from tests.generated import Built, Witness, pipelines


class Busy(Explained):
    title = "It is busy"


@resource
async def guests():
    yield []


@step("Ada comes")
async def ada(guests: list) -> str:
    await trio.sleep(1)
    guests.append("Ada")
    say(f"I am guest {len(guests)}.")
    return "Ada"


@step("Bob comes")
async def bob(guests: list) -> str:
    await trio.sleep(2)
    guests.append("Bob")
    return "Bob"


@step("Carl comes")
async def carl(guests: list) -> list[str]:
    return list(guests)


def differing(*stages, resources=(), **how):
    """What is said of a pipeline whose story differs, and the pipeline."""
    pipeline = Pipeline("party", *stages, resources=resources)
    with pytest.raises(StoriesDiffer) as caught:
        same_in_every_schedule(pipeline, **how)
    return str(caught.value), pipeline


# What is sound


class Afresh(Built):
    """A made-up pipeline, with a witness of its own for each run."""

    @property
    def witness(self):
        return self._witnesses.setdefault(current_run(), Witness())

    @witness.setter
    def witness(self, _first):
        self._witnesses = {}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(pipelines(wild=False))
def test_a_sound_pipeline_tells_the_same_in_every_schedule(stages):
    built = Afresh(stages)

    story = same_in_every_schedule(built.pipeline, schedules=5)

    assert story.problem is None


def test_it_gives_back_the_story_of_the_plain_schedule():
    story = same_in_every_schedule(Pipeline("party", ada, resources=[guests]))

    assert story.result == "Ada"
    assert story.took == 1


def test_pauses_do_not_count_towards_a_timeout():
    async def look(item):
        await trio.sleep(1)
        say(f"Saw {item}.")
        return item

    @step("Looking", timeout=5)
    async def looking() -> list[int]:
        return await each(range(4), look, at_most=1, label=str)

    story = same_in_every_schedule(Pipeline("looks", looking))

    assert story.result == [0, 1, 2, 3]


def test_what_is_tried_again_waits_as_long_as_it_likes():
    @resource
    async def tries():
        yield []

    @step("Trying", retry=Retry(attempts=3, on=Busy), fallback=0)
    async def trying(tries: list) -> int:
        tries.append(1)
        raise Busy(f"Busy for the {len(tries)}. time.")

    assert same_in_every_schedule(Pipeline("tries", trying, resources=[tries])).result == 0


def test_a_run_that_fails_in_the_same_way_passes_however_far_the_others_had_come():
    async def count(n):
        await trio.sleep(n / 10)
        say(f"{n}")

    @step("Failing")
    async def failing() -> None:
        say("First this.")
        await trio.sleep(1)
        raise Busy("No more.")

    @step("Counting, labelled")
    async def labelled() -> None:
        await each(range(20), count, at_most=1, label=str)

    @step("Counting")
    async def unlabelled() -> None:
        await each(range(20), count, at_most=3)

    inner = Pipeline("inner", unlabelled, step("After it", name="after")(failing.fn))
    story = same_in_every_schedule(Pipeline("fails", concurrent(failing, labelled, inner)))

    assert isinstance(story.problem.sentence, str)
    with pytest.raises(RunFailed):
        _ = story.result


def test_items_that_were_stopped_by_another_may_have_come_any_way():
    async def look(item):
        await trio.sleep(item)
        if item == 2:
            raise Busy("Two is busy.")

    @step("Looking", fallback=0)
    async def looking() -> int:
        await each(range(5), look, label=str)
        return 1

    assert same_in_every_schedule(Pipeline("looks", looking)).result == 0


def test_a_recording_is_heard_at_another_pace_and_tells_the_same():
    answer = Exchange(
        request=HttpRequest(method="GET", url="http://a.test/x"),
        response=HttpResponse(status=200, text="hello", after=2),
    )
    recording = Cassette(origin="composed", about="", at="2026-10-13T09:12:00+00:00", exchanges=(answer,))

    @step("Asking")
    async def asking(transport: httpx.AsyncBaseTransport) -> str:
        async with httpx.AsyncClient(transport=transport) as client, client.stream("GET", "http://a.test/x") as answer:
            return await relay(answer.aiter_text())

    story = same_in_every_schedule(Pipeline("asks", asking, resources=[transport]), cassette=recording)

    assert story.result == "hello"
    assert story.took == 2


# Mistakes


def test_a_list_that_is_shared_is_found_and_both_stories_are_shown_with_the_seed_and_the_step():
    said, pipeline = differing(concurrent(ada, bob), carl, resources=[guests])

    assert said.startswith("Step `ada` of `party` tells something else in another schedule, that of seed ")
    assert re.search(r"^ada: I am guest 1\. +≠ ada: I am guest 2\.$", said, re.MULTILINE)
    assert re.search(r'^run\.finished \["Ada", "Bob"\] +≠ run\.finished \["Bob", "Ada"\]$', said, re.MULTILINE)
    assert "a value that is shared and changed" in said

    seed = int(re.search(r"same_in_every_schedule\(…, seed=(\d+)\)$", said).group(1))
    with pytest.raises(StoriesDiffer) as again:
        same_in_every_schedule(pipeline, seed=seed)
    assert str(again.value) == said


def test_a_seed_runs_only_its_own_schedule_and_the_plain_one():
    seen = []

    @resource
    async def runs():
        seen.append(current_run())
        yield

    @step("Being")
    async def being(runs: None) -> None: ...

    same_in_every_schedule(Pipeline("p", being, resources=[runs]), seed=17)
    assert len(seen) == 3
    same_in_every_schedule(Pipeline("p", being, resources=[runs]), schedules=4)
    assert len(seen) == 3 + 6


def test_asking_who_is_first_is_found_though_nothing_waits():
    @step("Left")
    async def left(guests: list) -> None:
        guests.append("left")
        show("Who is first", guests[0])

    @step("Right")
    async def right(guests: list) -> None:
        guests.append("right")
        show("Who is first", guests[0])

    said, _ = differing(concurrent(left, right), resources=[guests])

    assert "Step `left` of `party`" in said
    assert "left (detail) Who is first left" in said


def test_items_in_the_order_of_their_ends_are_found():
    @step("Looking")
    async def looking() -> list[int]:
        ended = []

        async def look(item):
            await trio.sleep(item)
            ended.append(item)

        await each(range(3), look)
        return ended

    said, _ = differing(looking)

    assert said.startswith("The run of `party` gives something else in another schedule")
    assert "≠ run.finished [" in said


def test_random_numbers_and_the_time_are_found():
    @step("Rolling")
    async def rolling() -> int:
        return random.randrange(10**9)

    @step("Looking at the clock")
    async def looking() -> str:
        await each(range(2), trio.sleep)
        return f"{trio.current_time():.3f}"

    assert "random numbers" in differing(rolling)[0]
    assert "what time it is" in differing(looking)[0]


def test_a_time_limit_of_a_steps_own_is_found():
    @step("Looking")
    async def looking() -> int:
        with trio.move_on_after(3):
            await each([1, 2], trio.sleep, at_most=2)
            return 2
        return 0

    assert "a time limit of a step's own" in differing(looking)[0]


def test_what_is_left_over_from_the_run_before_is_found_and_not_blamed_on_the_schedule():
    said, _ = differing(ada, guests=["Zoe"], resources=[guests])

    assert said.startswith("Step `ada` of `party` tells something else when it is run again in the very same schedule.")
    assert re.search(r"^the plain schedule +the same once more$", said, re.MULTILINE)
    assert "left over from the run before" in said
    assert "seed=" not in said


def test_a_run_that_fails_in_one_schedule_only_is_found():
    @step("Claiming the table")
    async def claiming(guests: list) -> None:
        if guests:
            raise Busy("Somebody sits there.")

    said, _ = differing(concurrent(ada, claiming), resources=[guests])

    assert "Somebody sits there." in said


def test_a_secret_that_differs_is_found_and_not_told():
    @step("Rolling", secret=("rolling",))
    async def rolling() -> str:
        return f"hunter{random.randrange(10**9)}"

    said, _ = differing(rolling)

    assert said.startswith("The run of `party` gives something else in another schedule, that of seed 1.")
    assert "(It hides what is secret.)" in said
    assert "hunter" not in said


# Time limits that run out are no difference


def test_items_that_run_out_of_time_do_so_in_every_schedule():
    @step("Looking", timeout=5, fallback=[])
    async def looking() -> list[int]:
        async def look(item):
            await trio.sleep(6)
            return item

        return await each(range(10), look, at_most=10)

    assert same_in_every_schedule(Pipeline("looks", looking)).result == []


def test_a_recorded_service_that_was_too_slow_is_too_slow_in_every_schedule():
    answer = HttpResponse(status=200, text="hello", after=8)
    slow = Exchange(request=HttpRequest(method="GET", url="http://a.test/x"), response=answer)
    tape = Cassette(origin="composed", about="", at="2026-10-13T09:12:00+00:00", exchanges=(slow,))

    @step("Asking", timeout=5, fallback="nothing")
    async def asking(transport: httpx.AsyncBaseTransport) -> str:
        async with httpx.AsyncClient(transport=transport, timeout=None) as client:
            return (await client.get("http://a.test/x")).text

    assert same_in_every_schedule(Pipeline("asks", asking, resources=[transport]), cassette=tape).result == "nothing"
