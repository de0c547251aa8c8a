"""A pipeline: where a declaration is checked, and becomes a plan.

What `Pipeline(...)` lets through can be run. Each thing that could not is one DeclarationError that names the step, the
place in the file, and what would mend it.
"""

import inspect
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Optional

from pydantic import BaseModel, PydanticUserError, TypeAdapter

from narrate.declare import NO_FALLBACK, Concurrent, Resource, Step, caller_place
from narrate.errors import BadInput, DeclarationError, Problem
from narrate.fits import fits, value_fits
from narrate.inputs import validated
from narrate.plan import Fallback, Limits, Plan, PlannedGroup, PlannedPipeline, PlannedStage, PlannedStep
from narrate.template import Template, hint
from narrate.wiring import INPUT, Call, Key, Scope, typed, wire_resources

VIEW = "view.js"
"""The file in a pipeline's `page` that draws its runs."""


class Pipeline:
    """A named, ordered list of stages with an input type and a result.

    - `takes`: the input's type; anything pydantic validates. Left out, the pipeline takes nothing.
    - `resources`: what its runs share, opened once; steps and other resources get them by name.
    - `result`: the name of the step whose value is the result; left out, it is the last stage's.
    - `path`: where a server answers for it; left out, `/` and its name.
    - `linger`: seconds a served run goes on after its last reader left; None carries on to the end.
    - `detach_after`: seconds after which a stream of it ends with the link to its state, while the run carries on.
    - `recover`: whether a run whose process has gone is gone on with by the next, where the journal is durable.
    - `callback`: the URL that is told each run's end by a signed webhook, beside those that requests name.
    - `headers`: the request headers that `Caller` shows to steps.
    - `limits`: what a run may hold back before its turn to be told.
    - `page`: a folder of static files for whoever shows its runs to people. Its `view.js` is a module that draws one
      beside its story. A server gives all of the folder away, but for what begins with a dot or is linked from outside.

    Raises DeclarationError for anything that could not run.
    """

    def __init__(
        self,
        name: str,
        *stages: Any,
        takes: Any = None,
        resources: Sequence[Resource] = (),
        result: str | None = None,
        title: str | None = None,
        path: str | None = None,
        linger: float | None = 10.0,
        detach_after: float | None = None,
        recover: bool = True,
        callback: str | None = None,
        headers: Sequence[str] = (),
        limits: Limits | None = None,
        page: Path | None = None,
    ) -> None:
        self.where = caller_place()
        named: Any = name
        if not isinstance(named, str):
            raise DeclarationError('A pipeline\'s name comes first: Pipeline("name", step, ...).', where=self.where)
        self.name = name
        self.title = title or name
        self.path = path if path is not None else f"/{name}"
        self.takes = takes
        self.linger = linger
        self.detach_after = detach_after
        self.recover = recover
        self.callback = callback
        self.headers = frozenset(header.lower() for header in headers)
        self.limits = limits or Limits()
        self.page = Path(page).absolute() if page is not None else None
        self._check_options()
        self._check_page()
        self.input: TypeAdapter[Any] | None = _adapter(takes, name, self.where)
        drawing = _Drawing(self, Scope(takes=takes, resources=_by_name(resources, self.where)))
        self.plan = drawing.plan(stages, result)
        self.returns = drawing.returns(self.plan)
        self.outline = self.plan.outlined()
        self.secret = self.plan.secret
        self.needs = tuple(dict.fromkeys(self.plan.resources))
        self.resources = tuple({**dict(wire_resources(resources)), **drawing.inner_resources}.items())

    @property
    def value_name(self) -> str:
        """The name of its value where it is a stage of another: its own, with `_` for what no parameter can hold."""
        return "".join(c if c.isalnum() else "_" for c in self.name)

    def validate(self, data: Any) -> Any:
        """The input as the type the pipeline takes. Raises BadInput naming each field that does not fit.

        None is no input: where it is not what the pipeline takes, all the fields of that are left out.
        """
        if self.input is None:
            if data is None:
                return None
            raise BadInput(
                Problem(title="The input does not fit", status=422, detail=f"Pipeline `{self.name}` takes no input.")
            )
        return validated(self.input, data)

    def __repr__(self) -> str:
        return f"<Pipeline {self.name}: {len(self.plan.stages)} stages>"

    def _check_options(self) -> None:
        if not self.value_name.isidentifier():
            raise DeclarationError(f"Pipeline name {self.name!r} does not begin with a letter.", where=self.where)
        if any(c in "<>?#" or c.isspace() for c in self.path):
            raise DeclarationError(
                f"Pipeline `{self.name}`: path {self.path!r} has a `<`, `>`, `?`, `#` or blank in it.", where=self.where
            )
        if not self.path.startswith("/"):
            raise DeclarationError(
                f"Pipeline `{self.name}`: path {self.path!r} does not begin with `/`.", where=self.where
            )
        if self.linger is not None and not self.linger >= 0:
            raise DeclarationError(f"Pipeline `{self.name}`: linger={self.linger} is no time.", where=self.where)
        if self.detach_after is not None and not self.detach_after > 0:
            raise DeclarationError(
                f"Pipeline `{self.name}`: detach_after={self.detach_after} leaves a stream no time.", where=self.where
            )

    def _check_page(self) -> None:
        if self.page is None:
            return
        if not self.page.is_dir():
            raise DeclarationError(f"Pipeline `{self.name}`: page={self.page} is no folder.", where=self.where)
        if not (self.page / VIEW).is_file():
            raise DeclarationError(
                f"Pipeline `{self.name}`: its page {self.page} has no `{VIEW}`, which is what draws a run.",
                where=self.where,
            )


