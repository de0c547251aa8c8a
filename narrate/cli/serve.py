"""The `serve` command: what can be asked of a server on the command line, and who serves then.

One process serves by itself. Of several the parent reads the same command line and does all that can go wrong in it,
so that a mistake is said once and as by one process, before any worker is started.
"""

import logging
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import click
import trio
from quart_trio import QuartTrio

from narrate import targets
from narrate.cli.kinds import AtLeast, JournalUrl, Target
from narrate.cli.replays import replay_options, replayed
from narrate.cli.work import run_command, say_waiting
from narrate.journal.base import Journal
from narrate.journal.urls import open_journal_url
from narrate.server.app import create_app, service_of
from narrate.server.callbacks import CallbackPolicy
from narrate.server.options import Options
from narrate.server.proxies import Network, parse_proxies
from narrate.server.serving import listen
from narrate.server.serving import serve as serve_app
from narrate.server.worker import Line, Up, work
from narrate.server.workers import supervise

WEBHOOK_SECRETS = "NARRATE_WEBHOOK_SECRETS"
"""The environment variable with the secrets that webhooks are signed with. No option: a command line is seen by all."""

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command line of `serve`, as click has read it."""

    target: tuple[str, ...]
    host: str
    port: int
    workers: int
    worker: tuple[int, int] | None
    journal: str
    keep_for: float
    replay: tuple[str, ...]
    pace: float
    proxies: tuple[Network, ...]
    cors: tuple[str, ...]
    max_runs: int
    max_runs_per_caller: int | None
    callback_host: tuple[str, ...]
    allow_private_callbacks: bool
    allow_http_callbacks: bool
    public_url: str
    heartbeat: float
    grace: float
    access_log: bool


class _Repeatable(click.Command):
    """Keeps its arguments as they were given, to be given to the workers."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[__name__] = tuple(args)
        return super().parse_args(ctx, args)


