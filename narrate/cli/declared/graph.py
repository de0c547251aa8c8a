"""`narrate graph`: a pipeline drawn, in the terminal or for a document."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from narrate import targets
from narrate.cli.kinds import Target
from narrate.cli.work import WrongUse
from narrate.events import Outlined
from narrate.graph import as_mermaid, as_svg, as_text

Drawing = Callable[[str, Sequence[Outlined]], str]

BY_SUFFIX: Mapping[str, Drawing] = {
    ".svg": as_svg,
    ".mmd": as_mermaid,
    ".mermaid": as_mermaid,
    ".txt": as_text,
    "": as_text,
}
"""What is drawn into a file by what its name says."""

FRAMES = "[─│┌┐└┘┬┄┊╭╮╰╯═║╔╗╚╝╤▼]+"


@click.command()
@click.argument("target", type=Target())
@click.option("--mermaid", is_flag=True, help="As a Mermaid flowchart.")
@click.option("--svg", is_flag=True, help="As an SVG, for light and dark pages.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to a file; `.svg`, `.mmd` or `.txt` say what it is to be.",
)
def graph(target: str, *, mermaid: bool, svg: bool, out: Path | None) -> None:
    """Draw a pipeline: stages from top to bottom, side by side what runs at the same time.

    TARGET is `module:name`, `file.py:name`, or either without a name where it has one pipeline.

    \b
    Examples:
      narrate graph examples/coffee.py
      narrate graph examples/coffee.py --mermaid
      narrate graph examples/coffee.py --out coffee.svg
    """
    if mermaid and svg:
        raise WrongUse("One drawing is either --mermaid or --svg. Ask for one of them.")
    asked = as_mermaid if mermaid else as_svg if svg else None
    pipeline = targets.load_one(target)
    if out is not None:
        _write(out, _drawing_for(out, asked)(pipeline.title, pipeline.outline))
    elif asked is not None:
        click.echo(asked(pipeline.title, pipeline.outline), nl=False)
    else:
        console = Console(highlight=False)
        drawn = Text(as_text(pipeline.title, pipeline.outline, console.width))
        drawn.highlight_regex(FRAMES, "dim")
        console.print(drawn, soft_wrap=True, end="")


def _drawing_for(out: Path, asked: Drawing | None) -> Drawing:
    """What to draw into a file. Raises WrongUse where its name says nothing, or another thing than was asked for."""
    suffix = out.suffix.lower()
    said = BY_SUFFIX.get(suffix)
    if asked is None:
        if said is None:
            raise WrongUse(f"A drawing is no {suffix} file. Name it .svg, .mmd (Mermaid) or .txt, or ask for --svg.")
        return said
    if suffix and said not in (asked, None):
        raise WrongUse(f"{out} is no name for what was asked for. Rename it, or leave out --svg and --mermaid.")
    return asked


def _write(path: Path, drawn: str) -> None:
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}.") from error
    click.echo(f"Wrote {path}")