class _Drawing:
    """A plan being drawn: the scope grows by each stage's values."""

    def __init__(self, pipeline: Pipeline, scope: Scope) -> None:
        self.pipeline = pipeline
        self.scope = scope
        self.inner_resources: dict[Resource, Call] = {}

    def plan(self, stages: Sequence[Any], result: str | None) -> Plan:
        if not stages:
            raise DeclarationError(f"Pipeline `{self.pipeline.name}` has no stages.", where=self.pipeline.where)
        members = [m for s in stages for m in (s.members if isinstance(s, Concurrent) else (s,))]
        self._check_uncalled(members)
        self.scope.later = self._names(members)
        self.scope.needs = {member.name: _needed(member) for member in members if isinstance(member, Step)}
        planned = tuple(self._stage(stage) for stage in stages)
        if result is not None and result not in self.scope.values:
            raise DeclarationError(
                f"Pipeline `{self.pipeline.name}`: result={result!r} names no step{hint(result, self.scope.values)}.",
                where=self.pipeline.where,
            )
        last = planned[-1]
        names = tuple(m.name for m in last.members) if isinstance(last, PlannedGroup) else last.name
        return Plan(planned, result if result is not None else names)

    def returns(self, plan: Plan) -> Any:
        return self.scope.values[plan.result] if isinstance(plan.result, str) else dict[str, Any]

    def _check_uncalled(self, members: Sequence[Any]) -> None:
        """Refuse steps that were called where they should be named, and let Python not warn of what they gave."""
        called = [member for member in members if inspect.iscoroutine(member)]
        for coroutine in called:
            coroutine.close()
        if called:
            name = called[0].__name__
            raise DeclarationError(
                f"`{name}()` is not a stage: write it without the parentheses, `{name}`.", where=self.pipeline.where
            )

    def _names(self, members: Sequence[Any]) -> set[str]:
        """Every name the stages provide, refusing what is no stage and what is there twice."""
        names: set[str] = set()
        for stage in members:
            name, where = self._named(stage)
            if name in names:
                raise DeclarationError(f"Two stages are called `{name}`; give one another name.", where=where)
            if name in self.scope.resources:
                raise DeclarationError(f"`{name}` is a stage and a resource; give one another name.", where=where)
            names.add(name)
        return names

    def _named(self, stage: Any) -> tuple[str, str]:
        if isinstance(stage, Step):
            return stage.name, stage.where
        if isinstance(stage, Pipeline):
            if self.pipeline.value_name in (stage.value_name, *_inner_names(stage)):
                raise DeclarationError(f"Pipeline `{self.pipeline.name}` stands inside itself.", where=stage.where)
            return stage.value_name, stage.where
        raise DeclarationError(f"{_no_stage(stage)}.", where=self.pipeline.where)

    def _stage(self, stage: Any) -> PlannedStage:
        members = stage.members if isinstance(stage, Concurrent) else (stage,)
        names = [self._named(member)[0] for member in members]
        self.scope.later -= set(names)
        provided: dict[str, Any] = {}
        planned: list[PlannedStep | PlannedPipeline] = []
        for name, member in zip(names, members, strict=True):
            self.scope.beside = set(names) - {name}
            draw = self._pipeline if isinstance(member, Pipeline) else self._step
            one, provided[name] = draw(member)
            planned.append(one)
        self.scope.beside = set()
        self.scope.values |= provided
        return PlannedGroup(tuple(planned)) if isinstance(stage, Concurrent) else planned[0]

    def _pipeline(self, stage: Pipeline) -> tuple[PlannedPipeline, Any]:
        self.inner_resources |= dict(stage.resources)
        return PlannedPipeline(stage.value_name, stage.title, stage.plan, self._source(stage)), stage.returns

    def _source(self, stage: Pipeline) -> Key | None:
        """What a nested pipeline takes: the outer input where that fits, else the one earlier value that does."""
        if stage.takes is None:
            return None
        if self.scope.takes is not None and fits(self.scope.takes, stage.takes):
            return INPUT
        fitting = [name for name, kind in self.scope.values.items() if kind is not Any and fits(kind, stage.takes)]
        if len(fitting) == 1:
            return fitting[0]
        found = f"{' and '.join(f'`{f}`' for f in fitting)} do" if fitting else "no earlier value does"
        raise DeclarationError(
            f"Pipeline `{stage.name}` takes {typed(stage.takes)}: exactly one earlier value should fit, but {found}.",
            where=self.pipeline.where,
        )

    def _step(self, step: Step[..., Any]) -> tuple[PlannedStep, Any]:
        what = f"step `{step.name}`"
        call = self.scope.wire(step.fn, what, where=step.where, own=step.name)
        when = self._when(step)
        fallback = self._fallback(step, call)
        value = call.returns if when is None else Optional[call.returns]  # noqa: UP045 (`|` is not for every annotation)
        known = _types(call)
        told = {**known, step.name: call.returns}
        planned = PlannedStep(
            step.name,
            _template(step.title, "title", known, step, self.scope.values),
            call,
            _template(step.summary, "summary", told, step, self.scope.values) if step.summary is not None else None,
            step.timeout,
            step.retry,
            fallback,
            when,
            _template(step.otherwise, "otherwise", _types(when) if when else {}, step),
            frozenset(step.secret),
        )
        return planned, value

    def _when(self, step: Step[..., Any]) -> Call | None:
        if step.when is None:
            return None
        asked = step.when.fn if isinstance(step.when, Step) else step.when
        what = f"step `{step.name}`, `when`"
        call = self.scope.wire(asked, what, where=step.where, own=step.name)
        if call.is_async:
            raise DeclarationError(f"{what}: an async function, where only a plain one is asked.", where=step.where)
        return call

    def _fallback(self, step: Step[..., Any], call: Call) -> Fallback | None:
        if step.fallback is NO_FALLBACK:
            return None
        stand_in = step.fallback.fn if isinstance(step.fallback, Step) else step.fallback
        if not callable(stand_in):
            if not value_fits(stand_in, call.returns):
                raise DeclarationError(
                    f"step `{step.name}`: its fallback is {stand_in!r}, but the step gives {typed(call.returns)}.",
                    where=step.where,
                )
            return Fallback(value=stand_in)
        wired = self.scope.wire(
            stand_in, f"step `{step.name}`, `fallback`", where=step.where, own=step.name, failure=True
        )
        if not fits(wired.returns, call.returns):
            raise DeclarationError(
                f"step `{step.name}`: its fallback gives {typed(wired.returns)}, but the step gives "
                f"{typed(call.returns)}.",
                where=step.where,
            )
        return Fallback(call=wired)


