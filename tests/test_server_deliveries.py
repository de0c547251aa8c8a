"""What can be asked of webhooks: one's own, where somebody authorizes requests, and nobody else's."""

import pytest
from quart import Request

from narrate.delivery import Delivery
from narrate.events import RunId
from narrate.journal.base import Retention
from narrate.journal.memory import MemoryJournal
from narrate.server import Options
from tests.serving import one_step, served


async def work() -> int:
    return 1


def owner(request: Request) -> str | None:
    return request.headers.get("X-Owner")


ANNA, BERT = {"X-Owner": "anna"}, {"X-Owner": "bert"}
OPTIONS = Options(grace=0)
WORKING = one_step(work, linger=None)


async def with_delivery(server, headers, number=1, **fields) -> tuple[str, str]:
    """A run with a delivery in some state; the ids of both."""
    run = RunId((await server.client.post("/story", headers=headers)).headers["narrate-run"])
    given = {"state": "dead", "attempts": 10, "last": "It answered 500.", **fields}
    delivery = Delivery(id=f"msg_{number}", run=run, url="https://u.example:8443/hook/s3cret?key=s3cret", **given)
    await server.service.narrator.journal.put(delivery)
    return run, delivery.id


async def test_dead_letters_are_listed_to_whose_runs_they_tell_of_without_what_may_be_secret():
    async with served(WORKING, authorize=owner, options=OPTIONS) as server:
        run, dead = await with_delivery(server, ANNA)
        await with_delivery(server, ANNA, 2, state="delivered", attempts=1, last="It answered 200 OK.")
        await with_delivery(server, BERT, 3)
        await with_delivery(server, {}, 4)
        answer = await server.client.get("/deliveries", params={"state": "dead"}, headers=ANNA)
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.json() == [
            {
                "id": dead,
                "state": "dead",
                "attempts": 10,
                "last": "It answered 500.",
                "run": run,
                "url": "https://u.example:8443",
                "due": None,
            }
        ]
        every = (await server.client.get("/deliveries", headers=ANNA)).json()
        assert [one["id"] for one in every] == ["msg_2", "msg_1"]
        assert (await server.client.get("/deliveries")).json() == []


async def test_a_runs_own_deliveries_are_in_its_state():
    async with served(WORKING, authorize=owner, options=OPTIONS) as server:
        run, dead = await with_delivery(server, ANNA)
        told = (await server.client.get(f"/runs/{run}", headers=ANNA)).json()["deliveries"]
        assert told == [{"id": dead, "state": "dead", "attempts": 10, "last": "It answered 500."}]


async def test_a_dead_letter_is_sent_again_for_its_owner_alone():
    async with served(WORKING, authorize=owner, options=OPTIONS) as server:
        _, dead = await with_delivery(server, ANNA)
        for other in (BERT, {}):
            assert (await server.client.post(f"/deliveries/{dead}/resend", headers=other)).status_code == 404
        answer = await server.client.post(f"/deliveries/{dead}/resend", headers=ANNA)
        told = answer.json()
        assert (answer.status_code, told["state"], told["attempts"]) == (202, "due", 0)
        assert told["due"] is not None


async def test_one_that_waits_for_its_runs_end_is_not_sent():
    async with served(WORKING, authorize=owner, options=OPTIONS) as server:
        _, waiting = await with_delivery(server, ANNA, state="waiting", attempts=0, last=None)
        answer = await server.client.post(f"/deliveries/{waiting}/resend", headers=ANNA)
        assert (answer.status_code, "has not ended" in answer.json()["detail"]) == (409, True)


async def test_one_of_a_run_that_is_no_longer_kept_is_nobodys():
    now = [0.0]
    journal = MemoryJournal(Retention(age=1), lambda: now[0])
    async with served(WORKING, authorize=owner, options=OPTIONS, journal=journal) as server:
        run = RunId((await server.client.post("/story", headers=ANNA)).headers["narrate-run"])
        for now[0] in (1.5, 3):
            await server.client.get(f"/runs/{run}", headers=ANNA)
        await journal.put(Delivery(id="msg_1", run=run, url="https://u.example", state="dead"))
        assert (await server.client.get("/deliveries", headers=ANNA)).json() == []
        assert (await server.client.post("/deliveries/msg_1/resend", headers=ANNA)).status_code == 404


async def test_a_list_is_not_endless():
    async with served(WORKING, authorize=owner, options=OPTIONS) as server:
        run, _ = await with_delivery(server, ANNA)
        for number in range(150):
            await server.service.narrator.journal.put(
                Delivery(id=f"m{number}", run=RunId(run), url="https://a.example")
            )
        assert len((await server.client.get("/deliveries", headers=ANNA)).json()) == 100


async def test_a_state_that_there_is_not_is_refused():
    async with served(WORKING, authorize=owner, options=OPTIONS) as server:
        answer = await server.client.get("/deliveries", params={"state": "lost"}, headers=ANNA)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "state")


@pytest.mark.parametrize(("method", "path"), [("GET", "/deliveries"), ("POST", "/deliveries/msg_1/resend")])
async def test_where_nobody_authorizes_there_is_nothing(method, path):
    async with served(WORKING, options=OPTIONS) as server:
        await with_delivery(server, {})
        answer = await server.client.request(method, path)
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is nothing at this address.")
