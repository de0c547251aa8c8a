"""Words of a command line that become the input of a run, and what is said of those that do not."""

import io
from typing import Any

import pytest
from pydantic import BaseModel, model_validator

from narrate import Pipeline, step
from narrate.cli.given import input_of, missing, read_words
from narrate.cli.work import WrongUse
from tests.commanded import Order, both, echo, order, total, wishes

OPEN: dict[str, Any] = {}
"""The schema of an input of which nothing is known, as it is of a server's."""


@pytest.mark.parametrize(
    ("words", "data"),
    [
        (["item=3"], {"item": "3"}),
        (["item:=3"], {"item": 3}),
        (["item:=[1, 2]", "note="], {"item": [1, 2], "note": ""}),
        (["note=a=b"], {"note": "a=b"}),
        (["note=two words\nand a line"], {"note": "two words\nand a line"}),
        (["where.city=Wien", "where.zip:=1010", "item=1"], {"where": {"city": "Wien", "zip": 1010}, "item": "1"}),
        (["a.b.c=1"], {"a": {"b": {"c": "1"}}}),
        (['a:={"b": 1}', "a.c:=2"], {"a": {"b": 1, "c": 2}}),
        (["größe=1"], {"größe": "1"}),
        (['{"item": 3}'], {"item": 3}),
        (["[1]"], [1]),
        (["7"], 7),
        (["null"], None),
        (["url=http://x/?a=b"], {"url": "http://x/?a=b"}),
        ([], None),
    ],
)
def test_words_become_json_data(words, data):
    assert read_words(words, {"type": "object"}) == data


@pytest.mark.parametrize(
    ("words", "data"),
    [
        (["warm, tomorrow"], "warm, tomorrow"),
        (["warm"], "warm"),
        (["3"], 3),
        (["q=warm"], {"q": "warm"}),
    ],
)
def test_where_nothing_is_known_of_the_input_a_word_that_is_no_json_is_a_text(words, data):
    assert read_words(words, OPEN) == data


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("hello", "hello"),
        ("42", "42"),
        ("a=b", "a=b"),
        ('"a \\u00fc"', "a ü"),
        ("{no json", "{no json"),
        ("", ""),
    ],
)
def test_a_pipeline_that_takes_a_text_gets_the_word_itself(word, text):
    assert input_of(echo, [word]) == text


def test_what_is_given_is_valid_for_the_pipeline():
    assert input_of(order, ["item=3", "where.city=Wien"]) == Order(item=3, where={"city": "Wien"})
    assert input_of(total, ["[1, 2]"]) == [1, 2]
    assert input_of(both, []) is None


def test_where_all_fields_may_be_left_out_nothing_need_be_given():
    assert input_of(wishes, []).milk is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (['{"item": 3}', "note=x"], '`{"item": 3}` would be the whole input, and there is more.'),
        (["note=x", "-"], "`-` would be the whole input, and there is more."),
        (["@a.json", "note=x"], "`@a.json` would be the whole input, and there is more."),
        (['{"item": 3'], "is not JSON: Expecting ',' delimiter at character 11. Put single quotes around it"),
        (["{item: 3}"], "at character 2. The shell takes away double quotes: put single quotes around it"),
        (['{\n"item": x}'], "Expecting value at line 2, column 9."),
        (["[NaN]"], "there is no NaN in JSON"),
        (["[" * 100_000], "it is nested too deeply"),
        (
            ["item:=x"],
            "`item:=x`: behind `:=` comes JSON (Expecting value at character 1). A text is given by `item=…`.",
        ),
        (["item=1", "item=2"], "`item` is given twice."),
        (["a.b=1", "a=2"], "`a` is given twice."),
        (["a=1", "a.b=2"], "`a` is given a value and, by `a.b`, a field."),
        (["a..b=1"], "`a..b` is no name of a field."),
        (["item"], "`item` is neither JSON nor key=value. A field is given by its name: name=value."),
        (["item", "note=x"], "`item` has no `=`. A field is given as name=value"),
        (["=3"], "`=3` has no name before its `=`"),
        (["item=1", ":=3"], "`:=3` has no name before its `=`"),
        (["note=somewhere", "hot", "tomorrow"], 'put quotes around it: note="somewhere hot tomorrow".'),
        (["item:=1", "hot"], "put quotes around it: item:='1 hot'."),
    ],
)
def test_words_that_are_no_input_are_said_with_what_would_mend_them(words, said):
    with pytest.raises(WrongUse) as caught:
        read_words(words, {"type": "object"})
    assert said in caught.value.message


