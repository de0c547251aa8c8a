"""A POST that waits for the result of a run which asks a person: it hears of the question, and the run goes on."""

import pytest

from narrate import Pipeline, ask, each, step
from narrate.journal.sqlite import SqliteJournal
from tests.serving import served, until
from tests.test_server_questions import decides

JSON = {"Accept": "application/json"}


@step("Deciding")
async def decision() -> str:
    return await ask("Ship it?", ["yes", "no"])


@step("Hurrying")
async def hurried() -> str:
    return await ask("Now?", within=60, default="no")


@step("Asking two in turn")
async def two() -> list[str]:
    async def asked(item: str) -> str:
        return await ask(f"{item}?")

    return await each(["A", "B"], asked)


once = Pipeline("once", decision, linger=0)
hurries = Pipeline("hurries", hurried, linger=0)
twice = Pipeline("twice", two, linger=0)


def questions_of(answer) -> list[tuple[int, str]]:
    """What is open, as a state says it."""
    return [(asked["n"], asked["question"]) for one in answer.json()["steps"] for asked in one.get("questions", ())]


async def ended(server, answer) -> dict:
    """The state of the run that an answer tells of, once it has ended."""
    run = server.service.narrator.maybe_run(answer.headers["narrate-run"])
    if run is not None:
        await until(lambda: run.ended)
    return (await server.client.get(answer.headers["location"])).json()


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ({}, None),
        ({"Prefer": "wait=600"}, "wait=600"),
        ({"Prefer": "respond-async, wait=600"}, "respond-async, wait=600"),
    ],
    ids=["no preference", "wait", "a job, and wait"],
)
async def test_who_waits_for_the_result_is_told_what_is_asked_and_where_the_run_is(prefer, applied):
    async with served(once) as server:
        answer = await server.client.post("/once", headers={**JSON, **prefer})

        home = f"/runs/{answer.headers['narrate-run']}"
        assert answer.status_code == 202
        assert answer.headers["location"] == answer.headers["content-location"] == home
        assert answer.headers["retry-after"] == "2"
        assert answer.headers.get("preference-applied") == applied
        assert answer.json()["state"] == "working"
        assert answer.json()["links"]["answers"] == f"{home}/answers"
        assert questions_of(answer) == [(3, "Ship it?")]


async def test_the_run_goes_on_though_nobody_reads_it_and_its_state_has_the_result():
    async with served(once) as server:
        answer = await server.client.post("/once", headers=JSON)
        given = await server.client.post(f"{answer.headers['location']}/answers", json={"value": "yes", "to": 3})

        assert given.status_code == 200
        state = await ended(server, answer)
        assert (state["state"], state["result"]) == ("finished", "yes")


async def test_the_same_request_again_is_told_what_is_asked_now_and_in_the_end_the_result():
    async with served(decides) as server:
        again = {**JSON, "Idempotency-Key": "k"}
        first, second = [await server.client.post("/decides", headers=again) for _ in range(2)]
        assert (first.status_code, second.status_code) == (202, 202)
        assert second.headers["idempotency-replayed"] == "true"
        assert questions_of(first) == questions_of(second) == [(3, "Ship it?")]

        answers = f"{first.headers['location']}/answers"
        await server.client.post(answers, json={"value": "yes", "to": 3})
        third = await server.client.post("/decides", headers=again)
        ((n, question),) = questions_of(third)
        assert (third.status_code, question) == (202, "What shall it be called?")

        await server.client.post(answers, json={"value": "Ada", "to": n})
        last = await server.client.post("/decides", headers=again)
        assert (last.status_code, last.json()) == (200, "Ada")


async def test_a_question_that_was_answered_before_is_waited_behind():
    async with served(twice) as server:
        again = {**JSON, "Idempotency-Key": "k"}
        first = await server.client.post("/twice", headers=again)
        ((n, _),) = questions_of(first)
        await server.client.post(f"{first.headers['location']}/answers", json={"value": "a", "to": n})

        second = await server.client.post("/twice", headers=again)
        ((later, question),) = questions_of(second)
        assert (second.status_code, question) == (202, "B?")
        assert later > n


async def test_a_question_that_is_answered_by_itself_in_time_is_told_all_the_same(mock_clock):
    async with served(hurries) as server:
        answer = await server.client.post("/hurries", headers=JSON)

        assert (answer.status_code, [question for _, question in questions_of(answer)]) == (202, ["Now?"])
        mock_clock.jump(60)
        assert (await ended(server, answer))["result"] == "no"


async def test_a_run_that_another_process_runs_is_answered_alike(tmp_path):
    async with (
        served(once, journal=SqliteJournal(tmp_path / "runs.db")) as runs_it,
        served(once, journal=SqliteJournal(tmp_path / "runs.db")) as other,
    ):
        again = {**JSON, "Idempotency-Key": "k"}
        first = await runs_it.client.post("/once", headers=again)
        second = await other.client.post("/once", headers=again)

        assert (second.status_code, questions_of(second)) == (202, [(3, "Ship it?")])
        assert second.headers["narrate-run"] == first.headers["narrate-run"]


async def test_a_stream_is_not_cut_by_a_question():
    async with served(once) as server, await server.asked("/once") as client:
        await client.head()
        question = await client.until("question")
        run = server.service.narrator.runs[0]
        await run.answer("no", question["n"])
        assert (await client.until("run.finished"))["result"] == "no"
