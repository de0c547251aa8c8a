"""A story in a real terminal: what stands there while it moves, what keys do, and how the terminal is left behind.

And on a console that is none, where all is printed when it is over.
"""

import re
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from pathlib import Path

import pytest
import trio
from rich.console import Console

from narrate.errors import RunCut
from narrate.events import Event, Gap
from narrate.terminal import draw
from narrate.terminal.live import BREAKS_NOT
from tests.telling import begun, done, finished, numbered, said, started, step, together, token
from tests.terminals import Terminal, python, terminal

HEAD = "A story\n\n✓ Doing a                                                                  1.0 s\n"

MIDDLE = """\
A journey

┌ ⠋ Reading the map…                                                       0.0 s
│   Unfolding it takes a while, since somebody has folded it in a way that
│   nobody will ever understand again.
│   ▸ Scale
│ ⠋ Counting the roads…                                                    0.0 s
└   ━━━━━━━╺━━━━━━━━━━━━━━━━━ 34 of 120 roads
  · Going…

d details · Ctrl-C cancel"""

END = """\
A journey

┌ ✓ Reading the map                                                        0.0 s
│   Unfolding it takes a while, since somebody has folded it in a way that
│   nobody will ever understand again.
│   ▸ Scale
│   It is a map of Portugal.
└ ✓ Counting the roads                                                     0.0 s
  ✓ Going                                                                  0.0 s
    ▸ Ways · 2 entries

Done in 0.0 s.
The longest way: a 0.0 s → c 0.0 s
Slowest: a, 0.0 s.
[ended: 0]"""


async def heard(*events: Event) -> AsyncIterator[Event]:
    for event in numbered(events):
        await trio.sleep(0)
        yield event


async def cut(*events: Event) -> AsyncIterator[Event]:
    async for event in heard(*events):
        yield event
    raise RunCut(2, "Nobody knows why.")


def paper() -> Console:
    return Console(file=StringIO(), width=80)


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return re.sub(r" +$", "", console.file.getvalue(), flags=re.MULTILINE)


async def test_where_nothing_can_be_redrawn_each_stage_is_printed_when_it_is_over(autojump_clock):
    console = paper()

    await draw(heard(begun(step("a")), started("a"), finished("a"), done()), console)

    assert written(console) == f"{HEAD}\nDone in 1.0 s.\n"


async def test_what_breaks_the_story_off_is_let_through_when_all_is_printed(autojump_clock):
    console = paper()

    with pytest.raises(RunCut, match="Nobody knows why"):
        await draw(cut(begun(step("a"), step("b")), started("a"), finished("a"), started("b")), console)

    assert written(console) == f"{HEAD}? Doing b…\n"


async def test_a_stream_that_stops_before_the_end_is_said_to_be_cut(autojump_clock):
    console = paper()

    await draw(heard(begun(step("a"), step("b")), started("a"), finished("a")), console)

    assert written(console) == f"{HEAD}· Doing b…\n\nIt was cut off here: its end has not been heard.\n"


async def test_when_nobody_wants_to_see_it_any_more_what_was_heard_stays(autojump_clock):
    console = paper()

    async def for_ever() -> AsyncIterator[Event]:
        async for event in heard(begun(step("a"), step("b")), started("a"), finished("a"), started("b")):
            yield event
        await trio.sleep_forever()

    with trio.move_on_after(5) as scope:
        await draw(for_ever(), console)

    assert scope.cancelled_caught
    assert written(console) == f"{HEAD}? Doing b…\n"


async def test_an_empty_story_leaves_nothing_behind(autojump_clock):
    console = paper()

    await draw(heard(), console)

    assert written(console) == ""


def redrawn() -> Console:
    """A console that takes itself for a terminal."""
    return Console(file=StringIO(), width=80, height=24, force_terminal=True, force_interactive=True)


def frames(console: Console) -> int:
    return written(console).count(BREAKS_NOT)


async def test_twelve_frames_a_second_are_drawn_while_something_moves(autojump_clock):
    console = redrawn()

    async def slow() -> AsyncIterator[Event]:
        first, second, third, fourth = numbered([begun(step("a")), started("a"), finished("a", 10, 10), done(10)])
        yield first
        yield second
        await trio.sleep(10)
        yield third
        yield fourth

    await draw(slow(), console)

    assert frames(console) == 10 * 12


async def test_where_nothing_moves_nothing_is_redrawn(autojump_clock):
    console = redrawn()

    async def missed() -> AsyncIterator[Event]:
        async for event in heard(begun(step("a")), started("a"), Gap(3, 8, t=1, n=8)):
            yield event
        await trio.sleep(1000)

    await draw(missed(), console)

    assert frames(console) <= 3  # it began, was heard of, and was given up


