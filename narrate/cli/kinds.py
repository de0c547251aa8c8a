"""What words of a command line may be: numbers that are numbers, journals, and targets that a shell completes."""

import ast
import re
from collections.abc import Iterator
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from narrate.errors import JournalError
from narrate.journal.urls import open_journal_url

DEEPEST, MOST_FILES = 3, 100
"""How many folders deep a shell's completion looks for files, and how many it gives."""

_MAKES_A_PIPELINE = re.compile(rb"^\w+[^\S\n]*(:[^=\n]+)?=[^\S\n]*([\w.]+\.)?Pipeline\(", re.MULTILINE)
"""A line of a file that gives a pipeline a name; one within a function, as tests have many, is no target."""


class AtLeast(click.FloatRange):
    """A number that is one: click's own range lets `nan` pass, since that is not below anything."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class JournalUrl(StringParamType):
    """`memory:`, or where a file is, as `sqlite:///runs.db`. It remains a text: who opens it says for how long."""

    name = "journal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        url = super().convert(value, param, ctx)
        try:
            open_journal_url(url)
        except JournalError as error:
            self.fail(str(error), param, ctx)
        return url


class Recording(StringParamType):
    """A recording's path, or its name in the folder beside a target, which a shell completes where that is given."""

    name = "recording"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 (click's)
        """The recordings beside the first target."""
        # Where an option still lacks its value, click leaves the arguments before it as they stood.
        first = ctx.args[0] if ctx.args else ""
        return [CompletionItem(one) for one in recordings_of(first, incomplete)]


class Target(StringParamType):
    """`module:name`, `file.py:name`, or either without a name. A shell completes files, and the pipelines in them."""

    name = "target"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 (click's)
        """What it may go on to."""
        return [CompletionItem(one) for one in completions(incomplete)]


def completions(incomplete: str) -> Iterator[str]:
    """The targets that begin so: files and modules that make a pipeline, and of a single one the pipelines."""
    where, colon, begun = incomplete.partition(":")
    if colon:
        yield from (f"{where}:{name}" for name in _pipelines_in(_file_of(where)) if name.startswith(begun))
        return
    before = incomplete[: incomplete.rfind("/") + 1]
    found = list(islice(_files(Path(before or "."), before, incomplete, DEEPEST), MOST_FILES))
    if not before:
        found += _modules(incomplete)
    yield from found
    if len(found) == 1:
        yield from (f"{found[0]}:{name}" for name in _pipelines_in(_file_of(found[0])))


def recordings_of(target: str, incomplete: str) -> Iterator[str]:
    """The names of the recordings beside a target that begin so."""
    fixtures = _file_of(target.partition(":")[0]).parent / "fixtures"
    for path in sorted(fixtures.glob("[!_.]*")):
        name = path.name.removesuffix(".json")
        if name.startswith(incomplete) and (path.suffix == ".json" or any(path.glob("*.json"))):
            yield name


def _file_of(where: str) -> Path:
    """The file that a target's first half names, as far as that can be seen without importing anything."""
    if where.endswith(".py"):
        return Path(where)
    path = Path(*where.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _modules(incomplete: str) -> Iterator[str]:
    """The modules that begin so and have a pipeline, once the package that they are in is written out."""
    package, dot, begun = incomplete.rpartition(".")
    if not dot or not all(map(str.isidentifier, [*package.split("."), begun or "_"])):
        return
    for path in sorted(Path(*package.split(".")).glob(f"{begun}*")):
        name = path.name.removesuffix(".py")
        passed_over = name.startswith("__") or not name.isidentifier() or _is_test(name, begun)
        if not passed_over and _has_pipelines(_file_of(f"{package}.{name}")):
            yield f"{package}.{name}"


def _has_pipelines(path: Path) -> bool:
    return bool(_MAKES_A_PIPELINE.search(_read(path))) or (path.name == "__init__.py" and any(_pipelines_in(path)))


def _files(folder: Path, before: str, incomplete: str, deepest: int) -> Iterator[str]:
    """The files that begin so in a folder, whose name is `before`, and in those within it."""
    # Whole files and no folders, behind which a shell would put a blank.
    try:
        there = sorted(folder.iterdir())
    except OSError:
        return
    for path in there:
        name = f"{before}{path.name}"
        if path.name.startswith((".", "__")) or _is_test(path.name, incomplete.removeprefix(before)):
            continue
        if path.is_dir() and deepest and (name.startswith(incomplete) or incomplete.startswith(f"{name}/")):
            yield from _files(path, f"{name}/", incomplete, deepest - 1)
        elif path.suffix == ".py" and name.startswith(incomplete) and _MAKES_A_PIPELINE.search(_read(path)):
            yield name


def _pipelines_in(path: Path) -> Iterator[str]:
    """The names that a file, or the modules of a package, give to pipelines, as far as they are read, not run."""
    yield from _made_in(path)
    if path.name != "__init__.py":
        return
    for node in _statements(path):
        match node:
            case ast.ImportFrom(module=str(there), level=level):
                made = set(_made_in((path.parents[level - 1] if level else Path()) / _file_of(there)))
                yield from (one.asname or one.name for one in node.names if one.name in made)


def _made_in(path: Path) -> Iterator[str]:
    for node in _statements(path):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=called)) if _is_pipeline(called):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=called)) if _is_pipeline(called):
                yield name


def _statements(path: Path) -> list[ast.stmt]:
    try:
        return ast.parse(_read(path)).body
    except (SyntaxError, ValueError):
        return []


def _is_test(name: str, begun: str) -> bool:
    """Whether a file is a test's, and was not begun as one: pipelines in those are seldom meant."""
    return name.startswith("test_") and not begun.startswith("test_")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_pipeline(called: ast.expr) -> bool:
    return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")) == "Pipeline"
