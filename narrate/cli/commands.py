"""`narrate`, the door to every command. What goes wrong is said in one sentence; only `--debug` shows a traceback."""

from typing import Any

import click
import stamina

from narrate.cli.deliveries import deliveries
from narrate.cli.record import record
from narrate.cli.serve import serve
from narrate.errors import BadInput, NarrateError, RunCut, RunRejected

WRONG_USE, CUT = 2, 3
"""Exit codes beside 0 and 1: what was asked cannot be, and a story whose end was not heard."""


class _Commands(click.Group):
    """Turns our errors into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NarrateError as error:
            if ctx.params.get("debug"):
                raise
            click.ClickException(str(error)).show()
            ctx.exit(_exit_code(error))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="narrate-pipelines", prog_name="narrate")
def narrate(*, debug: bool) -> None:
    """Run slow work as a story: declared steps, told in a fixed reading order while they happen."""


for command in (serve, record, deliveries):
    narrate.add_command(command)


def main() -> None:
    """The `narrate` command."""
    # A retry is told in the story of its run. Stamina's own line about it names neither the step nor the reason.
    stamina.instrumentation.set_on_retry_hooks([])
    narrate()


def _exit_code(error: NarrateError) -> int:
    match error:
        case BadInput() | RunRejected():
            return WRONG_USE
        case RunCut():
            return CUT
    return 1
