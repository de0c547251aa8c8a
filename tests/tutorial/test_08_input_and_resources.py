"""8. What comes from outside: the input, who is asking, and resources.

The input is what this one run was asked for. Resources are what all runs share, such as a client or a database: they
are opened once, and given to steps by name.
"""

from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel

from narrate import BadInput, Caller, DeclarationError, Pipeline, resource, step
from narrate.testing import narrated


class Order(BaseModel):
    item: str
    count: int = 1


class Shop:
    """Where prices come from. In earnest it would ask somebody."""

    def __init__(self, prices: dict[str, int]) -> None:
        self.prices = prices


opened: list[str] = []


@resource
async def shop() -> AsyncIterator[Shop]:
    """What is yielded is what steps get; what follows runs when all is over."""
    opened.append("open")
    yield Shop({"tea": 4})
    opened.append("closed")


@step("Pricing {order.count} × {order.item}…")
async def price(order: Order, shop: Shop) -> int:
    """The parameter annotated with the pipeline's input type gets the input, whatever it is called."""
    return order.count * shop.prices[order.item]


@step("Writing the bill…")
async def bill(price: int, caller: Caller) -> str:
    """One that is annotated `Caller` gets who is asking."""
    return f"{price} from {caller.locale or 'somewhere'}"


checkout = Pipeline("checkout", price, bill, takes=Order, resources=[shop])


def test_the_input_is_validated_as_its_type_wants_it():
    assert narrated(checkout, {"item": "tea", "count": 3}).result == "12 from somewhere"
    assert narrated(checkout, Order(item="tea")).result == "4 from somewhere"


def test_one_that_does_not_fit_never_begins_a_run():
    """It is no story: nothing was told. Each field that is wrong is named."""
    with pytest.raises(BadInput) as caught:
        narrated(checkout, {"count": "many"})

    assert [error.field for error in caught.value.problem.errors] == ["item", "count"]


def test_who_is_asking_can_be_given():
    assert narrated(checkout, {"item": "tea"}, caller=Caller(locale="nb")).result == "4 from nb"


def test_resources_are_opened_and_closed_around_the_runs():
    opened.clear()

    narrated(checkout, {"item": "tea"})

    assert opened == ["open", "closed"]


def test_in_a_test_another_stands_in_by_name_and_the_real_one_is_never_opened():
    opened.clear()

    assert narrated(checkout, {"item": "tea"}, shop=Shop({"tea": 1})).result == "1 from somewhere"
    assert opened == []


def test_a_name_that_is_no_resource_is_refused():
    with pytest.raises(DeclarationError, match=r"has a resource `shopp` \(did you mean `shop`\?\)"):
        narrated(checkout, {"item": "tea"}, shopp=Shop({}))


@resource
async def forgetful_shop() -> AsyncIterator[Shop]:
    yield Shop({"tea": 9})


def test_a_stand_in_may_be_a_resource_itself_and_is_new_for_each_run_then():
    assert narrated(checkout, {"item": "tea"}, shop=forgetful_shop).result == "9 from somewhere"
