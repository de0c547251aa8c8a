"""What the page is told of runs of every kind, and what `Snapshot` makes of it, kept for the page's fold to be held to.

Each file in `vectors/made_by_test_runs` is one story, as one reader heard it when this test last wrote it down with
`pytest tests/test_story_vectors.py --update-stories`. A line is an event as it travels and, behind it, what has changed
with it: fields of the run's state, whole states of steps, the order of the steps where there is a new one, and the text
that the plain form writes. The page's own fold is held to these lines in `tests/web/story-vectors.test.js`, and below
to those of made-up runs, where anything fails.
"""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrate import start
from narrate.events import Event, Progress, RunId, RunStarted, from_json, to_json
from narrate.snapshot import Snapshot
from narrate.wire.forms import NdjsonForm, is_large, without_data
from narrate.wire.text import TextForm
from tests import story_runs
from tests.generated import Built, Witness, pipelines, timeless

HERE = Path(__file__).parent
KEPT = HERE / "vectors" / "made_by_test_runs"
RUN = RunId("run-1")

VIRTUAL: dict[str, Callable[[], Awaitable[Sequence[Event]]]] = {
    "finished": story_runs.finished,
    "failed": story_runs.failed,
    "cancelled": story_runs.cancelled,
    "asked": story_runs.asked,
    "late": story_runs.heard_late,
    "trimmed": story_runs.trimmed,
    "holed": story_runs.holed,
    "travel": story_runs.travelled,
    "travel-busy": partial(story_runs.travelled, "airlabs-busy-then-answers", "openweather-one-place-not-found"),
    "travel-skipped": partial(story_runs.travelled, "airlabs-no-routes", "model-invalid-key"),
    "travel-failed": partial(story_runs.travelled, "airlabs-no-airport-nearby"),
}
"""Runs in virtual time; the one that is interrupted needs a journal with a thread of its own, and so real time."""


def as_it_travels(events: Sequence[Event], *, at_once: bool) -> list[bytes]:
    """The lines of a stream. Neighbouring tokens that are told `at_once` are joined."""
    events = [msgspec.structs.replace(event, run=RUN) if isinstance(event, RunStarted) else event for event in events]
    form = NdjsonForm()
    batches = [events] if at_once else [[event] for event in events]
    return [line for batch in batches for line in form.events(batch, _line).splitlines()]


def _line(event: Event) -> bytes:
    return without_data(event, f"/runs/{RUN}/details/{event.n}") if is_large(event) else to_json(event)


def folded(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Each event with what it changes. A step is never taken away."""
    snapshot, form = Snapshot(RUN, "?"), TextForm()
    latest: dict[str, Progress] = {}
    known: dict[str, Any] = {"": {}}
    for line in lines:
        event = from_json(line)
        assert event is not None
        text = ""
        if isinstance(event, Progress):
            latest[event.step] = event
        else:
            snapshot.take([event])
            text = form.story([event])
        state: dict[str, Any] = json.loads(msgspec.json.encode(snapshot.state(latest.values())))
        told = {step["step"]: step for step in state.pop("steps")}
        changed = {path: step for path, step in told.items() if known.get(path) != step}
        run = {field: value for field, value in state.items() if known[""].get(field, ...) != value}
        order = [] if told.keys() == known.keys() - {""} else [*told]
        known = {"": state, **told}
        yield {"event": json.loads(line), "run": run, "steps": changed, "order": order, "text": text}


def record_in(lines: Sequence[bytes]) -> list[Any]:
    """The numbered events in lines, without what may differ from one schedule to another."""
    events = [event for event in map(from_json, lines) if event is not None]
    return timeless([event for event in events if not isinstance(event, Progress)])


def kept_lines(name: str, lines: Sequence[bytes], request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The vector of this name; with --update-stories, it is from now on what these lines make it."""
    kept = KEPT / f"{name}.jsonl"
    if request.config.getoption("--update-stories"):
        kept.parent.mkdir(exist_ok=True)
        written = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in folded(lines)]
        kept.write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def events_of(vector: Sequence[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(one["event"]).encode() for one in vector]


@pytest.mark.parametrize("name", VIRTUAL)
async def test_a_story_is_still_told_as_it_was_written_down(name, request, autojump_clock):
    lines = as_it_travels(await VIRTUAL[name](), at_once=name == "late")

    vector = kept_lines(name, lines, request)

    assert record_in(events_of(vector)) == record_in(lines)


async def test_the_story_of_an_interrupted_run_is_still_told_as_it_was_written_down(tmp_path, request):
    lines = as_it_travels(await story_runs.interrupted(tmp_path / "runs.db"), at_once=False)

    vector = kept_lines("interrupted", lines, request)

    assert record_in(events_of(vector)) == record_in(lines)


@pytest.mark.parametrize("name", [*VIRTUAL, "interrupted"])
def test_the_states_written_down_are_those_that_the_fold_gives(name):
    vector = [json.loads(line) for line in (KEPT / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]

    assert vector == list(folded(events_of(vector)))


def test_no_story_is_left_over():
    assert {path.stem for path in KEPT.iterdir()} == {*VIRTUAL, "interrupted"}


def test_the_stories_are_of_every_kind():
    whole = "".join([path.read_text(encoding="utf-8") for path in KEPT.iterdir()])
    words = ["waiting", "working", "retrying", "done", "skipped", "failed", "cancelled", "unreached", "unknown"]

    assert [word for word in words if f'"state":"{word}"' not in whole] == []
    marks = ['"type":"gap"', '"first":', '"fallback":', '"link":', '"note":', '"questions":', '"until":']
    assert [mark for mark in marks if mark not in whole] == []


# The page's fold beside ours, on made-up runs


@pytest.fixture(scope="module")
def page() -> Iterator[Callable[[Sequence[dict[str, Any]]], Any]]:
    """Says where the page's fold first differs from a vector; None, when it makes the same of all its events."""
    command = [Path(sys.executable).with_name("node"), HERE / "web" / "story-fold.js"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        asked, answers = node.stdin, node.stdout

        def first_difference(vector: Sequence[dict[str, Any]]) -> Any:
            asked.write(json.dumps(vector).encode() + b"\n")
            asked.flush()
            return json.loads(answers.readline())

        yield first_difference
        asked.close()


def made_up_story(stages: Sequence[Any], seed: int) -> Sequence[Event]:
    built = Built(stages)
    built.witness = Witness(seed)

    async def heard() -> Sequence[Event]:
        async with start(built.pipeline) as run:
            return await story_runs.heard(run)

    return trio.run(heard, clock=trio.testing.MockClock(autojump_threshold=0))


made_up = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@made_up
@given(pipelines(wild=True), st.integers(), st.booleans())
def test_the_page_makes_the_same_of_made_up_runs(page, stages, seed, at_once):
    events = made_up_story(stages, seed)

    assert page(list(folded(as_it_travels(events, at_once=at_once)))) is None


@made_up
@given(pipelines(wild=True), st.integers(), st.data())
def test_the_page_makes_the_same_of_what_is_left_of_history(page, stages, seed, data):
    events = made_up_story(stages, seed)
    last = max(event.n for event in events)
    first = data.draw(st.integers(1, last - 1))
    gone = story_runs.without(events, first, data.draw(st.integers(first, last - 1)))

    assert page(list(folded(as_it_travels(gone, at_once=False)))) is None
