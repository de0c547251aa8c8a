"""The server asked all that its own document says can be asked, by Schemathesis, over real sockets.

Whatever is asked, the server makes no mistake, and what it answers is what the document says.
"""

import base64
import json
import logging
import sys
from collections.abc import AsyncIterator
from typing import Literal

import pytest
import trio
from pydantic import BaseModel, Field

from narrate import Pipeline, each, progress, relay, say, show, step
from narrate.errors import Explained
from narrate.recordings import stand_ins, world
from narrate.server import Options, create_app
from narrate.server.callbacks import CallbackPolicy
from pipelines.travel_escape import travel_escape
from tests.serving import served
from tests.travel.test_stories import FIXTURES, HOT_TOMORROW


class Overloaded(Explained):
    """A failure with a status of its own."""

    status = 502


class Order(BaseModel):
    parts: list[str] = Field(max_length=5)
    kind: Literal["plain", "broken"] = "plain"
    weight: float | None = Field(default=None, gt=0)


class Built(BaseModel):
    parts: int
    of: str


@step("Looking for {order.kind} parts", summary="There are {parts}")
async def parts(order: Order) -> int:
    async def find(part: str) -> int:
        say(f"Found {part}.")
        return len(part)

    return sum(await each(order.parts, find, label=str))


@step("Building")
async def built(parts: int, order: Order) -> Built:
    async def words() -> AsyncIterator[str]:
        for word in ("so ", "it ", "is"):
            yield word

    progress(1, 2)
    show("The parts", {"all": order.parts, "room": "x" * 4000})
    if order.kind == "broken":
        raise Overloaded("There is a part that does not fit.")
    return Built(parts=parts, of=await relay(words()))


TOY = Pipeline("toy", parts, built, takes=Order)


OPTIONS = Options(
    webhook_secrets=("whsec_" + base64.b64encode(b"no secret, but as long as one").decode(),),
    callbacks=CallbackPolicy(hosts=("127.0.0.1",), private=True, http=True),
)
TRAVEL = stand_ins(world([FIXTURES / "valencia"]), [travel_escape], pace=0)


@pytest.mark.parametrize(
    ("pipeline", "resources", "fitting", "times"),
    [(TOY, {}, {"parts": ["a", "b"]}, 60), (travel_escape, TRAVEL, {"q": HOT_TOMORROW}, 30)],
    ids=["toy", "travel"],
)
async def test_whatever_is_asked_is_answered_as_described_and_without_a_mistake(
    pipeline, resources, fitting, times, caplog
):
    app = create_app(pipeline, resources=resources, options=OPTIONS, authorize=lambda _: "somebody")
    async with served(app=app) as server:
        asking = [sys.executable, "-m", "tests.asking", server.url, pipeline.path, json.dumps(fitting), str(times)]
        told = await trio.run_process(asking, capture_stdout=True, capture_stderr=True, check=False)
    assert not told.returncode, told.stderr.decode()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    answered = json.loads(told.stdout)
    assert {200, 202, 400, 422} <= set(answered[f"post {pipeline.path}"])
    assert {200, 404} <= set(answered["get /runs/{run}"])
    assert {200, 204, 400, 404, 406} <= set(answered["get /runs/{run}/events"])
    assert {200, 204, 400, 404, 406} <= set(answered["get /events"])
    assert {200, 404} <= set(answered["get /runs/{run}/details/{n}"])
    assert set(answered["post /deliveries/{id}/resend"]) == {202, 404}
