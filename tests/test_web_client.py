"""The browser's client against the real server: a whole story, one that is cut in the middle, and one cancelled."""

import json
from contextlib import aclosing, asynccontextmanager
from functools import partial

import trio
from pydantic import BaseModel

from narrate import Pipeline, relay, say, step
from tests.noding import NODE, WEB
from tests.serving import served


class Order(BaseModel):
    item: str


class Heard:
    """What the client said that it heard of a run."""

    def __init__(self, lines):
        said = [json.loads(line) for line in lines.splitlines()]
        self.events = [line["event"] for line in said if "event" in line]
        self.numbered = [event for event in self.events if "n" in event]
        self.connections = [line["connection"] for line in said if "connection" in line]
        self.states = [line["state"] for line in said if "state" in line]
        self.end = said[-1]


async def follow(url, *arguments):
    """Run the client in node to its end."""
    command = [*NODE, WEB / "client.js", url, json.dumps({"item": "tea"}), *arguments]
    return Heard((await trio.run_process(command, capture_stdout=True)).stdout)


async def record_of(server, run):
    """The record as the server keeps it."""
    answer = await server.client.get(f"/runs/{run}/events", headers={"Accept": "application/x-ndjson"})
    return [json.loads(line) for line in answer.text.splitlines()]


@asynccontextmanager
async def cut_once(port, mark, came_back):
    """The port of a relay to another that breaks its first connection after this mark, and says when one comes back."""
    connections = []

    async def up(client, server):
        async for data in client:
            await server.send_all(data)

    async def relayed(client):
        connections.append(client)
        if len(connections) > 1:
            came_back.set()
        async with await trio.open_tcp_stream("127.0.0.1", port) as server, trio.open_nursery() as nursery:
            nursery.start_soon(up, client, server)
            await down(server, client, cuts=len(connections) == 1)
            nursery.cancel_scope.cancel()

    async def down(server, client, *, cuts):
        seen = b""
        async for data in server:
            seen += data
            if cuts and mark in seen:
                await client.send_all(data.partition(mark)[0] + mark)
                return
            await client.send_all(data)

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, relayed, 0, host="127.0.0.1"))
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def test_the_client_hears_a_whole_run_as_the_server_keeps_it():
    @step("Brewing {order.item}")
    async def brew(order: Order) -> list[str]:
        say("The water is <b>hot</b>.")

        async def words():
            for word in ("Black ", "or ", "grün", "?"):
                yield word

        async with aclosing(words()) as spoken:
            return [await relay(spoken)]

    async with served(Pipeline("story", brew, takes=Order)) as server:
        heard = await follow(f"{server.url}/story")
        record = await record_of(server, heard.end["run"])

    assert [event["type"] for event in heard.numbered][:3] == ["run.started", "step.started", "message"]
    assert heard.numbered[2] == record[2]
    assert heard.numbered[-1] == record[-1]
    assert "".join(event["text"] for event in heard.events if event["type"] == "token") == "Black or grün?"
    assert heard.end["result"] == ["Black or grün?"]
    assert heard.end["last"] == record[-1]["n"]
    assert heard.end["url"] == f"{server.url}/runs/{heard.end['run']}"
    assert heard.connections == ["connecting", "open"]


async def test_a_connection_that_is_cut_in_mid_event_costs_the_client_nothing():
    begun = []
    came_back = trio.Event()

    @step("Counting")
    async def count(order: Order) -> int:
        begun.append(order.item)
        for number in range(10):
            say(f"{number}")
        await came_back.wait()
        for number in range(10, 20):
            say(f"{number}")
        return 20

    async with (
        served(Pipeline("story", count, takes=Order, linger=None)) as server,
        cut_once(server.port, b"id: 6\ndata: {", came_back) as port,
    ):
        heard = await follow(f"http://127.0.0.1:{port}/story")
        record = await record_of(server, heard.end["run"])

    assert heard.connections == ["connecting", "open", "waiting", "connecting", "open"]
    assert heard.numbered == record
    assert [event["n"] for event in heard.numbered] == list(range(1, 25))
    assert heard.end["result"] == 20
    assert begun == ["tea"]


async def test_cancelling_cancels_the_run_and_its_step():
    cancelled = []

    @step("Waiting")
    async def wait(order: Order) -> None:
        say("Here I am.")
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            cancelled.append(order.item)
            raise

    async with served(Pipeline("story", wait, takes=Order, linger=None)) as server:
        heard = await follow(f"{server.url}/story", "cancel")

    assert cancelled == ["tea"]
    assert [state["state"] for state in heard.states] == ["cancelled"]
    assert [event["type"] for event in heard.numbered[-2:]] == ["step.cancelled", "run.cancelled"]
    assert heard.end["result"]["name"] == "Failed"
    assert heard.end["result"]["problem"]["detail"] == "The client cancelled it."
