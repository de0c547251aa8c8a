"""The vocabulary and its codec: every event goes across and comes back, and what is unknown is passed over."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from narrate import NotTellable
from narrate.errors import Explained, Problem, ProblemError, leaves_of, problem_of
from narrate.events import (
    TYPES,
    AnyEvent,
    Detached,
    Detail,
    Gap,
    Message,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Progress,
    Recorded,
    RunFailedEvent,
    RunFinished,
    RunId,
    RunStarted,
    StepFinished,
    StepStarted,
    Terminal,
    Token,
    from_json,
    json_schema,
    outlined_in,
    plain,
    to_json,
    utf8_size,
    whole_text,
)

KINDS = get_args(AnyEvent)

texts = st.text()
seconds = st.floats(min_value=0, max_value=1e9)
counts = st.integers(min_value=0, max_value=2**53)
data = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
problems = st.builds(
    Problem,
    title=texts,
    status=st.integers(400, 599),
    type=texts,
    detail=st.none() | texts,
    step=st.none() | texts,
    errors=st.lists(st.builds(ProblemError, detail=texts, field=st.none() | texts, step=st.none() | texts)).map(tuple),
)
outlined = st.recursive(
    st.builds(OutlinedStep, texts, texts, st.none() | seconds),
    lambda inner: (
        st.builds(OutlinedGroup, st.lists(inner, max_size=3).map(tuple))
        | st.builds(OutlinedPipeline, texts, texts, st.lists(inner, max_size=3).map(tuple), st.none() | seconds)
    ),
    max_leaves=6,
)
BY_FIELD = {
    "n": counts,
    "t": seconds,
    "seconds": seconds,
    "wait": seconds,
    "size": counts,
    "attempt": counts,
    "of": counts,
    "data": data,
    "result": data,
    "problem": problems,
    "outline": st.lists(outlined, max_size=3).map(tuple),
    "first": counts,
    "last": counts,
    "done": st.none() | counts,
    "to": counts,
    "by": st.sampled_from(["person", "default", "nobody"]),
    "within": st.none() | seconds,
    "choices": st.none() | st.lists(texts, max_size=3).map(tuple),
}


def events():
    return st.one_of(
        [st.builds(kind, **{field: BY_FIELD.get(field, texts) for field in kind.__struct_fields__}) for kind in KINDS]
    )


# --- The codec ---


@given(events())
def test_every_event_comes_back_as_it_went(event):
    line = to_json(event)

    assert from_json(line) == from_json(line.decode()) == event
    assert b"\n" not in line


@given(events())
def test_the_type_stands_first_and_is_the_events_own(event):
    assert to_json(event).startswith(b'{"type":"%s"' % event.type.encode())
    assert event.type in TYPES


def test_a_field_at_its_default_is_left_out():
    assert json.loads(to_json(Message("a", "b", t=0.5))) == {"type": "message", "step": "a", "text": "b", "t": 0.5}
    assert json.loads(to_json(StepFinished("a", 1.0, n=3, t=2.0))).keys() == {"type", "step", "seconds", "n", "t"}


def test_data_that_is_null_is_told_and_data_that_is_left_out_is_not():
    null, left_out = Detail("a", "T", None, 4, t=0.0), Detail("a", "T", size=9000, link="/x", t=0.0)

    assert json.loads(to_json(null))["data"] is None
    assert json.loads(to_json(left_out)).keys() == {"type", "step", "title", "size", "link", "t"}
    assert (from_json(to_json(null)), from_json(to_json(left_out))) == (null, left_out)


def test_a_gap_is_told_from_and_to():
    line = to_json(Gap(3, 7, n=7, t=0.0))

    assert json.loads(line) == {"type": "gap", "from": 3, "to": 7, "n": 7, "t": 0.0}
    assert (from_json(line).first, from_json(line).last) == (3, 7)


@pytest.mark.parametrize("line", ['{"type":"weather"}', '{"x":1,"type":"run.paused","t":"never"}'])
def test_an_unknown_type_is_passed_over(line):
    assert from_json(line) is None


def test_an_unknown_field_is_passed_over():
    line = '{"type":"message","step":"a","mood":{"happy":[1]},"text":"b","n":1,"t":0}'

    assert from_json(line) == Message("a", "b", n=1, t=0.0)


@pytest.mark.parametrize("line", ["", "{", "nothing", b"\xff"])
def test_what_is_no_json_is_an_error(line):
    with pytest.raises(msgspec.DecodeError):
        from_json(line)


@pytest.mark.parametrize(
    "line",
    ['{"type":"message","step":"a","t":0}', '{"type":"message","step":1,"text":"","t":0}', "{}", "[]", '{"type":5}'],
)
def test_a_known_type_with_a_wrong_field_is_an_error(line):
    with pytest.raises(msgspec.ValidationError):
        from_json(line)


def test_half_a_character_becomes_a_replacement_wherever_it_stands():
    problem = Problem(title="\ud800", status=500, errors=(ProblemError(detail="é\udfff"),))
    told = [StepStarted("a", "x\ud800y", n=2, t=1.0), RunFailedEvent(problem, 1.0, t=1.0), Token("a", "😀", t=0.0)]

    back = [from_json(to_json(event)) for event in told]

    assert back[0] == StepStarted("a", "x�y", n=2, t=1.0)
    assert (back[1].problem.title, back[1].problem.errors[0].detail) == ("�", "é�")
    assert back[2] == told[2]
    assert to_json(told[0]).startswith(b'{"type":"step.started"')


# --- The vocabulary ---


def test_events_are_frozen_and_carry_the_jsons_names():
    event = Message("a", "b", n=1, t=0.5)

    with pytest.raises(AttributeError):
        event.text = "c"
    assert (event.type, event.n, event.t, event.step, event.text) == ("message", 1, 0.5, "a", "b")


def test_the_words_are_these():
    assert set(TYPES) == {
        *("run.started", "run.finished", "run.failed", "run.cancelled"),
        *("step.started", "step.finished", "step.skipped", "step.failed", "step.cancelled", "step.retrying"),
        *("message", "token", "detail", "question", "answer", "gap", "progress", "detached"),
    }
    assert {*get_args(Recorded), Progress, Detached} == set(KINDS)
    assert set(get_args(Terminal)) < set(get_args(Recorded))


def test_the_schema_describes_every_event_with_all_its_fields():
    schema = json_schema()
    described = {
        definition["properties"]["type"]["enum"][0]: definition
        for definition in schema["$defs"].values()
        if "type" in definition["properties"] and "enum" in definition["properties"]["type"]
    }

    assert set(described) == set(TYPES)
    assert len(schema["anyOf"]) == len(TYPES)
    for kind in KINDS:
        fields = {field.encode_name: field.required for field in msgspec.structs.fields(kind)}
        definition = described[kind.__struct_config__.tag]
        assert set(definition["properties"]) == {"type", *fields}
        assert set(definition["required"]) == {"type", *(name for name, required in fields.items() if required)}


def test_the_outline_is_a_tree_by_kinds():
    outline = (OutlinedGroup((OutlinedStep("a", "A"), OutlinedPipeline("b", "B", (OutlinedStep("b/c", "C", 1.5),)))),)

    told = json.loads(to_json(RunStarted(RunId("r"), "p", "P", outline, t=0.0)))["outline"]

    assert told == [
        {
            "kind": "concurrent",
            "members": [
                {"kind": "step", "step": "a", "title": "A"},
                {
                    "kind": "pipeline",
                    "step": "b",
                    "title": "B",
                    "stages": [{"kind": "step", "step": "b/c", "title": "C", "seconds": 1.5}],
                },
            ],
        }
    ]


def test_what_is_in_an_outline_is_gone_through_in_reading_order():
    inner = OutlinedPipeline("b", "B", (OutlinedStep("b/c", "C"), OutlinedGroup((OutlinedStep("b/d", "D"),))))
    outline = (OutlinedStep("a", "A"), OutlinedGroup((inner, OutlinedStep("e", "E"))))

    assert [stage.step for stage in outlined_in(outline)] == ["a", "b", "b/c", "b/d", "e"]


# --- plain ---


class Model(BaseModel):
    at: datetime
    price: Decimal


@dataclass
class Data:
    models: tuple[Model, ...]


def test_a_value_becomes_plain_data_and_its_size():
    told, size = plain(Data((Model(at=datetime(2026, 1, 2, tzinfo=UTC), price=Decimal("1.50")),)))

    assert told == {"models": [{"at": "2026-01-02T00:00:00Z", "price": "1.50"}]}
    assert size == len(json.dumps(told, separators=(",", ":")))


@given(data)
def test_plain_data_stays_as_it_is_and_is_a_copy(value):
    told, size = plain(value)

    assert told == value
    assert told is not value or not isinstance(value, (list, dict))
    assert from_json(to_json(Detail("a", "t", told, size, t=0.0))).data == value
    assert from_json(to_json(RunFinished(told, 0.0, t=0.0))).result == value


def test_numbers_that_json_does_not_have_become_null():
    assert plain([float("nan"), {"a": float("-inf")}])[0] == [None, {"a": None}]


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def circle():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [object(), circle(), nested(10_000), b"\xff", "\ud800", {"\ud800": 1}, int], ids=type)
def test_what_has_no_json_form_cannot_be_told(value):
    with pytest.raises(NotTellable, match=r"^A value of type `\w+` has no JSON form\.$"):
        plain(value)


def test_what_is_in_the_way_is_named_by_its_type_only():
    with pytest.raises(NotTellable, match=r"^A value of type `list` has no JSON form: there is a `Explained` in it\.$"):
        plain([1, {"a": Explained("s3cret")}])


# --- Texts ---


@given(texts)
def test_the_size_of_a_text_is_that_of_its_bytes(text):
    assert utf8_size(text) == len(text.encode())
    assert whole_text(text) == text


def test_half_a_character_has_no_size_and_can_be_made_whole():
    with pytest.raises(NotTellable, match=r"^The text is not valid Unicode: surrogates not allowed at 1\.$"):
        utf8_size("a\ud800")
    assert whole_text("a\ud800b") == "a�b"


# --- Problems ---


class Sorry(Explained):
    title = "We are sorry"
    status = 418


def test_an_error_that_explains_itself_is_told_in_its_own_words_and_any_other_by_its_class():
    assert problem_of(Sorry("No."), "a") == Problem(title="We are sorry", status=418, detail="No.", step="a")
    assert problem_of(Sorry()).sentence == "We are sorry."
    assert problem_of(KeyError("s3cret")) == Problem(
        title="The step could not do its work", status=500, detail="An unexpected KeyError stopped it."
    )
    assert Problem(title="T", status=500).sentence == "T"


def test_a_group_is_told_by_its_first_with_all_by_name():
    group = ExceptionGroup("", [ExceptionGroup("", [Sorry("No.")]), KeyError("s3cret")])

    problem = problem_of(group, "a")

    assert [type(leaf) for leaf in leaves_of(group)] == [Sorry, KeyError]
    assert (problem.title, problem.detail) == ("We are sorry", "No.")
    assert [error.detail for error in problem.errors] == ["No.", "An unexpected KeyError stopped it."]
