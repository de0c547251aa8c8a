"""The language model: what it is asked, its answers read, and each way in which it fails told apart."""

import json
from datetime import date

import httpx
import pytest
from pydantic import SecretStr

from narrate.errors import ReplayMiss
from pipelines.travel_escape.model import (
    BadAnswer,
    NoModelKey,
    chat_request,
    intent_of,
    open_model,
    repaired,
    wait_asked,
)
from pipelines.travel_escape.models import Intent, Weather
from pipelines.travel_escape.settings import GROQ
from pipelines.travel_escape.upstream import (
    NotRecorded,
    NotThere,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamSpent,
    UpstreamUnwell,
)
from tests.travel.far_side import FarSide, cut, html

TODAY = date(2026, 11, 21)
REQUEST = chat_request("openai/gpt-oss-20b", "warm on wednesday", TODAY)
ANSWER = {"days_from_now": 4, "weather": "hot", "hours": 2.5, "summary": "Warm, on Wednesday."}
INTENT = Intent(days_from_now=4, weather=Weather.hot, hours=2.5, summary="Warm, on Wednesday.")


def completion(content, finish_reason="stop"):
    """A whole answer, as a reasoning model gives it."""
    message = {"role": "assistant", "content": content, "reasoning": "The user wants…"}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return httpx.Response(200, json={"id": "chatcmpl-1", "choices": [choice], "x_groq": {"id": "req_1"}})


def failure(status, error, **headers):
    """An error, wrapped as Groq does."""
    return httpx.Response(status, json={"error": error}, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def understand(far_side, base_url=GROQ, key="K-SECRET"):
    async with open_model(far_side, base_url, "m", SecretStr(key) if key else None) as model:
        return await model.understand(REQUEST)


async def test_an_answer_is_an_intent():
    far_side = FarSide(completion(json.dumps(ANSWER)))
    assert await understand(far_side) == INTENT
    (asked,) = far_side.asked
    assert str(asked.url) == "https://api.groq.com/openai/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer K-SECRET"
    assert json.loads(asked.content) == REQUEST


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.cerebras.ai/v1", "https://api.cerebras.ai/v1/chat/completions"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1/chat/completions"),
        ("https://example.org", "https://example.org/chat/completions"),
    ],
)
async def test_another_host_is_asked_under_its_own_path(base_url, url):
    far_side = FarSide(completion(json.dumps(ANSWER)))
    await understand(far_side, base_url)
    assert far_side.urls == [url]


def test_the_request_says_which_day_today_is_and_nothing_else_that_changes():
    asked = str(REQUEST["messages"])
    assert "Saturday 2026-11-21" in asked
    assert chat_request("openai/gpt-oss-20b", "warm on wednesday", TODAY) == REQUEST


def test_the_request_speaks_of_json_as_the_response_format_demands():
    assert REQUEST["response_format"] == {"type": "json_object"}
    assert "JSON" in str(REQUEST["messages"][0])
    assert REQUEST["temperature"] == 0


def test_a_repair_sends_the_bad_answer_and_its_mistakes_back():
    bad = BadAnswer('{"hours": 99}', "hours: too many")
    mended = repaired(REQUEST, bad)
    assert mended["messages"][:2] == REQUEST["messages"]
    assert [message["role"] for message in mended["messages"]] == ["system", "user", "assistant", "user"]
    assert "hours: too many" in str(mended["messages"][3])
    assert len(REQUEST["messages"]) == 2


def test_a_repair_of_an_empty_answer_leaves_it_out():
    assert [m["role"] for m in repaired(REQUEST, BadAnswer("", "empty"))["messages"]] == ["system", "user", "user"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"days_from_now": 6}, "days_from_now"),
        ({"days_from_now": -1}, "days_from_now"),
        ({"days_from_now": "soon"}, "days_from_now"),
        ({"weather": "warm"}, "weather"),
        ({"hours": 0}, "hours"),
        ({"hours": 25}, "hours"),
        ({"summary": ""}, "summary"),
        ({"summary": None}, "summary"),
    ],
)
def test_each_field_that_does_not_fit_is_named_to_the_model(fields, named):
    with pytest.raises(BadAnswer) as raised:
        intent_of(json.dumps({**ANSWER, **fields}))
    assert named in raised.value.mistakes


@pytest.mark.parametrize("answer", ["", "Sure! {", "[]", "null", "4"])
def test_an_answer_that_is_no_json_object_is_bad(answer):
    with pytest.raises(BadAnswer):
        intent_of(answer)


