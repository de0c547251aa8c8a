"""Asks a server all that its own document says can be asked, and more: what fits the document, and what does not.

A program of its own: `python -m tests.asking URL PATH INPUT TIMES`. Hypothesis, which makes the requests up, must not
share a process with a server that rolls dice. Prints, as JSON, with which statuses each operation was answered.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DEAF = "http://127.0.0.1:1/"
"""Where nobody listens."""

NDJSON = "application/x-ndjson"

NO_TIME = {"seconds": 0, "silence": 0, "every": 10}
"""Of what lasts as long as it is asked to: next to no time."""

FORMS: Sequence[dict[str, str]] = (
    {},
    {"Accept": "text/plain"},
    {"Accept": NDJSON},
    {"Accept": "application/json"},
    {"Prefer": "respond-async"},
    {"Accept": "application/json", "Prefer": "respond-async, wait=1"},
)
"""What is asked beside what the document says: OpenAPI has no word for `Accept`."""

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

ASKED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # a server that has stopped answering must not be asked for a simpler way to stop it
)


def ask_everything(url: str, path: str, fitting: Any, times: int) -> Mapping[str, Sequence[int]]:
    """Ask every operation so many times; the statuses of each one's answers. `fitting` is an input of `path`."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    with requests.Session() as session:
        told = session.post(url + path, json=fitting, headers={"Accept": NDJSON}, params={"callback": DEAF})
        known = {**in_record(told.text), "id": session.get(f"{url}/deliveries").json()[0]["id"]}
        operations = [result.ok() for result in schema.get_all_operations()]
        return {f"{one.method} {one.path}": statuses(one, session, known, times) for one in operations}


def in_record(told: str) -> Mapping[str, Any]:
    """What can be asked of the run that told this: its id, the number of a detail, and that of its end."""
    events = [json.loads(line) for line in told.splitlines() if line]
    run, last = events[0]["run"], str(events[-1]["n"])
    detail = next((str(event["n"]) for event in events if event["type"] == "detail"), last)
    return {"run": run, "runs": [run], "n": detail, "after": last, "Last-Event-ID": last}


def statuses(operation: APIOperation, session: requests.Session, known: Mapping[str, Any], times: int) -> Sequence[int]:
    """Ask one operation what fits its description and what does not, of what there is and of what there is not."""
    answered: set[int] = set()

    @settings(ASKED, max_examples=times)
    @given(asked(operation), st.sampled_from(FORMS), st.sets(st.sampled_from(sorted(known))))
    def is_answered_as_described(case: Case, headers: Mapping[str, str], there_is: set[str]) -> None:
        for part in (case.path_parameters, case.query, case.headers):
            part.update({name: known[name] for name in there_is & part.keys()})
        if "Prefer" in headers:
            case.headers.pop("Last-Event-ID", None)  # who asks for a job has heard nothing of it
        in_no_time(case, operation)
        answer = case.call(session=session, headers=dict(headers), timeout=20)
        answered.add(answer.status_code)
        assert answer.status_code != HTTPStatus.INTERNAL_SERVER_ERROR
        case.validate_response(answer, checks=CHECKS)

    is_answered_as_described()
    return sorted(answered)


def in_no_time(case: Case, operation: APIOperation) -> None:
    """Have a probe last next to no time; numbers that make no sense stay as they are."""
    for parameter in operation.query:
        if isinstance(case.query.get(parameter.name, 2), int | float):
            case.query.update({name: value for name, value in NO_TIME.items() if name == parameter.name})


def asked(operation: APIOperation) -> st.SearchStrategy[Case]:
    fitting = operation.as_strategy(GenerationMode.POSITIVE)
    if operation.body or operation.query or operation.path_parameters or operation.headers:
        return fitting | operation.as_strategy(GenerationMode.NEGATIVE)
    return fitting


if __name__ == "__main__":
    url, path, fitting, times = sys.argv[1:]
    print(json.dumps(ask_everything(url, path, json.loads(fitting), int(times))))  # noqa: T201
