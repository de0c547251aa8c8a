"""`narrate record`: a pipeline run live, and what its APIs answer written down to be replayed."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import httpx

from narrate import recordings, targets
from narrate.cli.work import run_command
from narrate.events import Event, RunFinished
from narrate.narrator import start
from narrate.transport import RecordTransport
from narrate.wire.text import TextForm


@click.command()
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


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is not JSON: {error}.") from error
