"""The import from end to end: what it loads, what it refuses, and the files it understands."""

import codecs
import csv
import re

import pytest

from narrate import BadInput, RunFailed, start
from narrate.testing import narrated, same_in_every_schedule
from order_rows import REPEATED
from tests.examples.importing import (
    GOOD,
    HEADER,
    NOON,
    file_of,
    imported,
    made,
    orders_import,
    orders_in,
    refused,
    rejects_of,
)
from tests.serving import served


def test_the_story_reads_as_if_somebody_told_what_they_do(tmp_path):
    story = imported(tmp_path, file_of(tmp_path, HEADER, GOOD, "2,2026-02-30,ana@mail.example,DE,12.50,"))

    assert story.transcript.replace(str(tmp_path), "").splitlines() == [
        "Importing orders",
        "",
        "• Finding the file of orders…",
        "• Looking at how orders.csv is written…",
        "  It is UTF-8, has commas between its fields, and its first line names the columns.",
        "  [What the columns hold]",
        "  It has 2 rows, which I check and load in one go.",
        "• Checking whether /orders.db can take them…",
        "• Checking every row…",
        "  1 row is not a valid order.",
        "  Rows with the same id are only found when I load them.",
        "• Loading them into /orders.db…",
        "  1 row was not loaded: the date is not a real day, written like 2026-02-28.",
        "  [Rejected rows]",
        "  Making an index by day.",
        "  Making an index by country.",
        "  1 order is in /orders.db now.",
        "",
        "Done.",
    ]


def test_every_row_is_loaded_or_rejected_for_a_reason(tmp_path):
    story = imported(tmp_path, made(tmp_path, 50_000))
    report = story.result

    assert report.rows_read == 50_000 == report.loaded + sum(report.rejected.values())
    assert story.lines_of("checks")[-2:] == (
        f"{50_000 - report.loaded - report.rejected[REPEATED]} rows are not valid orders.",
        "Rows with the same id are only found when I load them.",
    )
    assert f"{report.rejected[REPEATED]} rows were not loaded: an earlier row has the same id." in story.lines
    assert len(orders_in(tmp_path)) == report.loaded
    assert len(report.rejected) == 7
    assert len(rejects_of(story)) == sum(report.rejected.values())


def test_a_rejected_row_is_found_in_the_line_that_is_said(tmp_path):
    path = made(tmp_path, 20_000)
    lines = path.read_text(encoding="utf-8").split("\n")
    wrong = [(line, found) for line, reason, found in rejects_of(imported(tmp_path, path)) if "email" in reason]

    assert wrong
    assert [next(csv.reader([lines[line - 1]]))[2] for line, _ in wrong] == [found for _, found in wrong]


def test_what_is_loaded_is_what_is_in_the_file(tmp_path):
    imported(tmp_path, file_of(tmp_path, HEADER, GOOD, '7,2026-03-01,bo@a.example,FR,0.05,"a ""b"", c"'))

    assert orders_in(tmp_path) == [
        (1, "2026-02-28", "ana@mail.example", "DE", 1250, "", 2),
        (7, "2026-03-01", "bo@a.example", "FR", 5, 'a "b", c', 3),
    ]


def test_an_id_that_was_there_before_is_rejected_however_far_above_it_was(tmp_path):
    rows = [f"{n},2026-02-28,ana@mail.example,DE,12.50," for n in range(1, 11_001)]
    story = imported(tmp_path, file_of(tmp_path, HEADER, *rows, rows[0], rows[5_000], rows[10_999]))

    assert [(line, found) for line, _, found in rejects_of(story)] == [
        (11_002, "1, as in line 2"),
        (11_003, "5001, as in line 5002"),
        (11_004, "11000, as in line 11001"),
    ]


def test_quoted_line_ends_and_blank_lines_keep_the_numbers_right(tmp_path):
    many = [f'{n},2026-02-28,ana@mail.example,DE,1.00,"one\ntwo\n\nfour"' for n in range(2, 6_002)]
    story = imported(tmp_path, file_of(tmp_path, HEADER, GOOD, "", *many, "x,,,,,", "y,,,,,"))

    assert [line for line, *_ in rejects_of(story)] == [24_004, 24_005]
    assert story.result.loaded == 6_001


def test_only_the_first_thousand_rejects_are_shown_and_the_total_is_said(tmp_path):
    story = imported(tmp_path, file_of(tmp_path, HEADER, *["wrong"] * 6_000), most_rejects=6_000)

    assert story.details[-1].title == "The first 1,000 of 6,000 rejected rows"
    assert [line for line, *_ in rejects_of(story)] == list(range(2, 1_002))
    assert story.result.loaded == 0


