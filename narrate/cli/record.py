"""`narrate record`: a pipeline run live, and what its APIs answer written down to be replayed."""

import sys
from pathlib import Path

import click
import httpx

from narrate import recordings, targets
from narrate.cli.given import input_of
from narrate.cli.kinds import Target
from narrate.cli.work import FAILED, cause_of, explain, logged, not_opened, run_command
from narrate.events import Event, RunFinished
from narrate.narrator import start
from narrate.transport import RecordTransport
from narrate.wire.text import TextForm


@click.command()
@click.argument("target", type=Target())
@click.argument("given", nargs=-1, metavar="[INPUT]...")
@click.option("--to", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write to.")
def record(target: str, given: tuple[str, ...], to: Path) -> None:
    """Run a pipeline and record what its APIs answer, for --replay.

    TARGET is a pipeline: `module:name`, `file.py:name`, or either without a name where there is only one. It is run,
    against the true APIs, once for each INPUT, which is one word as `narrate run` takes it. No secret is written.

    \b
    Examples:
      narrate record shop.py:checkout '{"item": 7}' '{"item": 8}' --to fixtures/two-items
      narrate run shop.py:checkout item:=7 --replay two-items

    What was recorded is written also when a run fails; the exit code is 1 then.
    """
    pipeline = targets.load_one(target)
    inputs = [input_of(pipeline, [word]) for word in given] or [input_of(pipeline, [])]
    ends: list[Event] = []
    causes: list[BaseException | None] = []

    async def main() -> None:
        async with httpx.AsyncHTTPTransport() as live:
            recording = RecordTransport(live, about=f"What the APIs of {pipeline.name} answered.")
            try:
                for one in inputs:
                    async with start(pipeline, one, transport=recording) as run:
                        form = TextForm()
                        async for event in run.events():
                            click.echo(form.story([event]), nl=False)
                        ends.append(event)
                        causes.append(await cause_of(run))
            except Exception as error:
                raise not_opened(error) from error
            finally:
                for path in recordings.save(recording, to):
                    click.echo(f"Wrote {path}")

    with logged() as records:
        run_command(main)
    explain(next(filter(None, causes), None), records)
    if not all(isinstance(end, RunFinished) for end in ends):
        sys.exit(FAILED)
