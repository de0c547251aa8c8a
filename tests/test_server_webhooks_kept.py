"""What lasts of webhooks: they are sent again by hand, after a restart, and past a journal that fails; and secrets."""

import pytest
from trio.testing import wait_all_tasks_blocked

from narrate.delivery import Delivery
from narrate.errors import JournalFailed, NarrateError
from narrate.journal.base import Begun
from narrate.journal.memory import MemoryJournal
from narrate.journal.sqlite import SqliteJournal
from narrate.server.callbacks import CallbackClient, CallbackPolicy
from narrate.server.problems import Refused
from narrate.server.webhooks import Webhooks
from tests.receiving import OK, answering, target
from tests.sending import FOREVER, LOCAL, RUN, SECRET, Wall, ended, secret_of, sending
from tests.serving import until


class FailingJournal(MemoryJournal):
    """A journal whose disk is full for so many calls of each kind."""

    def __init__(self, wall, **failures):
        super().__init__(FOREVER, wall)
        self.failures = failures

    def _fail(self, what):
        if self.failures.get(what, 0) > 0:
            self.failures[what] -= 1
            raise JournalFailed("the disk is full")

    async def due(self, now, until):
        self._fail("due")
        return await super().due(now, until)

    async def put(self, delivery):
        self._fail("put")
        await super().put(delivery)

    async def maybe_begun(self, run):
        self._fail("maybe_begun")
        return await super().maybe_begun(run)


pytestmark = pytest.mark.usefixtures("mock_clock")  # Nothing here comes by waiting: trio's time stands still.


# --- By hand ---


async def test_a_dead_letter_sent_again_arrives_with_its_id():
    async with target(answering(410), OK) as ours, sending() as sender:
        await sender.ended(ours.url())
        await sender.until_tried(1)
        put_back = await sender.webhooks.resend("msg_0")
        delivered = await sender.until_tried(2)

    assert (put_back.state, put_back.attempts, put_back.due) == ("due", 0, sender.wall.at)
    assert (delivered.state, delivered.attempts) == ("delivered", 1)
    first, second = ours.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_an_unknown_delivery_cannot_be_sent_again():
    async with sending() as sender:
        assert await sender.webhooks.resend("msg_unknown") is None


async def test_a_delivery_of_a_run_under_way_is_not_sent_sooner():
    waiting = Delivery(id="msg_0", run=RUN, url="http://127.0.0.1:9/")
    async with sending() as sender:
        await sender.journal.open_record(Begun(run=RUN, pipeline="story"), [waiting])

        assert await sender.webhooks.resend("msg_0") == waiting
        await wait_all_tasks_blocked()

    assert sender.webhooks.outcomes.total() == 0


# --- The journal and the clock ---


async def test_without_being_woken_it_looks_once_a_second(mock_clock):
    async with target() as ours, sending() as sender:
        await wait_all_tasks_blocked()
        await sender.ended(ours.url())
        await wait_all_tasks_blocked()
        assert ours.heard == []
        mock_clock.jump(1)
        await until(lambda: ours.heard != [])


async def test_a_restart_goes_on_in_the_middle_of_the_schedule(tmp_path):
    wall = Wall()
    async with target(answering(503), OK) as ours:
        first = SqliteJournal(tmp_path / "runs.db", FOREVER, wall)
        async with first.open(), sending(journal=first, wall=wall) as sender:
            await sender.ended(ours.url(), result={"b": 1.10, "a": "ü"})
            await sender.until_tried(1)
        second = SqliteJournal(tmp_path / "runs.db", FOREVER, wall)
        async with second.open(), sending(journal=second, wall=wall) as sender:
            await sender.later(4.9, 0)
            delivered = await sender.later(0.1, 1)

    assert (delivered.state, delivered.attempts) == ("delivered", 2)
    assert ours.heard[0].body == ours.heard[1].body
    assert ours.heard[0].headers["webhook-id"] == ours.heard[1].headers["webhook-id"] == "msg_0"


