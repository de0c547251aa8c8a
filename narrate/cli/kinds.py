"""What words of a command line may be: numbers that are numbers, and targets that a shell completes."""

import ast
from collections.abc import Iterator
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

DEEPEST, MOST_FILES = 3, 100
"""How many folders deep a shell's completion looks for files, and how many it gives."""


class AtLeast(click.FloatRange):
    """A number that is one: click's own range lets `nan` pass, since that is not below anything."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Target(StringParamType):
    """`module:name`, `file.py:name`, or either without a name. A shell completes files, and the pipelines in them."""

    name = "target"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 (click's)
        """What it may go on to."""
        return [CompletionItem(one) for one in completions(incomplete)]


def completions(incomplete: str) -> Iterator[str]:
    """The targets that begin so: files that make a pipeline, and of a single file the pipelines."""
    file, colon, begun = incomplete.partition(":")
    if colon:
        yield from (f"{file}:{name}" for name in _pipelines_in(Path(file)) if name.startswith(begun))
        return
    before = incomplete[: incomplete.rfind("/") + 1]
    files = list(islice(_files(Path(before or "."), before, incomplete, DEEPEST), MOST_FILES))
    yield from files
    if len(files) == 1:
        yield from (f"{files[0]}:{name}" for name in _pipelines_in(Path(files[0])))


def _files(folder: Path, before: str, incomplete: str, deepest: int) -> Iterator[str]:
    """The files that begin so in a folder, whose name is `before`, and in those within it."""
    # Whole files and no folders, behind which a shell would put a blank.
    try:
        there = sorted(folder.iterdir())
    except OSError:
        return
    for path in there:
        name = f"{before}{path.name}"
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir() and deepest and (name.startswith(incomplete) or incomplete.startswith(f"{name}/")):
            yield from _files(path, f"{name}/", incomplete, deepest - 1)
        elif path.suffix == ".py" and name.startswith(incomplete) and b"Pipeline(" in _read(path):
            yield name


def _pipelines_in(path: Path) -> Iterator[str]:
    """The names that a file gives to pipelines, as far as they can be read without running it."""
    try:
        module = ast.parse(_read(path))
    except (SyntaxError, ValueError):
        return
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=called)) if _is_pipeline(called):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=called)) if _is_pipeline(called):
                yield name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_pipeline(called: ast.expr) -> bool:
    return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")) == "Pipeline"
