"""The grammar of the reading order and of gaps, rule by rule."""

import pytest

from narrate.events import Event, Gap, OutlinedGroup, OutlinedPipeline, OutlinedStep, RunId, RunStarted
from narrate.grammar import check_record
from tests.test_grammar import CANCELLED, FAILED, FINISHED, TITLE, changed, record, refusal

# The reading order


@pytest.mark.parametrize(
    ("words", "change", "n", "what"),
    [
        (FINISHED, {"at": "start b", "by": "start p"}, 8, "`p` begins where `b` is declared"),
        (FINISHED, {"at": "start a", "before": "start f"}, 2, "`f` begins where `a` is declared"),
        (FINISHED, {"at": "say a", "by": "start b"}, 3, "`b` is told in the turn of `a`"),
        (FINISHED, {"at": "start p", "before": "say b"}, 9, "`b` is told while `p` is not announced"),
        (FINISHED, {"at": "skip e", "by": "cancel b"}, 10, "`b` is told while `e` is not announced"),
        (FINISHED, {"at": "skip e", "before": "start b/1"}, 10, "`b/1` is told while `e` is not announced"),
        (FINISHED, {"at": "start b/1", "before": "start p/c"}, 11, "`p/c` is told in the turn of `b`"),
        (FINISHED, {"at": "start p/d", "before": "say p"}, 31, "`message` is told of `p`, which is a pipeline"),
        (FINISHED, {"at": "start p/d", "before": "start p/1"}, 31, "`p/1` begins inside `p`, where it cannot"),
        (FAILED, {"at": "cancel b", "before": "say e"}, 11, "`e` is told in the turn of `b`"),
        (FAILED, {"at": "cancel b/1", "before": "cancel e"}, 9, "`e` is told in the turn of `b/1`"),
        (CANCELLED, {"at": "start e"}, 6, "`b` is told while `e` is not announced"),
        (CANCELLED, {"at": "cancel b", "before": "cancel p"}, 7, "`p` is told in the turn of `b`"),
    ],
)
def test_stages_are_told_as_declared_and_a_group_member_after_member(words, change, n, what):
    assert refusal(changed(words, **change)) == (n, what)


def test_a_group_of_which_nothing_is_open_is_announced_whole_all_the_same():
    group = OutlinedGroup((OutlinedStep("p/c", TITLE), OutlinedStep("p/d", TITLE)))
    outline = (OutlinedPipeline("p", TITLE, (group,)),)
    begun = RunStarted(RunId("r"), "made-up", TITLE, outline, t=0, n=1)
    what = "`p` closes while `p/d` is not announced"
    assert refusal([begun, *record("run begins", "start p", "skip p/c", "cancel p")[1:]]) == (4, what)


@pytest.mark.parametrize(
    ("change", "n", "what"),
    [
        ({"at": "start b/1", "by": "start b/2"}, 11, "`b/2` begins where `b/1` comes next"),
        ({"at": "start b/2", "by": "start b/3"}, 12, "`b/3` begins where `b/2` comes next"),
        ({"at": "start b/3", "by": "start b/4"}, 19, "`b/4` begins where `b/3` comes next"),
        ({"at": "start b/2", "by": "start b/02"}, 12, "`b/02` begins where `b/2` comes next"),
        ({"at": "start b/1.2", "by": "start b/1.3"}, 23, "`b/1.3` begins where `b/1.2` comes next"),
        ({"at": "say b/1", "by": "say b/2"}, 13, "`b/2` is told in the turn of `b/1`"),
        ({"at": "say b/1", "by": "say b"}, 13, "`b` is told in the turn of `b/1`"),
        ({"at": "finish b/1/1", "by": "start b/3"}, 15, "`b/3` is told in the turn of `b/1/1`"),
        ({"at": "finish b/1/1", "by": "finish b/2"}, 15, "`b/2` is told in the turn of `b/1/1`"),
    ],
)
def test_items_are_numbered_on_and_a_round_is_told_item_after_item(change, n, what):
    assert refusal(changed(FINISHED, **change)) == (n, what)


# Gaps


def with_gap(words: tuple[str, ...], first: int, last: int) -> list[Event]:
    events = record(*words)
    return [*events[: first - 1], Gap(first, last, t=0, n=last), *events[last:]]


@pytest.mark.parametrize("words", [FINISHED, FAILED, CANCELLED])
def test_any_part_of_a_legal_record_may_have_been_let_go(words):
    for first in range(1, len(words)):
        for last in range(first, len(words)):
            check_record(with_gap(words, first, last))
    for n in range(1, len(words) - 3):
        events = with_gap(words, n, n)
        check_record([*events[: n + 1], Gap(n + 2, n + 3, t=0, n=n + 3), *events[n + 3 :]])


def test_a_gap_has_the_number_of_the_last_it_stands_for():
    assert refusal([Gap(1, 3, t=0, n=1)]) == (1, "`gap` up to 3 is numbered 1")
    assert refusal([Gap(2, 3, t=0, n=3)]) == (3, "`gap` is numbered 2 where 1 comes next")
    assert refusal([Gap(1, 0, t=0, n=0)]) == (0, "`gap` goes from 1 back to 0")


def gap_then(*words: str) -> list[Event]:
    """A step is open and another closed, then a gap, then what is told after it."""
    told = record("run begins", "start a", "finish a", "start b", "start p", "start e", "say b", *words)
    return [*told[:6], Gap(7, 7, t=0, n=7), *told[7:]]


@pytest.mark.parametrize(
    ("words", "n", "what"),
    [
        (["run begins"], 8, "`run.started` comes a second time"),
        (["say a"], 8, "`message` is told of `a`, but `a` has finished"),
        (["start b"], 8, "`b` starts, but `b` has started already"),
        (["start x"], 8, "`x` starts, which is not in the outline"),
        (["say b", "finish b", "finish b"], 10, "`b` closes, but `b` has finished"),
        (["start b/7", "finish b"], 9, "`b` closes while `b/7` is open"),
        (["say b/7/3", "run cancelled"], 9, "the run ends while `b` is open"),
        (["fail e", "start f"], 9, "`f` starts, but `e` failed before it"),
        (["fail e", "run finishes"], 9, "the run finishes, but `e` failed"),
    ],
)
def test_after_a_gap_what_is_known_still_counts(words, n, what):
    assert refusal(gap_then(*words)) == (n, what)
