"""Runs, and what they share: `run`, `start` and `run_sync` for programs, a `Narrator` for whoever serves many.

A narrator holds the open resources, the journal, and the nursery that owns every run. A reader never owns one: it comes
and goes without the run noticing, but for the pipeline's `linger`.
"""

import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context, copy_context
from functools import partial
from typing import Any

import trio

from narrate.declare import Caller, Resource
from narrate.errors import (
    DeclarationError,
    NotTellable,
    Problem,
    RecordGone,
    RunCancelled,
    RunFailed,
    TooManyRuns,
    problem_of,
)
from narrate.events import Event, RunCancelledEvent, RunFailedEvent, RunFinished, RunId, RunStarted, plain
from narrate.journal.base import Journal, Reader
from narrate.journal.memory import MemoryJournal
from narrate.narration import Narration
from narrate.pipeline import Pipeline
from narrate.runner import Runner, StepFailure
from narrate.template import hint
from narrate.wiring import CALLER, INPUT, Call, Key

log = logging.getLogger("narrate")

HOLD = 10.0
"""Seconds that a run which was begun `held` waits to be released. Then it is nobody's, and is given up; one that
carries on without readers (`linger=None`) goes."""


class Events:
    """A run's record, event by event from one place on, and then its end. Made by `Run.events`."""

    def __init__(self, reader: Reader, *, status: bool) -> None:
        self._reader = reader
        self._status = status
        self._ready: Iterator[Event] = iter(())

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Event:
        while True:
            for event in self._ready:
                return event
            ready = self._reader.take_nowait()
            if not ready or self._status:
                status = self._reader.take_status_nowait()
                ready = [*status, *ready] if self._status else ready
            if ready:
                self._ready = iter(ready)
            elif self._reader.ended:
                raise StopAsyncIteration
            else:
                await self._reader.wait_more()


