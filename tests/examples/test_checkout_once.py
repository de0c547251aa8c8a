"""An order is charged once: sent again, tried again, killed in between, or sent by two at the same time."""

import json
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
import trio

from narrate import RunFailed, start
from narrate.journal.sqlite import SqliteJournal
from narrate.testing import narrated, story_of
from sale import ShopBusy
from shop import Shop
from tests.examples.at_the_till import (
    ANA,
    CLEO,
    LAST,
    NOON,
    checkout,
    left_in,
    paid_in,
    sold,
    until_asked,
)
from tests.examples.found import ROOT
from tests.serving import served


@pytest.fixture
def database(tmp_path) -> Path:
    return tmp_path / "shop.db"


def test_the_same_order_again_is_charged_once_and_gets_the_same_receipt(database):
    first = sold(database, CLEO, answers=["yes"])
    again = sold(database, CLEO | {"email": "Cleo@Post.Example"})

    assert again.result == first.result
    assert "It was already paid on 4 May 2026, so nothing is charged again." in again.lines
    assert (paid_in(database), left_in(database, "mug")) == (["cleo@post.example"], 88)


def test_another_order_of_the_same_is_charged_too(database):
    sold(database, ANA)
    sold(database, ANA | {"number": 2})

    assert len(paid_in(database)) == 2


class Forgetful(Shop):
    """Does what it is paid for, and does not come to say so, the first time."""

    told = False

    def pay(self, *given):
        payment = super().pay(*given)
        if not self.told:
            self.told = True
            raise ShopBusy
        return payment


def test_another_attempt_at_the_payment_charges_nothing_more(database):
    story = narrated(checkout, ANA, shop=Forgetful(database), clock=NOON)

    assert [event.step for event in story.events if event.type == "step.retrying"] == ["payment"]
    assert story.result.total == "98.00 €"
    assert (paid_in(database), left_in(database, "kettle")) == (["ana@mail.example"], 38)


async def test_a_shop_in_which_another_program_writes_is_waited_for(database):
    async with start(checkout, ANA, shop=Shop(database)) as running:
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async for event in running.events():
                if event.type == "step.retrying":
                    break
        await running.result()

    assert paid_in(database) == ["ana@mail.example"]


def test_a_shop_in_which_another_program_does_not_stop_writing_charges_nothing(database):
    shop = Shop(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        problem = narrated(checkout, ANA, shop=shop).problem

    assert problem.detail == (
        "Another program is writing to the shop's file, so nothing was charged. Send the order again."
    )
    assert paid_in(database) == []


async def test_a_program_that_is_killed_between_paying_and_telling_has_charged_once(tmp_path, database):
    journal, order = tmp_path / "runs.db", json.dumps(ANA)
    killed = await trio.run_process(
        [sys.executable, "-m", "tests.examples.killed_at_the_till", str(database), str(journal), order],
        cwd=ROOT,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (paid_in(database), left_in(database, "kettle")) == (["ana@mail.example"], 38)

    async with served(checkout, journal=SqliteJournal(journal), resources={"shop": Shop(database)}) as server:
        headers = {"Accept": "application/json", "Idempotency-Key": "once"}
        receipt = (await server.client.post("/checkout", json=ANA, headers=headers)).json()
        told = await server.client.post("/checkout", json=ANA, headers=headers | {"Accept": "text/plain"})

    assert receipt["total"] == "98.00 €"
    assert "  This is a new order.\n" in told.text
    assert (paid_in(database), left_in(database, "kettle")) == (["ana@mail.example"], 38)


@pytest.mark.parametrize("other", [{"email": "emil@mail.example"}, {"number": 2}])
async def test_of_two_who_want_the_last_piece_one_gets_it(database, other):
    shop, ends = Shop(database), []

    async def buy(order):
        ends.append(await story_of(checkout, order, shop=shop))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(buy, LAST)
        nursery.start_soon(buy, LAST | other)

    (failed,) = [story.problem for story in ends if story.problem is not None]
    assert failed.detail == "There are none left, and the order is for 1. Nothing was charged."
    assert (len(paid_in(database)), left_in(database, "scale")) == (1, 0)


async def test_the_same_order_twice_at_once_is_one_and_both_get_its_receipt(database):
    shop, ends = Shop(database), []

    async def buy():
        ends.append(await story_of(checkout, LAST, shop=shop))

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(buy)

    receipts = [story.result for story in ends]
    assert receipts == receipts[:1] * 4
    assert (len(paid_in(database)), left_in(database, "scale")) == (1, 0)


async def test_a_no_to_an_order_that_was_paid_meanwhile_does_not_say_that_it_was_not(database):
    shop = Shop(database)
    async with start(checkout, CLEO, shop=shop) as running:
        await until_asked(running)
        other = await story_of(checkout, CLEO, shop=shop, answers=["yes"])
        await running.answer("no")

        assert await running.result() == other.result
    assert paid_in(database) == ["cleo@post.example"]


async def test_who_was_quicker_while_a_person_was_asked_has_the_last_pieces(database):
    shop = Shop(database)
    async with start(checkout, CLEO | {"count": 60}, shop=shop) as running:
        await until_asked(running)
        await story_of(checkout, CLEO | {"count": 50}, shop=shop, answers=["yes"])
        await running.answer("yes")
        with pytest.raises(RunFailed, match="There are only 50 mugs left, and the order is for 60"):
            await running.result()

    assert left_in(database, "mug") == 50


async def test_a_run_that_is_cancelled_at_its_question_charges_nothing(database):
    async with start(checkout, CLEO, shop=Shop(database)) as running:
        await until_asked(running)
        running.cancel()

    assert (paid_in(database), left_in(database, "mug")) == ([], 100)