def _no_stage(stage: Any) -> str:
    """Why something is not a stage, and what would mend it."""
    if isinstance(stage, list | tuple | set | frozenset):
        return (
            f"A {type(stage).__name__} is not a stage: give the stages one by one, or concurrent(a, b) for those at "
            "the same time"
        )
    if isinstance(stage, Resource):
        return f"`{stage.name}` is not a stage but a resource: pass it in `resources=[{stage.name}]`"
    called = getattr(stage, "__name__", reprlib.repr(stage))
    mend = "decorate it with @step" if callable(stage) else "a stage is a step, concurrent(...) or a Pipeline"
    return f"`{called}` is not a stage: {mend}"


def _needed(step: Step[..., Any]) -> tuple[str, ...]:
    """The names that a step's parameters must have, which are those without a default."""
    parameters = inspect.signature(step.fn).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.default is parameter.empty)


def _inner_names(pipeline: Pipeline) -> set[str]:
    """The names of all pipelines inside one."""

    def within(stages: Sequence[PlannedStage]) -> set[str]:
        names: set[str] = set()
        for stage in stages:
            for member in stage.members if isinstance(stage, PlannedGroup) else (stage,):
                if isinstance(member, PlannedPipeline):
                    names |= {member.name, *within(member.plan.stages)}
        return names

    return within(pipeline.plan.stages)


