"""`narrate new`: a small pipeline that works, with its tests, to be changed into one's own."""

import keyword
import shlex
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from importlib.resources import files
from pathlib import Path
from string import Template
from unicodedata import normalize

import click

from narrate.cli.work import WrongUse

LONGEST = 40
"""Characters of a name: with a longer one, the lines that it stands in would have to be broken."""

TEMPLATES: Mapping[str, str] = {"{}.py": "pipeline.py.template", "test_{}.py": "test_pipeline.py.template"}
"""What a file is called, given the module's name, and what it is made of."""


@click.command()
@click.argument("name")
@click.option("--here", is_flag=True, help="Write into this folder, not into a new one called NAME.")
def new(name: str, *, here: bool) -> None:
    """Make a small working pipeline with its tests.

    They are NAME.py and test_NAME.py, in a new folder called NAME. No file that exists is written over.

    \b
    Examples:
      narrate new parcel-quotes
      narrate new quotes --here
    """
    module = module_name(name)
    folder = Path() if here else Path(name)
    texts = {folder / called.format(module): _filled(made_of, name, module) for called, made_of in TEMPLATES.items()}
    _refuse_to_write_over(folder, *texts)
    _refuse_to_shadow(module)
    for path, text in texts.items():
        _write(path, text)
        click.echo(f"Made {path}")
    made, tests = texts
    for line in _what_next(made, tests if here else folder):
        click.echo(line)


def module_name(name: str) -> str:
    """The name that Python can import it by. Raises WrongUse for one that cannot be made into such a name."""
    module = normalize("NFKC", name.replace("-", "_"))  # as Python does with what it imports
    if keyword.iskeyword(module):
        raise WrongUse(f"`{name}` is a word of Python's own and cannot name a module. Choose another name.")
    if not module.isidentifier() or module.startswith("_"):
        raise WrongUse(
            f"`{name}` cannot name a module: a name begins with a letter and goes on with letters, digits, `-` or `_`."
        )
    if module == "conftest" or module.startswith("test_"):
        raise WrongUse(f"`{name}` is a name that pytest takes for its own. {_ANOTHER}")
    if len(module) > LONGEST:
        raise WrongUse(f"`{name}` is longer than {LONGEST} characters. Choose a shorter name.")
    return module


def _refuse_to_write_over(folder: Path, *paths: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise WrongUse(f"{folder} is a file. Choose another name, or write into this folder with --here.")
    for path in paths:
        if path.exists() or path.is_symlink():
            raise WrongUse(f"{path} exists already, and is left as it is. Choose another name.")


def _refuse_to_shadow(module: str) -> None:
    """Refuse a name by which another module is imported: the new file would take its place, with strange errors."""
    if module in sys.stdlib_module_names:
        raise WrongUse(f"`{module}` is a module of Python itself, whose place {module}.py would take. {_ANOTHER}")
    here = ("", str(Path.cwd()))
    found = PathFinder.find_spec(module, [place for place in sys.path if place not in here])
    if module in packages_distributions() or (found is not None and found.origin is not None):
        raise WrongUse(f"`{module}` is a module that is installed, whose place {module}.py would take. {_ANOTHER}")


_ANOTHER = "Choose another name."


def _filled(template: str, name: str, module: str) -> str:
    text = files("narrate").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(name=name, module=module)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}.") from error


def _what_next(made: Path, tests: Path) -> list[str]:
    target = shlex.quote(str(made))
    tried = {
        "Run it": f"narrate run {target} text='The cat and the end of the cat.'",
        "Test it": f"pytest {shlex.quote(str(tests))}",
        "See what it will do": f"narrate check {target}",
        "Serve it": f"narrate serve {target}",
    }
    width = max(map(len, tried))
    return ["", *(f"  {what:{width}}  {command}" for what, command in tried.items())]
