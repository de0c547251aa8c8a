import pytest
from msgspec import UNSET

from narrate.capture import failure_kept, request_kept, response_kept
from narrate.cassette import Chunk, HttpFailure, HttpRequest, HttpResponse
from narrate.scrub import Scrub

JSON = [("content-type", "application/json; charset=utf-8")]
EVENTS = [("Content-Type", "text/event-stream")]


def body_of(kept: HttpRequest | HttpResponse) -> dict[str, object]:
    forms = {name: getattr(kept, name, UNSET) for name in ("json", "text", "base64", "chunks")}
    return {name: form for name, form in forms.items() if form is not UNSET}


@pytest.mark.parametrize(
    ("content_type", "content", "kept"),
    [
        ("application/json", b'{"a": [1, 2.0]}', {"json": {"a": [1, 2.0]}}),
        ("application/problem+json", b"null", {"json": None}),
        ("application/json", b"", {}),
        ("text/plain", b"{}", {"text": "{}"}),
        ("application/json", b'{"a": 1, "a": 2}', {"text": '{"a": 1, "a": 2}'}),
        ("application/json", b'{"a": 1e999}', {"text": '{"a": 1e999}'}),
        ("application/json", b'"\\ud83d"', {"text": '"\\ud83d"'}),
        ("application/json", b'{"a": "b', {"text": '{"a": "b'}),
        ("application/json", '"é"'.encode("utf-16"), {"json": "é"}),
        ("image/png", b"\x89PNG\xff", {"base64": b"\x89PNG\xff"}),
        ("", b"plain", {"text": "plain"}),
        (
            "application/x-www-form-urlencoded",
            b"grant=x&client_secret=it%27s'so&a=%26",
            {"text": "grant=x&client_secret=[scrubbed]&a=%26"},
        ),
    ],
)
def test_a_request_is_kept_in_the_most_readable_form_that_gives_it_back(content_type, content, kept):
    assert body_of(request_kept(Scrub(), "post", "https://e.com/", content_type, content)) == kept


@pytest.mark.parametrize(
    ("headers", "pieces", "after", "kept"),
    [
        (JSON, [(0.5, b'{"a": 1}')], 0.75, {"json": {"a": 1}}),
        (JSON, [(0.5, b'{"a"'), (0.5, b": 1}")], 1.25, {"json": {"a": 1}}),
        (JSON, [(1.0, b"[1"), (0.5, b"]")], 0.25, {"chunks": (Chunk(after=1, text="[1"), Chunk(after=0.5, text="]"))}),
        (JSON, [(1.0, b'{"key"'), (0.5, b': "x"}')], 1.75, {"json": {"key": "[scrubbed]"}}),
        (JSON, [(0.0, b'{"a":')], 0.25, {"text": '{"a":'}),
        ([], [(0.5, b"a")], 0.75, {"text": "a"}),
        ([], [(0.5, b"\xff")], 0.75, {"base64": b"\xff"}),
        ([], [(2.0, b"a")], 0.25, {"chunks": (Chunk(after=2, text="a"),)}),
        ([], [(0.0, b"\xc3"), (0.0, b"\xa9")], 0.25, {"chunks": (Chunk(base64=b"\xc3"), Chunk(base64=b"\xa9"))}),
        (EVENTS, [(0.00004, b"data: x")], 0.25, {"chunks": (Chunk(text="data: x"),)}),
        (EVENTS, [], 0.25, {}),
        (JSON, [], 0.25, {}),
        ([], [(0.5, b"")], 0.25, {"chunks": (Chunk(after=0.5, text=""),)}),
    ],
    ids=[
        "JSON in one piece", "JSON that the network cut", "JSON that was streamed", "streamed JSON with a secret",
        "JSON that broke off", "text in one piece", "bytes in one piece", "text long after its head",
        "a letter cut in two", "an event stream in one piece", "an event stream without events", "no JSON at all",
        "only a silence",
    ],
)  # fmt: skip
def test_a_response_keeps_its_pieces_where_they_mean_something(headers, pieces, after, kept):
    answer = response_kept(Scrub(), 200, headers, 0.25, pieces)
    assert (body_of(answer), answer.after) == (kept, after)


def test_headers_survive_save_those_of_the_connection_and_the_encoding():
    headers = [
        ("Content-Type", "text/plain"),
        ("Content-Length", "3"),
        ("Content-Encoding", "gzip"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Link", "</a>"),
        ("X-Request-Id", "req_1"),
        ("link", "</b>"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]
    assert response_kept(Scrub(), 200, headers, 0, []).headers == {
        "content-type": "text/plain",
        "link": ("</a>", "</b>"),
        "x-request-id": "req_1",
        "set-cookie": ("[scrubbed]", "[scrubbed]"),
    }


def test_times_are_kept_to_a_tenth_of_a_millisecond():
    assert failure_kept("ReadTimeout", 5.00012345) == HttpFailure(kind="ReadTimeout", after=5.0001)
    assert response_kept(Scrub(), 200, [], 0.123456, []).after == 0.1235


def test_a_cut_response_stays_cut():
    assert response_kept(Scrub(), 200, [], 0, [(0.0, b"a"), (0.0, b"b")], cut=True).cut
    assert response_kept(Scrub(), 200, JSON, 0, [(0.0, b"1")], cut=True) == HttpResponse(
        status=200, headers={"content-type": JSON[0][1]}, json=1, cut=True
    )


def test_json_that_nests_endlessly_is_kept_as_text():
    deep = b"[" * 100_000
    assert body_of(request_kept(Scrub(), "POST", "https://e.com/", "application/json", deep)) == {"text": deep.decode()}
    assert body_of(response_kept(Scrub(), 200, JSON, 0, [(0.0, deep)])) == {"text": deep.decode()}
