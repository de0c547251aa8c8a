"""Readers who leave, and what becomes of their runs: as declared, never by accident."""

import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import httpx
import pytest
import trio
import trio.testing
from quart import Response

from narrate import say, start
from narrate.server import Options, create_app
from narrate.server.stream import StoryBody, Streams
from narrate.wire.forms import NdjsonForm
from tests.serving import get, heard, one_step, post, served, until


@asynccontextmanager
async def far_side() -> AsyncIterator[tuple[str, trio.Event, trio.Event]]:
    """An upstream that is asked, never answers, and sees when the one who asked is gone."""
    asked, gone = trio.Event(), trio.Event()

    async def hold(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            asked.set()
            with suppress(trio.BrokenResourceError):
                assert await stream.receive_some() == b""
            gone.set()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, hold, 0, host="127.0.0.1"))
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}", asked, gone
        nursery.cancel_scope.cancel()


def leave_by_closing(client) -> None:
    client.stream.socket.close()


def leave_by_reset(client) -> None:
    client.reset()


def leave_by_half(client) -> None:
    client.stream.socket.shutdown(trio.socket.SHUT_WR)


@pytest.mark.parametrize("leave", [leave_by_closing, leave_by_reset, leave_by_half])
async def test_a_reader_who_leaves_stops_a_run_that_does_not_linger_down_to_its_sockets(leave):
    cleaned = []
    async with far_side() as (url, asked, gone):

        async def work() -> int:
            try:
                async with httpx.AsyncClient(timeout=None) as client:
                    return (await client.get(url)).status_code
            finally:
                cleaned.append("work")

        async with served(one_step(work, linger=0)) as server, await server.asked() as client:
            _, headers = await client.head()
            await client.until("step.started")
            with trio.fail_after(10):
                await asked.wait()
                leave(client)
                await gone.wait()
            await until(lambda: not server.service.narrator.runs)
            assert cleaned == ["work"]
            told = heard((await server.client.get(headers["content-location"])).content)
            assert [event["type"] for event in told][-2:] == ["step.cancelled", "run.cancelled"]
            assert told[-1]["reason"] == "Nobody was reading any more."


async def test_a_reader_who_comes_in_time_keeps_a_lingering_run_alive(mock_clock):
    may = trio.Event()

    async def work() -> int:
        await may.wait()
        return 1

    async with served(one_step(work, linger=10)) as server:
        async with await server.asked() as first:
            _, headers = await first.head()
            await first.until("step.started")
        await until(lambda: not len(server.service.streams))
        mock_clock.jump(9)
        async with await server.wire() as second:
            await second.send(get(headers["content-location"], headers="Last-Event-ID: 2\r\n"))
            await second.head()
            mock_clock.jump(60)
            await until(lambda: len(server.service.streams) == 1)
            may.set()
            assert [event["type"] for event in heard(await second.body())] == ["step.finished", "run.finished"]


async def test_a_lingering_run_nobody_comes_back_to_is_cancelled(mock_clock):
    async with served(one_step(trio.sleep_forever, linger=10)) as server:
        async with await server.asked() as client:
            _, headers = await client.head()
            await client.until("step.started")
        await until(lambda: not len(server.service.streams))
        mock_clock.jump(9.9)
        await trio.testing.wait_all_tasks_blocked()
        assert len(server.service.narrator.runs) == 1
        mock_clock.jump(0.2)
        await until(lambda: not server.service.narrator.runs)
        told = heard((await server.client.get(headers["content-location"])).content)
        assert told[-1]["type"] == "run.cancelled"


async def test_a_run_that_carries_on_ends_without_readers_and_can_be_read_later():
    may = trio.Event()

    async def work() -> int:
        await may.wait()
        say("Alone.")
        return 1

    async with served(one_step(work, linger=None)) as server:
        async with await server.asked() as client:
            _, headers = await client.head()
            await client.until("step.started")
        await until(lambda: not len(server.service.streams))
        (run,) = server.service.narrator.runs
        may.set()
        assert await run.result() == 1
        told = heard((await server.client.get(headers["content-location"])).content)
        assert [event["type"] for event in told][2:] == ["message", "step.finished", "run.finished"]


async def test_a_client_gone_before_the_first_byte_leaves_no_run_behind(mock_clock):
    began, worked = trio.Event(), []

    async def work() -> int:
        worked.append("work")
        return 1

    app = create_app(one_step(work, linger=0))

    @app.after_request
    async def never(response: Response) -> Response:
        began.set()
        await trio.sleep_forever()
        return response

    async with served(app=app) as server, await server.asked() as client:
        await began.wait()
        (run,) = server.service.narrator.runs
        client.reset()
        for _ in range(40):
            mock_clock.jump(1)
            await trio.testing.wait_all_tasks_blocked(0.001)
        await until(lambda: not server.service.narrator.runs)
        assert run.ended
        assert worked == []


