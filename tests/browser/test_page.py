"""The page around a run: pipelines and their forms, my runs, a word when one ends unseen, the keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from narrate.targets import load
from tests.browser.sites import PIPELINES
from tests.browser.watching import (
    STORY_FIELD,
    begin,
    begin_story,
    lines,
    run_of,
    step,
    visit,
    wait_run,
    wait_step,
    wait_true,
)

LAYOUT_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    if (!one.hadRecentInput) shifts.push({at: one.startTime, value: one.value});
  }
}).observe({type: "layout-shift", buffered: true});
"""

NOTIFICATIONS = """
if (!window.notified) {
  window.notified = [];
  window.Notification = class extends Notification {
    constructor(title, options) { super(title, options); notified.push({title, body: options.body}); }
  };
}
"""


# --- Which pipelines there are, and what they take


def test_all_pipelines_are_listed_and_lead_to_their_forms(page, site):
    page.goto(site.url)
    expect(page.get_by_role("main").get_by_role("link")).to_have_count(len(load(PIPELINES)))
    page.get_by_role("link", name="A story").click()
    expect(page.get_by_label(STORY_FIELD)).to_be_visible()
    assert page.title() == "A story"


def test_of_one_pipeline_alone_the_form_is_there_at_once(page, serve):
    page.goto(serve("story").url)
    expect(page.get_by_label(STORY_FIELD)).to_be_visible()


def test_a_pipeline_that_is_not_there_is_said_not_to_be(page, site):
    visit(page, site, "nonsense")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("nonsense")
    expect(page.get_by_role("main").get_by_role("link").first).to_be_visible()


def test_a_run_that_is_not_there_is_said_not_to_be(page, site, complaints):
    complaints.expect("status of 404")
    page.goto(f"{site.url}/?run=nonsense")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("no run `nonsense`")


def test_a_pipeline_that_takes_nothing_has_a_button_alone(page, site, gates):
    visit(page, site, "held")
    expect(page.get_by_role("button", name="Begin")).to_be_enabled()
    expect(page.get_by_role("textbox")).to_have_count(0)


def test_what_does_not_fit_is_said_at_its_field(page, site, gates):
    visit(page, site, "story")
    page.get_by_label(STORY_FIELD).fill("ab")
    page.get_by_role("button", name="Begin").click()
    field = page.get_by_label(STORY_FIELD)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("at least 3", re.IGNORECASE))
    expect(field).to_be_focused()
    expect(page.get_by_label("How many at most")).not_to_have_attribute("aria-invalid", "true")
    expect(step(page, "reading")).to_have_count(0)
    field.fill("abc")
    page.get_by_role("button", name="Begin").click()
    wait_run(page, "working")
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_what_only_the_server_refuses_is_said_at_its_field_too(page, site, complaints):
    complaints.expect("status of 422")
    visit(page, site, "choosy")
    page.get_by_label("Colour").fill("mauve")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_label("Colour")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Colour")).to_have_accessible_description(re.compile("mauve is no colour"))
    wait_run(page, "rejected")


# --- My runs


def test_my_runs_are_kept_in_this_browser_with_what_became_of_them(page, context, site, gates):
    begin_story(page, site)
    page.get_by_role("button", name="Cancel").click()
    wait_run(page, "cancelled")
    begin(page, site, "held")
    wait_run(page, "working")
    other = context.new_page()
    other.goto(site.url)
    other.get_by_role("button", name="My runs").click()
    mine = other.locator("#runs").get_by_role("listitem")
    expect(mine).to_have_count(2)
    expect(mine.nth(0)).to_contain_text("Held")
    expect(mine.nth(0)).to_contain_text("under way")
    expect(mine.nth(1)).to_contain_text("A story")
    expect(mine.nth(1)).to_contain_text("cancelled")
    gates.open("held")
    expect(mine.nth(0)).to_contain_text("done")


def test_a_run_of_mine_that_waits_for_an_answer_says_so_in_the_panel(page, context, site):
    begin(page, site, "asks")
    expect(page).to_have_title("? A question")
    other = context.new_page()
    other.goto(site.url)
    other.get_by_role("button", name="My runs").click()
    mine = other.locator("#runs").get_by_role("listitem")
    expect(mine).to_contain_text("asks you")
    page.get_by_role("button", name="Cancel").click()
    expect(mine).to_contain_text("cancelled")


def test_a_run_of_mine_is_shown_again_from_the_panel(page, site, gates):
    begin(page, site, "held")
    wait_run(page, "working")
    run = run_of(page)
    page.goto(site.url)
    page.get_by_role("button", name="My runs").click()
    page.locator("#runs").get_by_role("link").click()
    expect(lines(page, "holding")).to_have_text(["It holds."])
    assert run_of(page) == run


def test_the_runs_of_others_are_not_mine(page, browser, site, gates):
    begin(page, site, "held")
    wait_run(page, "working")
    stranger = browser.new_context()
    theirs = stranger.new_page()
    theirs.goto(site.url)
    theirs.get_by_role("button", name="My runs").click()
    expect(theirs.locator("#runs")).to_contain_text("none yet")
    stranger.close()


# --- A tab that nobody looks at


