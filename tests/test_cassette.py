import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate.cassette import (
    Cassette,
    Chunk,
    Exchange,
    HttpFailure,
    HttpRequest,
    HttpResponse,
    dump,
    load,
    load_world,
)
from narrate.errors import CassetteError

AT = "2026-10-13T09:12:00+00:00"

# Text as UTF-8 can say it; a lone surrogate cannot be in a file.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
seconds = st.floats(0, 1e6)
body = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"json": json_values}),
    st.fixed_dictionaries({"text": text}),
    st.fixed_dictionaries({"base64": st.binary(max_size=20)}),
)
some_url = st.builds(lambda path: f"https://example.com/{path}", st.text("abcäß%&=?.", max_size=10))
requests = st.builds(lambda method, url, body: HttpRequest(method=method, url=url, **body), text, some_url, body)
chunks = st.builds(
    lambda after, form: Chunk(after=after, **form),
    seconds,
    st.fixed_dictionaries({"text": text}) | st.fixed_dictionaries({"base64": st.binary(max_size=9)}),
)
responses = st.builds(
    lambda status, headers, after, body, cut: HttpResponse(
        status=status, headers=headers, after=after, cut=cut, **body
    ),
    st.integers(200, 599),
    st.dictionaries(text, text | st.lists(text, max_size=3).map(tuple), max_size=3),
    seconds,
    body | st.fixed_dictionaries({"chunks": st.lists(chunks, max_size=3).map(tuple)}),
    st.booleans(),
)
failures = st.builds(HttpFailure, kind=st.sampled_from(["ConnectError", "ReadTimeout"]), after=seconds)
exchanges = st.builds(lambda q, a: Exchange(request=q, response=a), requests, responses) | st.builds(
    lambda q, e: Exchange(request=q, error=e), requests, failures
)
cassettes = st.builds(
    Cassette,
    origin=st.sampled_from(["recorded", "composed"]),
    about=text,
    at=st.just(AT),
    exchanges=st.lists(exchanges, max_size=3).map(tuple),
)


def answered(url: str, body: Any, **request: Any) -> Exchange:
    return Exchange(request=HttpRequest(method="GET", url=url, **request), response=HttpResponse(status=200, json=body))


def cassette(*exchanges: Exchange, origin: Any = "composed", about: str = "A test.", at: str = AT) -> Cassette:
    return Cassette(origin=origin, about=about, at=at, exchanges=exchanges)


def a_file(**changes: Any) -> dict[str, Any]:
    exchange = {"request": {"method": "GET", "url": "https://example.com/"}, "response": {"status": 200}}
    return {
        "narrate_cassette": 1,
        "origin": "composed",
        "about": "A test.",
        "at": AT,
        "exchanges": [exchange, exchange, exchange],
    } | changes


@given(cassettes)
def test_what_is_dumped_is_loaded_as_it_was(whole):
    assert load(dump(whole), "x.json") == whole


def test_a_file_reads_as_it_is_documented():
    whole = cassette(answered("https://example.com/é?q=1", {"city": "València"}))
    assert dump(whole) == (
        """{
 "narrate_cassette": 1,
 "origin": "composed",
 "about": "A test.",
 "at": "2026-10-13T09:12:00+00:00",
 "exchanges": [
  {
   "request": {
    "method": "GET",
    "url": "https://example.com/é?q=1"
   },
   "response": {
    "status": 200,
    "json": {
     "city": "València"
    }
   }
  }
 ]
}
"""
    )


def test_all_that_the_format_knows_is_read():
    request = {"method": "POST", "url": "https://example.com/", "base64": "/w=="}
    chunked = {"chunks": [{"after": 0.01, "text": "data: x"}, {"after": 1, "base64": "/w=="}], "cut": True}
    given = a_file(
        exchanges=[
            {"request": request, "response": {"status": 200, "headers": {"a": "b", "c": ["d", "e"]}, **chunked}},
            {"request": request, "error": {"kind": "ReadTimeout", "after": 5.0}},
        ]
    )
    first, second = load(json.dumps(given), "x.json").exchanges
    assert first.request.content == b"\xff"
    assert first.outcome == HttpResponse(
        status=200,
        headers={"a": "b", "c": ("d", "e")},
        chunks=(Chunk(after=0.01, text="data: x"), Chunk(after=1, base64=b"\xff")),
        cut=True,
    )
    assert second.outcome == HttpFailure(kind="ReadTimeout", after=5)


@dataclass(frozen=True)
class Bad:
    name: str
    given: Any
    says: str


def third(**changes: Any) -> dict[str, Any]:
    good = a_file()["exchanges"][0]
    return a_file(exchanges=[good, good, good | changes])


def responding(**changes: Any) -> dict[str, Any]:
    return third(response={"status": 200, **changes})


