"""A pipeline's own view beside its story: given every event once, whatever was cut; and its failure is its own."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.watching import begin, lines, record, run_of, wait_run


@pytest.fixture
def viewed(page, site, gates):
    """A run of `viewed`, waiting in its first step."""
    begin(page, site, "viewed")
    gates.wait_reached("held")
    expect(lines(page, "holding")).to_have_text(["It holds."])
    return page


def seen(page):
    """The numbered events that the view was given."""
    return [text for text in page.locator(".view li").all_inner_texts() if text[0].isdigit()]


def test_a_view_is_given_every_event_in_its_order(viewed, site, gates):
    gates.open("held")
    wait_run(viewed, "finished")
    told = record(site, run_of(viewed))
    expect(viewed.locator(".view li").last).to_contain_text("run.finished")
    assert [text.split()[:2] for text in seen(viewed)] == [[str(event["n"]), event["type"]] for event in told]


def test_a_view_gets_the_data_of_a_large_detail_as_of_a_small_one(viewed, gates):
    gates.open("held")
    wait_run(viewed, "finished")
    details = viewed.locator(".view li").filter(has_text="detail")
    expect(details).to_have_count(8)
    for shown in details.all():
        expect(shown).to_have_text(re.compile(r"detail \d+$"))


def test_after_a_reload_a_view_is_given_the_whole_story_again_and_once(viewed, site, gates):
    viewed.reload()
    expect(viewed.locator(".view li").filter(has_text="message")).to_have_count(1)
    gates.open("held")
    wait_run(viewed, "finished")
    expect(viewed.locator(".view li").last).to_contain_text("run.finished")
    assert len(seen(viewed)) == len(record(site, run_of(viewed)))


def test_each_run_has_a_view_of_its_own(viewed, gates):
    gates.open("held")
    wait_run(viewed, "finished")
    viewed.get_by_role("button", name="Run again").click()
    wait_run(viewed, "finished")
    expect(viewed.get_by_role("list", name="Seen 2")).to_be_visible()
    expect(viewed.get_by_role("list", name="Seen 1")).to_have_count(0)


def test_a_view_that_fails_says_so_in_its_place_and_the_story_goes_on(page, site, complaints, gates):
    complaints.expect("The projector is broken.")
    gates.open("held")
    begin(page, site, "badly-viewed")
    expect(page.locator(".view")).to_contain_text("The projector is broken.")
    wait_run(page, "finished")
    expect(lines(page, "holding")).to_have_text(["It holds.", "It lets go."])


def test_a_view_that_fails_half_way_says_so_once_in_its_place(page, site, complaints, gates):
    complaints.expect("The film has torn.")
    gates.open("held")
    begin(page, site, "falteringly-viewed")
    expect(page.locator(".view")).to_contain_text("The film has torn.")
    wait_run(page, "finished")
    expect(lines(page, "holding")).to_have_text(["It holds.", "It lets go."])
    assert len(complaints.heard) == 1
