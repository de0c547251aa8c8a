"""What passes between the steps of a research: the question, its plan, sources, findings, answers, and the report."""

from enum import StrEnum

from pydantic import BaseModel, Field, field_validator


class Shelf(StrEnum):
    """The library's shelves, each of which is for one side of a question."""

    CAUSES = "causes"
    CASES = "cases"
    REMEDIES = "remedies"


class Request(BaseModel):
    """What is to be found out."""

    question: str = Field(max_length=300, examples=["Why do bridges hum?"])

    @field_validator("question")
    @classmethod
    def _has_a_word(cls, question: str) -> str:
        if not any(letter.isalpha() for letter in question):
            raise ValueError("Ask something: there is no word in it.")
        return " ".join(question.split())


class Plan(BaseModel):
    """What to look for: sets of words that say the same thing, one for each word of the question that counts."""

    looked_for: list[list[str]]


class Entry(BaseModel):
    """A source as it stands in the catalogue of its shelf."""

    id: str
    title: str
    year: int
    about: list[str]

    def __str__(self) -> str:
        return f"“{self.title}” ({self.year})"


class Source(Entry):
    """A source with what it says."""

    text: str


class Found(BaseModel):
    """The sources on one shelf that may have to do with the question. `seen`: whether it could be looked along."""

    shelf: Shelf
    entries: list[Entry]
    seen: bool = True


class Reading(BaseModel):
    """What could be read, and which sources are left out."""

    sources: list[Source]
    left_out: list[Entry]


class Finding(BaseModel):
    """A passage that answers, where it stands, and how much of the question it touches: a share between 0 and 1."""

    source: Entry
    passage: str
    weight: float


class Answer(BaseModel):
    """What one shelf says. Without findings, its side of the question stays open, and `open_because` says why."""

    shelf: Shelf
    findings: list[Finding]
    left_out: int = 0
    open_because: str | None = None


class Comparison(BaseModel):
    """Which matters come up on more than one shelf, and on which shelves."""

    shared: dict[str, list[Shelf]]


class Section(BaseModel):
    """One side of the question answered. The numbers in its text are those of the report's sources."""

    title: str
    text: str


class Cited(BaseModel):
    """A source that the report rests on; `n` is its number in the text, from 1."""

    n: int
    title: str
    year: int
    shelf: Shelf


class Report(BaseModel):
    """What was found out."""

    question: str
    sections: list[Section]
    sources: list[Cited]
    left_out: int = Field(description="How many sources could not be read.")


def counted(number: int, what: str) -> str:
    """So many of something, in words: “1 source”, “9 sources”."""
    return f"{number} {what}{'' if number == 1 else 's'}"
