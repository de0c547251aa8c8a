"""The demo as a person meets it: from the sentence that is typed to the places to go, on a map and on cards."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.looks import overlaps, running_out
from tests.browser.watching import record, run_of, wait_run

TRAVEL = "pipelines.travel_escape:travel_escape"
REPLAYED = ["--replay", "valencia", "--pace", "0.05"]
SENTENCE = "somewhere hot tomorrow, 3 hours at most"


@pytest.fixture
def demo(page, serve):
    """The page of the demo, with the sentence typed and sent."""
    site = serve(TRAVEL, options=REPLAYED)
    page.goto(site.url)
    page.get_by_role("textbox").first.fill(SENTENCE)
    page.keyboard.press("Enter")
    return page, site


def result(page, site):
    return record(site, run_of(page))[-1]["result"]


def test_a_sentence_comes_to_cards_of_the_places_to_go(demo):
    page, site = demo
    wait_run(page, "finished")
    escapes = result(page, site)["escapes"]
    cards = page.locator(".view").get_by_role("listitem").filter(has=page.get_by_role("heading"))
    expect(cards.get_by_role("heading")).to_have_text([escape["city"] for escape in escapes])
    assert len(escapes) >= 3
    expect(cards.first).to_contain_text(escapes[0]["flights"][0]["number"])


def test_the_map_says_in_words_what_it_shows(demo):
    page, site = demo
    wait_run(page, "finished")
    best = result(page, site)["escapes"][0]["city"]
    on_the_map = page.get_by_role("button", name=best).or_(page.get_by_role("img", name=best))
    expect(page.locator(".view").locator(on_the_map).first).to_be_visible()


def test_the_cards_are_there_again_after_a_reload(demo):
    page, _ = demo
    wait_run(page, "finished")
    before = page.locator(".view h4").all_inner_texts()
    page.reload()
    wait_run(page, "finished")
    expect(page.locator(".view h4")).to_have_text(before)


def test_the_story_is_told_beside_them(demo):
    page, _ = demo
    wait_run(page, "finished")
    expect(page.locator(".story > .step, .lanes > .step")).to_have_count(7)
    expect(page.locator('.step[data-state="done"]')).not_to_have_count(0)


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_runs_out_or_lies_over_other_things(demo, width):
    page, _ = demo
    page.set_viewport_size({"width": width, "height": 900})
    wait_run(page, "finished")
    assert running_out(page) == []
    assert overlaps(page) == []


def test_nobody_is_kept_from_it(demo):
    page, _ = demo
    wait_run(page, "finished")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert not found.violations_count, f"{scheme}: {found.generate_report()}"
