"""Finds the pipelines that a command line names: `package.module`, `package.module:name` or `path/to/file.py:name`.

What goes wrong in somebody's module is said by its place: whose file, which line.
"""

import importlib
import importlib.util
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType

from narrate.errors import NarrateError
from narrate.pipeline import Pipeline
from narrate.template import hint


class TargetError(NarrateError):
    """A target that names no pipeline. The text says what was looked for and what is there."""


class TargetBroken(TargetError):
    """A target whose module cannot be loaded. The text says what was raised, and where."""


def load_one(target: str) -> Pipeline:
    """The one pipeline that a target names. Raises as `load`, and TargetError where its module has several."""
    where, _, _ = target.partition(":")
    found = load(target)
    if len(found) > 1:
        names = {value: key for key, value in reversed(vars(_module(where)).items()) if value in found}
        listed = ", ".join(f"{where}:{names[one]}" for one in found)
        raise TargetError(f"{where} has {len(found)} pipelines. Name one: {listed}.")
    return found[0]


def load(target: str) -> list[Pipeline]:
    """The pipeline that a target names, or all that its module defines.

    Raises TargetError, and DeclarationError where the module declares something that could never run.
    """
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


def place_of(error: BaseException) -> str:
    """Where an error was raised: the last line of a file that was not installed, or else the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not _is_installed(frame.filename)]
    last = (theirs or list(frames))[-1:]
    return "".join(f"{shown(Path(frame.filename))}, line {frame.lineno}" for frame in last)


def shown(path: Path) -> Path:
    """A path as it is shown: from the working directory where it lies in it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _is_installed(filename: str) -> bool:
    """Whether a file is part of Python, of an installed package, of narrate, or no file at all."""
    return not Path(filename).is_file() or any(Path(filename).is_relative_to(folder) for folder in _INSTALLED)


_INSTALLED = (Path(__file__).parent, *(Path(sysconfig.get_path(one)) for one in ("stdlib", "purelib", "platlib")))


def _module(where: str) -> ModuleType:
    is_file = where.endswith(".py")
    if not where or (where.startswith(".") and not is_file):
        raise TargetError(f"`{where}` names no module. Write `package.module`, or a file with its `.py`.")
    # As python -m does: what lies in the working directory can be named.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return _file(Path(where)) if is_file else _named(where)
    except NarrateError:
        raise
    except SyntaxError as error:
        raise TargetBroken(_no_python(error)) from error
    except (Exception, SystemExit) as error:
        # Of a module of somebody's own, which may raise anything while it is imported.
        raise TargetBroken(_raised(where, error)) from error


def _named(where: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(error.name + ".")):
            raise TargetError(f"There is no module `{where}`. A file is named with its `.py`.") from error
        raise


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


def _no_python(error: SyntaxError) -> str:
    told = (error.msg or "it cannot be read").rstrip(".")
    where = f"{shown(Path(error.filename))}, line {error.lineno}" if error.filename else "a file that it needs"
    line = f"\n  {error.text.strip()}" if error.text else ""
    return f"{where} is no Python: {told}.{line}"


def _raised(where: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"`{where}` needs the module `{error.name}`, which is not installed ({place_of(error)})."
    if isinstance(error, SystemExit):
        return (
            f"{where} ended the program while it was loaded ({place_of(error)}). "
            'What a script does goes below `if __name__ == "__main__":`.'
        )
    told = " ".join(str(error).split()).rstrip(".")
    return f"{where} could not be loaded: {place_of(error)} raised {type(error).__name__}{': ' if told else ''}{told}."
