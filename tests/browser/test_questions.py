"""A step asks a person: the form under it, by mouse and by keyboard, answers that are wrong or late, and other tabs."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.nets import Net
from tests.browser.pipelines import CARRIERS
from tests.browser.watching import begin, lines, run_of, step, told, visit, wait_run, wait_true

SURE, NAME = "Shall it be done?", "What shall it be called?"
REFUSED = "the server responded with a status of"
CUT = r"net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)"


@pytest.fixture
def asking(page, site):
    """A run of `asks` at its first question."""
    begin(page, site, "asks")
    expect(form(page, SURE)).to_be_visible()
    return page


@pytest.fixture
def several(page, site, gates):
    """A run of `several` that has asked all of its questions."""
    gates.open("several", "last")
    begin(page, site, "several")
    expect(page.locator(".question form")).to_have_count(3)
    return page


def form(page, question):
    """The form of a question, as it is named to those who hear the page."""
    return page.get_by_role("group", name=question)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def write(page, question, answer):
    """Answer a question in one's own words, by the keyboard."""
    form(page, question).get_by_role("textbox").fill(answer)
    page.keyboard.press("Enter")


# --- Answers


def test_a_choice_is_a_button_and_the_answer_takes_the_place_of_the_form(asking):
    button(asking, "yes").click()
    expect(form(asking, NAME)).to_be_visible()
    expect(form(asking, SURE)).to_have_count(0)
    assert told(asking) == ["Deciding", "It can be done.", SURE, "→ yes", "Noted.", NAME]


def test_without_choices_ones_own_words_are_the_answer(asking):
    button(asking, "no").click()
    form(asking, NAME).get_by_role("textbox").fill("The quiet one\nby the sea")
    button(asking, "Answer").click()
    wait_run(asking, "finished")
    assert told(asking)[-2:] == [NAME, "→ The quiet one\nby the sea"]
    expect(asking.locator(".result")).to_contain_text("no, The quiet one")
    expect(asking.locator(".question form")).to_have_count(0)


def test_several_questions_have_a_form_each_and_are_answered_in_any_order(several):
    expect(form(several, "How?").get_by_role("radio")).to_have_count(len(CARRIERS))
    form(several, "On which day?").get_by_role("combobox").select_option("Day 30")
    form(several, "On which day?").get_by_role("button").click()
    expect(form(several, "On which day?")).to_have_count(0)
    form(several, "How?").get_by_label("By air").check()
    form(several, "How?").get_by_role("button").click()
    expect(form(several, "How?")).to_have_count(0)
    write(several, "To whom?", "Ada")
    wait_run(several, "finished")
    answered = ["To whom?", "How?", "On which day?", "→ Day 30", "How? → By air", "To whom? → Ada"]
    assert told(several) == ["Sending it off", *answered]


def test_all_is_answered_by_the_keyboard_alone(asking):
    tab_to(asking, button(asking, "yes"))
    asking.keyboard.press("Enter")
    expect(form(asking, NAME)).to_be_visible()
    asking.keyboard.press("Tab")
    expect(form(asking, NAME).get_by_role("textbox")).to_be_focused()
    asking.keyboard.type("Two")
    asking.keyboard.press("Shift+Enter")
    asking.keyboard.type("lines")
    asking.keyboard.press("Enter")
    wait_run(asking, "finished")
    assert told(asking)[-1] == "→ Two\nlines"


