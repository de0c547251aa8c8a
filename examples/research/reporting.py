"""The report: composed from the findings, each passage with the number of its source."""

from collections.abc import AsyncGenerator, Mapping, Sequence

import trio

from research_values import Answer, Cited, Comparison, Report, Section, Shelf

TITLES: Mapping[Shelf, str] = {
    Shelf.CAUSES: "What causes it?",
    Shelf.CASES: "Where has it happened?",
    Shelf.REMEDIES: "What can be done about it?",
}


def report_of(question: str, answers: Sequence[Answer], comparison: Comparison) -> Report:
    """The report on these answers. A side of the question without findings is in it too, and says why it is open."""
    found = [(answer, finding) for answer in answers for finding in answer.findings]
    sources = [
        Cited(n=n, title=finding.source.title, year=finding.source.year, shelf=answer.shelf)
        for n, (answer, finding) in enumerate(found, start=1)
    ]
    numbered = iter(sources)
    sections: list[Section] = []
    for answer in answers:
        text = " ".join(f"{finding.passage} [{next(numbered).n}]" for finding in answer.findings)
        sections.append(Section(title=TITLES[answer.shelf], text=text or f"This stays open: {answer.open_because}."))
    sections.append(Section(title="What do the answers have in common?", text=in_common(comparison.shared)))
    return Report(
        question=question,
        sections=sections,
        sources=sources,
        left_out=sum(answer.left_out for answer in answers),
    )


def in_common(shared: Mapping[str, Sequence[Shelf]]) -> str:
    """What comes up in more than one answer, in a sentence."""
    if not shared:
        return "Nothing else comes up in more than one of the answers."
    *most, last = shared
    named = " and ".join([", ".join(most), last] if most else [last])
    return f"{named.capitalize()} {'come' if most else 'comes'} up in more than one of the answers."


async def texts_of(report: Report) -> AsyncGenerator[str, None]:
    """The report as text, section by section."""
    for n, section in enumerate(report.sections):
        await trio.lowlevel.checkpoint()
        text = f"{section.title}\n{section.text}\n"
        yield f"\n{text}" if n else text
