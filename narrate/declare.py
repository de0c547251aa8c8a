"""The words a developer declares a pipeline with: `@step`, `concurrent`, `@resource`, `Retry`, `Caller`.

They only hold what was written down. Whether it makes sense together is `plan`'s to say, when a `Pipeline` is made of
them; a step by itself is still the plain function it was, and can be called as one.
"""

import inspect
import keyword
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from narrate.errors import DeclarationError

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class _No(Enum):
    fallback = "no fallback"


NO_FALLBACK: Literal[_No.fallback] = _No.fallback
"""What `fallback` is when none was declared: None is a value that may well stand in."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. A parameter annotated `Caller` gets it.

    `ip` is None where there is no network between (a script, a test). `headers` holds only those that the pipeline
    asked for with `headers=[...]`, under lower-case names. `locale` is the first of Accept-Language.
    """

    ip: str | None = None
    locale: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try a step again when it raises `on`: at most `attempts` times in all.

    The waits (seconds) grow from `wait_initial` by `wait_exp_base` up to `wait_max`, each with up to `wait_jitter` on
    top. An error that has a `retry_after` (seconds) is waited for as long as it asks instead.
    """

    attempts: int
    on: type[Exception] | tuple[type[Exception], ...]
    wait_initial: float = 0.5
    wait_max: float = 30.0
    wait_jitter: float = 0.5
    wait_exp_base: float = 2.0


@dataclass(frozen=True, slots=True)
class Step(Generic[P, R_co]):
    """A plain function with a title. Calling it calls the function; only a pipeline narrates it."""

    fn: Callable[P, R_co]
    title: str
    name: str
    where: str
    summary: str | None = None
    timeout: float | None = None
    retry: Retry | None = None
    fallback: Any = NO_FALLBACK
    when: Callable[..., bool] | None = None
    otherwise: str = "It was not needed this time."
    secret: tuple[str, ...] = ()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.fn(*args, **kwargs)


def step(
    title: str,
    *,
    name: str | None = None,
    summary: str | None = None,
    timeout: float | None = None,
    retry: Retry | None = None,
    fallback: Any = NO_FALLBACK,
    when: Callable[..., bool] | None = None,
    otherwise: str = "It was not needed this time.",
    secret: tuple[str, ...] = (),
) -> Callable[[Callable[P, R_co]], Step[P, R_co]]:
    """Make a function a step. An `async def` runs in the run's own task, a plain `def` in a thread.

    - `title` is told before the work; a `str.format` template over the step's parameters: `"From {departure.name}"`.
    - `summary` is told at the end; over the parameters and, by the step's own name, its value.
    - `timeout`: seconds for the step in all, its retries included (a fallback is not); then it fails with
      `StepTimedOut`. A thread cannot be stopped, so a plain `def` is waited for, and what it gives is taken however
      late.
    - `retry`: which errors are worth another attempt.
    - `fallback`: a value, or a function wired by parameter name as a step is (a parameter annotated `Exception` gets
      the failure), that stands in when the step's work fails; the story says so and goes on. (A title or summary that
      cannot be filled in is a mistake of the declaration, and no work.) A value is copied for each run.
    - `when`: a function, wired likewise, that says whether the step is needed. When it is not, the step's value is None
      and `otherwise` (a template over what `when` takes) is told as the reason.
    - `secret`: names of parameters, or of fields of parameters and of the value, whose content is never told.
    - `name`: the name of the value, where the function's own will not do.
    """
    given: Any = title
    if not isinstance(given, str):
        raise DeclarationError(
            f'@step has no title on `{getattr(given, "__name__", given)}`; write @step("What it does").',
            where=place_of(given),
        )
    given = secret
    if isinstance(given, str):
        raise DeclarationError(
            f"secret={secret!r} is one text; write a tuple of names, ({secret!r},).", where=caller_place()
        )

    def declared(fn: Callable[P, R_co]) -> Step[P, R_co]:
        if not inspect.isfunction(fn):
            raise DeclarationError(f"@step stands on {fn!r}, which is not a function.", where=caller_place())
        where = place_of(fn)
        called = name or fn.__name__
        if wrong := _wrong(fn, called, timeout, retry):
            raise DeclarationError(wrong, where=where)
        return Step(fn, title, called, where, summary, timeout, retry, fallback, when, otherwise, tuple(secret))

    return declared


def _wrong(fn: Callable[..., Any], name: str, timeout: Any, retry: Any) -> str | None:
    """What is wrong with a step by itself, in words; None when nothing is."""
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        return f"Step `{name}` yields. A step returns its value; pass a stream of text on with `relay`."
    if not name.isidentifier() or keyword.iskeyword(name):
        return f"Step name {name!r} cannot be a parameter's name."
    if timeout is not None and not isinstance(timeout, (int, float)):
        return f"Step `{name}`: timeout={timeout!r} is no number of seconds."
    if timeout is not None and not timeout > 0:
        return f"Step `{name}`: timeout={timeout} leaves no time."
    if retry is None:
        return None
    if not isinstance(retry, Retry):
        return f"Step `{name}`: retry={retry!r} is no Retry; write Retry(attempts=..., on=...)."
    if retry.attempts < 1:
        return f"Step `{name}`: attempts={retry.attempts} never tries."
    kinds: tuple[Any, ...] = retry.on if isinstance(retry.on, tuple) else (retry.on,)
    if not all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
        return f"Step `{name}`: Retry(on={retry.on!r}) names no kind of Exception."
    waits = (retry.wait_initial, retry.wait_max, retry.wait_jitter, retry.wait_exp_base)
    return None if all(wait >= 0 for wait in waits) else f"Step `{name}`: {retry} has a wait below zero."


@dataclass(frozen=True, slots=True)
class Concurrent:
    """Stages that run at the same time and are told in the order they stand in."""

    members: tuple[Any, ...]
    where: str


def concurrent(*members: Any) -> Concurrent:
    """Run stages at the same time. They are announced together and then told one after another, as written here.

    A group in a group is the same as one flat group, so it is made one.
    """
    where = caller_place()
    if not members:
        raise DeclarationError("concurrent() has no stages to run.", where=where)
    flat: list[Any] = []
    for member in members:
        flat.extend(member.members if isinstance(member, Concurrent) else (member,))
    return Concurrent(tuple(flat), where)


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """Something that runs share, opened once for an app: `open` is its async context manager's body."""

    open: Callable[..., AsyncIterator[Any]]
    name: str
    where: str


def resource(fn: Callable[..., AsyncIterator[Any]]) -> Resource:
    """Make an async generator function with one `yield` a resource: what it yields is what steps get by its name.

    Its own parameters name other resources of the pipeline. What follows the `yield` runs when the app stops.
    """
    where = place_of(fn)
    if not inspect.isasyncgenfunction(fn):
        raise DeclarationError(
            f"@resource stands on `{getattr(fn, '__name__', fn)}`, which is not an async function with a `yield`.",
            where=where,
        )
    return Resource(fn, fn.__name__, where)


def place_of(fn: Any) -> str:
    """`file:line` of a function; of anything else, of whoever calls what asks."""
    code = getattr(inspect.unwrap(fn) if callable(fn) else fn, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else _place(3)


def caller_place() -> str:
    """`file:line` of whoever called the function that asks."""
    return _place(3)


def _place(up: int) -> str:
    frame = inspect.currentframe()
    for _ in range(up):
        frame = frame.f_back if frame is not None else None
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "?"
