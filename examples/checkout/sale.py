"""What is sold to whom: the values that the steps hand on, and the sentences for a sale that cannot be."""

import re
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from narrate import Explained


class Order(BaseModel):
    """Who wants to buy what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str = Field(max_length=200, examples=["ana@mail.example"])
    item: str = Field(max_length=40, examples=["kettle"])
    count: int = Field(default=1, ge=1, le=100, description="How many of them.")
    country: str = Field(
        default="DE",
        description="Where they are sent to, in two letters.",
        json_schema_extra={"maxLength": 2},  # in the schema alone: the sentence for what is longer is _two_letters'
    )
    number: int = Field(
        default=1, ge=1, description="Raise this to place the same order again. Each number is paid once."
    )

    @field_validator("email")
    @classmethod
    def _address(cls, email: str) -> str:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            raise ValueError("Write an e-mail address, such as ana@mail.example.")
        return email.lower()

    @field_validator("item")
    @classmethod
    def _word(cls, item: str) -> str:
        if not re.fullmatch(r"\w+", item):
            raise ValueError("Write one word, such as kettle.")
        return item.lower()

    @field_validator("country")
    @classmethod
    def _two_letters(cls, country: str) -> str:
        if not re.fullmatch(r"[A-Za-z]{2}", country):
            raise ValueError("Write the two letters of a country, such as DE.")
        return country.upper()

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
        super().__init__(f"The shop does not sell “{item}”. Choose one of: {', '.join(sold)}.")


class OutOfStock(Explained):
    """An order of more than there is."""

    title = "There are not enough of them"
    status = 409

    def __init__(self, order: Order, left: int) -> None:
        there = f"There {'is' if left == 1 else 'are'} only {pieces(left, order.item)}" if left else "There are none"
        super().__init__(f"{there} left, and the order is for {order.count}. Nothing was charged.")


class NotSold(Explained):
    """An order that the shop, or somebody in it, would rather not take."""

    title = "The order was refused"
    status = 403


class NoShop(Explained):
    """The shop's file cannot be opened, or made where there is none."""

    title = "The shop cannot be opened"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"The shop cannot be opened at {path}: {why}. Name another file with SHOP_DB.")


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
