"""The record of one run: numbers without a gap, an end that is the end, lines encoded once, the latest status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate import IllegalRecord
from narrate.errors import Problem
from narrate.events import Message, Progress, RunCancelledEvent, RunFailedEvent, RunFinished, to_json
from narrate.record import Record


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

    line = record.line(1)

    assert line == to_json(event)
    assert record.line(1) is line


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
