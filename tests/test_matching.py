from typing import Any

import pytest

from narrate.cassette import Exchange, HttpRequest, HttpResponse
from narrate.errors import ReplayMiss
from narrate.matching import Answers, differences

ROUTES = "https://airlabs.co/api/v9/routes"
CHAT = "https://api.groq.com/openai/v1/chat/completions"


def get(url: str, **body: Any) -> HttpRequest:
    return HttpRequest(method="GET", url=url, **body)


def post(url: str, **body: Any) -> HttpRequest:
    return HttpRequest(method="POST", url=url, **body)


def prompt(*contents: str, **options: Any) -> HttpRequest:
    return post(CHAT, json={"messages": [{"role": "user", "content": content} for content in contents], **options})


def answered(request: HttpRequest, body: Any = None) -> Exchange:
    return Exchange(request=request, response=HttpResponse(status=200, json=body))


def answers(*requests: HttpRequest, **options: Any) -> Answers:
    return Answers([answered(request, n) for n, request in enumerate(requests, start=1)], **options)


def heard(told: Answers, request: HttpRequest, scope: Any = None) -> Any:
    exchange = told.next(request, scope)
    assert exchange.response
    return exchange.response.json


def missed(told: Answers, request: HttpRequest, scope: Any = None) -> ReplayMiss:
    with pytest.raises(ReplayMiss) as caught:
        told.next(request, scope)
    return caught.value


def test_repeats_are_answered_in_the_order_in_which_they_are_recorded():
    a, b = get("https://e.com/a"), get("https://e.com/b")
    told = answers(a, b, a)
    assert [heard(told, request) for request in (b, a, a)] == [2, 1, 3]


def test_a_request_is_answered_however_it_is_written():
    told = answers(get("https://e.com/?a=1&b=2&key=[scrubbed]"))
    assert heard(told, HttpRequest(method="get", url="https://E.com:443?b=2&a=1")) == 1


def test_each_scope_hears_the_whole_story():
    a = get("https://e.com/a")
    told = answers(a, a)
    assert [heard(told, a, scope) for scope in ("x", "y", "x", "y")] == [1, 1, 2, 2]


def test_only_the_scopes_used_last_are_remembered():
    a = get("https://e.com/a")
    told = answers(a, a, a, scopes=2)
    assert [heard(told, a, scope) for scope in ("x", "y", "x", "z", "x", "y")] == [1, 1, 2, 1, 3, 1]


def test_after_the_last_repeat_the_miss_says_how_many_there_were():
    a = get("https://e.com/a")
    told = answers(a, a)
    heard(told, a), heard(told, a)
    miss = missed(told, a)
    assert str(miss) == "No recording answers GET https://e.com/a (recorded 2 times, asked a 3rd)."
    assert miss.differences == ("recorded 2 times, asked a 3rd",)
    assert heard(told, a, "another scope") == 1


@pytest.mark.parametrize(
    ("times", "says"),
    [(1, "recorded 1 time, asked a 2nd"), (3, "recorded 3 times, asked a 4th"), (11, "recorded 11 times, asked a 12th"),
     (20, "recorded 20 times, asked a 21st")],
)  # fmt: skip
def test_how_often_is_said_in_english(times, says):
    a = get("https://e.com/a")
    told = answers(*[a] * times)
    for _ in range(times):
        told.next(a, None)
    assert missed(told, a).differences == (says,)


def test_a_miss_in_an_empty_world_has_no_nearest():
    miss = missed(Answers([]), get("https://e.com/a"))
    assert str(miss) == "No recording answers GET https://e.com/a."
    assert miss.nearest is None


def test_a_miss_of_a_page_shows_the_nearest_page():
    told = answers(
        get("https://airlabs.co/api/v9/nearby?dep_iata=VLC&limit=50&offset=100"),
        get(f"{ROUTES}?dep_iata=VLC&limit=50&offset=0&api_key=[scrubbed]"),
        get(f"{ROUTES}?dep_iata=MAD&limit=50&offset=50&api_key=[scrubbed]"),
    )
    miss = missed(told, get(f"{ROUTES}?dep_iata=VLC&limit=50&offset=100&day=mon&api_key=[scrubbed]"))
    assert str(miss) == (
        f"No recording answers GET {ROUTES}?dep_iata=VLC&limit=50&offset=100&day=mon&api_key=[scrubbed].\n"
        f"The nearest is GET {ROUTES}?dep_iata=VLC&limit=50&offset=0&api_key=[scrubbed], which differs:\n"
        "  - query day: asked mon, recorded nothing\n"
        "  - query offset: asked 100, recorded 0"
    )