def tab_to(page, place, most=40):
    """Press Tab until this place has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if place.evaluate("one => one === one.getRootNode().activeElement"):
            return
    raise AssertionError(f"Tab never came to {place}")


def test_the_element_says_that_it_is_asked_and_takes_an_answer(page, site):
    visit(page, site, "asks")
    page.evaluate(
        "window.heard = []; addEventListener('narrate-asked', ({detail}) => heard.push([detail.question, detail.n]))"
    )
    button(page, "Begin").click()
    wait_true(page, "heard.length === 1")
    answer = page.evaluate("document.querySelector('narrate-run').answer('yes')")
    wait_true(page, "heard.length === 2")
    assert [question for question, _ in page.evaluate("heard")] == [SURE, NAME]
    assert (answer["type"], answer["by"], answer["value"]) == ("answer", "person", "yes")
    assert answer["to"] == page.evaluate("heard")[0][1]


# --- That a person is waited for


def test_the_waiting_is_said_by_the_step_by_the_run_and_by_the_title(asking):
    expect(asking.locator(".status")).to_have_text("Waiting for your answer")
    expect(step(asking, "deciding").locator(".top")).to_contain_text("waiting for your answer")
    expect(asking).to_have_title("? A question")
    button(asking, "yes").click()
    write(asking, NAME, "Ada")
    expect(asking.locator(".status")).to_have_text("Done")
    expect(step(asking, "deciding").locator(".top")).to_contain_text("done")
    expect(asking).to_have_title("✓ A question")


def test_a_run_that_works_on_after_the_answer_says_so(page, site, gates):
    begin(page, site, "hurried")
    expect(page).to_have_title("? In a hurry")
    button(page, "right").click()
    expect(page.locator(".status")).to_have_text("Working")
    expect(page).to_have_title("… In a hurry")
    expect(step(page, "turning").locator(".top")).to_contain_text("working")


def test_who_hears_the_page_is_read_the_question_its_choices_and_the_answer(asking):
    read_out = asking.get_by_role("log").locator("p")
    expect(read_out.last).to_have_text(f"Question: {SURE} (yes / no)")
    button(asking, "yes").click()
    expect(read_out.last).to_have_text(f"Question: {NAME}")
    assert read_out.all_text_contents()[-3:-1] == ["Answer: yes", "Noted."]


def test_a_question_does_not_take_the_focus_from_who_writes_elsewhere(page, site, gates):
    begin(page, site, "several")
    mine = form(page, "To whom?").get_by_role("textbox")
    mine.fill("Ada and ")
    gates.open("several")
    expect(form(page, "How?")).to_be_visible()
    expect(mine).to_be_focused()
    page.keyboard.type("Ben")
    expect(mine).to_have_value("Ada and Ben")


def test_the_head_leads_to_the_question(several):
    button(several, "Go to the question").click()
    expect(form(several, "To whom?").get_by_role("textbox")).to_be_focused()


def test_a_run_that_is_cancelled_asks_no_more(asking):
    button(asking, "Cancel").click()
    wait_run(asking, "cancelled")
    expected = ["It can be done.", SURE, "→ Nobody answered.", "Stopped: The client cancelled it."]
    expect(lines(asking, "deciding")).to_have_text(expected)
    expect(asking.locator(".question form")).to_have_count(0)
    expect(button(asking, "Go to the question")).to_be_hidden()


# --- Time


def test_how_long_is_waited_and_what_comes_then_is_counted_down(page, site, gates):
    begin(page, site, "hurried")
    until = form(page, "Left or right?").locator(".until")
    expect(until).to_have_text(re.compile(r"^If nobody answers: left, in \d min \d+ s\.$"))
    expect(until).not_to_have_text(until.inner_text())


def test_when_nobody_answers_in_time_the_default_stands_there_and_is_said_to_be_one(page, site, gates):
    visit(page, site, "hurried")
    page.get_by_label("How long to wait").fill("0.5")
    page.keyboard.press("Enter")
    expect(lines(page, "turning")).to_have_text(["Left or right?", "→ left (nobody answered in time)"])
    expect(page.locator(".question form")).to_have_count(0)
    expect(page.locator(".status")).to_have_text("Working")


# --- Answers that are not taken


def test_an_answer_that_comes_too_late_is_said_to_be(page, site, complaints):
    complaints.expect(f"{REFUSED} 409")
    complaints.expect(CUT)
    with Net(site.url) as net:
        begin(page, net, "asks")
        expect(form(page, SURE)).to_be_visible()
        answers = f"{site.url}/runs/{run_of(page)}/answers"
        net.hush()
        assert httpx.post(answers, json={"value": "no"}).status_code == 200
        page.route("**/answers", lambda route: route.fulfill(response=route.fetch(url=answers)))
        button(page, "yes").click()
        expect(form(page, SURE).get_by_role("alert")).to_have_text(f"“{SURE}” was answered with “no” already.")
        expect(button(page, "no")).to_have_attribute("aria-disabled", "true")
        net.mend()
        expect(form(page, NAME)).to_be_visible()
    assert told(page)[2:4] == [SURE, "→ no"]


def test_an_answer_that_does_not_fit_is_refused_at_its_field_and_can_be_mended(asking, complaints):
    complaints.expect(f"{REFUSED} 422")
    button(asking, "yes").click()
    text = form(asking, NAME).get_by_role("textbox")
    text.fill("a" * 10_001)
    button(asking, "Answer").click()
    expect(text).to_have_accessible_description(re.compile("at most 10000 characters, and this one 10001"))
    expect(text).to_have_attribute("aria-invalid", "true")
    expect(text).to_be_focused()
    text.fill("a")
    expect(text).not_to_have_attribute("aria-invalid", "true")
    asking.keyboard.press("Enter")
    wait_run(asking, "finished")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("To whom?", "Write an answer first."),
        ("How?", "Choose one of them."),
        ("On which day?", "Choose one of them."),
    ],
)
def test_nothing_is_no_answer(several, question, said):
    form(several, question).get_by_role("button").click()
    expect(form(several, question).get_by_role("alert")).to_have_text(said)


def test_an_answer_that_did_not_arrive_can_be_sent_again(asking, complaints):
    complaints.expect("net::ERR_FAILED")
    asking.route("**/answers", lambda route: route.abort())
    button(asking, "yes").click()
    expect(form(asking, SURE).get_by_role("alert")).to_contain_text("cannot be reached")
    asking.unroute("**/answers")
    button(asking, "yes").click()
    expect(form(asking, NAME)).to_be_visible()


def test_who_may_not_answer_hears_so(asking, complaints):
    complaints.expect(f"{REFUSED} 403")
    refusal = {"status": 403, "content_type": "application/problem+json"}
    body = '{"title": "Forbidden", "status": 403, "detail": "Ask Ada."}'
    asking.route("**/answers", lambda route: route.fulfill(**refusal, body=body))
    button(asking, "yes").click()
    expect(form(asking, SURE).get_by_role("alert")).to_have_text("You may not answer this: Ask Ada.")
    expect(button(asking, "yes")).to_have_attribute("aria-disabled", "true")


def test_while_an_answer_is_sent_no_other_can_be(asking):
    held = []

    def hold(route):
        held.append(route)

    asking.route("**/answers", hold)
    button(asking, "yes").click()
    expect(button(asking, "no")).to_have_attribute("aria-disabled", "true")
    expect(button(asking, "yes")).to_be_focused()
    asking.keyboard.press("Enter")
    button(asking, "no").click(force=True)
    held[0].continue_()
    expect(form(asking, NAME)).to_be_visible()
    assert len(held) == 1
    assert told(asking)[2:4] == [SURE, "→ yes"]


def test_an_answer_that_is_kept_and_not_told_yet_is_said_to_be(asking):
    asking.route("**/answers", lambda route: route.fulfill(status=202, json={}))
    button(asking, "yes").click()
    expect(form(asking, SURE).get_by_role("status")).to_contain_text("Your answer is kept")
    expect(button(asking, "no")).to_have_attribute("aria-disabled", "true")


# --- Elsewhere and later


def test_what_is_answered_in_one_tab_is_not_asked_in_another_any_more(asking, context):
    run_of(asking)
    other = context.new_page()
    other.goto(asking.url)
    expect(form(other, SURE)).to_be_visible()
    button(asking, "yes").click()
    expect(form(other, SURE)).to_have_count(0)
    expect(lines(other, "deciding")).to_have_text(["It can be done.", SURE, "→ yes", "Noted.", NAME])
    write(other, NAME, "Ada")
    wait_run(asking, "finished")


def test_after_a_reload_the_question_is_still_asked(asking):
    button(asking, "yes").click()
    expect(form(asking, NAME)).to_be_visible()
    run_of(asking)
    asking.reload()
    expect(form(asking, NAME)).to_be_visible()
    assert told(asking) == ["Deciding", "It can be done.", SURE, "→ yes", "Noted.", NAME]
    write(asking, NAME, "Ada")
    wait_run(asking, "finished")


def test_a_question_waits_through_a_crash_of_the_server(page, serve, journal, complaints):
    complaints.expect(CUT)
    site = serve("asks", options=["--journal", journal])
    begin(page, site, "asks")
    expect(form(page, SURE)).to_be_visible()
    site.kill()
    site.start()
    button(page, "yes").click()
    expect(form(page, NAME)).to_be_visible()
    write(page, NAME, "Ada")
    wait_run(page, "finished")
    assert told(page).count(SURE) == 1


def test_an_answer_that_met_no_server_can_be_given_when_there_is_one_again(page, serve, journal, complaints):
    complaints.expect(CUT)
    site = serve("asks", options=["--journal", journal])
    begin(page, site, "asks")
    expect(form(page, SURE)).to_be_visible()
    site.kill()
    button(page, "yes").click()
    expect(form(page, SURE).get_by_role("alert")).to_contain_text("cannot be reached")
    site.start()
    wait_run(page, "working")
    expect(form(page, SURE).get_by_role("alert")).to_be_hidden()
    button(page, "yes").click()
    expect(form(page, NAME)).to_be_visible()


def test_the_questions_of_a_run_that_has_ended_stand_there_and_ask_nobody(asking):
    button(asking, "yes").click()
    write(asking, NAME, "Ada")
    wait_run(asking, "finished")
    run_of(asking)
    asking.reload()
    wait_run(asking, "finished")
    assert told(asking) == ["Deciding", "It can be done.", SURE, "→ yes", "Noted.", NAME, "→ Ada"]
    expect(asking.locator(".question form")).to_have_count(0)
    expect(asking).to_have_title("✓ A question")
