"""The command line. What goes wrong is said in one sentence; only `--debug` shows a traceback."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import httpx
import stamina

from narrate import recordings, targets
from narrate.cli_deliveries import deliveries
from narrate.cli_run import run_command
from narrate.cli_serve import serve
from narrate.errors import NarrateError
from narrate.events import Event, RunFinished
from narrate.narrator import start
from narrate.transport import RecordTransport
from narrate.wire.text import TextForm


class _Commands(click.Group):
    """Turns our errors into one sentence and exit code 1; 2 stays what click gives for a wrong use."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NarrateError as error:
            if ctx.params.get("debug"):
                raise
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="narrate-pipelines", prog_name="narrate")
def narrate(*, debug: bool) -> None:
    """Run slow work as a story: declared steps, told in a fixed reading order while they happen."""


narrate.add_command(serve)
narrate.add_command(deliveries)


@narrate.command()
@click.argument("target")
@click.argument("given", nargs=-1, metavar="JSON...")
@click.option("--to", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write to.")
def record(target: str, given: tuple[str, ...], to: Path) -> None:
    """Run TARGET live for each input and record what its APIs answer, without any secret, to be replayed.

    What was recorded is written also when a run fails; the exit code is 1 then.
    """
    pipelines = targets.load(target)
    if len(pipelines) != 1:
        raise click.UsageError(f"{target} has {len(pipelines)} pipelines. Name one as `module:name`.")
    inputs = [_json(text) for text in given] or [None]
    for one in inputs:
        pipelines[0].validate(one)
    ends: list[Event] = []

    async def main() -> None:
        async with httpx.AsyncHTTPTransport() as live:
            recording = RecordTransport(live, about=f"What the APIs of {pipelines[0].name} answered.")
            try:
                for one in inputs:
                    async with start(pipelines[0], one, transport=recording) as run:
                        form = TextForm()
                        async for event in run.events():
                            click.echo(form.story([event]), nl=False)
                    ends.append(event)
            finally:
                for path in recordings.save(recording, to):
                    click.echo(f"Wrote {path}")

    run_command(main)
    if not all(isinstance(end, RunFinished) for end in ends):
        sys.exit(1)


def main() -> None:
    """The `narrate` command."""
    # A retry is told in the story of its run. Stamina's own line about it names neither the step nor the reason.
    stamina.instrumentation.set_on_retry_hooks([])
    narrate()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is not JSON: {error}.") from error
