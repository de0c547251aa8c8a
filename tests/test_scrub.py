import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate.capture import request_kept, response_kept
from narrate.cassette import Cassette, Exchange, dump
from narrate.scrub import HEADERS, NAMES, SCRUBBED, Scrub

# A random text between two signs that nothing else in a recording has: found means leaked. It may hold all that URLs
# and JSON write otherwise, so it is also looked for as JSON writes it.
secrets = st.text(st.characters(exclude_categories=["Cs"]), max_size=15).map(lambda middle: f"s3cr§t{middle}t§rc3s")
names = st.sampled_from(sorted(NAMES)).flatmap(
    lambda name: st.sampled_from([name, name.upper(), name.replace("_", "-"), name.title().replace("_", "")])
)


def written(scrub: Scrub, *, url="https://e.com/", body=None, headers=(), pieces=(), text_type="text/plain") -> str:
    """The file that is written of an exchange with these parts."""
    rules = scrub.learning(url, headers)
    content = b"" if body is None else json.dumps(body).encode()
    asked = request_kept(rules, "POST", url, "application/json", content)
    answer = response_kept(rules, 200, [("content-type", text_type), *headers], 0, [(0.0, piece) for piece in pieces])
    exchange = Exchange(request=asked, response=answer)
    return dump(Cassette(origin="recorded", about="", at="2026-10-13T09:12:00Z", exchanges=(exchange,)))


def hidden(secret: str, text: str) -> bool:
    """Whether something stands for a secret in a text, and the secret in none of its spellings."""
    spellings = (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    return SCRUBBED in text and not any(spelt in text for spelt in spellings)


def encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def cut(content: bytes, at: list[int]) -> list[bytes]:
    ends = [0, *sorted(n % (len(content) + 1) for n in at), len(content)]
    return [content[a:b] for a, b in pairwise(ends)]


@given(secrets, names)
def test_a_secret_in_a_query_is_never_written(secret, name):
    assert hidden(secret, written(Scrub(), url=f"https://e.com/?a=1&{name}={encoded(secret)}"))


@given(secrets, names, st.sampled_from([lambda v: v, lambda v: [v], lambda v: {"a": [1, {"b": v}]}]))
def test_a_secret_in_a_json_body_is_never_written(secret, name, nest):
    body = {"outer": [{"x": 1}, {name: nest(secret)}]}
    assert hidden(secret, written(Scrub(), body=body))
    assert hidden(secret, written(Scrub(), pieces=[json.dumps(body).encode()], text_type="application/json"))


@given(secrets, st.sampled_from([*sorted(HEADERS), "X-API-KEY", "Api_Key", "token"]))
def test_a_secret_in_a_header_is_never_written(secret, name):
    echo = f"You are {secret}".encode()
    assert hidden(secret, written(Scrub(), headers=[(name, f"Bearer {secret}")], pieces=[echo]))


@given(secrets, st.lists(st.integers(0, 400), max_size=6), st.booleans())
def test_a_literal_secret_is_never_written_wherever_a_stream_is_cut(secret, at, ascii_only):
    event = "data: " + json.dumps({"text": f"Hear, {secret}!", "nested": json.dumps([secret])}, ensure_ascii=ascii_only)
    pieces = cut(f"{event}\n\n: {secret}\n\n".encode(), at)
    assert hidden(secret, written(Scrub(secrets=(secret,)), pieces=pieces, text_type="text/event-stream"))
    kept = Scrub(secrets=(secret,)).pieces(pieces)
    assert len(kept) == len(pieces)
    assert hidden(secret, b"".join(kept).decode())


@given(secrets, names, st.lists(st.integers(0, 400), max_size=6), st.integers(1, 2))
def test_a_named_secret_in_a_stream_is_never_written(secret, name, at, times):
    told = {name: f"{secret}"}
    for _ in range(times - 1):
        told = {"text": json.dumps(told)}
    pieces = cut(f"data: {json.dumps(told)}\n\n".encode(), at)
    assert hidden(secret, written(Scrub(), pieces=pieces, text_type="text/event-stream"))


@given(secrets)
def test_a_literal_secret_is_never_written_anywhere(secret):
    scrub = Scrub(secrets=(secret, ""))
    assert hidden(secret, written(scrub, url=f"https://e.com/{encoded(secret)}/?{encoded(secret)}=x"))
    assert hidden(secret, written(scrub, url=f"https://e.com/?redirect=https://x?a={encoded(secret)}"))
    assert hidden(secret, written(scrub, body={secret: [f"my {secret}"]}))
    assert hidden(secret, written(scrub, headers=[("location", f"/next?page={encoded(secret)}&c={secret}")]))


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_a_stream_without_secrets_is_kept_byte_for_byte(content, at):
    pieces = cut(content, at)
    assert Scrub(names=frozenset(), patterns=()).pieces(pieces) == pieces


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://e.com/a?b=1&API-Key=x&c=%20d", "https://e.com/a?b=1&API-Key=[scrubbed]&c=%20d"),
        ("https://e.com/a?key=", "https://e.com/a?key="),
        ("https://me:password@e.com:8080/a#token=x", "https://e.com:8080/a"),
        (
            "https://e.com/?next=https%3A%2F%2Fe.com%2F%3Fapi_key%3Dxy%26a%3D1",
            "https://e.com/?next=https%3A%2F%2Fe.com%2F%3Fapi_key%3D[scrubbed]%26a%3D1",
        ),
        ("https://e.com/?keyword=x&monkey=y&tokens=3", "https://e.com/?keyword=x&monkey=y&tokens=3"),
    ],
)
def test_a_url_loses_its_secrets_and_nothing_else(given, kept):
    assert Scrub().url(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Rate limit in organization `org_01hxyz99` reached", "Rate limit in organization `[scrubbed]` reached"),
        ("org_chart and cyborg_123456", "org_chart and cyborg_123456"),
        ("see https://me:pw@e.com/x", "see https://[scrubbed]@e.com/x"),
        ("see /next?page=2&api_key=xy&b=1.", "see /next?page=2&api_key=[scrubbed]&b=1."),
        (r"/next?page=2\u0026api_key=xy\u0026b=1", r"/next?page=2\u0026api_key=[scrubbed]\u0026b=1"),
        ('{"token" : "x\\"y", "b": 1}', '{"token" : "[scrubbed]", "b": 1}'),
        ('{"token": 12345, "b": 1}', '{"token": [scrubbed], "b": 1}'),
        ('{"token": "cut he', '{"token": "[scrubbed]'),
        (r'"{\"a\": \"b\", \"token\": \"xy\", \"c\": 1}"', r'"{\"a\": \"b\", \"token\": \"[scrubbed]\", \"c\": 1}"'),
        ('{"token": ""}', '{"token": ""}'),
        ('{"token": null}', '{"token": null}'),
        ("The key is under the mat; token = nothing", "The key is under the mat; token = nothing"),
    ],
)
def test_a_text_loses_its_secrets_and_nothing_else(given, kept):
    assert Scrub().text(given) == kept