FORMS = {
    "a mark at the start": {"start": codecs.BOM_UTF8},
    "lines as Windows ends them": {"ends": "\r\n"},
    "both": {"start": codecs.BOM_UTF8, "ends": "\r\n"},
}


@pytest.mark.parametrize("how", FORMS.values(), ids=FORMS)
def test_it_makes_no_difference_how_it_is_written(tmp_path, how):
    imported(tmp_path, file_of(tmp_path, HEADER, GOOD, "9,2026-02-28,bo@a.example,FR,2.00,für Zoë", **how))

    assert orders_in(tmp_path, "id, note, line") == [(1, "", 2), (9, "für Zoë", 3)]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_the_one_that_makes_the_rows_even(tmp_path, separator):
    note = '"one, two, three, four"'
    rows = [line.replace(",", separator) + note for line in (GOOD, GOOD.replace("1,", "2,", 1))]
    imported(tmp_path, file_of(tmp_path, HEADER.replace(",", separator), *rows))

    assert orders_in(tmp_path, "id, note") == [(1, "one, two, three, four"), (2, "one, two, three, four")]


def test_columns_may_stand_in_any_order_among_others(tmp_path):
    rows = [
        "Note,amount,colour,ID,country,date,email",
        "hi,3.00,red,4,FR,2026-01-01,bo@a.example",
        "hi,3.00,red,5,FR,x",
    ]
    story = imported(tmp_path, file_of(tmp_path, *rows))

    assert orders_in(tmp_path, "id, cents, note") == [(4, 300, "hi")]
    assert "Not needed, and left out: colour." in story.lines
    assert rejects_of(story) == [(3, "the number of fields does not match the columns", "hi, 3.00, red, 5, FR, x")]


def test_without_a_header_the_first_line_is_an_order(tmp_path):
    story = imported(tmp_path, file_of(tmp_path, GOOD, GOOD.replace("1,", "2,", 1)))

    assert orders_in(tmp_path, "id, line") == [(1, 1), (2, 2)]
    assert "no line names the columns: id, date, email, country, amount, note." in story.lines_of("layout")[1]


def test_latin_1_is_read_and_said(tmp_path):
    far = [GOOD.replace("1,", f"{n},", 1) for n in range(2, 4_000)]
    story = imported(tmp_path, file_of(tmp_path, HEADER, GOOD, *far, "0" + GOOD, GOOD + "für Zoë", encoding="latin-1"))

    assert "Line 4,002 is not UTF-8, so all is read as Latin-1. If letters look odd, save it as UTF-8." in story.lines
    assert len(orders_in(tmp_path)) == 3_999


REFUSED = {
    "empty": (b"", "is empty."),
    "only a mark": (codecs.BOM_UTF8 + b"\r\n", "is empty."),
    "only a header": (f"{HEADER}\n".encode(), "has a header and no rows."),
    "no columns": (b"hello\nyou\n", "do not fall into fields by commas, semicolons, tabs or bars."),
    "a column missing": (b"id,date,email,country,amount\n", "has no column `note`. It needs id, date, email"),
    "other columns": (b"name,age\nana,3\n", "does not name its columns, and has 2 instead of 6."),
    "a column twice": (f"{HEADER},id\n".encode(), "has the column `id` twice."),
    "UTF-16": (HEADER.encode("utf-16"), "is written in UTF-16. Save it as UTF-8."),
    "a spreadsheet": (b"PK\3\4\0\0" * 20, "A spreadsheet has to be saved as CSV first."),
    "old ends": (f"{HEADER}\r{GOOD}\r".encode(), "has no line feeds"),
    "an open quotation mark": (
        f'{HEADER}\n{GOOD}"one\ntwo"\n2,2026-02-28,ana@mail.example,DE,1.00,"never\n{GOOD}\n'.encode(),
        "stops being CSV with the row that begins in line 4",
    ),
    "a field that is too long": (
        f"{HEADER}\n{GOOD}\n{GOOD}{'x' * 131_073}\n".encode(),
        "follows a closed one, or a field has more than 131,072 characters.",
    ),
    "one that is too long far from the start": (
        f"{HEADER}\n{(GOOD + chr(10)) * 9_000}{GOOD}{'x' * 131_073}\n".encode(),
        "stops being CSV with the row that begins in line 9002: ",
    ),
    "an open one far from the end": (
        f'{HEADER}\n{GOOD}"never\n{(GOOD + chr(10)) * 9_000}'.encode(),
        "stops being CSV with the row that begins in line 2",
    ),
}


@pytest.mark.parametrize(("content", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_file_of_orders_is_refused_in_words(tmp_path, content, why):
    path = tmp_path / "orders.csv"
    path.write_bytes(content)

    assert why in refused(tmp_path, path)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    assert refused(tmp_path, tmp_path / "none.csv") == f"There is no file {tmp_path / 'none.csv'}."
    assert refused(tmp_path, tmp_path) == f"{tmp_path} is a folder."
    assert refused(tmp_path, "/dev/zero") == "/dev/zero is not a file."


def test_a_tilde_stands_for_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = file_of(tmp_path, HEADER, GOOD)
    report = narrated(orders_import, {"file": f"~/{path.name}", "database": "~/orders.db"}).result

    assert (report.file, report.database) == (path, tmp_path / "orders.db")
    assert len(orders_in(tmp_path)) == 1
    assert refused(tmp_path / "none", "~nobody-here/orders.csv") == "There is no file ~nobody-here/orders.csv."


@pytest.mark.parametrize(("most", "found"), [(0, 2), (1, 2), (2, 3)])
def test_more_rejects_than_one_would_stand_load_nothing(tmp_path, most, found):
    path = file_of(tmp_path, HEADER, GOOD, GOOD, "x" + GOOD, "y" + GOOD)  # one repeated, which only the table can tell

    assert f"{found} of 4 rows cannot be loaded, but at most {most} may be wrong. Nothing was loaded." in refused(
        tmp_path, path, most_rejects=most
    )


CHANGES = {
    "grown": lambda path: path.write_bytes(path.read_bytes() + b"x\n"),
    "shortened": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "written in": lambda path: path.write_bytes(path.read_bytes().replace(b"DE", b"FR")),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("step", ["earlier", "checks", "report"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_file_that_changes_while_it_is_read_loads_nothing(tmp_path, change, step):
    path = made(tmp_path)
    given = {"file": path, "database": tmp_path / "orders.db"}
    async with start(orders_import, given) as running:
        async for event in running.events():
            if (event.type, getattr(event, "step", None)) == ("step.started", step):
                change(path)
        with pytest.raises(RunFailed, match="has changed while it was read"):
            await running.result()

    assert not (tmp_path / "orders.db").exists()


async def test_rows_are_counted_while_they_are_loaded(tmp_path):
    given = {"file": made(tmp_path), "database": tmp_path / "orders.db"}
    async with start(orders_import, given) as running:
        heard = [event async for event in running.events(status=True)]
    loading = [event for event in heard if event.type == "progress" and (event.step, event.unit) == ("report", "rows")]

    assert loading[-1].done == loading[-1].of == 12_000
    assert loading[-1].text.endswith(" rows a second")


def test_without_a_file_one_is_made_and_the_story_says_so(tmp_path):
    given = {"database": tmp_path / "orders.db", "most_rejects": 0}  # they are checked, and the rest left out
    story = narrated(orders_import, given, workshop=lambda: tmp_path, clock=NOON)
    wrong = re.match(r"(\d+) of 200,000 rows cannot be loaded, ", story.problem.detail)

    assert "You named no file, so I make one: 200,000 orders, of which one in 500 has a mistake." in story.lines
    assert 350 < int(wrong[1]) < 450


def test_the_same_seed_makes_the_same_file(tmp_path):
    first, second = made(tmp_path, 2_000, "one.csv"), made(tmp_path, 2_000, "two.csv")

    assert first.read_bytes() == second.read_bytes()


def test_the_story_is_the_same_whatever_is_faster(tmp_path):
    """Here of a run that undoes it all when it has loaded it, so that the next can begin anew."""
    rows = [f"{n},2026-02-28,ana@mail.example,DE,12.50," for n in range(1, 11_001)]
    path = file_of(tmp_path, HEADER, *rows, rows[0], rows[-1])
    given = {"file": path, "database": tmp_path / "orders.db", "most_rejects": 1}
    story = same_in_every_schedule(orders_import, given, clock=NOON, schedules=5)

    assert story.problem.step == "report"
    assert not (tmp_path / "orders.db").exists()


async def test_it_is_served_and_wrong_input_is_refused_at_the_door(tmp_path):
    given = {"file": str(made(tmp_path)), "database": str(tmp_path / "orders.db")}
    async with served(orders_import) as server:
        answer = await server.client.post("/import", json=given, headers={"Accept": "application/json"})
        wrong = await server.client.post("/import", json={"most_rejects": -1, "fil": "x"})

    assert answer.json()["rows_read"] == 12_000
    assert wrong.status_code == 422
    assert [error["field"] for error in wrong.json()["errors"]] == ["most_rejects", "fil"]


def test_an_input_with_an_unknown_field_does_not_begin():
    with pytest.raises(BadInput, match="rejects"):
        narrated(orders_import, {"rejects": 1})
