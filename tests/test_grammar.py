"""The grammar, rule by rule: a legal record, one thing changed, and what the grammar says of it."""

import msgspec
import pytest

from narrate import IllegalRecord, Problem
from narrate.events import (
    Answer,
    Detached,
    Detail,
    Event,
    Message,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Progress,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Token,
)
from narrate.grammar import check_record
from tests.test_order import work_of

TITLE = "A title"
PROBLEM = Problem(title="It broke", status=500)
OUTLINE = (
    OutlinedStep("a", TITLE),
    OutlinedGroup(
        (
            OutlinedStep("b", TITLE),
            OutlinedPipeline("p", TITLE, (OutlinedStep("p/c", TITLE), OutlinedGroup((OutlinedStep("p/d", TITLE),)))),
            OutlinedStep("e", TITLE),
        )
    ),
    OutlinedStep("f", TITLE),
)


KINDS = {
    "start": lambda path: StepStarted(path, TITLE, t=0),
    "skip": lambda path: StepSkipped(path, "Not needed.", t=0),
    "say": lambda path: Message(path, "Well.", t=0),
    "token": lambda path: Token(path, "Well", t=0),
    "show": lambda path: Detail(path, TITLE, None, 4, t=0),
    "retry": lambda path: StepRetrying(path, 1, 2, 0.5, "Busy.", t=0),
    "ask": lambda path: Question(path, "Sure?", ("yes", "no"), t=0),
    "answer": lambda at: Answer(at.partition("/")[0], int(at.rpartition("/")[2]), "person", "yes", t=0),
    "report": lambda path: Progress(path, 1, 2, t=0),
    "finish": lambda path: StepFinished(path, 0, t=0),
    "fail": lambda path: StepFailed(path, PROBLEM, t=0),
    "cancel": lambda path: StepCancelled(path, "Enough.", t=0),
    "run begins": lambda _: RunStarted(RunId("r"), "made-up", TITLE, OUTLINE, t=0),
    "run finishes": lambda _: RunFinished(None, 0, t=0),
    "run cancelled": lambda _: RunCancelledEvent("Enough.", 0, t=0),
    "run fails": lambda path: RunFailedEvent(msgspec.structs.replace(PROBLEM, step=path or None), 0, t=0),
}


def event(words: str) -> Event:
    """An event from its kind and path, such as `start a` or `run fails a`."""
    kind, _, path = words.rpartition(" ")
    if words in KINDS:
        kind, path = words, ""
    return KINDS[kind](path)


def record(*words: str) -> list[Event]:
    return [msgspec.structs.replace(event(w), n=n) for n, w in enumerate(words, 1)]


FINISHED = (
    "run begins",
    *("start a", "say a", "retry a", "token a", "show a", "finish a"),
    *("start b", "start p", "skip e"),
    *("start b/1", "start b/2", "say b/1", "start b/1/1", "finish b/1/1", "finish b/1", "say b/2", "fail b/2"),
    *("start b/3", "cancel b/3", "say b", "start b/1.1", "start b/1.2", "finish b/1.1", "finish b/1.2"),
    *("start b/2.1", "finish b/2.1", "finish b"),
    *("start p/c", "finish p/c", "start p/d", "say p/d", "finish p/d", "finish p"),
    *("start f", "finish f"),
    "run finishes",
)
FAILED = (
    "run begins",
    *("start a", "finish a", "start b", "start p", "start e"),
    *("start b/1", "start b/2", "cancel b/1", "cancel b/2", "cancel b"),
    *("start p/c", "say p/c", "fail p/c", "fail p"),
    *("say e", "finish e"),
    "run fails p/c",
)
CANCELLED = (
    "run begins",
    "start a",
    "finish a",
    "start b",
    "start p",
    "start e",
    "cancel b",
    "cancel p",
    "cancel e",
    "run cancelled",
)

ASKED = (
    "run begins",
    *("start a", "ask a", "say a", "ask a", "answer a/5", "answer a/3", "ask a", "finish a"),
    "run cancelled",
)


@pytest.mark.parametrize(
    "words", [FINISHED, FAILED, CANCELLED, ASKED, ("run begins", "run cancelled"), ("run begins", "run fails")]
)
def test_what_a_run_can_tell_is_legal(words):
    check_record(record(*words))