def _types(call: Call) -> dict[str, Any]:
    return {parameter: call.types.get(parameter, Any) for parameter, _ in call.needs}


def _template(
    text: str, what: str, types: Mapping[str, Any], step: Step[..., Any], earlier: Mapping[str, Any] | None = None
) -> Template:
    """A template over the names in `types`. Those that are there `earlier` a parameter could be added for."""
    try:
        template = Template(text)
    except (ValueError, IndexError) as error:
        raise DeclarationError(
            f"step `{step.name}`, {what}: {text!r} is no template: {error}.", where=step.where
        ) from error
    if wrong := template.misses(types, earlier or {}):
        raise DeclarationError(f"step `{step.name}`, {what}: {wrong}.", where=step.where)
    return template


def _adapter(takes: Any, name: str, where: str) -> TypeAdapter[Any] | None:
    if takes is None:
        return None
    if isinstance(takes, BaseModel) or (is_dataclass(takes) and not isinstance(takes, type)):
        kind = type(takes).__name__
        raise DeclarationError(
            f"Pipeline `{name}`: give `takes` the class `{kind}`, not one of its instances.", where=where
        )
    try:
        return TypeAdapter(takes)
    except (PydanticUserError, NameError) as error:
        raise DeclarationError(
            f"Pipeline `{name}` takes {typed(takes)}, which pydantic cannot validate: {str(error).splitlines()[0]}",
            where=where,
        ) from error


def _by_name(resources: Sequence[Any], where: str) -> dict[str, Resource]:
    named: dict[str, Resource] = {}
    for resource in resources:
        if not isinstance(resource, Resource):
            called = getattr(resource, "__name__", repr(resource))
            raise DeclarationError(f"`{called}` is not a resource: decorate it with @resource.", where=where)
        if named.setdefault(resource.name, resource) is not resource:
            raise DeclarationError(f"Two resources are called `{resource.name}`.", where=where)
    return named
