"""What receives webhooks: whom it believes, what it reads, and that it lets each through once."""

import base64
import http.client
import io
import sqlite3
import time
from datetime import UTC, datetime
from threading import Barrier, Thread

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from werkzeug.datastructures import Headers

from narrate import NarrateError, Problem, WebhookRefused
from narrate.delivery import body_of
from narrate.events import RunCancelledEvent, RunFailedEvent, RunFinished
from narrate.receiver import Ended, Receiver, SeenInMemory


def secret_of(letter, size=32):
    return "whsec_" + base64.b64encode(letter * size).decode()


SECRET, OTHER = secret_of(b"a"), secret_of(b"b")
FACTS = {"run": "r1", "pipeline": "coffee", "at": "2026-11-21T10:00:00.250Z", "link": "/runs/r1"}
BODY = body_of(RunFinished({"cups": 2}, 1.5, t=1.5), **FACTS)


def signed(body=BODY, webhook_id="msg_1", secret=SECRET, age=0):
    """The headers of a webhook that was signed so many seconds ago."""
    at = datetime.fromtimestamp(int(time.time() - age), UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body.decode("latin-1")),
    }


# --- What it reads ---


def test_the_end_of_a_run_that_finished_is_read_as_it_was_told():
    assert Receiver(SECRET).receive(signed(), BODY) == Ended(
        id="msg_1",
        type="run.finished",
        at=datetime(2026, 11, 21, 10, 0, 0, 250_000, UTC),
        run="r1",
        pipeline="coffee",
        seconds=1.5,
        link="/runs/r1",
        result={"cups": 2},
    )


def test_a_run_that_failed_tells_its_problem_and_one_that_was_cancelled_its_reason():
    problem = Problem(title="No water", status=502, step="water")
    failed = body_of(RunFailedEvent(problem, 0.5, t=0.5), **FACTS)
    cancelled = body_of(RunCancelledEvent("Enough.", 0.5, t=0.5), **FACTS)
    receiver = Receiver(SECRET)

    assert receiver.receive(signed(failed), failed).problem == problem
    assert receiver.receive(signed(cancelled, "msg_2"), cancelled).reason == "Enough."


def test_what_was_too_large_to_be_sent_is_named():
    body = body_of(RunFinished("x" * 1000, 1.0, t=1.0), **FACTS, limit=500)
    ended = Receiver(SECRET).receive(signed(body), body)

    assert (ended.left_out, ended.result) == ("result", None)


def test_an_end_can_be_written_down_and_read_again():
    ended = Receiver(SECRET).receive(signed(), BODY)

    assert msgspec.json.decode(msgspec.json.encode(ended), type=Ended) == ended


