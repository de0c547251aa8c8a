"""`narrate show` and `narrate replay`: stories that were kept, shown as they were told or told once more."""

import math
import re
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import click
import msgspec
import trio
from rich.console import Console

from narrate.cli.interrupting import interruptions
from narrate.cli.kinds import AtLeast, JournalUrl
from narrate.cli.telling import Overheard, Way, exit_code_of, tell, tell_result, telling_options
from narrate.cli.work import CANCELLED, WrongUse, note, run_command, say_waiting, standard_input
from narrate.errors import DeclarationError, StoryUnreadable
from narrate.events import Event, RunId, Terminal, to_json
from narrate.journal.base import Begun, Retention
from narrate.journal.catalogue import newest_runs
from narrate.journal.sqlite import SqliteJournal
from narrate.journal.urls import open_journal_url
from narrate.narrator import start
from narrate.pipeline import Pipeline
from narrate.replaying import CUT, replayed
from narrate.running import Run
from narrate.saved import load_story
from narrate.server.app import create_app
from narrate.server.serving import serve
from narrate.snapshot import listed
from narrate.story import Story
from narrate.terminal import draw

T = TypeVar("T")

MOST_LISTED = 20

_DASHED = re.compile(r"-\w[\w-]+|-[\w-]{21}", re.ASCII)
"""A run's id that looks like an option: none has one dash and several letters, or the length of an id."""


class _OfRuns(click.Command):
    """Takes an id that begins with `-` for what it is: one in 64 does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        runs = [word for word in args if _DASHED.fullmatch(word)]
        others = [word for word in args if word not in runs]
        return super().parse_args(ctx, [*others, "--", *runs] if runs and "--" not in args else args)


@click.command(cls=_OfRuns)
@click.argument("what", required=False, type=click.Path(), metavar="[FILE | RUN]")
@click.option("--journal", type=JournalUrl(), metavar="URL", help="The journal that has the run: sqlite:///runs.db.")
@click.option("--details", is_flag=True, help="Show the data of each detail.")
@click.option("--json", "as_json", is_flag=True, help="Each event as a line of JSON, as the run told them.")
@click.option("--most", default=MOST_LISTED, show_default=True, type=click.IntRange(1), help="Runs to list at most.")
def show(what: str | None, journal: str | None, most: int, *, details: bool, as_json: bool) -> None:
    """Show the story of a run that was saved, or that a journal keeps.

    FILE is what `narrate run --save` wrote, or the output of `--json`, or of `Accept: application/x-ndjson`; `-` reads
    it from standard input. Without a RUN, the runs of a journal are listed, the newest first.

    \b
    Examples:
      narrate show story.ndjson
      narrate show story.ndjson --details
      narrate show --journal sqlite:///runs.db
      narrate show 7zKx4yTtqg2n --journal sqlite:///runs.db

    The exit code is 0 when the story was shown, however it ended.
    """
    if journal is None:
        if what is None:
            raise click.UsageError("Say which story: a file, or a journal with --journal sqlite:///runs.db.")
        _show(_read(what), details=details, as_json=as_json)
        return
    kept = _existing(journal)
    if what is None:
        runs = run_command(partial(_opened, kept, partial(newest_runs, kept, most)))
        for line in _listed(runs, as_json=as_json):
            click.echo(line)
    else:
        story = run_command(partial(_opened, kept, partial(_story_of, kept, RunId(what))))
        _show(story, details=details, as_json=as_json)
        if story.end is None:
            note("This run has not ended.")


@click.command()
@click.argument("file", type=click.Path())
@click.option("--pace", default=1.0, show_default=True, type=AtLeast(0), help="Multiplies its waits; 0 is at once.")
@click.option("--serve", "served", is_flag=True, help="Serve it to a page and to clients, for who works on those.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --serve: the address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--path", metavar="PATH", help="With --serve: the path to answer at; left out, / and the pipeline's name."
)
@telling_options
def replay(file: str, pace: float, host: str, port: int, path: str | None, way: Way, *, served: bool) -> None:
    """Tell a saved run again, in its own timing.

    FILE is what `narrate run --save` wrote; `-` reads it from standard input. Nothing is performed: every event, and
    every status, is told when it was told then.

    \b
    Examples:
      narrate replay story.ndjson
      narrate replay story.ndjson --pace 0.2
      narrate replay story.ndjson --serve --port 8001 --path /assist

    The exit code is that of the run: 0 finished, 1 failed, 130 cancelled; 3 where what was saved stops before the end.
    With --serve every POST to the pipeline's address begins the same run anew, whatever it is given.
    """
    if path is not None and not served:
        raise click.UsageError("--path is where a replay is served: ask for --serve, too.")
    story = _read(file)
    pipeline = _replayed(story, file, pace, path)
    if served:
        run_command(partial(_serve, pipeline, host, port, guessed=path is None))
        click.echo("Stopped.")
        return
    heard = run_command(partial(_tell_again, pipeline, story.last if story.end is None else None, way))
    if heard is None:
        sys.exit(CANCELLED)
    tell_result(heard.end, way)
    if heard.end is None:
        note(f"{CUT} What became of the run was not saved.")
    sys.exit(exit_code_of(heard.end))


class _UpTo(AsyncIterator[Event]):
    """A run's events, up to the number where its story was cut: how that is closed here nobody told then.

    All of them where it was not cut, or the run was `stopped` here.
    """

    def __init__(self, events: AsyncIterable[Event], last: int | None) -> None:
        self.stopped = False
        self._events = aiter(events)
        self._last = last

    async def __anext__(self) -> Event:
        event = await anext(self._events)
        if self._last is not None and event.n > self._last and not self.stopped:
            raise StopAsyncIteration
        return event


async def _tell_again(pipeline: Pipeline, cut: int | None, way: Way) -> Overheard | None:
    """Tell it as a run of this process, up to event `cut`; None where that was broken off before it began."""
    runs: list[tuple[Run, _UpTo]] = []
    heard: Overheard | None = None
    with trio.CancelScope() as scope:

        def stop(reason: str) -> None:
            for run, events in runs:
                events.stopped = True
                run.cancel(reason)
            if not runs:
                scope.cancel()

        with interruptions(stop):
            async with start(pipeline) as run:
                events = _UpTo(run.events(status=True), cut)
                runs.append((run, events))
                heard = Overheard(events)
                await tell(heard, way, interrupt="stop")
    return heard


async def _serve(pipeline: Pipeline, host: str, port: int, *, guessed: bool) -> None:
    app = create_app(pipeline)
    async with trio.open_nursery() as nursery:
        address = await nursery.start(partial(serve, app, host=host, port=port, waits=say_waiting))
        click.echo(f"{pipeline.title}  POST {address}{pipeline.path}")
        if guessed:
            click.echo("A story does not say at which path its pipeline answered. Choose it with --path.")
        click.echo(f"Open {address}/ to see it told again. Press Ctrl-C to stop.")


def _replayed(story: Story, name: str, pace: float, path: str | None) -> Pipeline:
    try:
        return replayed(story, pace=pace, path=path)
    except StoryUnreadable as error:
        raise StoryUnreadable(name, error.what, error.line) from error
    except DeclarationError as error:
        raise WrongUse(error.what) from error


def _read(name: str) -> Story:
    """The story in a file. Raises StoryUnreadable, and WrongUse where there is no such file."""
    if name == "-":
        return load_story(standard_input(), "standard input")
    path = Path(name)
    if not path.exists():
        raise WrongUse(
            f"There is no file {name}. A run that a journal keeps is shown with --journal sqlite:///runs.db."
        )
    try:
        return load_story(path.read_bytes(), name)
    except OSError as error:
        raise WrongUse(f"{name} cannot be read: {error.strerror}.") from error


def _show(story: Story, *, details: bool, as_json: bool) -> None:
    if as_json:
        for event in story.events:
            click.echo(to_json(event))
        return
    console = Console(highlight=False, force_interactive=False)  # what is over is not redrawn
    run_command(partial(draw, _Told(story.events), console, details=details, keys=False))


class _Told(AsyncIterator[Event]):
    """Events that are there already, for who waits for them."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = iter(events)

    async def __anext__(self) -> Event:
        await trio.lowlevel.checkpoint()
        for event in self._events:
            return event
        raise StopAsyncIteration


