"""What is in a detail, as a terminal shows it."""

import pytest

from narrate.events import Detail
from narrate.terminal.details import drawing_of
from narrate.terminal.paper import Paper
from tests.telling import console_of, detail, seen


def shown(data, width: int = 60) -> str:
    return drawn(detail("a", "Data", data), width)


def drawn(told: Detail, width: int = 60) -> str:
    paper = Paper(console_of(200))
    return seen(paper.laid_out(drawing_of(told, paper.signs, width), width))


def test_rows_are_a_table_with_their_numbers_to_the_right():
    rows = [{"city": "Faro", "km": 650, "fits": True}, {"city": "Oslo", "km": 2400.5, "fits": None}]

    assert shown(rows) == (
        "city      km  fits\n"
        "Faro     650  yes\n"
        "Oslo  2400.5  –\n"
    )  # fmt: skip


def test_of_a_long_table_the_beginning_is_shown():
    lines = shown([{"n": number} for number in range(52)]).splitlines()

    assert len(lines) == 22
    assert lines[-2:] == ["19", "… 32 more"]


def test_columns_for_which_there_is_no_room_are_named():
    rows = [{"name": "x" * 40, "city": "Castellón\nde la Plana", "country": "Spain"}]

    assert shown(rows, 58) == (
        "name                              city\n"
        f"{'x' * 31}…  Castellón de la Plana\n"
        "not shown: country\n"
    )  # fmt: skip


def test_an_object_is_shown_by_its_fields():
    assert shown({"city": "Faro", "hours": 3.0, "open": False, "notes": []}) == (
        "city   Faro\n"
        "hours  3\n"
        "open   no\n"
        "notes  empty\n"
    )  # fmt: skip


def test_a_long_value_is_broken_beside_its_name():
    assert shown({"why": "one two three four five"}, 20) == "why  one two three\n     four five\n"


def test_of_an_object_with_many_fields_the_first_are_shown():
    assert shown({f"f{number}": number for number in range(21)}).splitlines()[-2:] == ["f19  19", "… 1 more"]


def test_a_text_is_a_text():
    assert shown("Dear all,\n[b]no[/b] \x1b[1mmarkup\x1b[0m.") == "Dear all,\n[b]no[/b] �[1mmarkup�[0m.\n"


@pytest.mark.parametrize(("count", "more"), [(41, "… 1 more line"), (50, "… 10 more lines")])
def test_of_a_long_text_the_beginning_is_shown(count, more):
    assert shown("\n".join(map(str, range(count)))).splitlines()[-2:] == ["39", more]


@pytest.mark.parametrize(
    ("data", "seen"),
    [(None, "–\n"), (True, "yes\n"), (7, "7\n"), (1e300, "1e+300\n"), ([], "empty\n"), ({}, "empty\n")],
)
def test_a_bare_value_is_shown_as_it_is(data, seen):
    assert shown(data) == seen


def test_what_is_nested_is_a_tree():
    data = {"from": "VLC", "days": [{"day": "WED", "flights": [{"no": "VY1", "at": "09:40"}]}], "codes": ["a", "b"]}

    assert shown(data) == (
        "from: VLC\n"
        "days: 1 item\n"
        "└── day: WED\n"
        "    └── flights: 1 item\n"
        "        └── no: VY1 · at: 09:40\n"
        "codes: 2 items\n"
        "├── a\n"
        "└── b\n"
    )


def test_a_tree_is_cut_where_it_is_too_deep_or_too_wide():
    deep = {"a": {"b": {"c": {"d": {"e": 1}}}}}

    assert shown(deep).splitlines()[-1].endswith("d: 1 field")
    assert shown([[number] for number in range(10)]).splitlines()[-1] == "… 2 more"


def test_what_was_not_sent_says_how_much_it_is_and_where():
    told = Detail("a", "Data", size=4_700, link="/runs/run-1/details/4", t=0)

    assert drawn(told) == "4.7 kB not sent along: /runs/run-1/details/4\n"


@pytest.mark.parametrize("data", [[{}], [{"a": 1}, 2], [{"a": 1}, {"b": 2}, {"c": 3}], [{"a": [1]}, {"a": [2]}]])
def test_items_that_are_not_alike_are_no_table(data):
    assert "a  " not in shown(data)
