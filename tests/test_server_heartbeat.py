"""What a stream says of its own silences, so that its reader can tell a slow step from a connection that has died."""

import pytest

from narrate.server import Options
from tests.serving import one_step, served


async def work() -> int:
    return 1


STORY = one_step(work, linger=None)
EVENTS, LINES, TEXT = "text/event-stream", "application/x-ndjson", "text/plain"


@pytest.mark.parametrize(("seconds", "told"), [(15.0, "15"), (20, "20"), (0.25, "0.25"), (3600.0, "3600")])
async def test_a_stream_says_how_long_it_is_silent_at_most(seconds, told):
    async with served(STORY, options=Options(heartbeat=seconds, grace=0)) as server:
        assert (await server.client.post("/story")).headers["narrate-heartbeat"] == told


@pytest.mark.parametrize("form", [EVENTS, LINES])
async def test_every_stream_that_has_a_heartbeat_says_so_when_asked_for_its_headers_alone_too(form):
    async with served(STORY) as server:
        begun = await server.client.post("/story", headers={"Accept": form})
        run = begun.headers["narrate-run"]
        for method in ("GET", "HEAD"):
            for path in (f"/runs/{run}/events", f"/events?runs={run}"):
                again = await server.client.request(method, path, headers={"Accept": form})
                assert (again.status_code, again.headers["narrate-heartbeat"]) == (200, "15")


async def test_text_has_no_heartbeat_and_promises_none():
    async with served(STORY) as server:
        begun = await server.client.post("/story", headers={"Accept": TEXT})
        assert "narrate-heartbeat" not in begun.headers


@pytest.mark.parametrize("headers", [{"Accept": "application/json"}, {"Prefer": "respond-async"}])
async def test_what_is_no_stream_promises_none_either(headers):
    async with served(STORY) as server:
        assert "narrate-heartbeat" not in (await server.client.post("/story", headers=headers)).headers
