"""When a webhook is tried again, when it is given up, and what it says."""

import json
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate.delivery import BODY_LIMIT, WAITS, Answered, Delivery, Unreached, again, body_of, given_up, tried
from narrate.errors import Problem
from narrate.events import RunCancelledEvent, RunFailedEvent, RunFinished, RunId

NOW = 1_700_000_000.0
HOUR = 3600.0
FIRST = Delivery(id="msg_1", run=RunId("r"), url="https://example.com/", state="due", due=NOW)
DOWN = Answered(503)


def after(attempts):
    return replace(FIRST, attempts=attempts)


def told(event, **changed):
    facts = {"run": RunId("r"), "pipeline": "story", "at": "2026-10-13T09:12:00.000Z", "link": "https://narrate/runs/r"}
    return body_of(event, **{**facts, **changed})


# --- What the answer to a try means ---


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_delivery(status):
    done = tried(FIRST, Answered(status), NOW, 0.0)

    assert (done.state, done.due, done.attempts) == ("delivered", None, 1)


@pytest.mark.parametrize("status", [101, 300, 301, 302, 307, 308, 400, 401, 404, 409, 429, 500, 502, 503, 599])
def test_any_other_answer_is_a_failure_and_tried_again(status):
    failed = tried(FIRST, Answered(status), NOW, 0.0)

    assert (failed.state, failed.due, failed.attempts) == ("due", NOW + 5, 1)


def test_410_is_the_wish_to_hear_no_more():
    gone = tried(FIRST, Answered(410, retry_after=60), NOW, 0.0)

    assert (gone.state, gone.due, gone.attempts) == ("dead", None, 1)


def test_a_target_that_gave_no_answer_is_tried_again():
    failed = tried(FIRST, Unreached("Its host could not be found."), NOW, 0.0)

    assert (failed.state, failed.due, failed.last) == ("due", NOW + 5, "Its host could not be found.")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Answered(204), "It answered 204 No Content."),
        (Answered(302), "It answered 302 Found, and redirects are not followed."),
        (Answered(503), "It answered 503 Service Unavailable."),
        (Answered(599), "It answered 599."),
        (Answered(410), "It answered 410 Gone."),
    ],
)
def test_what_came_is_said_in_words(outcome, words):
    assert tried(FIRST, outcome, NOW, 0.0).last == words


def test_a_delivery_keeps_its_id_its_run_and_its_target():
    failed = tried(FIRST, DOWN, NOW, 0.0)

    assert (failed.id, failed.run, failed.url) == (FIRST.id, FIRST.run, FIRST.url)


# --- The schedule ---


def test_the_schedule_is_that_of_standard_webhooks():
    tries = list(accumulate(range(len(WAITS) - 1), lambda one, _: tried(one, DOWN, NOW, 0.0), initial=FIRST))

    assert [one.due - NOW for one in tries] == [
        0,
        5,
        5 * 60,
        30 * 60,
        *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24)),
    ]


def test_after_the_last_wait_a_failure_is_a_dead_letter_that_says_so():
    dead = tried(after(9), Answered(503, retry_after=5), NOW, 0.0)

    assert (dead.state, dead.due, dead.attempts) == ("dead", None, 10)
    assert dead.last == "It answered 503 Service Unavailable. That was the last of 10 tries."


def test_a_success_at_the_last_try_is_a_delivery():
    assert tried(after(9), Answered(200), NOW, 0.0).state == "delivered"


