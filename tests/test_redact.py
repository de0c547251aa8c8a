"""Secrets: learned by name at any depth, masked in whatever is told, and nothing else is touched."""

from collections import namedtuple
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from narrate.errors import Problem, ProblemError
from narrate.events import (
    Detail,
    Message,
    Progress,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepFinished,
    StepRetrying,
    StepStarted,
    from_json,
    plain,
    to_json,
)
from narrate.redact import MASK, Redactor


class Model(BaseModel):
    key: Any = None
    other: Any = None


@dataclass
class Data:
    key: Any
    other: Any = None


class Record(msgspec.Struct):
    key: Any


class Client:
    """Like an API's wrapper: no fields anybody knows of."""

    def __init__(self, key):
        self.key = key
        self.session = self

    @property
    def token(self):
        return f"token of {self.key}"


class Slotted:
    __slots__ = ("key",)

    def __init__(self, key):
        self.key = key


class Colour(Enum):
    RED = "crimson"


Pair = namedtuple("Pair", ["key", "other"])


def taught(value, *names):
    redactor = Redactor()
    redactor.learn(frozenset(names or ["key"]), {"given": value})
    return redactor


# --- Learning ---


def test_nothing_is_masked_before_anything_is_learned():
    redactor = Redactor()

    assert not redactor.active
    assert redactor.text("s3cret") == "s3cret"
    assert redactor.event(Message("a", "s3cret", t=0.0)) == Message("a", "s3cret", t=0.0)


@pytest.mark.parametrize(
    "holder",
    [
        {"key": "s3cret"},
        {"a": [{"b": ({"key": "s3cret"},)}]},
        Model(key="s3cret"),
        Model(other=[Model(key="s3cret")]),
        Model(key=SecretStr("s3cret")),
        Model(key=SecretBytes(b"s3cret")),
        Data("s3cret"),
        Data(None, Data({"anything": ["s3cret"]})),
        Record("s3cret"),
        Pair("s3cret", 1),
        Client("s3cret"),
        Slotted("s3cret"),
        [Client("s3cret")],
        {"key": b"s3cret"},
        {"key": {"s3cret"}},
        {"key": Model(other=Data("s3cret"))},
    ],
    ids=str,
)
def test_a_field_of_the_name_is_found_at_any_depth_of_any_kind_of_value(holder):
    assert taught(holder).text("It is s3cret.") == f"It is {MASK}."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345, "12345"),
        (48.2081, "48.2081"),
        (Colour.RED, "crimson"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Path("home/ann"), "home/ann"),
        (b"\xffkey", "\\xffkey"),
    ],
    ids=str,
)
def test_what_is_no_text_is_masked_as_it_is_written(value, text):
    assert taught({"key": value}).text(f"<{text}>") == f"<{MASK}>"


@pytest.mark.parametrize("value", [None, True, 1, 200, 0.5, "", " ", [], {}, [None, [False]]], ids=repr)
def test_what_would_mask_the_story_is_not_learned(value):
    story = "None True 1 200 0.5 [] {} False and all"

    assert taught({"key": value}).text(story) == story


def test_a_parameter_of_the_name_is_secret_as_a_whole():
    redactor = Redactor()
    redactor.learn(frozenset(["login"]), {"login": {"user": "ann", "deep": ["w0rd"]}, "city": "Wien"})

    assert redactor.text("ann w0rd Wien") == f"{MASK} {MASK} Wien"


def test_a_property_of_the_name_is_asked_for_but_no_method_is():
    assert taught(Client("k3y"), "token").text("token of k3y") == MASK
    assert taught(["a"], "count").text("<built-in method count") == "<built-in method count"


def test_circles_and_great_depth_are_no_harm():
    circle = {"key": "s3cret"}
    circle["self"] = circle
    deep = ["key"]
    for _ in range(5000):
        deep = [deep]

    assert taught(circle).text("s3cret") == MASK
    assert taught({"key": circle, "deep": deep}).text("s3cret") == MASK
    assert taught({"key": deep}, "key").text("key") == MASK


def test_secrets_add_up_and_the_longest_goes_first():
    redactor = taught({"key": "ab"})
    redactor.learn(frozenset(["token"]), {"given": {"token": "abcd"}})

    assert redactor.text("ab abcd abc") == f"{MASK} {MASK} {MASK}c"


