"""Uses that are odd but legal, and what they must not break: each was broken once."""

import logging
import sys
from typing import Annotated

import pytest
import trio
from pydantic import AfterValidator, BaseModel
from typing_extensions import TypedDict

from narrate import (
    BadInput,
    Caller,
    DeclarationError,
    Limits,
    Pipeline,
    RecordGone,
    check_record,
    concurrent,
    each,
    relay,
    run,
    say,
    start,
    step,
)
from narrate.errors import RunFailed
from narrate.events import Message, StepSkipped, Token
from narrate.journal.base import Retention
from narrate.journal.memory import MemoryJournal
from narrate.narrator import open_narrator
from narrate.wire.text import TextForm
from tests.serving import served


async def told(pipeline, given=None):
    async with start(pipeline, given) as running:
        return [event async for event in running.events()]


class Login(BaseModel):
    token: str


@step("Doing it")
async def one() -> int:
    return 1


async def test_an_input_that_changes_when_it_is_validated_is_validated_once():
    class Doubled(TypedDict):
        n: Annotated[int, AfterValidator(lambda n: n * 2)]

    @step("Looking")
    async def look(given: Doubled) -> int:
        return given["n"]

    doubling = Pipeline("doubling", look, takes=Doubled)
    assert await run(doubling, {"n": 1}) == 2
    async with served(doubling) as server:
        answer = await server.client.post("/doubling", json={"n": 1})
    assert '"result":2' in answer.text


async def test_what_on_error_says_is_the_steps_own_and_told_after_the_items():
    async def fail(n):
        raise ValueError(n)

    def stand_in(n, error):
        say(f"Without {n}.")
        return 0

    @step("Trying")
    async def trying() -> list[int]:
        return await each([1, 2], fail, label=str, on_error=stand_in)

    events = await told(Pipeline("trying", trying))
    check_record(events)
    assert [(e.step, e.text) for e in events if isinstance(e, Message)] == [
        ("trying", "Without 1."),
        ("trying", "Without 2."),
    ]


async def test_a_relay_that_outlives_its_step_says_no_more(autojump_clock):
    async def endless():
        for n in range(9):
            yield str(n)

    @step("Going on for long")
    async def long() -> int:
        await trio.sleep(5)
        return 1

    async with trio.open_nursery() as outside:

        @step("Leaving a relay behind")
        async def leaving() -> int:
            outside.start_soon(relay, endless())
            await trio.sleep(1)
            return 2

        events = await told(Pipeline("p", concurrent(long, leaving), limits=Limits(held_events=2)))
    check_record(events)
    assert len([e for e in events if isinstance(e, Token)]) == 2


async def test_a_condition_tells_no_secret_that_only_it_is_given():
    def never(login: Login) -> bool:
        return False

    @step("Signing in", when=never, otherwise="Not with {login.token}.", secret=("token",))
    async def sign_in() -> int:
        return 1

    events = await told(Pipeline("p", sign_in, takes=Login), {"token": "hunter22"})
    assert [e.reason for e in events if isinstance(e, StepSkipped)] == ["Not with •••."]


