"""A run as it is told: rows from the outline at once, lines in reading order whatever the work did, words as words."""

import pytest
from playwright.sync_api import expect

from tests.browser.pipelines import MARKUP
from tests.browser.watching import begin, begin_story, lines, states, step, told, visit, wait_run, wait_step

STORY = [
    "Reading “a quiet town”",
    "The first line.",
    "The second line.",
    "3 words read.",
    "Asking the left side",
    "Left begins.",
    "Left ends.",
    "The left side is heard.",
    "Asking the right side",
    "Right begins.",
    "Right ends.",
    "Checking the towns",
    "Bern",
    "Looking at Bern.",
    "Bern is fine.",
    "Oslo",
    "Looking at Oslo.",
    "Oslo is fine.",
    "Faro",
    "Looking at Faro.",
    "Faro is fine.",
    "A closer look",
    "Weighing",
    "Everything is weighed.",
    "Choosing",
    "The last one.",
    "Writing it down",
    "Once upon a time.",
]
GATES = ["reading", "left", "right", "Bern", "Oslo", "Faro", "writing"]

READ_OUT = {
    "reading": "Left begins.",
    "left": "Right begins.",
    "right": "Looking at Bern.",
    "Bern": "Looking at Oslo.",
    "Oslo": "Looking at Faro.",
    "Faro": "Writing it down",
    "writing": "Done",
}
"""What was read out last when each gate has been opened."""


@pytest.fixture
def story(page, site, gates):
    """A run of `story`, just begun, that waits in its first step."""
    begin_story(page, site)
    gates.wait_reached("reading")
    wait_step(page, "reading", "working")
    return page


def test_all_of_the_outline_is_there_before_the_first_step_has_done_anything(story):
    assert told(story) == [
        "Reading “a quiet town”",
        "The first line.",
        "Asking the left side",
        "Asking the right side",
        "Checking the towns",
        "A closer look",
        "Weighing",
        "Choosing",
        "Writing it down",
    ]
    assert states(story) == {
        "reading": "working",
        "left": "waiting",
        "right": "waiting",
        "towns": "waiting",
        "closer": "waiting",
        "closer/weighing": "waiting",
        "closer/choosing": "waiting",
        "writing": "waiting",
    }


def test_a_story_that_has_ended_stands_there_whole_and_in_its_order(story, gates):
    gates.open(*GATES)
    wait_run(story, "finished")
    assert told(story) == STORY
    assert set(states(story).values()) == {"done"}


def test_the_order_is_the_same_when_the_work_goes_the_other_way_round(story, gates):
    gates.open("reading", "right", "Faro", "Oslo", "writing")
    wait_step(story, "right", "done")
    gates.open("left")
    gates.wait_reached("Bern")
    expect(story.locator('[data-step="towns/3"]')).to_have_attribute("data-state", "done")
    gates.open("Bern")
    wait_run(story, "finished")
    assert told(story) == STORY


def test_a_lane_whose_turn_has_not_come_shows_how_far_it_is_and_says_nothing_yet(story, gates):
    gates.open("reading")
    gates.wait_reached("right")
    expect(lines(story, "left")).to_have_text(["Left begins."])
    expect(step(story, "right").get_by_role("progressbar")).to_have_attribute("value", "0.75")
    expect(step(story, "right")).to_contain_text("3 of 4 pages")
    gates.open("right")
    wait_step(story, "right", "done")
    expect(lines(story, "right")).to_have_count(0)
    gates.open("left")
    expect(lines(story, "right")).to_have_text(["Right begins.", "Right ends."])


def test_items_of_which_nobody_has_said_what_they_are_are_counted_and_have_no_rows(page, site, gates):
    begin(page, site, "behind")
    gates.open("Oslo", "Bern")
    expect(step(page, "towns")).to_contain_text("2 of 3 towns")
    expect(step(page, "towns").locator("[data-step]")).to_have_count(0)
    gates.open("left")
    expect(step(page, "towns").locator("[data-step] .title")).to_have_text(["Bern", "Oslo", "Faro"])
    gates.open("Faro")
    wait_run(page, "finished")


def test_the_items_of_a_step_are_told_inside_it_and_counted(story, gates):
    gates.open("reading", "left", "right")
    gates.wait_reached("Faro")
    gates.open("Bern")
    expect(step(story, "towns")).to_contain_text("1 of 3 towns")
    expect(step(story, "towns").locator("[data-step]")).to_have_count(3)
    expect(step(story, "towns").locator("[data-step] .title")).to_have_text(["Bern", "Oslo", "Faro"])


def test_steps_of_a_pipeline_within_are_told_inside_it(story, gates):
    gates.open(*GATES)
    wait_run(story, "finished")
    within = step(story, "closer").locator("[data-step] .title")
    expect(within).to_have_text(["Weighing", "Choosing"])