@pytest.fixture
def tabs(tabbed_browser, complaints, serve):
    """Opens tabs that hide one another. They are closed in the end."""
    profile = tabbed_browser.contexts[0]
    complaints.listen(profile)
    profile.add_init_script(NOTIFICATIONS)
    made = []

    def tab():
        made.append(profile.new_page())
        return made[-1]

    yield tab
    for one in made:
        one.close()
    profile.clear_permissions()
    complaints.leave(profile)


def test_the_end_of_a_run_in_a_hidden_tab_is_notified(tabs, site, gates):
    hidden = tabs()
    hidden.context.grant_permissions(["notifications"], origin=site.url)
    begin(hidden, site, "held")
    wait_run(hidden, "working")
    front = tabs()
    front.goto("about:blank")
    wait_true(hidden, "document.hidden")
    gates.open("held")
    wait_true(hidden, "notified.length")
    assert hidden.evaluate("notified") == [{"title": "Held", "body": "It is done."}]


def test_the_end_of_a_run_that_is_looked_at_is_not_notified(tabs, site, gates):
    seen = tabs()
    seen.context.grant_permissions(["notifications"], origin=site.url)
    gates.open("held")
    begin(seen, site, "held")
    wait_run(seen, "finished")
    assert seen.evaluate("notified") == []


def test_a_question_in_a_hidden_tab_is_notified(tabs, site, gates):
    hidden = tabs()
    hidden.context.grant_permissions(["notifications"], origin=site.url)
    begin(hidden, site, "several")
    expect(hidden).to_have_title("? Several questions")
    front = tabs()
    front.goto("about:blank")
    wait_true(hidden, "document.hidden")
    gates.open("several")
    wait_true(hidden, "notified.length")
    assert hidden.evaluate("notified") == [{"title": "Several questions", "body": "How?"}]


def test_a_hidden_tab_goes_on_with_its_story(tabs, site, gates):
    hidden = tabs()
    begin_story(hidden, site)
    wait_step(hidden, "reading", "working")
    hidden.evaluate("window.heard = []; addEventListener('narrate-told', ({detail}) => heard.push(detail.text))")
    tabs().goto("about:blank")
    wait_true(hidden, "document.hidden")
    gates.open("reading")
    wait_true(hidden, "heard.includes('Left begins.')")
    assert hidden.evaluate("document.hidden")
    hidden.bring_to_front()
    expect(lines(hidden, "left")).to_have_text(["Left begins."])


def test_notifications_are_asked_for_once_and_on_a_click(page, context, site):
    page.add_init_script(
        "window.asked = 0; Notification.requestPermission = async () => { asked += 1; return 'denied' }"
    )
    page.goto(site.url)
    page.get_by_role("button", name="My runs").click()
    assert page.evaluate("asked") == 0
    page.get_by_role("button", name="Notify me when a run ends, or asks").click()
    wait_true(page, "asked === 1")
    expect(page.get_by_role("button", name="Notify me when a run ends, or asks")).to_be_hidden()


# --- The keyboard alone, and a page that stands still


def test_a_run_is_begun_and_its_details_are_opened_by_the_keyboard_alone(page, site):
    page.goto(site.url)
    press_until(page, "Tab", "Details")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Begin")).to_be_enabled()
    press_until(page, "Tab", "Begin")
    page.keyboard.press("Enter")
    wait_run(page, "finished")
    press_until(page, "Tab", "A tree")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Bern").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Bern").first).to_be_hidden()


def test_a_run_is_cancelled_by_the_keyboard_alone(page, site, gates):
    visit(page, site, "story")
    page.get_by_label(STORY_FIELD).fill("somewhere")
    page.keyboard.press("Enter")
    wait_run(page, "working")
    press_until(page, "Tab", "Cancel")
    page.keyboard.press("Space")
    wait_run(page, "cancelled")
    expect(page.locator(".status")).to_have_text("Cancelled")


FOCUSED = """
() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused?.textContent ?? "";
}
"""


def press_until(page, key, words, most=40):
    """Press a key until what has these words has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if words in page.evaluate(FOCUSED) and page.evaluate(FOCUSED) != page.locator("body").text_content():
            return
    raise AssertionError(f"{key} never came to {words}")


def test_nothing_jumps_while_a_story_is_told(page, site, gates):
    page.add_init_script(LAYOUT_SHIFTS)
    begin_story(page, site)
    wait_step(page, "reading", "working")
    for gate in ("reading", "right", "left", "Bern", "Oslo", "Faro", "writing"):
        gates.wait_reached(gate)
        gates.open(gate)
    wait_run(page, "finished")
    expect(page.locator(".result")).to_be_visible()
    assert largest_burst(page.evaluate("shifts")) < 0.1


def largest_burst(shifts):
    """The Cumulative Layout Shift: the worst of the windows of at most 5 s, without a second of rest in them."""
    windows = [[]]
    for one in shifts:
        inside = windows[-1]
        fits = inside and one["at"] - inside[-1]["at"] < 1000 and one["at"] - inside[0]["at"] < 5000
        windows = [*windows[:-1], [*inside, one]] if fits or not inside else [*windows, [one]]
    return max(sum(one["value"] for one in window) for window in windows)
