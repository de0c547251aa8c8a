"""A browser for the view, and a server that really serves it."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import browser, chromium_path, complaints, playwright  # noqa: F401 (fixtures)
from tests.browser.sites import Site
from tests.browser.watching import Complaints, opened
from tests.travel.view.staging import Event, Stage, record

Told = Callable[[str], list[Event]]


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """The demo's server, which waits for nothing."""
    with Site("pipelines.travel_escape:travel_escape", options=("--replay", "valencia", "--pace", "0")) as site:
        yield site


@pytest.fixture(scope="package")
def told(site: Site) -> Told:
    """The record of a real run, by its question."""
    return cache(lambda question: record(site, question))


@pytest.fixture
def look() -> dict[str, str]:
    """What the browser says of its user: parametrize it with `color_scheme` or `reduced_motion`."""
    return {}


@pytest.fixture
def page(browser: Browser, complaints: Complaints, look: dict[str, str]) -> Iterator[Page]:  # noqa: F811 (fixtures)
    with opened(browser, complaints, **look) as context:
        yield context.new_page()


@pytest.fixture
def width() -> int:
    """How wide the view is, in pixels."""
    return 900


@pytest.fixture
def stage(page: Page, site: Site, width: int) -> Stage:
    return Stage(page, site, width)