async def test_a_fallback_that_is_a_list_is_not_shared_between_runs():
    @step("Failing", fallback=[])
    async def failing() -> list[int]:
        raise ValueError

    @step("Adding one")
    async def adding(failing: list[int]) -> int:
        failing.append(1)
        return len(failing)

    pipeline = Pipeline("p", failing, adding)
    assert [await run(pipeline) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("path", ["/x/<id>", "/x?y", "/x#y", "/x y"])
def test_a_path_that_is_more_than_a_path_is_refused(path):
    with pytest.raises(DeclarationError, match="has a `<`, `>`"):
        Pipeline("p", one, path=path)


async def test_an_optional_caller_and_an_optional_input_are_given():
    @step("Looking")
    async def look(caller: Caller | None = None, login: Login | None = None) -> str:
        return f"{caller.ip} {login.token}"

    assert await run(Pipeline("p", look, takes=Login), {"token": "t"}, caller=Caller(ip="192.0.2.1")) == "192.0.2.1 t"


async def test_whoever_holds_a_run_can_read_it_when_the_journal_has_let_it_go():
    pipeline = Pipeline("p", one)
    journal = MemoryJournal(Retention(age=0))
    async with open_narrator([pipeline], journal=journal) as narrator:
        running = await narrator.begin(pipeline)
        before = [event async for event in running.events()]
        await narrator.begin(pipeline)
        with pytest.raises(RecordGone, match="is no longer kept"):
            await journal.maybe_reader(running.id)

        assert [event.type async for event in running.events()] == ["gap", before[-1].type]


async def test_half_a_character_in_a_title_breaks_no_form():
    @step("Finding")
    async def half() -> str:
        return "x\ud800"

    @step("Showing {half}")
    async def show_it(half: str) -> int:
        return 1

    events = await told(Pipeline("p", half, show_it))
    assert "Showing x\ufffd" in TextForm().events(events).decode()


async def test_many_short_stays_leave_one_task_behind():
    @step("Waiting")
    async def wait() -> None:
        await trio.sleep_forever()

    pipeline = Pipeline("p", wait, linger=60)
    async with trio.open_nursery() as nursery, open_narrator([pipeline]) as narrator:
        running = await narrator.begin(pipeline)
        await trio.testing.wait_all_tasks_blocked()
        before = trio.lowlevel.current_statistics().tasks_living
        for _ in range(100):
            with running.reading():
                pass
        await trio.testing.wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().tasks_living == before + 1
        nursery.cancel_scope.cancel()


async def test_a_made_up_line_cannot_be_put_into_the_access_log(caplog):
    with caplog.at_level(logging.INFO, "narrate.access"):
        async with served(Pipeline("p", one)) as server:
            await server.client.get("/x%0A10.0.0.9%20%22POST%20/admin%22%20200%1b[31m")
    [line] = [record.getMessage() for record in caplog.records if record.name == "narrate.access"]
    assert "\n" not in line
    assert "\x1b" not in line


async def test_a_bad_input_is_refused_before_any_resource_is_opened():
    with pytest.raises(BadInput):
        await run(Pipeline("p", one, takes=Login), {"token": 1})


async def test_a_result_without_a_json_form_is_a_clear_failure():
    @step("Making")
    async def make() -> object:
        return object()

    with pytest.raises(RunFailed, match="has no JSON form"):
        await run(Pipeline("p", make))


async def test_a_step_that_exits_fails_and_the_server_lives():
    @step("Leaving")
    async def leave() -> int:
        sys.exit(3)

    async with served(Pipeline("p", leave), Pipeline("q", one)) as server:
        failed = await server.client.post("/p", headers={"Accept": "text/plain"})
        again = await server.client.post("/q", headers={"Accept": "text/plain"})
    assert "It tried to end the whole program." in failed.text
    assert "Done" in again.text


async def test_a_failed_run_has_the_steps_error_as_its_cause():
    @step("Failing")
    async def failing() -> int:
        raise KeyError("here")

    with pytest.raises(RunFailed) as failed:
        await run(Pipeline("p", failing))
    assert isinstance(failed.value.__cause__, KeyError)


async def test_a_forgotten_await_is_named():
    @step("Forgetting")
    async def forgetting() -> object:
        return each([1], one)

    with pytest.raises(RunFailed, match="forgetting: It gave back a coroutine"):
        await run(Pipeline("p", forgetting))


@pytest.mark.parametrize(
    ("wrong", "said"), [({"timeout": "3s"}, "is no number of seconds"), ({"retry": 3}, "is no Retry")]
)
def test_an_option_of_another_type_is_one_clear_error(wrong, said):
    with pytest.raises(DeclarationError, match=said):
        step("Doing it", **wrong)(one.fn)


def test_a_pipeline_without_a_name_is_one_clear_error():
    with pytest.raises(DeclarationError, match="name comes first"):
        Pipeline(one, one)


@pytest.mark.parametrize("size", range(1, 12))
async def test_a_secret_that_is_relayed_in_pieces_is_never_told(size):
    wrote = "It is hunter22, as hunhunter22 is, but no hunter2."

    async def pieces():
        for at in range(0, len(wrote), size):
            yield wrote[at : at + size]

    @step("Answering", secret=("token",))
    async def answer(login: Login) -> int:
        return len(await relay(pieces()))

    events = await told(Pipeline("p", answer, takes=Login), {"token": "hunter22"})
    assert "".join(e.text for e in events if isinstance(e, Token)) == "It is •••, as hun••• is, but no hunter2."
    assert events[-1].result == len(wrote)
