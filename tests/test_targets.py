import json
import sys

import pytest

from narrate import targets
from narrate.errors import DeclarationError
from narrate.targets import TargetBroken, TargetError, folder, load, load_one

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


@pytest.mark.parametrize("folder_before", [".", "deep/..", "../{}"])
def test_a_path_may_begin_with_a_dot(file, folder_before):
    (file.parent / "deep").mkdir()
    assert load_one(f"{folder_before.format(file.parent.name)}/mine.py:one") is load_one("mine.py:one")
    (file.parent / ".hidden.py").write_text(FILE)
    assert len(load(".hidden.py")) == 2


def test_a_file_finds_what_lies_beside_it(file, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "beside_me.py").write_text(FILE)
    (tmp_path / "deep" / "main.py").write_text("from beside_me import one")
    assert load("deep/main.py")[0].name == "one"


def test_a_file_that_could_not_be_loaded_is_tried_again(file):
    (file.parent / "half.py").write_text(FILE + "\n1 / 0\n")
    for _ in range(2):
        with pytest.raises(TargetBroken) as caught:
            load("half.py")
        assert str(caught.value) == (
            "half.py could not be loaded: half.py, line 12 raised ZeroDivisionError: division by zero."
        )
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ndef f(:\n", "broken.py, line 2 is no Python: invalid syntax.\n  def f(:"),
        ("import nix_at_all", "`broken.py` needs the module `nix_at_all`, which is not installed (broken.py, line 1)."),
        ("from json import nix", "broken.py could not be loaded: broken.py, line 1 raised ImportError: cannot import"),
        ("import sys\nsys.exit()", "broken.py ended the program while it was loaded (broken.py, line 2)."),
        ("import json\n\njson.loads('{')", "broken.py could not be loaded: broken.py, line 3 raised JSONDecodeError: "),
        ("import lower", "broken.py could not be loaded: lower.py, line 2 raised RuntimeError."),
        ("raise KeyError('a\\nb')", "broken.py could not be loaded: broken.py, line 1 raised KeyError: 'a\\nb'."),
    ],
)
def test_a_module_that_cannot_be_loaded_is_said_with_whose_line_it_was(file, text, said):
    (file.parent / "broken.py").write_text(text)
    (file.parent / "lower.py").write_text("# a line\nraise RuntimeError\n")
    with pytest.raises(TargetBroken) as caught:
        load("broken.py")
    assert str(caught.value).startswith(said)


def test_a_declaration_that_could_never_run_is_said_as_itself(file):
    (file.parent / "never.py").write_text("from narrate import Pipeline\np = Pipeline('p')\n")
    with pytest.raises(DeclarationError, match="has no stages"):
        load("never.py")


def test_one_pipeline_is_loaded_where_there_is_one(file):
    (file.parent / "single.py").write_text("from mine import one\nsame = one\n")
    assert load_one("single.py") is load_one("mine:one")


def test_of_several_pipelines_one_has_to_be_named(file):
    with pytest.raises(TargetError) as caught:
        load_one("mine")
    assert str(caught.value) == "mine has 2 pipelines. Name one: mine:one, mine:two."


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nix", "There is no module `nix`. A file is named with its `.py`."),
        ("narrate.nix:x", "There is no module `narrate.nix`. A file is named with its `.py`."),
        ("nix.py", "There is no file nix.py."),
        ("needs_more", "`needs_more` needs the module `nix_at_all`, which is not installed (needs_more.py, line 1)."),
        ("", "`` names no module. Write `package.module`, or a file with its `.py`."),
        (".mine", "`.mine` names no module. Write `package.module`, or a file with its `.py`."),
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