async def test_ten_thousand_tokens_at_once_are_hardly_a_frame(autojump_clock):
    console = redrawn()
    tokens = [token("a", f"word{number} ") for number in range(10_000)]

    await draw(heard(begun(step("a")), started("a"), *tokens, finished("a"), done()), console)

    assert frames(console) <= 2
    assert "word9999" in written(console)


def still(screen: str) -> str:
    """A screen at which time stands still: no seconds have passed, and what turns is at its beginning."""
    return re.sub(r"\d\.\d s", "0.0 s", re.sub("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", "⠋", screen))


def open_gates(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


@pytest.fixture
def drawn(tmp_path) -> Iterator[Terminal]:
    """A terminal of 80 columns and 24 lines in which a story stands still in the middle."""
    open_gates(tmp_path, "b-half")
    with terminal(python("-m", "tests.drawn", str(tmp_path))) as running:
        running.wait_for("34 of 120 roads")
        yield running


def test_in_the_middle_of_a_story_what_moves_and_what_is_ahead_stand_there(drawn):
    assert still(drawn.screen()) == MIDDLE


def test_at_its_end_the_story_stands_there_as_if_it_had_been_written(drawn, tmp_path):
    open_gates(tmp_path, "b")
    drawn.wait_for("✓ Counting the roads")
    open_gates(tmp_path, "a", "c")

    drawn.wait_for("[ended: 0]")

    assert still(drawn.all()) == END


def test_a_wide_terminal_shows_the_same_with_longer_lines(tmp_path):
    open_gates(tmp_path, "a", "b-half", "b", "c")

    with terminal(python("-m", "tests.drawn", str(tmp_path)), columns=200) as running:
        running.wait_for("[ended: 0]")
        lines = still(running.all()).splitlines()

    assert lines[2:5] == [
        "┌ ✓ Reading the map" + 76 * " " + "0.0 s",
        "│   Unfolding it takes a while, since somebody has folded it in a way that nobody will ever",
        "│   understand again.",
    ]


def test_a_key_opens_details_also_those_that_have_scrolled_away(drawn, tmp_path):
    open_gates(tmp_path, "a", "b")
    drawn.wait_for("▸ Ways")

    drawn.press("d")
    screen = drawn.wait_for("d hides details")

    assert "Details so far\nReading the map\n▾ Scale\n  one   to\n  many  25000\n" in screen
    assert "    ▾ Ways · 2 entries\n      to      km\n      Faro   650\n      Porto  310\n" in screen


def test_the_same_key_closes_them(drawn):
    drawn.press("d")
    drawn.wait_for("▾ Scale")

    drawn.press("d")
    screen = drawn.wait_for("▸ Scale")

    assert still(screen) == MIDDLE


def test_other_keys_and_arrows_do_nothing_and_are_not_written(drawn):
    drawn.press("x", "Up", "S-Left", "é", "d")

    screen = drawn.wait_for("▾ Scale")

    assert "x" not in screen.replace("explain", "")
    assert "^[" not in screen


def test_details_may_be_open_from_the_start_without_any_keys(tmp_path):
    (tmp_path / "options").write_text('{"details": true, "keys": false, "interrupt": "leave"}')

    with terminal(python("-m", "tests.drawn", str(tmp_path))) as running:
        screen = running.wait_for("▾ Scale")

    assert screen.endswith("\n\nCtrl-C leave")


@pytest.mark.parametrize("columns", [50, 120])
def test_a_window_that_changes_its_size_leaves_no_rubbish(tmp_path, columns):
    open_gates(tmp_path, "b-half")
    command = f"seq 12; {' '.join(python('-m', 'tests.drawn', str(tmp_path)))}"
    with terminal(["sh", "-c", command]) as running:
        running.wait_for("34 of 120 roads")
        running.resize(columns, 20)
        running.wait_until(lambda screen: has_width(screen, min(columns, 100)), "the story at its new width")
        open_gates(tmp_path, "a", "b", "c")
        running.wait_for("[ended: 0]")
        story = running.all()

    words = "12", "A journey", "Reading", "Unfolding", "Counting", "Going", "Done"
    assert [story.count(word) for word in words] == [1] * len(words)
    assert "34 of" not in story


def has_width(screen: str, columns: int) -> bool:
    return any(len(line) == columns and re.search(r" s$", line) for line in screen.splitlines())


def test_what_a_step_prints_stands_above_what_moves(drawn, tmp_path):
    open_gates(tmp_path, "a", "b")
    drawn.wait_for("▸ Ways")
    open_gates(tmp_path, "prints", "c")

    screen = still(drawn.wait_for("Somebody printed this."))

    assert re.search(r"Somebody printed this\.\n  ⠋ Going…  .*", screen)


def test_a_window_that_is_too_low_shows_what_it_can(tmp_path):
    with terminal(python("-m", "tests.drawn", str(tmp_path)), rows=6) as running:
        screen = still(running.wait_for("hidden"))
        open_gates(tmp_path, "a", "b-half", "b", "c")
        running.wait_for("[ended: 0]")
        end = still(running.all())

    assert screen == (
        "┌ ⠋ Reading the map…                                                       0.0 s\n"
        "│   nobody will ever understand again.\n"
        "│   ▸ Scale\n"
        "└ ⠋ Counting the roads…                                                    0.0 s\n"
        "… 2 lines are hidden\n"
        "d details · Ctrl-C cancel"
    )
    assert end.startswith(END[: END.index("The longest way")])


@pytest.fixture
def shell(tmp_path) -> Iterator[Terminal]:
    """A shell in which a story stands still; when that is over, the terminal's settings from before and after it are in
    the files `before` and `after`."""
    story = " ".join(python("-m", "tests.drawn", str(tmp_path)))
    with terminal() as running:
        running.type(f'stty -a >{tmp_path}/before; {story}; stty -a >{tmp_path}/after; echo "[left: $?]"')
        running.wait_for("Ctrl-C cancel")
        yield running


def settings(folder: Path, when: str) -> list[str]:
    return (folder / when).read_text().split()


def test_the_terminal_is_left_as_it_was(shell, tmp_path):
    open_gates(tmp_path, "a", "b-half", "b", "c")

    shell.wait_for("[left: 0]")

    assert settings(tmp_path, "after") == settings(tmp_path, "before")
    assert "icanon" in settings(tmp_path, "after")


def test_the_terminal_is_left_as_it_was_by_an_interrupt(shell, tmp_path):
    shell.press("C-c")

    shell.wait_for("[left: 0]")

    assert settings(tmp_path, "after") == settings(tmp_path, "before")
    assert "KeyboardInterrupt" in shell.all()


def test_the_terminal_is_left_as_it_was_by_a_step_that_breaks(shell, tmp_path):
    open_gates(tmp_path, "a", "b-half", "b", "broken", "c")

    shell.wait_for("[left: 0]")

    assert settings(tmp_path, "after") == settings(tmp_path, "before")
    assert "\nFailed in 0.0 s: " in still(shell.all())


def test_where_input_comes_from_elsewhere_no_keys_are_offered(tmp_path):
    (tmp_path / "story").touch()
    with terminal(["sh", "-c", f"{' '.join(python('-m', 'tests.drawn', str(tmp_path)))} </dev/null"]) as running:
        screen = running.wait_for("Ctrl-C cancel")

    assert screen.endswith("\n\nCtrl-C cancel")


def test_colours_are_left_out_where_nobody_wants_them(tmp_path):
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    open_gates(tmp_path, "a", "b-half", "b", "c")
    command = python("-m", "tests.drawn", str(tmp_path))

    with terminal(command) as colourful, terminal(command, env={"NO_COLOR": "1"}) as plain:
        colourful.wait_for("[ended: 0]")
        plain.wait_for("[ended: 0]")
        codes = colourful.codes(), plain.codes()

    assert [bool(colour.search(one)) for one in codes] == [True, False]


def test_a_terminal_without_utf_8_is_written_to_in_ascii(tmp_path):
    open_gates(tmp_path, "a", "b-half", "b", "c")

    with terminal(python("-m", "tests.drawn", str(tmp_path)), env={"PYTHONIOENCODING": "ascii"}) as running:
        running.wait_for("[ended: 0]")
        story = still(running.all())

    assert story.isascii()
    assert "/ + Reading the map" in story


def test_a_background_job_is_not_stopped_by_what_it_draws(tmp_path):
    open_gates(tmp_path, "a", "b-half", "b", "c")
    with terminal() as running:
        running.type(f'{" ".join(python("-m", "tests.drawn", str(tmp_path)))} & wait; echo "[left: $?]"')
        running.wait_for("[left: 0]")
        story = running.all()

    assert "Done in" in story


async def test_lanes_are_drawn_together(autojump_clock):
    console = paper()

    await draw(heard(begun(together("a", "b")), started("a"), started("b"), said("b", "Hm."), done()), console)

    assert "└   Hm.\n" in written(console)
