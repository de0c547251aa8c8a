"""Several processes that serve as one: what one leaves another goes on with, and none outlives their parent."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from narrate.server.serving import listen
from tests.serving import Process, heard

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux shows them")

TARGET = """
import os, time
from pathlib import Path
import trio
from narrate import Explained, Pipeline, resource, say, step

class NoKey(Explained):
    pass

@resource
async def key():
    raise NoKey("Set the environment variable KEY.")
    yield

@resource
async def trap():
    os._exit(3)
    yield

@resource
async def door():
    yield 1
    os.write(1, b"closed\\n")

@resource
async def gate():
    way = Path(__file__).parent / str(os.getpid())
    os.mkfifo(way)
    yield 1
    os.write(1, b"closing\\n")
    way.read_text()  # until somebody has written
    os.write(1, b"closed\\n")

@step("Telling who serves")
async def served(door: int) -> int:
    return os.getpid()

@step("Behind the gate")
async def behind(gate: int) -> int:
    return gate

@step("Locked")
async def locked(key: int) -> int:
    return key

@step("Going through a door that is opened once")
async def passes() -> int:
    say(str(os.getpid()))
    await trio.to_thread.run_sync((Path(__file__).parent / "once").read_text)
    return os.getpid()

@step("Falling")
async def falls(trap: int) -> int:
    return trap

tells = Pipeline("tells", served, resources=[door], title="It tells")
shuts = Pipeline("shuts", behind, resources=[gate])
goes = Pipeline("goes", passes, linger=None)
fails = Pipeline("fails", locked, resources=[key])
traps = Pipeline("traps", falls, resources=[trap])
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target.py").write_text(textwrap.dedent(TARGET))
    return tmp_path / "target.py"


@contextmanager
def serving(named: str, *options: str) -> Iterator["Parent"]:
    """A parent with two workers that keep their runs beside the target."""
    journal = f"sqlite:///{named.partition(':')[0]}.db"
    arguments = ("--port", "0", "--workers", "2", "--journal", journal, "--no-access-log", *options)
    with Parent(named, *arguments) as parent, parent:
        yield parent


class Parent(Process):
    """`narrate serve` with several workers, and what can be seen of these."""

    def workers(self) -> set[int]:
        """The processes it has started that have not ended."""
        return {pid for pid, ppid, state in map(_stat, _pids()) if ppid == self._process.pid and state != "Z"}

    def warning(self) -> str:
        """The next line it says on standard error."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def begin(self) -> str:
        """Where its pipeline answers, once all it says at first has been said."""
        address = self.address()
        while not self.line().startswith("Open "):
            pass
        return address


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> tuple[int, int, str]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return pid, 0, "Z"
    return pid, int(fields[1]), fields[0]


@contextmanager
def watched(pids: set[int]) -> Iterator[list[int]]:
    """What can be waited for, of processes that are not ours."""
    files = [os.pidfd_open(pid) for pid in pids]
    try:
        yield files
    finally:
        for file in files:
            os.close(file)


def all_end(files: list[int]) -> bool:
    return all(select.select([file], [], [], 20)[0] for file in files)


def asked(address: str) -> int:
    """Which process answers."""
    return int(heard(httpx.post(address, timeout=20).content)[-1]["result"])


def up_to(lines: Iterator[str], kind: str) -> list[dict[str, Any]]:
    """The events of a stream to the first of this type."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != kind:
        events += heard(f"{next(lines)}\n\n".encode())
    return events


@linux
def test_a_worker_that_is_killed_is_replaced_while_the_server_goes_on_answering(target):
    with serving(f"{target}:tells") as parent:
        address = parent.begin()
        first, second = parent.workers()
        os.kill(first, signal.SIGKILL)
        assert (
            parent.warning() == f"A worker (process {first}) was ended by signal 9 (Killed). Another takes its place.\n"
        )
        assert asked(address) != first
        os.kill(second, signal.SIGKILL)
        assert (
            parent.warning()
            == f"A worker (process {second}) was ended by signal 9 (Killed). Another takes its place.\n"
        )
        assert asked(address) not in (first, second)
        parent.signal(signal.SIGTERM)
        code, out, err = parent.end()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "Stopped."


