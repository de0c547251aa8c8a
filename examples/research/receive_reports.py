"""Receives the signed webhook at the end of a research, and writes each report into a file of its own.

    $ WEBHOOK_SECRET=whsec_… .venv/bin/python examples/research/receive_reports.py

The receiver itself is the one in examples/webhook_receiver.py; only what is done with an end is this one's own.
"""

from pathlib import Path

import trio

from examples.webhook_receiver import create_receiver, secret_given
from narrate.receiver import Ended
from research_values import Report

FOLDER = Path("reports")


async def write_report(ended: Ended, folder: Path = FOLDER) -> None:
    """Write what came of a run into `folder`, under the run's name. Done again, it writes the same."""
    await trio.Path(folder).mkdir(parents=True, exist_ok=True)
    await trio.Path(folder / f"{ended.run}.md").write_text(text_of(ended), encoding="utf-8")


def text_of(ended: Ended) -> str:
    """The report as Markdown; of a run without one, why there is none and where to look."""
    if ended.type == "run.finished" and ended.left_out is None:
        report = Report.model_validate(ended.result)
        sections = "".join(f"## {section.title}\n\n{section.text}\n\n" for section in report.sections)
        sources = "".join(f"{source.n}. {source.title} ({source.year})\n" for source in report.sources)
        return f"# {report.question}\n\n{sections}## Sources\n\n{sources}"
    why = ended.problem.sentence if ended.problem is not None else ended.reason
    return f"# There is no report here\n\n{why or 'It is too large to be sent.'} See {ended.link}.\n"


if __name__ == "__main__":
    create_receiver(secret_given(), Path("inbox.db"), write_report).run(port=8090)