@given(attempts=st.integers(0, 8), dice=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_shorter_than_planned_and_at_most_a_tenth_longer(attempts, dice):
    waited = tried(after(attempts), DOWN, NOW, dice).due - NOW

    planned = WAITS[attempts + 1]
    assert planned <= waited + 1e-6
    assert waited <= planned * 1.1 + 1e-6


@pytest.mark.parametrize(
    ("attempts", "asked", "waited"),
    [
        (0, 120.0, 120.0),
        (0, 2.0, 5.0),
        (1, 120.0, 300.0),
        (0, 0.0, 5.0),
        (0, 7 * 24 * HOUR, 24 * HOUR),
        (0, float("inf"), 24 * HOUR),
    ],
    ids=["later than planned", "sooner", "sooner than a later wait", "at once", "in a week", "never"],
)
def test_a_retry_after_counts_where_it_is_later_than_planned_and_within_a_day(attempts, asked, waited):
    assert tried(after(attempts), Answered(429, retry_after=asked), NOW, 0.0).due == NOW + waited


# --- By hand ---


def test_a_delivery_that_is_given_up_says_why_and_counts_no_try():
    dead = given_up(after(3), "The record is no longer kept.")

    assert dead == replace(FIRST, state="dead", due=None, attempts=3, last="The record is no longer kept.")


@pytest.mark.parametrize("state", ["dead", "delivered", "due"])
def test_a_delivery_sent_again_has_its_id_and_the_whole_schedule_before_it(state):
    sent = replace(FIRST, state=state, attempts=7, due=None, last="It answered 410 Gone.")

    assert again(sent, NOW) == replace(sent, state="due", due=NOW, attempts=0)


def test_a_delivery_that_waits_for_its_runs_end_is_not_sent_sooner():
    waiting = Delivery(id="msg_1", run=RunId("r"), url="https://example.com/")

    assert again(waiting, NOW) == waiting


# --- What is told ---


@pytest.mark.parametrize(
    ("event", "kind", "facts"),
    [
        (RunFinished(result={"answer": 42}, seconds=1.5, t=1.5), "run.finished", {"result": {"answer": 42}}),
        (RunFinished(result=None, seconds=1.5, t=1.5), "run.finished", {"result": None}),
        (
            RunFailedEvent(problem=Problem(title="Down", status=503, step="routes"), seconds=1.5, t=1.5),
            "run.failed",
            {"problem": {"title": "Down", "status": 503, "step": "routes"}},
        ),
        (RunCancelledEvent(reason="They left.", seconds=1.5, t=1.5), "run.cancelled", {"reason": "They left."}),
    ],
    ids=["finished", "without a result", "failed", "cancelled"],
)
def test_a_body_tells_a_runs_end_as_standard_webhooks_has_it(event, kind, facts):
    assert json.loads(told(event)) == {
        "type": kind,
        "timestamp": "2026-10-13T09:12:00.000Z",
        "data": {"run": "r", "pipeline": "story", "seconds": 1.5, **facts, "link": "https://narrate/runs/r"},
    }


@pytest.mark.parametrize(
    ("event", "left_out"),
    [
        (RunFinished(result="x" * BODY_LIMIT, seconds=1.5, t=1.5), "result"),
        (RunFailedEvent(problem=Problem(title="x" * BODY_LIMIT, status=500), seconds=1.5, t=1.5), "problem"),
        (RunCancelledEvent(reason="x" * BODY_LIMIT, seconds=1.5, t=1.5), "reason"),
    ],
    ids=["result", "problem", "reason"],
)
def test_what_would_make_a_body_too_large_is_left_out_and_to_be_read_at_the_link(event, left_out):
    body = told(event)

    data = json.loads(body)["data"]
    assert data == {
        "run": "r",
        "pipeline": "story",
        "seconds": 1.5,
        "left_out": left_out,
        "link": "https://narrate/runs/r",
    }


@given(st.text(max_size=60), st.integers(150, 250))
def test_a_body_is_as_large_as_allowed_and_no_larger(result, limit):
    event = RunFinished(result=result, seconds=1.5, t=1.5)
    whole = told(event, limit=BODY_LIMIT)

    body = told(event, limit=limit)

    assert (body == whole) == (len(whole) <= limit)
    assert len(body) <= max(limit, len(told(event, limit=0)))


def test_half_a_character_in_a_result_breaks_no_body():
    body = told(RunFinished(result={"name": "a\ud800b"}, seconds=1.5, t=1.5))

    assert json.loads(body)["data"]["result"] == {"name": "a\ufffdb"}


def test_the_same_end_gives_the_same_bytes():
    def event():
        return RunFinished(result={"ü": [1.1, {"b": 1, "a": 2}]}, seconds=0.1 + 0.2, t=0.3)

    assert told(event()) == told(event())
