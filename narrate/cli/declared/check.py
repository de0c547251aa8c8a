"""`narrate check`: every pipeline loaded, which checks it, and what it will do, to be read before it does it."""

from collections.abc import Iterator

import click
from rich.console import Console

from narrate import targets
from narrate.cli.declared.sheet import sheet_of
from narrate.cli.kinds import Target
from narrate.cli.work import note
from narrate.errors import NarrateError
from narrate.pipeline import Pipeline


@click.command()
@click.argument("target", nargs=-1, required=True, type=Target())
def check(target: tuple[str, ...]) -> None:
    """Check pipelines and show what they will do, in reading order.

    Each TARGET is `module:name`, `file.py:name`, or either without a name for all that is in it. A pipeline that could
    never run is said with its place in the file and with what would mend it, and the exit code is 1. Nothing is run.

    \b
    Examples:
      narrate check examples/coffee.py
      narrate check pipelines.travel_escape:travel_escape
    """
    broken: list[NarrateError] = []
    sound = list(dict.fromkeys(_loaded(target, broken)))
    for pipeline in sound:
        _print(pipeline)
    if sound:
        click.echo("1 pipeline is sound." if len(sound) == 1 else f"{len(sound)} pipelines are sound.")
    for line in _taken_twice(sound):
        note(line)
    for error in broken[:-1]:
        click.ClickException(str(error)).show()
    if broken:
        raise broken[-1]


def _taken_twice(pipelines: list[Pipeline]) -> Iterator[str]:
    """What keeps pipelines from being served together, each of which is sound by itself."""
    taken: dict[str, Pipeline] = {}
    for pipeline in pipelines:
        first = taken.setdefault(pipeline.path, pipeline)
        if first is not pipeline:
            yield (
                f"`{first.name}` and `{pipeline.name}` both answer at {pipeline.path}, so they cannot be served "
                "together. Give one another with `path=`."
            )


def _print(pipeline: Pipeline) -> None:
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(sheet_of(pipeline), "")
    # Its columns are filled up with blanks, which would only be in the way in a file.
    click.echo("\n".join(line.rstrip() for line in captured.get().split("\n")), nl=False)


def _loaded(named: tuple[str, ...], broken: list[NarrateError]) -> Iterator[Pipeline]:
    """All pipelines that are sound. What is wrong with the others is kept, so that one look finds every mistake."""
    for one in named:
        try:
            yield from targets.load(one)
        except NarrateError as error:
            broken.append(error)