class Run:
    """One execution of a pipeline for one input. Made by a `Narrator`."""

    __slots__ = (
        "_context",
        "_ended",
        "_journal",
        "_lingering",
        "_narration",
        "_nursery",
        "_outcome",
        "_readers",
        "_released",
        "_scope",
        "id",
        "pipeline",
    )

    def __init__(
        self, pipeline: Pipeline, narration: Narration, journal: Journal, nursery: trio.Nursery, context: Context
    ) -> None:
        self.id = narration.run
        self.pipeline = pipeline
        self._narration = narration
        self._journal = journal
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._released: trio.Event | None = trio.Event()
        self._ended: trio.Event | None = None  # made for who waits; a stream reads the record instead
        self._outcome: Callable[[], Any] | None = None
        self._readers = 0
        self._lingering: trio.CancelScope | None = None
        self._context = context

    @property
    def ended(self) -> bool:
        """Whether the run has told its last event."""
        return self._outcome is not None

    def events(self, after: int = 0, *, status: bool = False) -> Events:
        """The record from behind number `after` to its end; with `status`, live status (unnumbered) in between."""
        return Events(self.reader(after), status=status)

    def reader(self, after: int = 0) -> Reader:
        """A cursor on the record, behind number `after`. Raises RecordGone when the run has ended and is forgotten."""
        reader = self._journal.maybe_reader(self.id, after)
        if reader is None:
            raise RecordGone(self.id)
        return reader

    async def result(self) -> Any:
        """Wait for the end; the pipeline's result. Raises RunFailed with the problem, or RunCancelled."""
        await self._wait_ended()
        assert self._outcome is not None
        return self._outcome()

    async def _wait_ended(self) -> None:
        if self._ended is None:
            self._ended = trio.Event()
            if self.ended:
                self._ended.set()
        await self._ended.wait()

    def cancel(self, reason: str = "The run was cancelled.") -> None:
        """Cancel the run, its steps and all they are doing. The first reason is the one told; after the end, no-op."""
        if not self.ended and self._narration.stopping is None:
            self._narration.stopping = reason or "The run was cancelled."
            self._scope.cancel()
            self.release()

    def release(self) -> None:
        """Let a run that was begun `held` go."""
        if self._released is not None:
            self._released.set()
            self._released = None

    def reading(self) -> "Reading":
        """Count as a reader meanwhile. When the last leaves, the pipeline's `linger` says what becomes of the run."""
        return Reading(self)

    def _left(self) -> None:
        self._readers -= 1
        if not self._readers and not self.ended and self.pipeline.linger is not None:
            if self.pipeline.linger == 0:
                self._abandon()
            elif self._lingering is not None:  # somebody came back and left again, which is waited for anew
                self._lingering.deadline = trio.current_time() + self.pipeline.linger
            else:
                self._lingering = trio.CancelScope(deadline=trio.current_time() + self.pipeline.linger)
                self._context.run(self._nursery.start_soon, self._linger, self._lingering)

    async def _linger(self, waiting: trio.CancelScope) -> None:
        with waiting:
            await self._wait_ended()
        self._lingering = None
        self._abandon()

    def _abandon(self) -> None:
        if not self._readers:
            self.cancel("Nobody was reading any more.")

    async def _execute(self, values: dict[Key, Any], under_way: "dict[RunId, Run]") -> None:
        """Run the plan, tell the end whatever happens, and be under way no more."""
        runner = Runner(self._narration.redactor)
        try:
            with self._scope:
                await self._wait_release()
                result = await runner.run(self.pipeline.plan, values, self._narration.root)
                self._finish(result)
        except StepFailure:
            if self._narration.stopping is None:
                self._fail(runner.problem, runner.cause)
        except Exception as error:  # noqa: BLE001 (our own fault, then: logged, and told as the run's end)
            traced = self._narration.redactor.text("".join(traceback.format_exception(error)))
            log.error("Run %s ended in an error of no step.\n%s", self.id, traced)  # noqa: TRY400 (redacted above)
            self._fail(problem_of(error), error)
        finally:
            if not self.ended:
                self._cancelled(self._narration.stopping or "The program stopped.")
            del under_way[self.id]

    async def _wait_release(self) -> None:
        # A client may be gone between its request and the stream's first byte, and then nobody releases the run.
        released = self._released
        if released is None:
            return
        with trio.move_on_after(HOLD):
            await released.wait()
        if not released.is_set() and self.pipeline.linger is not None:
            self._abandon()
            await trio.lowlevel.checkpoint()

    def _finish(self, result: Any) -> None:
        try:
            told, _ = plain(result)
        except NotTellable as error:
            self._fail(problem_of(error), error)
            return
        now = self._narration.now()
        self._end(RunFinished(told, now, t=now), lambda: result)

    def _fail(self, problem: Problem, cause: Exception | None) -> None:
        now = self._narration.now()
        self._end(
            RunFailedEvent(problem, now, t=now),
            partial(_raise_failed, self._narration.redactor.problem(problem), cause),
        )

    def _cancelled(self, reason: str) -> None:
        now = self._narration.now()
        self._end(
            RunCancelledEvent(reason, now, t=now), partial(_raise_cancelled, self._narration.redactor.text(reason))
        )

    def _end(self, event: Event, outcome: Callable[[], Any]) -> None:
        self._outcome = outcome
        self._narration.end(event)
        if self._ended is not None:
            self._ended.set()


