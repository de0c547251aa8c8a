"""A page of another origin that shows a pipeline: all that its element asks, as a browser asks it, over real sockets.

Whatever a browser would not send without asking first (Fetch, "CORS-preflight fetch") is asked first here, too.
"""

from pathlib import Path

import httpx
import pytest

from narrate import show
from narrate.server import Options
from tests.serving import Served, heard, one_step, served

LARGE = "x" * 5000
THERE = "https://app.example"


async def work() -> int:
    show("Much", LARGE)
    return 1


@pytest.fixture
def page(tmp_path) -> Path:
    (tmp_path / "view.js").write_text("export default () => () => {};")
    return tmp_path


def serving(page: Path, *origins: str):
    return served(one_step(work, page=page, linger=None), options=Options(cors_origins=origins, grace=0))


async def ask_first(server: Served, origin: str, method: str, path: str, *headers: str) -> httpx.Response:
    asking = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asking["Access-Control-Request-Headers"] = ",".join(headers)
    return await server.client.options(path, headers=asking)


def may(answer: httpx.Response, origin: str, method: str, *headers: str) -> bool:
    """Whether a browser goes on with the request after this answer."""
    return (
        answer.is_success
        and reads(answer, origin)
        and method in words(answer, "access-control-allow-methods")
        and set(headers) <= words(answer, "access-control-allow-headers", lower=True)
    )


def reads(answer: httpx.Response, origin: str) -> bool:
    """Whether a browser lets a page of the origin read this answer to a request without credentials."""
    return answer.headers.get("access-control-allow-origin") in ("*", origin)


def words(answer: httpx.Response, header: str, *, lower: bool = False) -> set[str]:
    told = answer.headers.get(header, "")
    return {word.strip() for word in (told.lower() if lower else told).split(",")}


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [(THERE, THERE), ("http://localhost:9000", "http://localhost:9000"), ("*", THERE), ("*", "null")],
    ids=["one", "with a port", "any", "any, from a file"],
)
@pytest.mark.parametrize(
    "path", ["/web/page.js", "/web/page.css", "/pipelines", "/pipelines/story/page/view.js", "/openapi.json"]
)
async def test_modules_styles_and_the_list_can_be_read_and_revalidated(page, allowed, origin, path):
    async with serving(page, allowed) as server:
        first = await server.client.get(path, headers={"Origin": origin})
        assert (first.status_code, reads(first, origin)) == (200, True)
        again = {"Origin": origin, "If-None-Match": first.headers.get("etag", '"none"')}
        assert reads(await server.client.get(path, headers=again), origin)
        assert may(await ask_first(server, origin, "GET", path, "if-none-match"), origin, "GET", "if-none-match")


@pytest.mark.parametrize(("allowed", "origin"), [(THERE, THERE), ("*", THERE), ("*", "null")])
async def test_a_run_can_be_begun_resumed_followed_read_and_cancelled(page, allowed, origin):
    said = {"content-type": "application/json", "idempotency-key": "k", "accept": "text/event-stream"}
    resumed = {**said, "last-event-id": "2"}
    async with serving(page, allowed) as server:
        for headers in (said, resumed):
            assert may(await ask_first(server, origin, "POST", "/story", *headers), origin, "POST", *headers)
        begun = await server.client.post("/story", headers={**said, "Origin": origin})
        rest = await server.client.post("/story", headers={**resumed, "Origin": origin})
        assert heard(rest.content) == heard(begun.content)[2:]
        home = f"/runs/{begun.headers['narrate-run']}"
        (detail,) = [event for event in heard(begun.content) if event["type"] == "detail"]
        for method, path, asked in (
            ("GET", f"{home}/events", ("last-event-id", "accept")),
            ("GET", f"/events?runs={home[6:]}", ("last-event-id",)),
            ("GET", home, ("if-none-match",)),
            ("GET", detail["link"], ()),
            ("GET", f"/runs?runs={home[6:]}", ()),
            ("DELETE", home, ("accept",)),
        ):
            assert may(await ask_first(server, origin, method, path, *asked), origin, method, *asked), path
            answer = await server.client.request(method, path, headers={"Origin": origin})
            assert (answer.status_code, reads(answer, origin)) == (200, True), path
        for answer in (begun, rest):
            assert reads(answer, origin)
            assert {"Narrate-Run", "Narrate-Heartbeat", "Content-Location", "Idempotency-Replayed"} <= words(
                answer, "access-control-expose-headers"
            )


async def test_what_tells_a_stream_apart_can_be_read_on_a_refusal_too(page):
    async with serving(page, THERE) as server:
        answer = await server.client.post("/story", json={"q": 1}, headers={"Origin": THERE})
        assert (answer.status_code, reads(answer, THERE)) == (422, True)
        assert {"Retry-After", "Location"} <= words(answer, "access-control-expose-headers")


@pytest.mark.parametrize("origin", ["https://other.example", "http://app.example", "https://app.example:8443", "null"])
async def test_what_is_open_to_one_origin_is_closed_to_all_others(page, origin):
    async with serving(page, THERE) as server:
        for path in ("/web/page.js", "/pipelines", "/pipelines/story/page/view.js"):
            answer = await server.client.get(path, headers={"Origin": origin})
            assert not reads(answer, origin)
            assert "Origin" in words(answer, "vary")
        before = await ask_first(server, origin, "POST", "/story", "idempotency-key")
        assert not may(before, origin, "POST", "idempotency-key")


async def test_nobody_is_let_in_with_credentials_and_no_header_that_is_not_known(page):
    async with serving(page, "*") as server:
        before = await ask_first(server, THERE, "POST", "/story", "x-other", "cookie")
        assert "access-control-allow-credentials" not in before.headers
        assert not {"x-other", "cookie"} & words(before, "access-control-allow-headers", lower=True)


async def test_an_answer_without_an_origin_is_not_kept_for_one_with_it(page):
    async with serving(page, THERE) as server:
        answer = await server.client.get("/web/page.js")
        assert "Origin" in words(answer, "vary")


async def test_the_element_itself_is_open_to_all_so_that_it_can_say_that_nothing_else_is(page):
    async with serving(page) as server:
        module = await server.client.get("/web/narrate-run.js", headers={"Origin": THERE})
        listed = await server.client.get("/pipelines", headers={"Origin": THERE})
    assert (module.status_code, module.headers["access-control-allow-origin"]) == (200, "*")
    assert (listed.status_code, "access-control-allow-origin" in listed.headers) == (200, False)