@pytest.mark.parametrize(
    "bad",
    [
        Bad("another kind of JSON", [], "is no cassette: narrate_cassette is missing"),
        Bad("no version", {"exchanges": []}, "is no cassette: narrate_cassette is missing"),
        Bad("a later version", a_file(narrate_cassette=2), "is of version 2, and this narrate reads version 1"),
        Bad("no exchanges", {"narrate_cassette": 1}, "exchanges is missing, or is not a list"),
        Bad("exchanges that are no list", a_file(exchanges={}), "exchanges is missing, or is not a list"),
        Bad(
            "no about",
            {"narrate_cassette": 1, "origin": "composed", "at": AT, "exchanges": []},
            "Object missing required field `about`",
        ),
        Bad("an unknown origin", a_file(origin="dreamt"), "Invalid enum value 'dreamt' - at `$.origin`"),
        Bad(
            "a time elsewhere",
            a_file(at="2026-10-13T09:12:00+02:00"),
            "at is '2026-10-13T09:12:00+02:00', not a time in UTC such as 2026-10-13T09:12:00+00:00",
        ),
        Bad(
            "a part missing",
            third(request={"method": "GET"}),
            "exchange 3: Object missing required field `url` - at `$.request`",
        ),
        Bad(
            "a wrong type",
            responding(status="200"),
            "exchange 3: Expected `int`, got `str` - at `$.response.status`",
        ),
        Bad("no final status", responding(status=101), "exchange 3: 101 is no final HTTP status - at `$.response`"),
        Bad("a slip", responding(afer=1), "exchange 3: Object contains unknown field `afer` - at `$.response`"),
        Bad(
            "a wait that is negative",
            responding(chunks=[{"text": "a"}, {"text": "b", "after": -1}]),
            "exchange 3: after is -1 seconds, and nothing happens before it was asked for - at `$.response.chunks[1]`",
        ),
        Bad(
            "two bodies",
            responding(json={}, text="{}"),
            "exchange 3: a body has one form: json, text, base64 or chunks - at `$.response`",
        ),
        Bad(
            "broken base64",
            responding(base64="!"),
            "exchange 3: Invalid base64 encoded string - at `$.response.base64`",
        ),
        Bad(
            "no outcome",
            a_file(exchanges=[{"request": {"method": "GET", "url": "https://example.com/"}}]),
            "exchange 1: an exchange has either a response or an error",
        ),
        Bad(
            "two outcomes",
            third(error={"kind": "ReadError"}),
            "exchange 3: an exchange has either a response or an error",
        ),
        Bad(
            "an unknown error",
            a_file(
                exchanges=[{"request": {"method": "GET", "url": "https://example.com/"}, "error": {"kind": "Oops"}}]
            ),
            "exchange 1: Invalid enum value 'Oops' - at `$.error.kind`",
        ),
        Bad(
            "a URL without a host",
            third(request={"method": "GET", "url": "/routes"}),
            "exchange 3: the url '/routes' has no host - at `$.request`",
        ),
    ],
    ids=lambda bad: bad.name,
)
def test_a_bad_cassette_says_what_is_wrong_and_where(bad):
    with pytest.raises(CassetteError) as caught:
        load(json.dumps(bad.given), "world/airlabs.json")
    assert str(caught.value) == f"world/airlabs.json: {bad.says}"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("not at all", "x.json: is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"narrate_cassette": NaN}', "x.json: is not JSON: NaN is not JSON"),
        ('{"at": 1, "at": 2}', "x.json: is not JSON: 'at' stands twice in one object"),
        ("[" * 100_000, "x.json: is not JSON: "),
        ('{"a": "\\ud800"}', "x.json: is not JSON: "),
    ],
    ids=["words", "NaN", "a name twice", "endless nesting", "a lone surrogate"],
)
def test_what_is_not_json_is_refused(given, says):
    with pytest.raises(CassetteError) as caught:
        load(given, "x.json")
    assert str(caught.value).startswith(says)


def test_a_body_in_one_arrives_in_one_piece_and_an_empty_one_in_none():
    def pieces(**body: Any) -> list[bytes]:
        return [piece.content for piece in HttpResponse(status=200, **body).pieces]

    assert pieces(json={"a": [1, "é"]}) == ['{"a":[1,"é"]}'.encode()]
    assert pieces(json=None) == [b"null"]
    assert pieces(text="é") == [b"\xc3\xa9"]
    assert pieces(base64=b"\xff") == [b"\xff"]
    assert pieces(chunks=(Chunk(text="a"), Chunk(text="b"))) == [b"a", b"b"]
    assert pieces() == pieces(text="") == []


def write(folder: Path, **files: Cassette) -> None:
    for name, whole in files.items():
        (folder / f"{name}.json").write_text(dump(whole), encoding="utf-8")


