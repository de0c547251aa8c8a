"""What can become of a run and its steps, in words: tried again, stood in for, left out, failed, cancelled."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.watching import (
    begin,
    begin_story,
    lines,
    run_of,
    states,
    step,
    told,
    visit,
    wait_run,
    wait_step,
)


@pytest.fixture
def trouble(page, site, gates):
    """A run of `trouble` that ends badly, waiting before its last step."""
    visit(page, site, "trouble")
    page.get_by_label("Ending").select_option("badly")
    page.get_by_role("button", name="Begin").click()
    gates.open("busy")
    gates.wait_reached("grinding")
    wait_step(page, "grinding", "working")
    return page


GATES = ["reading", "right", "left", "Faro", "Oslo", "Bern", "writing"]


def button(page, name):
    return page.get_by_role("button", name=name)


def test_a_step_that_was_tried_again_says_so_and_why(trouble):
    expect(lines(trouble, "busy")).to_have_text(["Attempt 1 of 3 failed: It is busy just now. Trying again."])
    expect(lines(trouble, "busy")).to_have_attribute("data-kind", "retry")
    wait_step(trouble, "busy", "done")


def test_a_step_that_waits_for_its_next_attempt_is_in_a_state_of_its_own(page, site):
    begin(page, site, "patient")
    wait_step(page, "patiently", "retrying")
    expect(step(page, "patiently")).to_contain_text("trying again")
    expect(lines(page, "patiently")).to_have_text(["Attempt 1 of 3 failed: It asks for an hour. Trying again."])


def test_a_step_that_was_stood_in_for_says_why(trouble):
    expect(lines(trouble, "weather")).to_have_text(
        ["The barometer fell down. Going on without it."],
    )
    wait_step(trouble, "weather", "done")


def test_a_step_that_was_left_out_says_why(trouble):
    wait_step(trouble, "umbrella", "skipped")
    expect(lines(trouble, "umbrella")).to_have_text(["Skipped: It is probably rain, not snow."])


def test_a_failure_stands_open_with_the_problem_and_what_to_do(trouble, gates):
    gates.open("grinding")
    wait_run(trouble, "failed")
    said = trouble.locator(".problem")
    expect(said).to_be_visible()
    expect(said).to_contain_text("The mill is broken")
    expect(said).to_contain_text("A stone broke the wheel. Mend it, then try again.")
    expect(said).to_contain_text("Grinding the corn")
    expect(said).to_contain_text("Run it again")
    expect(lines(trouble, "grinding").last).to_have_text("A stone broke the wheel. Mend it, then try again.")


def test_after_a_failure_what_was_not_reached_is_told_from_what_was_done(trouble, gates):
    gates.open("grinding")
    wait_run(trouble, "failed")
    assert states(trouble) == {
        "busy": "done",
        "weather": "done",
        "umbrella": "skipped",
        "grinding": "failed",
        "baking": "unreached",
    }


def test_a_run_that_is_cancelled_stops_its_steps_and_says_so(page, site, gates):
    begin_story(page, site)
    gates.open("reading")
    gates.wait_reached("left")
    gates.wait_reached("right")
    wait_step(page, "left", "working")
    button(page, "Cancel").click()
    wait_run(page, "cancelled")
    gates.wait_left("left")
    gates.wait_left("right")
    assert states(page)["reading"] == "done"
    assert states(page)["left"] == "cancelled"
    assert states(page)["right"] == "cancelled"
    assert states(page)["towns"] == "unreached"
    expect(lines(page, "left").last).to_have_text("Stopped: The client cancelled it.")
    expect(page.locator(".status")).to_have_text("Cancelled")
    expect(button(page, "Cancel")).to_be_hidden()


def test_a_run_can_be_run_again_with_what_it_was_given(page, site, gates):
    begin_story(page, site, q="the same town")
    first = run_of(page)
    button(page, "Cancel").click()
    wait_run(page, "cancelled")
    button(page, "Run again").click()
    wait_run(page, "working")
    expect(step(page, "reading").locator(".title")).to_have_text("Reading “the same town”")
    page.wait_for_url(lambda url: first not in url)
    assert run_of(page) != first


def test_a_second_run_begins_with_none_of_the_first_ones_lines(page, site, gates):
    begin_story(page, site)
    gates.open("reading")
    expect(lines(page, "reading")).to_have_count(3)
    button(page, "Cancel").click()
    wait_run(page, "cancelled")
    gates.shut()
    button(page, "Run again").click()
    gates.wait_reached("reading")
    expect(lines(page, "reading")).to_have_text(["The first line."])
    assert states(page)["left"] == "waiting"


def test_run_again_is_offered_in_the_end_and_cancel_until_then(page, site, gates):
    begin(page, site, "held")
    wait_run(page, "working")
    expect(button(page, "Cancel")).to_be_visible()
    expect(button(page, "Run again")).to_be_hidden()
    gates.open("held")
    wait_run(page, "finished")
    expect(button(page, "Cancel")).to_be_hidden()
    expect(button(page, "Run again")).to_be_visible()


def test_what_is_copied_is_the_story_as_the_server_tells_it_in_text(page, context, site, gates):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    gates.open("busy", "grinding")
    begin(page, site, "trouble")
    wait_run(page, "finished")
    button(page, "Copy as text").click()
    expect(button(page, "Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    told_in_text = httpx.get(f"{site.url}/runs/{run_of(page)}/events", headers={"Accept": "text/plain"}).text
    assert copied.strip() == told_in_text.strip()


def test_a_copied_link_shows_the_same_run_to_somebody_else(page, context, browser, complaints, site, gates):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    begin(page, site, "held")
    wait_run(page, "working")
    button(page, "Copy link").click()
    expect(button(page, "Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    other = browser.new_context()
    complaints.listen(other)
    friend = other.new_page()
    friend.goto(link)
    expect(lines(friend, "holding")).to_have_text(["It holds."])
    gates.open("held")
    wait_run(friend, "finished")
    assert told(friend) == told(page)
    other.close()


def test_details_are_shut_at_first_and_drawn_when_they_are_opened(page, site):
    begin(page, site, "details")
    wait_run(page, "finished")
    tree = detail(page, "A tree")
    expect(tree).not_to_have_attribute("open", "")
    expect(tree.get_by_text("Bern")).to_have_count(0)
    tree.locator("summary").first.click()
    expect(tree.get_by_text("Bern")).to_be_visible()
    expect(tree.get_by_text("46.9")).to_be_hidden()
    tree.get_by_text("at", exact=True).click()
    expect(tree.get_by_text("46.9")).to_be_visible()


def test_a_list_of_records_is_a_table(page, site):
    begin(page, site, "details")
    wait_run(page, "finished")
    table = detail(page, "A table")
    table.locator("summary").first.click()
    expect(table.get_by_role("columnheader")).to_have_text([re.compile(name, re.IGNORECASE) for name in TOWN])
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table.get_by_role("row").nth(1)).to_contain_text("Bern")


TOWN = ("town", "people", "capital")


def test_a_large_detail_is_fetched_when_it_is_first_opened_and_only_then(page, site):
    asked = []
    page.on("request", lambda request: "/details/" in request.url and asked.append(request.url))
    begin(page, site, "details")
    wait_run(page, "finished")
    large = detail(page, "A large table")
    assert asked == []
    large.locator("summary").first.click()
    expect(large).to_contain_text("row number 0,")
    large.locator("summary").first.click()
    large.locator("summary").first.click()
    expect(large).to_contain_text("row number 0,")
    assert len(asked) == 1


def test_a_detail_that_could_not_be_fetched_says_so_and_is_asked_for_again(page, site, complaints):
    complaints.expect("net::ERR_FAILED")
    page.route("**/details/*", lambda route: route.abort(), times=1)
    begin(page, site, "details")
    wait_run(page, "finished")
    large = detail(page, "A large table")
    large.locator("summary").first.click()
    expect(large.get_by_role("alert")).to_contain_text("could not be fetched")
    large.locator("summary").first.click()
    large.locator("summary").first.click()
    expect(large).to_contain_text("row number 0,")


def detail(page, title):
    return page.locator("details.detail").filter(has=page.locator("summary", has_text=re.compile(f"^{title}")))


def test_a_run_before_makes_a_step_usual(page, serve, gates):
    site = serve("held")
    gates.open("held")
    begin(page, site, "held")
    wait_run(page, "finished")
    gates.shut()
    begin(page, site, "held")
    wait_run(page, "working")
    expect(step(page, "holding").locator(".time")).to_contain_text("usually")
    gates.open("held")
    wait_run(page, "finished")
    expect(step(page, "holding").locator(".time")).not_to_contain_text("usually")


def test_how_far_the_whole_is_never_moves_backwards(page, serve, gates):
    site = serve("story")
    gates.open(*GATES)
    begin_story(page, site)
    wait_run(page, "finished")
    gates.shut()
    begin_story(page, site)
    wait_run(page, "working")
    page.evaluate(WATCH_THE_BAR)
    for gate in GATES:
        gates.wait_reached(gate)
        gates.open(gate)
    wait_run(page, "finished")
    seen = page.evaluate("seen")
    assert seen[-1] == 1
    assert seen == sorted(seen)


WATCH_THE_BAR = """
() => {
  window.seen = [];
  const bar = document.querySelector("narrate-run").shadowRoot.querySelector(".head progress");
  const look = () => { if (bar.hasAttribute("value")) seen.push(bar.value); };
  new MutationObserver(look).observe(bar, {attributes: true, attributeFilter: ["value"]});
}
"""


def test_a_step_that_takes_much_longer_than_before_says_so(page, serve, gates):
    site = serve("held")
    gates.open("held")
    begin(page, site, "held")
    wait_run(page, "finished")
    gates.shut()
    begin(page, site, "held")
    expect(step(page, "holding")).to_have_attribute("data-long", "")
    expect(step(page, "holding")).to_contain_text("longer than usual")
    gates.open("held")
    wait_run(page, "finished")
    expect(step(page, "holding")).not_to_have_attribute("data-long", "")
