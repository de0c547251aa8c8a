"""How a story looks, line by line, while it moves and when it is over."""

import pytest

from narrate.errors import ProblemError
from narrate.events import (
    OutlinedPipeline,
    RunCancelledEvent,
    RunFailedEvent,
    StepCancelled,
    StepFailed,
    StepRetrying,
    StepSkipped,
)
from tests.telling import (
    Sight,
    begun,
    detail,
    done,
    finished,
    problem,
    said,
    started,
    status,
    step,
    together,
    token,
)

LONG = "This is a sentence that goes on for longer than eighty columns, so that it has to be broken somewhere."


def test_the_outline_is_there_at_once():
    sight = Sight(begun(step("a", 3.2), step("b", 0.2), step("c"), note="A replay."))

    assert sight.over() == "A replay.\nA story\n\n"
    assert sight.moving() == (
        "· Doing a…                                                           usually 3 s\n"
        "· Doing b…                                                     usually under 1 s\n"
        "· Doing c…\n"
    )


def test_a_step_at_work_has_its_seconds_and_says_what_it_has_to_say():
    sight = Sight(begun(step("a", 3)), started("a"), said("a", "Hello."), token("a", "Once"), token("a", " more\nnow"))

    assert sight.moving(at=1.24) == (
        "⠴ Doing a…                                                   1.2 s · usually 3 s\n"
        "  Hello.\n"
        "  Once more\n"
        "  now\n"
    )


def test_a_step_that_takes_longer_than_usual_says_so():
    sight = Sight(begun(step("a", 3)), started("a"))

    assert sight.moving(at=12) == "⠋ Doing a…                                              12 s · longer than usual\n"


def test_on_a_wide_terminal_lines_stay_short_enough_to_be_read():
    sight = Sight(begun(step("a")), started("a"), said("a", LONG), width=200)

    assert sight.moving(at=0) == (
        "⠋ Doing a…" + 85 * " " + "0.0 s\n"
        "  This is a sentence that goes on for longer than eighty columns, so that it has to be broken\n"
        "  somewhere.\n"
    )


def test_long_titles_and_lines_are_broken_under_their_beginnings():
    sight = Sight(begun(step("a")), started("a", title=LONG), said("a", LONG), finished("a"))

    assert sight.end().startswith(
        "A story\n"
        "\n"
        "✓ This is a sentence that goes on for longer than eighty columns, so that  1.0 s\n"
        "  it has to be broken somewhere.\n"
        "  This is a sentence that goes on for longer than eighty columns, so that it has\n"
        "  to be broken somewhere.\n"
    )


def test_a_finished_title_ends_without_dots_and_its_summary_follows():
    sight = Sight(begun(step("a"), step("b")), started("a"), finished("a", 0.25, text="Two."), started("b"))

    assert sight.over().endswith("✓ Doing a" + 66 * " " + "0.2 s\n  Two.\n")


def test_a_bar_shows_how_far_it_is():
    sight = Sight(begun(step("a")), started("a"), status("a", done=34, of=120, unit="routes", text="in Europe"))

    assert sight.moving().splitlines()[1] == "  ━━━━━━━" + 20 * " " + "34 of 120 routes in Europe"


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        ({"done": 50, "unit": "rows"}, "  50 rows"),
        ({"done": 1.5, "of": 0, "unit": "rows"}, "  1.5 of 0 rows"),
        ({"text": "nearly there"}, "  nearly there"),
    ],
)
def test_without_an_end_in_sight_there_is_no_bar(how, seen):
    sight = Sight(begun(step("a")), started("a"), status("a", **how))

    assert sight.moving().splitlines()[1] == seen


def test_lanes_stand_in_declared_order_and_show_by_status_what_is_not_told_yet():
    sight = Sight(
        begun(together("a", "b", "c"), step("d")),
        started("a"),
        started("b"),
        started("c"),
        status("c", t=0.4, state="done"),
        status("b", t=0.5, done=1, of=2, unit="halves"),
        said("a", "Told at once.", t=0.6),
    )

    assert sight.moving(at=1) == (
        "┌ ⠹ Doing a…                                                               1.0 s\n"
        "│   Told at once.\n"
        "│ ⠹ Doing b…                                                               1.0 s\n"
        "│   ━━━━━━━━━━━━╸             1 of 2 halves\n"
        "└ ✓ Doing c                                                                0.4 s\n"
        "  · Doing d…\n"
    )


def test_a_pipeline_within_is_set_in_under_its_title():
    inner = OutlinedPipeline("in", "The inside…", (step("in/a"), together("in/b", "in/c")))
    sight = Sight(begun(inner, step("z")), started("in", title="The inside…"), started("in/a"), said("in/a", "Hm."))

    assert sight.moving() == (
        "⠋ The inside…                                                              0.0 s\n"
        "    ⠋ Doing in/a…                                                          0.0 s\n"
        "      Hm.\n"
        "  ┌ · Doing in/b…\n"
        "  └ · Doing in/c…\n"
        "· Doing z…\n"
    )


