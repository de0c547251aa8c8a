"""4. What a step can say: `say`, `show`, `progress`, `relay`.

They are functions that find the run by themselves. Outside a run they do nothing.
"""

from collections.abc import AsyncIterator

import trio

from narrate import Pipeline, progress, relay, say, show, step
from narrate.testing import narrated


@step("Reading the report…")
async def reading() -> int:
    for page in (1, 2):
        progress(page, of=2, unit="pages")
        await trio.sleep(1)
    show("The figures", {"sold": 12, "returned": 3})
    say("It has two pages.")
    return 2


def test_say_tells_a_line_and_show_something_to_open():
    """A reader sees the title of what is shown, and the data when it is opened. Any value with a JSON form will do."""
    story = narrated(Pipeline("report", reading))

    assert story.lines == ("Reading the report…", "[The figures]", "It has two pages.")
    assert [(detail.title, detail.data) for detail in story.details] == [("The figures", {"sold": 12, "returned": 3})]


def test_progress_is_status_it_is_seen_at_once_and_is_not_in_the_story():
    story = narrated(Pipeline("report", reading))

    assert [(status.done, status.of, status.unit) for status in story.statuses] == [(1, 2, "pages"), (2, 2, "pages")]
    assert [event.type for event in story.events].count("progress") == 0


async def model() -> AsyncIterator[str]:
    """Something that gives its text piece by piece, as a language model does."""
    for piece in ("It sold ", "rather ", "well."):
        await trio.sleep(1)
        yield piece


@step("Summing it up…")
async def sum_up() -> str:
    return await relay(model())


def test_relay_passes_text_on_while_it_comes_and_gives_the_whole():
    story = narrated(Pipeline("report", sum_up))
    pieces = [(event.t, event.text) for event in story.events if event.type == "token"]

    assert pieces == [(1, "It sold "), (2, "rather "), (3, "well.")]
    assert story.result == "It sold rather well."
    assert story.lines == ("Summing it up…", "It sold rather well.")


def test_what_is_secret_is_never_told_wherever_it_turns_up():
    @step("Logging in…", secret=("password",))
    async def login(given: dict[str, str]) -> str:
        say(f"It is {given['password']}.")
        return "in"

    story = narrated(Pipeline("login", login, takes=dict[str, str]), {"password": "hunter22"})

    assert story.lines == ("Logging in…", "It is •••.")
