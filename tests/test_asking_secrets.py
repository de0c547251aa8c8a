"""`ask` where secrets are: nobody reads them, and the step is given what was meant."""

import pytest

from narrate import Retry, RunFailed, ask, check_record, run, start, step
from narrate.events import Answer, Question
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from narrate.wire.text import transcript
from tests.questioning import Busy, asks, told

SECRET = "hunter2hunter2"


@step("Making a code", secret=["code"])
async def code() -> str:
    return SECRET


async def test_a_secret_in_a_question_is_masked():
    @step("Deciding", secret=["code"])
    async def decided(code: str) -> str:
        return await ask(f"Is {code} right?", ["yes"])

    async with start(asks(code, decided)) as running:
        events = await told(running, "yes")
    assert SECRET not in transcript(events)


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_secret_that_is_answered_is_masked_and_reaches_the_step(attempts, autojump_clock):
    tries = []

    @step("Asking for the code", secret=["code"], retry=Retry(attempts=2, on=Busy))
    async def typed(code: str) -> bool:
        tries.append(await ask("Type the code again."))
        if len(tries) < attempts:
            raise Busy("Once more.")
        return tries[-1] == code

    async with start(asks(code, typed)) as running:
        events = await told(running, SECRET)

        assert await running.result() is True
    assert SECRET not in transcript(events)
    assert [event.value for event in events if isinstance(event, Answer)] == ["•••"]


async def test_a_choice_that_is_a_secret_is_masked_and_the_one_that_is_meant_is_given():
    @step("Offering", secret=["code"])
    async def chosen(code: str) -> bool:
        return await ask("Which?", ["none", f"the one with {code}"]) == f"the one with {code}"

    async with start(asks(code, chosen)) as running:
        events = await told(running, "the one with •••")

        assert await running.result() is True
    assert SECRET not in transcript(events)


async def test_choices_that_differ_only_in_secrets_cannot_be_offered():
    @step("Offering", secret=["codes"])
    async def chosen(codes: list[str]) -> str:
        return await ask("Which?", codes)

    @step("Making codes", secret=["codes"])
    async def codes() -> list[str]:
        return [SECRET, SECRET[::-1]]

    with pytest.raises(RunFailed) as failed:
        await run(asks(codes, chosen))
    assert "differ in more than secrets" in str(failed.value.__cause__)


async def test_a_default_that_is_a_secret_is_masked_and_given(autojump_clock):
    @step("Waiting", secret=["code"])
    async def waited(code: str) -> bool:
        return await ask("Which?", within=5, default=code) == code

    async with start(asks(code, waited)) as running:
        events = await told(running, None)

        assert await running.result() is True
    assert SECRET not in transcript(events)


async def test_a_secret_answer_reaches_the_step_that_is_gone_on_with(tmp_path):
    @step("Asking for the code", secret=["code"])
    async def typed(code: str) -> bool:
        first = await ask("Type the code again.")
        await ask("Go on?", ["yes"])
        return first == code

    pipeline = asks(code, typed)
    async with open_narrator([pipeline], journal=SqliteJournal(tmp_path / "runs.db")) as narrator:
        running = await narrator.begin(pipeline)
        async for event in running.events():
            if isinstance(event, Question):
                if event.question == "Go on?":
                    break
                await running.answer(SECRET, event.n)
        narrator.hand_over()
    async with open_narrator([pipeline], journal=SqliteJournal(tmp_path / "runs.db")) as narrator:
        await narrator.pick_up()
        running = narrator.maybe_run(running.id)
        await running.answer("yes", event.n)
        events = [event async for event in running.events()]

        assert await running.result() is True
    check_record(events)
    assert SECRET not in transcript(events)


@pytest.mark.parametrize("secret", ["person", "nobody", "default", "1000", "2"])
async def test_a_secret_spelt_like_our_own_words_hides_none_of_them(secret, autojump_clock):
    @step("Waiting", secret=["code"])
    async def waited(code: str) -> str:
        await ask("First?", ["yes"], within=1000)
        return await ask("Second?", within=1000)

    @step("Making a code", secret=["code"])
    async def code() -> str:
        return secret

    async with start(asks(code, waited)) as running:
        events = await told(running, "yes", None)
        with pytest.raises(RunFailed, match="Nobody has answered"):
            await running.result()
    assert [event.by for event in events if isinstance(event, Answer)] == ["person", "nobody"]
    assert {event.within for event in events if isinstance(event, Question)} == {1000}
