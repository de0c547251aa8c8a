"""Drawings of pipelines: whatever the titles are, they can be read, by people and by what shows them."""

import json
import re
import subprocess
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from examples.coffee import coffee
from narrate.events import OutlinedGroup, OutlinedPipeline, OutlinedStep, outlined_in
from narrate.graph import as_mermaid, as_svg, as_text
from narrate.graph.words import one_line, own_name, wrapped
from pipelines.travel_escape import travel_escape
from tests.noding import NODE, WEB
from tests.outlines import outlines, titles

COFFEE = """\
A cup of coffee

╭┄ at the same time ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄╮
┊ ┌────────────────────┐  ┌─────────────────────┐ ┊
┊ │ Heating the water… │  │ Grinding the beans… │ ┊
┊ │ water              │  │ beans               │ ┊
┊ └────────────────────┘  └─────────────────────┘ ┊
╰┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┬┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄╯
                         ▼
            ┌────────────────────────┐
            │ Pouring … °C over … g… │
            │ cup                    │
            └────────────────────────┘
"""

COFFEE_FLOWCHART = """\
---
title: "A cup of coffee"
---
flowchart TD
    subgraph n1["at the same time"]
        direction TB
        n2["Heating the water…<br/>water"]
        n3["Grinding the beans…<br/>beans"]
    end
    n4["Pouring … °C over … g…<br/>cup"]
    n1 --> n4
"""

NESTED = (
    OutlinedStep("address", "Looking up the address…"),
    OutlinedPipeline(
        "quotes",
        "Comparing quotes",
        (OutlinedGroup((OutlinedStep("quotes/dhl", "DHL"), OutlinedStep("quotes/ups", "UPS"))),),
    ),
)

some = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def steps(name, count):
    return tuple(OutlinedStep(f"{name}{n}", f"Asking authority number {n} for its opinion") for n in range(count))


def test_stages_stand_below_one_another_and_members_side_by_side():
    assert as_text(coffee.title, coffee.outline) == COFFEE


def test_a_nested_pipeline_is_a_box_with_its_stages_inside():
    drawn = as_text("Parcel", NESTED).splitlines()
    opened, closed = (next(n for n, line in enumerate(drawn) if edge in line) for edge in "╔╚")
    assert [word for line in drawn[opened:closed] for word in re.findall(r"\w+", line)] == (
        ["Comparing", "quotes", "quotes", "at", "the", "same", "time", "DHL", "UPS", "dhl", "ups"]
    )


@pytest.mark.parametrize(("width", "rows"), [(200, [4]), (80, [4]), (50, [2, 2]), (24, [1, 1, 1, 1])])
def test_members_that_do_not_fit_side_by_side_stand_in_several_rows(width, rows):
    drawn = as_text("Four", [OutlinedGroup(steps("step", 4))], width).splitlines()
    assert [line.count("┌") for line in drawn if "┌" in line] == rows
    assert max(map(cell_len, drawn)) <= width


def test_rows_hold_about_equally_many():
    drawn = as_text("Nine", [OutlinedGroup(steps("step", 9))]).splitlines()
    assert [line.count("┌") for line in drawn if "┌" in line] == [5, 4]


def test_a_nested_pipeline_is_not_squeezed_to_have_all_members_in_one_row():
    wide = OutlinedPipeline("wide", "Wide", (OutlinedGroup(steps("wide/s", 2)),))
    drawn = as_text("Two", [OutlinedGroup((wide, *steps("step", 1)))]).splitlines()
    assert next(line.count("┌") for line in drawn if "┌" in line) == 2


def test_hundreds_of_members_are_drawn():
    drawn = as_text("Many", [OutlinedGroup(steps("step", 500))])
    assert drawn.count("┌") == 500


@some
@given(titles(), outlines())
def test_no_drawing_is_wider_than_the_terminal(title, outline):
    assert max(map(cell_len, as_text(title, outline, 80).splitlines())) <= 80


@some
@given(titles(), outlines(), st.integers(0, 250))
def test_every_frame_is_whole_in_any_width(title, outline, width):
    drawn = as_text(title, outline, width)
    stages = list(outlined_in(outline))
    boxes = sum(isinstance(stage, OutlinedStep) for stage in stages)
    nested = len(stages) - boxes
    assert [drawn.count(corner) for corner in "┌┐└┘"] == [boxes] * 4
    assert [drawn.count(corner) for corner in "╔╗╚╝"] == [nested] * 4
    assert [drawn.count(corner) for corner in "╮╰╯"] == [drawn.count("╭")] * 3
    assert drawn.count("▼") == drawn.count("┬") + drawn.count("╤")


@some
@given(titles(), outlines())
def test_nothing_in_a_drawing_is_obeyed_by_a_terminal(title, outline):
    for drawn in (as_text(title, outline), as_mermaid(title, outline), as_svg(title, outline)):
        assert all(character.isprintable() or character in "\n\u200d" for character in drawn)
        drawn.encode()


