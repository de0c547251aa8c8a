"""The example that receives: what narrate sends arrives there once, whatever was sent how often."""

import base64
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
import trio
from standardwebhooks import Webhook

from examples.webhook_receiver import LARGEST, create_receiver
from narrate.delivery import Delivery, body_of
from narrate.events import RunFinished, RunId, RunStarted
from narrate.journal.base import Begun
from narrate.journal.memory import MemoryJournal
from narrate.server.callbacks import CallbackClient, CallbackPolicy
from narrate.server.webhooks import Webhooks
from tests.receiving import hosted
from tests.serving import until

SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()
BODY = body_of(RunFinished("done", 1.5, t=1.5), run="r1", pipeline="story", at="2026-11-21T10:00:00Z", link="/runs/r1")


def signed(body=BODY, webhook_id="msg_1", at=None, secret=SECRET):
    now = datetime.fromtimestamp(int(at or time.time()), UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, now, body.decode("latin-1")),
    }


@asynccontextmanager
async def receiving(path, handle):
    async with hosted(create_receiver(SECRET, path / "inbox.db", handle)) as url, httpx.AsyncClient() as client:

        async def post(body=BODY, headers=None):
            response = await client.post(f"{url}/webhooks", content=body, headers=headers or signed(body))
            return response.status_code

        post.url = f"{url}/webhooks"
        yield post


class Handled(list):
    """What was handled; with a gate, each as soon as it is open."""

    def __init__(self, gate=None):
        super().__init__()
        self.gate = gate
        self.begun = 0

    async def __call__(self, ended):
        self.begun += 1
        if self.gate is not None:
            await self.gate.wait()
        self.append(ended)


async def test_what_narrate_sends_is_received_and_handled(tmp_path, nursery):
    handled = Handled()
    journal = MemoryJournal()
    async with receiving(tmp_path, handled) as post:
        webhooks = Webhooks(
            journal, (SECRET,), CallbackClient(CallbackPolicy(private=True, http=True)), "/runs/{}".format
        )
        nursery.start_soon(webhooks.run)
        run = RunId("r1")
        begun = Begun(run=run, pipeline="story", began=time.time())
        writer = await journal.open_record(begun, [Delivery(id="msg_1", run=run, url=post.url)])
        writer.append([RunStarted(run, "story", "A story", (), t=0.0), RunFinished("done", 1.5, t=1.5)])
        webhooks.wake()
        await until(lambda: webhooks.outcomes["delivered"] == 1)
        await webhooks.resend("msg_1")
        await until(lambda: webhooks.outcomes["delivered"] == 2)

    (ended,) = handled
    assert (ended.id, ended.type, ended.run, ended.result) == ("msg_1", "run.finished", run, "done")


async def test_a_repetition_is_answered_alike_and_handled_once(tmp_path):
    handled = Handled()
    async with receiving(tmp_path, handled) as post:
        assert await post() == 204
        await until(lambda: handled != [])
        assert await post() == 204
        assert await post(headers=signed(webhook_id="msg_2")) == 204
        await until(lambda: len(handled) == 2)

    assert [ended.id for ended in handled] == ["msg_1", "msg_2"]
    assert [ended.result for ended in handled] == ["done", "done"]


async def test_it_answers_before_it_handles(tmp_path):
    handled = Handled(gate=trio.Event())
    async with receiving(tmp_path, handled) as post:
        assert await post() == 204
        await until(lambda: handled.begun == 1)
        assert handled == []
        handled.gate.set()
        await until(lambda: handled != [])


async def test_what_was_received_and_not_handled_is_handled_after_a_restart_and_once(tmp_path):
    interrupted, handled, afterwards = Handled(gate=trio.Event()), Handled(), Handled()
    async with receiving(tmp_path, interrupted) as post:
        assert await post() == 204
        await until(lambda: interrupted.begun == 1)
    async with receiving(tmp_path, handled):
        await until(lambda: handled != [])
    async with receiving(tmp_path, afterwards) as post:
        assert await post() == 204
        await until(lambda: True)

    assert (interrupted, [ended.id for ended in handled], afterwards) == ([], ["msg_1"], [])


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, {"webhook-id": "msg_1"}),
        (BODY, signed(secret="whsec_" + base64.b64encode(b"b" * 32).decode())),
        (BODY.replace(b"r1", b"r2"), signed()),
        (BODY, {**signed(), "webhook-id": "msg_2"}),
        (BODY, signed(at=time.time() - 1000)),
        (BODY, {**signed(), "webhook-signature": "v1"}),
        (BODY, {**signed(), "webhook-signature": "v1,?"}),
        (b"\xff", signed()),
    ],
    ids=["unsigned", "other secret", "other body", "other id", "old", "half", "not base64", "not text"],
)
async def test_what_is_not_from_the_sender_is_refused_and_not_kept(tmp_path, body, headers):
    handled = Handled()
    async with receiving(tmp_path, handled) as post:
        assert await post(body, headers) == 401
        assert await post(headers=signed(webhook_id="msg_good")) == 204
        await until(lambda: handled != [])

    assert [ended.id for ended in handled] == ["msg_good"]


async def test_what_a_later_narrate_tells_besides_is_answered_and_passed_over(tmp_path):
    handled = Handled()
    later = BODY.replace(b"run.finished", b"run.dreamt")
    async with receiving(tmp_path, handled) as post:
        assert await post(later) == 204
        assert await post(headers=signed(webhook_id="msg_2")) == 204
        await until(lambda: handled != [])

    assert [ended.id for ended in handled] == ["msg_2"]


async def test_a_body_that_is_too_large_is_refused(tmp_path):
    async with receiving(tmp_path, Handled()) as post:
        assert await post(b"x" * (LARGEST + 1)) == 413
