"""A story that was cut goes on where it was: after a reload, a crash of the server, a net that was gone for a while."""

import pytest
from playwright.sync_api import expect

from tests.browser.nets import Net
from tests.browser.watching import (
    begin,
    begin_story,
    lines,
    messages,
    record,
    run_of,
    step,
    told,
    visit,
    wait_run,
    wait_step,
)

GATES = ["reading", "left", "right", "Bern", "Oslo", "Faro", "writing"]
CUT = r"net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)"
OFFLINE = r"net::ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED|FAILED)"


@pytest.fixture
def half_told(page, site, gates):
    """A run of `story` in the middle of its group, one of whose lanes is done though it is still to be told."""
    begin_story(page, site)
    gates.open("reading", "right")
    wait_step(page, "right", "done")
    expect(lines(page, "left")).to_have_text(["Left begins."])
    return page


def said(page):
    """What is shown of what the steps have said, line by line."""
    return page.locator('.story .line[data-kind="message"]').all_inner_texts()


def test_a_reload_in_the_middle_shows_the_same_story(half_told):
    before = told(half_told)
    half_told.reload()
    wait_step(half_told, "right", "done")
    expect(lines(half_told, "left")).to_have_text(["Left begins."])
    assert told(half_told) == before


def test_after_a_reload_the_story_goes_on_with_no_line_lost_and_none_twice(half_told, site, gates):
    half_told.reload()
    gates.open(*GATES)
    wait_run(half_told, "finished")
    assert said(half_told) == messages(record(site, run_of(half_told)))
    expect(lines(half_told, "writing")).to_have_text(["Once upon a time."])


def test_a_reload_in_the_middle_of_a_text_shows_it_as_one(half_told, gates):
    gates.open(*GATES[:-1])
    gates.wait_reached("writing")
    half_told.reload()
    expect(lines(half_told, "writing")).to_have_text(["Once upon"])
    gates.open("writing")
    expect(lines(half_told, "writing")).to_have_text(["Once upon a time."])


def test_a_run_that_has_ended_is_shown_whole_after_a_reload(half_told, gates):
    gates.open(*GATES)
    wait_run(half_told, "finished")
    before = told(half_told)
    half_told.reload()
    wait_run(half_told, "finished")
    assert told(half_told) == before


def test_back_and_forward_go_between_the_form_and_the_run(page, site, gates):
    begin(page, site, "held")
    run = run_of(page)
    page.go_back()
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    expect(step(page, "holding")).to_have_count(0)
    page.go_forward()
    expect(lines(page, "holding")).to_have_text(["It holds."])
    assert run_of(page) == run


def test_a_server_that_was_killed_and_comes_back_goes_on_with_the_story(page, serve, journal, complaints, gates):
    complaints.expect(CUT)
    site = serve("story", options=["--journal", journal])
    begin_story(page, site)
    gates.open("reading", "right")
    wait_step(page, "right", "done")
    site.kill()
    wait_run(page, "waiting")
    expect(page.locator(".left")).to_contain_text("Trying again")
    gates.open(*GATES)
    site.start()
    wait_run(page, "finished")
    assert said(page) == messages(record(site, run_of(page)))
    expect(lines(page, "left").filter(has_text="Beginning again")).to_have_count(1)
    expect(page.locator(".left")).not_to_contain_text("Trying again")


def test_a_server_that_comes_back_without_the_run_is_said_to_have_lost_it(page, serve, complaints, gates):
    complaints.expect(CUT)
    complaints.expect("status of 4(04|10)")
    site = serve("held")
    begin(page, site, "held")
    expect(lines(page, "holding")).to_have_text(["It holds."])
    site.kill()
    wait_run(page, "waiting")
    site.start()
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("the server has forgotten it")
    expect(page.locator(".status")).to_have_text("Cut off")
    expect(lines(page, "holding")).to_have_text(["It holds."])
    expect(page.locator("[data-step=holding]")).to_have_attribute("data-state", "unknown")
    page.reload()
    wait_run(page, "rejected")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("it is no longer kept")


def test_a_net_that_is_gone_for_a_while_costs_nothing_of_the_story(page, context, serve, complaints, gates):
    complaints.expect(OFFLINE)
    complaints.expect(CUT)
    site = serve("story", options=["--heartbeat", "0.5"])
    with Net(site.url) as net:
        begin_story(page, net)
        gates.open("reading", "right")
        wait_step(page, "right", "done")
        net.hush()
        context.set_offline(True)
        wait_run(page, "waiting")
        gates.open("left", "Bern", "Oslo")
        gates.wait_reached("Faro")
        net.cut()
        net.mend()
        context.set_offline(False)
        expect(step(page, "towns")).to_contain_text("Oslo is fine.")
        gates.open(*GATES)
        wait_run(page, "finished")
        assert said(page) == messages(record(site, run_of(page)))
        page.close()


def test_a_stream_that_has_used_up_its_time_goes_on_in_another(page, site, gates):
    with page.expect_request("**/runs/*/events*"):
        begin(page, site, "briefly")
    wait_run(page, "working")
    gates.open("held")
    wait_run(page, "finished")
    assert said(page) == ["It holds.", "It lets go."]


def test_two_tabs_show_one_run_alike(half_told, context, site, gates):
    second = context.new_page()
    second.goto(half_told.url)
    wait_step(second, "right", "done")
    assert told(second) == told(half_told)
    gates.open(*GATES)
    wait_run(half_told, "finished")
    wait_run(second, "finished")
    assert told(second) == told(half_told)
    assert said(second) == messages(record(site, run_of(second)))


def test_eight_tabs_show_one_run_at_once(page, context, site, gates):
    begin(page, site, "held")
    tabs = [page, *(context.new_page() for _ in range(7))]
    run_of(page)
    for tab in tabs[1:]:
        tab.goto(page.url)
    for tab in tabs:
        expect(lines(tab, "holding")).to_have_text(["It holds."])
    gates.open("held")
    for tab in tabs:
        wait_run(tab, "finished")
        expect(lines(tab, "holding")).to_have_text(["It holds.", "It lets go."])


def test_eight_tabs_tell_a_run_each(context, site, gates):
    tabs = [context.new_page() for _ in range(8)]
    for tab in tabs:
        begin_story(tab, site)
    for tab in tabs:
        expect(lines(tab, "reading")).to_have_text(["The first line."])
    gates.wait_reached("reading", times=8)
    gates.open(*GATES)
    for tab in tabs:
        wait_run(tab, "finished")
        assert said(tab) == messages(record(site, run_of(tab)))


def test_with_eight_tabs_under_way_a_ninth_opens_and_a_run_can_be_cancelled(context, site, gates):
    tabs = [context.new_page() for _ in range(8)]
    for tab in tabs:
        begin(tab, site, "held")
    for tab in tabs:
        expect(lines(tab, "holding")).to_have_text(["It holds."])
    ninth = context.new_page()
    visit(ninth, site, "held")
    expect(ninth.get_by_role("button", name="Begin")).to_be_visible()
    tabs[3].get_by_role("button", name="Cancel").click()
    wait_run(tabs[3], "cancelled")
