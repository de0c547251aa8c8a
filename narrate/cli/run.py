"""`narrate run`: a pipeline run in this process, and its story told while it happens."""

import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
import trio

from narrate import targets
from narrate.cli.answering import Questioned, Questions, answer_option, unanswerable, waits
from narrate.cli.given import input_of
from narrate.cli.interrupting import interruptions
from narrate.cli.kinds import JournalUrl, Target
from narrate.cli.replays import replay_options, replayed
from narrate.cli.telling import Overheard, Way, exit_code_of, remind, tell, tell_result, telling_options
from narrate.cli.work import CANCELLED, WrongUse, cause_of, explain, logged, not_opened, note, run_command
from narrate.events import Question, Terminal
from narrate.journal.base import Journal, Retention
from narrate.journal.sqlite import SqliteJournal
from narrate.journal.urls import open_journal_url
from narrate.narrator import open_narrator
from narrate.pipeline import Pipeline
from narrate.running import Run
from narrate.saved import dump_story
from narrate.story import Story


@dataclass(kw_only=True)
class _Asked:
    """A run as it was asked for, and what has become of it."""

    pipeline: Pipeline
    value: Any
    resources: dict[str, Any]
    note: str | None
    journal: str
    way: Way
    keep: bool
    answers: Sequence[str]
    run: Run | None = None
    heard: Overheard | None = None
    cause: BaseException | None = None
    wrong: click.ClickException | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def stop(self, reason: str) -> None:
        """Cancel the run, which then tells its end; where there is none yet, what would begin it."""
        if self.run is None:
            self.scope.cancel()
        else:
            self.run.cancel(reason)

    async def refused(self, sentence: str) -> None:
        """Stop it because of an answer that does not fit."""
        self.wrong = WrongUse(sentence)
        self.stop("An answer did not fit.")
        await trio.lowlevel.checkpoint()

    async def nobody(self, question: Question) -> None:
        """Stop it because of a question that nobody can answer, unless that is waited for only so long."""
        if question.within is None:
            self.wrong = click.ClickException(unanswerable(question))
            self.stop("Nobody could be asked.")
        else:
            note(waits(question, question.within))
        await trio.lowlevel.checkpoint()

    @property
    def end(self) -> Terminal | None:
        return self.heard.end if self.heard is not None else None


@click.command()
@click.argument("target", type=Target())
@click.argument("given", nargs=-1, metavar="[INPUT]...")
@replay_options
@click.option(
    "--journal",
    default="memory:",
    type=JournalUrl(),
    metavar="URL",
    help="Keep the run where this says: sqlite:///runs.db.",
)
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the story to this file, for show and replay."
)
@answer_option
@telling_options
def run(
    target: str,
    given: tuple[str, ...],
    replay: tuple[str, ...],
    pace: float,
    journal: str,
    save: Path | None,
    answers: tuple[str, ...],
    way: Way,
) -> None:
    """Run a pipeline and tell its story while it happens.

    TARGET is a pipeline: `module:name`, `file.py:name`, or either without a name where there is only one.

    INPUT is what it takes. `key=value` gives a field a text, `key:=JSON` gives it anything else, and a dot goes into a
    field: `where.city=Valencia`. One word that is JSON is the whole input, `@file.json` reads it from a file and `-`
    from standard input. Where the input is a plain text, one word is that text.

    \b
    Examples:
      narrate run examples/coffee.py
      narrate run pipelines.travel_escape:travel_escape \\
          q="somewhere hot tomorrow" lat:=48.2 lon:=16.4 --replay valencia
      narrate run shop.py:checkout @order.json --save story.ndjson
      narrate run shop.py:checkout @order.json --result | jq .total
      narrate run shop.py:checkout @order.json --answer yes --answer "To Ada, with love"

    What the run asks is answered at the terminal, or beforehand by --answer. Where there is neither, a question that
    would be waited for without end cancels the run.

    Ctrl-C cancels the run, which tells its end; a second one ends the program at once. The exit code is 0 when the run
    finished, 1 when it failed or nobody could answer it, 2 when its input or an answer does not fit and 130 when it was
    cancelled.
    """
    if target.startswith(("http://", "https://")):
        raise WrongUse(f"{target} is a server's address. Runs are started there by `narrate post`.")
    pipeline = targets.load_one(target)
    told, resources = replayed(replay, [target], [pipeline], pace)
    asked = _Asked(
        pipeline=pipeline,
        value=input_of(pipeline, given),
        resources=resources,
        note=told,
        journal=journal,
        way=way,
        keep=save is not None,
        answers=answers,
    )
    if save is not None:
        _check_writable(save)
    with logged() as records, way.apart():
        run_command(partial(_told, asked))
    tell_result(asked.end, way)
    _keep(asked, save)
    explain(asked.cause, records)
    if asked.wrong is not None:
        raise asked.wrong
    sys.exit(exit_code_of(asked.end) if asked.heard is not None else CANCELLED)


def _keep(asked: _Asked, save: Path | None) -> None:
    """Save the story where that is wanted, and say how what is kept of it is shown again."""
    if save is not None and asked.heard is not None:
        save.write_bytes(dump_story(Story(asked.heard.events)))
        note(f"Saved. Show it again: narrate show {shlex.quote(str(save))}")
    if asked.run is not None and asked.journal != "memory:":
        # Behind the options: an id may look like one.
        note(f"Show it again: narrate show --journal {shlex.quote(asked.journal)} -- {asked.run.id}")


async def _told(asked: _Asked) -> None:
    """Run it, and tell its story to the end."""
    journal = _journal(asked.journal)
    try:
        async with trio.open_nursery() as nursery:

            def interrupted(reason: str) -> None:
                nursery.start_soon(remind, asked.way)
                asked.stop(reason)

            with interruptions(interrupted), asked.scope:
                await _run(asked, journal)
            nursery.cancel_scope.cancel()
    except Exception as error:
        raise not_opened(error) from error


async def _run(asked: _Asked, journal: Journal) -> None:
    async with open_narrator([asked.pipeline], journal=journal, resources=asked.resources) as narrator:
        narrator.note = asked.note
        asked.run = await narrator.begin(asked.pipeline, asked.value)
        asked.heard = Overheard(asked.run.events(status=True), keep=asked.keep)
        questioned = Questioned(asked.heard, _questions(asked, asked.run))
        await tell(questioned, asked.way, answer=asked.run.answer)
        questioned.note_left()
        asked.cause = await cause_of(asked.run)


def _questions(asked: _Asked, run: Run) -> Questions:
    async def is_open(_question: Question) -> bool:
        await trio.lowlevel.checkpoint()
        return True  # it was begun here, and has just asked

    return Questions(
        answers=asked.answers,
        asks_here=asked.way.asks_here,
        give=run.answer,
        is_open=is_open,
        nobody=asked.nobody,
        refused=asked.refused,
    )


def _journal(url: str) -> Journal:
    """The journal to keep the run in. Of what others keep there nothing is let go: that is for who serves it."""
    journal = open_journal_url(url)
    if isinstance(journal, SqliteJournal):
        return SqliteJournal(journal.path, Retention(age=math.inf, size=sys.maxsize))
    return journal


def _check_writable(path: Path) -> None:
    """Raise WrongUse where a file could not be written, before anything is done for it."""
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}.") from error
