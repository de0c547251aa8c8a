"""A run under way: its record, its result, its readers, and what becomes of it when they leave."""

import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from functools import partial
from typing import Any, Protocol

import trio

from narrate.errors import NotTellable, Problem, RunCancelled, RunFailed, problem_of
from narrate.events import Answer, Event, RunCancelledEvent, RunFailedEvent, RunFinished, RunId, RunStarted, plain
from narrate.journal.base import Begun, Journal
from narrate.journal.live import Reader
from narrate.narration import Narration
from narrate.pipeline import Pipeline
from narrate.plan import Plan
from narrate.replying import give_answer
from narrate.runner import StepFailure
from narrate.verbs import TELLABLE, Lane
from narrate.wiring import Key

log = logging.getLogger("narrate")

HOLD = 10.0
"""Seconds that a run which was begun `held` waits to be released. Then it is nobody's, and is given up; one that
carries on without readers (`linger=None`) goes."""


class Performer(Protocol):
    """Who carries out what a run is to do and tells it: a `Runner`, or one that follows a script."""

    @property
    def problem(self) -> Problem:
        """Why the run failed, after a StepFailure."""
        ...

    @property
    def cause(self) -> Exception | None:
        """The error behind the problem, where there is one."""
        ...

    def run(self, plan: Plan, values: dict[Key, Any], lane: Lane) -> Awaitable[Any]:
        """The run's result. Raises StepFailure when it failed, and RunCancelled when it is to end so without that
        anybody cancelled it; lets cancellation through. Every step has told its end by then."""
        ...


class Scripted(Pipeline, ABC):
    """A pipeline whose runs follow a script, and not its plan.

    No protocol, but the one class beneath `Pipeline`: to ask every pipeline for methods would cost every run.
    """

    @abstractmethod
    def started(self, run: RunId) -> RunStarted:
        """A run's first event."""

    @abstractmethod
    def performer(self) -> Performer:
        """Who performs one run."""


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
        "begun",
        "detached",
        "id",
        "pipeline",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        begun: Begun,
        narration: Narration,
        journal: Journal,
        nursery: trio.Nursery,
        context: Context,
    ) -> None:
        self.id = begun.run
        self.pipeline = pipeline
        self.begun = begun
        self.detached = False
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

    @property
    def left(self) -> bool:
        """Whether another process goes on with the run, so that nothing more is told here."""
        return self._narration.writer.left

    def events(self, after: int = 0, *, status: bool = False) -> Events:
        """The record from behind number `after` to its end; with `status`, live status (unnumbered) in between."""
        return Events(self.reader(after), status=status)

    def reader(self, after: int = 0) -> Reader:
        """A cursor on the record, behind number `after`."""
        return self._narration.writer.reader(after)

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

    async def answer(self, value: str, to: int | None = None) -> Answer | None:
        """Answer the question that is event number `to`; it may be left out where the run has asked one alone.

        The answer as it was told, or None where it is kept and will be told later. The same answer given again changes
        nothing. Raises NotAsked, TooLate and WrongAnswer.
        """
        return await give_answer(self._journal, self.id, value, to, self.hand_answer)

    def hand_answer(self, n: int, value: str) -> None:
        """Let the step that asked have an answer which is kept already."""
        self._narration.answer(n, value)

    def cancel(self, reason: str = "The run was cancelled.") -> None:
        """Cancel the run, its steps and all they are doing. The first reason is the one told; after the end, no-op."""
        if not self.ended and self._narration.stopping is None:
            self._narration.stopping = reason or "The run was cancelled."
            self._narration.writer.stop(self._narration.stopping)
            self._scope.cancel()
            self.release()

    def let_go(self) -> None:
        """Stop without an end, for another process to go on with. Nothing more is told here."""
        self._narration.writer.let_go()
        self._scope.cancel()

    def detach(self) -> None:
        """Carry on to the end from now on, whether or not anybody reads."""
        self.detached = True
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
        if not self._readers and not self.ended and self.pipeline.linger is not None and not self.detached:
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
        if not self._readers and not self.detached:
            self.cancel("Nobody was reading any more.")

    async def execute(self, performer: Performer, values: dict[Key, Any], under_way: "dict[RunId, Run]") -> None:
        """Have the plan performed, tell the end whatever happens, and be under way no more."""
        try:
            with self._scope:
                await self._wait_release()
                result = await performer.run(self.pipeline.plan, values, self._narration.root)
                self._finish(result)
        except StepFailure:
            if self._narration.stopping is None:
                self._fail(performer.problem, performer.cause)
        except RunCancelled as cancelled:
            self._cancelled(self._narration.stopping or cancelled.reason)
        except Exception as error:  # noqa: BLE001 (our own fault, then: logged, and told as the run's end)
            traced = self._narration.redactor.text("".join(traceback.format_exception(error)))
            log.error("Run %s ended in an error of no step.\n%s", self.id, traced)  # noqa: TRY400 (redacted above)
            self._fail(problem_of(error), error)
        finally:
            if not self.ended:
                self._cancelled(self._narration.stopping or "The program stopped.")
            if under_way.get(self.id) is self:  # else it was lost to another process, and taken up here again
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
            self._fail(problem_of(self._untellable(result, error)), error)
            return
        now = self._narration.now()
        self._end(RunFinished(told, now, t=now), lambda: result)

    def _untellable(self, result: Any, error: NotTellable) -> NotTellable:
        """The error, with the step whose value it is about and what to do; of a script, which has no plan, as it is."""
        if isinstance(self.pipeline, Scripted):
            return error
        for path, value in self.pipeline.plan.makers_of(result):
            try:
                plain(value)
            except NotTellable as own:
                return NotTellable(f"The result, which step `{path}` gives, cannot be told. {own} {TELLABLE}")
        return error

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


def _raise_failed(problem: Problem, cause: Exception | None) -> Any:
    raise RunFailed(problem) from cause


def _raise_cancelled(reason: str) -> Any:
    raise RunCancelled(reason)
