"""What the tests see of a page: words and roles where people see them, else the names that `<narrate-run>` promises."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, WebError, expect

from tests.browser.nets import Net
from tests.browser.sites import Site

STORY_FIELD = "What are you looking for?"


class Complaints:
    """What pages complained of: on the console, where all that a policy forbade is, too, and errors nobody caught."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._expected: list[str] = []

    def expect(self, pattern: str) -> None:
        """Take complaints that match for no failure of this test."""
        self._expected.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        return [one for one in self.heard if not any(re.search(pattern, one) for pattern in self._expected)]

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._uncaught)

    def leave(self, context: BrowserContext) -> None:
        """Hear no more of a context that is not closed."""
        context.remove_listener("console", self._console)
        context.remove_listener("weberror", self._uncaught)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _uncaught(self, error: WebError) -> None:
        self.heard.append(f"uncaught: {error.error}")


@contextmanager
def opened(browser: Browser, complaints: Complaints, **options: Any) -> Iterator[BrowserContext]:
    """A browser's profile of its own that is listened to."""
    context = browser.new_context(**options)
    complaints.listen(context)
    try:
        yield context
    finally:
        context.close()


def visit(page: Page, site: Site | Net, pipeline: str) -> None:
    """Open the form of a pipeline."""
    page.goto(f"{site.url}/?pipeline={pipeline}")


def begin(page: Page, site: Site | Net, pipeline: str) -> None:
    """Open the form of a pipeline and press its button. Fields keep what they have."""
    visit(page, site, pipeline)
    page.get_by_role("button", name="Begin").click()


def begin_story(page: Page, site: Site | Net, q: str = "a quiet town") -> None:
    """Begin the pipeline `story` as people do."""
    visit(page, site, "story")
    page.get_by_label(STORY_FIELD).fill(q)
    page.get_by_role("button", name="Begin").click()


def wait_run(page: Page, state: str) -> None:
    """Wait until the run that is shown is in this state."""
    expect(page.locator("narrate-run")).to_have_attribute("state", state)


def wait_step(page: Page, path: str, state: str) -> None:
    """Wait until a step is shown in this state."""
    expect(step(page, path)).to_have_attribute("data-state", state)


def step(page: Page, path: str) -> Locator:
    """The row of a step."""
    return page.locator(f'[data-step="{path}"]')


def lines(page: Page, path: str) -> Locator:
    """The lines of a step itself, without those of what is inside it."""
    return step(page, path).locator(".lines").first.locator(".line")


def wait_true(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true in the page, hidden or not.

    Playwright's own `wait_for_function` evaluates its text in the page again and again, which our policy forbids.
    """
    page.evaluate(
        f"""() => new Promise((resolve, reject) => {{
          const look = () => {{ if ({condition}) resolve(); else setTimeout(look, 20); }};
          setTimeout(() => reject(new Error({condition!r} + " never came true")), 30_000);
          look();
        }})"""
    )


def states(page: Page) -> dict[str, str]:
    """The state of each step that is shown, in the order of the rows."""
    rows = page.locator("[data-step]")
    return dict(rows.evaluate_all("rows => rows.map(row => [row.dataset.step, row.dataset.state])"))


def told(page: Page) -> list[str]:
    """All titles and lines that are shown, from the top down."""
    return page.locator(".story .title, .story .line").all_inner_texts()


def run_of(page: Page) -> str:
    """The id of the run that the page's address names."""
    page.wait_for_url("**/?run=*")
    return page.url.partition("?run=")[2]


def record(site: Site, run: str) -> list[dict[str, Any]]:
    """The record of a run that has ended, as the server has it."""
    answer = httpx.get(f"{site.url}/runs/{run}/events", headers={"Accept": "application/x-ndjson"})
    return [event for line in answer.text.splitlines() if "n" in (event := json.loads(line))]


def messages(events: list[dict[str, Any]]) -> list[str]:
    """What a record's steps have said, line by line."""
    return [event["text"] for event in events if event["type"] == "message"]