@linux
def test_a_run_whose_worker_is_killed_is_gone_on_with_by_another_and_any_of_them_tells_it(target):
    os.mkfifo(target.parent / "once")
    with serving(f"{target}:goes") as parent:
        address = httpx.URL(parent.begin())
        with httpx.stream("POST", address, timeout=20) as story:
            run = address.join(story.headers["content-location"])
            lines = story.iter_lines()
            before = up_to(lines, "message")
            os.kill(int(before[-1]["text"]), signal.SIGKILL)
            with pytest.raises(httpx.RemoteProtocolError):
                list(lines)
        assert "was ended by signal 9 (Killed)" in parent.warning()
        assert {httpx.get(str(run).removesuffix("/events"), timeout=20).status_code for _ in range(20)} == {200}
        (target.parent / "once").write_text("open")
        told = heard(httpx.get(run, timeout=20).content)
    assert told[: len(before)] == before
    assert [event["n"] for event in told] == [*range(1, len(told) + 1)]
    assert told[-1]["type"] == "run.finished"
    assert str(told[-1]["result"]) != before[-1]["text"]


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_parent_stops_all_of_them_cleanly(target, number):
    with serving(f"{target}:tells") as parent:
        address = parent.address()
        assert parent.line().startswith("Open http://127.0.0.1:")
        workers = parent.workers()
        assert asked(address) in workers
        with watched(workers) as ends:
            parent.signal(number)
            assert parent.end() == (0, "closed\nclosed\nStopped.\n", "")
            assert (len(ends), all_end(ends)) == (2, True)


@linux
def test_signals_to_every_process_of_the_service_are_no_second_signal_to_a_worker(target):
    with serving(f"{target}:shuts") as parent:
        parent.begin()
        workers = parent.workers()
        parent.signal(signal.SIGTERM)
        assert [parent.line(), parent.line()] == ["closing\n", "closing\n"]
        for worker in workers:
            os.kill(worker, signal.SIGINT)
            os.kill(worker, signal.SIGTERM)
        for worker in workers:
            (target.parent / str(worker)).write_text("")
        assert parent.end() == (0, "closed\nclosed\nStopped.\n", "")


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_to_the_parent_ends_all_of_them_at_once_whatever_blocks_them(target, number):
    with serving(f"{target}:shuts") as parent:
        parent.begin()
        with watched(parent.workers()) as ends:
            parent.signal(number)
            assert [parent.line(), parent.line()] == ["closing\n", "closing\n"]
            parent.signal(number)
            assert parent.end() == (-number, "", "")
            assert (len(ends), all_end(ends)) == (2, True)


@linux
def test_workers_whose_parent_is_killed_stop_cleanly_and_leave_the_port(target):
    with serving(f"{target}:tells") as parent:
        address = httpx.URL(parent.begin())
        with watched(parent.workers()) as ends:
            parent.signal(signal.SIGKILL)
            assert parent.end() == (-signal.SIGKILL, "closed\nclosed\n", "")
            assert (len(ends), all_end(ends)) == (2, True)
    listen(address.host, address.port).close()


@linux
def test_a_worker_is_of_no_terminal_and_of_a_group_of_its_own(target):
    with serving(f"{target}:tells") as parent:
        parent.begin()
        for worker in parent.workers():
            assert os.getpgid(worker) == worker
            assert Path(f"/proc/{worker}/fd/0").resolve() == Path("/dev/null")
        parent.signal(signal.SIGINT)
        assert parent.end()[0] == 0


@pytest.mark.parametrize(
    ("named", "exit_code", "said"),
    [
        ("fails", 1, r"Error: Set the environment variable KEY\.\n"),
        ("traps", 1, r"Error: A worker \(process \d+\) ended with exit code 3 before it was up\.\n"),
        ("none", 2, r"Error: .*target\.py has no pipeline `none`\. It has: tells, shuts, goes, fails, traps\.\n"),
    ],
)
def test_workers_that_can_never_start_are_one_sentence(target, named, exit_code, said):
    with serving(f"{target}:{named}") as parent:
        code, out, err = parent.end()
    assert (code, out) == (exit_code, "")
    assert re.fullmatch(said, err)


def test_a_port_in_use_is_one_sentence_before_any_worker_starts(target):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(f"{target}:traps", "--port", str(port)) as parent:
            assert parent.end() == (1, "", f"Error: Port {port} is in use already. Choose another with --port.\n")


def test_a_worker_is_started_as_its_parent_was_so_that_nothing_beside_the_target_takes_a_modules_place(target):
    (target.parent / "secrets.py").write_text("raise RuntimeError('not the one that was meant')")
    narrate = Path(sys.executable).parent / "narrate"
    command = [narrate, "serve", "target.py:tells", "--port", "0", "--workers", "2", "--journal", "sqlite:///runs.db"]
    with subprocess.Popen(command, cwd=target.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("It tells  POST http://127.0.0.1:")
        process.terminate()
        assert process.communicate(timeout=20)[0].endswith("closed\nclosed\nStopped.\n")
    assert process.returncode == 0
