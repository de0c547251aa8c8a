"""What happens around a run: it is moved, asked for twice, cancelled in the queue; one goes back; the focus is kept."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pipelines import LINES
from tests.browser.watching import (
    STORY_FIELD,
    begin,
    begin_story,
    lines,
    run_of,
    step,
    visit,
    wait_run,
    wait_true,
)

MOVE = "document.querySelector('main').append(document.querySelector('narrate-run'))"

TAKE_ALL_PLACES = """
() => {
  window.freed = [];
  return Promise.all([0, 1, 2, 3].map((place) => new Promise((taken) => {
    navigator.locks.request(`narrate-stream-${place}`, () => new Promise((free) => { freed.push(free); taken(); }));
  })));
}
"""


def button(page, name):
    return page.get_by_role("button", name=name)


# --- The element


def test_put_elsewhere_in_its_page_it_goes_on_with_its_run(page, site, gates):
    begin(page, site, "held")
    expect(lines(page, "holding")).to_have_text(["It holds."])
    run = run_of(page)
    page.evaluate(MOVE)
    expect(lines(page, "holding")).to_have_text(["It holds."])
    gates.open("held")
    wait_run(page, "finished")
    expect(lines(page, "holding")).to_have_text(["It holds.", "It lets go."])
    assert run_of(page) == run


def test_of_another_pipeline_it_shows_neither_the_form_nor_the_run_of_the_one_before(page, site, gates):
    begin(page, site, "held")
    wait_run(page, "working")
    page.locator("narrate-run").evaluate("run => run.setAttribute('src', '/story')")
    expect(page.get_by_label(STORY_FIELD)).to_be_visible()
    expect(step(page, "holding")).to_have_count(0)
    wait_run(page, "idle")


def test_of_a_pipeline_that_is_not_there_it_keeps_no_form_of_the_one_before(page, site):
    visit(page, site, "held")
    expect(button(page, "Begin")).to_be_visible()
    page.locator("narrate-run").evaluate("run => run.setAttribute('src', '/nonsense')")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("/nonsense")
    expect(button(page, "Begin")).to_be_hidden()


def test_a_question_mark_in_its_source_leaves_the_pipeline_what_it_is(page, site, gates):
    visit(page, site, "story")
    page.locator("narrate-run").evaluate("run => run.setAttribute('src', '/held?from=here')")
    expect(page.get_by_role("heading", name="Held")).to_be_visible()
    button(page, "Begin").click()
    expect(lines(page, "holding")).to_have_text(["It holds."])


# --- In the queue of those who stream


@pytest.fixture
def queued(page, site, gates):
    """A page whose run has been asked for, and waits for its turn to stream."""
    visit(page, site, "held")
    page.evaluate(TAKE_ALL_PLACES)
    button(page, "Begin").click()
    expect(page.locator(".left")).to_contain_text("Waiting for its turn")
    return page


def test_what_waits_for_its_turn_cannot_be_begun_twice(queued):
    wait_run(queued, "connecting")
    expect(button(queued, "Begin")).to_have_attribute("aria-disabled", "true")


def test_what_is_cancelled_while_it_waits_for_its_turn_is_never_begun(queued, gates):
    posted = []
    queued.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    button(queued, "Cancel").click()
    wait_run(queued, "idle")
    expect(queued.locator(".head")).to_have_count(0)
    queued.evaluate("freed.forEach((free) => free())")
    button(queued, "Begin").click()
    gates.wait_reached("held")
    wait_run(queued, "working")
    assert len(posted) == 1


def test_a_run_that_exists_is_cancelled_while_it_waits_for_its_turn(page, context, site, gates):
    begin(page, site, "held")
    run = run_of(page)
    page.goto(site.url)
    page.evaluate(TAKE_ALL_PLACES)
    second = context.new_page()
    second.goto(f"{site.url}/?run={run}")
    expect(second.locator(".left")).to_contain_text("Waiting for its turn")
    button(second, "Cancel").click()
    gates.wait_reached("held")
    gates.wait_left("held")
    page.evaluate("freed.forEach((free) => free())")
    wait_run(second, "cancelled")


ASK_FOR_A_PLACE = """
() => {
  const others = new BroadcastChannel("narrate-stream");
  setInterval(() => others.postMessage("wanted"), 50);
}
"""

FOLLOW_ALONE = """
(run) => import("/web/narrate-run.js").then(() => {
  const shown = document.createElement("narrate-run");
  shown.setAttribute("run", `/runs/${run}`);
  document.body.append(shown);
})
"""


def test_who_is_asked_for_its_place_does_not_ask_the_server_at_every_event(page, context, site, gates):
    begin(page, site, "talkative")
    run = run_of(page)
    alone = context.new_page()
    alone.goto(site.url)
    expect(alone.get_by_role("link", name="Talkative")).to_be_visible()
    asked = []
    alone.on("request", lambda request: asked.append(request.url) if request.url.endswith(run) else None)
    alone.evaluate(FOLLOW_ALONE, run)
    wait_run(alone, "working")
    with alone.expect_request(f"**/runs/{run}"):
        alone.evaluate(ASK_FOR_A_PLACE)
    gates.open("talking")
    wait_run(alone, "finished")
    expect(lines(alone, "talking")).to_have_count(LINES)
    assert len(asked) < LINES / 10


# --- What was refused


def test_of_what_was_refused_there_is_no_run_to_be_seen(page, site, complaints):
    complaints.expect("status of 422")
    visit(page, site, "choosy")
    page.get_by_label("Colour").fill("mauve")
    button(page, "Begin").click()
    wait_run(page, "rejected")
    expect(page.locator("narrate-run")).to_contain_text("mauve is no colour")
    expect(button(page, "Copy link")).to_be_hidden()
    expect(page.locator(".head")).to_be_hidden()


# --- The focus


def test_who_begins_by_the_keyboard_keeps_the_focus(page, site, gates):
    visit(page, site, "held")
    button(page, "Begin").press("Enter")
    wait_run(page, "working")
    expect(button(page, "Begin")).to_be_focused()


def test_who_cancels_by_the_keyboard_goes_on_from_the_head_of_the_run(page, site, gates):
    begin(page, site, "held")
    wait_run(page, "working")
    button(page, "Cancel").press("Enter")
    wait_run(page, "cancelled")
    expect(page.locator(".head .state")).to_be_focused()
    page.keyboard.press("Tab")
    expect(button(page, "Run again")).to_be_focused()


def test_who_was_about_to_cancel_when_the_run_ends_goes_on_from_its_head(page, site, gates):
    begin(page, site, "held")
    wait_run(page, "working")
    button(page, "Cancel").focus()
    gates.open("held")
    wait_run(page, "finished")
    expect(page.locator(".head .state")).to_be_focused()


def test_who_runs_it_again_by_the_keyboard_goes_on_from_the_head_of_the_new_run(page, site, gates):
    gates.open("held")
    begin(page, site, "held")
    wait_run(page, "finished")
    gates.shut()
    button(page, "Run again").press("Enter")
    wait_run(page, "working")
    expect(page.locator(".head .state")).to_be_focused()
    page.keyboard.press("Tab")
    expect(button(page, "Cancel")).to_be_focused()


def test_the_panel_of_runs_keeps_the_focus_when_it_is_brought_up_to_date(page, site, gates):
    begin(page, site, "held")
    wait_run(page, "working")
    button(page, "My runs").click()
    link = page.locator("#runs").get_by_role("link")
    link.evaluate("link => { link.focus(); link.id = 'before'; }")
    expect(page.locator("#before")).to_have_count(0)
    expect(link).to_be_focused()


# --- The page


def test_back_leads_away_from_a_run_whose_address_says_more(page, site, gates):
    begin(page, site, "held")
    run = run_of(page)
    page.goto(f"{site.url}/docs")
    page.goto(f"{site.url}/?run={run}&from=a-friend")
    expect(lines(page, "holding")).to_have_text(["It holds."])
    page.go_back()
    expect(page).to_have_url(f"{site.url}/docs")


HOLD_BACK = """
(run) => {
  const given = window.fetch;
  window.fetch = async (asked, ...rest) => {
    const answer = await given(asked, ...rest);
    if (new URL(asked, location).pathname !== `/runs/${run}`) return answer;
    return new Promise((resolve) => { window.answer = () => resolve(answer); });
  };
}
"""


def test_the_answer_for_an_address_that_was_left_does_not_come_back(page, site, gates):
    begin(page, site, "held")
    run = run_of(page)
    wait_run(page, "working")
    page.evaluate("localStorage.clear()")
    page.evaluate(HOLD_BACK, run)
    page.evaluate("history.back()")
    expect(page.locator("narrate-run")).not_to_have_attribute("run", f"{site.url}/runs/{run}")
    wait_run(page, "idle")
    page.evaluate("history.forward()")
    wait_true(page, "window.answer")
    page.evaluate("history.back()")
    wait_true(page, "location.search === '?pipeline=held'")
    page.locator("narrate-run").evaluate("run => { run.id = 'before'; }")
    page.evaluate("answer()")
    page.evaluate("() => new Promise((done) => setTimeout(done))")
    expect(button(page, "Begin")).to_be_enabled()
    expect(page.locator("narrate-run")).not_to_have_attribute("run", f"{site.url}/runs/{run}")


def test_a_run_begun_while_the_server_is_asked_for_mine_is_kept_in_mind(page, site):
    page.goto(site.url)
    kept = page.evaluate("""async () => {
      const { known, mine, remember } = await import("/web/runs.js");
      remember({ id: "gone", title: "Gone", pipeline: "held" });
      const asked = mine();
      remember({ id: "new", title: "New", pipeline: "held" });
      await asked;
      return known().map(({ id }) => id);
    }""")
    assert kept == ["new"]


# --- What is read out, and what is seen without colours


def test_of_a_very_long_story_only_the_last_sentences_wait_to_be_read_out(page, site, gates):
    gates.open("talking")
    begin(page, site, "talkative")
    wait_run(page, "finished")
    read_out = page.locator("narrate-run [role=log] p")
    expect(read_out.last).to_contain_text("Done")
    expect(read_out).to_have_count(100)
    expect(read_out.nth(98)).to_have_text(f"Line {LINES - 1}.")


NO_BACKGROUND = re.compile(r"rgb\(255, 255, 255\)|rgba\(0, 0, 0, 0\)")


def test_with_forced_colours_the_critical_path_is_told_from_the_rest_and_explained(page, site, gates):
    page.emulate_media(forced_colors="active")
    gates.open(*GATES)
    begin_story(page, site)
    wait_run(page, "finished")
    legend, critical, other = (page.locator(place).first for place in (".legend i", CRITICAL, NOT_CRITICAL))
    expect(legend).not_to_have_css("background-color", NO_BACKGROUND)
    expect(critical).to_have_css("background-color", colour(legend))
    expect(other).not_to_have_css("background-color", colour(legend))


def test_on_paper_the_bars_are_printed(page, site, gates):
    gates.open("held")
    begin(page, site, "held")
    wait_run(page, "finished")
    page.emulate_media(media="print")
    expect(page.locator(".bars .bar").first).to_have_css("print-color-adjust", "exact")
    expect(page.locator(".legend i")).to_have_css("print-color-adjust", "exact")


CRITICAL = "[data-critical] .bar"
NOT_CRITICAL = "[data-bar]:not([data-critical]) .bar"
GATES = ("reading", "left", "right", "Bern", "Oslo", "Faro", "writing")


def colour(place):
    return place.evaluate("place => getComputedStyle(place).backgroundColor")
