"""The page for people: whole, safe, and of one piece."""

import json
import shlex
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel, Field

from narrate import Pipeline, concurrent, step
from narrate.server.docs_page import page
from narrate.server.openapi import About, document

BASE = "https://api.example.com"
HOSTILE = "<script>alert('1')</script>\"'&"
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Wish(BaseModel):
    """What is wished for, in `words`."""

    q: str = Field(description=f"In your own words. {HOSTILE}", examples=["It's warm"])


@step(f"Where are you? {HOSTILE}")
async def where() -> str:
    return "Here"


@step("What is it like?")
async def weather() -> int:
    return 20


@step("Choosing")
async def chosen(where: str) -> Wish:
    return Wish(q=where)


TRIP = Pipeline("trip", concurrent(where, weather), chosen, takes=Wish, title=f"A trip {HOSTILE}")
PLAIN = Pipeline("plain", where)


class Read(HTMLParser):
    """A page as a browser takes it: its elements, each with its attributes, and the text of each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[tuple[str, int]] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        self._open += [(tag, len(self.texts[tag]) - 1)] * (tag not in VOID)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for tag, number in self._open:
            self.texts[tag][number] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(*pipelines: Pipeline, base: str = BASE, **about: Any) -> Read:
    told = json.loads(json.dumps(document(pipelines, About(version="1.2.3", **about))))
    return Read(page(told, base))


def test_it_needs_no_script_no_style_inline_and_nothing_from_elsewhere():
    shown = read(TRIP)
    assert not shown.all("script") + shown.all("style") + shown.all("img") + shown.all("iframe")
    assert {
        name for _, attributes in shown.elements for name in attributes if name == "style" or name[:2] == "on"
    } == set()
    links = [one["href"] for tag in ("a", "link") for one in shown.all(tag)]
    assert {link for link in links if link[:1] != "#"} == {"data:,", "docs.css", "openapi.json"}


def test_whatever_an_author_writes_is_text():
    shown = read(TRIP)
    assert shown.texts["h2"][0] == f"A trip {HOSTILE}"
    assert any(HOSTILE in told for told in shown.texts["li"])
    assert any(HOSTILE in told for told in shown.texts["td"])


def test_what_stands_in_backticks_is_code():
    assert "words" in read(TRIP).texts["code"]


def test_every_link_on_the_page_leads_somewhere_and_every_id_is_one():
    shown = read(TRIP, PLAIN)
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [one["href"] for one in shown.all("a")] + [f"#{one['aria-labelledby']}" for one in shown.all("section")]
    assert {link[1:] for link in named if link[:1] == "#"} <= set(ids)


def test_it_can_be_heard_as_well_as_seen():
    shown = read(TRIP)
    assert shown.all("html") == [{"lang": "en"}]
    assert len(shown.all("h1")) == len(shown.all("main")) == len(shown.all("nav")) == 1
    assert len(shown.all("caption")) == len(shown.all("table"))
    assert all(one.get("scope") in ("col", "row") for one in shown.all("th"))
    levels = [int(tag[1]) for tag, _ in shown.elements if tag in ("h1", "h2", "h3", "h4")]
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_each_answer_has_a_command_that_a_shell_takes_as_it_is():
    commands = [shlex.split(told) for told in read(TRIP).texts["pre"]]
    assert {command[0] for command in commands} == {"curl"}
    assert all(f"{BASE}/trip" in command for command in commands)
    assert all(json.loads(command[command.index("-d") + 1]) == {"q": "It's warm"} for command in commands)
    headers = [command[n + 1] for command in commands for n, word in enumerate(command) if word == "-H"]
    assert {
        "Accept: text/plain",
        "Accept: application/x-ndjson",
        "Accept: application/json",
        "Prefer: respond-async",
        "Last-Event-ID: 3",
    } <= set(headers)


def test_a_host_that_means_harm_gets_no_command_of_its_own_in():
    commands = read(TRIP, base="http://x;rm -rf $HOME #").texts["pre"]
    assert all("http://x;rm -rf $HOME #/trip" in shlex.split(command) for command in commands)


def test_of_a_pipeline_that_takes_nothing_it_says_so_and_sends_nothing():
    shown = read(PLAIN)
    assert any("Send no body." in told for told in shown.texts["p"])
    assert {tuple(shlex.split(told)[-2:]) for told in shown.texts["pre"]} == {("-X", "POST")}


def test_webhooks_are_shown_where_they_are_sent():
    with_, without = read(TRIP, webhooks=True), read(TRIP)
    assert any("?callback=https://" in command for command in with_.texts["pre"])
    assert not any("callback" in command for command in without.texts["pre"])


def test_steps_at_the_same_time_stand_together_below_what_says_so():
    outer, inner = [told.split() for told in read(TRIP).texts["ol"]]
    assert outer == ["At", "the", "same", "time:", *inner, "Choosing"]
    assert inner == f"Where are you? {HOSTILE} What is it like?".split()


@pytest.mark.parametrize("word", ["run.started", "step.finished", "gap", "progress"])
def test_every_event_is_there_with_what_it_carries(word):
    assert word in read(TRIP).texts["code"]


def test_all_else_that_can_be_asked_is_there_behind_its_prefix_and_so_is_every_refusal():
    shown = read(TRIP, webhooks=True, guarded=True, prefix="/api")
    assert {"/api/runs", "/api/runs/{run}/events", "/api/deliveries/{id}/resend"} <= set(shown.texts["code"])
    assert {"400", "422", "503"} <= set(shown.texts["dt"])
    assert any(f"{BASE}/api/trip" in command for command in shown.texts["pre"])


def test_a_refusal_that_means_something_else_at_one_address_is_told_there():
    (told,) = [told for told in read(TRIP).texts["td"] if told.startswith("Answer a question of a run")]
    assert "404: There is no such run here, or none of its events is question number to." in told
    assert "409: The question was answered otherwise already" in told
