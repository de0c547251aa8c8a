"""The import and a database that is there already: the same orders again, others, and what is somebody else's."""

import sqlite3
from contextlib import closing

import pytest

from narrate.testing import narrated
from tests.examples.importing import (
    GOOD,
    HEADER,
    changed_by,
    file_of,
    imported,
    made,
    named_in,
    orders_import,
    orders_in,
)

OTHERS = "has tables of orders already, and they do not hold these. Name another database."


def test_the_same_rows_are_loaded_once(tmp_path):
    path = made(tmp_path)
    first = imported(tmp_path, path)
    before = (tmp_path / "orders.db").read_bytes()
    again = imported(tmp_path, path.rename(tmp_path / "other.csv"))

    assert f"These very rows were loaded before, from {path}. There is nothing to do." in again.lines
    assert again.result == first.result
    assert (tmp_path / "orders.db").read_bytes() == before


def test_other_rows_do_not_come_into_the_same_table(tmp_path):
    imported(tmp_path, file_of(tmp_path, HEADER, GOOD))
    problem = imported(tmp_path, file_of(tmp_path, HEADER, GOOD, "2" + GOOD)).problem

    assert problem.detail == f"{tmp_path / 'orders.db'} {OTHERS}"
    assert len(orders_in(tmp_path)) == 1


GONE = {
    "the table": "DROP TABLE orders",
    "all of them": "DELETE FROM orders",
    "one of them": "DELETE FROM orders WHERE id = 1",
    "what came of it": "DROP TABLE orders_import",
}


@pytest.mark.parametrize("statement", GONE.values(), ids=GONE)
def test_orders_that_are_gone_since_are_not_said_to_be_there(tmp_path, statement):
    path = file_of(tmp_path, HEADER, GOOD, "2" + GOOD)
    imported(tmp_path, path)
    changed_by(tmp_path, statement)

    assert imported(tmp_path, path).problem.detail == f"{tmp_path / 'orders.db'} {OTHERS}"


def test_a_table_of_something_else_is_left_as_it_is(tmp_path):
    changed_by(tmp_path, "CREATE TABLE orders (dish)")
    problem = imported(tmp_path, file_of(tmp_path, HEADER, GOOD)).problem

    assert problem.detail == f"{tmp_path / 'orders.db'} {OTHERS}"
    assert named_in(tmp_path, "table") == {"orders"}


def test_the_report_of_an_earlier_import_names_the_database_that_was_asked_for(tmp_path):
    path = file_of(tmp_path, HEADER, GOOD)
    imported(tmp_path, path)
    moved = (tmp_path / "orders.db").rename(tmp_path / "moved.db")

    assert narrated(orders_import, {"file": path, "database": moved}).result.database == moved


def test_the_table_can_be_asked_by_day_and_by_country_quickly(tmp_path):
    imported(tmp_path, file_of(tmp_path, HEADER, GOOD))

    assert {"orders_by_date", "orders_by_country"} <= named_in(tmp_path, "index")
    with closing(sqlite3.connect(tmp_path / "orders.db")) as connection:
        for column in ("date", "country"):
            [plan] = connection.execute(f"EXPLAIN QUERY PLAN SELECT note FROM orders WHERE {column} = 'x'")
            assert f"orders_by_{column}" in plan[3]


def test_other_tables_of_the_database_are_left_as_they_were(tmp_path):
    changed_by(tmp_path, "CREATE TABLE shop AS SELECT 'mine' AS name")
    imported(tmp_path, file_of(tmp_path, HEADER, GOOD))

    with closing(sqlite3.connect(tmp_path / "orders.db")) as connection:
        assert connection.execute("SELECT * FROM shop").fetchall() == [("mine",)]


def test_a_database_that_cannot_be_used_is_refused_in_words(tmp_path):
    path = file_of(tmp_path, HEADER, GOOD)

    def why(database):
        return narrated(orders_import, {"file": path, "database": database}).problem.detail

    assert why(tmp_path / "none" / "orders.db") == f"There is no folder {tmp_path / 'none'} to make the database in."
    assert why(tmp_path) == f"{tmp_path}: It cannot be opened or made there. Nothing was loaded."
    assert why(path) == f"{path}: It is not an SQLite database. Nothing was loaded."
    assert path.read_text() == f"{HEADER}\n{GOOD}\n"


def test_a_database_that_another_program_writes_to_is_refused_in_words(tmp_path):
    path = file_of(tmp_path, HEADER, GOOD)
    with closing(sqlite3.connect(tmp_path / "orders.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        problem = imported(tmp_path, path).problem

    assert problem.detail == f"{tmp_path / 'orders.db'}: Another program is using it. Nothing was loaded."
