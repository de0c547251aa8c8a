"""The same key and the same body are the same run, however often they are sent, and in whichever answer."""

from functools import partial

import pytest
import trio
from pydantic import BaseModel

from narrate import Pipeline, say, step
from narrate.server import Options
from tests.serving import heard, served, until

JSON = {"Accept": "application/json"}
ASYNC = {"Prefer": "respond-async"}


class Order(BaseModel):
    item: str


class Shop:
    """Takes orders, and counts them."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.open = trio.Event()

    def pipeline(self, name="story", **options) -> Pipeline:
        @step("Ordering")
        async def order(wanted: Order) -> str:
            self.taken.append(wanted.item)
            say("Taken.")
            await self.open.wait()
            return wanted.item

        return Pipeline(name, order, takes=Order, **options)


@pytest.fixture
def shop() -> Shop:
    return Shop()


KEY = {"Idempotency-Key": "k-1"}


async def test_the_same_post_again_is_the_same_run_in_every_answer(shop):
    shop.open.set()
    async with served(shop.pipeline(linger=None)) as server:
        ask = partial(server.client.post, "/story", json={"item": "tea"})
        first = await ask(headers=KEY)
        stream = await ask(headers=KEY)
        lines = await ask(headers={**KEY, "Accept": "application/x-ndjson"})
        result = await ask(headers={**KEY, **JSON})
        job = await ask(headers={**KEY, **ASYNC})
        again = [stream, lines, result, job]
        assert [each.status_code for each in again] == [200, 200, 200, 202]
        assert {each.headers["narrate-run"] for each in again} == {first.headers["narrate-run"]}
        assert {each.headers["idempotency-replayed"] for each in again} == {"true"}
        assert "idempotency-replayed" not in first.headers
        assert stream.content == (await server.client.get(first.headers["content-location"])).content
        assert (result.json(), job.json()["result"]) == ("tea", "tea")
        assert shop.taken == ["tea"]


async def test_the_same_post_goes_on_behind_the_last_event_heard(shop):
    shop.open.set()
    async with served(shop.pipeline(linger=None)) as server:
        ask = partial(server.client.post, "/story", json={"item": "tea"})
        record = [event for event in heard((await ask(headers=KEY)).content) if "n" in event]
        for n in range(len(record)):
            answer = await ask(headers={**KEY, "Last-Event-ID": str(n)})
            assert heard(answer.content) == record[n:]
        end = await ask(headers={**KEY, "Last-Event-ID": str(len(record))})
        assert (end.status_code, end.content, end.headers["idempotency-replayed"]) == (204, b"", "true")


async def test_a_run_that_was_heard_of_and_is_forgotten_is_not_begun_anew(shop):
    async with served(shop.pipeline()) as server:
        answer = await server.client.post("/story", json={"item": "tea"}, headers={**KEY, "Last-Event-ID": "3"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (410, "Idempotency-Key")
    assert answer.json()["detail"].endswith("the server has forgotten it.")
    assert shop.taken == []


async def test_a_reader_that_comes_back_with_its_key_keeps_its_run_alive(shop, mock_clock):
    pipeline = shop.pipeline(linger=10)
    key = "Idempotency-Key: k-1\r\n"
    async with served(pipeline) as server:
        async with await server.asked(data={"item": "tea"}, headers=key) as first:
            _, headers = await first.head()
            seen = await first.until("message")
        await until(lambda: not len(server.service.streams))
        mock_clock.jump(9)
        again = f"{key}Last-Event-ID: {seen['n']}\r\n"
        async with await server.asked(data={"item": "tea"}, headers=again) as second:
            assert (await second.head())[1]["narrate-run"] == headers["narrate-run"]
            mock_clock.jump(60)
            await until(lambda: len(server.service.streams) == 1)
            shop.open.set()
            assert [event["type"] for event in heard(await second.body())] == ["step.finished", "run.finished"]
        assert shop.taken == ["tea"]


async def test_the_same_key_with_another_body_is_refused(shop):
    shop.open.set()
    async with served(shop.pipeline(linger=None)) as server:
        await server.client.post("/story", json={"item": "tea"}, headers=KEY)
        answer = await server.client.post("/story", json={"item": "milk"}, headers=KEY)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
        assert shop.taken == ["tea"]


async def test_a_key_is_one_pipelines_own(shop):
    shop.open.set()
    async with served(shop.pipeline("one"), shop.pipeline("two")) as server:
        for path in ("/one", "/two"):
            answer = await server.client.post(path, json={"item": path}, headers=KEY)
            assert "idempotency-replayed" not in answer.headers
        assert shop.taken == ["/one", "/two"]


async def test_twins_at_once_are_one_run(shop):
    async with served(shop.pipeline(linger=0)) as server:
        wires = [
            await server.asked(data={"item": "tea"}, headers="Idempotency-Key: k-1\r\n", accept=accept)
            for accept in ("text/event-stream", "application/json", "text/event-stream", "application/json")
        ]
        await until(lambda: len(server.service.streams) == 2)
        shop.open.set()
        heads = [await wire.head() for wire in wires]
        assert {status for status, _ in heads} == {200}
        assert len({headers["narrate-run"] for _, headers in heads}) == 1
        assert sum("idempotency-replayed" in headers for _, headers in heads) == 3
        assert shop.taken == ["tea"]
        for wire in wires:
            await trio.aclose_forcefully(wire.stream)


async def test_a_limit_on_runs_does_not_keep_a_client_from_its_own_run(shop):
    options = Options(max_runs=1, grace=0)
    async with served(shop.pipeline(linger=None), options=options) as server:
        async with await server.asked(data={"item": "tea"}, headers="Idempotency-Key: k-1\r\n") as first:
            await first.until_started()
        ask = partial(server.client.post, "/story")
        other = await ask(json={"item": "milk"}, headers={"Idempotency-Key": "k-2"})
        wrong = await ask(json={"item": "milk"}, headers=KEY)
        own = await ask(json={"item": "tea"}, headers={**KEY, **ASYNC})
        assert [other.status_code, wrong.status_code, own.status_code] == [503, 422, 202]
        assert own.headers["idempotency-replayed"] == "true"


async def test_a_limit_on_runs_does_not_keep_a_client_from_a_result_that_is_there(shop):
    options = Options(max_runs=1, grace=0)
    async with served(shop.pipeline(linger=None), options=options) as server:
        ask = partial(server.client.post, "/story")
        shop.open.set()
        first = await ask(json={"item": "tea"}, headers={**KEY, "Accept": "application/json"})
        shop.open = trio.Event()
        await ask(json={"item": "milk"}, headers=ASYNC)
        again = await ask(json={"item": "tea"}, headers={**KEY, "Accept": "application/json"})

    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


@pytest.mark.parametrize("header", ["Idempotency-Key: two words", "Idempotency-Key: k\r\nLast-Event-ID: x"])
async def test_a_key_or_a_place_that_is_none_is_refused_before_anything_is_begun(shop, header):
    async with served(shop.pipeline()) as server, await server.asked(data={}, headers=header + "\r\n") as client:
        status, _, _ = await client.answer()
        assert (status, server.service.narrator.runs) == (400, ())
