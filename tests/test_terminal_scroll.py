"""What is printed for good and what is redrawn: each line once, and never more than the screen holds."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from narrate.events import Detached, Gap, RunId
from narrate.terminal.paper import Paper
from tests.telling import Sight, begun, console_of, detail, done, finished, said, seen, started, step, together, token


def test_a_stage_is_printed_when_all_of_it_is_over_and_never_again():
    sight = Sight(begun(together("a", "b"), step("c")), started("a"), started("b"), finished("a"))
    before = sight.over()

    sight.screen.take(finished("b", n=9), 0)
    sight.screen.take(started("c", t=1, n=10), 1)

    assert before == "A story\n\n"
    assert [line.split("  ")[0] for line in sight.over().splitlines()] == ["┌ ✓ Doing a", "└ ✓ Doing b"]
    assert sight.over() == ""
    assert sight.moving().startswith("  ⠋ Doing c…")


def test_what_lies_before_something_that_has_begun_is_over_though_its_end_is_missing():
    sight = Sight(begun(step("a"), step("b")), started("a"), Gap(3, 9, t=1, n=9), started("b", t=1))

    assert [line.split("   ")[0] for line in sight.over().splitlines()] == [
        "A story",
        "",
        "(What was told from 3 to 9 is no longer kept.)",
        "? Doing a…",
    ]


def test_the_foot_says_which_keys_do_what():
    sight = Sight(begun(step("a")), started("a"))

    assert sight.moving(keys="d details").splitlines()[1:] == ["", "d details"]


def test_the_foot_says_why_nothing_is_heard():
    sight = Sight(begun(step("a")), started("a"))

    assert sight.moving(keys="d details", trouble="Trying again…").splitlines()[1:] == [
        "",
        "Trying again…",
        "d details",
    ]
    assert sight.moving(trouble="Trying again…").splitlines()[1:] == ["", "Trying again…"]


def test_before_it_begins_something_turns():
    assert Sight().moving(at=0.1) == "⠙ Waiting for it to begin…\n"
    assert Sight().moving(at=0.1, trouble="Trying again…") == "⠙ Trying again…\n"


def test_on_a_screen_that_is_too_small_what_moves_is_kept():
    names = [f"lane{number}" for number in range(20)]
    lanes = [event for name in names for event in (started(name), said(name, "One."), said(name, "Two."))]
    over = [finished(name) for name in names[:18]]
    sight = Sight(begun(together(*names), step("next")), *lanes, *over)

    lines = sight.moving(height=10, keys="Ctrl-C cancel").splitlines()

    assert len(lines) == 10
    assert [line.split("  ")[0] for line in lines if "⠋" in line] == ["│ ⠋ Doing lane18…", "│ ⠋ Doing lane19…"]
    assert lines[-2:] == ["… 53 lines are hidden", "Ctrl-C cancel"]


def test_of_a_long_text_its_end_is_kept():
    sight = Sight(begun(step("a"), step("b")), started("a"), *[token("a", f"Line {n}.\n") for n in range(1000)])

    assert sight.moving(height=6).splitlines() == [
        "⠋ Doing a…                                                                 0.0 s",
        "  Line 997.",
        "  Line 998.",
        "  Line 999.",
        "",
        "… 998 lines are hidden",
    ]


def test_details_that_have_scrolled_away_are_shown_when_they_are_asked_for():
    sight = Sight(
        begun(step("a"), step("b")), started("a"), detail("a", "One", {"x": 1}), finished("a"), started("b"),
        detail("b", "Two", {"y": 2}),
    )  # fmt: skip
    before = sight.over()

    shown = seen(sight.scroll.toggle(0))

    assert before.endswith("  ▸ One\n")
    assert shown == "\nDetails so far\nDoing a\n▾ One\n  x  1\n\n"
    assert sight.moving().splitlines()[1:] == ["  ▾ Two", "    y  2"]


def test_details_are_hidden_again_and_shown_only_once():
    sight = Sight(begun(step("a"), step("b")), started("a"), detail("a", "One", {"x": 1}), finished("a"))
    sight.over()
    sight.scroll.toggle(0)

    assert seen(sight.scroll.toggle(0)) == ""
    assert not sight.scroll.details
    assert seen(sight.scroll.toggle(0)) == ""


def test_the_summary_says_what_all_had_to_wait_for():
    sight = Sight(
        begun(together("a", "b"), step("c")),
        *[started("a"), started("b"), finished("a", 1, 1), finished("b", 2, 2)],
        *[started("c", 2), finished("c", 0.5, 2.5), done(2.5)],
    )

    assert sight.end().splitlines()[-4:] == [
        "",
        "Done in 2.5 s.",
        "The longest way: b 2.0 s → c 0.5 s",
        "Slowest: b, 2.0 s.",
    ]


def test_a_long_way_is_broken_between_its_steps():
    names = [f"a-step-{number}" for number in range(7)]
    told = [event for n, name in enumerate(names) for event in (started(name, n), finished(name, 1, n + 1))]
    sight = Sight(begun(*map(step, names)), *told, done(7))

    assert sight.end().splitlines()[-4:-1] == [
        "The longest way: a-step-0 1.0 s → a-step-1 1.0 s → a-step-2 1.0 s →",
        "                 a-step-3 1.0 s → a-step-4 1.0 s → a-step-5 1.0 s →",
        "                 a-step-6 1.0 s",
    ]


def test_a_single_step_needs_no_summary_of_its_ways():
    sight = Sight(begun(step("a")), started("a"), finished("a"), done())

    assert sight.end().endswith("\n\nDone in 1.0 s.\n")


def test_a_story_without_an_end_says_so():
    sight = Sight(begun(step("a"), step("b")), started("a"), said("a", "Hm."))
    sight.screen.cut()

    assert sight.end() == (
        "A story\n\n? Doing a…\n  Hm.\n· Doing b…\n\nIt was cut off here: its end has not been heard.\n"
    )


def test_a_story_that_goes_on_elsewhere_is_not_called_cut_off():
    sight = Sight(begun(step("a")), started("a"), Detached(RunId("run-1"), "/runs/run-1", t=1))
    sight.screen.cut()

    assert sight.end() == (
        "A story\n\n(This goes on without you. See /runs/run-1 for what becomes of it.)\n? Doing a…\n"
    )


def test_of_a_story_that_never_began_nothing_is_said():
    sight = Sight()
    sight.screen.cut()

    assert sight.end() == ""


@given(st.lists(st.text(alphabet="ab 語\n-", max_size=30), max_size=20), st.integers(2, 30))
def test_a_text_that_grows_is_wrapped_without_a_loss(pieces, width):
    paper = Paper(console_of())
    sight = Sight(begun(step("a")), started("a"), token("a", "x"))
    line = sight.screen.steps["a"].lines[0]
    for piece in pieces:
        line.text += piece
        paper.lines_of(line, width)

    lines = paper.lines_of(line, width)

    assert "".join("".join(lines).split()) == "".join(line.text.split())
    assert max(map(cell_len, lines)) <= width
