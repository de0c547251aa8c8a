"""The plan: a pipeline's stages with every parameter's source and every path settled, frozen.

Made by `pipeline`, which checks a declaration; read by whatever runs one. What is here can be run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from narrate.declare import Resource, Retry
from narrate.events import Outlined, OutlinedGroup, OutlinedPipeline, OutlinedStep
from narrate.template import Template
from narrate.wiring import Call, Key


@dataclass(frozen=True, slots=True)
class Fallback:
    """What stands in for a failed step: a value, or a call that gives one."""

    value: Any = None
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with everything about it settled."""

    name: str
    title: Template
    call: Call
    summary: Template | None
    timeout: float | None
    retry: Retry | None
    fallback: Fallback | None
    when: Call | None
    otherwise: Template
    secret: frozenset[str]

    @property
    def calls(self) -> Iterator[Call]:
        """Every function of the step's that may be called."""
        yield self.call
        if self.when is not None:
            yield self.when
        if self.fallback is not None and self.fallback.call is not None:
            yield self.fallback.call

    def outlined(self, prefix: str) -> Outlined:
        """This stage as `run.started` tells it."""
        return OutlinedStep(prefix + self.name, self.title.outline())


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """Stages that run at the same time, in reading order."""

    members: "tuple[PlannedStep | PlannedPipeline, ...]"

    def outlined(self, prefix: str) -> Outlined:
        """This stage as `run.started` tells it."""
        return OutlinedGroup(tuple(member.outlined(prefix) for member in self.members))


@dataclass(frozen=True, slots=True)
class PlannedPipeline:
    """A pipeline as a stage: `source` is the key of the value it takes as its input, None when it takes none."""

    name: str
    title: str
    plan: "Plan"
    source: Key | None

    def outlined(self, prefix: str) -> Outlined:
        """This stage as `run.started` tells it."""
        path = prefix + self.name
        return OutlinedPipeline(path, self.title, self.plan.outlined(path + "/"))


PlannedStage = PlannedStep | PlannedGroup | PlannedPipeline


@dataclass(frozen=True, slots=True)
class Plan:
    """The stages in order, and the names whose values are the result: one, or a mapping where the last is a group."""

    stages: tuple[PlannedStage, ...]
    result: str | tuple[str, ...]

    def outlined(self, prefix: str = "") -> tuple[Outlined, ...]:
        """The plan as a tree of stages with their titles."""
        return tuple(stage.outlined(prefix) for stage in self.stages)

    @property
    def steps(self) -> "Iterator[PlannedStep]":
        """Every step, those of nested pipelines too, in reading order."""
        for stage in self.stages:
            for member in stage.members if isinstance(stage, PlannedGroup) else (stage,):
                if isinstance(member, PlannedPipeline):
                    yield from member.plan.steps
                else:
                    yield member

    @property
    def resources(self) -> list[Resource]:
        """What its steps need of what runs share, in the order they need it; some more than once."""
        return [key for step in self.steps for call in step.calls for _, key in call.needs if isinstance(key, Resource)]

    @property
    def secret(self) -> frozenset[str]:
        """The names that any of its steps keeps secret."""
        return frozenset[str]().union(*(step.secret for step in self.steps))

    def makers_of(self, result: Any, prefix: str = "") -> "Iterator[tuple[str, Any]]":
        """The steps whose values are the result, those of nested pipelines by their path, each with its value."""
        members = (m for stage in self.stages for m in (stage.members if isinstance(stage, PlannedGroup) else (stage,)))
        nested = {member.name: member.plan for member in members if isinstance(member, PlannedPipeline)}
        for name, value in ({self.result: result} if isinstance(self.result, str) else result).items():
            if name in nested:
                yield from nested[name].makers_of(value, f"{prefix}{name}/")
            else:
                yield prefix + name, value

    def result_of(self, values: Mapping[Any, Any]) -> Any:
        """The pipeline's result, once every stage's value is there."""
        if isinstance(self.result, str):
            return values[self.result]
        return {name: values[name] for name in self.result}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a run may say.

    `held_events` of `held_bytes` may wait, all together, for their turn to be told; `record_bytes` is for all its steps
    say in the whole run.
    """

    held_events: int = 10_000
    held_bytes: int = 16 * 1024 * 1024
    record_bytes: int = 64 * 1024 * 1024
