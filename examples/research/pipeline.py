"""Research that takes minutes: a question from three sides, a dozen sources for each, and a report at the end.

The step to look at is `reading` in inquiry.py; the line to look at is `detach_after`: a stream of it ends after twenty
seconds, and the run goes on as a job.
"""

from collections import defaultdict

from inquiry import inquiry
from library import Library, library, transport
from narrate import Explained, Pipeline, concurrent, relay, say, show, step
from planning import plan_of
from reporting import in_common, report_of, texts_of
from research_values import Answer, Comparison, Plan, Report, Request, Shelf, counted

SIDES = {
    Shelf.CAUSES: "what causes it",
    Shelf.CASES: "where it has happened",
    Shelf.REMEDIES: "what can be done about it",
}


class NothingLookedFor(Explained):
    """The question has nothing in it that could be looked for."""

    title = "There is nothing to look for"
    status = 422


class NothingFound(Explained):
    """No side of the question has an answer."""

    title = "Nothing was found"
    status = 404


@step("Planning how to answer “{request.question}”")
async def plan(request: Request, library: Library) -> Plan:
    say(library.introduction)
    planned = plan_of(request.question)
    if not planned.looked_for:
        raise NothingLookedFor("There are only small words in the question. Say what it is about.")
    say(f"The question has three sides: {SIDES[Shelf.CAUSES]}, {SIDES[Shelf.CASES]}, and {SIDES[Shelf.REMEDIES]}.")
    show("Words to look for", planned.looked_for)
    return planned


@step("Comparing the three answers…")
async def comparison(request: Request, plan: Plan, causes: Answer, cases: Answer, remedies: Answer) -> Comparison:
    """What the answers share, besides what was asked for anyway."""
    answers = [answer for answer in (causes, cases, remedies) if answer.findings]
    if not answers:
        raise NothingFound(f"No source that was read says anything about “{request.question}”.")
    asked = {word for kin in plan.looked_for for word in kin}
    on = defaultdict[str, list[Shelf]](list)
    for answer in answers:
        for matter in sorted({matter for finding in answer.findings for matter in finding.source.about} - asked):
            on[matter].append(answer.shelf)
    shared = {matter: shelves for matter, shelves in on.items() if len(shelves) > 1}
    say(in_common(shared))
    show("What comes up in more than one", shared)
    return Comparison(shared=shared)


@step("Writing the report…")
async def report(request: Request, causes: Answer, cases: Answer, remedies: Answer, comparison: Comparison) -> Report:
    written = report_of(request.question, (causes, cases, remedies), comparison)
    await relay(texts_of(written))
    show("Sources", [source.model_dump(mode="json") for source in written.sources])
    say(f"It rests on {counted(len(written.sources), 'source')}.")
    return written


research = Pipeline(
    "research",
    plan,
    concurrent(*(inquiry(shelf, f"Finding out {side}…") for shelf, side in SIDES.items())),
    comparison,
    report,
    takes=Request,
    resources=[transport, library],
    title="Deep research",
    # Nobody has to keep a connection open for minutes. The page goes on by itself; others poll, or are called back.
    detach_after=20,
    # Until then, too: what has been read should not be lost because somebody closed a tab.
    linger=None,
)
