"""What the tests in a browser share: one Chromium, a page that complains of nothing, gates, and real servers."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.gates import ADDRESS, Gates
from tests.browser.sites import Site
from tests.browser.watching import Complaints, opened

Serve = Callable[..., Site]

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")

expect.set_options(timeout=30_000)  # milliseconds after which a test gives up; none that passes waits for long


# Of the package and not of the session: Playwright keeps an asyncio loop in this thread, in the way of others' tests.


@pytest.fixture(scope="package")
def chromium_path() -> str:
    """Where Chromium is. Without one the tests are skipped, but in CI they fail."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        missing = f"There is no {CHROMIUMS[0]} on the PATH; .ci/packages installs one."
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return path


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    running = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
    yield running
    running.close()


@pytest.fixture(scope="package")
def tabbed_browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    """A browser whose tabs hide one another, as people's do: Playwright keeps all tabs of its own visible for ever.

    So this one is reached from outside and left as it is (`no_defaults`); its tabs are in its first context.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    args = ["--no-sandbox", f"--remote-debugging-port={port}"]
    running = playwright.chromium.launch(executable_path=chromium_path, args=args)
    reached = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
    yield reached
    reached.close()
    running.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the pages of this test complain of, which fails it in the end unless it was expected."""
    complaints = Complaints()
    yield complaints
    assert not complaints.unexpected


@pytest.fixture(scope="package")
def all_gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    path = tmp_path_factory.mktemp("gates") / "socket"
    with Gates(path) as gates, pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADDRESS, str(path))
        yield gates


@pytest.fixture
def gates(all_gates: Gates) -> Iterator[Gates]:
    """The gates at which the runs of this test wait. In the end whoever still waits is sent away."""
    yield all_gates
    all_gates.shut()


@pytest.fixture(scope="package")
def shared_site(all_gates: Gates) -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def site(shared_site: Site, gates: Gates) -> Site:
    """A server of all pipelines in `pipelines`, which it shares with other tests: it stays up."""
    return shared_site


@pytest.fixture
def serve(gates: Gates) -> Iterator[Serve]:
    """Start servers of this test's own, which may be killed and started again: `serve("held", options=[...])`."""
    with ExitStack() as sites:
        yield lambda *targets, **how: sites.enter_context(Site(*targets, **how))


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """The URL of a journal that outlives its server."""
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture
def context(browser: Browser, complaints: Complaints, serve: Serve) -> Iterator[BrowserContext]:
    """A browser's profile of this test alone. It is closed before the servers that `serve` has started."""
    with opened(browser, complaints) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab that is still empty."""
    return context.new_page()
