"""Who may come in, what they may see, and which pages of other origins may ask."""

import pytest
import trio
import trio.testing
from quart import Request
from quart_trio import QuartTrio

from narrate import DeclarationError
from narrate.server import Options, Refused, create_app, create_blueprint
from tests.serving import get, heard, one_step, served, until

ASYNC = {"Prefer": "respond-async"}
TOKENS = {"Bearer a": "anna", "Bearer b": "bert", "Bearer n": None}


def authorize(request: Request) -> str | None:
    """A bearer token says who it is."""
    try:
        return TOKENS[request.headers["Authorization"]]
    except KeyError:
        raise Refused(401, "Who are you?") from None


async def authorize_slowly(request: Request) -> str | None:
    await trio.lowlevel.checkpoint()
    return authorize(request)


async def work() -> int:
    return 1


WORKING = one_step(work, linger=None)
STUCK = one_step(trio.sleep_forever, linger=None)
ANNA, BERT, NOBODY = [{"Authorization": token} for token in TOKENS]


# --- Who may come in ---


@pytest.mark.parametrize("rule", [authorize, authorize_slowly])
async def test_nobody_comes_in_unasked_wherever_they_knock(rule):
    async with served(WORKING, authorize=rule) as server:
        for method, path in (
            ("POST", "/story"),
            ("GET", "/"),
            ("GET", "/web/page.js"),
            ("GET", "/pipelines"),
            ("GET", "/healthz"),
            ("GET", "/metrics"),
            ("GET", "/openapi.json"),
            ("GET", "/docs"),
            ("GET", "/schema/events.json"),
            ("GET", "/runs"),
            ("GET", "/runs/x"),
            ("DELETE", "/runs/x"),
            ("GET", "/runs/x/events"),
            ("GET", "/runs/x/details/1"),
            ("GET", "/events?runs=x"),
            ("GET", "/deliveries"),
            ("POST", "/deliveries/x/resend"),
            ("GET", "/nothing"),
            ("OPTIONS", "/story"),
        ):
            answer = await server.client.request(method, path)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"] == "Who are you?"
        assert server.service.narrator.runs == ()


async def test_who_may_not_is_told_so_with_the_headers_that_were_given():
    def never(request: Request) -> str | None:
        raise Refused(403, "Not you.", {"X-Why": "manners"})

    async with served(WORKING, authorize=never) as server:
        answer = await server.client.post("/story")
        assert (answer.status_code, answer.headers["x-why"], answer.json()["detail"]) == (403, "manners", "Not you.")
        assert "www-authenticate" not in answer.headers


async def test_a_refusal_can_say_by_what_to_prove_oneself():
    assert Refused(401, "Who?", {"WWW-Authenticate": "Basic"}).headers == {"WWW-Authenticate": "Basic"}


async def test_a_rule_that_fails_lets_nobody_in(caplog):
    def broken(request: Request) -> str | None:
        raise RuntimeError("s3cret")

    async with served(WORKING, authorize=broken) as server:
        answer = await server.client.post("/story")
        assert (answer.status_code, "s3cret" in answer.text) == (500, False)


# --- What they may see ---


async def test_a_run_is_seen_by_its_owner_alone():
    async with served(STUCK, authorize=authorize) as server:
        begun = await server.client.post("/story", headers={**ANNA, **ASYNC})
        run = begun.headers["narrate-run"]
        asked = [
            ("GET", f"/runs/{run}"),
            ("GET", f"/runs/{run}/details/1"),
            ("DELETE", f"/runs/{run}"),
            ("GET", f"/runs/{run}/events"),
            ("GET", f"/events?runs={run}"),
        ]
        for method, path in asked:
            unknown = await server.client.request(method, path.replace(run, "x" * len(run)), headers=BERT)
            for other in (BERT, NOBODY):
                answer = await server.client.request(method, path, headers=other)
                assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
                assert answer.text.replace(run, "x" * len(run)) == unknown.text
        assert (await server.client.get("/runs", params={"runs": run}, headers=BERT)).json() == []
        assert [one["run"] for one in (await server.client.get("/runs", headers=ANNA)).json()] == [run]
        statuses = [(await server.client.request(*one, headers=ANNA)).status_code for one in asked]
        assert statuses == [200, 404, 200, 200, 200]


