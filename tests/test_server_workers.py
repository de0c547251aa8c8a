"""The parent of several workers: it replaces one that goes, waits longer each time, and gives up when none can be had.

The workers here are no servers, but small programs that do what a test wants of them.
"""

import fcntl
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from narrate.server.serving import CannotServe, listen
from narrate.server.worker import Up
from narrate.server.workers import pause_after, supervise


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0), (2, 1), (3, 2), (6, 16), (7, 30), (8, 30), (5000, 30)])
def test_the_pause_before_a_worker_is_replaced_grows_with_each_death_at_once(deaths, seconds):
    assert pause_after(deaths) == seconds


# The turns of the script are taken one after the other, whichever worker comes; the last one again and again.
ACTOR = """
import fcntl, json, os, signal, socket, sys
line = socket.socket(fileno=int(sys.argv[3]))
here = open(sys.argv[4] + ".here", "w")  # locked for as long as one of them lives
fcntl.flock(here, fcntl.LOCK_SH)
with open(sys.argv[4], "r+") as script:
    fcntl.flock(script, fcntl.LOCK_EX)
    turn, *rest = json.load(script)
    script.seek(0)
    script.truncate()
    json.dump(rest or [turn], script)
if turn.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if turn["word"]:
    line.sendall(json.dumps(turn["word"]).encode()[:5])
    line.sendall(json.dumps(turn["word"]).encode()[5:] + b"\\n")
if "exit" in turn:
    os._exit(turn["exit"])
signal.pause()
"""
UP = {"type": "up", "address": "http://x", "picked_up": 2}
CANNOT = {"word": {"type": "cannot", "reason": "The disk is full."}, "exit": 1}


@pytest.fixture
def actors(tmp_path: Path):
    """A `supervise` of such workers, given how many there are and their turns."""

    def supervised(count: int, *turns: dict[str, object], tell=lambda _: None, **how):
        (tmp_path / "actor.py").write_text(ACTOR)
        (tmp_path / "script").write_text(json.dumps(turns))
        command = [sys.executable, str(tmp_path / "actor.py")]
        return partial(supervise, command, [str(tmp_path / "script")], listen("127.0.0.1", 0), count, tell, **how)

    return supervised


async def test_what_the_workers_said_is_told_once_as_by_one(actors):
    told = []

    def tell(up: Up) -> None:
        told.append(up)
        os.kill(os.getpid(), signal.SIGTERM)

    await actors(3, {"word": UP}, tell=tell)()
    assert told == [Up("http://x", 6)]


class StopAfter(logging.Handler):
    """Signals this process when so much has been logged, whose texts it keeps."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(re.sub(r"\d{2,}", "N", record.getMessage()))
        if len(self.texts) == self._count:
            os.kill(os.getpid(), signal.SIGTERM)

    @contextmanager
    def listening(self) -> Iterator[None]:
        log = logging.getLogger("narrate")
        log.addHandler(self)
        try:
            yield
        finally:
            log.removeHandler(self)


async def test_a_worker_that_dies_at_once_again_and_again_is_replaced_after_growing_pauses(actors, autojump_clock):
    stop = StopAfter(4)
    with stop.listening():
        await actors(1, {"word": UP, "exit": 1})()
    died = "A worker (process N) ended with exit code 1. Another takes its place"
    assert stop.texts == [f"{died}.", f"{died} in 1 s.", f"{died} in 2 s.", f"{died} in 4 s."]
    assert trio.current_time() == pytest.approx(1 + 2, abs=0.01)


async def test_a_worker_that_cannot_start_is_tried_again_while_another_serves(actors, autojump_clock):
    told = []
    stop = StopAfter(2)
    with stop.listening():
        await actors(2, {"word": UP}, CANNOT, tell=told.append)()
    assert stop.texts == [
        "The disk is full. Another takes its place.",
        "The disk is full. Another takes its place in 1 s.",
    ]
    assert told == [Up("http://x", 2)]


async def test_the_parent_gives_up_when_none_is_left_and_none_can_be_started(actors, autojump_clock):
    with pytest.raises(CannotServe, match=r"^The disk is full\.$"):
        await actors(1, {"word": UP, "exit": 0}, CANNOT)()


async def test_a_program_that_cannot_be_started_is_one_sentence(tmp_path):
    supervised = supervise([str(tmp_path / "none")], [], listen("127.0.0.1", 0), 2, lambda _: None)
    with pytest.raises(CannotServe, match=r"^A worker could not be started: No such file or directory\.$"):
        await supervised


async def test_when_workers_do_not_end_soon_it_is_said_that_they_are_waited_for(actors, autojump_clock):
    def tell(_: Up) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    async with trio.open_nursery() as nursery:
        waits = nursery.cancel_scope.cancel
        nursery.start_soon(actors(1, {"word": UP, "deaf": True}, tell=tell, waits=waits))
    assert nursery.cancel_scope.cancelled_caught


async def test_workers_are_ended_with_the_block_that_supervises_them_even_deaf_ones(actors, tmp_path, autojump_clock):
    up = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actors(2, {"word": UP}, {"word": UP, "deaf": True}, tell=lambda _: up.set()))
        await up.wait()
        nursery.cancel_scope.cancel()
    with (tmp_path / "script.here").open() as here:
        assert fcntl.flock(here, fcntl.LOCK_EX | fcntl.LOCK_NB) is None, "raises while one of them lives"
