"""Recordings in place of the world, for the commands that run a pipeline: `--replay` and `--pace`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from narrate import recordings, targets
from narrate.cli.kinds import AtLeast, Recording
from narrate.pipeline import Pipeline

F = TypeVar("F", bound=Callable[..., Any])


def replay_options(command: F) -> F:
    """Give a command the options `--replay` and `--pace`."""
    for option in (
        click.option("--pace", default=1.0, show_default=True, type=AtLeast(0), help="Multiplies recorded waits."),
        click.option(
            "--replay",
            multiple=True,
            type=Recording(),
            metavar="NAME_OR_DIR",
            help="Answer from recordings; more lie over the first.",
        ),
    ):
        command = option(command)
    return command


def replayed(
    names: Sequence[str], target: Sequence[str], pipelines: Sequence[Pipeline], pace: float
) -> tuple[str | None, dict[str, Any]]:
    """What a story says first, and what stands in for resources, when recordings are to be replayed.

    A name is looked for beside the first target. Raises CassetteError, and UsageError where nothing can be replayed.
    """
    if not names:
        return None, {}
    beside = targets.folder(target[0])
    recording = recordings.world([recordings.find(name, beside) for name in names])
    resources = recordings.stand_ins(recording, pipelines, pace=pace)
    if "transport" not in resources:
        raise click.UsageError("Nothing here can be replayed: no pipeline has the resource `transport`.")
    return recordings.note_of(recording), resources
