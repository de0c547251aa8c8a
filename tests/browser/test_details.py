"""A detail's data as it is best seen: tables, pairs, text and trees, of any size."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.static_files import staged, violations

ROUTES = [
    {"city": "Sevilla", "flight_minutes": 75, "max_t": 24.25, "direct": True, "note": None, "via": ["MAD", "AGP"]},
    {"city": "Wien", "flight_minutes": 160, "max_t": -0.5, "direct": False, "note": "late", "via": []},
    {"city": "Palma", "flight_minutes": 55, "max_t": None, "direct": True, "via": [{"iata": "PMI"}]},
]

PLACE = {"city_name": "Valencia", "people": 791413, "open": True, "mayor": None, "site": "https://valencia.es/?a=b#c"}

NESTED = {
    "departure": {"city_name": "Valencia", "open": True},
    "routes": ROUTES,
    "many": [[n] for n in range(30)],
    "deep": {"er": {"still": 1}},
    "note": "Two\nlines",
    "nothing": [],
}

LONG = [{"n": n, "name": f"Row {n}"} for n in range(1234)]


@pytest.fixture
def stage(page: Page) -> Iterator[Locator]:
    with staged(page) as stage:
        yield stage


def draw(stage: Locator, data: Any, label: str | None = None) -> None:
    stage.evaluate("(stage, [data, label]) => stage.detail(data, label ?? undefined)", [data, label])


def elements(stage: Locator) -> int:
    """How many elements are drawn."""
    return stage.locator(".data *").count()


def test_rows_are_a_table_with_words_for_its_heads(stage):
    draw(stage, ROUTES)
    assert stage.get_by_role("columnheader").all_inner_texts() == [
        "City", "Flight minutes", "Max t", "Direct", "Note", "Via"
    ]  # fmt: skip
    first = stage.get_by_role("row").nth(1).get_by_role("cell")
    assert first.all_text_contents() == ["Sevilla", "75", "24.25", "✓yes", "–nothing", "MAD, AGP"]
    third = stage.get_by_role("row").nth(3).get_by_role("cell")
    assert third.all_text_contents() == ["Palma", "55", "–nothing", "✓yes", "", "1 item"]


def test_columns_of_numbers_are_set_so_that_digits_stand_below_each_other(stage):
    draw(stage, ROUTES)
    style = "cell => [getComputedStyle(cell).textAlign, getComputedStyle(cell).fontVariantNumeric]"
    cells = stage.get_by_role("row").nth(1).get_by_role("cell")
    looks = [cells.nth(n).evaluate(style) for n in range(4)]
    assert looks == [["start", "normal"], ["end", "tabular-nums"], ["end", "tabular-nums"], ["start", "normal"]]


@pytest.mark.parametrize("value", ["0", "-3", "0.1", "12345678.25", "1e+21", "1e-7"])
def test_digits_stay_as_they_are(stage, value):
    draw(stage, [{"value": float(value)}, {"value": 0}])
    expect(stage.get_by_role("cell").first).to_have_text(value)


@pytest.mark.parametrize(
    "data",
    [
        [{"a": 1}, 2],
        [{"a": 1}, [1]],
        [{"a": 1}, {"b": 1}, {"c": 1}],
        [{}, {}],
        [{"a": {"b": 1}}, {"a": {"b": 2}}],
        [[1], []],
        [{f"key_{n}": n for n in range(25)}],
    ],
)
def test_what_is_not_alike_is_no_table(stage, data):
    draw(stage, data)
    expect(stage.get_by_role("listitem").first).to_be_visible()
    expect(stage.get_by_role("table")).to_have_count(0)


def test_a_wide_table_scrolls_in_a_region_that_the_keyboard_reaches(stage):
    stage.page.set_viewport_size({"width": 390, "height": 800})
    draw(stage, ROUTES, "Routes")
    region = stage.get_by_role("region", name="Routes: 3 rows")
    assert region.evaluate("region => region.scrollWidth > region.clientWidth")
    assert stage.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    stage.page.keyboard.press("Tab")
    expect(region).to_be_focused()


@pytest.mark.parametrize("data", [ROUTES * 2, NESTED, {"x" * 300: [[1]]}, {"x" * 300: 1}, ["x" * 300], "x" * 300])
@pytest.mark.parametrize("around", ["block", "grid", "flex"])
def test_what_is_wide_widens_nothing_around_it(stage, data, around):
    stage.page.set_viewport_size({"width": 390, "height": 800})
    draw(stage, data)
    stage.locator(".data").evaluate(
        """(data, around) => {
          const box = document.createElement("div");
          box.style.display = around;
          box.style.flexDirection = "column";
          data.replaceWith(box);
          box.append(data);
        }""",
        around,
    )
    assert stage.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


LONG_KEY = "the number of fields does not match the columns"


@pytest.mark.parametrize("width", [390, 1280])
def test_keys_and_short_values_of_a_tree_break_between_words_only(stage, width):
    stage.page.set_viewport_size({"width": width, "height": 800})
    draw(stage, {"text": "so it goes " * 60, "rejected": {LONG_KEY: 58}, "list": [[1]]})
    assert rows_of(stage.get_by_text("text", exact=True)) == 1
    assert rows_of(stage.get_by_text("58", exact=True)) == 1
    assert rows_of(stage.get_by_text(LONG_KEY)) <= 3


def rows_of(text: Locator) -> int:
    """On how many rows a text is set."""
    return text.evaluate(
        """text => {
          const range = document.createRange();
          range.selectNodeContents(text);
          return range.getClientRects().length;
        }"""
    )


def test_on_a_phone_a_long_text_stands_in_sight_beside_a_short_one(stage):
    stage.page.set_viewport_size({"width": 390, "height": 800})
    draw(stage, [{"title": "Where has it happened before?", "text": "so it goes " * 20}] * 2)
    assert stage.get_by_role("region").evaluate("region => region.scrollWidth <= region.clientWidth")
    title, text = (cell.evaluate("cell => cell.offsetWidth") for cell in stage.get_by_role("cell").all()[:2])
    assert text > title


def test_the_head_of_a_long_table_stays_in_sight(stage):
    draw(stage, LONG)
    stage.get_by_role("cell", name="Row 90", exact=True).scroll_into_view_if_needed()
    top = "cell => cell.getBoundingClientRect().top - cell.closest('.scroll').getBoundingClientRect().top"
    assert stage.get_by_role("columnheader", name="Name").evaluate(top) == 0
    expect(stage.get_by_role("columnheader", name="Name")).to_be_in_viewport()


def test_the_rows_of_a_long_table_are_shown_when_they_are_asked_for(stage):
    draw(stage, LONG)
    expect(stage.get_by_role("row")).to_have_count(101)
    stage.get_by_role("button", name="Show all 1,234 rows").press("Enter")
    expect(stage.get_by_role("row")).to_have_count(1235)
    expect(stage.get_by_role("cell", name="Row 1233")).to_have_count(1)
    expect(stage.get_by_role("button")).to_have_count(0)
    expect(stage.get_by_role("region")).to_be_focused()


def test_the_rows_of_an_endless_table_are_shown_in_portions(stage):
    stage.evaluate("stage => stage.detail(Array.from({ length: 100_000 }, (_, n) => ({ n, square: n * n })))")
    expect(stage.locator("tbody tr")).to_have_count(100)
    more = stage.get_by_role("button", name="Show 2,000 rows more of 100,000")
    more.press("Enter")
    expect(stage.locator("tbody tr")).to_have_count(2100)
    expect(more).to_be_focused()


def test_tables_are_told_apart(stage):
    draw(stage, {"out": ROUTES, "back": ROUTES, "note": {"x": 1}}, "Trip")
    names = stage.get_by_role("region").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert names == ["Trip, out: 3 rows", "Trip, back: 3 rows"]


def test_tables_without_a_name_are_numbered(stage):
    draw(stage, ROUTES)
    draw(stage, ROUTES)
    expect(stage.get_by_role("region", name="Table 2: 3 rows")).to_be_visible()


def test_a_nested_cell_opens(stage):
    draw(stage, ROUTES)
    cell = stage.get_by_role("row").nth(3).get_by_role("cell").nth(5)
    cell.locator("summary").click()
    expect(cell.get_by_role("region", name="3, Via: 1 row")).to_be_visible()
    expect(cell.get_by_role("cell", name="PMI")).to_be_visible()


def test_an_object_of_plain_values_is_a_list_of_pairs(stage):
    draw(stage, PLACE)
    assert stage.locator("dt").all_inner_texts() == ["City name", "People", "Open", "Mayor", "Site"]
    assert stage.locator("dd").all_text_contents() == ["Valencia", "791413", "Yes", "–nothing", PLACE["site"]]


def test_keys_that_are_data_stay_as_they_are(stage):
    draw(stage, {"en_GB": 1, "Content-Type": 2, "": 3, "__proto__x": 4, "constructor": 5, "héllo_wörld": 6})
    assert stage.locator("dt").all_inner_texts() == [
        "en_GB", "Content-Type", "–", "__proto__x", "Constructor", "Héllo wörld"
    ]  # fmt: skip


def test_a_list_of_plain_values_is_a_list(stage):
    draw(stage, ["sun", 5, None, True, "", *["more"] * 200])
    assert stage.get_by_role("listitem").all_text_contents()[:6] == ["sun", "5", "–nothing", "true", "empty", "more"]
    stage.get_by_role("button", name="Show all 205 items").click()
    expect(stage.get_by_role("listitem")).to_have_count(205)
    expect(stage.get_by_role("list")).to_be_focused()


@pytest.mark.parametrize(
    ("data", "tag", "shown"),
    [
        ("One line", "P", "One line"),
        ("Two\n  lines", "PRE", "Two\n  lines"),
        ("<script>document.title = 'x'</script>", "P", "<script>document.title = 'x'</script>"),
        ("", "P", ""),
        (5, "P", "5"),
        (False, "P", "false"),
        (None, "P", "–nothing"),
        ([], "P", "an empty list"),
        ({}, "P", "an empty object"),
    ],
)
def test_text_is_text(stage, data, tag, shown):
    draw(stage, data)
    drawn = stage.locator(".data > *")
    assert (drawn.evaluate("drawn => drawn.tagName"), drawn.text_content()) == (tag, shown)


def test_a_very_long_text_is_shown_whole_when_it_is_asked_for(stage):
    draw(stage, "word " * 10_000)
    assert len(str(stage.locator(".text").text_content())) == 20_000
    stage.get_by_role("button", name="Show all 50,000 characters").click()
    assert len(str(stage.locator(".text").text_content())) == 50_000


@pytest.mark.parametrize("data", [PLACE, [PLACE, PLACE], {"a": PLACE}, [PLACE["site"], 1], PLACE["site"]])
def test_addresses_of_the_web_are_links_that_give_nothing_away(stage, data):
    draw(stage, data)
    link = stage.get_by_role("link", name="https://valencia.es/?a=b#c").first
    expect(link).to_have_attribute("href", "https://valencia.es/?a=b#c")
    expect(link).to_have_attribute("rel", "noreferrer noopener")


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "data:text/html,x", "see https://example.org", "https://", "//example.org", "ftp://x"],
)
def test_what_is_no_address_of_the_web_is_no_link(stage, text):
    draw(stage, {"a": text, "b": [text]})
    expect(stage.get_by_text(text).first).to_be_visible()
    expect(stage.get_by_role("link")).to_have_count(0)


def test_other_json_is_a_tree_of_which_the_first_level_is_open(stage):
    draw(stage, NESTED)
    assert stage.locator(".data > .tree > li > details").evaluate_all("all => all.map(one => one.open)") == [
        True, True, False, True
    ]  # fmt: skip
    assert stage.locator("summary:visible").all_inner_texts() == [
        "departure 2 fields", "routes 3 items", "1 item", "many 30 items", "deep 1 field", "er 1 field"
    ]  # fmt: skip
    assert stage.locator(".data > .tree > li > .leaf").all_inner_texts() == [
        "note\nTwo\nlines",
        "nothing\nan empty list",
    ]
    expect(stage.get_by_role("region", name="routes: 3 rows")).to_be_visible()


def test_a_tree_is_opened_and_closed_by_the_keyboard(stage):
    draw(stage, {"a": {"b": {"c": 5}}})
    for key in ("a", "b"):
        stage.page.keyboard.press("Tab")
        expect(stage.locator("summary", has_text=key)).to_be_focused()
    expect(stage.get_by_text("c", exact=True)).to_have_count(0)
    stage.page.keyboard.press("Enter")
    expect(stage.get_by_text("c", exact=True)).to_be_visible()
    stage.page.keyboard.press("Space")
    expect(stage.get_by_text("c", exact=True)).to_be_hidden()


def test_what_is_opened_again_is_not_drawn_again(stage):
    draw(stage, {"a": {"b": {"c": 5}}})
    for _ in range(3):
        stage.locator("summary", has_text="b").click()
    expect(stage.get_by_text("c", exact=True)).to_have_count(1)
    expect(stage.get_by_text("c", exact=True)).to_be_visible()


def test_a_hundred_levels_are_drawn_one_by_one_as_they_are_opened(stage):
    stage.evaluate("""stage => {
      let data = "the bottom";
      for (let depth = 0; depth < 100; depth++) data = { down: data };
      stage.detail(data);
    }""")
    assert elements(stage) < 50
    for depth in range(1, 99):
        stage.locator("summary").nth(depth).press("Enter")
    expect(stage.get_by_text("the bottom")).to_be_visible()
    assert stage.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("kind", ["list", "object"])
def test_a_hundred_thousand_parts_are_reached_by_ranges(stage, kind):
    stage.evaluate(
        """(stage, kind) => {
          const all = Array.from({ length: 100_000 }, (_, n) => [n]);
          stage.detail(kind === "list" ? all : Object.fromEntries(all.map((one) => [`k${one[0]}`, one])));
        }""",
        kind,
    )
    assert elements(stage) < 100
    for last in ("99999", "99999", "99999"):
        stage.locator("summary", has_text=last).last.press("Enter")
    expect(stage.get_by_role("listitem").filter(has_text="99999").last).to_be_visible()
    assert elements(stage) < 1000


def test_ten_thousand_plain_fields_are_shown_in_portions(stage):
    draw(stage, {f"field_{n}": n for n in range(10_000)})
    expect(stage.locator("dt")).to_have_count(100)
    stage.get_by_role("button", name="Show 2,000 fields more of 10,000").click()
    expect(stage.locator("dt")).to_have_count(2100)


def test_keys_that_javascript_has_for_itself_are_keys_as_others(stage):
    stage.evaluate("""stage => stage.detail(JSON.parse('[{"__proto__": 1, "a": 2}, {"__proto__": 3, "a": 4}]'))""")
    assert stage.get_by_role("cell").all_inner_texts() == ["1", "2", "3", "4"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("data", [ROUTES, NESTED, PLACE, LONG, ["sun", None], "One\ntwo", {"a": ["x"] * 300}])
def test_axe_finds_nothing_wrong(page, stage, data, scheme):
    page.emulate_media(color_scheme=scheme)
    draw(stage, data)
    stage.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert violations(page) == ""
