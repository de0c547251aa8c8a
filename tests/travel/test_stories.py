"""The whole story, to the letter, of every question and every failure that there is a recording of.

The stories stand beside this file, one text a story, as a person would read it; three are there as whole runs too, with
every detail's data. Where one has changed for the better, `pytest tests/travel/test_stories.py --update-stories` writes
them anew, and the diff is the review.
"""

from pathlib import Path

import httpx
import pytest

from narrate import current_run
from narrate.recordings import note_of, world
from narrate.testing import narrated, same_in_every_schedule, story_of
from narrate.transport import ReplayTransport
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


def told(question, *recordings, **resources):
    """The story of a question against recordings, each lying over those before it."""
    cassette = world([FIXTURES / "valencia", *recordings])
    return narrated(travel_escape, {"q": question}, cassette=cassette, **resources)


def same_as_kept(name, story, request):
    """Whether the story is the one kept under this name; with --update-stories, it is from now on."""
    kept = STORIES / f"{name}.txt"
    if request.config.getoption("--update-stories"):
        kept.write_text(story.transcript, encoding="utf-8")
    return story.transcript == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_story_of_a_question(name, request):
    assert same_as_kept(name, told(QUESTIONS[name]), request)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda path: path.stem)
def test_the_story_of_a_failure(failure, request):
    assert same_as_kept(f"failure-{failure.stem}", told(HOT_TOMORROW, failure), request)


@pytest.mark.parametrize("failures", [(), ("airlabs-no-routes",), ("openweather-one-place-times-out",)])
def test_the_whole_run_with_all_that_can_be_opened_in_it(failures, stories):
    story = told(HOT_TOMORROW, *(FIXTURES / "failures" / f"{failure}.json" for failure in failures))

    stories.check("-".join(("run", *failures)), story)


@pytest.mark.parametrize("name", ["hot-tomorrow-3-hours", "nowhere-is-cold-on-thursday"])
def test_the_story_is_the_same_whichever_service_is_faster(name):
    recording = world([FIXTURES / "valencia"])

    story = same_in_every_schedule(travel_escape, {"q": QUESTIONS[name]}, schedules=10, cassette=recording)

    assert story.problem is None


async def test_the_story_without_a_models_key(request, autojump_clock):
    recording = world([FIXTURES / "valencia"])
    transport = ReplayTransport(recording, scope=current_run)

    async with open_model(transport, GROQ, "any", None) as keyless:
        story = await story_of(travel_escape, {"q": HOT_TOMORROW}, cassette=recording, model=keyless)

    assert same_as_kept("without-a-models-key", story, request)


def test_an_openai_dialect_of_another_host_is_replayed_from_its_own_recording(request):
    cerebras = Settings.model_construct(
        model_base_url=httpx.URL("https://api.cerebras.ai/v1"), model_name="gpt-oss-120b"
    )

    story = told(HOT_TOMORROW, FIXTURES / "failures" / "model-unwrapped-error.json", settings=cerebras)

    assert same_as_kept("cerebras-answers-without-a-wrapper", story, request)


def test_every_recorded_failure_has_its_story_and_no_story_is_left_over():
    named = {*QUESTIONS, *(f"failure-{path.stem}" for path in FAILURES)}
    others = {"without-a-models-key", "cerebras-answers-without-a-wrapper"}

    assert {path.stem for path in STORIES.glob("*.txt")} == named | others


def test_the_demo_ends_in_at_least_three_escapes_that_fit():
    escapes = told(HOT_TOMORROW).result.escapes

    assert len(escapes) >= 3
    assert all(escape.high >= 24 and escape.flight_minutes <= 180 for escape in escapes)


def test_no_recording_claims_to_be_of_a_live_service():
    recordings = [world([path]) for path in (FIXTURES / "valencia", *FAILURES)]

    assert {recording.origin for recording in recordings} == {"composed"}
    assert "composed answers" in note_of(recordings[0])
