"""`POST /runs/{id}/answers`: a person's answer over HTTP, and each way of being wrong."""

import pytest

from narrate import Pipeline, ask, connect, follow, step
from narrate.events import Question
from narrate.journal.sqlite import SqliteJournal
from tests.serving import served


@step("Deciding")
async def decided() -> str:
    return await ask("Ship it?", ["yes", "no"])


@step("Naming")
async def named() -> str:
    return await ask("What shall it be called?")


decides = Pipeline("decides", decided, named, linger=None)


async def until_asked(run) -> Question:
    """Read a remote run up to its next question."""
    async for event in run.events():
        if isinstance(event, Question):
            return event
    raise AssertionError("it asked nothing")


async def test_an_answer_is_told_and_the_run_goes_on():
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        question = await until_asked(run)
        answer = await server.client.post(f"{run.url}/answers", json={"value": "yes", "to": question.n})

        assert answer.status_code == 200
        told = answer.json()
        assert (told["type"], told["to"], told["value"], told["by"]) == ("answer", question.n, "yes", "person")
        second = await until_asked(run)
        assert second.question == "What shall it be called?"
        last = await server.client.post(f"{run.url}/answers", json={"value": "Ada", "to": second.n})
        assert last.status_code == 200
        assert await run.result() == "Ada"


async def test_the_same_answer_sent_again_is_answered_alike_and_another_is_refused():
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        question = await until_asked(run)
        both = [
            await server.client.post(f"{run.url}/answers", json={"value": "yes", "to": question.n}) for _ in range(2)
        ]
        late = await server.client.post(f"{run.url}/answers", json={"value": "no", "to": question.n})

        assert both[0].json() == both[1].json()
        assert late.status_code == 409
        assert late.json()["detail"] == "“Ship it?” was answered with “yes” already."


async def test_an_answer_that_names_no_question_and_is_sent_again_never_answers_the_next():
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        await until_asked(run)
        first = await server.client.post(f"{run.url}/answers", json={"value": "yes"})
        second = await until_asked(run)
        again = await server.client.post(f"{run.url}/answers", json={"value": "yes"})

        assert first.status_code == 200
        assert again.status_code == 409
        (error,) = again.json()["errors"]
        assert error["field"] == "to"
        assert f"{second.n} (“What shall it be called?”)" in error["detail"]
        await run.cancel()


@pytest.mark.parametrize(
    ("body", "status", "field", "said"),
    [
        ({"value": "maybe"}, 422, "value", "“maybe” is none of the choices, which are “yes”, “no”."),
        ({"value": 1}, 422, "value", "string"),
        ({}, 422, "value", "required"),
        ({"value": "yes", "to": 1}, 404, "to", "Event 1 of this run is no question. Open is 3 (“Ship it?”)."),
        ({"value": "yes", "to": 0}, 422, "to", "greater than or equal to 1"),
        ({"value": "yes", "to": "3"}, 422, "to", "integer"),
        ({"value": "yes", "for": 3}, 422, "for", "not permitted"),
    ],
)
async def test_a_wrong_answer_is_a_problem_that_names_the_field(body, status, field, said):
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        await until_asked(run)
        answer = await server.client.post(f"{run.url}/answers", json=body)

        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert said in error["detail"]
        await run.cancel()


async def test_what_is_no_json_or_not_said_to_be_is_refused():
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        await until_asked(run)
        form = await server.client.post(f"{run.url}/answers", data={"value": "yes"})
        broken = await server.client.post(
            f"{run.url}/answers", content="{", headers={"Content-Type": "application/json"}
        )

        assert (form.status_code, broken.status_code) == (415, 400)
        assert form.json()["detail"].startswith("Send the answer as JSON, not ")
        await run.cancel()


async def test_a_run_that_is_not_there_asks_nothing():
    async with served(decides) as server:
        answer = await server.client.post("/runs/nobody/answers", json={"value": "yes"})

        assert answer.status_code == 404
        assert "There is no run `nobody` here" in answer.json()["detail"]


async def test_a_run_that_has_ended_waits_for_no_answer():
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        await until_asked(run)
        await run.cancel()
        late = await server.client.post(f"{run.url}/answers", json={"value": "yes"})

        assert late.status_code == 409
        assert late.json()["detail"] == "“Ship it?” is not waited for any more."


async def test_a_runs_state_says_what_it_asks():
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        question = await until_asked(run)
        state = (await server.client.get(run.url)).json()

        assert state["steps"][0]["questions"] == [{"n": question.n, "question": "Ship it?", "choices": ["yes", "no"]}]
        await run.cancel()


async def test_a_question_waits_through_a_restart_of_the_server(tmp_path):
    journal = tmp_path / "runs.db"
    async with served(decides, journal=SqliteJournal(journal)) as first, connect(f"{first.url}/decides") as run:
        question = await until_asked(run)
    async with (
        served(decides, journal=SqliteJournal(journal)) as second,
        follow(f"{second.url}/runs/{run.id}", after=question.n) as again,
    ):
        answer = await second.client.post(f"/runs/{run.id}/answers", json={"value": "yes", "to": question.n})
        assert answer.status_code == 200
        later = await until_asked(again)
        assert later.question == "What shall it be called?"
        await again.answer("Ada", later.n)
        assert await again.result() == "Ada"


async def test_any_process_takes_the_answer(tmp_path):
    async with (
        served(decides, journal=SqliteJournal(tmp_path / "runs.db")) as runs_it,
        served(decides, journal=SqliteJournal(tmp_path / "runs.db")) as other,
        connect(f"{runs_it.url}/decides") as run,
    ):
        question = await until_asked(run)
        answer = await other.client.post(f"/runs/{run.id}/answers", json={"value": "no", "to": question.n})

        assert answer.status_code == 200
        assert answer.json()["value"] == "no"
        await run.cancel()


async def test_nobody_answers_for_another(tmp_path):
    def authorize(request):
        return request.headers.get("X-Name")

    ada, eve = {"X-Name": "ada"}, {"X-Name": "eve"}
    async with served(decides, authorize=authorize) as server, connect(f"{server.url}/decides", headers=ada) as run:
        await until_asked(run)
        stranger = await server.client.post(f"{run.url}/answers", json={"value": "yes"}, headers=eve)
        own = await server.client.post(f"{run.url}/answers", json={"value": "yes"}, headers=ada)

        assert (stranger.status_code, own.status_code) == (404, 200)
        await run.cancel()


async def test_the_python_client_answers_too():
    async with served(decides) as server, connect(f"{server.url}/decides") as run:
        async for event in run.events():
            if isinstance(event, Question):
                await run.answer("no" if event.choices else "Ada", event.n)

        assert await run.result() == "Ada"
