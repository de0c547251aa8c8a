"""Wiring by parameter name: which value each parameter of a function gets, settled before anything runs.

Apart from the plan because steps, fallbacks, conditions and resources are all wired by these same rules.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel

from narrate.declare import Caller, Resource, place_of
from narrate.errors import DeclarationError
from narrate.fits import fits
from narrate.template import hint


@dataclass(frozen=True, slots=True)
class _Mark:
    """A key of a value that no step provides."""

    name: str


INPUT = _Mark("the input")
CALLER = _Mark("the caller")
FAILURE = _Mark("the failure")

Key = str | Resource | _Mark
"""Where a parameter's value is found: the name of an earlier step, a resource, or one of the marks above."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function and where each of its parameters comes from."""

    fn: Callable[..., Any]
    needs: tuple[tuple[str, Key], ...]
    types: Mapping[str, Any]
    returns: Any
    is_async: bool

    def arguments(self, values: Mapping[Key, Any]) -> dict[str, Any]:
        """The keyword arguments to call it with."""
        return {parameter: values[key] for parameter, key in self.needs}


@dataclass(slots=True)
class Scope:
    """What can be named at one point of a pipeline, and why other names cannot.

    `needs`: the names that each stage's parameters must have. `before_runs`: for resources, which are opened while
    there is no run yet, nor anything of one to be named.
    """

    takes: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before_runs: bool = False

    def wire(
        self, fn: Callable[..., Any], what: str, *, where: str, own: str | None = None, failure: bool = False
    ) -> Call:
        """Find every parameter's value. `what` names the function in errors; `own` is the value it provides itself.

        With `failure` it is given that too, in a parameter annotated `Exception`.

        Raises DeclarationError, naming the parameter and what would mend it.
        """
        hints = _hints(fn, what, where)
        needs: list[tuple[str, Key]] = []
        for parameter in _parameters(fn, what, where):
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise DeclarationError(
                    f"{what}: parameter `{parameter}` cannot be wired by name. Use plain named parameters.", where=where
                )
            kind = hints.get(parameter.name, Any)
            key = self._find(parameter.name, kind)
            if key is None and parameter.default is not parameter.empty:
                continue
            if key is None:
                hint_too = " The failure goes to a parameter annotated `Exception`." if failure else ""
                raise DeclarationError(f"{what}: {self._why_not(parameter.name, kind, fn, own)}{hint_too}", where=where)
            if key is FAILURE and not failure:
                raise DeclarationError(f"{what}: only a fallback is given a failure.", where=where)
            self._check(key, kind, parameter.name, what, where)
            needs.append((parameter.name, key))
        return Call(fn, tuple(needs), hints, hints.get("return", Any), inspect.iscoroutinefunction(_body(fn)))

    def _find(self, name: str, kind: Any) -> Key | None:
        if name in self.values:
            return name
        if name in self.resources:
            return self.resources[name]
        kind = _without_none(kind)
        if kind is Caller:
            return CALLER
        if isinstance(kind, type) and issubclass(kind, Exception):
            return FAILURE
        return INPUT if self.takes is not None and kind == _without_none(self.takes) else None

    def _check(self, key: Key, kind: Any, name: str, what: str, where: str) -> None:
        if isinstance(key, str):
            given = self.values[key]
        elif isinstance(key, Resource):
            given = yields(key)
        elif key is FAILURE and kind is not Exception:
            raise DeclarationError(
                f"{what}: `{name}` is annotated {typed(kind)}, but any failure may come. Annotate it `Exception`.",
                where=where,
            )
        else:
            return
        if not fits(given, kind):
            skipped = " It is None when that step is skipped." if fits(given, kind | None) else ""
            raise DeclarationError(
                f"{what}: parameter `{name}` is annotated {typed(kind)}, but `{name}` is {typed(given)}.{skipped}",
                where=where,
            )

    def _why_not(self, name: str, kind: Any, fn: Callable[..., Any], own: str | None) -> str:
        if name == own:
            return f"parameter `{name}` names the step itself, whose value is not there yet."
        if own is not None and (circle := self._circle(own, name)):
            return (
                f"parameter `{name}` names a step that needs this one ({' → '.join(circle)}). They need each other, so "
                "neither can be first: one of them must do without."
            )
        if name in self.beside:
            return (
                f"parameter `{name}` names a step that runs at the same time. Take one of the two out of the group, "
                f"so that `{name}` comes first."
            )
        if name in self.later:
            return f"parameter `{name}` names a step that comes later. Move this one behind it."
        known = sorted({*self.values, *self.resources})
        there = f" There are: {', '.join(known)}." if known else " Nothing comes before it."
        near = hint(name, set(known))
        return f"parameter `{name}` names nothing{near}.{there}{self._remedy(name, kind, fn, near)}"

    def _remedy(self, name: str, kind: Any, fn: Callable[..., Any], near: str) -> str:
        """What would mend a parameter that names nothing."""
        if declared := _resource_called(name, fn):
            others = "…, " if self.resources else ""
            return f" Pass the resource: `resources=[{others}{declared}]`."
        earlier = "" if self.before_runs else "an earlier step, or of "
        must = f" must have the name of {earlier}a resource in `resources=[…]`."
        if self.takes is not None:
            takes = f" The input goes to a parameter annotated {typed(self.takes)}."
            return takes if near else f" It{must}{takes}"
        kind = _without_none(kind)
        if not self.before_runs and _may_be_input(kind):
            return f" Is it what the pipeline takes? Then say `takes={kind.__name__}`. Else it{must}"
        return "" if near else f" It{must}"

    def _circle(self, own: str, name: str) -> Sequence[str]:
        """The way from `own` by `name` back to `own` over what each stage needs; empty where there is none."""
        ways: list[tuple[str, ...]] = [(name,)]
        seen = {name}
        for way in ways:  # it grows meanwhile
            for needed in self.needs.get(way[-1], ()):
                if needed == own:
                    return (own, *way, own)
                if needed not in seen:
                    seen.add(needed)
                    ways.append((*way, needed))
        return ()


