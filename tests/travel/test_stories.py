"""The whole story, to the letter, of every question and every failure that there is a recording of.

The stories stand beside this file, one text a story, as a person would read it. Where one has changed for the better,
`pytest tests/travel/test_stories.py --update-stories` writes them anew, and the diff is the review.
"""

from pathlib import Path

import httpx
import pytest

from narrate import RunFailed, current_run, start
from narrate.recordings import note_of, stand_ins, world
from narrate.transport import ReplayTransport
from narrate.wire.text import transcript
from pipelines.travel_escape import travel_escape
from pipelines.travel_escape.model import open_model
from pipelines.travel_escape.settings import GROQ, Settings

STORIES = Path(__file__).parent / "stories"
FIXTURES = Path(travel_escape.where.partition(":")[0]).parent / "fixtures"
FAILURES = sorted((FIXTURES / "failures").glob("*.json"))

HOT_TOMORROW = "somewhere hot tomorrow, 3 hours at most"
QUESTIONS = {
    "hot-tomorrow-3-hours": HOT_TOMORROW,
    "hot-tomorrow-2-hours": "somewhere hot tomorrow, two hours at most",
    "cold-city-this-weekend": "a cold city this weekend, I can fly four hours",
    "mild-today-short-hop": "anywhere mild today, short hop, 1 hour",
    "snow-on-saturday": "snow on saturday, up to five hours",
    "calor-el-jueves": "calor el jueves, máximo 2 horas",
    "a-question-nobody-recorded": "warm on friday, within 2.5 hours please",
    "nowhere-is-cold-on-thursday": "a cold place on thursday, two hours",
    "nowhere-is-so-near": "hot tomorrow, 10 minutes at most",
}


async def told(question, recording, **resources):
    """The story of a question against a recording, and how the run ended: its result, or its problem."""
    async with start(travel_escape, {"q": question}, **(stand_ins(recording, [travel_escape]) | resources)) as run:
        events = [event async for event in run.events()]
        try:
            return transcript(events), await run.result()
        except RunFailed as failed:
            return transcript(events), failed.problem


def same_as_kept(name, story, request):
    """Whether the story is the one kept under this name; with --update-stories, it is from now on."""
    kept = STORIES / f"{name}.txt"
    if request.config.getoption("--update-stories"):
        kept.write_text(story, encoding="utf-8")
    return story == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", QUESTIONS)
async def test_the_story_of_a_question(name, request, autojump_clock):
    story, _ = await told(QUESTIONS[name], world([FIXTURES / "valencia"]))

    assert same_as_kept(name, story, request)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda path: path.stem)
async def test_the_story_of_a_failure(failure, request, autojump_clock):
    story, _ = await told(HOT_TOMORROW, world([FIXTURES / "valencia", failure]))

    assert same_as_kept(f"failure-{failure.stem}", story, request)


async def test_the_story_without_a_models_key(request, autojump_clock):
    recording = world([FIXTURES / "valencia"])
    transport = ReplayTransport(recording, scope=current_run)

    async with open_model(transport, GROQ, "any", None) as keyless:
        story, _ = await told(HOT_TOMORROW, recording, model=keyless)

    assert same_as_kept("without-a-models-key", story, request)


async def test_an_openai_dialect_of_another_host_is_replayed_from_its_own_recording(request, autojump_clock):
    recording = world([FIXTURES / "valencia", FIXTURES / "failures" / "model-unwrapped-error.json"])
    cerebras = Settings.model_construct(
        model_base_url=httpx.URL("https://api.cerebras.ai/v1"), model_name="gpt-oss-120b"
    )

    story, _ = await told(HOT_TOMORROW, recording, settings=cerebras)

    assert same_as_kept("cerebras-answers-without-a-wrapper", story, request)


async def test_every_recorded_failure_has_its_story_and_no_story_is_left_over():
    named = {*QUESTIONS, *(f"failure-{path.stem}" for path in FAILURES)}
    others = {"without-a-models-key", "cerebras-answers-without-a-wrapper"}

    assert {path.stem for path in STORIES.glob("*.txt")} == named | others


async def test_the_demo_ends_in_at_least_three_escapes_that_fit(autojump_clock):
    _, escapes = await told(HOT_TOMORROW, world([FIXTURES / "valencia"]))

    assert len(escapes.escapes) >= 3
    assert all(escape.high >= 24 and escape.flight_minutes <= 180 for escape in escapes.escapes)


async def test_no_recording_claims_to_be_of_a_live_service():
    recordings = [world([path]) for path in (FIXTURES / "valencia", *FAILURES)]

    assert {recording.origin for recording in recordings} == {"composed"}
    assert "composed answers" in note_of(recordings[0])
