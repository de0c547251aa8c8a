"""What can be told about a run: the vocabulary that the runner speaks and every reader hears.

An event that has its number is part of the record; until then (`n == 0`) it waits in its lane. Status (`Progress`), and
a stream's word that it ends before the run does (`Detached`), never get one. The values are frozen; `to_json` and
`from_json` are the only two ways across the wire. They are msgspec structs, not dataclasses or pydantic models, because
one is made, numbered and encoded for every token of every stream, and this costs a tenth of either.
"""

from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from typing import Any, Literal, NewType, cast

import msgspec
from pydantic_core import PydanticSerializationError
from pydantic_core import to_json as to_json_bytes

from narrate.errors import NotTellable, Problem

RunId = NewType("RunId", str)

SCHEMA_VERSION = 1
"""The version of the events' JSON Schema. It goes up when a reader of the one before could misread what is told now;
fields and types that are added do not count, because readers pass over what they do not know."""


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """Frozen; a field at its default is left out of the JSON."""


class OutlinedStep(_Value, frozen=True, tag="step", tag_field="kind"):
    """A step in the outline. `title` has `…` where the run fills something in; `seconds` is what it usually takes."""

    step: str
    title: str
    seconds: float | None = None


class OutlinedGroup(_Value, frozen=True, tag="concurrent", tag_field="kind"):
    """Stages that run at the same time."""

    members: "tuple[Outlined, ...]"


class OutlinedPipeline(_Value, frozen=True, tag="pipeline", tag_field="kind"):
    """A pipeline that is a stage of another: its steps are told as `step/inner`. `seconds` is what it usually takes."""

    step: str
    title: str
    stages: "tuple[Outlined, ...]"
    seconds: float | None = None


Outlined = OutlinedStep | OutlinedGroup | OutlinedPipeline


class Event(_Value, frozen=True, kw_only=True, tag_field="type"):
    """One thing that was told: `n` is its place in the record, `t` the seconds into the run when it happened."""

    n: int = 0
    t: float

    @property
    def type(self) -> str:
        """The word that stands for this kind of event on the wire, such as `step.started`."""
        return cast(str, self.__struct_config__.tag)


class RunStarted(Event, frozen=True, tag="run.started"):
    run: RunId
    pipeline: str
    title: str
    outline: tuple[Outlined, ...]
    note: str | None = None


class StepStarted(Event, frozen=True, tag="step.started"):
    step: str
    title: str


class Message(Event, frozen=True, tag="message"):
    step: str
    text: str


class Token(Event, frozen=True, tag="token"):
    """A piece of text passed on as it arrived. Where a wire joined neighbours, `first` is the number of the first."""

    step: str
    text: str
    first: int | None = None


class Detail(Event, frozen=True, tag="detail"):
    """Something to open and inspect. `data` is plain JSON data, `size` its length in bytes of JSON.

    In a record the data is always there. What a server sends may leave it out, when it is large, and say by `link`
    where it can be fetched.
    """

    step: str
    title: str
    data: Any = msgspec.UNSET
    size: int = 0
    link: str | None = None


class Question(Event, frozen=True, tag="question"):
    """A step waits for a person. `choices` are all that may be answered; None for any text.

    `within` so many seconds of `t` it must be answered; then the answer is the `default`, if there is one. `item` is
    which item of the step's `each` asks, where items are no steps of their own: `2`, or `2.1` for one within it.
    """

    step: str
    question: str
    choices: tuple[str, ...] | None = None
    default: str | None = None
    within: float | None = None
    item: str | None = None


class Answer(Event, frozen=True, tag="answer"):
    """The end of question number `to`. `by` is `person`; `default` where nobody answered in time; or `nobody` where it
    was taken back, or its time was over without a default: then there is no `value`.
    """

    step: str
    to: int
    by: Literal["person", "default", "nobody"]
    value: str | None = None


class StepRetrying(Event, frozen=True, tag="step.retrying"):
    """The attempt numbered `attempt` of at most `of` failed; the next begins in `wait` seconds."""

    step: str
    attempt: int
    of: int
    wait: float
    reason: str


class StepFinished(Event, frozen=True, tag="step.finished"):
    """The step has its value. `fallback` is why a stand-in had to give it, `text` the step's summary."""

    step: str
    seconds: float
    text: str | None = None
    fallback: str | None = None


class StepSkipped(Event, frozen=True, tag="step.skipped"):
    step: str
    reason: str


class StepFailed(Event, frozen=True, tag="step.failed"):
    step: str
    problem: Problem


class StepCancelled(Event, frozen=True, tag="step.cancelled"):
    step: str
    reason: str


class RunFinished(Event, frozen=True, tag="run.finished"):
    result: Any
    seconds: float


