"""What is refused before a story opens: always as a problem that says what is wrong, and never as more than that."""

import json
import logging
from typing import Annotated

import pytest
import trio
from pydantic import BaseModel, ConfigDict, Field, Json, field_validator
from quart import request
from quart_trio import QuartTrio

from narrate import DeclarationError, Pipeline, step
from narrate.server import Options, create_app, create_blueprint
from tests.serving import get, heard, one_step, post, served, until


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=20)]
    price: float | None = None
    count: int | None = None
    extra: Json | None = None

    @field_validator("q")
    @classmethod
    def _refuses(cls, q: str) -> str:
        if q == "crash":
            raise RuntimeError("s3cret")
        return q


async def grant(wish: Wish) -> str:
    return repr(wish)


GRANT = one_step(grant, takes=Wish, linger=None)
STUCK = one_step(trio.sleep_forever, linger=0)
JSON = {"Content-Type": "application/json"}


def problem(answer) -> dict:
    """The problem of an answer, which is one."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == answer.status_code
    assert set(told) <= {"title", "status", "detail", "errors"}
    assert "Traceback" not in answer.text
    return told


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b"{", "EOF"),
        (b'{"q": "a"} {}', "trailing"),
        (b"q=a", "expected"),
        (b'{"q": "\\ud800"}', "hex escape"),
        (b'{"q": "\\udc00\\ud800"}', "escape"),
        (b'{"q": "\xff"}', "unicode"),
        (b'{"q": "a\x00b"}', "control character"),
        ('{"q": "a"}'.encode("utf-16"), "expected"),
        (b'\xef\xbb\xbf{"q": "a"}', "expected"),
        (b'{"q": "a", "price": NaN}', "expected"),
        (b'{"q": "a", "price": -Infinity}', "number"),
        (b'{"q": "a", "count": ' + b"9" * 5000 + b"}", "out of range"),
        (b"[" * 500_000, "recursion"),
        (b'{"q":' * 100_000, "recursion"),
        (b"{'q': 'a'}", "string"),
    ],
)
async def test_what_is_no_json_is_refused(body, said):
    async with served(GRANT) as server:
        answer = await server.client.post("/story", content=body, headers=JSON)
        assert answer.status_code == 400
        detail = problem(answer)["detail"]
        assert detail.startswith("The body is not JSON: ")
        assert said in detail


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, ["q"]),
        ([], [None]),
        (None, [None]),
        ("text", [None]),
        ({"q": 1}, ["q"]),
        ({"q": "x" * 21}, ["q"]),
        ({"q": "a", "price": "dear"}, ["price"]),
        ({"q": "a", "zeal": 1, "another": 2}, ["zeal", "another"]),
        ({"price": "dear", "count": 1.5, "zeal": 1}, ["q", "price", "count", "zeal"]),
        ({"q": "a", "extra": "{no json"}, ["extra"]),
        ({"q": "a", "\x00": 1}, ["\x00"]),
    ],
)
async def test_each_field_that_does_not_fit_is_named(given, fields):
    async with served(GRANT) as server:
        answer = await server.client.post("/story", content=json.dumps(given), headers=JSON)
        assert answer.status_code == 422
        told = problem(answer)
        assert [error.get("field") for error in told["errors"]] == fields
        assert all(error["detail"] in told["detail"] for error in told["errors"])
        assert server.service.narrator.runs == ()


@pytest.mark.parametrize("given", [{"q": "a\x00b"}, {"q": "a", "price": 1e308}, {"q": "a", "count": 10**400}])
async def test_what_is_odd_but_right_is_taken(given):
    async with served(GRANT) as server:
        answer = await server.client.post("/story", content=json.dumps(given), headers=JSON)
        assert heard(answer.content)[-1]["result"] == repr(Wish(**given))


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "json", "application/jsonx"])
async def test_what_does_not_say_it_is_json_is_not_read_as_json(kind):
    async with served(GRANT) as server:
        answer = await server.client.post(
            "/story", content=b'{"q": "a"}', headers={"Content-Type": kind} if kind else {}
        )
        assert (answer.status_code, answer.headers["accept-post"]) == (415, "application/json")
        assert kind is None or kind in problem(answer)["detail"]


@pytest.mark.parametrize("kind", ["Application/JSON; charset=UTF-8", "application/vnd.wish+json"])
async def test_json_goes_by_more_names_than_one(kind):
    async with served(GRANT) as server:
        answer = await server.client.post("/story", content=b'{"q": "a"}', headers={"Content-Type": kind})
        assert answer.status_code == 200


async def test_a_pipeline_without_input_takes_no_body():
    async with served(one_step(plain)) as server:
        for empty in (b"", b"{}", b" null "):
            assert (await server.client.post("/story", content=empty)).status_code == 200
        answer = await server.client.post("/story", content=b'{"q": 1}')
        assert (answer.status_code, problem(answer)["detail"]) == (422, "`/story` takes no input; send no body.")


async def plain() -> int:
    return 1


class Leave(BaseModel):
    """Nothing of it is needed."""

    days: int = 1


@step("Leaving")
async def left(leave: Leave) -> int:
    return leave.days


async def test_no_body_leaves_out_all_that_may_be_left_out():
    async with served(Pipeline("leave", left, takes=Leave)) as server:
        for empty in ({}, {"headers": JSON}, {"json": {}}):
            answer = await server.client.post("/leave", **empty)
            assert heard(answer.content)[-1]["result"] == 1
        described = (await server.client.get("/openapi.json")).json()
        assert described["paths"]["/leave"]["post"]["requestBody"]["required"] is False


async def test_no_body_is_no_input_where_some_of_it_is_needed():
    async with served(GRANT) as server:
        assert (await server.client.post("/story")).status_code == 415
        assert (await server.client.post("/story", headers=JSON)).status_code == 400


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("attempt", range(3))
async def test_a_large_body_is_refused_and_the_connection_stays_usable(framing, attempt):
    body = b'{"q": "' + b"x" * 2_000_000 + b'"}'
    head = b"POST /story HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    async with served(GRANT) as server, await server.wire() as client:
        if framing == "length":
            await client.send(head + b"Content-Length: %d\r\n\r\n" % len(body))
            await client.send(body)
        else:
            await client.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 100_000):
                piece = body[at : at + 100_000]
                await client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await client.send(b"0\r\n\r\n")
        status, headers, told = await client.answer()
        assert (status, told["detail"]) == (413, "The body is larger than 1048576 bytes.")
        assert "connection" not in headers
        await client.send(post(data={"q": "a"}))
        assert (await client.head())[0] == 200


@pytest.mark.parametrize("framing", ["Content-Length: 99999999999", "Transfer-Encoding: chunked"])
async def test_a_body_without_end_is_cut_off(framing):
    options = Options(max_body=1000, grace=0)
    async with served(GRANT, options=options) as server, await server.wire() as client:
        await client.send(b"POST /story HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        await client.send(framing.encode() + b"\r\n\r\n")
        for _ in range(9):
            await client.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (413, "close")
        with pytest.raises(EOFError):
            await client.read(1)


async def test_a_slow_body_is_given_up():
    async with served(GRANT, options=Options(body_timeout=0.05, grace=0)) as server, await server.wire() as client:
        await client.send(post(data={"q": "a"})[:-1])
        status, headers, told = await client.answer()
        assert (status, headers["connection"]) == (408, "close")
        assert told["detail"] == "The body did not arrive within 0.05 s."
        with pytest.raises(EOFError):
            await client.read(1)


@pytest.mark.parametrize("path", ["/nothing", "/story/", "/runs/", "/web/../x", "/web/x.js", "/web/%2e%2e/x"])
async def test_what_is_not_there_is_not_found(path):
    async with served(GRANT) as server, await server.wire() as client:
        await client.send(get(path))
        status, headers, told = await client.answer()
        assert (status, told["status"], headers["content-type"]) == (404, 404, "application/problem+json")


async def test_a_method_that_is_not_offered_is_refused_with_those_that_are():
    async with served(GRANT) as server:
        for method, path, allowed in (
            ("GET", "/story", {"POST", "OPTIONS"}),
            ("DELETE", "/story", {"POST", "OPTIONS"}),
            ("POST", "/runs/x/events", {"GET", "HEAD", "OPTIONS"}),
        ):
            answer = await server.client.request(method, path)
            assert problem(answer)["status"] == 405
            assert set(answer.headers["allow"].split(", ")) == allowed


async def test_a_head_hears_the_headers_and_does_not_count_as_a_reader():
    async with served(STUCK) as server, await server.asked() as reader:
        _, headers = await reader.head()
        answer = await server.client.head(headers["content-location"])
        assert (answer.status_code, answer.content) == (200, b"")
        for name in ("content-type", "content-location", "narrate-run", "cache-control"):
            assert answer.headers[name] == headers[name]
        assert "content-length" not in answer.headers
        assert len(server.service.streams) == 1
        assert (await reader.until("step.started"))["step"] == "sleep_forever"


async def test_options_says_what_can_be_done():
    async with served(STUCK) as server:
        answer = await server.client.options("/story")
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (200, {"POST", "OPTIONS"})
        assert server.service.narrator.runs == ()


@pytest.mark.parametrize("accept", ["image/*", "text/event-stream;q=0", "*/*;q=0", "nonsense"])
async def test_a_form_that_is_not_offered_is_refused_with_those_that_are(accept):
    async with served(GRANT) as server:
        answer = await server.client.post("/story", json={"q": "a"}, headers={"Accept": accept})
        assert answer.status_code == 406
        assert problem(answer)["detail"] == (
            "This is answered as text/event-stream, application/x-ndjson, application/json or text/plain."
        )
        assert server.service.narrator.runs == ()


async def test_one_run_too_many_is_asked_to_come_again():
    async with served(STUCK, options=Options(max_runs=1, grace=0)) as server:
        async with await server.asked() as first:
            await first.until_started()
            answer = await server.client.post("/story")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "again soon" in problem(answer)["detail"]
        await until(lambda: not server.service.narrator.runs)
        async with await server.asked() as again:
            await again.until_started()


async def test_what_nobody_foresaw_is_logged_and_not_told(caplog):
    async with served(GRANT) as server:
        answer = await server.client.post("/story", json={"q": "crash"})
        assert answer.status_code == 500
        assert problem(answer)["detail"] == "The server made a mistake; it is in its log."
        assert "s3cret" not in answer.text + str(answer.headers)
        assert (await server.client.post("/story", json={"q": "a"})).status_code == 200
    assert "s3cret" in caplog.text


async def test_refusals_are_problems_in_an_app_that_was_there_before_and_its_own_stay_its_own():
    app = QuartTrio("mine")
    blueprint, service = create_blueprint(GRANT, options=Options(max_body=100, grace=0))
    app.register_blueprint(blueprint, url_prefix="/api")
    app.config["MAX_CONTENT_LENGTH"] = 50
    app.extensions["narrate"] = service

    @app.get("/mine")
    async def mine() -> str:
        return request.path

    async with served(app=app) as server:
        assert (await server.client.get("/mine")).text == "/mine"
        assert (await server.client.get("/no")).headers["content-type"].startswith("text/html")
        assert problem(await server.client.post("/api/story", json={}))["status"] == 422
        assert problem(await server.client.post("/api/story", json={"q": "x" * 60}))["status"] == 413
        answer = await server.client.post("/api/story", json={"q": "a"})
        where = answer.headers["content-location"]
        assert where == f"/api/runs/{answer.headers['narrate-run']}/events"
        assert (await server.client.get(where)).content == answer.content


async def test_health_is_told_while_it_is_well():
    async with served(GRANT) as server:
        assert (await server.client.get("/healthz")).json() == {"status": "ok", "runs": 0}


def test_two_pipelines_at_one_path_are_a_mistake():
    other = Pipeline("other", step("Working")(plain), path="/story")
    with pytest.raises(DeclarationError, match="`story` and `other` both answer at /story; give one a path"):
        create_app(GRANT, other)


async def test_names_and_doubles_do_not_disturb_the_routes():
    dotted = Pipeline("v1.story", step("Working")(plain))
    namesake = Pipeline("story", step("Working")(plain), path="/again")
    async with served(GRANT, GRANT, dotted, namesake) as server:
        assert [each["path"] for each in (await server.client.get("/pipelines")).json()] == [
            "/story",
            "/v1.story",
            "/again",
        ]
        assert (await server.client.post("/v1.story")).status_code == 200
        assert (await server.client.post("/again")).status_code == 200


async def test_the_access_log_shows_no_query(caplog):
    with caplog.at_level(logging.INFO, "narrate.access"):
        async with served(GRANT) as server:
            await server.client.get("/healthz?key=s3cret")
    [line] = [record.getMessage() for record in caplog.records if record.name == "narrate.access"]
    assert line.startswith('127.0.0.1 "GET /healthz" 200 ')
