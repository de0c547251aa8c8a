import json
import sys

import pytest

from narrate import targets
from narrate.targets import TargetError, folder, load

FILE = """
from narrate import Pipeline, step

@step("Working")
async def work() -> int:
    return 1

one = Pipeline("one", work)
two = Pipeline("two", work)
same = one
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    return tmp_path / "mine.py"


def test_a_module_is_all_its_pipelines_once_each(file):
    assert [pipeline.name for pipeline in load("mine")] == ["one", "two"]
    assert [pipeline.name for pipeline in load(str(file))] == ["one", "two"]


def test_a_name_is_one_of_them(file):
    assert load("mine:same") == load("mine:one")
    assert [pipeline.name for pipeline in load("mine.py:two")] == ["two"]


def test_a_file_named_twice_is_loaded_once(file):
    assert load("mine.py:one")[0] is load(f"{file}:one")[0]


def test_a_file_takes_the_place_of_no_module(file):
    (file.parent / "json.py").write_text(FILE)
    assert len(load("json.py")) == 2
    assert sys.modules["json"] is json


def test_a_file_finds_what_lies_beside_it(file, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "beside_me.py").write_text(FILE)
    (tmp_path / "deep" / "main.py").write_text("from beside_me import one")
    assert load("deep/main.py")[0].name == "one"


def test_a_file_that_could_not_be_loaded_is_tried_again(file):
    (file.parent / "half.py").write_text(FILE + "\n1 / 0\n")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            load("half.py")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nix", "There is no module `nix`. A file is named with its `.py`."),
        ("narrate.nix:x", "There is no module `narrate.nix`. A file is named with its `.py`."),
        ("nix.py", "There is no file nix.py."),
        ("needs_more", "`needs_more` needs the module `nix_at_all`, which is not installed."),
        ("json:x", "json has no pipeline `x`. It has none."),
        ("json", "json has no pipeline. Name one as `module:name`."),
        ("mine:tow", "mine has no pipeline `tow` (did you mean `two`?). It has: one, two, same."),
    ],
)
def test_what_is_not_there_is_said(file, target, said):
    (file.parent / "needs_more.py").write_text("import nix_at_all")
    with pytest.raises(TargetError) as caught:
        load(target)
    assert str(caught.value) == said


def test_the_folder_is_where_the_module_lies(file):
    assert folder("mine:one") == folder(f"{file}:one") == file.parent


def test_the_working_directory_is_looked_into_once(file):
    load("mine")
    load("mine:one")
    assert sys.path.count(str(file.parent)) == 1
    assert targets.load is load
