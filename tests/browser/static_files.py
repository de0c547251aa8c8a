"""A server of the browser's modules alone, with the policy that the real one sends, and a stage to try them on.

The stage (`stage/`) is a page with a shadow root, styled as that of `<narrate-run>`: a form or a detail can be put
there without a pipeline behind it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

from narrate.server.files import WEB
from narrate.server.pages import POLICY

STAGE = Path(__file__).with_name("stage")


class _Files(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0].rpartition("/")[2] or "index.html"
        return str((WEB if path.startswith("/web/") else STAGE) / name)

    def end_headers(self) -> None:
        for name, value in POLICY.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def static_files() -> Iterator[str]:
    """Serve the stage and the modules on a free port; the stage's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files)) as server:
        server.daemon_threads = True
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def staged(page: Page) -> Iterator[Locator]:
    """The stage, open in this tab."""
    with static_files() as address:
        page.goto(address)
        stage = page.locator("test-stage:defined")
        stage.wait_for(state="attached")
        yield stage


def violations(page: Page) -> str:
    """What axe finds wrong with the page, in words; empty if nothing is."""
    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""
