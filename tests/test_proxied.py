"""Stories through a real nginx that stands in front of a server, as it comes."""

from functools import partial

import httpx
import pytest
import trio

from narrate import connect, say
from tests.proxying import nginx
from tests.serving import one_step, served

FORMS = ["text/event-stream", "application/x-ndjson", "text/plain"]


@pytest.fixture
def gate() -> trio.Event:
    """What a step waits for, between two lines that it says."""
    return trio.Event()


@pytest.fixture
def story(gate):
    async def work() -> str:
        say("It has begun.")
        await gate.wait()
        say("It goes on.")
        return "done"

    return one_step(work)


async def read_until(chunks, mark: str) -> str:
    """What comes until this has come."""
    heard = ""
    async for chunk in chunks:
        heard += chunk.decode()
        if mark in heard:
            return heard
    raise AssertionError(f"{mark!r} never came, but {heard!r}")


@pytest.mark.parametrize("form", FORMS)
async def test_what_is_told_arrives_while_the_run_goes_on(story, gate, form):
    async with served(story) as server, httpx.AsyncClient(timeout=20) as http:
        with nginx(server.port) as front:
            async with http.stream("POST", f"{front.url}/story", headers={"Accept": form}) as answer:
                chunks = answer.aiter_raw()
                before = await read_until(chunks, "It has begun.")
                gate.set()
                after = await read_until(chunks, "It goes on.")
                async for _ in chunks:
                    pass
    assert "It goes on." not in before
    assert "It has begun." not in after


async def test_a_client_hears_each_event_before_the_next_is_told(story, gate):
    async with served(story) as server:
        with nginx(server.port) as front:
            async with connect(f"{front.url}/story") as run:
                heard = []
                async for event in run.events():
                    heard.append(event.type)
                    if event.type == "message":
                        gate.set()
    assert heard[-1] == "run.finished"
    assert heard.count("message") == 2


async def test_a_client_goes_on_where_it_was_when_nginx_is_restarted(story, gate):
    async with served(story) as server:
        with nginx(server.port) as front:
            async with connect(f"{front.url}/story") as run:
                numbers = []
                async for event in run.events():
                    numbers.append(event.n)
                    if event.type == "message" and not gate.is_set():
                        await trio.to_thread.run_sync(front.restart)
                        gate.set()
                assert await run.result() == "done"
                record = (await server.service.narrator.journal.maybe_reader(run.id)).take_nowait()
    assert numbers == [event.n for event in record]


async def test_a_stream_outlives_a_reload_of_nginx(story, gate):
    async with served(story) as server, httpx.AsyncClient(timeout=20) as http:
        with nginx(server.port) as front:
            async with http.stream("POST", f"{front.url}/story") as answer:
                chunks = answer.aiter_raw()
                await read_until(chunks, "It has begun.")
                await trio.to_thread.run_sync(partial(front.reload))
                gate.set()
                await read_until(chunks, "run.finished")
                async for _ in chunks:
                    pass
