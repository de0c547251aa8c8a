"""What is known of a pipeline before it runs, laid out to be read: what it takes and gives, and its plan as a tree.

Pure: a renderable of rich, which has colours on a terminal and none elsewhere.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, assert_never, get_args, get_origin
from urllib.parse import urlsplit

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from narrate.cli.given import schema_of
from narrate.declare import Resource
from narrate.graph.words import TOGETHER, one_line
from narrate.pipeline import Pipeline
from narrate.plan import Fallback, PlannedGroup, PlannedPipeline, PlannedStage, PlannedStep
from narrate.server.schema_words import Field, tables_of
from narrate.targets import shown
from narrate.wiring import CALLER, FAILURE, INPUT, Call, Key

LONGEST_VALUE = 40
"""Characters of a fallback's value that are shown; of a longer one, only its type."""


def sheet_of(pipeline: Pipeline) -> RenderableType:
    """All that there is to say of a pipeline."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, told in _facts(pipeline):
        facts.add_row(name, told)
    sheet = Tree(Group(Text(one_line(pipeline.title), style="bold"), facts, ""), guide_style="dim")
    _grow(sheet, pipeline.plan.stages)
    return sheet


def _facts(pipeline: Pipeline) -> Iterator[tuple[str, RenderableType]]:
    file, _, line = pipeline.where.rpartition(":")
    yield "pipeline", Text(f"{pipeline.name}, declared at {shown(Path(file))}:{line}")
    yield "path", Text(f"POST {pipeline.path}")
    yield "takes", _takes(pipeline)
    yield "gives", Text(_gives(pipeline))
    carries_on = pipeline.linger is None
    yield "linger", Text("carries on without readers" if carries_on else f"{pipeline.linger:g} s without readers")
    if pipeline.detach_after is not None:
        yield "detach", Text(f"a stream becomes a job after {pipeline.detach_after:g} s")
    if not pipeline.recover:
        yield "recover", Text("no: an interrupted run is not gone on with")
    if pipeline.callback is not None:
        # The host alone: a callback's path or query is often its password.
        yield "callback", Text(f"at {urlsplit(pipeline.callback).hostname}")
    if pipeline.headers:
        yield "headers", Text(_listed(sorted(pipeline.headers)))
    if pipeline.page is not None:
        yield "page", Text(str(shown(pipeline.page)))
    if pipeline.resources:
        yield "resources", Text(_listed(_called(resource.name, call) for resource, call in pipeline.resources))


def _takes(pipeline: Pipeline) -> RenderableType:
    schema = schema_of(pipeline)
    if schema is None:
        return Text("nothing")
    tables = tables_of(schema, schema.get("$defs", {}))
    fields = tables[0].fields if tables else ()
    kind = Text(type_name(pipeline.takes))
    return Group(kind, _fields_table(fields)) if fields else kind


def _fields_table(fields: Sequence[Field]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for field in fields:
        left_out = () if field.required or "if left out" in field.limits else ("may be left out",)
        table.add_row(Text(field.name), Text(", ".join(filter(None, (field.kind, field.limits, *left_out)))))
    return table


def _gives(pipeline: Pipeline) -> str:
    result = pipeline.plan.result
    if isinstance(result, str):
        return f"{type_name(pipeline.returns)}, the value of {result}"
    return f"an object of {_listed(result)}"


def _grow(tree: Tree, stages: Iterable[PlannedStage]) -> None:
    for stage in stages:
        match stage:
            case PlannedStep():
                tree.add(_step(stage))
            case PlannedGroup(members):
                _grow(tree.add(Text(TOGETHER, style="green")), members)
            case PlannedPipeline():
                _grow(tree.add(_pipeline(stage)), stage.plan.stages)
            case _:
                assert_never(stage)


def _step(step: PlannedStep) -> Group:
    wiring = [*_needs(step.call), f"gives {type_name(step.call.returns)}"]
    return _node(step.name, step.title.outline(), wiring, _options(step))


def _pipeline(stage: PlannedPipeline) -> Group:
    takes = "takes nothing" if stage.source is None else f"takes {_key(stage.source)}"
    return _node(stage.name, stage.title, ["a pipeline", takes], ())


def _node(name: str, title: str, *lines: Iterable[str]) -> Group:
    """A stage's name and title, and what else there is to say below."""
    return Group(Text.assemble((name, "bold cyan"), "  ", one_line(title)), *(_Parts(tuple(line)) for line in lines))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Short things to say, in lines that end between two of them where that can be."""

    parts: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = ""
        for part in self.parts:
            longer = f"{line} · {part}" if line else part
            if line and cell_len(longer) > options.max_width:
                yield Text(line, style="dim")
                longer = part
            line = longer
        if line:
            yield Text(line, style="dim")


def _needs(call: Call) -> Iterator[str]:
    """What a step is given, in words: values first, then what runs share."""
    keys = dict.fromkeys(key for _, key in call.needs)
    values = [_key(key) for key in keys if not isinstance(key, Resource)]
    shared = [key.name for key in keys if isinstance(key, Resource)]
    if values or not shared:
        yield f"needs {_listed(values) or 'nothing'}"
    if shared:
        yield f"{'resources' if len(shared) > 1 else 'resource'} {_listed(shared)}"


def _options(step: PlannedStep) -> Iterator[str]:
    if step.when is not None:
        yield f"when {_called(_name_of(step.when.fn), step.when)}"
    if step.timeout is not None:
        yield f"timeout {step.timeout:g} s"
    if step.retry is not None:
        kinds = step.retry.on if isinstance(step.retry.on, tuple) else (step.retry.on,)
        attempts = "1 attempt" if step.retry.attempts == 1 else f"{step.retry.attempts} attempts"
        yield f"{attempts} on {' or '.join(kind.__name__ for kind in kinds)}"
    if step.fallback is not None:
        yield f"fallback {_stand_in(step.fallback, secret=bool(step.secret))}"
    if step.secret:
        yield f"secret {_listed(sorted(step.secret))}"
    if not step.call.is_async:
        yield "in a thread"


def _stand_in(fallback: Fallback, *, secret: bool) -> str:
    if fallback.call is not None:
        return _called(_name_of(fallback.call.fn), fallback.call)
    value = fallback.value
    shown = isinstance(value, (bool, int, float, str)) and not secret and len(repr(value)) <= LONGEST_VALUE
    return one_line(repr(value)) if shown or value is None else f"a {type(value).__name__}"


def _called(name: str, call: Call) -> str:
    """A function and what it is given, as it would be called."""
    return f"{name}({_listed(parameter for parameter, _ in call.needs)})" if call.needs else name


def _name_of(fn: Any) -> str:
    if isinstance(fn, partial):
        return _name_of(fn.func)
    return str(getattr(fn, "__name__", type(fn).__name__)).strip("<>")


_MARKS: Mapping[Key, str] = {INPUT: "the input", CALLER: "the caller", FAILURE: "the failure"}


def _key(key: Key) -> str:
    """What stands behind a parameter, in words."""
    return _MARKS.get(key) or (key.name if isinstance(key, Resource) else str(key))


def type_name(kind: Any) -> str:
    """A type as its author writes it, without the modules that it comes from."""
    if kind in (None, type(None)):
        return "nothing"
    return "anything" if kind is Any else one_line(_written(kind))


def _written(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is type(None):
        return "None"
    if isinstance(kind, list):  # the parameters of a Callable
        return f"[{_listed(map(_written, kind))}]"
    if origin is None:
        return "..." if kind is Ellipsis else str(getattr(kind, "__qualname__", kind)).rpartition("<locals>.")[2]
    if origin is Annotated:
        return _written(arguments[0])
    if origin in (Union, UnionType):
        return " | ".join(map(_written, arguments))
    written = map(repr, arguments) if origin is Literal else map(_written, arguments)
    return f"{getattr(origin, '__name__', origin)}[{_listed(written)}]"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