def test_a_text_without_its_quotes_is_said():
    with pytest.raises(WrongUse) as caught:
        input_of(echo, ["hello", "there"])
    assert caught.value.message == 'The input is one text. Put quotes around it: "hello there".'


class Picky(BaseModel):
    milk: bool = False

    @model_validator(mode="after")
    def _wishes(self) -> "Picky":
        if not self.milk:
            raise ValueError("Wish for something.")
        return self


@step("Granting")
async def granted(picky: Picky) -> bool:
    return picky.milk


picky = Pipeline("picky", granted, takes=Picky)

FIELDS = """It takes an input, and none was given.
It takes these fields: name=value gives a text, name:=JSON anything.
  item   a whole number
  note   a text, may be left out
  size   one of small, large, may be left out
  where  an object, may be left out"""


@pytest.mark.parametrize(
    ("pipeline", "words", "said"),
    [
        (both, ["x=1"], "It takes no input. Give none."),
        (echo, [], "It takes an input, and none was given.\nIt takes a text. Put it into quotes."),
        (order, ["note=x"], "The input does not fit.\n  item: Field required\n"),
        (picky, [], "The input does not fit.\n  Wish for something.\nIt takes these fields"),
        (total, ["a=b"], "Input should be a valid list\nIt takes a list. Give it as JSON in single quotes."),
        (order, ["item=x"], "  item: Input should be a valid integer, unable to parse string as an integer\n"),
        (
            order,
            [],
            FIELDS,
        ),
    ],
)
def test_an_input_that_does_not_fit_is_said_field_by_field(pipeline, words, said):
    with pytest.raises(WrongUse) as caught:
        input_of(pipeline, words)
    assert said in caught.value.message
    assert caught.value.exit_code == 2


class Tree(BaseModel):
    name: str
    below: list["Tree"] = []


@step("Planting")
async def planted(tree: Tree) -> str:
    return tree.name


def test_the_fields_of_a_type_that_holds_itself_are_named_too():
    with pytest.raises(WrongUse) as caught:
        input_of(Pipeline("tree", planted, takes=Tree), [])
    assert caught.value.message.endswith("  name   a text\n  below  a list, may be left out")


def test_an_input_of_which_nothing_is_known_is_said_to_be_missing():
    assert missing({}) == "It takes an input, and none was given."


@pytest.mark.parametrize(("raw", "data"), [(b'{"item": 3}\n', {"item": 3}), (b"\xef\xbb\xbf[1]", [1]), (b"\n7\n", 7)])
def test_json_is_read_from_a_file_and_from_standard_input(tmp_path, monkeypatch, raw, data):
    (tmp_path / "it.json").write_bytes(raw)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert read_words([f"@{tmp_path / 'it.json'}"], OPEN) == data
    assert read_words(["-"], OPEN) == data


def test_a_text_is_read_from_a_file_without_the_end_of_its_last_line(tmp_path):
    (tmp_path / "it.txt").write_text("two\nlines\n")
    assert input_of(echo, [f"@{tmp_path / 'it.txt'}"]) == "two\nlines"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"a":\n x}', "it.json is not JSON: Expecting value at line 2, column 2."),
        (b" \n", "it.json is empty."),
        (b"\xff\xfe", "it.json is not text in UTF-8: byte 1 is none."),
    ],
)
def test_a_file_that_holds_no_input_is_said(tmp_path, monkeypatch, raw, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it.json").write_bytes(raw)
    with pytest.raises(WrongUse) as caught:
        read_words(["@it.json"], OPEN)
    assert caught.value.message == said


def test_a_file_that_is_not_there_and_an_empty_standard_input_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(WrongUse, match="No such file or directory"):
        read_words([f"@{tmp_path / 'nix.json'}"], OPEN)
    with pytest.raises(WrongUse, match="Nothing came from standard input"):
        read_words(["-"], OPEN)