async def test_two_processes_on_one_journal_send_a_delivery_once(tmp_path):
    wall = Wall()
    one, other = (SqliteJournal(tmp_path / "runs.db", FOREVER, wall) for _ in range(2))
    async with (
        target() as ours,
        one.open(),
        other.open(),
        sending(journal=one, wall=wall) as sender,
        sending(journal=other, wall=wall) as beside,
    ):
        await sender.ended(ours.url(), ours.url(), ours.url())
        sender.webhooks.wake()
        beside.webhooks.wake()
        await until(lambda: (sender.webhooks.outcomes + beside.webhooks.outcomes).total() == 3)

    assert sorted(heard.headers["webhook-id"] for heard in ours.heard) == ["msg_0", "msg_1", "msg_2"]


async def test_a_journal_that_cannot_say_what_is_due_is_asked_again():
    wall = Wall()
    async with target() as ours, sending(journal=FailingJournal(wall, due=1), wall=wall) as sender:
        await wait_all_tasks_blocked()
        await sender.ended(ours.url())

        assert (await sender.until_tried(1)).state == "delivered"


async def test_an_outcome_that_cannot_be_kept_is_kept_later_and_the_target_told_once(mock_clock):
    wall = Wall()
    async with target() as ours, sending(journal=FailingJournal(wall, put=2), wall=wall) as sender:
        await sender.ended(ours.url())
        sender.webhooks.wake()
        await until(lambda: sender.journal.failures["put"] == 1)
        not_yet = await sender.journal.maybe_delivery("msg_0")
        wall.at += 1000
        sender.webhooks.wake()
        await wait_all_tasks_blocked()
        mock_clock.jump(1)
        await until(lambda: sender.journal.failures["put"] == 0)
        mock_clock.jump(1)
        kept = await sender.until_tried(1)

    assert (not_yet.state, kept.state) == ("due", "delivered")
    assert ours.connections == 1


async def test_what_cannot_be_read_at_the_moment_is_told_when_its_lease_is_over():
    wall = Wall()
    async with target() as ours, sending(journal=FailingJournal(wall, maybe_begun=1), wall=wall) as sender:
        await sender.ended(ours.url())
        sender.webhooks.wake()
        await wait_all_tasks_blocked()
        assert sender.webhooks.outcomes.total() == 0

        assert (await sender.later(60, 1)).state == "delivered"


# --- Secrets, and the door ---


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "plain text",
        SECRET.removeprefix("whsec_"),
        SECRET.replace("whsec_", "whsk_"),
        SECRET[:-1],
        SECRET + "!",
        " " + SECRET,
        "whsec_" + "ü" * 32,
        secret_of(23),
        secret_of(65),
    ],
)
def test_a_secret_that_is_none_is_refused_without_being_repeated(secret):
    with pytest.raises(NarrateError) as refused:
        Webhooks(MemoryJournal(), (SECRET, secret), CallbackClient(LOCAL), str)

    assert str(refused.value) == (
        "Webhook secret number 2 is not one: it must be `whsec_` and then 24 to 64 bytes in base64."
    )
    assert refused.value.__context__ is None


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_of_the_standards_length_is_taken(length):
    Webhooks(MemoryJournal(), (secret_of(length),), CallbackClient(LOCAL), str).check("http://127.0.0.1/")


def test_a_callback_that_may_not_be_called_is_refused_at_the_door():
    webhooks = Webhooks(MemoryJournal(), (SECRET,), CallbackClient(CallbackPolicy()), str)

    webhooks.check("https://example.com/hook")
    with pytest.raises(Refused, match="`callback` has an address that is not allowed here") as refused:
        webhooks.check("https://127.0.0.1/hook")
    assert refused.value.problem.status == 422


def test_without_a_secret_no_callback_is_taken():
    webhooks = Webhooks(MemoryJournal(), (), CallbackClient(LOCAL), str)

    with pytest.raises(Refused, match="`callback` is not offered here") as refused:
        webhooks.check("https://example.com/hook")
    assert refused.value.problem.status == 422


async def test_without_a_secret_nothing_is_sent_and_nothing_lost(nursery):
    wall = Wall()
    journal = MemoryJournal(FOREVER, wall)
    async with target() as ours:
        webhooks = Webhooks(journal, (), CallbackClient(LOCAL), str, now=wall)
        nursery.start_soon(webhooks.run)
        await ended(journal, ours.url())
        webhooks.wake()
        await wait_all_tasks_blocked()
        (waiting,) = await journal.due(wall.at, wall.at + 60)

    assert ours.connections == 0
    assert (waiting.state, waiting.attempts) == ("due", 0)
