"""A run's end, told to its target: signed, with one id, on schedule, and without anybody else waiting for it."""

import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from trio.testing import wait_all_tasks_blocked

from narrate.delivery import BODY_LIMIT, Delivery
from narrate.events import Gap, RunId
from narrate.journal.base import Retention
from narrate.journal.memory import MemoryJournal
from narrate.server.callbacks import CallbackPolicy
from narrate.server.webhooks import AT_ONE_TARGET
from tests.receiving import OK, answering, target
from tests.sending import NEXT_SECRET, RUN, SECRET, Wall, ended, secret_of, sending
from tests.serving import until

HOUR = 3600.0

pytestmark = pytest.mark.usefixtures("mock_clock")  # Nothing here comes by waiting: trio's time stands still.


# --- What is sent ---


async def test_a_target_is_told_a_runs_end_with_a_signature_that_the_library_verifies():
    async with target() as ours, sending() as sender:
        await sender.ended(ours.url("/hook?for=me"))
        delivery = await sender.until_tried(1)

    (heard,) = ours.heard
    assert Webhook(SECRET).verify(heard.body, dict(heard.headers)) == {
        "type": "run.finished",
        "timestamp": "2023-11-14T22:13:21.750Z",
        "data": {
            "run": "r1",
            "pipeline": "story",
            "seconds": 1.5,
            "result": "done",
            "link": "https://narrate.example/runs/r1",
        },
    }
    assert heard.path == "/hook?for=me"
    assert heard.headers["webhook-id"] == "msg_0"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["user-agent"] == "narrate"
    assert (delivery.state, delivery.attempts, delivery.last) == ("delivered", 1, "It answered 204 No Content.")


async def test_each_try_has_the_same_id_and_the_same_bytes_and_a_signature_of_its_own():
    async with target(answering(503)) as ours, sending() as sender:
        began = int(sender.wall.at)
        await sender.ended(ours.url(), result={"ü": [1, 2.5]})
        await sender.until_tried(1)
        await sender.later(5, 2)
        await sender.webhooks.resend("msg_0")  # by the schedule it would be due when the library takes it no more
        await sender.until_tried(3)

    assert {heard.headers["webhook-id"] for heard in ours.heard} == {"msg_0"}
    assert len({heard.body for heard in ours.heard}) == 1
    assert [int(heard.headers["webhook-timestamp"]) for heard in ours.heard] == [began, began + 5, began + 5]
    for heard in ours.heard:
        Webhook(SECRET).verify(heard.body, dict(heard.headers))