def test_a_world_is_every_file_of_a_folder_in_the_order_of_their_names(tmp_path):
    routes, weather = answered("https://routes.example/", 1), answered("https://weather.example/", 2)
    write(tmp_path, b=cassette(routes, about="Routes."), a=cassette(weather, about="Weather."))
    (tmp_path / "README.md").write_text("Not a cassette.")
    assert load_world(tmp_path) == cassette(weather, routes, about="Weather. Routes.")


def test_a_world_can_be_one_file(tmp_path):
    write(tmp_path, a=cassette(answered("https://example.com/", 1)), b=cassette())
    assert load_world(tmp_path / "a.json") == cassette(answered("https://example.com/", 1))


def test_a_world_lives_on_the_latest_day_of_its_files(tmp_path):
    write(
        tmp_path,
        a=cassette(at="2026-10-13T09:12:00.5+00:00"),
        b=cassette(at="2026-10-13T09:12:00Z"),
        c=cassette(at="2025-12-31T23:59:59Z"),
    )
    assert load_world(tmp_path).at == "2026-10-13T09:12:00.5+00:00"


@pytest.mark.parametrize(
    ("origins", "whole"),
    [
        (("recorded", "recorded"), "recorded"),
        (("recorded", "composed"), "composed"),
        (("composed", "composed"), "composed"),
    ],
)
def test_a_world_is_recorded_only_if_every_file_is(tmp_path, origins, whole):
    write(tmp_path, a=cassette(origin=origins[0]), b=cassette(origin=origins[1]))
    assert load_world(tmp_path).origin == whole


def test_a_world_that_is_not_there_says_so(tmp_path):
    with pytest.raises(CassetteError, match=r"nowhere\.json: cannot be read: "):
        load_world(tmp_path / "nowhere.json")
    with pytest.raises(CassetteError, match=r"is a folder without a \*\.json file"):
        load_world(tmp_path)


def test_a_world_names_the_file_that_is_bad(tmp_path):
    write(tmp_path, a=cassette())
    (tmp_path / "b.json").write_bytes(b"\xff")
    with pytest.raises(CassetteError, match=r"b\.json: cannot be read: "):
        load_world(tmp_path)


def test_an_overlay_answers_what_it_knows_and_leaves_the_rest():
    happy = cassette(
        answered("https://example.com/a?x=1&y=2", "fine"),
        answered("https://example.com/a?x=1&y=2", "fine again"),
        answered("https://example.com/b", "fine"),
        about="A good day.",
    )
    broken = Exchange(
        request=HttpRequest(method="get", url="https://EXAMPLE.com:443/a?y=2&x=1"),
        error=HttpFailure(kind="ConnectError"),
    )
    failing = cassette(broken, about="But a is down.", at="2030-01-01T00:00:00Z")
    assert happy.overlaid(failing) == cassette(happy.exchanges[2], broken, about="A good day. But a is down.")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"url": "https://e.com/a?x=1&y=2"}, {"url": "https://e.com/a?y=2&x=1"}, True),
        ({"url": "https://e.com/a?x=1&x=1"}, {"url": "https://e.com/a?x=1"}, False),
        ({"url": "https://e.com/a?x=1&x=2"}, {"url": "https://e.com/a?x=2&x=1"}, True),
        ({"url": "https://e.com/a?q=Val%C3%A8ncia+x"}, {"url": "https://e.com/a?q=València%20x"}, True),
        ({"url": "https://e.com"}, {"url": "https://E.com:443/"}, True),
        ({"url": "https://e.com/a"}, {"url": "http://e.com/a"}, False),
        ({"url": "https://e.com/a"}, {"url": "https://e.com:444/a"}, False),
        ({"url": "https://e.com/a"}, {"url": "https://e.com/a/"}, False),
        ({"url": "https://e.com/?key=[scrubbed]&a=1"}, {"url": "https://e.com/?a=1"}, True),
        ({"json": {"a": 1, "b": [1.0]}}, {"json": {"b": [1], "a": 1}}, True),
        ({"json": {"a": 1}}, {"json": {"a": True}}, False),
        ({"json": [1, 2]}, {"json": [2, 1]}, False),
        ({"json": {"a": 1, "token": "[scrubbed]"}}, {"json": {"a": 1}}, True),
        ({"json": None}, {}, False),
        ({"json": {}}, {"text": "{}"}, False),
        ({"text": "é"}, {"base64": b"\xc3\xa9"}, True),
    ],
)
def test_one_recording_answers_requests_that_differ_only_in_how_they_are_written(one, other, same):
    default = {"method": "POST", "url": "https://e.com/"}
    assert (HttpRequest(**default | one).key == HttpRequest(**default | other).key) is same