def _proxies(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[Network, ...]:
    try:
        return parse_proxies(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _seconds(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not a time such as 90s, 30m, 36h or 7d.")
    return float(match[1]) * SECONDS[match[2]]


def _public_url(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value and not _is_base(value):
        raise click.BadParameter(f"{value!r} is no address such as https://api.example/app.")
    return value


def _is_base(url: str) -> bool:
    """Whether other addresses can stand below this one."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is none
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)


@click.command(cls=_Repeatable)
@click.argument("target", nargs=-1, required=True, type=Target())
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Processes that serve; several need a journal.",
)
@click.option("--worker", nargs=2, type=int, hidden=True)
@click.option(
    "--journal",
    default="memory:",
    show_default=True,
    type=JournalUrl(),
    metavar="URL",
    help="Where runs are kept, as sqlite:///runs.db.",
)
@click.option(
    "--keep-for",
    default="1d",
    show_default=True,
    callback=_seconds,
    metavar="TIME",
    help="How long ended runs are kept.",
)
@click.option("--grace", default=10.0, show_default=True, type=AtLeast(0), help="Seconds for runs at a stop.")
@replay_options
@click.option(
    "--proxies", default="", callback=_proxies, metavar="NETWORKS", help="Proxies whose headers are believed."
)
@click.option("--cors", multiple=True, metavar="ORIGIN", help="Let pages of this origin ask, too; may be repeated.")
@click.option(
    "--max-runs", default=1000, show_default=True, type=click.IntRange(1), help="Runs at once, in each process."
)
@click.option("--max-runs-per-caller", type=click.IntRange(1), help="Runs at once of one caller.")
@click.option("--callback-host", multiple=True, metavar="HOST", help="Send webhooks to no other; may be repeated.")
@click.option("--allow-private-callbacks", is_flag=True, help="Send webhooks to private addresses, too.")
@click.option("--allow-http-callbacks", is_flag=True, help="Send webhooks without TLS, too.")
@click.option(
    "--public-url",
    default="",
    callback=_public_url,
    metavar="URL",
    help="Where others reach this server, for links in webhooks.",
)
@click.option("--heartbeat", default=15.0, show_default=True, type=AtLeast(0.1), help="Seconds of silence.")
@click.option("--access-log/--no-access-log", default=True, show_default=True)
@click.pass_context
def serve(ctx: click.Context, /, **given: Any) -> None:
    """Serve pipelines over HTTP, with a page to try them.

    Each TARGET is `module:name`, `file.py:name`, or either without a name for all the pipelines that are in it.

    \b
    Examples:
      narrate serve examples/coffee.py
      narrate serve pipelines.travel_escape:travel_escape --replay valencia
      narrate serve shop.py bank.py --journal sqlite:///runs.db --workers 4 --port 80 --host 0.0.0.0

    Webhooks are signed with the secrets in the environment variable NARRATE_WEBHOOK_SECRETS; two, with a space between,
    while one takes the place of the other.
    """
    asked = Asked(**given)
    if asked.worker is not None:
        socket_number, line_number = asked.worker
        with Line(line_number) as line, line.telling():
            app, _ = _made(asked)
            run_command(partial(work, app, socket_number, line))
        return
    app, tell = _made(asked)
    if asked.workers > 1:
        command = [*_this_program(), str(ctx.info_name)]
        listening = listen(asked.host, asked.port)
        waits = partial(click.echo, f"Waiting up to {asked.grace:g} s for runs; Ctrl-C again stops at once.")
        run_command(partial(supervise, command, ctx.meta[__name__], listening, asked.workers, tell, waits))
    else:
        run_command(partial(_serve_alone, app, asked, tell))
    click.echo("Stopped.")


def _this_program() -> list[str]:
    """The command that starts this program anew, as it was started: with the interpreter's options, by `-m` or not."""
    return [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]]


async def _serve_alone(app: QuartTrio, asked: Asked, tell: Callable[[Up], None]) -> None:
    async with trio.open_nursery() as nursery:
        address = await nursery.start(partial(serve_app, app, host=asked.host, port=asked.port, waits=say_waiting))
        tell(Up(address, service_of(app).picked_up))


def _made(asked: Asked) -> tuple[QuartTrio, Callable[[Up], None]]:
    """The app that was asked for, not yet opened, and what says that it is up."""
    pipelines = list(dict.fromkeys(pipeline for named in asked.target for pipeline in targets.load(named)))
    note, resources = replayed(asked.replay, asked.target, pipelines, asked.pace)
    app = create_app(*pipelines, options=_options(asked, note), journal=_journal(asked), resources=resources)
    if asked.access_log:
        _log_access()

    def tell(up: Up) -> None:
        for pipeline in pipelines:
            click.echo(f"{pipeline.title}  POST {up.address}{pipeline.path}")
        if note:
            click.echo(note)
        if up.picked_up:
            click.echo(f"{up.picked_up} interrupted {'run goes' if up.picked_up == 1 else 'runs go'} on.")
        click.echo(f"Open {up.address}/ to try it. Press Ctrl-C to stop.")

    return app, tell


def _options(asked: Asked, note: str | None) -> Options:
    try:
        return Options(
            heartbeat=asked.heartbeat,
            max_runs=asked.max_runs,
            max_runs_per_caller=asked.max_runs_per_caller,
            trusted_proxies=asked.proxies,
            cors_origins=asked.cors,
            callbacks=CallbackPolicy(
                hosts=asked.callback_host, private=asked.allow_private_callbacks, http=asked.allow_http_callbacks
            ),
            webhook_secrets=tuple(os.environ.get(WEBHOOK_SECRETS, "").split()),
            grace=asked.grace,
            public_url=asked.public_url,
            note=note,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _journal(asked: Asked) -> Journal:
    journal = open_journal_url(asked.journal, asked.keep_for)
    if asked.workers > 1 and not journal.durable:
        raise click.UsageError(
            f"{asked.workers} workers need a journal that all of them can read, so that any of them can answer for any "
            "run. Give them one with --journal sqlite:///runs.db."
        )
    return journal


def _log_access() -> None:
    """Write a line for each request to standard output."""
    log = logging.getLogger("narrate.access")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers = [logging.StreamHandler(sys.stdout)]
