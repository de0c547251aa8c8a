"""Child processes that tell what they say line by line, and that end with the step that began them.

Each is the head of a process group of its own, so that what it has begun itself can be ended with it.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import trio

from child_output import Lines, Output
from narrate import Explained, say, show
from recipe import Command

GRACE = 1.0
"""Seconds that a process has to end when it is asked to, before it is made to."""

OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
"""What git tells its hooks. Were a deploy begun by one, its own git would look in the wrong place."""


class CommandMissing(Explained):
    """A command that is not here."""

    title = "A command is missing"

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(f"`{shlex.join(command)}` cannot run: there is no command `{command[0]}` on this machine.")


class CommandFailed(Explained):
    """A command that ended with another exit code than 0, or took too long."""

    title = "A command failed"


async def run_told(told: Command, folder: Path) -> None:
    """Run a command in a folder and tell its output, all of it as a detail where it is long.

    Raises CommandMissing, and CommandFailed when it does not end well within its time.
    """
    output = Output()
    say(f"Running `{told}`.")

    def tell(line: str) -> None:
        if (now := output.hear(line)) is not None:
            say(now)

    try:
        with trio.move_on_after(told.timeout) as limit:
            code = await run_child(told.command, folder, tell)
    finally:
        for line in output.end():
            say(line)
        if output.is_cut:
            show(f"All {output.count} lines", output.whole)
    if limit.cancelled_caught:
        raise CommandFailed(f"`{told}` took longer than {told.timeout:g} s and was stopped.")
    if code != 0:
        raise CommandFailed(f"`{told}` {_ended(code)}.")


async def run_child(
    command: Sequence[str], folder: Path, tell: Callable[[str], None], env: Mapping[str, str] | None = None
) -> int:
    """Run a command, give what it says to `tell` line by line, and give back its exit code.

    It and all that it began, unless that left its process group, are gone when this ends, however it ends. Raises
    CommandMissing.
    """
    process = await trio.lowlevel.open_process(
        findable(command, folder),
        cwd=folder,
        env={**environment(), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_read, process.stdout, tell)
            code = await process.wait()
            _signal(process.pid, signal.SIGKILL)  # whatever it left behind, which would hold the output open
            nursery.cancel_scope.deadline = trio.current_time() + GRACE
    finally:
        with trio.CancelScope(shield=True):
            await _end(process)
    return code


def findable(command: Sequence[str], folder: Path) -> Sequence[str]:
    """The command by its place: in the folder, or where the environment looks. Raises CommandMissing."""
    name = command[0]
    path = shutil.which(folder / name) if "/" in name else shutil.which(name, path=environment()["PATH"])
    if path is None:
        raise CommandMissing(command)
    return [path, *command[1:]]


def environment() -> dict[str, str]:
    """What children get: this program's environment, in which `python` is the Python that runs it."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER_REPOSITORY}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


async def _read(stream: trio.abc.ReceiveStream, tell: Callable[[str], None]) -> None:
    lines = Lines()
    async for data in stream:
        for line in lines.feed(data):
            tell(line)
    for line in lines.feed(b"", final=True):
        tell(line)


async def _end(process: trio.Process) -> None:
    """Ask the whole group to end, then make it."""
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with trio.move_on_after(GRACE):
            await process.wait()
    _signal(process.pid, signal.SIGKILL)
    await process.wait()
    assert process.stdout is not None
    await process.stdout.aclose()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _ended(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"
