"""Real little projects, in which pytest is run as a person would run it, and a service for them to ask."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import dedent

import pytest


class Project:
    """A little project with tests, run as a person would run them."""

    def __init__(self, pytester):
        self.path = pytester.path
        self._pytester = pytester
        pytester.syspathinsert()
        pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers -p no:cacheprovider\n")

    def write(self, **files):
        self._pytester.makepyfile(**{name: dedent(text) for name, text in files.items()})

    def pytest(self, *options):
        return self._pytester.runpytest_inprocess(*options)

    def replayed(self, test, answer, *, url="http://a.test/x", origin="recorded", module="test_asks"):
        """Put a recording of one answer where the test looks for it."""
        folder = self.path / "cassettes" / module / test
        folder.mkdir(parents=True)
        (folder / "a.test.json").write_text(
            f'{{"narrate_cassette": 1, "origin": "{origin}", "about": "A test.", "at": "2001-10-13T09:12:00+00:00", '
            f'"exchanges": [{{"request": {{"method": "GET", "url": "{url}"}}, '
            f'"response": {{"status": 200, "after": 3, "text": "{answer}"}}}}]}}'
        )
        return folder


@pytest.fixture
def project(pytester):
    return Project(pytester)


@pytest.fixture
def shop():
    """A real HTTP server; it gives back the path it was asked for, and is closed with `shop.shutdown()`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.path.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()