async def test_a_run_of_nobody_is_seen_by_who_knows_it():
    async with served(WORKING, authorize=authorize) as server:
        run = (await server.client.post("/story", headers=NOBODY)).headers["narrate-run"]
        for anybody in (ANNA, BERT, NOBODY):
            assert (await server.client.get(f"/runs/{run}", headers=anybody)).status_code == 200
            assert (await server.client.get("/runs", headers=anybody)).json() == []


async def test_ones_own_runs_are_listed_the_newest_first():
    async with served(WORKING, authorize=authorize) as server:
        mine = [(await server.client.post("/story", headers=ANNA)).headers["narrate-run"] for _ in range(3)]
        await server.client.post("/story", headers=BERT)
        told = (await server.client.get("/runs", headers=ANNA)).json()
        assert [one["run"] for one in told] == mine[::-1]
        named = (await server.client.get("/runs", params={"runs": mine[1]}, headers=ANNA)).json()
        assert [one["run"] for one in named] == [mine[1]]


async def test_a_key_is_one_owners_own():
    async with served(WORKING, authorize=authorize) as server:
        key = {"Idempotency-Key": "k"}
        runs = [
            (await server.client.post("/story", headers={**who, **key})).headers["narrate-run"]
            for who in (ANNA, BERT, ANNA)
        ]
        assert (runs[0] == runs[2], runs[0] == runs[1]) == (True, False)


async def test_a_limit_counts_by_owner():
    options = Options(max_runs_per_caller=1, grace=0)
    async with served(STUCK, authorize=authorize, options=options) as server:
        statuses = [
            (await server.client.post("/story", headers={**who, **ASYNC})).status_code for who in (ANNA, BERT, ANNA)
        ]
        assert statuses == [202, 202, 429]


async def test_a_blueprint_guards_its_own_and_nothing_else():
    app = QuartTrio("mine")
    blueprint, service = create_blueprint(WORKING, authorize=authorize)
    app.register_blueprint(blueprint, url_prefix="/api")
    app.extensions["narrate"] = service

    @app.get("/mine")
    async def mine() -> str:
        return "open"

    async with served(app=app) as server:
        assert (await server.client.get("/mine")).text == "open"
        refused = await server.client.post("/api/story")
        assert (refused.status_code, refused.json()["detail"]) == (401, "Who are you?")
        answer = await server.client.post("/api/story", headers=ANNA)
        assert heard(answer.content)[-1]["type"] == "run.finished"
        assert (await server.client.get(answer.headers["content-location"], headers=BERT)).status_code == 404


# --- Which pages may ask ---

ORIGIN = {"Origin": "https://app.example"}
PREFLIGHT = {
    **ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,idempotency-key,prefer,last-event-id,authorization",
}


def listed(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


async def test_no_other_origin_may_ask_until_it_is_said():
    async with served(WORKING) as server:
        for answer in (
            await server.client.post("/story", headers=ORIGIN),
            await server.client.options("/story", headers=PREFLIGHT),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_page_of_a_known_origin_may_ask_and_read():
    options = Options(cors_origins=("https://app.example", "http://localhost:5173"), grace=0)
    async with served(WORKING, options=options, authorize=authorize) as server:
        before = await server.client.options("/story", headers=PREFLIGHT)
        assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, "https://app.example")
        asked = listed(PREFLIGHT["Access-Control-Request-Headers"])
        assert asked <= listed(before.headers["access-control-allow-headers"])
        assert {"post", "get", "delete"} <= listed(before.headers["access-control-allow-methods"])
        answer = await server.client.post("/story", headers={**ORIGIN, **ANNA})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert {"narrate-run", "location", "content-location", "retry-after", "etag"} <= listed(
            answer.headers["access-control-expose-headers"]
        )
        assert listed(answer.headers["vary"]) == {"accept", "prefer", "origin"}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refusal_can_be_read_by_a_page_of_a_known_origin(method):
    options = Options(cors_origins=("https://app.example",), grace=0)
    async with served(WORKING, options=options, authorize=authorize) as server:
        for path in ("/story", "/nothing"):
            answer = await server.client.request(method, path, headers=ORIGIN)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "https://app.example")


