"""Finds the pipelines that a command line names: `package.module`, `package.module:name` or `path/to/file.py:name`."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from narrate.errors import NarrateError
from narrate.pipeline import Pipeline
from narrate.template import hint


class TargetError(NarrateError):
    """A target that names no pipeline. The text says what was looked for and what is there."""


def load(target: str) -> list[Pipeline]:
    """The pipeline that a target names, or all that its module defines. Raises TargetError."""
    where, _, name = target.partition(":")
    module = _module(where)
    found = {key: value for key, value in vars(module).items() if isinstance(value, Pipeline)}
    if name:
        if name not in found:
            there = f" It has: {', '.join(found)}." if found else " It has none."
            raise TargetError(f"{where} has no pipeline `{name}`{hint(name, set(found))}.{there}")
        return [found[name]]
    if not found:
        raise TargetError(f"{where} has no pipeline. Name one as `module:name`.")
    return list(dict.fromkeys(found.values()))


def folder(target: str) -> Path:
    """The folder that the target's module lies in."""
    module = _module(target.partition(":")[0])
    return Path(module.__file__ or ".").resolve().parent


def _module(where: str) -> ModuleType:
    # As python -m does: what lies in the working directory can be named.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    if where.endswith(".py"):
        return _file(Path(where))
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(error.name + ".")):
            raise TargetError(f"There is no module `{where}`. A file is named with its `.py`.") from error
        raise TargetError(f"`{where}` needs the module `{error.name}`, which is not installed.") from error


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise TargetError(f"There is no file {path}.")
    path = path.resolve()
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # as python file.py does: what lies beside it can be imported
    name = f"{path} as a target"  # one that no import can ask for, so that a `json.py` takes no other module's place
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
