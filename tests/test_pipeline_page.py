"""The folder of files that a pipeline brings: checked where it is declared, and no part of what a run means."""

import os
from pathlib import Path

import pytest

from narrate import DeclarationError, Pipeline, step
from narrate.keeping import Keeper


@step("Working")
async def work() -> int:
    return 1


@pytest.fixture
def page(tmp_path) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "view.js").write_text("export default () => () => {};")
    return folder


def test_a_pipeline_knows_its_page_wherever_the_program_goes(page, monkeypatch):
    monkeypatch.chdir(page.parent)
    pipeline = Pipeline("story", work, page=Path("page"))
    monkeypatch.chdir(os.sep)
    assert pipeline.page == page


def test_a_pipeline_needs_no_page():
    assert Pipeline("story", work).page is None


@pytest.mark.parametrize("name", ["nothing", "page/view.js"])
def test_a_page_that_is_no_folder_is_a_mistake(page, name):
    with pytest.raises(DeclarationError, match=rf"Pipeline `story`: page=.*{name} is no folder") as wrong:
        Pipeline("story", work, page=page.parent / name)
    assert "test_pipeline_page.py" in str(wrong.value)


def test_a_page_without_a_view_is_a_mistake(page):
    (page / "view.js").unlink()
    with pytest.raises(DeclarationError, match=r"its page .* has no `view.js`, which is what draws a run"):
        Pipeline("story", work, page=page)


def test_a_page_is_no_part_of_what_a_run_means(page):
    assert Keeper(Pipeline("story", work, page=page)).fingerprint == Keeper(Pipeline("story", work)).fingerprint
