"""The document assistant from end to end: its own stand-in for a model, the folders it reads, and what it refuses."""

import json
from contextlib import asynccontextmanager

import httpx
import pytest
import trio

from choosing import WrongSetting, model
from extracts import BEFORE, EACH, INTRODUCTION, extract, pieces_of
from narrate import Caller, start
from narrate.clock import Clock
from narrate.testing import narrated, same_in_every_schedule
from tests.examples.assistant import DOCUMENTS, HUMS, docs, settings
from tests.examples.found import target
from tests.serving import Process, heard, served


async def until_said(events, word):
    """The events up to the piece with this word."""
    async for event in events:
        yield event
        if event.type == "token" and word in event.text:
            break


def test_the_story_reads_as_if_somebody_told_what_they_do():
    story = narrated(docs, HUMS, settings=settings())

    assert story.transcript.splitlines() == [
        "Ask the documents",
        "",
        f"• Reading the documents in {DOCUMENTS}…",
        "  There are 4 passages in 2 files.",
        "  [What was read]",
        "• Searching them for the words of your question…",
        "  3 of the 4 passages have a word of it.",
        "  [The best by bm25]",
        "• Looking more closely at which of them answer it best…",
        "  [How they were weighed]",
        "  The best is kettle.md, line 7 (“The kettle › When it hums”).",
        "• Writing the answer…",
        f"  {INTRODUCTION}",
        f"  {story.result.text}",
        "  It rests on 1 passage.",
        "  [How it ended, and what it cost]",
        "  [Passages it cites]",
        "",
        "Done.",
    ]


def test_without_a_key_the_answer_is_sentences_of_the_passages_and_says_which():
    story = narrated(docs, HUMS, settings=settings())
    answer = story.result

    assert answer.text.startswith("A kettle that hums has lime on its floor. [1]")
    assert (answer.citations[0].file, answer.citations[0].line) == ("kettle.md", 7)
    assert answer.citations[0].heading == "The kettle › When it hums"
    assert (answer.model, answer.finish_reason) == ("extracts", "stop")
    assert answer.usage.completion_tokens == len(answer.text.split())


def test_the_events_of_the_answer_are_who_writes_then_its_pieces_then_what_it_cost_and_cites():
    story = narrated(docs, HUMS, settings=settings())
    of_answer = [event for event in story.events if getattr(event, "step", "") == "answer"]
    pieces = pieces_of(story.result.text)

    assert [event.type for event in of_answer] == [
        "step.started",
        "message",
        *["token"] * len(pieces),
        "message",
        "detail",
        "detail",
        "step.finished",
    ]
    assert [event.text for event in of_answer if event.type == "token"] == list(pieces)
    ended, cited = (event.data for event in of_answer if event.type == "detail")
    assert ended["finish_reason"] == "stop"
    assert ended["usage"]["completion_tokens"] == len(pieces)
    assert cited[0] == {"n": 1, "file": "kettle.md", "heading": "The kettle › When it hums", "line": 7}


def test_the_stand_in_writes_at_the_pace_it_says():
    story = narrated(docs, HUMS, settings=settings())

    assert story.took == pytest.approx(BEFORE + EACH * (len(pieces_of(story.result.text)) + 1), abs=0.001)


def test_the_story_is_the_same_in_every_schedule():
    assert same_in_every_schedule(docs, HUMS, schedules=10, settings=settings()).problem is None


def test_it_answers_from_the_projects_own_documents_when_no_folder_is_named():
    story = narrated(docs, {"question": "What becomes of a run whose last reader leaves?"}, settings=settings())

    assert "linger" in story.result.text
    assert "README.md" in {citation.file for citation in story.result.citations}
    assert story.lines[0] == "Reading narrate's own documents…"


def test_where_the_passages_have_no_sentences_it_says_so_and_where_to_look():
    table = [{"number": 1, "heading": "Tea", "text": "| tea | degrees |\n|---|---|\n| green | 80 |"}]

    assert extract("How hot is green tea?", table).endswith("the likeliest is [1].")


@pytest.mark.parametrize(
    ("asked", "sentence", "status"),
    [
        ({"folder": "/nowhere/at/all"}, "There is no folder /nowhere/at/all.", 422),
        ({"folder": f"{DOCUMENTS}/tea.md"}, f"{DOCUMENTS}/tea.md is a file. Name a folder.", 422),
        ({"question": "xylophones, quux"}, "No passage has a word of “xylophones, quux” in it.", 404),
    ],
)
def test_what_cannot_be_answered_is_one_clear_sentence(asked, sentence, status):
    story = narrated(docs, HUMS | asked, settings=settings())

    assert (story.problem.detail, story.problem.status) == (sentence, status)