def test_a_text_that_is_told_in_pieces_is_one_line_that_grows(story, gates):
    gates.open(*GATES[:-1])
    gates.wait_reached("writing")
    expect(lines(story, "writing")).to_have_text(["Once upon"])
    gates.open("writing")
    expect(lines(story, "writing")).to_have_text(["Once upon a time."])
    expect(lines(story, "writing")).to_have_attribute("data-kind", "tokens")


def test_the_result_is_shown_in_the_end(story, gates):
    expect(story.locator(".result")).to_be_hidden()
    gates.open(*GATES)
    expect(story.locator(".result")).to_contain_text("Once upon a time. Faro")


def test_who_hears_the_page_is_read_each_line_once_and_a_text_when_it_is_whole(story, gates):
    read_out = story.get_by_role("log").locator("p")
    expect(read_out.last).to_have_text("The first line.")
    for gate, latest in READ_OUT.items():
        gates.open(gate)
        expect(read_out.last).to_contain_text(latest)
    *said, ended = read_out.all_text_contents()
    announced = ["Asking the left side", "Asking the right side"]
    assert said[:6] == [*STORY[:4], *announced]
    assert sorted(said) == sorted(STORY)
    assert ended.startswith("Done in ")


def test_lanes_stand_side_by_side_on_a_desk_and_under_each_other_on_a_phone(story):
    left, right = step(story, "left"), step(story, "right")
    story.set_viewport_size({"width": 1440, "height": 900})
    beside = left.bounding_box(), right.bounding_box()
    story.set_viewport_size({"width": 390, "height": 844})
    below = left.bounding_box(), right.bounding_box()
    assert beside[0]["x"] + beside[0]["width"] <= beside[1]["x"]
    assert beside[0]["y"] == beside[1]["y"]
    assert below[0]["y"] + below[0]["height"] <= below[1]["y"]
    assert below[0]["x"] == below[1]["x"]


def test_the_timeline_shows_what_ran_at_the_same_time(story, gates):
    gates.open("reading")
    gates.wait_reached("left")
    gates.wait_reached("right")
    gates.open(*GATES)
    wait_run(story, "finished")
    reading, left, right = (bar(story, path) for path in ("reading", "left", "right"))
    assert reading["right"] <= left["left"]
    assert max(left["left"], right["left"]) < min(left["right"], right["right"])


def test_the_timeline_marks_what_the_whole_had_to_wait_for(story, gates):
    gates.open("reading", "left")
    wait_step(story, "left", "done")
    gates.open(*GATES)
    wait_run(story, "finished")
    expect(story.locator('[data-bar="right"]')).to_have_attribute("data-critical", "")
    expect(story.locator('[data-bar="left"]')).not_to_have_attribute("data-critical", "")


def test_the_dots_of_a_title_say_that_it_is_under_way_and_go_when_it_ends(page, site, gates):
    begin(page, site, "held")
    wait_step(page, "holding", "working")
    titles = step(page, "holding").locator(".title"), page.locator('[data-bar="holding"] .name > span').first
    for title in titles:
        expect(title).to_have_text("Holding on…")
    gates.open("held")
    wait_step(page, "holding", "done")
    for title in titles:
        expect(title).to_have_text("Holding on")


def test_a_title_keeps_its_dots_in_a_step_that_was_never_reached(page, site, gates):
    visit(page, site, "trouble")
    page.get_by_label("Ending").select_option("badly")
    page.get_by_role("button", name="Begin").click()
    gates.open("busy", "grinding")
    wait_run(page, "failed")
    expect(step(page, "grinding").locator(".title")).to_have_text("Grinding the corn")
    expect(step(page, "baking").locator(".title")).to_have_text("Baking the bread…")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("It failed at “Grinding the corn”.")


def bar(page, path):
    """Where a step's bar is."""
    return page.locator(f'[data-bar="{path}"] .bar').evaluate("bar => bar.getBoundingClientRect().toJSON()")


def test_markup_that_a_step_tells_is_shown_and_is_nothing_but_text(page, site, gates):
    gates.open("hostile")
    begin(page, site, "hostile")
    wait_run(page, "failed")
    for opened in page.locator("details").all():
        opened.locator("summary").first.click()
    for words in ("Title", "Line", "Token", "Summary", "Detail", "key", "value", "cell", "Reason", "Problem"):
        expect(page.get_by_text(f"{words} {MARKUP}").filter(visible=True).first).to_be_visible()
    expect(page.locator(":is(script:not([src]), img[src=x], b)")).to_have_count(0)
    assert page.title() == f"✗ Pipeline {MARKUP}"
