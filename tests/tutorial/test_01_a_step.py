"""1. A step is a function.

What takes its time is written as steps. A step is a plain async function with a title, which is what people read while
it works. Its name, `water` here, is the name of the value that it gives.
"""

import trio

from narrate import Pipeline, say, step
from narrate.testing import narrated


@step("Heating the water…", summary="{water} °C")
async def water() -> int:
    await trio.sleep(90)
    say("It is beginning to sing.")
    return 94


async def test_a_step_is_still_the_function_that_it_was(autojump_clock):
    """Call it, and it does its work. `say` and its like do nothing then, for nobody listens.

    (The fixture `autojump_clock` comes from pytest-trio: the test does not wait ninety seconds, it jumps over them.)
    """
    assert await water() == 94


def test_only_a_pipeline_narrates_it():
    """`narrated` runs a pipeline in virtual time, and gives back the story that was told: line by line, in order."""
    story = narrated(Pipeline("tea", water))

    assert story.lines == (
        "Heating the water…",  # the title, told before the work begins
        "It is beginning to sing.",  # what was said meanwhile
        "94 °C",  # the summary, told at the end: a template over what the step takes and gives
    )
    assert story.result == 94
    assert story.took == 90  # seconds, though nobody waited


@step("Counting the leaves…")
def leaves() -> int:
    """A plain `def` is a step, too. It works in a thread, so it may block; `say` reaches the story from there."""
    say("They are small.")
    return 300


def test_a_plain_function_works_in_a_thread():
    story = narrated(Pipeline("leaves", leaves))

    assert story.lines == ("Counting the leaves…", "They are small.")
    assert story.result == 300
