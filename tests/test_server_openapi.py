"""The OpenAPI document: a valid one, which says of each pipeline all that can be asked and answered."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from narrate import Pipeline, concurrent, step
from narrate.server.openapi import About, document
from pipelines.travel_escape import travel_escape

ABOUT = About(version="1.2.3")
ALL = About(version="1.2.3", title="Trips", prefix="/api", guarded=True, webhooks=True)


class Wish(BaseModel):
    q: str


class Tree(BaseModel):
    """One that refers to itself."""

    branches: "list[Tree]"


@step("Where are you?\n(Roughly.)")
async def where() -> str:
    return "Here"


@step("What is it like?")
async def weather() -> int:
    return 20


@step("Growing from {where}")
async def tree(where: str) -> Tree:
    return Tree(branches=[])


def trip(name: str = "trip", **options: Any) -> Pipeline:
    return Pipeline(name, concurrent(where, weather), tree, **options)


def told(*pipelines: Pipeline, about: About = ABOUT) -> Any:
    """The document as a client reads it."""
    return json.loads(json.dumps(document(pipelines, about)))


def resolved(told: Any, reference: Any) -> Any:
    kind, name = reference["$ref"].split("/")[-2:]
    return told["components"][kind][name]


@pytest.mark.parametrize("about", [ABOUT, ALL], ids=["plain", "with all"])
@pytest.mark.parametrize(
    "pipelines",
    [[], [trip()], [trip(takes=Wish)], [trip(takes=Tree), Pipeline("outer", trip())], [travel_escape]],
    ids=["none", "no input", "input", "several", "travel"],
)
def test_the_document_is_valid_openapi(pipelines, about):
    assert list(OpenAPIV31SpecValidator(told(*pipelines, about=about)).iter_errors()) == []


def test_the_input_is_the_body_and_a_pipeline_without_one_takes_none():
    given = told(trip(takes=Wish), trip("other"))
    body = given["paths"]["/trip"]["post"]["requestBody"]
    assert body["required"]
    assert resolved(given, body["content"]["application/json"]["schema"])["required"] == ["q"]
    assert "requestBody" not in given["paths"]["/other"]["post"]


def test_a_begun_run_is_answered_in_four_forms_the_result_being_the_pipelines():
    given = told(trip(takes=Wish))
    content = given["paths"]["/trip"]["post"]["responses"]["200"]["content"]
    assert list(content) == ["text/event-stream", "application/x-ndjson", "text/plain", "application/json"]
    assert resolved(given, content["application/json"]["schema"])["properties"].keys() == {"branches"}
    event = content["application/x-ndjson"]["schema"]
    assert {"$ref": "#/components/schemas/StepStarted"} in resolved(given, event)["anyOf"]
    assert content["text/event-stream"]["schema"]["properties"]["data"]["contentSchema"] == event


def test_a_begun_run_can_also_be_answered_with_an_address_or_with_nothing_more():
    responses = told(trip())["paths"]["/trip"]["post"]["responses"]
    assert responses["202"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/RunDocument"}
    assert responses["202"]["headers"].keys() >= {"Location", "Retry-After", "Preference-Applied"}
    assert "content" not in responses["204"]


def test_what_can_be_asked_of_a_run_that_was_begun_is_linked_by_its_id():
    given = told(trip())
    responses = given["paths"]["/trip"]["post"]["responses"]
    links = {name: resolved(given, one) for name, one in responses["202"]["links"].items()}
    assert links == {name: resolved(given, one) for name, one in responses["200"]["links"].items()}
    assert links["getRun"] == {"operationId": "getRun", "parameters": {"run": "$response.header.Narrate-Run"}}


def test_every_refusal_is_a_problem_and_says_when_to_ask_again_where_that_helps():
    given = told(trip())
    responses = given["paths"]["/trip"]["post"]["responses"]
    refusals = {status: resolved(given, one) for status, one in responses.items() if "$ref" in one}
    assert set(refusals) == {"400", "405", "406", "408", "409", "410", "413", "415", "422", "429", "503"}
    assert {list(one["content"]) == ["application/problem+json"] for one in refusals.values()} == {True}
    assert [status for status, one in refusals.items() if "Retry-After" in one.get("headers", ())] == ["429", "503"]


def test_an_answer_is_answered_with_it_and_refused_for_reasons_of_its_own():
    given = told(trip())
    responses = given["paths"]["/runs/{run}/answers"]["post"]["responses"]
    assert responses["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Answer"}
    assert resolved(given, responses["200"]["content"]["application/json"]["schema"])["properties"]["type"] == {
        "enum": ["answer"]
    }
    own = {status: one["description"] for status, one in responses.items() if status[0] == "4" and "$ref" not in one}
    assert own.keys() == {"404", "409"}
    assert "no such run" in own["404"]
    assert "question" in own["404"]
    assert all(word in own["409"] for word in ("answered otherwise", "not waited for", "`to`"))
    assert all("application/problem+json" in responses[status]["content"] for status in own)


def test_who_waits_for_the_result_is_told_that_a_question_comes_instead():
    told_of = told(trip())["paths"]["/trip"]["post"]["responses"]["202"]["description"]
    assert "waits for a person" in told_of


def test_what_a_request_may_say_is_named_but_accept_which_openapi_passes_over():
    given = told(trip())
    parameters = [resolved(given, one) for one in given["paths"]["/trip"]["post"]["parameters"]]
    assert [(one["name"], one["in"]) for one in parameters] == [
        ("Prefer", "header"),
        ("Idempotency-Key", "header"),
        ("Last-Event-ID", "header"),
    ]


def test_the_steps_are_told_in_their_order_a_line_each():
    assert told(trip())["paths"]["/trip"]["post"]["description"].splitlines() == [
        "- At the same time:",
        "  - Where are you? (Roughly.)",
        "  - What is it like?",
        "- Growing from …",
    ]


def test_the_steps_of_a_pipeline_within_stand_below_it():
    outer = Pipeline("outer", trip(title="A trip"))
    assert told(outer)["paths"]["/outer"]["post"]["description"].splitlines()[:3] == [
        "- A trip",
        "  - At the same time:",
        "    - Where are you? (Roughly.)",
    ]


def test_a_webhook_is_a_callback_with_its_signature_and_the_result():
    given = told(trip(), about=ALL)
    post = given["paths"]["/api/trip"]["post"]
    assert {"$ref": "#/components/parameters/callback"} in post["parameters"]
    hook = post["callbacks"]["ended"]["{$request.query.callback}"]["post"]
    assert [one["name"] for one in hook["parameters"]] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    body = hook["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["type", "timestamp", "data"]
    data = body["properties"]["data"]["properties"]
    assert data["result"] == {"$ref": "#/components/schemas/Tree"}
    assert data["pipeline"] == {"const": "trip"}


def test_where_no_webhooks_are_sent_none_is_spoken_of():
    given = told(trip())
    assert "callbacks" not in given["paths"]["/trip"]["post"]
    assert "/deliveries" not in given["paths"]


def test_webhooks_are_listed_only_where_it_is_known_whose_they_are():
    assert "/deliveries" in told(about=About(version="1", webhooks=True, guarded=True))["paths"]
    assert "/deliveries" not in told(about=About(version="1", webhooks=True))["paths"]


def test_where_requests_are_authorized_every_one_can_be_refused_for_that():
    given = told(trip(), about=ALL)
    answers = [one["responses"] for operations in given["paths"].values() for one in operations.values()]
    assert all({"401", "403"} <= one.keys() for one in answers)
    assert not {"401", "403"} & told(trip())["paths"]["/runs"]["get"]["responses"].keys()


def test_all_there_is_to_ask_is_there_behind_the_prefix():
    given = told(trip(), about=ALL)
    assert {path: sorted(operations) for path, operations in given["paths"].items()} == {
        "/api/trip": ["post"],
        "/api/runs": ["get"],
        "/api/runs/{run}": ["delete", "get"],
        "/api/runs/{run}/events": ["get"],
        "/api/runs/{run}/answers": ["post"],
        "/api/runs/{run}/details/{n}": ["get"],
        "/api/events": ["get"],
        "/api/pipelines": ["get"],
        "/api/schema/events.json": ["get"],
        "/api/healthz": ["get"],
        "/api/metrics": ["get"],
        "/api/probe": ["get"],
        "/api/deliveries": ["get"],
        "/api/deliveries/{id}/resend": ["post"],
    }
    assert given["info"]["title"] == "Trips"
    assert given["info"]["version"] == "1.2.3"


@pytest.mark.parametrize(
    ("path", "as_url"),
    [("/plan/{x}", "/plan/%7Bx%7D"), ("/où", "/o%C3%B9"), ("/a/b-c_d.e~f", "/a/b-c_d.e~f")],
)
def test_a_path_stands_as_it_is_asked_for_and_is_never_taken_for_a_template(path, as_url):
    given = told(trip(path=path))
    assert next(iter(given["paths"])) == as_url
    OpenAPIV31SpecValidator(given).validate()


def test_the_list_of_pipelines_says_of_each_what_it_takes_what_it_does_and_what_draws_it():
    given = told(trip())
    listed = given["paths"]["/pipelines"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    entry = resolved(given, listed["items"])
    assert entry["required"] == ["name", "title", "path", "input", "outline", "linger", "view"]
    assert resolved(given, entry["properties"]["outline"]["items"]["anyOf"][0])["properties"]["kind"]["enum"] == [
        "step"
    ]


def test_a_stream_says_how_long_it_is_silent_at_most_where_it_has_a_heartbeat():
    given = told(trip())
    paths = given["paths"]
    several = paths["/events"]["get"]["responses"]["200"]["headers"]
    assert several["Narrate-Heartbeat"]["required"]
    for begun in (paths["/trip"]["post"], paths["/runs/{run}/events"]["get"]):
        header = resolved(given, begun["responses"]["200"]["headers"]["Narrate-Heartbeat"])
        assert "required" not in header


def test_two_pipelines_of_one_name_have_operations_of_their_own():
    given = told(trip(path="/one"), trip(path="/other"))
    OpenAPIV31SpecValidator(given).validate()
    operations = {given["paths"][path]["post"]["operationId"] for path in ("/one", "/other")}
    assert operations == {"begin1", "begin2"}
