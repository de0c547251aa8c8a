"""What the README shows is what happens."""

import re
import runpy
from pathlib import Path

from narrate import start
from narrate.wire.text import TextForm

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_pipeline_shown_is_the_example():
    example = (ROOT / "examples" / "coffee.py").read_text(encoding="utf-8")

    assert blocks("python")[0] in example


async def test_the_story_shown_is_the_one_told(autojump_clock):
    shown = next(block for block in blocks("console") if "/coffee" in block).split("/coffee\n")[1]
    coffee = runpy.run_path(str(ROOT / "examples" / "coffee.py"))["coffee"]

    async with start(coffee) as running:
        form = TextForm()
        told = "".join([form.story([event]) async for event in running.events()])

    assert told == shown


def test_every_make_target_named_exists():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"`?make (\w+)", README)) <= set(targets)


def test_every_file_and_folder_named_exists():
    named = re.findall(r"^((?:narrate|pipelines|examples)/[\w/]*(?:\.py)?)", README, re.MULTILINE)

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