def from_wire(headers):
    """The headers as `http.server` has them."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return http.client.parse_headers(io.BytesIO(f"{lines}\r\n".encode()))


@pytest.mark.parametrize(
    "of_framework",
    [
        lambda headers: {name.title(): value for name, value in headers.items()},
        lambda headers: {name.upper(): value for name, value in headers.items()},
        httpx.Headers,
        Headers,
        from_wire,
    ],
    ids=["Title-Case", "UPPER-CASE", "httpx", "werkzeug", "http.server"],
)
def test_the_headers_of_any_framework_will_do(of_framework):
    assert Receiver(SECRET).receive(of_framework(signed()), BODY).run == "r1"


def test_a_body_may_be_text():
    assert Receiver(SECRET).receive(signed(), BODY.decode()).run == "r1"


def test_fields_of_a_later_version_are_passed_over():
    body = BODY.replace(b'"data":{', b'"new":1,"data":{"new":{"er":2},')

    assert Receiver(SECRET).receive(signed(body), body) == Receiver(SECRET).receive(signed(), BODY)


def test_what_a_later_version_tells_besides_ends_is_nothing_to_do():
    body = b'{"type":"run.paused","timestamp":"2026-11-21T10:00:00Z","data":{"until":1}}'

    assert Receiver(SECRET).receive(signed(body), body) is None


# --- Once ---


def test_a_repetition_is_let_through_once():
    receiver = Receiver(SECRET)

    assert receiver.receive(signed(), BODY) is not None
    assert receiver.receive(signed(age=-1), BODY) is None
    assert receiver.receive(signed(webhook_id="msg_2"), BODY) is not None


def test_read_remembers_nothing():
    receiver = Receiver(SECRET)

    assert receiver.read(signed(), BODY) == receiver.read(signed(), BODY) == receiver.receive(signed(), BODY)


def test_what_is_refused_is_not_remembered():
    receiver = Receiver(SECRET)
    with pytest.raises(WebhookRefused):
        receiver.receive(signed(secret=OTHER), BODY)

    assert receiver.receive(signed(), BODY) is not None


def test_what_is_remembered_in_memory_is_bounded_and_the_latest():
    seen = SeenInMemory(most=2)

    assert [seen.add(one) for one in "abacbca"] == [True, True, False, True, False, False, True]


def test_of_many_threads_one_finds_it_new():
    seen, found, together = SeenInMemory(), [], Barrier(8)

    def add():
        together.wait()
        found.append(seen.add("a"))

    threads = [Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [False] * 7 + [True]


class SeenInTable:
    """As the docstring of Receiver has it."""

    def __init__(self, db):
        self._db = db
        db.execute("CREATE TABLE seen (id TEXT PRIMARY KEY)")

    def add(self, webhook_id):
        return self._db.execute("INSERT OR IGNORE INTO seen (id) VALUES (?)", (webhook_id,)).rowcount == 1


def test_with_a_database_what_failed_is_new_again_and_what_was_done_is_not():
    db = sqlite3.connect(":memory:")
    receiver = Receiver(SECRET, seen=SeenInTable(db))

    with pytest.raises(LookupError), db:
        raise LookupError(receiver.receive(signed(), BODY).id)
    with db:
        assert receiver.receive(signed(), BODY) is not None
    with db:
        assert receiver.receive(signed(), BODY) is None
    db.close()


# --- Whom it believes ---


def test_while_one_secret_replaces_the_other_both_are_believed():
    receiver = Receiver(SECRET, OTHER)

    assert receiver.receive(signed(), BODY) is not None
    assert receiver.receive(signed(webhook_id="msg_2", secret=OTHER), BODY) is not None


def test_of_several_signatures_one_will_do():
    headers = signed() | {"webhook-signature": " ".join(signed(secret=s)["webhook-signature"] for s in (OTHER, SECRET))}

    assert Receiver(SECRET).receive(headers, BODY) is not None


@pytest.mark.parametrize(
    ("header", "value", "why"),
    [
        ("webhook-id", "", "It has no `webhook-id` header: whoever sent it did not sign it."),
        ("webhook-timestamp", "", "It has no `webhook-timestamp` header"),
        ("webhook-signature", "", "It has no `webhook-signature` header"),
        ("webhook-id", "msg_2", "It is not signed with the secret that we share, or was changed on its way."),
        ("webhook-signature", "v1", "It is not signed with"),
        ("webhook-signature", "v1,?", "It is not signed with"),
        ("webhook-signature", "v1,☂", "It is not signed with"),
        ("webhook-signature", "v2,", "It is not signed with"),
        ("webhook-timestamp", "noon", "Its `webhook-timestamp` is not a number of seconds."),
        ("webhook-timestamp", "nan", "It is not signed with"),
    ],
)
def test_a_header_that_is_wrong_is_refused_and_it_is_said_why(header, value, why):
    with pytest.raises(WebhookRefused, match=f"^{why}"):
        Receiver(SECRET).receive(signed() | {header: value}, BODY)


def test_a_webhook_without_any_of_the_headers_is_refused():
    with pytest.raises(WebhookRefused, match="It has no `webhook-id` header"):
        Receiver(SECRET).receive({}, BODY)


def test_a_secret_that_is_not_shared_is_refused():
    with pytest.raises(WebhookRefused, match="It is not signed with the secret that we share"):
        Receiver(SECRET).receive(signed(secret=OTHER), BODY)


@pytest.mark.parametrize(
    ("age", "why"),
    [
        (1000, r"It was signed \d+ s ago, and after 300 s none is believed\. If it is new, set the clocks\."),
        (-1000, r"It was signed \d+ s in the future, and more than 300 s is not believed\. Set the clocks\."),
    ],
)
def test_what_was_signed_too_long_ago_or_is_yet_to_be_is_refused(age, why):
    with pytest.raises(WebhookRefused, match=f"^{why}$"):
        Receiver(SECRET).receive(signed(age=age), BODY)


@pytest.mark.parametrize("age", [200, -200])
def test_clocks_may_differ_by_some_minutes(age):
    assert Receiver(SECRET).receive(signed(age=age), BODY) is not None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "its body is not JSON"),
        (b"{", "its body is not JSON"),
        (b"[]", "no event that narrate sends: Expected `object`, got `array`"),
        (b"{}", "no event that narrate sends: Object missing required field `type`"),
        (BODY.replace(b'"run":"r1",', b""), "no event that narrate sends: Object missing required field `run`"),
        (BODY.replace(b"1.5", b'"long"'), r"Expected `float`, got `str` - at `\$\.seconds`"),
        (BODY.replace(b"2026", b"soon"), "Invalid RFC3339 encoded datetime"),
        (BODY.replace(b"Z", b""), "Expected `datetime` with a timezone component"),
    ],
    ids=["empty", "broken", "a list", "no type", "no run", "a word for seconds", "no date", "no time zone"],
)
def test_what_is_signed_and_is_no_event_of_narrate_is_refused_and_it_is_said_why(body, why):
    with pytest.raises(WebhookRefused, match=why):
        Receiver(SECRET).receive(signed(body), body)


def test_a_body_that_is_no_text_is_refused():
    with pytest.raises(WebhookRefused, match="It is not signed with"):
        Receiver(SECRET).receive(signed(b"\xff"), b"\xff")


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(st.integers(0, 8 * len(BODY) - 1))
def test_any_one_bit_of_the_body_that_is_changed_is_noticed(bit):
    with pytest.raises(WebhookRefused):
        Receiver(SECRET).receive(signed(), flipped(BODY, bit))


@given(st.integers(0, 8 * 32 - 1))
def test_any_one_bit_of_the_signature_that_is_changed_is_noticed(bit):
    headers = signed()
    signature = base64.b64decode(headers["webhook-signature"].removeprefix("v1,"))
    headers["webhook-signature"] = "v1," + base64.b64encode(flipped(signature, bit)).decode()

    with pytest.raises(WebhookRefused):
        Receiver(SECRET).receive(headers, BODY)


# --- Its secrets ---


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", "hunter2", secret_of(b"a", 23), secret_of(b"a", 65)])
def test_a_secret_that_is_none_is_refused_and_not_told(secret):
    with pytest.raises(
        NarrateError,
        match=r"^Webhook secret number 2 is not one: it must be `whsec_` and then 24 to 64 bytes in base64\.$",
    ):
        Receiver(SECRET, secret)


def test_without_a_secret_nobody_can_be_believed():
    with pytest.raises(NarrateError, match="needs a secret"):
        Receiver()