def changed(words, *, at: str, by: str | None = None, before: str | None = None, after: str | None = None):
    """A legal record with the one event `at` replaced, or taken out, or with others put before or after it."""
    place = words.index(at)
    put = [w for part in (before, at if before or after else by, after) if part for w in part.split(", ")]
    return record(*words[:place], *put, *words[place + 1 :])


def refusal(events: list[Event]) -> tuple[int, str]:
    """The number of the event that a record is refused for, and what is said of it."""
    with pytest.raises(IllegalRecord) as raised:
        check_record(events)
    return raised.value.n, raised.value.what


# The run


def test_a_record_is_not_empty():
    assert refusal([]) == (1, "the record is empty")


def test_a_record_ends_with_an_end():
    assert refusal(record(*FINISHED[:-1])) == (len(FINISHED), "the record stops before the run has ended: it was cut")


def test_the_first_event_is_run_started():
    assert refusal(changed(FINISHED, at="run begins")) == (1, "`step.started` comes before `run.started`")


def test_a_run_starts_once():
    assert refusal(changed(FINISHED, at="say a", by="run begins")) == (3, "`run.started` comes a second time")


def test_nothing_comes_after_the_end():
    n = len(FINISHED) + 1
    assert refusal(record(*FINISHED, "say f")) == (n, "`message` comes after the end of the run")


def test_a_run_ends_once():
    assert refusal(record(*FINISHED, "run cancelled")) == (
        len(FINISHED) + 1,
        "`run.cancelled` comes after the end of the run",
    )


def test_the_end_comes_when_every_step_is_closed():
    assert refusal(record("run begins", "start a", "run cancelled")) == (3, "the run ends while `a` is open")


def test_a_run_with_a_failed_step_does_not_finish():
    assert refusal(changed(FAILED, at="run fails p/c", by="run finishes")) == (
        len(FAILED),
        "the run finishes, but `b` was cancelled",
    )


def test_a_run_with_a_cancelled_step_does_not_finish():
    assert refusal(record("run begins", "start a", "cancel a", "run finishes")) == (
        4,
        "the run finishes, but `a` was cancelled",
    )


def test_a_run_that_finishes_has_begun_every_stage():
    assert refusal(record("run begins", "start a", "finish a", "run finishes")) == (
        4,
        "the run finishes, but `b` never began",
    )


def test_a_run_fails_with_the_problem_of_a_step_that_failed():
    what = "the run fails with the problem of `e`, but `e` has finished"
    assert refusal(changed(FAILED, at="run fails p/c", by="run fails e")) == (len(FAILED), what)


def test_an_outline_names_each_path_once():
    twice = RunStarted(RunId("r"), "made-up", TITLE, (OUTLINE[0], OutlinedGroup((OUTLINE[0],))), t=0, n=1)
    assert refusal([twice]) == (1, "the outline has `a` twice")


def test_status_is_never_recorded():
    assert refusal(changed(FINISHED, at="say a", by="report a")) == (3, "`progress` of `a` is status: never recorded")


def test_what_one_reader_is_told_is_never_recorded():
    begun = record("run begins")
    assert refusal([*begun, Detached(RunId("r"), "/runs/r", t=0)]) == (
        2,
        "`detached` is told to one reader: never recorded",
    )


def test_only_known_events_are_recorded():
    class Rumour(Event, frozen=True, tag="rumour"):
        pass

    events = record("run begins", "start a")
    assert refusal([*events, Rumour(t=0, n=3)]) == (3, "`rumour` is no event of a record")


# Numbers


def test_numbers_begin_at_one():
    assert refusal(record(*FINISHED)[1:]) == (2, "`step.started` is numbered 2 where 1 comes next")


def test_no_number_is_missing():
    events = record(*FINISHED)
    assert refusal(events[:2] + events[3:]) == (4, "`step.retrying` is numbered 4 where 3 comes next")


def test_no_number_comes_twice():
    events = record(*FINISHED)
    assert refusal(events[:3] + events[2:]) == (3, "`message` is numbered 3 where 4 comes next")


def tokens(first: int | None, n: int) -> list[Event]:
    joined = Token("a", "Well, well", first, t=0, n=n)
    return [*record("run begins", "start a"), joined, *[msgspec.structs.replace(event("cancel a"), n=n + 1)]]


