"""Orders for the checkout's tests, and what has come of them in the shop."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from narrate import targets
from narrate.clock import Clock
from narrate.events import Question
from narrate.testing import narrated
from shop import EARLIER, Shop
from tests.examples.found import target

(checkout,) = targets.load(target("checkout"))

NOON = Clock(datetime(2026, 5, 4, 12, tzinfo=UTC))
ANA = {"email": "ana@mail.example", "item": "kettle", "count": 2}
CLEO = {"email": "cleo@post.example", "item": "mug", "count": 12}
MALLORY = {"email": "mallory@post.example", "item": "mug"}
LAST = {"email": "dora@mail.example", "item": "scale"}

NOT_ACCEPTED = "Nobody accepted this order, so nothing was sold, and nothing was charged."


def sold(database, given, answers=()):
    """The story of an order, at an hour that stands still."""
    return narrated(checkout, given, answers=answers, shop=Shop(database), clock=NOON)


def paid_in(database) -> list[str]:
    """Who has paid since the shop was opened, once for each payment."""
    with closing(sqlite3.connect(database)) as db:
        return [email for (email,) in db.execute("SELECT email FROM payments ORDER BY rowid")][len(EARLIER) :]


def left_in(database, item) -> int:
    with closing(sqlite3.connect(database)) as db:
        ((pieces,),) = db.execute("SELECT pieces FROM products WHERE item = ?", (item,))
    return pieces


async def until_asked(run) -> Question:
    """Read a run up to its question."""
    async for event in run.events():
        if isinstance(event, Question):
            return event
    raise AssertionError("it asked nothing")
