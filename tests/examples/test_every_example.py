"""Every example there is loads, is sound, is served with its page as its README says, and is linked from the README."""

import importlib.util
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from narrate import Pipeline, targets
from narrate.cli.given import input_of
from narrate.cli.run import run
from narrate.testing import narrated
from tests.examples.found import EXAMPLES, FILES, FOLDERS, ROOT
from tests.serving import Process

README = (ROOT / "README.md").read_text(encoding="utf-8")
ALL = [*FOLDERS, *FILES]


def by_name(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


def by_command(commands):
    return pytest.mark.parametrize("command", commands, ids=lambda command: command.removeprefix(RUN)[:80])


def pipelines_in(path: Path) -> list[Pipeline]:
    return [value for value in runpy.run_path(str(path)).values() if isinstance(value, Pipeline)]


DECLARING = [path for path in FILES if pipelines_in(path)]
"""The single files with a pipeline; the others have an app."""

TOLD = [path for path in DECLARING if any(pipeline.takes is None for pipeline in pipelines_in(path))]
"""The single files with a pipeline that takes no input, and so can be run as it is."""


RUN = "$ .venv/bin/narrate run "

COMMANDS = {
    command: path
    for path in FOLDERS
    for command in (path / "README.md").read_text(encoding="utf-8").splitlines()
    if command.startswith(RUN)
}
"""Every command in a README that runs an example, and the folder of that README."""

QUICK = [command for command, path in COMMANDS.items() if path.name in ("checkout", "docs")]
"""Those that need no more than a second or three; the others serve something, or read for more than a minute."""


def said_by(*command: str, **env: str) -> str:
    """What a command says that ends well."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def narrate(*arguments: str, **env: str) -> str:
    return said_by(sys.executable, "-m", "narrate", *arguments, **env)


def made(name: str) -> list[str]:
    """What `make example` gives to `narrate serve` for the example of this name."""
    told = said_by("make", "--dry-run", "--no-print-directory", "example", f"NAME={name}", "PORT=0", MAKEFLAGS="")
    command, verb, *arguments = shlex.split(told.splitlines()[-1])
    assert (command, verb) == (".venv/bin/narrate", "serve")
    return arguments


def test_there_are_examples_of_both_kinds():
    assert EXAMPLES / "docs" in FOLDERS
    assert EXAMPLES / "coffee.py" in TOLD


def test_what_is_in_examples_is_an_example():
    nothing_else = {path for path in EXAMPLES.iterdir() if path.name != "__pycache__"}

    assert nothing_else == set(ALL)


@by_name(FOLDERS)
def test_each_folder_says_what_it_shows_and_how_to_run_it(path):
    readme = (path / "README.md").read_text(encoding="utf-8")

    assert len(readme.splitlines()) <= 30
    assert f"make example NAME={path.name}" in readme
    assert path in COMMANDS.values()


@by_command(COMMANDS)
def test_each_command_in_a_readme_is_of_its_example_and_gives_what_that_takes(command):
    asked = run.make_context("run", shlex.split(command.removeprefix(RUN))).params
    (pipeline,) = targets.load(asked["target"])

    assert asked["target"] == f"examples/{COMMANDS[command].name}/pipeline.py"
    input_of(pipeline, asked["given"])


@by_command(QUICK)
def test_a_quick_command_in_a_readme_does_its_work(command, tmp_path, monkeypatch):
    for name in ("GROQ_API_KEY", "MODEL_API_KEY", "MODEL_BASE_URL", "OLLAMA_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "house.md").write_text("The key is under the mat.")

    told = narrate(
        *shlex.split(command.removeprefix("$ .venv/bin/narrate ")),
        "--plain",
        HOME=str(tmp_path),
        SHOP_DB=str(tmp_path / "shop.db"),
    )

    assert "\nDone in " in told


@by_name(FOLDERS)
def test_each_folder_has_sound_pipelines(path):
    assert " sound." in narrate("check", f"examples/{path.name}/pipeline.py")


@by_name(FOLDERS)
def test_each_field_is_described_by_what_it_is_before_what_holds_without_it(path):
    """The page has a short description as the field's label."""
    for pipeline in targets.load(str(path / "pipeline.py")):
        told = [field.description or "" for field in pipeline.takes.model_fields.values()]

        assert [one for one in told if one.startswith(("Left out", "So many"))] == []


@by_name(FOLDERS)
def test_each_folder_is_served_by_its_name_with_its_page(path, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DB", str(tmp_path / "shop.db"))
    pipelines = targets.load(str(path / "pipeline.py"))
    with Process(*made(path.name)) as server:
        url = server.address().removesuffix(pipelines[0].path)
        page, listed = httpx.get(f"{url}/"), httpx.get(f"{url}/pipelines")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert [one["name"] for one in listed.json()] == [pipeline.name for pipeline in pipelines]


@by_name(FOLDERS)
def test_each_folder_is_tested_by_a_file_of_its_own(path):
    assert (Path(__file__).parent / f"test_{path.name}.py").is_file()


def test_no_module_beside_a_pipeline_takes_the_place_of_another():
    """They are imported by their own names, and all these tests share a process."""
    beside = [path.stem for folder in FOLDERS for path in folder.glob("*.py") if path.name != "pipeline.py"]

    assert [name for name, count in Counter(beside).items() if count > 1] == []
    assert sys.stdlib_module_names.isdisjoint(beside)
    origins = [Path(importlib.util.find_spec(name).origin) for name in beside]
    assert [origin for origin in origins if not origin.is_relative_to(EXAMPLES)] == []


@by_name(DECLARING)
def test_each_file_is_served_by_its_name(path):
    assert made(path.stem) == [f"examples/{path.name}", "--port", "0"]


@by_name(DECLARING)
def test_each_file_has_sound_pipelines(path):
    assert " sound." in narrate("check", f"examples/{path.name}")


@by_name(TOLD)
def test_each_file_with_a_pipeline_runs(path):
    stories = [narrated(pipeline) for pipeline in pipelines_in(path) if pipeline.takes is None]

    assert [story.problem for story in stories] == [None] * len(stories)
    assert all(story.lines for story in stories)


@by_name(FILES)
def test_each_file_loads_and_says_in_its_first_line_what_it_is(path):
    assert len(runpy.run_path(str(path))["__doc__"].splitlines()[0]) > 20


@by_name(ALL)
def test_the_readme_links_each(path):
    links = re.findall(r"\]\((examples/[^)]+)\)", README)

    assert path.relative_to(ROOT).as_posix() in [link.rstrip("/") for link in links]
