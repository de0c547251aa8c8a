"""A small shop in one SQLite file: what it has, what was paid, and the one transaction in which both change.

Each call opens the file anew, since steps work in threads. Where money comes from a payment service, `Order.key` is
what goes along with the request: such services have an idempotency key for just this.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sale import NoShop, Order, OutOfStock, Payment, ShopBusy, UnknownItem

WAIT = 0.5
"""Seconds to wait for another program that writes."""

TABLES = (
    "CREATE TABLE products (item TEXT PRIMARY KEY, cents INTEGER NOT NULL, pieces INTEGER NOT NULL)",
    "CREATE TABLE payments (key TEXT PRIMARY KEY, email TEXT NOT NULL, payment TEXT NOT NULL)",
    "CREATE INDEX payments_by_email ON payments (email)",
)
PRODUCTS = (("grinder", 129_00, 6), ("kettle", 49_00, 40), ("mug", 12_50, 100), ("scale", 35_00, 1))


def _paid(email: str, item: str, count: int, cents: int, day: str, *, disputed: bool = False) -> Payment:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Payment(order=Order(email=email, item=item, count=count), cents=cents, paid_at=at, disputed=disputed)


EARLIER = (
    _paid("ana@mail.example", "grinder", 1, 119_00, "2026-01-12"),
    _paid("ana@mail.example", "mug", 2, 25_00, "2026-03-02"),
    _paid("bert@post.example", "scale", 1, 35_00, "2026-04-20", disputed=True),
    _paid("mallory@post.example", "grinder", 1, 129_00, "2026-02-07", disputed=True),
    _paid("mallory@post.example", "kettle", 3, 147_00, "2026-02-08", disputed=True),
)


class Shop:
    """The shop in this file, which is made and filled where there is none. Raises NoShop where it cannot be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with self._opened() as db:
                made = _is_made(db)
            if not made:  # only then is anything written: another program may be writing to a shop that there is
                self._make()
        except sqlite3.DatabaseError as error:
            raise NoShop(path, str(error)) from error

    def maybe_paid(self, order: Order) -> Payment | None:
        """The payment of this very order, if it was made."""
        with self._opened() as db:
            return _maybe_payment(db, order)

    def price(self, item: str) -> int:
        """In cents. Raises UnknownItem."""
        with self._opened() as db:
            return _product(db, item)[0]

    def pieces_for(self, order: Order) -> int:
        """How many there are for this order: what is left, and what it has taken itself. Raises UnknownItem."""
        with self._opened() as db:
            left = _product(db, order.item)[1]
            return left if _maybe_payment(db, order) is None else left + order.count

    def paid_by(self, email: str) -> list[Payment]:
        """All that this customer has paid."""
        with self._opened() as db:
            found = db.execute("SELECT payment FROM payments WHERE email = ? ORDER BY rowid", (email,)).fetchall()
        return [Payment.model_validate_json(payment) for (payment,) in found]

    def pay(self, order: Order, cents: int, at: datetime) -> Payment:
        """Charge an order and take its pieces from the stock, both or neither; what was paid already stays as it is.

        Raises OutOfStock where somebody was quicker, and ShopBusy.
        """
        with self._transaction() as db:
            if (before := _maybe_payment(db, order)) is not None:
                return before
            left = _product(db, order.item)[1]
            if left < order.count:
                raise OutOfStock(order, left)
            db.execute("UPDATE products SET pieces = pieces - ? WHERE item = ?", (order.count, order.item))
            payment = Payment(order=order, cents=cents, paid_at=at)
            _keep(db, payment)
            return payment

    def _make(self) -> None:
        with self._transaction() as db:
            if _is_made(db):  # by another program, a moment ago
                return
            for table in TABLES:
                db.execute(table)
            db.executemany("INSERT INTO products VALUES (?, ?, ?)", PRODUCTS)
            for payment in EARLIER:
                _keep(db, payment)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=WAIT, isolation_level=None)) as db:
                yield db
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise ShopBusy from error
            raise

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Nobody else writes between the first look and the last change. Closing the file undoes what is not kept."""
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")


def _is_made(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def _product(db: sqlite3.Connection, item: str) -> tuple[int, int]:
    """What one costs, and how many there are."""
    found = db.execute("SELECT cents, pieces FROM products WHERE item = ?", (item,)).fetchone()
    if found is None:
        raise UnknownItem(item, [name for (name,) in db.execute("SELECT item FROM products ORDER BY item")])
    cents, left = found
    return int(cents), int(left)


def _maybe_payment(db: sqlite3.Connection, order: Order) -> Payment | None:
    found = db.execute("SELECT payment FROM payments WHERE key = ?", (order.key,)).fetchone()
    return Payment.model_validate_json(found[0]) if found is not None else None


def _keep(db: sqlite3.Connection, payment: Payment) -> None:
    row = (payment.order.key, payment.order.email, payment.model_dump_json())
    db.execute("INSERT INTO payments VALUES (?, ?, ?)", row)