async def test_a_client_that_sends_a_next_request_too_early_is_answered_in_turn():
    may = trio.Event()

    async def work() -> int:
        await may.wait()
        return 1

    async with served(one_step(work, linger=0)) as server, await server.asked() as client:
        await client.until_started()
        await client.send(post() + get("/healthz"))
        may.set()
        assert [event["type"] for event in heard(await client.body())] == ["step.finished", "run.finished"]
        assert (await client.head())[0] == 200
        assert b"run.finished" in await client.body()
        status, _, health = await client.answer()
        assert (status, health["status"]) == (200, "ok")


async def test_a_client_that_sent_more_and_left_is_found_by_the_heartbeat():
    async with served(one_step(trio.sleep_forever, linger=0), options=Options(heartbeat=0.01, grace=0)) as server:
        async with await server.asked() as client:
            await client.until_started()
            await client.send(b"GET / HTTP/1.1\r\n" * 10 + b"\r\n")
            await client.send(b"x" * 100_000)
            client.reset()
        await until(lambda: not server.service.narrator.runs)
        assert len(server.service.streams) == 0


async def test_a_stream_that_was_left_is_held_by_nothing_neither_by_itself_nor_by_the_heartbeat(autojump_clock):
    streams = Streams()
    async with start(one_step(trio.sleep_forever)) as run, trio.open_nursery() as nursery:
        nursery.start_soon(streams.beat, 4.0)
        body = StoryBody(run.reader(), run.begun, run, NdjsonForm(), streams, Options(), home="/runs/1")
        async with body:
            assert b"run.started" in await anext(body)
            await trio.sleep(1.5)  # a look at the streams, by the clock of the test
        left = weakref.ref(body)
        del body
        assert left() is None
        nursery.cancel_scope.cancel()


async def test_one_reader_who_leaves_does_not_disturb_another():
    may = trio.Event()

    async def work() -> int:
        await may.wait()
        return 1

    async with served(one_step(work, linger=0)) as server, await server.asked() as staying:
        _, headers = await staying.head()
        await staying.until("step.started")
        for leave in (leave_by_closing, leave_by_reset, leave_by_half):
            async with await server.wire() as leaving:
                await leaving.send(get(headers["content-location"]))
                await leaving.until_started()
                assert len(server.service.streams) == 2
                leave(leaving)
                await until(lambda: len(server.service.streams) == 1)
        may.set()
        assert [event["type"] for event in heard(await staying.body())] == ["step.finished", "run.finished"]


async def test_a_reader_of_a_story_that_is_over_touches_no_run():
    async def work() -> int:
        return 1

    async with served(one_step(work, linger=0)) as server:
        where = (await server.client.post("/story")).headers["content-location"]
        async with await server.wire() as client:
            await client.send(get(where))
            client.reset()
        assert (await server.client.get(where)).content.endswith(b"\n\n")


async def test_a_reader_who_stalls_delays_neither_the_run_nor_another_reader():
    async def work() -> int:
        for number in range(2000):
            say(f"{number} " + "x" * 3000)
            await trio.lowlevel.checkpoint()
        return 1

    async with served(one_step(work, linger=0)) as server, await server.asked(receive_buffer=4096) as stalled:
        _, headers = await stalled.head()
        answer = await server.client.get(headers["content-location"])
        assert heard(answer.content)[-1]["type"] == "run.finished"
        assert heard(await stalled.body())[-1] == heard(answer.content)[-1]


@pytest.mark.parametrize("close", ["Connection: close\r\n", ""])
async def test_a_client_that_wants_the_connection_closed_sees_it_closed(close):
    async def work() -> int:
        return 1

    async with served(one_step(work)) as server, await server.wire() as client:
        version = b"1.1" if close else b"1.0"
        await client.send(post(headers=close).replace(b"HTTP/1.1", b"HTTP/" + version))
        await client.read_until(b"run.finished")
        with trio.fail_after(5), pytest.raises(EOFError):
            await client.read_until(b"never")


async def test_an_idle_connection_is_given_up(mock_clock):
    async with served(one_step(trio.sleep_forever)) as server, await server.wire() as client:
        await client.send(get("/healthz"))
        assert (await client.answer())[0] == 200
        await trio.testing.wait_all_tasks_blocked(0.01)
        mock_clock.jump(6)
        with pytest.raises(EOFError):
            await client.read(1)
