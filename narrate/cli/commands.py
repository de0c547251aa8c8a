"""`narrate`, the door to every command. What goes wrong is said in one sentence; only `--debug` shows a traceback."""

import io
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import click
import stamina

from narrate.cli.declared import check, graph, schema
from narrate.cli.deliveries import deliveries
from narrate.cli.doctor import doctor
from narrate.cli.new import new
from narrate.cli.record import record
from narrate.cli.remote import answer, follow, post
from narrate.cli.run import run
from narrate.cli.serve import serve
from narrate.cli.stories import replay, show
from narrate.cli.work import CANCELLED, CUT, FAILED, WRONG_USE
from narrate.errors import BadInput, CassetteError, NarrateError, RunCut, RunRejected, StoryUnreadable
from narrate.targets import TargetBroken, TargetError

COMMANDS: Mapping[str, Sequence[click.Command]] = {
    "Run": (run, serve, follow, post, answer),
    "Declare": (check, graph, schema, new),
    "Keep": (show, replay, record, deliveries),
    "Examine": (doctor,),
}
"""Every command, in the groups and the order in which the help names them."""


class _Commands(click.Group):
    """Turns our errors into one sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's)
        return [str(command.name) for group in COMMANDS.values() for command in group]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, self.list_commands(ctx)))
        for title, group in COMMANDS.items():
            with formatter.section(title):
                rows = [(str(command.name).ljust(widest), command.get_short_help_str(200)) for command in group]
                formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `--debug` also where it is thought of last: behind the command."""
        end = args.index("--") if "--" in args else len(args)
        rest = [word for word in args[:end] if word != "--debug"]
        return super().parse_args(ctx, ["--debug"] * (len(rest) < end) + rest + args[end:])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NarrateError as error:
            if ctx.params.get("debug"):
                raise
            click.ClickException(str(error)).show()
            ctx.exit(_exit_code(error))
        except click.ClickException as error:
            if ctx.params.get("debug") and error.__cause__ is not None:
                traceback.print_exception(error)
            raise
        except KeyboardInterrupt:
            ctx.exit(CANCELLED)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0    what was asked is done, and the run finished
  1    the run failed, or the command did
  2    it cannot be asked so: a target, an option, an input that does not fit
  3    a story was cut before its end, or a server was not reached
  130  the run was cancelled, or the command was

\b
Completion of commands, options and targets by the shell:
  bash  eval "$(_NARRATE_COMPLETE=bash_source narrate)"     in ~/.bashrc
  zsh   eval "$(_NARRATE_COMPLETE=zsh_source narrate)"      in ~/.zshrc
  fish  _NARRATE_COMPLETE=fish_source narrate | source      in ~/.config/fish/config.fish

`narrate COMMAND --help` says more about each, with examples.""",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="narrate-pipelines", prog_name="narrate")
def narrate(*, debug: bool) -> None:
    """Run slow work as a story: declared steps, told in a fixed reading order while they happen.

    \b
    Begin with one of these:
      narrate run examples/coffee.py
      narrate serve examples/coffee.py
    """


for commands in COMMANDS.values():
    for command in commands:
        narrate.add_command(command)


def main() -> None:
    """The `narrate` command."""
    # A retry is told in the story of its run. Stamina's own line about it names neither the step nor the reason.
    stamina.instrumentation.set_on_retry_hooks([])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no `•` shall see a `?`, not a traceback
    narrate()


def _exit_code(error: NarrateError) -> int:
    match error:
        case TargetBroken():
            return FAILED
        case BadInput() | RunRejected() | TargetError() | CassetteError() | StoryUnreadable():
            return WRONG_USE
        case RunCut():
            return CUT
    return FAILED
