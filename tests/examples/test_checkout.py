"""The checkout from end to end: who is asked about, who is refused, and how the question is answered."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio

from fraud import suspicion_of
from narrate import BadInput, connect, follow, resource
from narrate.clock import Clock
from narrate.journal.sqlite import SqliteJournal
from narrate.testing import narrated, same_in_every_schedule
from sale import NoShop, Order
from shop import EARLIER, Shop
from tests.commanding import Command, ask
from tests.examples.at_the_till import (
    ANA,
    CLEO,
    LAST,
    MALLORY,
    NOON,
    NOT_ACCEPTED,
    checkout,
    left_in,
    paid_in,
    sold,
    until_asked,
)
from tests.examples.found import target
from tests.serving import Process, served, until
from tests.terminals import terminal


@pytest.fixture
def database(tmp_path) -> Path:
    return tmp_path / "shop.db"


# --- Who is asked about ---


def test_a_good_customer_is_charged_and_nobody_is_asked(database):
    story = sold(database, ANA)

    assert story.transcript.splitlines() == [
        "At the till",
        "",
        "• Taking the order of ana@mail.example: 2 × kettle…",
        "  This is a new order.",
        "• Looking up the price…",
        "• Counting what is left on the shelf…",
        "• Looking at what this customer bought before…",
        "  Looking up the price: One costs 49.00 €, so 2 come to 98.00 €.",
        "  Counting what is left on the shelf: There are 40 kettles, so that is no problem.",
        "  Looking at what this customer bought before: [What they bought]",
        "  Nothing about this order is unusual: 0 points of doubt out of 100.",
        "• Deciding whether to accept the order…",
        "  I accept it without asking anyone.",
        "• Taking the payment…",
        "  98.00 € is paid, and the goods are off the shelf.",
        "• Writing the receipt…",
        "  Here it is: 2 kettles for 98.00 €. Thank you!",
        "",
        "Done.",
    ]
    assert (story.result.goods, story.result.total, story.result.paid_at) == ("2 kettles", "98.00 €", NOON.now())
    assert (paid_in(database), left_in(database, "kettle")) == (["ana@mail.example"], 38)


def test_a_receipt_is_exact_to_the_second(database):
    noon = NOON.now()
    clock = Clock(noon.replace(microsecond=713_024))

    assert narrated(checkout, ANA, shop=Shop(database), clock=clock).result.paid_at == noon


def test_in_the_middle_a_person_decides_and_yes_sells(database):
    story = sold(database, CLEO, answers=["yes"])

    reasons = "they have never bought here before, and 12 mugs is a lot for a first order"
    assert f"There are 50 points of doubt out of 100: {reasons}." in story.lines
    assert f"I am not sure: {reasons}. May cleo@post.example have 12 mugs for 150.00 €? (yes / no)" in story.lines
    assert story.result.total == "150.00 €"
    assert (paid_in(database), left_in(database, "mug")) == (["cleo@post.example"], 88)


def test_no_sells_nothing(database):
    story = sold(database, CLEO, answers=["no"])

    assert (story.problem.status, story.problem.detail) == (403, NOT_ACCEPTED)
    assert (paid_in(database), left_in(database, "mug")) == ([], 100)


def test_who_is_not_answered_for_in_a_quarter_of_an_hour_gets_nothing(database):
    story = sold(database, CLEO)

    assert story.problem.detail == NOT_ACCEPTED
    assert story.took == 15 * 60
    assert paid_in(database) == []


def test_who_is_too_suspicious_is_refused_without_a_question(database):
    story = sold(database, MALLORY)

    assert story.problem.status == 403
    assert story.problem.detail == (
        "This order is refused, with 80 points of doubt out of 100: the customer disputed the payment for 1 grinder "
        "and for 3 kettles. Nothing was charged."
    )
    assert paid_in(database) == []


@pytest.mark.parametrize(
    ("order", "score"),
    [
        (ANA, 0),
        (ANA | {"count": 6}, 0),
        (ANA | {"count": 7}, 30),
        (ANA | {"country": "PT"}, 20),
        (LAST, 20),
        (LAST | {"count": 3}, 20),
        (LAST | {"count": 4}, 50),
        (LAST | {"country": "PT"}, 20),
        ({"email": "bert@post.example", "item": "mug"}, 40),
        (MALLORY, 80),
        (MALLORY | {"count": 50, "country": "PT"}, 100),
    ],
)
def test_each_rule_adds_its_points(order, score):
    before = [paid for paid in EARLIER if paid.order.email == order["email"]]

    assert suspicion_of(Order(**order), before).score == score


# --- What cannot be sold ---


def test_what_the_shop_does_not_sell_is_refused_with_what_it_does(database):
    problem = sold(database, ANA | {"item": "kettles"}).problem

    assert (problem.status, problem.detail) == (
        422,
        "The shop does not sell “kettles”. Choose one of: grinder, kettle, mug, scale.",
    )


def test_more_than_there_is_is_not_sold(database):
    assert sold(database, LAST | {"count": 2}).problem.detail == (
        "There is only 1 scale left, and the order is for 2. Nothing was charged."
    )
    assert sold(database, LAST).problem is None
    problem = sold(database, LAST | {"number": 2}).problem

    assert (problem.status, problem.detail) == (
        409,
        "There are none left, and the order is for 1. Nothing was charged.",
    )


@pytest.mark.parametrize(
    ("field", "wrong", "sentence"),
    [
        ("email", "ana", "Write an e-mail address, such as ana@mail.example."),
        ("count", 0, "Input should be greater than or equal to 1"),
        ("item", "a kettle", "Write one word, such as kettle."),
        ("country", "Spain", "Write the two letters of a country, such as DE."),
        ("cuont", 2, "Extra inputs are not permitted"),
    ],
)
def test_an_order_that_is_none_does_not_begin_and_what_is_wrong_is_a_sentence(database, field, wrong, sentence):
    with pytest.raises(BadInput) as refused:
        sold(database, ANA | {field: wrong})

    assert str(refused.value) == f"{field}: {sentence}"


def test_the_page_is_told_that_a_country_is_short():
    assert Order.model_json_schema()["properties"]["country"]["maxLength"] == 2


def test_an_order_is_the_same_in_capitals_and_in_small_letters():
    assert Order(email="Ana@Mail.Example", item="Kettle", country="de") == Order(
        email="ana@mail.example", item="kettle"
    )


@pytest.mark.parametrize(
    ("path", "why"), [("nowhere/shop.db", "unable to open database file"), ("note.txt", "file is not a database")]
)
def test_a_shop_that_cannot_be_opened_is_one_sentence(tmp_path, path, why):
    (tmp_path / "note.txt").write_text("Not a shop, but a note that is longer than the head of a database.")

    with pytest.raises(NoShop) as closed:
        Shop(tmp_path / path)

    assert (
        str(closed.value) == f"The shop cannot be opened at {tmp_path / path}: {why}. Name another file with SHOP_DB."
    )


def test_a_shop_is_opened_while_another_program_writes_in_it(database):
    Shop(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert Shop(database).price("kettle") == 49_00


# --- Served ---


async def test_it_is_answered_over_http_and_wrong_and_late_answers_are_refused(database):
    async with (
        served(checkout, resources={"shop": Shop(database)}) as server,
        connect(f"{server.url}/checkout", CLEO) as run,
    ):
        question = await until_asked(run)
        answers = f"{run.url}/answers"
        wrong = await server.client.post(answers, json={"value": "maybe", "to": question.n})
        right = await server.client.post(answers, json={"value": "yes", "to": question.n})
        receipt = await run.result()
        late = await server.client.post(answers, json={"value": "no", "to": question.n})

    assert (wrong.status_code, right.status_code, late.status_code) == (422, 200, 409)
    assert wrong.json()["errors"][0]["detail"] == "“maybe” is none of the choices, which are “yes”, “no”."
    assert "was answered with “yes” already." in late.json()["detail"]
    assert receipt["goods"] == "12 mugs"
    assert paid_in(database) == ["cleo@post.example"]


async def test_the_question_waits_though_nobody_looks(database, mock_clock):
    async with served(checkout, resources={"shop": Shop(database)}) as server:
        async with connect(f"{server.url}/checkout", CLEO) as run:
            question = await until_asked(run)
        await until(lambda: not len(server.service.streams))
        mock_clock.jump(14 * 60)
        await trio.testing.wait_all_tasks_blocked()
        async with follow(f"{server.url}/runs/{run.id}", after=question.n) as again:
            await again.answer("yes", question.n)
            receipt = await again.result()

    assert (receipt["total"], paid_in(database)) == ("150.00 €", ["cleo@post.example"])


async def test_the_question_outlives_the_server(tmp_path, database):
    journal, shop = tmp_path / "runs.db", {"shop": Shop(database)}
    async with (
        served(checkout, journal=SqliteJournal(journal), resources=shop) as first,
        connect(f"{first.url}/checkout", CLEO) as run,
    ):
        question = await until_asked(run)
    async with (
        served(checkout, journal=SqliteJournal(journal), resources=shop) as second,
        follow(f"{second.url}/runs/{run.id}", after=question.n) as again,
    ):
        state = (await second.client.get(f"/runs/{run.id}")).json()
        await again.answer("yes", question.n)
        receipt = await again.result()

    assert [one["n"] for step in state["steps"] for one in step.get("questions", ())] == [question.n]
    assert (receipt["total"], paid_in(database)) == ("150.00 €", ["cleo@post.example"])


async def test_a_wrong_order_is_refused_at_the_door_and_a_bad_one_with_its_status(database):
    async with served(checkout, resources={"shop": Shop(database)}) as server:
        headers = {"Accept": "application/json"}
        wrong = await server.client.post("/checkout", json={"email": "ana", "item": "mug"}, headers=headers)
        refused = await server.client.post("/checkout", json=MALLORY, headers=headers)

    assert (wrong.status_code, [error["field"] for error in wrong.json()["errors"]]) == (422, ["email"])
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")


# --- As a command ---


def test_it_is_answered_on_the_command_line_beforehand(database, monkeypatch):
    monkeypatch.setenv("SHOP_DB", str(database))
    with Command("run", target("checkout"), json.dumps(CLEO), "--answer", "yes", "--plain") as command:
        code, told, _ = command.end()

    assert code == 0
    assert "(yes / no)\n  → yes\n  Good, then I accept the order.\n" in told
    assert paid_in(database) == ["cleo@post.example"]


def test_it_is_answered_in_the_terminal_it_runs_in(database):
    with terminal(env={"SHOP_DB": str(database)}) as there:
        there.type(f"{sys.executable} -m narrate run {target('checkout')} '{json.dumps(CLEO)}'; echo code $?")
        there.wait_for("Enter answers")
        there.press("y", "Enter")
        there.wait_for("\ncode 0")

    assert paid_in(database) == ["cleo@post.example"]


def test_it_is_answered_by_a_command_of_somebody_elses(database, monkeypatch):
    monkeypatch.setenv("SHOP_DB", str(database))
    with (
        Process(target("checkout"), "--port", "0", "--no-access-log") as server,
        Command("post", server.address(), json.dumps(CLEO)) as customer,
    ):
        noted = customer.until_noted("waits for an answer, which can be given elsewhere: narrate answer")
        told = ask("answer", noted.split("narrate answer ")[1].split()[0], "yes")
        code, _, _ = customer.end()

    assert (told.exit_code, code) == (0, 0)
    assert paid_in(database) == ["cleo@post.example"]


@resource
async def new_shop():
    """A shop for each run."""
    with TemporaryDirectory() as folder:
        yield Shop(Path(folder) / "shop.db")


@pytest.mark.parametrize(("order", "answers"), [(CLEO, ["yes"]), (LAST | {"count": 2}, [])])
def test_the_story_is_the_same_whatever_is_faster(order, answers):
    same_in_every_schedule(checkout, order, answers=answers, shop=new_shop, clock=NOON, schedules=5)
