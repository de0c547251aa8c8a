"""A checkout that asks a person when it is in doubt, waits for the answer however long, and charges an order once."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import trio

from fraud import ASK_FROM, REFUSE_FROM, Suspicion, suspicion_of
from narrate import Pipeline, Retry, ask, concurrent, resource, say, show, step
from narrate.clock import Clock, clock
from sale import NotSold, Order, OutOfStock, Payment, Price, Receipt, ShopBusy, euros, pieces
from shop import Shop

HERE = Path(__file__).parent
DECIDE_WITHIN = 15 * 60


@resource
async def shop() -> AsyncIterator[Shop]:
    """The shop in the file that `SHOP_DB` names, or beside this one. git does not see it."""
    yield Shop(Path(os.environ.get("SHOP_DB", HERE / "shop.db")))


@step("Taking the order of {order.email}: {order.count} × {order.item}…")
def earlier(order: Order, shop: Shop) -> Payment | None:
    """What was paid for the very same order before: then all that is left to do is to say so."""
    paid = shop.maybe_paid(order)
    if paid is None:
        shop.price(order.item)
        say("This is a new order.")
    else:
        say(f"It was already paid on {paid.paid_at.day} {paid.paid_at:%B %Y}, so nothing is charged again.")
    return paid


def is_new(earlier: Payment | None) -> bool:
    """Whether there is anything to decide and to pay."""
    return earlier is None


@step("Looking up the price…", when=is_new, otherwise="What was paid then counts.")
def price(order: Order, shop: Shop) -> Price:
    each = shop.price(order.item)
    found = Price(each=each, cents=each * order.count)
    several = f"One costs {euros(each)}, so {order.count} come to {found.total}."
    say(several if order.count > 1 else f"It costs {found.total}.")
    return found


@step("Counting what is left on the shelf…", when=is_new, otherwise="They were taken off the shelf then.")
def stock(order: Order, shop: Shop) -> int:
    left = shop.pieces_for(order)
    if left < order.count:
        raise OutOfStock(order, left)
    say("It is the last one." if left == 1 else f"There are {pieces(left, order.item)}, so that is no problem.")
    return left


@step("Looking at what this customer bought before…", when=is_new, otherwise="That was looked at then.")
def suspicion(order: Order, shop: Shop) -> Suspicion:
    before = shop.paid_by(order.email)
    found = suspicion_of(order, before)
    if before:
        show("What they bought", [_row(paid) for paid in before])
    if found.reasons:
        say(f"There are {found.score} points of doubt out of 100: {found.because}.")
    else:
        say("Nothing about this order is unusual: 0 points of doubt out of 100.")
    return found


@step("Deciding whether to accept the order…", when=is_new, otherwise="That was decided then.")
async def accepted(order: Order, price: Price | None, suspicion: Suspicion | None, shop: Shop) -> None:
    """Below ASK_FROM nobody is asked, and from REFUSE_FROM on nobody, either. Raises NotSold."""
    assert price is not None
    assert suspicion is not None
    if suspicion.score >= REFUSE_FROM:
        raise NotSold(
            f"This order is refused, with {suspicion.score} points of doubt out of 100: {suspicion.because}. "
            "Nothing was charged."
        )
    if suspicion.score < ASK_FROM:
        say("I accept it without asking anyone.")
        return
    question = f"I am not sure: {suspicion.because}. May {order.email} have {order.goods} for {price.total}?"
    if await ask(question, ["yes", "no"], within=DECIDE_WITHIN, default="no") == "yes":
        say("Good, then I accept the order.")
        return
    # Whoever sends an order twice at once has two questions asked, and only one of them may be answered.
    if await trio.to_thread.run_sync(shop.maybe_paid, order) is None:
        raise NotSold("Nobody accepted this order, so nothing was sold, and nothing was charged.")
    say("The same order was accepted at another till in the meantime, so this changes nothing.")


@step(
    "Taking the payment…",
    when=is_new,
    otherwise="It is already paid.",
    retry=Retry(attempts=4, on=ShopBusy, wait_initial=0.2),
)
def payment(order: Order, price: Price | None, shop: Shop, clock: Clock) -> Payment:
    """Safe to be tried again, and to be done again after a crash: the payment is kept under a key of the order's."""
    assert price is not None
    paid = shop.pay(order, price.cents, clock.now())
    say(f"{euros(paid.cents)} is paid, and the goods are off the shelf.")
    return paid


@step("Writing the receipt…", summary="Here it is: {receipt.goods} for {receipt.total}. Thank you!")
async def receipt(order: Order, earlier: Payment | None, payment: Payment | None) -> Receipt:
    paid = earlier or payment
    assert paid is not None
    return Receipt(
        number=order.key[:12],
        email=order.email,
        goods=order.goods,
        total=euros(paid.cents),
        paid_at=paid.paid_at.replace(microsecond=0),
    )


def _row(paid: Payment) -> dict[str, str]:
    return {
        "day": f"{paid.paid_at:%Y-%m-%d}",
        "what": paid.order.goods,
        "for": euros(paid.cents),
        "sent to": paid.order.country,
        "afterwards": "disputed" if paid.disputed else "no complaint",
    }


checkout = Pipeline(
    "checkout",
    earlier,
    concurrent(price, stock, suspicion),
    accepted,
    payment,
    receipt,
    takes=Order,
    resources=[clock, shop],
    title="At the till",
    linger=None,  # a question waits, though nobody looks
)
