"""What a step can say while it works: outside a run, inside one, from threads, and at the bounds."""

import threading
from dataclasses import dataclass
from functools import partial

import pytest
import trio
import trio.testing
from pydantic import BaseModel, ConfigDict, model_serializer

from narrate import (
    Limits,
    NarrationTooLong,
    NotTellable,
    Pipeline,
    RunCancelled,
    RunFailed,
    concurrent,
    current_run,
    each,
    progress,
    relay,
    run,
    say,
    show,
    start,
    step,
)


async def events_of(pipeline, *, status=False):
    async with start(pipeline) as running:
        return [event async for event in running.events(status=status)]


async def told_by(fn, kind="message", **options):
    """The events of one kind that a pipeline of this one step tells."""
    events = await events_of(Pipeline("p", step("A", **options)(fn)), status=kind == "progress")
    assert events[-1].type == "run.finished"
    return [event for event in events if event.type == kind]


async def pieces(*texts):
    for text in texts:
        yield text


async def double(number):
    return number * 2


# --- Outside a run ---


async def test_outside_a_run_the_verbs_do_nothing_and_give_what_they_give():
    say("a")
    show("a", object())
    progress(1, 2)

    assert await relay(pieces("a", "", "b")) == "ab"
    assert await each(range(3), double, label=str) == [0, 2, 4]
    assert current_run() is None


@pytest.mark.parametrize(
    ("speak", "wrong"),
    [
        (partial(say, 5), "say() takes text, not int."),
        (partial(say, None), "say() takes text, not NoneType."),
        (partial(show, b"title", {}), "show() takes text, not bytes."),
        (partial(progress, "3"), "progress() takes numbers, not str."),
        (partial(progress, 1, [2]), "progress() takes numbers, not list."),
        (partial(progress, 1, unit=2), "progress() takes text, not int."),
        (partial(progress, text=b""), "progress() takes text, not bytes."),
    ],
    ids=str,
)
def test_a_word_of_the_wrong_type_is_refused_in_a_run_or_out_of_one(speak, wrong):
    with pytest.raises(TypeError) as caught:
        speak()

    assert str(caught.value) == wrong


async def test_a_piece_of_the_wrong_type_is_refused():
    with pytest.raises(TypeError, match=r"^relay\(\) takes text, not int.$"):
        await relay(pieces("a", 5))


async def test_no_item_is_ever_begun_with_no_place_for_one():
    with pytest.raises(ValueError, match=r"^at_most=0 never begins.$"):
        await each([1], double, at_most=0)


# --- say, show, progress ---


async def test_a_plain_def_speaks_from_its_thread():
    main = threading.get_ident()

    def work():
        say("hello")
        show("data", [1])
        progress(1, 2, "files", "reading")
        return threading.get_ident() != main

    events = await events_of(Pipeline("p", step("A")(work)), status=True)
    told = {event.type: event for event in events}

    assert (told["message"].text, told["detail"].data, told["run.finished"].result) == ("hello", [1], True)
    status = told["progress"]
    assert (status.step, status.done, status.of, status.unit, status.text) == ("work", 1, 2, "files", "reading")


async def test_what_a_verb_raises_reaches_the_thread():
    def work():
        with pytest.raises(NotTellable):
            say("\ud800")
        with pytest.raises(NotTellable):
            show("x", object())

    await told_by(work)


async def test_half_a_character_is_not_told():
    async def work():
        for speak in (partial(say, "a\ud800"), partial(show, "\udc00", 1), partial(progress, text="\ud800")):
            with pytest.raises(NotTellable, match="The text is not valid Unicode: surrogates not allowed at"):
                speak()
        say("😀 é")

    assert [event.text for event in await told_by(work)] == ["😀 é"]


async def test_what_is_shown_is_a_copy():
    async def work():
        data = {"a": [1]}
        show("before", data)
        data["a"].append(2)
        show("after", data)

    assert [event.data for event in await told_by(work, "detail")] == [{"a": [1]}, {"a": [1, 2]}]


class Model(BaseModel):
    city: str


@dataclass
class Data:
    model: Model


class Constants(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")
    number: float


class Leaky(BaseModel):
    @model_serializer
    def leak(self):
        raise ValueError("s3cret")


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (float("nan"), None),
        ([float("inf")], [None]),
        (Model(city="Wien"), {"city": "Wien"}),
        (Data(Model(city="Wien")), {"model": {"city": "Wien"}}),
        ({1: {2}}, {"1": [2]}),
        (2**70, 2**70),
        (None, None),
    ],
    ids=repr,
)
async def test_data_is_told_as_plain_json(shown, told):
    async def work():
        show("it", shown)

    (detail,) = await told_by(work, "detail")

    assert (detail.title, detail.data) == ("it", told)


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        (object(), "A value of type `object` has no JSON form."),
        ({"a": [object()]}, "A value of type `dict` has no JSON form: there is a `object` in it."),
        (Constants(number=float("nan")), "A value of type `Constants` has no JSON form."),
        (Leaky(), "A value of type `Leaky` has no JSON form."),
        (b"\xff", "A value of type `bytes` has no JSON form."),
        ("\ud800", "A value of type `str` has no JSON form."),
    ],
    ids=["object", "within", "nan", "leaky", "bytes", "surrogate"],
)
async def test_data_without_a_json_form_is_not_told_and_no_foreign_text_is_quoted(shown, wrong):
    with pytest.raises(RunFailed) as caught:
        await run(Pipeline("p", step("A", name="a")(partial_show(shown))))

    assert str(caught.value) == (f"a: show('it', …): {wrong} Give a pydantic model, a dataclass or plain data.")


