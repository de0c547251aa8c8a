"""The command line. What goes wrong is said in one sentence; only `--debug` shows a traceback."""

import json
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import httpx
import stamina
import trio

from narrate import recordings, targets
from narrate.errors import NarrateError
from narrate.events import Event, RunFinished
from narrate.narrator import start
from narrate.pipeline import Pipeline
from narrate.server.app import create_app
from narrate.server.options import Options
from narrate.server.proxies import Network, parse_proxies
from narrate.server.serving import serve as serve_app
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


def _proxies(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[Network, ...]:
    try:
        return parse_proxies(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@narrate.command()
@click.argument("target", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--replay", multiple=True, metavar="NAME_OR_DIR", help="Answer from recordings; more lie over the first.")
@click.option("--pace", default=1.0, show_default=True, type=click.FloatRange(0), help="Multiplies recorded waits.")
@click.option(
    "--proxies", default="", callback=_proxies, metavar="NETWORKS", help="Proxies whose headers are believed."
)
@click.option("--max-runs", default=1000, show_default=True, type=click.IntRange(1), help="Runs at once.")
@click.option("--heartbeat", default=15.0, show_default=True, type=click.FloatRange(0.1), help="Seconds of silence.")
@click.option("--access-log/--no-access-log", default=True, show_default=True)
def serve(
    target: tuple[str, ...],
    host: str,
    port: int,
    replay: tuple[str, ...],
    pace: float,
    proxies: tuple[Network, ...],
    max_runs: int,
    heartbeat: float,
    *,
    access_log: bool,
) -> None:
    """Serve pipelines over HTTP: each TARGET is `module:name`, `file.py:name` or a whole module."""
    pipelines = [pipeline for named in target for pipeline in targets.load(named)]
    note, resources = _replay(replay, target, pipelines, pace)
    options = Options(heartbeat=heartbeat, max_runs=max_runs, trusted_proxies=proxies, note=note)
    app = create_app(*pipelines, options=options, resources=resources)

    if access_log:
        _log_access()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            address = await nursery.start(partial(serve_app, app, host=host, port=port))
            for pipeline in pipelines:
                click.echo(f"{pipeline.title}  POST {address}{pipeline.path}")
            if note:
                click.echo(note)
            click.echo(f"Open {address}/ to try it. Press Ctrl-C to stop.")

    _run(main)
    click.echo("Stopped.")


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

    _run(main)
    if not all(isinstance(end, RunFinished) for end in ends):
        sys.exit(1)


def main() -> None:
    """The `narrate` command."""
    # A retry is told in the story of its run. Stamina's own line about it names neither the step nor the reason.
    stamina.instrumentation.set_on_retry_hooks([])
    narrate()


def _replay(
    names: Sequence[str], target: Sequence[str], pipelines: Sequence[Pipeline], pace: float
) -> tuple[str | None, dict[str, Any]]:
    """What a story says first, and what stands in for resources, when recordings are to be replayed."""
    if not names:
        return None, {}
    beside = targets.folder(target[0])
    recording = recordings.world([recordings.find(name, beside) for name in names])
    resources = recordings.stand_ins(recording, pipelines, pace=pace)
    if "transport" not in resources:
        raise click.UsageError("Nothing here can be replayed: no pipeline has the resource `transport`.")
    return recordings.note_of(recording), resources


def _log_access() -> None:
    """Write a line for each request to standard output."""
    log = logging.getLogger("narrate.access")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers = [logging.StreamHandler(sys.stdout)]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is not JSON: {error}.") from error


def _run(main: Any) -> None:
    """Run it under trio; an error of ours comes out as itself, whatever nurseries it passed."""
    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        first: BaseException = group.subgroup(KeyboardInterrupt) or group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, KeyboardInterrupt):
            sys.exit(130)
        if not isinstance(first, NarrateError):
            raise
        raise first from group
    except KeyboardInterrupt:
        sys.exit(130)