def test_a_miss_of_a_prompt_shows_where_the_prompts_part():
    system = "You rank weekend trips for somebody who leaves from Valencia. Answer in JSON. The weather is "
    told = answers(get(CHAT), prompt("Hello", "World", temperature=0), prompt(system + "fine.", "Go", temperature=0))
    miss = missed(told, prompt(system + "bad.", "Go", temperature=0.5))
    assert str(miss) == (
        f"No recording answers POST {CHAT}.\n"
        f"The nearest is POST {CHAT}, which differs:\n"
        "  - body messages[0].content: asked …'SON. The weather is bad.', recorded …'SON. The weather is fine.'\n"
        "  - body temperature: asked 0.5, recorded 0"
    )


def test_a_miss_of_an_address_says_which_part_is_another():
    told = answers(get("https://e.com/v1/a/b"), get("https://e.com/v2/a"), get("https://other.com/v1/a/c"))
    miss = missed(told, post("http://e.com:81/v1/a/c"))
    assert str(miss) == (
        "No recording answers POST http://e.com:81/v1/a/c.\n"
        "The nearest is GET https://other.com/v1/a/c, which differs:\n"
        "  - method: asked POST, recorded GET\n"
        "  - host: asked http://e.com:81, recorded https://other.com:443"
    )
    nearest = missed(told, get("https://e.com/v1/a/d"))
    assert (nearest.nearest, nearest.differences) == (
        "GET https://e.com/v1/a/b",
        ("path: asked /v1/a/d, recorded /v1/a/b",),
    )


@pytest.mark.parametrize(
    ("asked", "recorded", "says"),
    [
        (get("https://e.com/?a=1&a=2"), get("https://e.com/?a=1&a=3&a=3"), ("query a: asked 2, recorded 3, 3",)),
        (get("https://e.com/"), get("https://e.com/?a=1"), ("query a: asked nothing, recorded 1",)),
        (get("https://e.com/?a="), get("https://e.com/"), ("query a: asked '', recorded nothing",)),
        (post("https://e.com/", json=1), post("https://e.com/"), ("body: asked JSON, recorded nothing",)),
        (post("https://e.com/", text="1"), post("https://e.com/", json=1), ("body: asked text, recorded JSON",)),
        (post("https://e.com/", text="a"), post("https://e.com/", text="b"), ("body: asked 'a', recorded 'b'",)),
        (
            post("https://e.com/", base64=b"\xff"),
            post("https://e.com/", base64=b"\xfe"),
            (r"body: asked '\\xff', recorded '\\xfe'",),
        ),
        (post("https://e.com/", json=[1]), post("https://e.com/", json=[True]), ("body [0]: asked 1, recorded true",)),
        (
            post("https://e.com/", json={"a": ""}),
            post("https://e.com/", json={"b": None}),
            ("body a: asked '', recorded nothing", "body b: asked nothing, recorded null"),
        ),
        (
            post("https://e.com/", json={"a": []}),
            post("https://e.com/", json={"a": {}}),
            ("body a: asked [], recorded {}",),
        ),
        (
            post("https://e.com/", json="x" * 99),
            post("https://e.com/", json=None),
            (f"body: asked '{'x' * 60}'…, recorded null",),
        ),
        (
            get("https://e.com/?a=" + "x" * 99),
            get("https://e.com/"),
            (f"query a: asked {'x' * 60}…, recorded nothing",),
        ),
        (
            post("https://e.com/", json=list(range(15))),
            post("https://e.com/", json=[0]),
            (*(f"body [{n}]: asked {n}, recorded nothing" for n in range(1, 11)), "and 4 more"),
        ),
    ],
)
def test_a_difference_is_said_in_words(asked, recorded, says):
    assert differences(asked, recorded) == says
