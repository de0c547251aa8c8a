"""The element on somebody else's page: one script tag and one `<narrate-run>`, from another origin."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.test_story import GATES, STORY
from tests.browser.watching import STORY_FIELD, lines, step, told, wait_run

PLAIN = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A page of somebody else</title>
<style>:root {{ color: purple; font: 20px fantasy }} button {{ display: none }}
  .step {{ border: 9px solid red }}</style>
<script type="module" src="{site}/web/narrate-run.js"></script>
</head>
<body><h1>Somebody else's</h1>{element}</body>
</html>
"""


@contextmanager
def page_elsewhere() -> Iterator[tuple[str, dict[str, str]]]:
    """Serves one page at another origin: its address, and where its text is put (under `page`)."""
    holder = {"page": ""}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = holder["page"].encode() if self.path == "/" else b""
            self.send_response(200 if body else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", holder
        server.shutdown()
        thread.join()


@pytest.fixture
def elsewhere():
    with page_elsewhere() as served:
        yield served


@pytest.fixture
def host(serve, elsewhere):
    """The server that lets the page elsewhere ask."""
    return serve("story", "held", "details", options=["--cors", elsewhere[0]])


@pytest.fixture
def foreign(page, host, elsewhere):
    """Opens a plain page elsewhere with this element in it, in which `{site}` is the server's address."""
    url, holder = elsewhere

    def opens(element):
        holder["page"] = PLAIN.format(site=host.url, element=element.format(site=host.url))
        page.goto(url)
        return page

    return opens


def test_one_script_and_one_element_tell_a_whole_story(foreign, gates):
    page = foreign('<narrate-run src="{site}/story"></narrate-run>')
    page.get_by_label(STORY_FIELD).fill("a quiet town")
    page.get_by_role("button", name="Begin").click()
    gates.wait_reached("reading")
    expect(lines(page, "reading")).to_have_text(["The first line."])
    gates.open(*GATES)
    wait_run(page, "finished")
    assert told(page) == STORY


def test_a_run_is_cancelled_from_elsewhere(foreign):
    page = foreign('<narrate-run src="{site}/held"></narrate-run>')
    page.get_by_role("button", name="Begin").click()
    wait_run(page, "working")
    page.get_by_role("button", name="Cancel").click()
    wait_run(page, "cancelled")
    expect(page.locator("[data-step=holding]")).to_have_attribute("data-state", "cancelled")


def test_a_large_detail_is_fetched_from_elsewhere(foreign):
    page = foreign('<narrate-run src="{site}/details"></narrate-run>')
    page.get_by_role("button", name="Begin").click()
    wait_run(page, "finished")
    page.locator("summary", has_text="A large table").click()
    expect(page.get_by_text("row number 0,")).to_be_visible()


def test_a_run_is_followed_from_elsewhere(foreign, gates):
    page = foreign('<narrate-run src="{site}/held"></narrate-run>')
    page.evaluate("addEventListener('narrate-begun', ({detail}) => { window.begun = detail.url })")
    page.get_by_role("button", name="Begin").click()
    wait_run(page, "working")
    page.evaluate(FOLLOW, page.evaluate("begun"))
    second = page.locator("narrate-run").nth(1)
    expect(second.locator(".line")).to_have_text(["It holds."])
    gates.open("held")
    expect(second).to_have_attribute("state", "finished")


FOLLOW = """
(url) => {
  const second = document.createElement("narrate-run");
  second.setAttribute("run", url);
  document.body.append(second);
}
"""


def test_seven_runs_on_one_page_are_all_told(foreign, host, gates):
    begun = [httpx.post(f"{host.url}/held", headers={"Prefer": "respond-async"}) for _ in range(7)]
    runs = [answer.headers["location"] for answer in begun]
    page = foreign("".join(f'<narrate-run run="{{site}}{run}"></narrate-run>' for run in runs))
    for number in range(7):
        expect(page.locator("narrate-run").nth(number).locator(".line")).to_have_text(["It holds."])
    gates.open("held")
    for number in range(7):
        expect(page.locator("narrate-run").nth(number)).to_have_attribute("state", "finished")


def test_neither_style_reaches_the_other(foreign):
    page = foreign('<narrate-run src="{site}/held"></narrate-run>')
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    page.get_by_role("button", name="Begin").click()
    expect(step(page, "holding")).to_have_css("border-top-width", "0px")
    expect(page.get_by_role("heading", name="Somebody else's")).to_have_css("color", "rgb(128, 0, 128)")


def test_an_origin_that_may_not_ask_is_told_what_it_takes(page, site, elsewhere, complaints):
    complaints.expect("CORS|net::ERR_FAILED")
    url, holder = elsewhere
    holder["page"] = PLAIN.format(site=site.url, element=f'<narrate-run src="{site.url}/story"></narrate-run>')
    page.goto(url)
    expect(page.get_by_role("alert")).to_contain_text(f"{site.url} could not be asked what it serves")
    expect(page.get_by_role("alert")).to_contain_text("--cors http://")