def yields(resource: Resource) -> Any:
    """The type of a resource's value: T of its `AsyncIterator[T]`, else Any."""
    returns = _hints(resource.open, f"resource `{resource.name}`", resource.where).get("return", Any)
    arguments = getattr(returns, "__args__", ())
    return arguments[0] if arguments else Any


def wire_resources(resources: Iterable[Resource]) -> tuple[tuple[Resource, Call], ...]:
    """Each resource with its call, every one behind those it needs. Raises DeclarationError for a circle."""
    by_name = {resource.name: resource for resource in resources}
    scope = Scope(resources=by_name, before_runs=True)
    calls = {
        resource: scope.wire(resource.open, f"resource `{resource.name}`", where=place_of(resource.open))
        for resource in by_name.values()
    }
    for resource, call in calls.items():
        for parameter, key in call.needs:
            if not isinstance(key, Resource):
                why = f"parameter `{parameter}` cannot be had, because a resource is opened before any run"
                raise DeclarationError(f"resource `{resource.name}`: {why}.", where=resource.where)
    ordered: dict[Resource, Call] = {}

    def place(resource: Resource, behind: tuple[Resource, ...]) -> None:
        if resource in ordered:
            return
        if resource in behind:
            circle = " → ".join(r.name for r in (*behind[behind.index(resource) :], resource))
            raise DeclarationError(f"Resources need each other in a circle: {circle}.", where=resource.where)
        for _, key in calls[resource].needs:
            if isinstance(key, Resource):
                place(key, (*behind, resource))
        ordered[resource] = calls[resource]

    for resource in by_name.values():
        place(resource, ())
    return tuple(ordered.items())


def _without_none(kind: Any) -> Any:
    """X of `X | None`; anything else as it is."""
    members = [member for member in get_args(kind) if member is not type(None)]
    return members[0] if get_origin(kind) in (Union, UnionType) and len(members) == 1 else kind


def _may_be_input(kind: Any) -> bool:
    """Whether a class looks like what a request would be read into."""
    return isinstance(kind, type) and (
        issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind) or is_typeddict(kind)
    )


def _resource_called(name: str, fn: Callable[..., Any]) -> str | None:
    """What the function's own module calls the resource of this name; None where it has none."""
    around = getattr(inspect.unwrap(_body(fn)), "__globals__", {})
    return next((word for word, one in around.items() if isinstance(one, Resource) and one.name == name), None)


def _hints(fn: Callable[..., Any], what: str, where: str) -> dict[str, Any]:
    try:
        return get_type_hints(_body(fn), include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise DeclarationError(f"{what}: an annotation cannot be resolved: {error}.", where=where) from error


def _parameters(fn: Callable[..., Any], what: str, where: str) -> Iterable[inspect.Parameter]:
    try:
        return inspect.signature(fn).parameters.values()
    except ValueError as error:
        raise DeclarationError(f"{what}: {fn!r} does not say which parameters it has.", where=where) from error


def _body(fn: Callable[..., Any]) -> Callable[..., Any]:
    """What holds the annotations: the function in a partial, the `__call__` of an object."""
    if isinstance(fn, partial):
        return _body(fn.func)
    called: Callable[..., Any] = fn if inspect.isroutine(fn) or inspect.isclass(fn) else type(fn).__call__
    return called


def typed(kind: Any) -> str:
    """A type as it is written."""
    return f"`{kind.__name__}`" if isinstance(kind, type) and not getattr(kind, "__args__", ()) else f"`{kind}`"