def _existing(url: str) -> SqliteJournal:
    """The journal of this URL, to be looked into: nothing in it is let go. Raises WrongUse."""
    journal = open_journal_url(url)
    if not isinstance(journal, SqliteJournal):
        raise WrongUse("A journal in memory is gone with its process. Name the file of one: sqlite:///runs.db.")
    if not journal.path.exists():
        raise WrongUse(f"{journal.path}: there is no such journal.")
    return SqliteJournal(journal.path, Retention(age=math.inf, size=sys.maxsize))


async def _opened(journal: SqliteJournal, look: Callable[[], Awaitable[T]]) -> T:
    """What is seen in a journal."""
    async with journal.open():
        return await look()


async def _story_of(journal: SqliteJournal, run: RunId) -> Story:
    """What a journal has of a run. Raises WrongUse where it has none, RecordGone where it has no more."""
    reader = await journal.maybe_reader(run)
    if reader is None:
        raise WrongUse(f"There is no run {run} in this journal. `narrate show --journal …` without a run lists them.")
    return Story(reader.take_nowait())


def _listed(runs: Sequence[tuple[Begun, Terminal | None]], *, as_json: bool) -> Sequence[str]:
    if as_json:
        return [
            msgspec.json.encode(listed(begun.run, begun.pipeline, begun.began, end)).decode() for begun, end in runs
        ]
    width = max((len(begun.pipeline) for begun, _ in runs), default=0)
    return [_line(begun, end, width) for begun, end in runs] or ["There are none."]


def _line(begun: Begun, end: Terminal | None, width: int) -> str:
    told = listed(begun.run, begun.pipeline, begun.began, end)
    took = f"in {told.seconds:.1f} s" if told.seconds is not None else ""
    why = f"  {told.problem.sentence}" if told.problem is not None else f"  {told.reason}" if told.reason else ""
    when = f"{datetime.fromtimestamp(begun.began, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{begun.run}  {when}  {begun.pipeline:{width}}  {told.state:9} {took}{why}".rstrip()