async def test_two_secrets_sign_side_by_side_so_that_receivers_can_be_moved_over():
    async with target() as ours, sending(SECRET, NEXT_SECRET) as sender:
        await sender.ended(ours.url())
        await sender.until_tried(1)

    (heard,) = ours.heard
    assert len(heard.headers["webhook-signature"].split(" ")) == 2
    Webhook(SECRET).verify(heard.body, dict(heard.headers))
    Webhook(NEXT_SECRET).verify(heard.body, dict(heard.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(34)).verify(heard.body, dict(heard.headers))


async def test_a_result_that_is_too_large_is_told_by_its_link():
    async with target() as ours, sending() as sender:
        await sender.ended(ours.url(), result="x" * BODY_LIMIT)
        await sender.until_tried(1)

    told = Webhook(SECRET).verify(ours.heard[0].body, dict(ours.heard[0].headers))["data"]
    assert "result" not in told
    assert told["left_out"] == "result"
    assert told["link"] == "https://narrate.example/runs/r1"
    assert len(ours.heard[0].body) < BODY_LIMIT


# --- What becomes of it ---


async def test_a_failure_is_tried_again_when_its_wait_is_over_and_not_before():
    async with target(answering(500), OK) as ours, sending() as sender:
        await sender.ended(ours.url())
        failed = await sender.until_tried(1)
        await sender.later(4.9, 1)
        assert len(ours.heard) == 1
        delivered = await sender.later(0.2, 2)

    assert (failed.state, failed.attempts, failed.last) == ("due", 1, "It answered 500 Internal Server Error.")
    assert failed.due == pytest.approx(sender.wall.at - 0.1)
    assert (delivered.state, delivered.attempts, delivered.due) == ("delivered", 2, None)
    assert sender.webhooks.outcomes == {"due": 1, "delivered": 1}


async def test_a_retry_after_puts_the_next_try_off():
    async with target(answering(429, "Retry-After: 120")) as ours, sending() as sender:
        await sender.ended(ours.url())
        put_off = await sender.until_tried(1)

    assert put_off.due == sender.wall.at + 120


async def test_410_ends_it_at_once():
    async with target(answering(410)) as ours, sending() as sender:
        await sender.ended(ours.url())
        gone = await sender.until_tried(1)

    assert (gone.state, gone.due, gone.attempts, gone.last) == ("dead", None, 1, "It answered 410 Gone.")
    assert sender.webhooks.outcomes == {"dead": 1}


async def test_a_redirect_is_a_failure_and_not_followed():
    async with target() as other, target(answering(302, f"Location: {other.url()}")) as ours, sending() as sender:
        await sender.ended(ours.url())
        failed = await sender.until_tried(1)

    assert other.heard == []
    assert (failed.state, failed.last) == ("due", "It answered 302 Found, and redirects are not followed.")


async def test_a_target_that_is_silent_for_20_seconds_is_tried_again(mock_clock):
    async with target(None) as ours, sending() as sender:
        await sender.ended(ours.url())
        sender.webhooks.wake()
        await until(lambda: ours.heard != [])
        mock_clock.jump(20)
        failed = await sender.until_tried(1)

    assert (failed.state, failed.last) == ("due", "It gave no answer within 20 s.")


async def test_a_target_that_may_not_be_called_is_not_called():
    async with target() as ours, sending(policy=CallbackPolicy(http=True)) as sender:
        await sender.ended(ours.url(host="localhost"))
        failed = await sender.until_tried(1)

    assert ours.connections == 0
    assert (failed.state, failed.last) == ("due", "Its host has an address that is not allowed here.")


async def test_after_ten_tries_it_is_a_dead_letter():
    async with target(answering(503)) as ours, sending() as sender:
        await sender.ended(ours.url())
        tries = [await sender.until_tried(1), *[await sender.later(25 * HOUR, times) for times in range(2, 11)]]
        await sender.later(100 * HOUR, 10)

    assert [one.state for one in tries] == ["due"] * 9 + ["dead"]
    assert tries[-1].last == "It answered 503 Service Unavailable. That was the last of 10 tries."
    assert len(ours.heard) == 10
    assert await sender.journal.deliveries(state="dead") == [tries[-1]]


async def test_a_run_is_kept_for_as_long_as_its_end_is_still_to_be_told():
    wall = Wall()
    async with (
        target(answering(503)) as ours,
        sending(journal=MemoryJournal(Retention(age=60), wall), wall=wall) as sender,
    ):
        await sender.ended(ours.url())
        await sender.until_tried(1)
        tried = await sender.later(1000, 2)

    assert (tried.state, tried.attempts, tried.last) == ("due", 2, "It answered 503 Service Unavailable.")
    assert len(ours.heard) == 2


async def test_a_delivery_of_a_run_that_nobody_knows_is_a_dead_letter():
    async with sending() as sender:
        await sender.journal.put(
            Delivery(id="msg_0", run=RunId("unknown"), url="http://127.0.0.1/", state="due", due=0)
        )
        dead = await sender.until_tried(1)

    assert (dead.state, dead.last) == ("dead", "The record of run unknown is no longer kept.")


async def test_the_end_that_is_kept_of_an_old_record_can_still_be_told():
    wall = Wall()
    journal = MemoryJournal(Retention(age=3600), wall)
    async with target() as ours:
        await ended(journal, ours.url())
        wall.at += 5000
        async with sending(journal=journal, wall=wall) as sender:
            await sender.until_tried(1)

    assert isinstance((await journal.maybe_reader(RUN)).take_nowait()[0], Gap)
    assert json.loads(ours.heard[0].body)["data"]["result"] == "done"


# --- Several at once ---


async def test_every_target_of_a_run_is_told():
    async with target() as one, target() as other, sending() as sender:
        await sender.ended(one.url(), other.url())
        await sender.until_tried(2)

    assert [one.heard[0].headers["webhook-id"], other.heard[0].headers["webhook-id"]] == ["msg_0", "msg_1"]


async def test_a_slow_target_holds_up_no_other():
    async with target(None) as slow, target() as ours, sending(at_once=AT_ONE_TARGET + 1) as sender:
        await sender.ended(*[slow.url()] * 20, ours.url())
        await sender.until_tried(1)

    assert len(ours.heard) == 1
    assert len(slow.heard) == AT_ONE_TARGET


async def test_no_more_are_tried_at_once_than_allowed():
    async with target(None) as one, target(None) as other, sending(at_once=3) as sender:
        await sender.ended(*[one.url(), other.url()] * 3)
        sender.webhooks.wake()
        await until(lambda: len(one.heard) + len(other.heard) >= 3)

    assert len(one.heard) + len(other.heard) == 3


async def test_what_is_being_tried_is_not_tried_a_second_time_meanwhile():
    async with target(None) as ours, sending() as sender:
        await sender.ended(ours.url())
        sender.webhooks.wake()
        await until(lambda: ours.heard != [])
        sender.wall.at += 1000
        sender.webhooks.wake()
        await wait_all_tasks_blocked()

    assert ours.connections == 1


async def test_what_had_to_wait_too_long_for_its_turn_is_left_to_whoever_takes_it_next():
    async with target(None) as slow, target() as ours, sending(at_once=1) as sender:
        await sender.ended(slow.url())
        sender.webhooks.wake()
        await until(lambda: slow.heard != [])
        await sender.ended(ours.url(), run=RunId("r2"), first=1)
        sender.webhooks.wake()
        await wait_all_tasks_blocked()
        sender.wall.at += 50
        slow.hang_up()
        await sender.until_tried(1)
        assert ours.heard == []
        sender.wall.at += 10
        sender.webhooks.wake()
        await until(lambda: ours.heard != [])