def test_joined_tokens_have_the_numbers_of_all_their_pieces():
    end = msgspec.structs.replace(event("run cancelled"), n=8)
    check_record([*tokens(3, 6), end])
    assert refusal(tokens(4, 6)) == (6, "`token` is numbered 4 where 3 comes next")
    assert refusal(tokens(3, 2)) == (2, "`token` goes from 3 back to 2")
    assert refusal(tokens(None, 6)) == (6, "`token` is numbered 6 where 3 comes next")


# Steps, each by itself


@pytest.mark.parametrize(
    ("change", "n", "what"),
    [
        ({"at": "say a", "by": "start a"}, 3, "`a` starts, but `a` has started already"),
        ({"at": "finish a", "after": "start a"}, 8, "`a` starts, but `a` has finished"),
        ({"at": "finish a", "after": "skip a"}, 8, "`a` is skipped, but `a` has finished"),
        ({"at": "finish a", "after": "finish a"}, 8, "`a` closes, but `a` has finished"),
        ({"at": "start a"}, 2, "`message` is told of `a`, but `a` never started"),
        ({"at": "finish a", "after": "say a"}, 8, "`message` is told of `a`, but `a` has finished"),
        ({"at": "finish a", "after": "token a"}, 8, "`token` is told of `a`, but `a` has finished"),
        ({"at": "finish a", "after": "show a"}, 8, "`detail` is told of `a`, but `a` has finished"),
        ({"at": "finish a", "after": "retry a"}, 8, "`step.retrying` is told of `a`, but `a` has finished"),
        ({"at": "skip e", "after": "say e"}, 11, "`message` is told of `e`, but `e` was skipped"),
        ({"at": "skip e", "after": "start e"}, 11, "`e` starts, but `e` was skipped"),
        ({"at": "finish b", "after": "finish e"}, 29, "`e` closes, but `e` was skipped"),
        ({"at": "start a", "before": "finish a"}, 2, "`a` closes, but `a` never started"),
        ({"at": "start a", "before": "start x"}, 2, "`x` starts, which is not in the outline"),
        ({"at": "say a", "by": "skip a/1"}, 3, "`a/1` is an item, and is skipped"),
        ({"at": "say b/1", "by": "retry b/1"}, 13, "`b/1` is an item, and is tried again"),
    ],
)
def test_a_step_starts_once_and_then_closes_once_and_speaks_between(change, n, what):
    assert refusal(changed(FINISHED, **change)) == (n, what)


def test_what_is_inside_a_step_starts_while_it_is_open():
    assert refusal(changed(FINISHED, at="start a", before="start a/1")) == (2, "`a/1` starts, but `a` never started")
    assert refusal(changed(FINISHED, at="finish p", after="start p/c/1")) == (
        35,
        "`p/c/1` starts, but `p/c` has finished",
    )


def test_what_is_inside_a_step_closes_before_it():
    assert refusal(changed(FINISHED, at="finish b/1.1", by="finish b")) == (24, "`b` closes while `b/1.1` is open")


def test_a_pipeline_with_a_failed_step_does_not_finish():
    assert refusal(changed(FAILED, at="fail p", by="finish p")) == (15, "`p` finishes, but `p/c` failed")


def test_a_pipeline_that_finishes_has_begun_every_stage():
    words = [w for w in FINISHED if not w.endswith("p/d")]
    assert refusal(record(*words)) == (31, "`p` finishes, but `p/d` never began")


def test_nothing_begins_behind_a_failure():
    assert refusal(changed(FAILED, at="fail p", before="start p/d")) == (15, "`p/d` starts, but `p/c` failed before it")
    assert refusal(changed(FAILED, at="finish e", after="skip f")) == (
        18,
        "`f` is skipped, but `b` was cancelled before it",
    )


def test_a_long_record_is_checked_in_linear_time():
    def check(many: int) -> int:
        items = [f"{kind} a/{n}" for kind in ("start", "finish") for n in range(1, many + 1)]
        events = record("run begins", "start a", *items, "cancel a", "run cancelled")
        return work_of(lambda: check_record(events))

    assert check(2000) < 2.1 * check(1000)
