"""What is told of runs and deliveries as JSON documents: what the record says, and what stands beside it.

Apart from `snapshot`, which knows the record alone; and with nothing of HTTP in it but addresses.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from narrate.delivery import Delivery, DeliveryState
from narrate.events import Outlined, RunId
from narrate.journal.base import Begun
from narrate.pipeline import Pipeline
from narrate.running import Run
from narrate.snapshot import RunState


class Links(msgspec.Struct, frozen=True):
    """Where more of a run is: `self` is its state, `events` its story, and while it is under way `answers` takes what
    people answer to its questions.
    """

    own: str = msgspec.field(name="self")
    events: str
    answers: str | msgspec.UnsetType = msgspec.UNSET


class ToldDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of a run: what has become of it, after how many attempts, and what came of the last."""

    id: str
    state: DeliveryState
    attempts: int
    last: str | None


class ListedDelivery(ToldDelivery, frozen=True, kw_only=True):
    """A webhook in a list. `url` is that of its target as far as the host: what follows may be a secret.

    `due` is when it is tried next, in seconds since 1970 in UTC; None while it is not.
    """

    run: RunId
    url: str
    due: float | None


class RunDocument(RunState, frozen=True, kw_only=True):
    """A run's state, and what stands beside its record.

    - `began`: when, in seconds since 1970 in UTC.
    - `linger`: how many seconds the run goes on after its last reader has left; null if to its end. `detached`: whether
      it goes on whoever leaves. Both only while it is under way, the second only where it is known: in its own process.
    """

    began: float
    links: Links
    linger: float | msgspec.UnsetType | None = msgspec.UNSET
    detached: bool | msgspec.UnsetType = msgspec.UNSET
    deliveries: tuple[ToldDelivery, ...] = ()


class ListedPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline that is served.

    - `input`: the JSON Schema of what it takes; null if it takes nothing.
    - `outline`: its stages as `run.started` tells them, with the seconds that each step usually takes where known.
    - `linger`: how many seconds a run goes on after its last reader has left; null if to its end.
    - `view`: the address of a module that draws its runs, if it brings one.
    """

    name: str
    title: str
    path: str
    input: dict[str, Any] | None
    outline: tuple[Outlined, ...]
    linger: float | None
    view: str | None


def document_of(
    state: RunState,
    begun: Begun,
    home: str,
    *,
    run: Run | None,
    pipeline: Pipeline | None,
    deliveries: Sequence[Delivery],
) -> RunDocument:
    """The document of a run with this state. `run` is it while it is under way here, `pipeline` its own if served."""
    told = {field: getattr(state, field) for field in state.__struct_fields__}
    document = RunDocument(
        **told,
        began=begun.began,
        links=Links(home, f"{home}/events"),
        deliveries=tuple(ToldDelivery(id=d.id, state=d.state, attempts=d.attempts, last=d.last) for d in deliveries),
    )
    if state.state != "working":
        return document
    return msgspec.structs.replace(
        document,
        links=msgspec.structs.replace(document.links, answers=f"{home}/answers"),
        linger=pipeline.linger if pipeline is not None else msgspec.UNSET,
        detached=run.detached if run is not None else msgspec.UNSET,
    )


def listed_delivery(delivery: Delivery) -> ListedDelivery:
    """A delivery as one of a list."""
    target = urlsplit(delivery.url)
    return ListedDelivery(
        id=delivery.id,
        run=delivery.run,
        url=f"{target.scheme}://{target.netloc}",
        state=delivery.state,
        attempts=delivery.attempts,
        due=delivery.due,
        last=delivery.last,
    )
