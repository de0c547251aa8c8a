"""Answers a question from the documents in a folder: reads, searches, weighs, and relays what a model writes.

The step to look at is `answer`: whatever a model streams is passed on while it comes, from wherever it comes.
"""

from collections.abc import Sequence
from pathlib import Path

import trio
from pydantic import BaseModel, Field, field_validator

from choosing import Settings, model, settings
from narrate import Caller, Explained, Pipeline, Retry, progress, relay, say, show, step
from narrate.clock import clock
from narrate.transport import transport
from passages import Passage, markdown_files, passages_of
from shelf import Search, search_in
from weighing import Weighed, weigh
from writing import Model, ModelBusy, Usage, Writing, asked_about, cited_in

PROJECT = Path(__file__).parent.parent.parent
OWN = ("README.md", "CHANGELOG.md", "tests/tutorial/*.md")
"""narrate's own documents, in the project's folder."""

GIVEN_TO_MODEL = 5
MOST_BYTES = 20_000_000


class Question(BaseModel):
    """What is asked of which documents."""

    question: str = Field(max_length=500, examples=["What happens to a run when its last reader leaves?"])
    folder: str | None = Field(None, description="A folder with Markdown files; left out, narrate's own documents.")

    @field_validator("question")
    @classmethod
    def _has_a_word(cls, question: str) -> str:
        if not any(c.isalnum() for c in question):
            raise ValueError("Ask something: there is no word in it.")
        return question.strip()

    @property
    def documents(self) -> str:
        return f"the documents in {self.folder}" if self.folder else "narrate's own documents"


class Citation(BaseModel):
    """Where a part of the answer is taken from. `n` is its number in the text."""

    n: int
    file: str
    heading: str
    line: int


class Answer(BaseModel):
    """The answer, what it rests on, and what it cost, where the model says so."""

    text: str
    citations: list[Citation]
    model: str
    finish_reason: str
    usage: Usage | None


class NoDocuments(Explained):
    """There is nothing to read."""

    title = "There are no documents"
    status = 422


class NotAllowed(Explained):
    """A folder that is not shown to the network."""

    title = "This folder is not open to you"
    status = 403


class NothingFound(Explained):
    """No passage has to do with the question."""

    title = "Nothing was found"
    status = 404


@step("Reading {question.documents}…")
async def passages(question: Question, caller: Caller, settings: Settings) -> list[Passage]:
    base, files = await trio.to_thread.run_sync(_documents, question.folder, caller, settings.docs_root)
    read: list[Passage] = []
    for done, file in enumerate(files, start=1):
        read += await trio.to_thread.run_sync(_read, file, str(file.relative_to(base)))
        progress(done, len(files), "files")
    if not read:
        raise NoDocuments(f"There is no text in {question.documents}.")
    are = "is" if len(read) == 1 else "are"
    say(f"There {are} {_count(len(read), 'passage')} in {_count(len(files), 'file')}.")
    show("What was read", [{"file": str(file.relative_to(base)), "bytes": file.stat().st_size} for file in files])
    return read


@step("Searching them for the words of your question…")
def search(question: Question, passages: list[Passage]) -> Search:
    searched = search_in(passages, question.question)
    if not searched.found:
        raise NothingFound(f"No passage has a word of “{question.question}” in it.")
    say(f"{_having(searched.among, len(passages))} a word of it.")
    rows = [{"passage": str(found.passage), "bm25": round(found.bm25, 2)} for found in searched.found]
    show("The best by bm25", rows)
    return searched


@step("Looking more closely at which of them answer it best…")
async def best(search: Search) -> list[Passage]:
    weighed = weigh(search)
    show("How they were weighed", [_row(one) for one in weighed])
    chosen = [one.found.passage for one in weighed[:GIVEN_TO_MODEL]]
    say(f"The best is {chosen[0]}.")
    return chosen


@step("Writing the answer…", retry=Retry(attempts=3, on=ModelBusy))
async def answer(question: Question, best: list[Passage], model: Model) -> Answer:
    say(model.introduction)
    writing = Writing(model)
    text = await relay(writing.pieces(asked_about(question.question, best)))
    ended, citations = writing.ended, _citations(text, best)
    if ended.finish_reason == "length":
        say("It was cut off here, because it grew longer than an answer may be.")
    say(f"It rests on {_count(len(citations), 'passage')}." if citations else "It names no passage that it rests on.")
    show("How it ended, and what it cost", ended)
    show("Passages it cites", citations)
    return Answer(
        text=text, citations=citations, model=model.name, finish_reason=ended.finish_reason, usage=ended.usage
    )


def _documents(folder: str | None, caller: Caller, root: Path) -> tuple[Path, Sequence[Path]]:
    """The files to read, and the folder that they are named from."""
    if folder is None:
        return PROJECT, [file for names in OWN for file in sorted(PROJECT.glob(names))]
    base = Path(folder).expanduser().resolve()
    # Whoever asks over the network is not whoever may read this machine's files. On the terminal there is no address.
    if caller.ip is not None and not base.is_relative_to(root.resolve()):
        raise NotAllowed("This folder is not open to the network. Whoever runs the server can open one with DOCS_ROOT.")
    if base.is_file():
        raise NoDocuments(f"{folder} is a file. Name a folder.")
    if not base.is_dir():
        raise NoDocuments(f"There is no folder {folder}.")
    files = markdown_files(base)
    if not files:
        raise NoDocuments(f"There is no Markdown file in {folder}: none whose name ends in .md or .markdown.")
    if sum(file.stat().st_size for file in files) > MOST_BYTES:
        raise NoDocuments(f"There is too much in {folder}: more than {MOST_BYTES // 1_000_000} MB. Name a part of it.")
    return base, files


def _read(file: Path, name: str) -> Sequence[Passage]:
    return passages_of(file.read_text(encoding="utf-8", errors="replace"), name)


def _row(one: Weighed) -> dict[str, object]:
    shares = {"words": one.coverage, "nearness": one.nearness, "heading": one.heading, "weight": one.score}
    rounded = {name: round(share, 2) for name, share in shares.items()}
    return {"passage": str(one.found.passage), "rank before": one.was, **rounded}


def _citations(text: str, best: Sequence[Passage]) -> list[Citation]:
    cited = ((n, best[n - 1]) for n in cited_in(text, len(best)))
    return [Citation(n=n, file=passage.file, heading=passage.heading, line=passage.line) for n, passage in cited]


def _having(number: int, of: int) -> str:
    """The subject of a sentence, and its verb."""
    return "The only passage has" if of == 1 else f"{number} of the {of} passages {'has' if number == 1 else 'have'}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


docs = Pipeline(
    "docs",
    passages,
    search,
    best,
    answer,
    takes=Question,
    resources=[transport, clock, settings, model],
    title="Ask the documents",
    path="/ask",
    # A model is paid by the word: where nobody reads any more, nobody writes.
    linger=0,
    # An answer that was broken off is asked for anew, and not gone on with by another model's next words.
    recover=False,
)