def partial_show(shown):
    async def work():
        show("it", shown)

    return work


async def test_a_step_that_has_ended_says_nothing_more(nursery):
    left = trio.Event()

    async def late():
        await left.wait()
        say("too late")
        progress(1)
        return await relay(pieces("also", "late")), await each([1], double, label=str)

    async def work():
        nursery.start_soon(late)
        say("in time")

    messages = await told_by(work)
    left.set()
    await trio.testing.wait_all_tasks_blocked()

    assert [event.text for event in messages] == ["in time"]


async def test_a_step_knows_its_run():
    async def work():
        return current_run()

    async with start(Pipeline("p", step("A")(work))) as running:
        assert await running.result() == running.id


# --- relay ---


async def test_relay_tells_each_piece_and_returns_the_whole():
    async def work():
        return await relay(pieces("Hel", "", "lo", "\ud83d", "."))

    events = await events_of(Pipeline("p", step("A")(work)))

    assert [event.text for event in events if event.type == "token"] == ["Hel", "lo", "�", "."]
    assert events[-1].result == "Hello�."


async def test_relay_of_very_many_pieces_that_are_there_lets_others_have_their_turn():
    turns = []

    async def work():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            await relay(pieces(*"x" * 100))
            turns.append("done")

    async def other():
        turns.append("other")

    await told_by(work)

    assert turns == ["other", "done"]


async def test_relay_takes_any_asynchronous_iterable():
    send, receive = trio.open_memory_channel(5)
    for word in ("a", "b"):
        send.send_nowait(word)
    send.close()

    assert await relay(receive) == "ab"


async def test_what_makes_the_pieces_is_cleaned_up_within_the_step_that_is_cancelled():
    steps, flowing = [], trio.Event()

    async def stream():
        try:
            while True:
                yield "x"
                flowing.set()
        finally:
            with trio.CancelScope(shield=True):
                await trio.lowlevel.checkpoint()
            steps.append("closed")

    async def work():
        try:
            await relay(stream())
        finally:
            steps.append("left")

    async with start(Pipeline("p", step("A")(work))) as running:
        await flowing.wait()
        running.cancel()
        with pytest.raises(RunCancelled):
            await running.result()

    assert steps == ["closed", "left"]


def bounded(*members, events=2, size=1000):
    return Pipeline("p", concurrent(*members), limits=Limits(held_events=events, held_bytes=size))


async def test_relay_waits_at_the_bound_until_its_turn(autojump_clock):
    made = []

    async def count():
        for n in range(6):
            made.append((n, trio.current_time() - began))
            yield str(n)

    @step("A")
    async def first():
        await trio.sleep(5)

    @step("B")
    async def second():
        return await relay(count())

    began = trio.current_time()
    events = await events_of(bounded(first, second))

    assert [round(t) for _, t in made] == [0, 0, 0, 5, 5, 5]
    assert [event.text for event in events if event.type == "token"] == list("012345")


async def test_relay_goes_on_in_its_turn_though_a_lane_behind_it_holds_all_there_is_room_for(autojump_clock):
    @step("A")
    async def first():
        await trio.sleep(2)

    @step("B")
    async def second():
        await trio.sleep(1)
        return await relay(pieces("a", "b"))

    @step("C")
    async def third():
        say("this fills it")

    with trio.fail_after(60):
        events = await events_of(bounded(first, second, third, events=1))

    assert events[-1].result == {"first": None, "second": "ab", "third": None}


@pytest.mark.parametrize(("events", "size"), [(2, 1000), (100, 12)])
async def test_saying_more_than_may_be_held_back_is_an_error(autojump_clock, events, size):
    @step("A")
    async def first():
        await trio.sleep(1)

    @step("B")
    async def second():
        for _ in range(3):
            say("12345")

    with pytest.raises(RunFailed) as caught:
        await run(bounded(first, second, events=events, size=size))

    assert str(caught.value) == (
        "second: Its turn to be told has not come, and 2 events of 10 bytes are held back already. "
        "Say less, use `relay` (which waits), or raise the run's limits."
    )
    with pytest.raises(NarrationTooLong):
        raise NarrationTooLong(2, 10)


async def test_the_lane_that_is_live_may_say_as_much_as_it_likes():
    @step("A")
    async def first():
        for _ in range(100):
            say("12345")

    @step("B")
    async def second(): ...

    assert len(await events_of(bounded(first, second))) == 1 + 2 + 100 + 2 + 1
