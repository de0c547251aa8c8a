"""The strict policy: really sent, kept by every page of ours, and in force, which is tried with what it forbids."""

import re

import httpx
import pytest

from tests.browser.watching import begin, visit, wait_run

FORBIDDEN = r"Content Security Policy|requires 'Trusted(HTML|ScriptURL|Script)' assignment"


def policy(answer):
    """The directives of an answer's policy."""
    directives = [part.split() for part in answer.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in directives}


@pytest.mark.parametrize("path", ["/", "/?run=x", "/docs", "/web/page.js", "/web/narrate-run.css", "/web/icon.svg"])
def test_every_file_of_the_page_is_sent_with_a_strict_policy(site, path):
    sent = policy(httpx.get(site.url + path))
    assert sent["default-src"] == ["'none'"]
    assert sent.get("script-src", ["'none'"]) in (["'self'"], ["'none'"])
    assert sent["style-src"] == ["'self'"]
    assert sent["base-uri"] == ["'none'"]
    assert sent["frame-ancestors"] == ["'none'"]
    assert sent["form-action"] == ["'none'"]


def test_the_page_lets_no_text_become_a_script(site):
    assert policy(httpx.get(site.url))["require-trusted-types-for"] == ["'script'"]


@pytest.mark.parametrize(
    "attempt",
    [
        "const made = document.createElement('script'); made.append('window.ran = true'); document.body.append(made)",
        "document.body.insertAdjacentHTML('beforeend', '<p>')",
        "document.body.innerHTML = '<p>'",
        "document.body.setAttribute('onclick', 'window.ran = true')",
        "document.body.setAttribute('style', 'color: red')",
        "const made = document.createElement('style'); made.append('p { color: red }'); document.body.append(made)",
        "const made = document.createElement('img'); made.src = 'http://127.0.0.2:1/x.png'; document.body.append(made)",
        "fetch('http://127.0.0.2:1/').catch(() => {})",
        "const made = document.createElement('iframe'); made.src = '/'; document.body.append(made)",
    ],
    ids=["script", "insert", "inner", "handler", "style attribute", "style", "picture", "fetch", "frame"],
)
def test_what_the_policy_forbids_is_refused_and_complained_of(page, site, complaints, attempt):
    complaints.expect(FORBIDDEN)
    visit(page, site, "held")
    with page.expect_console_message(lambda message: re.search(FORBIDDEN, message.text)):
        caught = page.evaluate(VIOLATION.replace("ATTEMPT", attempt))
    assert caught == "enforce"
    assert page.evaluate("window.ran") is None


VIOLATION = """
async () => {
  const violated = new Promise((resolve) => {
    addEventListener("securitypolicyviolation", ({disposition}) => resolve(disposition), {once: true});
  });
  try { ATTEMPT } catch { /* it is refused */ }
  return violated;
}
"""
"""Tries something, and gives what became of the policy that it violates."""


def test_a_script_in_the_page_itself_is_refused(page, site, complaints):
    complaints.expect(FORBIDDEN)

    def infected(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</body>", "<script>window.ran = 1</script></body>"))

    page.route(f"{site.url}/?pipeline=held", infected)
    visit(page, site, "held")
    page.get_by_role("button", name="Begin").wait_for()
    assert page.evaluate("window.ran") is None
    assert [one for one in complaints.heard if "inline" in one]


def test_the_page_asks_nobody_but_its_own_server(page, site, gates):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    gates.open("busy", "grinding")
    begin(page, site, "trouble")
    wait_run(page, "finished")
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []
