"""`narrate check`, `graph` and `schema`: what is declared, said without running anything."""

import json
import textwrap
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, TypeVar
from xml.etree.ElementTree import fromstring

import pytest

from examples.coffee import coffee
from narrate.cli.declared.sheet import type_name
from narrate.events import json_schema
from narrate.graph import as_mermaid, as_svg, as_text
from tests.commanding import ask
from tests.terminals import python, terminal

TARGET = """
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from pydantic import BaseModel, Field
from narrate import Caller, Pipeline, Retry, concurrent, resource, step

class Parcel(BaseModel):
    kg: float = Field(gt=0)
    to: str = "Valencia"

class Quote(BaseModel):
    euros: float

class Rates:
    pass

@resource
async def book() -> AsyncIterator[Path]:
    yield Path()

@resource
async def rates(book: Path) -> AsyncIterator[Rates]:
    yield Rates()

def is_heavy(parcel: Parcel) -> bool:
    return parcel.kg > 2

def by_weight(parcel: Parcel, error: Exception) -> Quote:
    return Quote(euros=parcel.kg)

@step("Asking by road…", timeout=5, retry=Retry(attempts=3, on=(OSError, ValueError)), fallback=by_weight)
async def road(parcel: Parcel, rates: Rates) -> Quote:
    return Quote(euros=1)

@step("Asking by air…", when=is_heavy, fallback=None, secret=("password",))
def air(parcel: Parcel, caller: Caller) -> Quote | None:
    return None

@step("Choosing between {road} and {air}", fallback=[], retry=Retry(attempts=1, on=OSError))
async def best(road: Quote, air: Quote | None) -> list[Quote]:
    return [road]

@step("Packing…", fallback="by hand")
async def packed() -> str:
    return "a box"

@step("Wrapping…", when=lambda packed: True, fallback=partial(lambda by, packed: packed, by=1))
async def wrapped(packed: str):
    return packed

packing = Pipeline("packing", packed, wrapped, title="Getting it ready")

parcel = Pipeline(
    "parcel", concurrent(road, air), best, packing, takes=Parcel, resources=[book, rates], result="best", linger=None,
    detach_after=30, recover=False, callback="https://example.org/hook?token=hunter2", headers=["X-Tenant"],
    path="/quotes", title="Sending a parcel",
)
"""

PARCEL = """\
Sending a parcel
pipeline   parcel, declared at parcels.py:55
path       POST /quotes
takes      Parcel
           kg  number, more than 0
           to  string, "Valencia" if left out
gives      list[Quote], the value of best
linger     carries on without readers
detach     a stream becomes a job after 30 s
recover    no: an interrupted run is not gone on with
callback   at example.org
headers    x-tenant
resources  book, rates(book)

├── at the same time
│   ├── road  Asking by road…
│   │   needs the input · resource rates · gives Quote
│   │   timeout 5 s · 3 attempts on OSError or ValueError
│   │   fallback by_weight(parcel, error)
│   └── air  Asking by air…
│       needs the input, the caller · gives Quote | None
│       when is_heavy(parcel) · fallback None · secret password · in a thread
├── best  Choosing between … and …
│   needs road, air · gives list[Quote]
│   1 attempt on OSError · fallback a list
└── packing  Getting it ready
    a pipeline · takes nothing
    ├── packed  Packing…
    │   needs nothing · gives str
    │   fallback 'by hand'
    └── wrapped  Wrapping…
        needs packed · gives anything
        when lambda(packed) · fallback lambda(packed)

1 pipeline is sound.
"""


@pytest.fixture
def parcels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "parcels.py").write_text(textwrap.dedent(TARGET))
    (tmp_path / "broken.py").write_text(TARGET.replace("(road: Quote,", "(raod: Quote,"))
    return tmp_path


def test_check_says_all_that_is_known_before_a_run(parcels):
    result = ask("check", "parcels.py:parcel")
    assert (result.output, result.exit_code) == (PARCEL, 0)


def test_check_takes_whole_files_and_counts(parcels):
    result = ask("check", "parcels.py", "parcels.py:packing", f"{parcels}/parcels.py:parcel")
    assert result.output.count("\n\n") == 4
    assert result.output.endswith("2 pipelines are sound.\n")


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("200", 100)])
def test_check_uses_the_columns_that_there_are(parcels, monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", columns)
    lines = ask("check", "parcels.py:parcel").output.splitlines()
    assert max(map(len, lines)) <= widest
    assert not any(line.endswith((" ", "·")) for line in lines)


def test_check_says_what_is_wrong_where_and_how_to_mend_it(parcels):
    result = ask("check", "broken.py")
    assert result.exit_code == 1
    assert result.output == (
        "Error: step `best`: parameter `raod` names nothing (did you mean `road`?). There are: air, book, rates, road. "
        "The input goes to a parameter annotated `Parcel`.\n  declared at broken.py:41\n"
    )


def test_check_finds_every_mistake_and_shows_what_is_sound(parcels):
    result = ask("check", "nowhere.py", "parcels.py:packing", "broken.py")
    assert result.exit_code == 1
    assert "1 pipeline is sound.\n" in result.output
    assert "There is no file nowhere.py." in result.output
    assert "did you mean `road`?" in result.output


def test_check_says_which_pipelines_cannot_be_served_together(parcels):
    (parcels / "twins.py").write_text((parcels / "parcels.py").read_text() + 'twin = Pipeline("quotes", packed)\n')
    result = ask("check", "twins.py")
    assert result.exit_code == 0
    assert result.stderr == (
        "`parcel` and `quotes` both answer at /quotes, so they cannot be served together. "
        "Give one another with `path=`.\n"
    )


def test_check_has_no_traceback_unless_it_is_asked_for(parcels):
    assert "Traceback" not in ask("check", "broken.py").output
    assert isinstance(ask("--debug", "check", "broken.py").exception, Exception)


def test_what_cannot_be_read_is_said_to_be_anything(parcels):
    (parcels / "odd.py").write_text(
        "from narrate import Pipeline, concurrent, step\n"
        "@step('A')\ndef a(what: object):\n    ...\n"
        "@step('B', fallback='x' * 41)\nasync def b() -> str:\n    ...\n"
        "odd = Pipeline('odd', concurrent(a, b), takes=object)\n"
    )
    said = ask("check", "odd.py").output
    assert "takes     object\n" in said
    assert "gives     an object of a, b\n" in said
    assert "fallback a str\n" in said
    assert json.loads(ask("schema", "odd.py").output)["input"].keys() == {"$schema"}


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (None, "nothing"),
        (Any, "anything"),
        (str | None, "str | None"),
        (Optional[list[Decimal]], "list[Decimal] | None"),  # noqa: UP045
        (Annotated[int, "positive"], "int"),
        (Literal["a", 1], "Literal['a', 1]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Callable[[int, str], None], "Callable[[int, str], None]"),
        (TypeVar("T"), "T"),
    ],
)
def test_types_are_said_as_they_are_written(kind, written):
    assert type_name(kind).removeprefix("~") == written


def test_check_says_where_a_page_of_its_own_is():
    assert "page       pipelines/travel_escape/page\n" in ask("check", "pipelines.travel_escape").output


def test_a_result_of_which_nothing_can_be_said_has_an_open_schema(tmp_path):
    (tmp_path / "odd.py").write_text(
        "from narrate import Pipeline, step\nclass Odd: ...\n"
        "@step('A')\nasync def a() -> Odd:\n    ...\nodd = Pipeline('odd', a)\n"
    )
    assert json.loads(ask("schema", f"{tmp_path}/odd.py", "--result").output).keys() == {"$schema"}


def test_check_is_coloured_on_a_terminal_alone(parcels):
    assert "\x1b" not in ask("check", "parcels.py", color=True).output
    with terminal(python("-m", "narrate", "check", "examples/coffee.py")) as screen:
        assert "1 pipeline is sound." in screen.wait_for("[ended: 0]")
        assert "\x1b[1m" in screen.codes()


def test_graph_draws_in_the_terminal_and_for_documents(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    drawn = {how: ask("graph", "examples/coffee.py", *how).output for how in ((), ("--mermaid",), ("--svg",))}
    assert drawn == {
        (): as_text(coffee.title, coffee.outline),
        ("--mermaid",): as_mermaid(coffee.title, coffee.outline),
        ("--svg",): as_svg(coffee.title, coffee.outline),
    }


@pytest.mark.parametrize(
    ("name", "how", "drawing"),
    [
        ("coffee.svg", (), as_svg),
        ("coffee.mmd", (), as_mermaid),
        ("coffee.txt", (), as_text),
        ("coffee.SVG", (), as_svg),
        ("coffee.SVG", ("--svg",), as_svg),
        ("coffee.md", ("--mermaid",), as_mermaid),
        ("coffee", ("--svg",), as_svg),
        ("coffee", (), as_text),
    ],
)
def test_graph_writes_into_a_file_what_it_is_asked_for_or_what_its_name_says(tmp_path, name, how, drawing):
    result = ask("graph", "examples/coffee.py", *how, "--out", tmp_path / name)
    assert (result.output, result.exit_code) == (f"Wrote {tmp_path / name}\n", 0)
    assert (tmp_path / name).read_text(encoding="utf-8") == drawing(coffee.title, coffee.outline)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["graph", "parcels.py"], "parcels.py has 2 pipelines. Name one: parcels.py:packing, parcels.py:parcel."),
        (["graph", "parcels.py:p"], "parcels.py has no pipeline `p`. It has: packing, parcel."),
        (["graph", "nowhere.py"], "There is no file nowhere.py."),
        (["graph", "parcels.py:parcel", "--svg", "--mermaid"], "One drawing is either --mermaid or --svg."),
        (["graph", "parcels.py:parcel", "--out", "no/x.svg"], "no/x.svg cannot be written: No such file or directory."),
        (["graph", "parcels.py:parcel", "--out", "."], "is a directory"),
        (["graph", "parcels.py:parcel", "--out", "x.png"], "A drawing is no .png file. Name it .svg, .mmd (Mermaid)"),
        (["graph", "parcels.py:parcel", "--svg", "--out", "x.mmd"], "x.mmd is no name for what was asked for."),
        (["graph", "parcels.py:parcel", "--mermaid", "--out", "x.txt"], "x.txt is no name for what was asked for."),
        (["graph"], "Missing argument 'TARGET'."),
        (["check"], "Missing argument 'TARGET...'."),
        (["schema", "--input"], "Events have neither input nor result."),
        (["schema", "parcels.py"], "parcels.py has 2 pipelines."),
    ],
)
def test_what_cannot_be_asked_so_is_one_sentence(parcels, words, said):
    result = ask(*words)
    assert result.exit_code == 2
    assert said in result.output


def test_schema_is_that_of_the_events(parcels):
    assert json.loads(ask("schema").output) == json.loads(json.dumps(json_schema()))


def test_schema_of_a_pipeline_is_what_it_takes_and_gives(parcels):
    both = json.loads(ask("schema", "parcels.py:parcel").output)
    assert both["input"]["required"] == ["kg"]
    assert both["result"]["items"] == {"$ref": "#/$defs/Quote"}
    for name, schema in both.items():
        assert json.loads(ask("schema", "parcels.py:parcel", f"--{name}").output) == schema
    assert json.loads(ask("schema", "parcels.py:parcel", "--input", "--result").output) == both


def test_schema_of_no_input_is_that_of_null():
    assert json.loads(ask("schema", "examples/coffee.py", "--input").output)["type"] == "null"


@pytest.mark.parametrize(("columns", "side_by_side"), [(80, 2), (200, 2), (30, 1)])
def test_a_drawing_fits_into_its_terminal(columns, side_by_side):
    command = python("-m", "narrate", "graph", "pipelines.travel_escape:travel_escape")
    with terminal(command, columns=columns, rows=60) as screen:
        shown = screen.wait_for("[ended: 0]")
    assert next(line.count("┌") for line in shown.splitlines() if "┌" in line) == side_by_side


def test_an_svg_of_any_pipeline_is_xml(parcels):
    assert fromstring(ask("graph", "parcels.py:parcel", "--svg").output).tag.endswith("svg")
