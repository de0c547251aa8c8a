"""The published schema of events: all that is told fits it, and it does not change in silence."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from trio.testing import MockClock

from narrate import start
from narrate.events import (
    SCHEMA_VERSION,
    Detached,
    Detail,
    Gap,
    OutlinedStep,
    RunCancelledEvent,
    RunId,
    RunStarted,
    Token,
    json_schema,
    to_json,
)
from tests.generated import Built, Witness, pipelines

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"

schema = Draft202012Validator(json_schema())


def wrong(event: Any) -> list[str]:
    """What does not fit the schema in an event as it goes over the wire."""
    return [f"{error.json_path}: {error.message}" for error in schema.iter_errors(json.loads(to_json(event)))]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(pipelines(wild=True), st.integers(0, 10))
def test_every_event_that_a_run_tells_fits_the_schema(stages, seed):
    built = Built(stages)
    built.witness = Witness(seed)
    heard: list[Any] = []

    async def main() -> None:
        async with start(built.pipeline) as run:
            async for event in run.events(status=True):
                built.witness.heard.add(getattr(event, "step", ""))
                heard.append(event)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert [problem for event in heard for problem in wrong(event)] == []
    assert heard[0].type == "run.started"


@pytest.mark.parametrize(
    "event",
    [
        RunStarted(RunId("r"), "p", "P", (OutlinedStep("a", "A", 1.5),), note="A replay.", n=1, t=0.0),
        Token("a", "joined by a wire", first=3, n=5, t=0.1),
        Detail("a", "Large, and fetched when it is opened", size=5000, link="/runs/r/details/7", n=7, t=0.2),
        RunCancelledEvent("Enough.", 1.0, n=8, t=1.0),
        Gap(2, 6, n=6, t=0.0),
        Detached(RunId("r"), "/runs/r", t=60.0),
    ],
    ids=lambda event: event.type,
)
def test_what_only_some_readers_are_told_fits_the_schema(event):
    assert wrong(event) == []


def test_the_schema_is_one():
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize(
    "told",
    [{}, {"type": "message"}, {"type": "message", "step": 1, "text": "", "t": 0}, {"type": "nonsense", "t": 0}, []],
)
def test_what_is_no_event_does_not_fit_it(told):
    assert not schema.is_valid(told)


def test_fields_that_a_later_version_adds_fit_it_too():
    assert schema.is_valid({"type": "message", "step": "a", "text": "Hello", "n": 2, "t": 0.5, "mood": "good"})


def test_the_schema_says_which_version_it_is_and_names_no_host():
    assert json_schema()["version"] == SCHEMA_VERSION
    assert json_schema()["$id"] == f"urn:narrate:events:{SCHEMA_VERSION}"
    assert json_schema()["title"] == "An event of narrate"


def test_descriptions_are_no_more_indented_than_they_are_meant():
    told = [definition.get("description", "") for definition in json_schema()["$defs"].values()]
    assert any("\n" in one for one in told)
    assert not any("\n " in one for one in told)


def test_the_changelog_knows_of_the_schema_as_it_is():
    """Descriptions may change: nobody's reader depends on them."""
    canonical = json.dumps(without_descriptions(json_schema()), sort_keys=True, separators=(",", ":"))
    words = (
        f"version {SCHEMA_VERSION} of the events' JSON Schema, `{hashlib.sha256(canonical.encode()).hexdigest()[:12]}`"
    )
    assert words in CHANGELOG.read_text(encoding="utf-8"), (
        "The events' JSON Schema has changed. If a reader of the version before could misread what is told now, raise "
        "narrate.events.SCHEMA_VERSION first and run this again. Then add a line to CHANGELOG.md that says what has "
        f"changed for readers, with these words in it: {words}"
    )


def without_descriptions(part: Any) -> Any:
    if isinstance(part, dict):
        kept = {key: value for key, value in part.items() if key != "description" or not isinstance(value, str)}
        return {key: without_descriptions(value) for key, value in kept.items()}
    return [without_descriptions(one) for one in part] if isinstance(part, list) else part