@pytest.mark.parametrize(
    "spelt",
    [
        "a+b/ü \"c'",
        "a%2Bb%2F%C3%BC%20%22c%27",
        "a%2Bb/%C3%BC%20%22c%27",
        "a%2Bb%2F%C3%BC+%22c%27",
        "a+b/\\u00fc \\\"c'",
        "a+b/ü \\\"c'",
        "a+b/ü \"c\\'",
    ],
)
def test_a_secret_is_known_in_a_url_in_json_and_in_a_traceback(spelt):
    assert taught({"key": "a+b/ü \"c'"}).text(f"<{spelt}>") == f"<{MASK}>"


# --- Masking ---


def test_fields_of_the_name_are_masked_in_data_whatever_is_in_them():
    event = Detail("a", "About s3cret", {"key": 5, "list": ["s3cret", {"key": None}], "s3cret": 1, "ok": 2}, 10, t=0.0)

    masked = taught({"key": "s3cret"}).event(event)

    assert masked.title == f"About {MASK}"
    assert masked.data == {"key": MASK, "list": [MASK, {"key": MASK}], MASK: 1, "ok": 2}
    assert masked.size == plain(masked.data)[1]


def test_numbers_that_are_secret_are_masked_in_data_only():
    redactor = taught({"key": 12345})

    assert redactor.event(RunFinished({"account": 12345, "n": 1}, 12345, t=0.0)).result == {"account": MASK, "n": 1}
    assert redactor.event(Detail("a", "x", 12345, 12345, t=0.0)).data == MASK
    assert redactor.event(Progress("a", 12345, 12345, t=0.0)) == Progress("a", 12345, 12345, t=0.0)


@pytest.mark.parametrize(
    ("event", "masked"),
    [
        (Message("a", "s3cret", t=0.0), Message("a", MASK, t=0.0)),
        (StepStarted("s3cret", "s3cret", t=0.0), StepStarted("s3cret", MASK, t=0.0)),
        (StepRetrying("a", 1, 2, 0.5, "s3cret", t=0.0), StepRetrying("a", 1, 2, 0.5, MASK, t=0.0)),
        (StepFinished("a", 1.0, "s3cret", "s3cret", t=0.0), StepFinished("a", 1.0, MASK, MASK, t=0.0)),
        (Progress("a", 1, 2, "s3cret", "s3cret", "done", t=0.0), Progress("a", 1, 2, MASK, MASK, "done", t=0.0)),
        (RunCancelledEvent("s3cret", 1.0, t=0.0), RunCancelledEvent(MASK, 1.0, t=0.0)),
        (RunStarted(RunId("s3cret"), "p", "P", (), t=0.0), RunStarted(RunId("s3cret"), "p", "P", (), t=0.0)),
    ],
    ids=lambda event: event.type,
)
def test_words_are_masked_and_what_the_declaration_says_is_not(event, masked):
    assert taught({"key": "s3cret"}).event(event) == masked


def test_every_sentence_of_a_problem_is_masked():
    problem = Problem(
        title="No s3cret",
        status=500,
        detail="s3cret!",
        step="s3cret",
        errors=(ProblemError(detail="s3cret?", field="key", step="a"),),
    )
    masked = Problem(
        title=f"No {MASK}",
        status=500,
        detail=f"{MASK}!",
        step="s3cret",
        errors=(ProblemError(detail=f"{MASK}?", field="key", step="a"),),
    )

    redactor = taught({"key": "s3cret"}, "key", "status", "detail")

    assert redactor.problem(problem) == masked
    assert redactor.event(RunFailedEvent(problem, 1.0, t=0.0)) == RunFailedEvent(masked, 1.0, t=0.0)
    assert redactor.problem(Problem(title="T", status=500)) == Problem(title="T", status=500)


def test_an_event_without_a_secret_is_the_very_same():
    event = Detail("a", "x", {"b": [1, "c"]}, 9, t=0.0)

    assert taught({"key": "s3cret"}).event(event) is event


@given(st.text(min_size=1).filter(lambda text: text.strip() and "•" not in text), st.text(), st.text())
def test_no_secret_is_left_in_any_told_text(secret, before, after):
    event = taught({"key": secret}).event(Message("a", before + secret + after, t=0.0))

    assert secret not in event.text
    assert MASK in event.text
    assert from_json(to_json(event)) == event
