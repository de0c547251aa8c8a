"""11. Without a network: recordings of services, and golden stories. Both are fixtures that pytest gets from narrate.

A pipeline whose HTTP clients are built on a resource called `transport` can be recorded and replayed: there is the one
place where all requests pass.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from narrate import Pipeline, ReplayMiss, resource, say, step
from narrate.testing import Stories, Tape, narrated, same_in_every_schedule


@resource
async def transport() -> AsyncIterator[httpx.AsyncBaseTransport]:
    async with httpx.AsyncHTTPTransport() as live:
        yield live


@resource
async def client(transport: httpx.AsyncBaseTransport) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=transport, base_url="http://weather.example") as client:
        yield client


@step("Asking for the weather in {city}…")
async def weather(city: str, client: httpx.AsyncClient) -> int:
    answer = await client.get(f"/{city}")
    say(f"{answer.json()['celsius']} °C")
    return int(answer.json()["celsius"])


forecast = Pipeline("forecast", weather, takes=str, resources=[transport, client])


@pytest.mark.cassette("oslo")
def test_a_recording_stands_in_for_the_services(cassette: Tape):
    """`pytest --record` asks the real service and writes down, without keys, what it answers; from then on it is read.

    It lies beside this file in `cassettes/`, in a folder that is named after the test, or by the marker, as here.
    Answers come after the time they took, which in virtual time is none.
    """
    story = narrated(forecast, "oslo", cassette=cassette)

    assert story.result == 4
    assert story.took == 2.5


@pytest.mark.cassette("oslo")
def test_it_can_be_heard_in_every_schedule(cassette: Tape):
    assert same_in_every_schedule(forecast, "oslo", cassette=cassette).result == 4


@pytest.mark.cassette("oslo")
def test_what_is_not_in_it_is_not_asked_for_elsewhere(cassette: Tape):
    """While a test replays, nothing reaches another machine. The log names the nearest recording and what differs."""
    story = narrated(forecast, "rome", cassette=cassette)

    assert story.problem.sentence == f"An unexpected {ReplayMiss.__name__} stopped it."


@pytest.mark.cassette("oslo")
def test_a_golden_story_is_compared_with_what_was_told_once(cassette: Tape, stories: Stories):
    """`pytest --update-stories` writes it to `stories/oslo.ndjson`, with all it showed, as it happened.

    Each check also replays the file through the reading order, and compares without times. A story that has changed is
    shown as a diff.
    """
    stories.check("oslo", narrated(forecast, "oslo", cassette=cassette))


@pytest.mark.cassette("oslo")
def test_a_transcript_is_a_story_as_text(cassette: Tape):
    """It has no seconds, so it is the same every time, and can be compared as any other text."""
    story = narrated(forecast, "oslo", cassette=cassette)

    assert story.transcript == "forecast\n\n• Asking for the weather in oslo…\n  4 °C\n\nDone.\n"
