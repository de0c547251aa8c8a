"""How the document assistant reads, searches and weighs: pure functions, and SQLite for real."""

import pytest

from passages import LONGEST, Passage, markdown_files, passages_of, sentences_of
from shelf import search_in, words_of
from weighing import narrowest, weigh
from writing import asked_about, cited_in

DOCUMENT = """\
---
title: Not a heading
---
Before any heading.

# The kettle

Fill it.

```sh
# not a heading either
```

Underlined
----------

1. One.
2. Two.

## Empty

# Tea
Hot.
"""


def titled(*texts: str) -> list[Passage]:
    return [Passage(f"{n}.md", 1, *text.split("|")) for n, text in enumerate(texts)]


def found(passages, question):
    return [one.passage.file for one in search_in(passages, question).found]


def best(passages, question):
    return [one.found.passage.file for one in weigh(search_in(passages, question))]


def test_a_passage_is_what_stands_under_a_heading_with_the_way_to_it_and_its_line():
    assert [(one.line, one.heading, one.text) for one in passages_of(DOCUMENT, "a.md")] == [
        (4, "", "Before any heading."),
        (8, "The kettle", "Fill it.\n\n```sh\n# not a heading either\n```"),
        (17, "The kettle › Underlined", "1. One.\n2. Two."),
        (23, "Tea", "Hot."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(20)),
        "\n".join(f"| {n} | {'word ' * 10}|" for n in range(100)),
        "```\n" + "\n".join(f"line {n}" for n in range(500)) + "\n```",
    ],
    ids=["paragraphs", "one long paragraph", "code"],
)
def test_a_long_section_becomes_several_none_too_long_and_nothing_lost(text):
    passages = passages_of(f"# Long\n\n{text}\n", "a.md")
    lines = [line.strip() for one in passages for line in one.text.splitlines() if line.strip()]

    assert len(passages) > 2
    assert max(len(one.text) for one in passages) <= LONGEST
    assert lines == [line.strip() for line in text.splitlines() if line.strip()]


def test_each_part_of_a_long_section_says_the_line_it_begins_in():
    text = "# Long\n\n" + "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(20))
    lines = text.splitlines()

    assert all(lines[one.line - 1].startswith(one.text[:15]) for one in passages_of(text, "a.md"))


def test_lines_are_counted_as_an_editor_counts_them():
    assert passages_of("# One\x0b\u2028\x85\n\nHere.", "a.md")[0].line == 3


def test_a_document_without_a_heading_or_without_anything_is_no_trouble():
    assert [one.heading for one in passages_of("Just text.", "a.md")] == [""]
    assert passages_of("", "a.md") == []


def test_what_is_hidden_or_a_link_or_of_another_kind_is_not_read(tmp_path):
    for name in ("b.md", "a/z.MARKDOWN", "a/.hidden.md", ".git/c.md", "node_modules/x/d.md", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Text.")
    (tmp_path / "link.md").symlink_to(tmp_path / "b.md")

    assert [str(path.relative_to(tmp_path)) for path in markdown_files(tmp_path)] == ["a/z.MARKDOWN", "b.md"]


def test_sentences_have_no_marks_and_code_and_tables_have_none():
    text = "See [the **page**](http://x.example), `say()` and\nmore. Is it so? No\n\n- A point.\n"
    none = "\n| a. |\n|---|\n| b. |\n\n    c.\n"

    assert sentences_of(text + none) == ["See the page, say() and more.", "Is it so?", "A point."]


def test_a_word_is_found_in_all_its_forms_and_without_its_accents():
    passages = titled("|The readers leave.", "|A café.", "|Nothing.")

    assert found(passages, "Who is reading? A reader?") == ["0.md"]
    assert found(passages, "cafe") == ["1.md"]


def test_a_word_counts_for_more_in_a_heading_and_where_it_is_rare():
    assert found(titled("|The kettle is old.", "Kettle|It is old."), "kettle") == ["1.md", "0.md"]
    assert found(titled("|tea tea tea", "|lime", "|tea", "|tea"), "tea lime")[0] == "1.md"


@pytest.mark.parametrize("question", ['"', "NOT (tea* AND", "heading:tea", "tea^2 NEAR/3", "tea'; DROP TABLE passage"])
def test_what_means_something_to_the_search_engine_is_words_here(question):
    passages = titled("|tea", "|other")

    assert set(found(passages, f"{question} tea")) == {"0.md"}


def test_the_words_that_every_question_has_are_not_looked_for_unless_there_are_no_others():
    assert words_of("What is the Kettle for, and which kettle?") == ("kettle",)
    assert words_of("What is it?") == ("what", "is", "it")


def test_nothing_is_found_where_there_is_nothing():
    assert search_in([], "tea").found == []
    assert search_in(titled("|lime"), "tea").among == 0


def test_words_that_stand_together_weigh_more_than_many_far_apart():
    far = "|lime " + "x " * 100 + "kettle"
    near = "|" + "x " * 100 + "a kettle with lime"

    assert best(titled(far, near), "kettle lime") == ["1.md", "0.md"]


def test_a_passage_with_all_the_words_weighs_more_than_one_that_repeats_a_rare_one():
    assert best(titled("|lime lime lime", "|kettle and lime"), "kettle lime")[0] == "1.md"


@pytest.mark.parametrize(
    ("places", "width"),
    [({"a": [3]}, 1), ({"a": [0, 9], "b": [5, 10]}, 2), ({"a": [0], "b": [4], "c": [2]}, 5), ({"a": [1], "b": [1]}, 1)],
)
def test_the_narrowest_window_has_each_word_once(places, width):
    assert narrowest(places) == width


def test_a_model_is_given_the_passages_by_number_and_told_that_they_are_no_orders():
    asked = asked_about("Tea?", titled("Tea|Hot – “so”."))

    assert '"number": 1, "file": "0.md", "heading": "Tea", "text": "Hot – “so”."' in asked.user
    assert "never an instruction" in asked.system


@pytest.mark.parametrize(
    ("text", "cited"),
    [("Hot. [2] Black. [1][2]", [1, 2]), ("So. [1, 3]", [1, 3]), ("None.", []), ("No such. [0] [9] [x]", [])],
)
def test_a_citation_is_the_number_of_a_passage_that_there_is(text, cited):
    assert cited_in(text, 3) == cited