def test_what_stands_under_a_secret_name_keeps_its_shape():
    given = {"secret": {"a": "x", "b": [1, 2.5], "c": None, "d": True, "e": ""}, "keys": ["x"]}
    assert Scrub().json(given) == {
        "secret": {"a": SCRUBBED, "b": [SCRUBBED, SCRUBBED], "c": None, "d": True, "e": ""},
        "keys": ["x"],
    }


def test_airlabs_echo_of_the_key_and_the_client_is_scrubbed():
    echo = {"request": {"lang": "en", "key": {"api_key": "x"}, "client": {"ip": "1.2.3.4", "geo": {"lat": 1}}}}
    assert Scrub(names=frozenset()).json(echo) == {
        "request": {"lang": "en", "key": {"api_key": SCRUBBED}, "client": SCRUBBED}
    }


def test_a_path_may_lead_through_any_member_or_item():
    scrub = Scrub().also(paths=["users.*.name", "*.id"])
    assert scrub.json({"users": [{"name": "A", "age": 1}], "me": {"id": 2}}) == {
        "users": [{"name": SCRUBBED, "age": 1}],
        "me": {"id": SCRUBBED},
    }


def test_a_document_that_broke_off_loses_all_from_where_a_path_may_end():
    pieces = [b'{"request": {"lang": "en", "cli', b'ent" : {"ip": "1.2.3.4", ', b'"geo": {']
    assert Scrub().broken_json(pieces) == [b'{"request": {"lang": "en", "cli', b'ent" :[scrubbed]', b""]
    assert Scrub(paths=()).broken_json(pieces) == pieces


def test_rules_are_extended_by_names_headers_patterns_and_values():
    scrub = Scrub().also(
        names=["pin"], headers=["x-me"], patterns=[r"\d{4}-\d{4}", r"id=(?P<secret>\w+);"], secrets=["z"]
    )
    assert scrub.json({"PIN": "1"}) == {"PIN": SCRUBBED}
    assert scrub.header("X-Me", "1") == SCRUBBED
    assert scrub.text("1234-5678 id=9; a z") == "[scrubbed] id=[scrubbed]; a [scrubbed]"
    assert scrub.json({"token": 1, "n": 2}) == {"token": SCRUBBED, "n": 2}


def test_a_literal_secret_may_be_a_number():
    assert Scrub(secrets=("123456",)).json({"n": 123456, "m": 12}) == {"n": SCRUBBED, "m": 12}


def test_of_two_secrets_of_which_one_begins_the_other_no_tail_stays():
    assert Scrub(secrets=("abc", "abcdef")).text("abcdef abc") == "[scrubbed] [scrubbed]"


def test_overlapping_secrets_become_one():
    assert Scrub(secrets=("xy=1&token",)).text("?xy=1&token=abc") == "?[scrubbed]=[scrubbed]"
    assert Scrub(secrets=("abc&d",)).text("?token=abc&d.") == "?token=[scrubbed]."


def test_what_a_request_kept_secret_is_learned():
    scrub = Scrub().learning(
        "https://someuser:somepassword@e.com/?api_key=query%20secret&key=short",
        [("authorization", "Bearer bearer-secret"), ("accept", "text/plain")],
    )
    told = "someuser somepassword query secret short bearer-secret text/plain"
    assert scrub.text(told) == "[scrubbed] [scrubbed] [scrubbed] short [scrubbed] text/plain"


def test_a_request_that_is_scrubbed_already_teaches_nothing():
    assert Scrub().learning("https://e.com/?api_key=[scrubbed]", []) == Scrub()


def test_scrubbing_twice_is_scrubbing_once():
    for once in ("?api_key=[scrubbed]&a=1", '{"token": "[scrubbed]"}', "https://[scrubbed]@e.com"):
        assert Scrub().text(once) == once


def test_rules_do_not_show_their_secrets():
    assert "hunter2" not in repr(Scrub(secrets=("hunter2",)))
