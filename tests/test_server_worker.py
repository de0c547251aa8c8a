"""One worker and its line to its parent: it says how it is, and ends when nobody is at the other end any more."""

import json
import os
import signal
import socket
import threading
from functools import partial
from queue import Queue

import httpx
import pytest
import trio

from narrate.errors import NarrateError
from narrate.server import Options, create_app
from narrate.server.serving import listen
from narrate.server.worker import Line, Up, work
from tests.serving import one_step


@pytest.fixture
def line():
    """A parent's end of a line, and the number of the worker's."""
    ours, theirs = socket.socketpair()
    with ours:
        yield ours, theirs.detach()


def said(ours: socket.socket) -> object:
    with ours.makefile("rb") as file:
        return json.loads(file.readline())


async def test_a_worker_says_where_it_serves_and_stops_when_its_parent_has_gone(line):
    ours, number = line
    with Line(number) as end:
        async with trio.open_nursery() as nursery:
            app = create_app(one_step(trio.lowlevel.checkpoint), options=Options(grace=0))
            nursery.start_soon(work, app, listen("127.0.0.1", 0).detach(), end)
            word = await trio.to_thread.run_sync(said, ours)
            async with httpx.AsyncClient() as client:
                assert (await client.post(f"{word['address']}/story", timeout=20)).status_code == 200
            ours.close()


async def test_a_worker_stops_on_a_signal_and_takes_no_notice_of_a_second(line):
    ours, number = line
    with Line(number) as end:
        async with trio.open_nursery() as nursery:
            app = create_app(one_step(trio.lowlevel.checkpoint), options=Options(grace=0))
            nursery.start_soon(work, app, listen("127.0.0.1", 0).detach(), end)
            assert (await trio.to_thread.run_sync(said, ours))["type"] == "up"
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_worker_that_cannot_serve_says_so_on_its_line_and_nowhere_else(line, capfd):
    ours, number = line
    with pytest.raises(SystemExit), Line(number) as end, end.telling():
        raise NarrateError("The disk is full.")
    assert said(ours) == {"type": "cannot", "reason": "The disk is full."}
    assert capfd.readouterr() == ("", "")


def test_what_is_said_to_a_parent_that_has_gone_is_said_to_nobody(line, capfd):
    ours, number = line
    ours.close()
    with Line(number) as end:
        end.say(Up("http://x", 0))
    assert capfd.readouterr() == ("", "")


def test_a_worker_without_a_parent_is_told_and_then_ended_whatever_blocks_it(line):
    ours, number = line
    happened: Queue[object] = Queue()
    with Line(number) as end:
        end.watch(partial(happened.put, "gone"), 0.0, happened.put)
        ours.close()
        assert [happened.get(timeout=20), happened.get(timeout=20)] == ["gone", 1]


def test_a_worker_that_has_ended_is_not_ended_by_its_parents_end(line):
    ours, number = line
    happened: Queue[object] = Queue()
    with Line(number) as end:
        end.watch(partial(happened.put, "gone"), 3600.0, happened.put)
    for thread in threading.enumerate():
        if thread.name == "narrate-parent":
            thread.join(20)
    ours.close()
    assert happened.empty()
    assert "narrate-parent" not in [thread.name for thread in threading.enumerate()]


def test_a_process_of_a_step_inherits_neither_the_line_nor_the_socket(line):
    _, number = line
    os.set_inheritable(number, True)
    with Line(number):
        assert not os.get_inheritable(number)
