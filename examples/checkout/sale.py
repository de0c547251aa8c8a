"""What is sold to whom: the values that the steps hand on, and the sentences for a sale that cannot be."""

from datetime import datetime
from hashlib import sha256

from pydantic import BaseModel, ConfigDict, Field, field_validator

from narrate import Explained


class Order(BaseModel):
    """Who wants to buy what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=200, examples=["ana@mail.example"])
    item: str = Field(pattern=r"^\w+$", max_length=40, examples=["kettle"])
    count: int = Field(default=1, ge=1, le=100, description="How many of them.")
    country: str = Field(default="DE", pattern=r"^[A-Z]{2}$", description="Where they are sent to, in two letters.")
    number: int = Field(default=1, ge=1, description="Which of the customer's orders it is. Each one is paid once.")

    @field_validator("email", "item")
    @classmethod
    def _lower(cls, text: str) -> str:
        return text.lower()

    @property
    def key(self) -> str:
        """What its payment is kept under: always the same for the same order, however often and whoever sends it."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def goods(self) -> str:
        return pieces(self.count, self.item)


class Price(BaseModel):
    """What one costs, and all of them."""

    each: int
    cents: int

    @property
    def total(self) -> str:
        return euros(self.cents)


class Payment(BaseModel):
    """An order that was paid. Whether it was `disputed` comes to light later, by hand."""

    order: Order
    cents: int
    paid_at: datetime
    disputed: bool = False


class Receipt(BaseModel):
    """What the customer gets: what was bought, for how much, and when it was paid."""

    number: str
    email: str
    goods: str
    total: str
    paid_at: datetime


class UnknownItem(Explained):
    """An order of something that the shop does not sell."""

    title = "The shop does not sell this"
    status = 422

    def __init__(self, item: str, sold: list[str]) -> None:
        super().__init__(f"The shop sells no {item}. It sells {', '.join(f'{one}s' for one in sold)}.")


class OutOfStock(Explained):
    """An order of more than there is."""

    title = "There are not enough of them"
    status = 409

    def __init__(self, order: Order, left: int) -> None:
        there = f"There {'is' if left == 1 else 'are'} only {pieces(left, order.item)}" if left else "There is none"
        super().__init__(f"{there} left, and the order is for {order.count}. Nothing was charged.")


class NotSold(Explained):
    """An order that the shop, or somebody in it, would rather not take."""

    title = "The order was refused"
    status = 403


class ShopBusy(Explained):
    """The shop's file is being written to by another program, for longer than one waits for it."""

    title = "The shop is busy"
    status = 503

    def __init__(self) -> None:
        super().__init__("Another program is writing to the shop's file, so nothing was charged. Send the order again.")


def pieces(count: int, item: str) -> str:
    """`1 kettle`, `2 kettles`, `no kettles`."""
    return f"{count or 'no'} {item}{'' if count == 1 else 's'}"


def euros(cents: int) -> str:
    return f"{cents / 100:,.2f} €"