class RunFailedEvent(Event, frozen=True, tag="run.failed"):
    problem: Problem
    seconds: float


class RunCancelledEvent(Event, frozen=True, tag="run.cancelled"):
    reason: str
    seconds: float


class Gap(Event, frozen=True, tag="gap"):
    """History that is no longer kept: the events numbered `first` to `last`."""

    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")


class Progress(Event, frozen=True, tag="progress"):
    """Status: how far a step is, or the state of a lane whose turn to be told has not come. Never numbered."""

    step: str
    done: int | float | None = None
    of: int | float | None = None
    unit: str | None = None
    text: str | None = None
    state: str | None = None


class Detached(Event, frozen=True, tag="detached"):
    """The stream ends here and the run carries on; its state is at `link`. Told to one reader, never numbered."""

    run: RunId
    link: str


StepEvent = (
    StepStarted
    | Message
    | Token
    | Detail
    | Question
    | Answer
    | StepRetrying
    | StepFinished
    | StepSkipped
    | StepFailed
    | StepCancelled
)
"""What a record tells of one step."""

Terminal = RunFinished | RunFailedEvent | RunCancelledEvent

Recorded = RunStarted | StepEvent | Terminal | Gap
AnyEvent = Recorded | Progress | Detached

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def to_json(event: Event) -> bytes:
    """The event as one line of JSON in UTF-8, with `type` first.

    A lone surrogate (from a title filled in, from an error's text) becomes U+FFFD: half a character in one event must
    not break every reader's stream.
    """
    try:
        return _encoder.encode(event)
    except UnicodeEncodeError:
        return _encoder.encode(_whole(msgspec.to_builtins(event)))


def from_json(line: bytes | str) -> AnyEvent | None:
    """The event in a line of JSON; None for a type this version does not know (readers pass over those).

    Raises msgspec.DecodeError for what is not JSON, and msgspec.ValidationError for a known type with a wrong field.
    """
    if _typed.decode(line).type not in TYPES:
        return None
    return _decoder.decode(line)


def plain(value: Any) -> tuple[Any, int]:
    """A value as plain JSON data, a copy that nobody else holds, and its size in bytes of JSON.

    Takes what pydantic can serialise (models, dataclasses, datetimes, …); NaN and infinities become null. Raises
    NotTellable for anything else.
    """
    strange: list[Any] = []
    try:
        encoded = to_json_bytes(value, inf_nan_mode="null", fallback=strange.append)
        decoded = msgspec.json.decode(encoded)
    except (PydanticSerializationError, ValueError, msgspec.DecodeError, RecursionError) as error:
        # Their texts are not told: they quote what a serialiser raised, which may hold anything.
        raise NotTellable(f"A value of type `{type(value).__name__}` has no JSON form.") from error
    if strange:
        raise NotTellable(f"A value of type `{type(value).__name__}` has no JSON form{_because(value, strange[0])}.")
    return decoded, len(encoded)


def utf8_size(text: str) -> int:
    """The bytes of a text in UTF-8. Raises NotTellable for a lone surrogate, which has none."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise NotTellable(f"The text is not valid Unicode: {error.reason} at {error.start}.") from error


def whole_text(text: str) -> str:
    """The text with U+FFFD for a lone surrogate: half a character must not end a model's answer."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def outlined_in(outline: Iterable[Outlined]) -> Iterator[OutlinedStep | OutlinedPipeline]:
    """Every step and pipeline of an outline in reading order, each pipeline before what is in it."""
    for stage in outline:
        if isinstance(stage, OutlinedGroup):
            yield from outlined_in(stage.members)
        else:
            yield stage
            if isinstance(stage, OutlinedPipeline):
                yield from outlined_in(stage.stages)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every event, as an `anyOf` with its definitions.

    Its `$id` is a name, and no address of anything: wherever it is kept, it is the same.
    """
    schema = msgspec.json.schema(AnyEvent)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:narrate:events:{SCHEMA_VERSION}",
        "title": "An event of narrate",
        "version": SCHEMA_VERSION,
        **schema,
    }


def _whole(data: Any) -> Any:
    if isinstance(data, str):
        return whole_text(data)
    if isinstance(data, dict):
        return {key: _whole(value) for key, value in data.items()}
    return [_whole(item) for item in data] if isinstance(data, (list, tuple)) else data


def _because(value: Any, strange: Any) -> str:
    return "" if strange is value else f": there is a `{type(strange).__name__}` in it"


TYPES: Sequence[str] = tuple(
    cast(str, kind.__struct_config__.tag) for kind in cast("tuple[type[Event], ...]", AnyEvent.__args__)
)
"""Every word that can stand in `type`."""
