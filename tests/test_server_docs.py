"""What describes an app, on a real server: the document, the page, and that nothing else is changed by it."""

import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from quart_schema import QuartSchema, validate_request, validate_response
from quart_trio import QuartTrio

from narrate import Pipeline, step
from narrate.events import json_schema
from narrate.server import create_app, create_blueprint
from narrate.server.docs import describing
from narrate.server.openapi import About
from tests.serving import served


class Wish(BaseModel):
    z: str
    a: int = 1


class Problem(BaseModel):
    """An author's own, which is called as one of ours."""

    trouble: str


@step("Granting")
async def granted() -> Wish:
    return Wish(z="It is so.")


def described(*, own_route: bool = False) -> QuartTrio:
    """An app that describes itself, with a route of its author's if wanted."""
    app = create_app(Pipeline("trip", granted, takes=Wish))
    if own_route:

        @app.post("/own")
        @validate_request(Problem)
        @validate_response(Problem)
        async def own(data: Problem) -> Problem:
            """Say it back."""
            return data

    return app


async def test_the_document_is_served_valid_with_its_fields_in_the_order_of_their_declaration():
    async with served(app=described()) as server:
        answer = await server.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    OpenAPIV31SpecValidator(told).validate()
    assert next(iter(told["paths"])) == "/trip"
    assert list(told["components"]["schemas"]["Wish"]["properties"]) == ["z", "a"]


async def test_nothing_of_our_own_is_described_twice():
    async with served(app=described()) as server:
        paths = (await server.client.get("/openapi.json")).json()["paths"]
    assert not [path for path in paths if path in ("/", "/docs", "/openapi.json") or path.startswith("/web")]
    assert not [path for path in paths if "run_id" in path]


async def test_a_route_of_the_authors_stands_in_the_same_document_and_keeps_its_names():
    async with served(app=described(own_route=True)) as server:
        told = (await server.client.get("/openapi.json")).json()
        page = await server.client.get("/docs")
    OpenAPIV31SpecValidator(told).validate()
    body = told["paths"]["/own"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"].keys() == {"trouble"}
    assert told["paths"]["/own"]["post"]["summary"] == "Say it back."
    assert "Say it back." in page.text


async def test_the_page_comes_with_its_style_and_a_policy_that_forbids_all_else():
    async with served(app=described()) as server:
        page, style = [await server.client.get(path) for path in ("/docs", "/docs.css")]
    assert (page.headers["content-type"], style.headers["content-type"]) == (
        "text/html; charset=utf-8",
        "text/css; charset=utf-8",
    )
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; style-src 'self'" in policy
    assert "unsafe" not in policy
    for answer in (page, style):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_what_has_not_changed_of_the_page_and_its_style_is_not_sent_again():
    async with served(app=described()) as server:
        for path in ("/docs", "/docs.css"):
            first = await server.client.get(path)
            again = await server.client.get(path, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")


async def test_the_page_says_where_the_server_is_that_was_asked():
    async with served(app=described()) as server:
        page = await server.client.get("/docs")
    assert f"curl -N {server.url}/trip" in page.text


async def test_the_schema_of_events_is_served():
    async with served(app=described()) as server:
        answer = await server.client.get("/schema/events.json")
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json()["$defs"].keys() == json_schema()["$defs"].keys()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/trip", b"{", 400),
        ("POST", "/trip", b'{"a": "x"}', 422),
        ("PUT", "/trip", b"{}", 405),
        ("GET", "/nowhere", b"", 404),
        ("POST", "/docs", b"", 405),
        ("GET", "/runs/none/events", b"", 404),
    ],
)
async def test_what_is_refused_is_a_problem_still(method, path, body, status):
    async with served(app=described()) as server:
        answer = await server.client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status


async def test_what_an_authors_own_route_refuses_is_a_problem_too():
    async with served(app=described(own_route=True)) as server:
        answer = await server.client.post("/own", json={"trouble": 1})
        fitting = await server.client.post("/own", json={"trouble": "none"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert fitting.json() == {"trouble": "none"}


def test_an_app_that_has_quart_schema_already_can_describe_the_pipelines_in_it_with_its_own():
    trip = Pipeline("trip", granted, takes=Wish)
    app = QuartTrio(__name__)
    blueprint, _ = create_blueprint(trip)
    app.register_blueprint(blueprint, url_prefix="/api")
    schema = QuartSchema(app, openapi_provider_class=describing([trip], About(version="1", prefix="/api")))

    @app.get("/theirs")
    @validate_response(Problem)
    async def theirs() -> Problem:
        return Problem(trouble="none")

    told = json.loads(json.dumps(schema.openapi_provider.schema()))
    OpenAPIV31SpecValidator(told).validate()
    assert {"/theirs", "/api/trip", "/api/runs/{run}/events"} <= told["paths"].keys()
    assert told["info"]["title"] == __name__
