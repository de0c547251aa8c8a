"""What a request asks for, read from its headers and its query, and what of it is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from quart.wrappers import Request
from werkzeug.datastructures import Headers

from narrate import Pipeline, step
from narrate.server.asked import (
    LONGEST_KEY,
    MOST_CALLBACKS,
    MOST_RUNS,
    Preferences,
    callbacks_of,
    fingerprint,
    key_of,
    places_of,
    preferences_of,
    runs_of,
)
from narrate.server.problems import Refused


def asking(*headers: tuple[str, str], query: str = "") -> Request:
    async def push(path: str, headers: Headers) -> None:
        raise AssertionError(path)

    scope = {"type": "http", "query_string": query.encode()}
    return Request(
        "POST", "http", "/", query.encode(), Headers(list(headers)), "", "1.1", scope, send_push_promise=push
    )


def test_nothing_said_is_no_preference():
    assert preferences_of(asking()) == Preferences(respond_async=False, wait=None)


@pytest.mark.parametrize(
    ("lines", "read"),
    [
        (["respond-async"], (True, None)),
        (["respond-async, wait=10"], (True, 10)),
        (["respond-async", "wait=10"], (True, 10)),
        (["wait=0"], (False, 0)),
        (['wait="7"'], (False, 7)),
        (["Respond-Async ,WAIT = 5"], (True, 5)),
        (["wait=5; with=parameters, respond-async;x"], (True, 5)),
        (["wait=5, wait=9"], (False, 5)),
        (["wait=soon, wait=9"], (False, None)),
        (["wait=-1"], (False, None)),
        (["wait=1.5"], (False, None)),
        (["wait=٣"], (False, None)),
        (["wait=9999999999"], (False, None)),
        (["wait"], (False, None)),
        (['foo="a, respond-async", handling=lenient'], (False, None)),
        (["respond-async=yes"], (False, None)),
        (['respond-async=""'], (True, None)),
        ([",,=,;, respond-async"], (True, None)),
    ],
)
def test_preferences_are_read_as_they_are_meant_and_others_passed_over(lines, read):
    preferences = preferences_of(asking(*[("Prefer", line) for line in lines]))
    assert (preferences.respond_async, preferences.wait) == read


@given(st.lists(st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0")), max_size=3))
def test_no_preference_is_an_error(lines):
    preferences = preferences_of(asking(*[("Prefer", line) for line in lines]))
    assert preferences.wait is None or preferences.wait >= 0


@pytest.mark.parametrize(
    ("given_key", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"an order, of \\"two\\""', 'an order, of "two"'),
        (r'"a\\b"', r"a\b"),
        ("k" * LONGEST_KEY, "k" * LONGEST_KEY),
    ],
)
def test_a_key_comes_in_quotes_or_without(given_key, key):
    assert key_of(asking(("Idempotency-Key", given_key))) == key


def test_a_request_need_not_have_a_key():
    assert key_of(asking()) is None


@pytest.mark.parametrize(
    "given_key", ["", '""', '"open', 'a"b', "two words", "a,b", '"a"; x=1', "schlüssel", r'"a\b"', "k" * 256, "\x7f"]
)
def test_what_is_no_key_is_refused_by_name(given_key):
    with pytest.raises(Refused) as refused:
        key_of(asking(("Idempotency-Key", given_key)))
    assert (refused.value.problem.status, refused.value.problem.errors[0].field) == (400, "Idempotency-Key")


def test_two_keys_are_refused():
    with pytest.raises(Refused):
        key_of(asking(("Idempotency-Key", "a"), ("Idempotency-Key", "a")))


class Order(BaseModel):
    item: str
    count: int = 1
    more: dict[str, float] = {}


@step("Working")
async def work() -> int:
    return 1


ORDERS = Pipeline("orders", work, takes=Order)
NOTHING = Pipeline("nothing", work)


def test_the_same_json_is_the_same_request_however_it_is_written():
    written = [
        b'{"item":"\xc3\xa9","more":{"a":1.5,"b":2}}',
        b' {"more" : {"b": 2, "a": 15e-1},\n"item": "\\u00e9"} ',
    ]
    assert len({fingerprint(body, ORDERS, ()) for body in written}) == 1
    others = [b'{"item":"e","more":{"a":1.5,"b":2}}', b'{"item":"\xc3\xa9"}', b'{"item":"\xc3\xa9","count":1}']
    assert len({fingerprint(body, ORDERS, ()) for body in (*written, *others)}) == 4


def test_another_callback_is_another_request():
    body = json.dumps({"item": "a"}).encode()
    assert fingerprint(body, ORDERS, ["https://a.example"]) != fingerprint(body, ORDERS, [])


def test_no_body_is_one_request_however_it_is_left_out():
    assert len({fingerprint(body, NOTHING, ()) for body in (b"", b"null", b" {} ")}) == 1


def test_callbacks_are_the_pipelines_own_and_those_of_the_request_each_once():
    calling = Pipeline("calling", work, callback="https://own.example/")
    query = "callback=https://a.example/%3Fx%3D1&callback=https://own.example/&callback=https://a.example/?x=1"
    assert callbacks_of(asking(query=query), calling) == ("https://own.example/", "https://a.example/?x=1")
    assert callbacks_of(asking(), NOTHING) == ()


def test_too_many_callbacks_are_refused_by_name():
    query = "&".join(f"callback=https://{n}.example" for n in range(MOST_CALLBACKS + 1))
    with pytest.raises(Refused) as refused:
        callbacks_of(asking(query=query), NOTHING)
    assert (refused.value.problem.status, refused.value.problem.errors[0].field) == (422, "callback")


def test_runs_are_named_each_once_in_their_order():
    assert runs_of(asking(query="runs=b,a,,b&runs=c, a")) == ["b", "a", "c"]
    assert runs_of(asking()) == []


def test_too_many_runs_are_refused_by_name():
    assert len(runs_of(asking(query="runs=" + ",".join(map(str, range(MOST_RUNS)))))) == MOST_RUNS
    with pytest.raises(Refused) as refused:
        runs_of(asking(query="runs=" + ",".join(map(str, range(MOST_RUNS + 1)))))
    assert (refused.value.problem.status, refused.value.problem.errors[0].field) == (400, "runs")


def test_a_place_in_several_is_a_number_for_each():
    assert places_of(asking(query="after=12,7,0"), 3) == [12, 7, 0]
    assert places_of(asking(), 2) == [0, 0]
    assert places_of(asking(("Last-Event-ID", "3,4"), query="after=1,1"), 2) == [3, 4]


@pytest.mark.parametrize("place", ["1", "1,2,3", "1,", "1,x", "1,-1", "1, 2", "1;2"])
def test_a_place_for_other_runs_is_refused(place):
    with pytest.raises(Refused) as refused:
        places_of(asking(query=f"after={place}"), 2)
    assert refused.value.problem.status == 400
