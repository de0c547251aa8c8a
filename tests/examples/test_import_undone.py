"""An import that is cancelled, left, interrupted or killed: nothing of it is there afterwards."""

import hashlib
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import trio

from make_rows import written
from narrate import RunCancelled, start, targets
from tests.commanding import Command
from tests.examples.found import target
from tests.serving import Process, served, until

(orders_import,) = targets.load(target("import"))

ROWS = 6_000
"""Two chunks: one that is full, and a rest."""
CANCELLED, FINISHED = "cancelled", "finished"


@pytest.fixture(scope="module")
def orders(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("given") / "orders.csv"
    for _ in written(path, ROWS):
        pass
    return path


def shop_in(folder: Path, mode: str) -> Path:
    """A database that is somebody's already."""
    path = folder / "orders.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.executescript("CREATE TABLE shop (name); INSERT INTO shop VALUES ('mine');")
    return path


def there(folder: Path) -> dict[str, str]:
    """Every file below a folder, by what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def tables_in(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "orders.db")) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def left_open(folder: Path) -> list[str]:
    """The files of a folder that this process has open."""
    links = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return [link for link in links if link.startswith(str(folder))]


async def turns(count: int) -> None:
    for _ in range(count):
        await trio.lowlevel.checkpoint()


async def end_of(running) -> str:
    try:
        await running.result()
    except RunCancelled:
        return CANCELLED
    return FINISHED


async def cancelled_after(count: int, given) -> str:
    """How an import ends that is cancelled when the loop has turned so many times."""
    async with start(orders_import, given) as running:
        await turns(count)
        running.cancel()
        return await end_of(running)


async def cancelled_at(number: int, given) -> str:
    """How an import ends that is cancelled when so much has been heard of it, status and all."""
    heard = 0
    async with start(orders_import, given) as running:
        async for _ in running.events(status=True):
            heard += 1
            if heard == number:
                running.cancel()
        return await end_of(running)


async def test_a_cancel_at_any_moment_leaves_no_trace_or_came_too_late(tmp_path, orders):
    ends = Counter()
    moment = 0
    while ends[FINISHED] < 2:
        folder = tmp_path / str(moment)
        folder.mkdir()
        end = await cancelled_after(moment, {"file": orders, "database": folder / "orders.db"})
        ends[end] += 1
        assert (end, list(there(folder))) in [(CANCELLED, []), (FINISHED, ["orders.db"])]
        moment += 40 + moment // 4
    assert ends[CANCELLED] > 10
    assert left_open(tmp_path) == []


@pytest.mark.parametrize("mode", ["delete", "wal"])
async def test_a_cancel_at_any_word_leaves_a_database_as_it_was(tmp_path, orders, mode):
    ends = Counter()
    number = 1
    while ends[FINISHED] < 1:
        folder = tmp_path / str(number)
        folder.mkdir()
        database = shop_in(folder, mode)
        before = there(folder)
        end = await cancelled_at(number, {"file": orders, "database": database})
        ends[end] += 1
        after = there(folder)
        assert list(after) == ["orders.db"]
        assert (end, tables_in(folder), after == before) in [
            (CANCELLED, {"shop"}, True),
            (FINISHED, {"shop", "orders", "orders_import"}, False),
        ]
        number += 1
    assert ends[CANCELLED] > 20


@pytest.mark.parametrize("number", range(4, 16, 3))
async def test_a_cancel_while_the_file_is_made_leaves_none_of_it(tmp_path, number):
    heard = 0
    given = {"database": tmp_path / "orders.db"}
    async with start(orders_import, given, workshop=lambda: tmp_path) as running:
        async for event in running.events(status=True):
            heard += event.type == "progress"
            if heard == number:
                running.cancel()
        assert await end_of(running) == CANCELLED

    assert there(tmp_path) == {}


async def test_a_run_that_only_a_program_leaves_is_undone(tmp_path, orders):
    async with start(orders_import, {"file": orders, "database": tmp_path / "orders.db"}) as running:
        async for event in running.events(status=True):
            if getattr(event, "unit", None) == "rows":
                break

    assert there(tmp_path) == {}


@pytest.mark.parametrize("heard", ["layout", "earlier", "checks", "report"])
async def test_a_reader_who_leaves_leaves_nothing_behind(tmp_path, orders, heard):
    given = {"file": str(orders), "database": str(tmp_path / "orders.db")}
    async with served(orders_import) as server:
        wire = await server.asked("/import", given)
        _, headers = await wire.head()
        while (await wire.event()).get("step") != heard:
            pass
        wire.reset()
        await until(lambda: not server.service.narrator.runs)
        state = (await server.client.get(f"/runs/{headers['narrate-run']}")).json()["state"]

    assert (state, list(there(tmp_path))) in [(CANCELLED, []), (FINISHED, ["orders.db"])]
    assert left_open(tmp_path) == []


async def test_a_reader_who_leaves_has_cancelled_it(tmp_path):
    async with served(orders_import, resources={"workshop": lambda: tmp_path}) as server:
        wire = await server.asked("/import", {"database": str(tmp_path / "orders.db")})
        _, headers = await wire.head()
        await wire.until("step.started")
        wire.reset()
        await until(lambda: not server.service.narrator.runs)
        state = (await server.client.get(f"/runs/{headers['narrate-run']}")).json()["state"]

    assert (state, there(tmp_path)) == (CANCELLED, {})


@pytest.mark.parametrize("said", ["You named no file", "Looking at how", "Checking every row", "Loading them"])
def test_ctrl_c_leaves_nothing_behind_not_even_what_was_made_to_try_it(tmp_path, said):
    (tmp_path / "tmp").mkdir()
    arguments = ("run", target("import"), f"database={tmp_path / 'orders.db'}", "--plain")
    with Command(*arguments, env={"TMPDIR": str(tmp_path / "tmp")}) as command:
        command.until(said)
        command.signal(signal.SIGINT)
        code, _, err = command.end()

    assert (code, list(there(tmp_path))) in [(130, []), (0, ["orders.db"])], err
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_import_left_is_undone_by_the_next(tmp_path, orders):
    database = shop_in(tmp_path, "delete")
    arguments = ("run", target("import"), f"database={database}", "--plain")
    with Command(*arguments, env={"TMPDIR": str(tmp_path)}) as command:
        command.until("Loading them")
        command.signal(signal.SIGKILL)
        command.end()
    with Command("run", target("import"), f"file={orders}", f"database={database}", "--plain") as command:
        code, out, err = command.end()

    assert (code, "orders are in" in out, tables_in(tmp_path)) in [
        (0, True, {"shop", "orders", "orders_import"}),
        (1, False, {"shop", "orders", "orders_import"}),  # it had been loaded to its end before it was killed
    ], err
    assert list(tmp_path.glob("*-journal")) == []


def test_an_import_whose_server_was_killed_is_gone_on_with_by_the_next(tmp_path, orders):
    arguments = (target("import"), "--port", "0", "--journal", f"sqlite:///{tmp_path / 'runs.db'}")
    given = {"file": str(orders), "database": str(tmp_path / "orders.db")}
    with Process(*arguments) as server:
        begun = httpx.post(server.address(), json=given, headers={"Prefer": "respond-async"})
        server.signal(signal.SIGKILL)
        server.end()
    with Process(*arguments) as server:
        url = server.address().removesuffix(orders_import.path) + begun.headers["location"]
        told = httpx.get(f"{url}/events", headers={"Accept": "text/plain"}, timeout=60).text
        state = httpx.get(url).json()

    assert "orders are in" in told
    assert (state["state"], state["result"]["rows_read"]) == (FINISHED, ROWS)
    assert "orders" in tables_in(tmp_path)
    assert not (tmp_path / "orders.db-journal").exists()