def test_what_went_wrong_is_told_where_it_did():
    errors = (ProblemError(detail="No city."), ProblemError(detail="No day."))
    sight = Sight(
        begun(step("a"), step("b"), step("c"), step("d")),
        started("a"),
        StepRetrying("a", 1, 3, 0.5, "It was busy.", t=0.5),
        said("a", "It was busy. Going on without it.", t=0.8),
        finished("a", fallback="It was busy."),
        StepSkipped("b", "Nothing to do.", t=1),
        started("c", t=1),
        StepFailed("c", problem("It broke. Mend it.", errors=errors), t=1.5),
        RunFailedEvent(problem("It broke. Mend it."), 1.5, t=1.5),
    )

    assert sight.end() == (
        "A story\n"
        "\n"
        "✓ Doing a                                                                  1.0 s\n"
        "  Attempt 1 of 3 failed: It was busy. Trying again.\n"
        "  It was busy. Going on without it.\n"
        "– Doing b\n"
        "  Skipped: Nothing to do.\n"
        "✗ Doing c                                                                  0.5 s\n"
        "  It broke. Mend it.\n"
        "  · No city.\n"
        "  · No day.\n"
        "· Doing d…\n"
        "\n"
        "Failed in 1.5 s: It broke. Mend it.\n"
        "The longest way: a 1.0 s → c 0.5 s\n"
        "Slowest: a, 1.0 s.\n"
    )


def test_a_step_that_is_tried_again_has_a_mark_of_its_own():
    sight = Sight(begun(step("a")), started("a"), StepRetrying("a", 1, 3, 0.5, "It was busy.", t=0.5))

    assert sight.moving(at=1).startswith("↻ Doing a…")


def test_a_cancelled_run_says_why():
    reason = "You left."
    sight = Sight(
        begun(step("a"), step("b")), started("a"), StepCancelled("a", reason, t=2), RunCancelledEvent(reason, 2, t=2)
    )

    assert sight.end() == (
        "A story\n"
        "\n"
        "✗ Doing a                                                                  2.0 s\n"
        "  Stopped: You left.\n"
        "· Doing b…\n"
        "\n"
        "Cancelled in 2.0 s: You left.\n"
    )


def test_nothing_that_others_wrote_is_obeyed():
    evil = "\x1b[31mred\x1b[0m \x07[bold]b[/bold] :smile: \u202eback"
    sight = Sight(begun(step("a")), started("a", title=evil), said("a", evil), token("a", "\x1b]0;x\x07\t\ud83d"))

    assert sight.moving().splitlines() == [
        "⠋ �[31mred�[0m �[bold]b[/bold] :smile: �back                               0.0 s",
        "  �[31mred�[0m �[bold]b[/bold] :smile: �back",
        "  �]0;x�    �",
    ]


def test_wide_characters_are_as_wide_as_they_are():
    sight = Sight(begun(step("a")), started("a", title="日本語 🚀"), said("a", "語" * 45))

    assert sight.moving().splitlines() == ["⠋ 日本語 🚀" + 64 * " " + "0.0 s", "  " + "語" * 39, "  " + "語" * 6]


def test_a_terminal_that_knows_no_unicode_gets_other_signs():
    sight = Sight(
        begun(together("a", "b"), step("c", 3)),
        started("a"),
        started("b"),
        said("a", "Grüße – 語…"),
        status("a", done=1, of=2),
        encoding="latin-1",
    )

    assert sight.moving() == (
        "/ - Doing a...                                                             0.0 s\n"
        "|   ------------              1 of 2\n"
        "|   Grüße - ?...\n"
        "\\ - Doing b...                                                             0.0 s\n"
        "  . Doing c...                                                       usually 3 s\n"
    )


def items(count: int, ended: int = 0) -> list:
    names = [f"a/{number}" for number in range(1, count + 1)]
    announced = [started(name, title=f"Place {name[2:]}") for name in names]
    return [*announced, *[finished(name, 0.5, t=0.5) for name in names[:ended]]]


def test_of_many_items_those_that_move_are_shown():
    sight = Sight(begun(step("a")), started("a"), *items(100, ended=57), status("a", done=57, of=100, unit="places"))

    lines = sight.moving().splitlines()

    assert [line.split("  ")[1] for line in lines[2:]] == [
        *[f"⠋ Place {number}" for number in range(58, 66)],
        "… and 92 more (57 done)",
    ]


def test_when_many_items_are_over_those_that_failed_or_said_something_are_shown():
    sight = Sight(
        begun(step("a"), step("b")),
        started("a"),
        *items(100, ended=96),
        said("a/97", "A word."),
        finished("a/97"),
        StepFailed("a/98", problem("Far away."), t=1),
        finished("a/99"),
        finished("a/100"),
        finished("a"),
        done(),
    )

    lines = sight.end().splitlines()[3:-3]

    assert len(lines) == 20 + 2 + 1
    assert lines[-5:] == [
        "  ✓ Place 97                                                               1.0 s",
        "    A word.",
        "  ✗ Place 98                                                               1.0 s",
        "    Far away.",
        "  … and 80 more (all done)",
    ]


def test_what_a_step_says_around_its_items_stays_around_them():
    sight = Sight(begun(step("a")), started("a"), said("a", "Before."), *items(2, ended=2), said("a", "Behind."))

    assert [line.split("   ")[0] for line in sight.moving().splitlines()[1:]] == [
        "  Before.",
        "  ✓ Place 1",
        "  ✓ Place 2",
        "  Behind.",
    ]


def test_a_detail_says_how_much_there_is_to_see():
    sight = Sight(begun(step("a")), started("a"), detail("a", "Routes", [1, 2, 3]), detail("a", "One", {"x": 1}))

    assert sight.moving().splitlines()[1:] == ["  ▸ Routes · 3 entries", "  ▸ One"]


def test_an_open_detail_shows_what_is_in_it():
    sight = Sight(begun(step("a")), started("a"), detail("a", "One", {"x": 1, "y": "why"}), details=True)

    assert sight.moving().splitlines()[1:] == ["  ▾ One", "    x  1", "    y  why"]