class Reading:
    """A reader's stay with a run. A class, since a generator would take ten times the memory for each open stream."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> None:
        self._run._readers += 1

    def __exit__(self, *_: object) -> None:
        self._run._left()


class Narrator:
    """What runs share: the open resources, the journal, and the nursery that owns them. Made by `open_narrator`."""

    def __init__(
        self, resources: Mapping[Key, Any], journal: Journal, nursery: trio.Nursery, max_runs: int | None
    ) -> None:
        self.journal = journal
        self.note: str | None = None
        self._resources = resources
        self._nursery = nursery
        self._max_runs = max_runs
        self._runs: dict[RunId, Run] = {}
        # A run begun for a request is not of it: in the request's context it would keep that alive to its end.
        self._context = copy_context()

    @property
    def runs(self) -> Sequence[Run]:
        """The runs that are under way."""
        return tuple(self._runs.values())

    def begin(self, pipeline: Pipeline, value: Any = None, caller: Caller | None = None, *, held: bool = False) -> Run:
        """Begin a run; its first event is in the record on return. A `held` one does nothing until `Run.release`.

        `value` is a valid input, as `Pipeline.validate` gives it. Raises TooManyRuns at the limit, and DeclarationError
        for a pipeline that the narrator was not opened for; then nothing was begun.
        """
        missing = [key.name for key in pipeline.needs if key not in self._resources]
        if missing:
            raise DeclarationError(f"Resource `{missing[0]}` of {pipeline!r} is not open here.", where=pipeline.where)
        if self._max_runs is not None and len(self._runs) >= self._max_runs:
            raise TooManyRuns(self._max_runs, retry_after=5)
        run_id = RunId(secrets.token_urlsafe(16))
        narration = Narration(run_id, self.journal.open_record(run_id), pipeline.limits)
        if pipeline.secret:
            # Of the input at once: a step may tell what only a later one calls a secret.
            narration.redactor.learn(pipeline.secret, {"": value})
        run = Run(pipeline, narration, self.journal, self._nursery, self._context)
        narration.root.tell(RunStarted(run_id, pipeline.name, pipeline.title, pipeline.outline, self.note, t=0.0))
        if not held:
            run.release()
        values: dict[Key, Any] = {INPUT: value, CALLER: caller or Caller(), **self._resources}
        self._runs[run_id] = run
        self._context.run(self._nursery.start_soon, run._execute, values, self._runs)
        return run

    def maybe_run(self, run_id: RunId) -> Run | None:
        """The run with this id while it is under way; else None, though its record may still be kept."""
        return self._runs.get(run_id)


@asynccontextmanager
async def open_narrator(
    pipelines: Sequence[Pipeline],
    *,
    journal: Journal | None = None,
    resources: Mapping[str, Any] | None = None,
    max_runs: int | None = None,
) -> AsyncIterator[Narrator]:
    """Open what the pipelines need and narrate until the block ends, which cancels what still runs.

    `resources` are values that stand in for the pipelines' own, by name; those are not opened, nor what only they need.
    An error of the block is raised as it is, not in a group.
    """
    async with AsyncExitStack() as stack:
        opened = await _open_resources(stack, pipelines, resources or {})
        failure: BaseException | None = None
        async with trio.open_nursery() as nursery:
            try:
                yield Narrator(opened, journal if journal is not None else MemoryJournal(), nursery, max_runs)
            except BaseException as error:  # noqa: BLE001 (raised again below, outside the nursery that would wrap it)
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure


async def _open_resources(
    stack: AsyncExitStack, pipelines: Sequence[Pipeline], given: Mapping[str, Any]
) -> dict[Key, Any]:
    """Open what the steps need, and what that needs in turn; each once, whoever shares it."""
    calls: dict[Resource, Call] = {}
    needed: list[Resource] = []
    for pipeline in pipelines:
        calls |= dict(pipeline.resources)
        needed += pipeline.needs
    names = {resource.name for resource in calls}
    for name in given:
        if name not in names:
            raise DeclarationError(f"No pipeline here has a resource `{name}`{hint(name, names)}.")
    opened: dict[Key, Any] = {}

    async def open_one(resource: Resource) -> Any:
        if resource not in opened:
            if resource.name in given:
                opened[resource] = given[resource.name]
            else:
                arguments = {
                    parameter: await open_one(key)
                    for parameter, key in calls[resource].needs
                    if isinstance(key, Resource)
                }
                opened[resource] = await stack.enter_async_context(asynccontextmanager(resource.open)(**arguments))
        return opened[resource]

    for resource in needed:
        await open_one(resource)
    return opened


@asynccontextmanager
async def start(
    pipeline: Pipeline,
    given: Any = None,
    /,
    *,
    caller: Caller | None = None,
    journal: Journal | None = None,
    **resources: Any,
) -> AsyncIterator[Run]:
    """Begin a run and follow it. Leaving the block cancels what still runs.

    Raises BadInput when the input does not fit. Further keywords stand in for the pipeline's resources, by name.
    """
    value = pipeline.validate(given)
    async with open_narrator([pipeline], journal=journal, resources=resources) as narrator:
        yield narrator.begin(pipeline, value, caller)


async def run(
    pipeline: Pipeline,
    given: Any = None,
    /,
    *,
    caller: Caller | None = None,
    journal: Journal | None = None,
    **resources: Any,
) -> Any:
    """Run a pipeline to its end; its result. Raises BadInput, RunFailed or RunCancelled. Keywords as in `start`."""
    async with start(pipeline, given, caller=caller, journal=journal, **resources) as running:
        return await running.result()


def run_sync(pipeline: Pipeline, given: Any = None, /, *, caller: Caller | None = None, **resources: Any) -> Any:
    """`run` for a script that has no trio of its own."""
    try:
        return trio.run(partial(run, pipeline, given, caller=caller, **resources))
    except BaseExceptionGroup as group:
        # Ctrl-C comes up through the nursery of whichever task it struck.
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raise KeyboardInterrupt from group


def _raise_failed(problem: Problem, cause: Exception | None) -> Any:
    raise RunFailed(problem) from cause


def _raise_cancelled(reason: str) -> Any:
    raise RunCancelled(reason)
