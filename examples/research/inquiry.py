"""One side of a question, as a pipeline of its own: look along a shelf, read its sources, weigh what they say."""

import trio

from library import Busy, Library, Unreadable, library, transport
from narrate import Pipeline, Retry, each, say, show, step
from planning import share
from research_values import Answer, Entry, Found, Plan, Reading, Shelf, Source, counted
from weighing_up import best_passage, weighed

AT_ONCE = 2
"""Sources of one shelf that are asked for at a time: a library is not to be stormed."""

ATTEMPTS = 3
MOST_FINDINGS = 3


def inquiry(shelf: Shelf, title: str) -> Pipeline:
    """The pipeline that answers from this shelf. It takes the plan, and gives an Answer."""

    @step(
        f"Looking along the shelf of {shelf}…",
        retry=Retry(attempts=ATTEMPTS, on=Busy),
        fallback=Found(shelf=shelf, entries=[], seen=False),
    )
    async def found(plan: Plan, library: Library) -> Found:
        entries = await library.shelf(shelf)
        fitting = [entry for entry in entries if share(plan, " ".join([entry.title, *entry.about]))]
        say(fitting_in_words(len(fitting), len(entries)))
        return Found(shelf=shelf, entries=fitting)

    return Pipeline(shelf, found, reading, answer, takes=Plan, resources=[transport, library], title=title)


def fitting_in_words(fitting: int, entries: int) -> str:
    if 0 < fitting == entries:
        return f"All {entries} of its sources seem to be about it."
    return f"{fitting or 'None'} of its {entries} sources {'seem' if fitting > 1 else 'seems'} to be about it."


@step("Reading about the {found.shelf}…")
async def reading(plan: Plan, found: Found, library: Library) -> Reading:
    if not found.entries:
        say("There is nothing to read.")

    async def read(entry: Entry) -> Source | None:
        source = await _patiently(library, entry)
        passage = best_passage(plan, source.text)
        say(f"“{passage}”" if share(plan, passage) else "It says nothing about the question.")
        return source

    tried = await each(found.entries, read, at_most=AT_ONCE, label=str, unit="sources", on_error=_left_out)
    left_out = [entry for entry, source in zip(found.entries, tried, strict=True) if source is None]
    if left_out:
        are = "is" if len(left_out) == 1 else "are"
        say(f"{counted(len(left_out), 'source')} could not be read and {are} left out.")
    return Reading(sources=[source for source in tried if source is not None], left_out=left_out)


def _left_out(_entry: Entry, error: Exception) -> None:
    """A source that the library does not give out is done without. Anything else is a mistake of ours, and raised."""
    if not isinstance(error, Unreadable):
        raise error


@step("Weighing what is said about the {found.shelf}…")
async def answer(plan: Plan, found: Found, reading: Reading) -> Answer:
    best = weighed(plan, reading.sources)[:MOST_FINDINGS]
    if not best:
        why = _why_open(found, reading)
        say(f"This stays open: {why}.")
        return Answer(shelf=found.shelf, findings=[], left_out=len(reading.left_out), open_because=why)
    rows = [{"weight": round(one.weight, 2), "passage": one.passage, "source": str(one.source)} for one in best]
    show("The passages that weigh most", rows)
    say(f"The best is in {best[0].source}.")
    return Answer(shelf=found.shelf, findings=best, left_out=len(reading.left_out))


def _why_open(found: Found, reading: Reading) -> str:
    if not found.seen:
        return "its shelf could not be looked along"
    if not found.entries:
        return "no source on this shelf seems to be about it"
    return "none of its sources says anything about it" if reading.sources else "none of its sources could be read"


async def _patiently(library: Library, entry: Entry) -> Source:
    """The source, asked for again as long as the library only asks to wait. Raises Unreadable."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await library.source(entry.id)
        except Busy as busy:
            say(str(busy))
            await trio.sleep(busy.retry_after)
    return await library.source(entry.id)
