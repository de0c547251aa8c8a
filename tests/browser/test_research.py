"""The research on its page: begun, left to itself, and told at its end to who looks elsewhere."""

import queue
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import trio
from playwright.sync_api import Browser, Page, expect
from trio.testing import MockClock

from narrate import targets
from tests.browser.test_page import NOTIFICATIONS
from tests.browser.watching import Complaints, lines, run_of, wait_run, wait_true
from tests.examples.found import target
from tests.serving import served

(research,) = targets.load(target("research"))

PACE = 12.0
"""Seconds that pass for the server in one of ours: the example is as it is, and only its clock goes faster."""


@pytest.fixture
def site() -> Iterator[str]:
    """The address of the research, served in a thread that has a clock of its own."""
    told = queue.SimpleQueue[tuple[str, Callable[[], None]]]()

    async def serve() -> None:
        stop, token = trio.Event(), trio.lowlevel.current_trio_token()
        async with served(research) as server:
            told.put((server.url, lambda: token.run_sync_soon(stop.set)))
            await stop.wait()

    thread = threading.Thread(target=lambda: trio.run(serve, clock=MockClock(rate=PACE)), daemon=True)
    thread.start()
    url, stop = told.get(timeout=20)
    yield url
    stop()
    thread.join(timeout=20)


@pytest.fixture
def tab(tabbed_browser: Browser, complaints: Complaints, site: str) -> Iterator[Callable[[], Page]]:
    """Opens tabs that hide one another, and that may notify. They are closed in the end."""
    profile = tabbed_browser.contexts[0]
    complaints.listen(profile)
    profile.add_init_script(NOTIFICATIONS)
    profile.grant_permissions(["notifications"], origin=site)
    made = []

    def opened() -> Page:
        made.append(profile.new_page())
        return made[-1]

    yield opened
    for page in made:
        page.close()
    profile.clear_permissions()
    complaints.leave(profile)


def test_a_research_goes_on_without_its_stream_and_tells_its_end_to_who_looks_elsewhere(site, tab):
    left = tab()
    left.goto(site)
    left.get_by_label("Question").fill("Why do bridges hum?")
    with left.expect_request("**/runs/*/events*", timeout=10_000):  # by which it goes on reading what has become a job
        left.get_by_role("button", name="Begin").click()
    run = run_of(left)
    assert httpx.get(f"{site}/runs/{run}").json()["detached"]
    wait_run(left, "working")

    elsewhere = tab()
    elsewhere.goto(site)
    elsewhere.get_by_role("button", name="My runs").click()
    mine = elsewhere.locator("#runs").get_by_role("listitem")
    expect(mine).to_contain_text("Deep research")
    expect(mine).to_contain_text("under way")
    wait_true(left, "document.hidden")

    expect(mine).to_contain_text("done in")
    wait_true(left, "notified.length")
    assert left.evaluate("notified") == [{"title": "Deep research", "body": "It is done."}]
    mine.get_by_role("link").click()
    wait_run(elsewhere, "finished")
    expect(lines(elsewhere, "report").last).to_have_text("It rests on 9 sources.")
