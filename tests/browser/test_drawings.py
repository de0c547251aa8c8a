"""Drawings of pipelines as a browser shows them: the words that were measured without any font fit into their boxes."""

import pytest

from narrate.events import OutlinedGroup, OutlinedPipeline, OutlinedStep
from narrate.graph import as_svg
from pipelines.travel_escape import travel_escape

WORDS = (
    "Which of the 1,250 WONDERFUL MAMMALS?",
    "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm",
    "WWWW@@@@%%%%——……MMMM",
    "it is little: I'll fill it",
)

WIDE = (
    OutlinedGroup(tuple(OutlinedStep(f"{'name_' * 6}{n}", words) for n, words in enumerate(WORDS))),
    OutlinedPipeline("nested", WORDS[0] * 3, (OutlinedStep("nested/a", "A"), OutlinedStep("nested/b", WORDS[2]))),
)

LOOSE = """() => [...document.querySelectorAll("text")].filter((text) => {
  const words = text.getBBox();
  const x = words.x + words.width / 2, y = words.y + words.height / 2;
  const about = [...document.querySelectorAll("rect")].map((rect) => rect.getBBox())
    .filter((box) => box.x < x && x < box.x + box.width && box.y < y && y < box.y + box.height)
    .sort((one, other) => one.width * one.height - other.width * other.height)[0];
  return words.x < about.x || words.y < about.y || words.x + words.width > about.x + about.width
    || words.y + words.height > about.y + about.height;
}).map((text) => text.textContent)"""

COLOURS = """() => ["paper", "step", "heading", "together"]
  .map((kind) => getComputedStyle(document.querySelector(`.${kind}`)).fill)"""


@pytest.mark.parametrize(("title", "outline"), [(travel_escape.title, travel_escape.outline), (WORDS[1] * 4, WIDE)])
def test_every_word_lies_in_its_box(browser, title, outline):
    page = browser.new_page()
    page.set_content(as_svg(title, outline))
    assert page.evaluate(LOOSE) == []
    page.close()


def test_a_drawing_is_dark_on_a_dark_screen(browser):
    shown = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.set_content(as_svg(travel_escape.title, travel_escape.outline))
        shown[scheme] = page.evaluate(COLOURS)
        page.close()
    assert shown == {
        "light": ["rgb(250, 249, 246)", "rgb(255, 255, 255)", "rgb(27, 29, 34)", "rgb(11, 107, 77)"],
        "dark": ["rgb(19, 21, 25)", "rgb(28, 31, 37)", "rgb(233, 235, 240)", "rgb(95, 211, 168)"],
    }
