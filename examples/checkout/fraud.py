"""How suspicious an order is, by what the same customer bought before. Four rules, each of which says why it counts."""

from collections.abc import Sequence

from pydantic import BaseModel

from sale import Order, Payment

ASK_FROM = 30
REFUSE_FROM = 70


class Reason(BaseModel):
    """So many points, and what for: words that a sentence goes on with."""

    points: int
    because: str


class Suspicion(BaseModel):
    """Why one may doubt an order. Below ASK_FROM nobody does; from REFUSE_FROM on there is nothing to ask."""

    reasons: list[Reason]

    @property
    def score(self) -> int:
        """From 0 to 100."""
        return min(sum(reason.points for reason in self.reasons), 100)

    @property
    def because(self) -> str:
        """All the reasons, as the end of a sentence."""
        return ", and ".join(reason.because for reason in self.reasons)


def suspicion_of(order: Order, before: Sequence[Payment]) -> Suspicion:
    """Judge an order by everything that was paid with the same e-mail address before."""
    disputed = [paid.order.goods for paid in before if paid.disputed]
    reasons: list[Reason] = []
    if disputed:
        because = f"the customer disputed the payment for {' and for '.join(disputed)}"
        reasons.append(Reason(points=40 * len(disputed), because=because))
    if not before:
        reasons.append(Reason(points=20, because="they have never bought here before"))
    most = max((paid.order.count for paid in before), default=1)
    if order.count > 3 * most:
        usual = f"for someone who never took more than {most}" if before else "for a first order"
        reasons.append(Reason(points=30, because=f"{order.goods} is a lot {usual}"))
    if before and order.country not in {paid.order.country for paid in before}:
        reasons.append(Reason(points=20, because=f"nothing they bought was ever sent to {order.country}"))
    return Suspicion(reasons=reasons)
