"""Every example there is loads, is sound, is served with its page, and is linked from the README."""

import importlib.util
import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from narrate import Pipeline, targets
from narrate.testing import narrated
from tests.examples.found import EXAMPLES, FILES, FOLDERS, ROOT
from tests.serving import Process

README = (ROOT / "README.md").read_text(encoding="utf-8")
ALL = [*FOLDERS, *FILES]


def by_name(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


def pipelines_in(path: Path) -> list[Pipeline]:
    return [value for value in runpy.run_path(str(path)).values() if isinstance(value, Pipeline)]


DECLARING = [path for path in FILES if pipelines_in(path)]
"""The single files with a pipeline; the others have an app."""

TOLD = [path for path in DECLARING if any(pipeline.takes is None for pipeline in pipelines_in(path))]
"""The single files with a pipeline that takes no input, and so can be run as it is."""


def narrate(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "narrate", *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    assert f"narrate run examples/{path.name}/pipeline.py" in readme


@by_name(FOLDERS)
def test_each_folder_has_sound_pipelines(path):
    assert " sound." in narrate("check", f"examples/{path.name}/pipeline.py")


@by_name(FOLDERS)
def test_each_folder_is_served_with_its_page(path):
    pipelines = targets.load(str(path / "pipeline.py"))
    with Process(str(path / "pipeline.py"), "--port", "0") as server:
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