def test_what_an_answer_has_too_much_is_let_go_and_its_summary_made_one_line():
    assert intent_of(json.dumps({**ANSWER, "city": "Rome", "summary": " Warm,\n on  Wednesday. "})) == INTENT


@pytest.mark.parametrize(
    "answer",
    [
        completion(None),
        completion(""),
        completion('{"days_from_now": 4, "wea', "length"),
        failure(400, {"message": "Failed to validate JSON.", "code": "json_validate_failed", "failed_generation": ""}),
        failure(
            400, {"message": "Failed to generate JSON.", "code": "json_validate_failed", "failed_generation": "Here"}
        ),
    ],
)
async def test_an_answer_without_usable_json_is_bad(answer):
    with pytest.raises(BadAnswer):
        await understand(FarSide(answer))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failure(401, {"message": "Invalid API Key", "code": "invalid_api_key"}), UpstreamRefused),
        (httpx.Response(401, json={"message": "Wrong API Key", "code": "wrong_api_key"}), UpstreamRefused),
        (httpx.Response(403, json={"detail": "Not authenticated"}), UpstreamRefused),
        (httpx.Response(402, json={"message": "Payment required"}), UpstreamRefused),
        (failure(400, {"message": "json mode cannot be combined with tool/function calling"}), UpstreamRefused),
        (failure(400, "a sentence"), UpstreamRefused),
        (failure(413, {"message": "Request too large", "code": "rate_limit_exceeded"}), UpstreamRefused),
        (httpx.Response(422, json={"message": "?", "code": 422}), UpstreamRefused),
        (failure(404, {"message": "The model does not exist", "code": "model_not_found"}), NotThere),
        (failure(400, {"message": "decommissioned", "code": "model_decommissioned"}), NotThere),
        (failure(404, {"message": "Unknown request URL", "code": "unknown_url"}), NotThere),
        (httpx.Response(404, text=""), NotThere),
        (failure(429, {"code": "rate_limit_exceeded"}, retry_after="2"), UpstreamBusy),
        (httpx.Response(429, json={"message": "Requests per minute", "code": "request_quota_exceeded"}), UpstreamBusy),
        (html(429), UpstreamBusy),
        (httpx.Response(498, json={"error": {"message": "capacity exceeded"}}), UpstreamBusy),
        (failure(200, {"message": "?", "code": "rate_limit_exceeded"}), UpstreamBusy),
        (failure(429, {"code": "rate_limit_exceeded"}, retry_after="214"), UpstreamSpent),
        (failure(500, {"message": "Internal Server Error", "type": "internal_server_error"}), UpstreamUnwell),
        (httpx.Response(500, json={"status_code": 500, "error": {"message": "?", "code": ""}}), UpstreamUnwell),
        (failure(200, {"message": "?"}), UpstreamUnwell),
        (html(503), UpstreamUnwell),
        (html(200), UpstreamUnwell),
        (httpx.Response(200, json=[]), UpstreamUnwell),
        (httpx.Response(200, json={"choices": []}), UpstreamUnwell),
        (httpx.Response(200, headers={"content-type": "application/json"}, text="{"), UpstreamUnwell),
        (cut(), UpstreamUnwell),
        (httpx.ReadTimeout(""), UpstreamUnwell),
        (httpx.ConnectError(""), UpstreamUnwell),
        (httpx.RemoteProtocolError(""), UpstreamUnwell),
    ],
)
async def test_its_failures_are_told_apart_and_never_tried_again_by_itself(answer, error):
    far_side = FarSide(answer)
    with pytest.raises(error):
        await understand(far_side)
    assert len(far_side.asked) == 1


async def test_a_replay_without_a_recording_says_so():
    with pytest.raises(NotRecorded):
        await understand(FarSide(ReplayMiss("POST …", None, [])))


async def test_without_a_key_nobody_is_asked():
    far_side = FarSide(completion(json.dumps(ANSWER)))
    with pytest.raises(NoModelKey):
        await understand(far_side, key=None)
    assert far_side.asked == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "1.2.3s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}, 7.66),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "285ms"}, 0.285),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.56s"}, 179.56),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h4m48s"}, 3888),
        ({"x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "33.382867"}, 33.382867),
        ({"x-ratelimit-remaining-tokens": "5195", "x-ratelimit-reset-tokens": "21.037s"}, None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        (
            {
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "7s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "9s",
            },
            9,
        ),
    ],
)
def test_a_wait_is_read_from_the_headers_of_either_host(headers, wait):
    assert wait_asked(httpx.Headers(headers)) == pytest.approx(wait)