def test_the_flowchart_of_a_group_is_a_subgraph():
    assert as_mermaid(coffee.title, coffee.outline) == COFFEE_FLOWCHART


@settings(some, max_examples=4, phases=[Phase.generate])  # one by one they would take long to shrink
@given(st.lists(st.tuples(titles(), outlines()), min_size=20, max_size=20))
def test_mermaid_reads_every_flowchart_as_it_was_meant(several):
    for (_, outline), read in zip(several, read_by_mermaid(several), strict=True):
        stages = list(outlined_in(outline))
        boxes = [stage for stage in stages if isinstance(stage, OutlinedStep)]
        nested = [stage for stage in stages if isinstance(stage, OutlinedPipeline)]
        told = [f"{one_line(stage.title)}<br/>{own_name(stage.step)}" for stage in boxes]
        assert sorted(label for _, label in read["nodes"]) == sorted(told)
        subgraphs = [one["title"] for one in read["subgraphs"]]
        groups = as_text("", outline, 0).count("╭")
        assert sorted(subgraphs) == sorted(
            [*(one_line(stage.title) or own_name(stage.step) for stage in nested), *["at the same time"] * groups]
        )


def test_arrows_lead_from_stage_to_stage_also_within_a_nested_pipeline():
    (read,) = read_by_mermaid([(travel_escape.title, travel_escape.outline)])
    assert read["arrows"] == [["n1", "n4"], ["n4", "n5"], ["n5", "n6"], ["n6", "n7"], ["n7", "n8"]]
    (read,) = read_by_mermaid([("Parcel", NESTED)])
    assert read["arrows"] == [["n1", "n2"]]
    assert {one["id"]: one["nodes"] for one in read["subgraphs"]} == {"n3": ["n4", "n5"], "n2": ["n3"]}


def read_by_mermaid(several):
    flowcharts = json.dumps([as_mermaid(title, outline) for title, outline in several])
    done = subprocess.run(
        [*NODE, WEB / "mermaid-read.js"], input=flowcharts, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SVG = "{http://www.w3.org/2000/svg}"


def test_an_svg_says_in_words_what_it_shows():
    svg = fromstring(as_svg(coffee.title, coffee.outline))
    assert svg.get("role") == "img"
    assert svg.findtext(f"{SVG}title") == "A cup of coffee"
    assert svg.findtext(f"{SVG}desc") == (
        "first at the same time: water: Heating the water…; beans: Grinding the beans…; "
        "then cup: Pouring … °C over … g…."
    )


def test_an_svg_runs_nothing_asks_for_nothing_and_knows_the_dark():
    drawn = as_svg(travel_escape.title, travel_escape.outline)
    assert "@media (prefers-color-scheme: dark)" in drawn
    assert not re.search(r"script|href|url\(|@import|\bon\w+=", drawn)


@some
@given(titles(), outlines())
def test_an_svg_is_xml_with_every_word_in_it(title, outline):
    svg = fromstring(as_svg(title, outline))
    shown = "".join("".join(text.itertext()) for text in svg.iter(f"{SVG}text"))
    words = [one_line(text) for stage in outlined_in(outline) for text in (stage.title, own_name(stage.step))]
    for text in (one_line(title), *words):
        assert text.replace(" ", "") in shown.replace(" ", "")


@some
@given(titles(), outlines())
def test_boxes_lie_beside_or_within_one_another_and_on_the_paper(title, outline):
    paper, *rects = map(edges, fromstring(as_svg(title, outline)).iter(f"{SVG}rect"))
    assert all(is_within(rect, paper) for rect in rects)
    for number, one in enumerate(rects):
        assert all(is_within(other, one) or are_apart(one, other) for other in rects[number + 1 :])


def edges(rect):
    x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
    return x, y, x + float(rect.get("width")), y + float(rect.get("height"))


def is_within(inner, outer):
    return inner[0] > outer[0] and inner[1] > outer[1] and inner[2] < outer[2] and inner[3] < outer[3]


def are_apart(one, other):
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


@some
@given(titles(), st.integers(1, 40))
def test_wrapped_lines_fit_and_hold_every_word(text, width):
    lines = wrapped(text, width, len)
    assert "".join(lines).replace(" ", "") == "".join(text.split())
    assert max(map(len, lines)) <= width


def test_wrapped_lines_are_about_equally_long():
    assert wrapped("What will the weather be like on …?", 34, len) == ["What will the weather", "be like on …?"]


def test_only_a_word_that_fits_nowhere_is_cut():
    assert wrapped("Hm Verkehrsbehinderung ja", 12, len) == ["Hm", "Verkehrsbehi", "nderung ja"]