def test_a_setting_that_cannot_be_used_is_named_and_what_it_holds_is_not(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_URL", "K-SECRET-K")

    with pytest.raises(WrongSetting) as raised:
        narrated(docs, HUMS)

    assert str(raised.value) == "The environment variable OLLAMA_URL holds something that cannot be used."


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({}, "extracts"),
        ({"groq_api_key": " \n"}, "extracts"),
        ({"model_base_url": "http://127.0.0.1:1/v1", "model_name": "x"}, "x"),
        ({"groq_api_key": "K-SECRET-K\n"}, "openai/gpt-oss-20b"),
        ({"model_api_key": "K-SECRET-K", "model_base_url": "http://elsewhere.example/v1", "model_name": "x"}, "x"),
        ({"ollama_url": "http://127.0.0.1:11434", "model_name": "llama3"}, "llama3"),
    ],
)
async def test_who_writes_is_what_the_settings_say(chosen, name):
    nowhere = httpx.MockTransport(lambda _: httpx.Response(500))
    async with asynccontextmanager(model.open)(nowhere, settings(**chosen), Clock()) as chosen_model:
        assert chosen_model.name == name


def test_a_folder_without_markdown_says_what_is_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("Tea.")

    story = narrated(docs, HUMS | {"folder": str(tmp_path)}, settings=settings())

    assert "none whose name ends in .md" in story.problem.detail


@pytest.mark.parametrize(
    ("texts", "read", "found"),
    [
        (["The kettle hums."], "There is 1 passage in 1 file.", "The only passage has a word of it."),
        (["Kettle.", "Tea."], "There are 2 passages in 2 files.", "1 of the 2 passages has a word of it."),
    ],
)
def test_few_passages_are_counted_as_people_count(tmp_path, texts, read, found):
    for n, text in enumerate(texts):
        (tmp_path / f"{n}.md").write_text(text)

    story = narrated(docs, HUMS | {"folder": str(tmp_path)}, settings=settings())

    assert {read, found} < set(story.lines)


def test_documents_without_any_text_are_none(tmp_path):
    (tmp_path / "empty.md").touch()

    story = narrated(docs, HUMS | {"folder": str(tmp_path)}, settings=settings())

    assert story.problem.detail == f"There is no text in the documents in {tmp_path}."


def test_over_the_network_only_folders_below_the_root_may_be_named(tmp_path):
    (tmp_path / "secret.md").write_text("# Kettle\n\nThe kettle hums.")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "way-out").symlink_to(tmp_path)
    asked = [HUMS | {"folder": str(tmp_path / name)} for name in ("", "root/..", "root/way-out", "nothing")]
    there = settings(docs_root=tmp_path / "root")
    by_network = [narrated(docs, one, caller=Caller(ip="192.0.2.1"), settings=there) for one in asked]
    by_hand = [narrated(docs, one, settings=there) for one in asked]

    assert [story.problem.status for story in by_network] == [403] * 4
    assert {"root" in story.problem.detail for story in by_network} == {False}  # nor is it told where that is
    assert [story.problem is None for story in by_hand] == [True, True, True, False]


def test_a_link_to_a_file_elsewhere_is_not_read(tmp_path):
    (tmp_path / "secret.md").write_text("The kettle hums at night.")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "tea.md").write_text("The kettle is for tea.")
    (tmp_path / "root" / "link.md").symlink_to(tmp_path / "secret.md")

    story = narrated(docs, HUMS | {"folder": str(tmp_path / "root")}, settings=settings())

    assert story.result.text == "The kettle is for tea. [1]"


async def test_served_it_takes_a_question_and_refuses_what_is_none():
    async with served(docs, resources={"settings": settings()}) as server:
        told = heard((await server.client.post("/ask", json=HUMS)).content)
        empty = await server.client.post("/ask", json={"question": "?!"})
        long = await server.client.post("/ask", json={"question": "why " * 200})

    assert told[-1]["result"]["citations"][0]["file"] == "kettle.md"
    assert [answer.status_code for answer in (empty, long)] == [422, 422]
    assert "there is no word in it" in empty.json()["errors"][0]["detail"]


async def test_cancelled_in_the_middle_it_keeps_what_was_said(autojump_clock):
    async with start(docs, HUMS, settings=settings()) as run:
        said = [event async for event in until_said(run.events(), "lime")]
        run.cancel("Enough.")
        told = [event async for event in run.events()]

    assert told[: len(said)] == said
    assert told[-1].type == "run.cancelled"
    assert "".join(event.text for event in said if event.type == "token") == "A kettle that hums has lime"


async def test_on_the_command_line_it_is_served_and_answers_in_json(tmp_path, monkeypatch):
    for name in ("GROQ_API_KEY", "MODEL_API_KEY", "OLLAMA_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCS_ROOT", str(DOCUMENTS))

    with Process(target("docs"), "--port", "0") as server:
        address = await trio.to_thread.run_sync(server.address)
        async with httpx.AsyncClient(timeout=20) as client:
            answer = await client.post(address, json=HUMS, headers={"Accept": "application/json"})

    assert answer.status_code == 200
    assert json.loads(answer.content)["citations"][0]["line"] == 7
