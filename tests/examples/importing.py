"""What the tests of the import share: files of orders, and what is in a database."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from make_rows import written
from narrate import targets
from narrate.clock import Clock
from narrate.testing import narrated
from tests.examples.found import target

(orders_import,) = targets.load(target("import"))

HEADER = "id,date,email,country,amount,note"
GOOD = "1,2026-02-28,ana@mail.example,DE,12.50,"
NOON = Clock(datetime(2026, 5, 4, 12, tzinfo=UTC))


def made(folder, rows=12_000, name="orders.csv"):
    path = folder / name
    for _ in written(path, rows):
        pass
    return path


def file_of(folder, *lines, ends="\n", encoding="utf-8", start=b""):
    path = folder / "orders.csv"
    path.write_bytes(start + "".join(line + ends for line in lines).encode(encoding))
    return path


def imported(folder, path, **given):
    """The story of an import into `orders.db`, at an hour that stands still."""
    return narrated(orders_import, {"file": path, "database": folder / "orders.db", **given}, clock=NOON)


def orders_in(folder, columns="*"):
    with closing(sqlite3.connect(folder / "orders.db")) as connection:
        return connection.execute(f"SELECT {columns} FROM orders ORDER BY line").fetchall()


def named_in(folder, kind):
    """The tables, or the indexes, that are in the database."""
    with closing(sqlite3.connect(folder / "orders.db")) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = ?", (kind,))}


def changed_by(folder, statement):
    """Have somebody else change the database."""
    with closing(sqlite3.connect(folder / "orders.db")) as connection, connection:
        connection.execute(statement)


def rejects_of(story):
    return [(row["line"], row["what is wrong"], row["found"]) for row in story.details[-1].data]


def refused(folder, path, **given):
    """Why an import fails, once it is sure that it left nothing."""
    problem = imported(folder, path, **given).problem
    assert not (folder / "orders.db").exists()
    return problem.detail