async def test_a_page_of_another_origin_may_not():
    options = Options(cors_origins=("https://app.example",), grace=0)
    async with served(WORKING, options=options) as server:
        for origin in ("https://app.example.evil", "http://app.example", "null"):
            answer = await server.client.post("/story", headers={"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers
            assert "origin" in listed(answer.headers["vary"])


async def test_any_origin_may_ask_where_that_is_said():
    async with served(WORKING, options=Options(cors_origins=("*",), grace=0)) as server:
        answer = await server.client.post("/story", headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://app.example/", "app.example", "https://a.example/path", "", "https://"])
def test_what_no_browser_would_send_is_no_origin(origin):
    with pytest.raises(ValueError, match="is no origin"):
        Options(cors_origins=(origin,))


def test_secrets_are_not_in_what_is_shown_of_the_options():
    assert "whsec_s3cret" not in repr(Options(webhook_secrets=("whsec_s3cret",)))


# --- What stands beside the pipelines ---


async def test_the_numbers_count_what_runs_and_what_has_ended():
    async with served(WORKING) as server:
        for _ in range(3):
            await server.client.post("/story")
        answer = await server.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        lines = answer.text.splitlines()
        assert 'narrate_runs_total{pipeline="story",state="finished"} 3.0' in lines
        assert 'narrate_events_total{pipeline="story"} 12.0' in lines
        assert 'narrate_step_seconds_count{pipeline="story",step="work"} 3.0' in lines
        assert 'narrate_runs_under_way{pipeline="story"} 0.0' in lines


async def test_ended_runs_are_let_go_of_once_they_are_counted(mock_clock):
    async with served(STUCK) as server:
        await server.client.post("/story", headers=ASYNC)
        (run,) = server.service.narrator.runs
        run.cancel()
        await until(lambda: not server.service.narrator.runs)
        assert server.service.uncounted == 1
        mock_clock.jump(1.1)
        await trio.testing.wait_all_tasks_blocked(0.001)
        assert server.service.uncounted == 0
        lines = (await server.client.get("/metrics")).text.splitlines()
        assert 'narrate_runs_total{pipeline="story",state="cancelled"} 1.0' in lines


async def test_the_api_describes_itself():
    async with served(WORKING) as server:
        assert (await server.client.get("/openapi.json")).json()["openapi"].startswith("3.1")
        assert "text/html" in (await server.client.get("/docs")).headers["content-type"]
        events = (await server.client.get("/schema/events.json")).json()
        assert "Detached" in events["$defs"]


async def test_a_service_that_is_not_open_says_so():
    app = create_app(WORKING)
    answer = await app.test_client().get("/runs/x")
    assert answer.status_code == 503


async def test_a_pipelines_own_callback_must_be_one_that_can_be_called():
    calling = one_step(work, callback="https://a.example/")
    wrong = one_step(work, callback="https://127.0.0.1/")
    options = Options(webhook_secrets=("whsec_" + "A" * 32,))
    create_app(calling, options=options)
    with pytest.raises(DeclarationError, match="no webhook secret"):
        create_app(calling)
    with pytest.raises(DeclarationError, match="`callback` has an address that is not allowed here"):
        create_app(wrong, options=options)


async def test_a_plain_request_for_what_may_be_done_is_no_preflight():
    async with served(WORKING, authorize=authorize) as server, await server.wire() as client:
        await client.send(get("/story", method="OPTIONS", headers="Origin: https://a.example\r\n"))
        assert (await client.head())[0] == 401
