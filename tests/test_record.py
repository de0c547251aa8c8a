"""The record of one run: numbers without a gap, an end that is the end, lines encoded once, the latest status."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate import IllegalRecord
from narrate.errors import Problem
from narrate.events import (
    Detail,
    Gap,
    Message,
    Progress,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    StepStarted,
    Token,
    to_json,
)
from narrate.grammar import check_record
from narrate.record import Record, numbered, weight_of


def said(text):
    return Message("a", text, t=1.0)


ENDS = [
    RunFinished(None, 1.0, t=1.0),
    RunFailedEvent(Problem(title="T", status=500), 1.0, t=1.0),
    RunCancelledEvent("Enough.", 1.0, t=1.0),
]


@given(st.lists(st.text()))
def test_events_are_numbered_from_one_without_a_gap(texts):
    record = Record()

    given_back = [record.append(said(text)) for text in texts]

    assert record.events == given_back
    assert [(event.n, event.text) for event in record.events] == list(enumerate(texts, 1))
    assert not record.ended


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.type)
def test_nothing_is_told_after_the_end(end):
    record = Record()
    record.append(said("a"))
    record.append(end)

    with pytest.raises(IllegalRecord, match=r"^event 3: `message` was told after the record had ended.$") as caught:
        record.append(said("b"))

    assert (record.ended, len(record.events), caught.value.n) == (True, 2, 3)


def test_an_event_is_encoded_once_whoever_asks():
    record = Record()
    event = record.append(said("é"))

    line = record.line(event)

    assert line == to_json(event)
    assert record.line(event) is line


def test_a_number_is_given_by_the_record_whatever_number_a_fact_has():
    record = Record()

    given_back = record.append(msgspec.structs.replace(said("a"), n=7))

    assert (given_back.n, record.first, record.last) == (1, 1, 1)
    assert numbered(said("a"), 7, ended=False).n == 7


# --- What was numbered elsewhere ---


def test_an_event_that_has_its_number_is_taken_as_it_is_with_its_line():
    record, line = Record(), b"as it was kept"
    event = numbered(said("a"), 1, ended=False)

    record.take(event, line)

    assert record.events[0] is event
    assert record.line(event) is line
    assert record.append(said("b")).n == 2


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.type)
def test_a_record_has_ended_when_its_end_is_taken(end):
    record = Record()
    record.report(Progress("a", 1, t=0.0))

    record.take(numbered(end, 1, ended=False))

    assert (record.ended, list(record.statuses())) == (True, [])
    with pytest.raises(IllegalRecord, match=r"^event 2: "):
        record.append(said("b"))


# --- What is kept no longer ---


def recorded(texts, *end):
    record = Record()
    for text in texts:
        record.append(said(text))
    for fact in end:
        record.append(fact)
    return record


@given(st.text("abc", max_size=12), st.integers(0, 14), st.integers(0, 14))
def test_what_is_gone_and_what_is_left_are_all_that_was_told_behind_a_number(texts, first, after):
    record, whole = recorded(texts), recorded(texts).events
    first = min(first, len(texts) + 1)

    record.trim(first)
    told = list(record.since(after))

    gaps = [event for event in told if isinstance(event, Gap)]
    missed = [n for gap in gaps for n in range(gap.first, gap.last + 1)]
    assert told[len(gaps) :] == whole[max(after, first - 1, 0) :]
    assert missed == list(range(after + 1, first))
    assert [gap.n for gap in gaps] == [first - 1 for _ in gaps]
    assert (record.last, record.append(said("d")).n) == (len(texts), len(texts) + 1)


def test_a_gap_is_told_at_the_time_of_what_comes_behind_it():
    record = recorded("abc", ENDS[0])
    record.trim(4)

    gap, end = record.since(0)

    assert (gap, end) == (Gap(1, 3, n=3, t=ENDS[0].t), numbered(ENDS[0], 4, ended=False))
    check_record(record.since(0))


def test_whoever_has_heard_all_that_is_gone_is_told_of_no_gap():
    record = recorded("abc")
    record.trim(3)

    assert [event.n for event in record.since(2)] == [3]
    assert [event.type for event in record.since(1)] == ["gap", "message"]


def test_to_trim_twice_or_to_where_it_begins_is_nothing():
    record = recorded("abcde")
    record.trim(4)

    for first in (4, 2, 0):
        record.trim(first)

    assert (record.first, record.last, [event.n for event in record.events]) == (4, 5, [4, 5])


def test_an_event_has_its_line_whether_it_is_still_there_or_not():
    record = recorded("abc")
    gone, left = record.events[0], record.events[2]
    line = record.line(left)
    record.trim(3)
    (gap, _) = record.since(0)

    assert record.line(left) is line
    assert [record.line(event) for event in (gone, gap)] == [to_json(gone), to_json(gap)]


def test_a_record_that_is_begun_anew_goes_on_at_another_number():
    record = recorded("abc")

    record.restart(8)
    record.take(numbered(said("h"), 8, ended=False))

    assert [event.type for event in record.since(2)] == ["gap", "message"]
    assert (record.since(2)[0].first, record.since(2)[0].last) == (3, 7)
    assert (record.first, record.last, record.line(record.events[0])) == (8, 8, to_json(record.events[0]))


# --- What it weighs ---


@pytest.mark.parametrize(
    "fact",
    [
        said("x" * 5000),
        Token("a", "x" * 5000, t=0.0),
        Detail("a", "T", "x" * 5000, 5002, t=0.0),
        RunFinished({"text": "x" * 5000}, 1.0, t=1.0),
    ],
    ids=lambda fact: fact.type,
)
def test_an_event_weighs_about_as_much_as_it_says(fact):
    little = StepStarted("a", "A", t=0.0)

    assert 5000 <= weight_of([fact]) <= 6000
    assert weight_of([fact, little, fact]) == 2 * weight_of([fact]) + weight_of([little])
    assert 0 < weight_of([little]) < 1000


# --- Status ---


def test_the_latest_status_of_each_step_is_the_one_that_counts():
    record = Record()
    for step, done in (("a", 1), ("b", 1), ("a", 2)):
        record.report(Progress(step, done, t=0.0))

    assert {(status.step, status.done) for status in record.statuses()} == {("a", 2), ("b", 1)}
    assert record.version == 3


def test_only_what_has_changed_since_is_given():
    record = Record()
    record.report(Progress("a", 1, t=0.0))
    seen = record.version

    unchanged = record.statuses(seen)
    record.report(Progress("b", 1, t=0.0))

    assert list(unchanged) == []
    assert [status.step for status in record.statuses(seen)] == ["b"]


def test_status_ends_with_the_record():
    record = Record()
    record.report(Progress("a", 1, t=0.0))
    record.append(ENDS[0])
    record.report(Progress("a", 2, t=0.0))

    assert list(record.statuses()) == []
    assert record.version == 1
