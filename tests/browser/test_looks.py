"""How every state looks: to a machine that checks for accessibility, light and dark, at three widths, and on paper."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.looks import lightness, moving, overlaps, running_out
from tests.browser.watching import STORY_FIELD, begin, begin_story, step, visit, wait_run, wait_step

WIDTHS = (390, 820, 1440)


def pipelines(page, site, gates):
    page.goto(site.url)
    expect(page.get_by_role("link", name="A story")).to_be_visible()


def form(page, site, gates):
    visit(page, site, "story")
    expect(page.get_by_label(STORY_FIELD)).to_be_visible()


def wrong_input(page, site, gates):
    form(page, site, gates)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_label(STORY_FIELD)).to_have_attribute("aria-invalid", "true")


def my_runs(page, site, gates):
    finished(page, site, gates)
    page.get_by_role("button", name="My runs").click()
    expect(page.locator("#runs").get_by_role("link")).to_contain_text("done")


def running(page, site, gates):
    begin_story(page, site)
    gates.open("reading", "right")
    wait_step(page, "right", "done")


def trying_again(page, site, gates):
    begin(page, site, "patient")
    wait_step(page, "patiently", "retrying")


def asking(page, site, gates):
    begin(page, site, "hurried")
    expect(page.get_by_role("button", name="left")).to_be_visible()


def asking_much(page, site, gates):
    gates.open("several", "last")
    begin(page, site, "several")
    expect(page.locator(".question form")).to_have_count(3)
    page.get_by_role("button", name="Answer").first.click()
    expect(page.get_by_text("Write an answer first.")).to_be_visible()


def open_details(page, site, gates):
    begin(page, site, "details")
    wait_run(page, "finished")
    for summary in page.locator("details.detail > summary").all():
        summary.click()
    expect(page.get_by_text("row number 0,")).to_be_visible()


def finished(page, site, gates):
    gates.open("busy", "grinding")
    begin(page, site, "trouble")
    wait_run(page, "finished")


def failed(page, site, gates):
    gates.open("busy", "grinding")
    visit(page, site, "trouble")
    page.get_by_label("Ending").select_option("badly")
    page.get_by_role("button", name="Begin").click()
    wait_run(page, "failed")


def cancelled(page, site, gates):
    running(page, site, gates)
    page.get_by_role("button", name="Cancel").click()
    wait_run(page, "cancelled")


def long(page, site, gates):
    gates.open("wide")
    begin(page, site, "long")
    wait_run(page, "finished")
    for summary in page.locator("details.detail > summary").all():
        summary.click()


@pytest.fixture(
    params=[
        pipelines,
        form,
        wrong_input,
        my_runs,
        running,
        trying_again,
        asking,
        asking_much,
        open_details,
        finished,
        failed,
        cancelled,
        long,
    ],
    ids=lambda state: state.__name__,
)
def shown(request, page, site, gates):
    """A page in each of the states that it can be in."""
    request.param(page, site, gates)
    return page


def test_nothing_is_in_the_way_of_anybody_in_light_and_dark(shown):
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)
        found = Axe().run(shown)
        assert not found.violations_count, f"{scheme}: {found.generate_report()}"


def test_nothing_runs_out_of_the_window_or_lies_over_other_things(shown):
    for width in WIDTHS:
        shown.set_viewport_size({"width": width, "height": 900})
        assert running_out(shown) == [], width
        assert overlaps(shown) == [], width


def test_dark_is_dark_and_light_is_light(shown, browser):
    blank = browser.new_page()
    measured = {}
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)
        measured[scheme] = lightness(shown, blank)
    blank.close()
    assert measured["dark"] < 0.3
    assert measured["light"] > 0.8


def test_on_paper_there_is_the_story_and_nothing_to_press(page, site, gates):
    finished(page, site, gates)
    page.emulate_media(media="print")
    expect(page.get_by_role("button").filter(visible=True)).to_have_count(0)
    expect(page.get_by_role("textbox").filter(visible=True)).to_have_count(0)
    expect(page.get_by_role("heading", name="Trouble at the mill").filter(visible=True)).to_be_visible()
    expect(step(page, "busy")).to_be_visible()
    expect(page.locator(".result")).to_be_visible()
    assert overlaps(page) == []
    assert page.pdf().startswith(b"%PDF")


def test_open_details_are_whole_on_paper(page, site, gates):
    open_details(page, site, gates)
    page.set_viewport_size({"width": 800, "height": 1100})
    page.emulate_media(media="print")
    expect(page.get_by_text("row number 0,")).to_be_visible()
    assert running_out(page) == []
    assert page.get_by_role("table").evaluate_all(HIDES_ROWS) == []


HIDES_ROWS = """
tables => tables.map((table) => table.parentElement)
  .filter((frame) => frame.scrollHeight > frame.clientHeight).map(({className}) => className)
"""


def test_nothing_moves_for_who_does_not_want_it(page, site, gates):
    page.emulate_media(reduced_motion="reduce")
    running(page, site, gates)
    assert moving(page) == 0


def test_something_moves_for_everybody_else(page, site, gates):
    running(page, site, gates)
    assert moving(page) > 0


def test_what_is_wide_is_scrolled_in_its_own_place(page, site, gates):
    page.set_viewport_size({"width": 390, "height": 844})
    long(page, site, gates)
    table = page.get_by_role("table").filter(has_text="column 13")
    scrolling = table.locator("xpath=ancestor::*[@tabindex='0'][1]")
    assert scrolling.evaluate("place => place.scrollWidth > place.clientWidth")
