"""Runs, and what they share: `run`, `start` and `run_sync` for programs, a `Narrator` for whoever serves many.

A narrator holds the open resources, the journal, and the nursery that owns every run. A reader never owns one: it comes
and goes without the run noticing, but for the pipeline's `linger`.
"""

import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import Any

import trio

from narrate.declare import Caller
from narrate.delivery import Delivery
from narrate.errors import DeclarationError, JournalFailed, NotPickedUp, TooManyOfCaller, TooManyRuns, problem_of
from narrate.events import Answer, Outlined, RunCancelledEvent, RunFailedEvent, RunId, RunStarted
from narrate.journal.base import Begun, Journal, Unfinished
from narrate.journal.memory import MemoryJournal
from narrate.keeping import Keeper
from narrate.narration import Narration
from narrate.opening import open_resources
from narrate.past import Past
from narrate.pipeline import Pipeline
from narrate.replying import give_answer
from narrate.runner import Runner
from narrate.running import Performer, Run, Scripted
from narrate.usual import Usual, with_usual
from narrate.wiring import CALLER, INPUT, Key

log = logging.getLogger("narrate")

MOST_INTERRUPTIONS = 10
"""Times that a step is begun again after an interruption. One that brings its process down must not do so for ever."""

TEND_EVERY = 0.5
"""Seconds between two looks at what other processes ask for and leave behind."""


class Narrator:
    """What runs share: the open resources, the journal, and the nursery that owns them. Made by `open_narrator`.

    `note` is told at the start of every story. A narrator that is `leaving` picks up no more runs.
    """

    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        resources: Mapping[Key, Any],
        journal: Journal,
        nursery: trio.Nursery,
        max_runs: int | None,
        max_runs_per_caller: int | None,
    ) -> None:
        self.journal = journal
        self.note: str | None = None
        self._pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        self._keepers = {one: Keeper(one) for one in pipelines if journal.durable and one.recover}
        self._resources = resources
        self._nursery = nursery
        self._most = max_runs
        self._most_of_caller = max_runs_per_caller
        self._beginning: Counter[str | None] = Counter()
        self._runs: dict[RunId, Run] = {}
        self.leaving = False
        # A run begun for a request is not of it: in the request's context it would keep that alive to its end.
        self._context = copy_context()

    @property
    def runs(self) -> Sequence[Run]:
        """The runs that are under way."""
        return tuple(self._runs.values())

    async def begin(
        self,
        pipeline: Pipeline,
        value: Any = None,
        caller: Caller | None = None,
        *,
        held: bool = False,
        owner: str | None = None,
        key: str | None = None,
        asked: str = "",
        callbacks: Sequence[str] = (),
    ) -> Run:
        """Begin a run; its first event is in the record on return. A `held` one does nothing until `Run.release`.

        `value` is a valid input, as `Pipeline.validate` gives it; `owner`, `key` and `asked` are as in `Begun`; each of
        the `callbacks` is a URL that is to be told the end. Raises TooManyRuns at a limit, KeyTaken for a key that a
        run has already, JournalFailed, and DeclarationError for a pipeline that the narrator was not opened for; then
        nothing was begun.
        """
        missing = [resource.name for resource in pipeline.needs if resource not in self._resources]
        if missing:
            raise DeclarationError(f"Resource `{missing[0]}` of {pipeline!r} is not open here.", where=pipeline.where)
        caller = caller or Caller()
        keeper = self._keeper_of(pipeline)
        begun = Begun(
            run=RunId(secrets.token_urlsafe(16)),
            pipeline=pipeline.name,
            began=time.time(),
            owner=owner,
            key=key,
            asked=asked,
            plan=keeper.fingerprint if keeper is not None else "",
            given=keeper.dump_input(value) if keeper is not None else None,
            caller=caller,
        )
        deliveries = [Delivery(id=f"msg_{secrets.token_urlsafe(16)}", run=begun.run, url=url) for url in callbacks]
        who = owner or caller.ip
        self._check_room(who)
        self._beginning[who] += 1
        try:
            writer = await self.journal.open_record(begun, deliveries)
        finally:
            self._beginning -= Counter((who,))  # which leaves no zero behind for everybody who ever asked
        narration = Narration(begun.run, writer, pipeline.limits)
        if pipeline.secret:
            # Of the input at once: a step may tell what only a later one calls a secret.
            narration.redactor.learn(pipeline.secret, {"": value})
        run = Run(pipeline, begun, narration, self.journal, self._nursery, self._context)
        narration.root.tell(self._started(pipeline, begun.run, writer.usual))
        if not held:
            run.release()
        performer = pipeline.performer() if isinstance(pipeline, Scripted) else Runner(narration.redactor, keeper)
        self._start(run, value, performer)
        return run

    async def pick_up(self) -> int:
        """Go on with runs whose process has gone, each from the first step that had not finished; how many go on.

        One that cannot be gone on with is told its end. Those of pipelines that are not here wait for who has them.
        """
        unfinished = await self.journal.unfinished(frozenset(self._pipelines)) if not self.leaving else ()
        before = len(self._runs)
        for one in unfinished:
            if self.leaving:  # since it was asked for
                one.writer.let_go()
                continue
            # The clock may have been put back since, and what comes later is told as later.
            ago = round(max([time.time() - one.begun.began, *(event.t for event in one.events)]), 4)
            try:
                self._pick_up_one(one, ago)
            except NotPickedUp as error:
                self._give_up(one, error, ago)
            except Exception as error:  # noqa: BLE001 (one bad run is no reason to leave the others)
                # What it was given may be in the error's text, and of a run not gone on with no secret is known.
                log.error("Run %s cannot be gone on with: %s.", one.begun.run, type(error).__name__)  # noqa: TRY400
                damaged = NotPickedUp("The server stopped in the middle of it, and what was kept of it makes no sense.")
                self._give_up(one, damaged, ago)
        return len(self._runs) - before

    async def tend(self) -> None:
        """Pick up what other processes leave behind, for ever."""
        while True:
            await trio.sleep(TEND_EVERY)
            with suppress(JournalFailed):  # it will be looked at again
                await self.pick_up()

    async def heed(self) -> None:
        """Heed what other processes say of the runs here, for ever."""
        while True:
            await trio.sleep(TEND_EVERY)
            with suppress(JournalFailed):
                for run_id, reason in await self.journal.stops():
                    if (run := self.maybe_run(run_id)) is not None:
                        run.cancel(reason)
                for run_id, n, value in await self.journal.answers():
                    if (run := self.maybe_run(run_id)) is not None:
                        run.hand_answer(n, value)
                for run_id in await self.journal.watched():
                    if (run := self.maybe_run(run_id)) is not None:
                        run.detach()  # how long it is read there is not known here

    def hand_over(self) -> None:
        """Leave every run that can be gone on with to another process, or to the next start of this one, for good."""
        self.leaving = True
        for run in self.runs:
            self._hand_over(run)

    def _hand_over(self, run: Run) -> None:
        if self.journal.durable and run.pipeline.recover:
            run.let_go()

    def maybe_run(self, run_id: RunId) -> Run | None:
        """The run with this id while it is under way; else None, though its record may still be kept."""
        return self._runs.get(run_id)

    async def answer(self, run_id: RunId, value: object, to: int | None = None) -> Answer | None:
        """Answer a question of a run, whichever process runs it. As `Run.answer`."""
        run = self.maybe_run(run_id)
        return await give_answer(self.journal, run_id, value, to, run.hand_answer if run is not None else None)

    async def outline(self, pipeline: Pipeline) -> tuple[Outlined, ...]:
        """The pipeline's outline with what each step usually takes by now; without, where the journal cannot say.

        A script has its own.
        """
        if isinstance(pipeline, Scripted):
            return pipeline.outline
        try:
            usual = await self.journal.usual_seconds(pipeline.name)
        except JournalFailed:
            usual = {}
        return with_usual(pipeline.outline, usual)

    def _started(self, pipeline: Pipeline, run: RunId, usual: Usual) -> RunStarted:
        """A run's first event."""
        if isinstance(pipeline, Scripted):
            return pipeline.started(run)
        outline = with_usual(pipeline.outline, usual)
        return RunStarted(run, pipeline.name, pipeline.title, outline, self.note, t=0.0)

    def _pick_up_one(self, one: Unfinished, ago: float) -> None:
        """Go on with an interrupted run, or tell the end that it was coming to. Raises NotPickedUp."""
        pipeline = self._pipelines[one.begun.pipeline]
        one.writer.append(one.events[:1] or [self._started(pipeline, one.begun.run, one.writer.usual)])
        if one.kept is None:
            raise NotPickedUp("The server stopped in the middle of it, and what its steps gave is damaged.")
        past = Past(one.events, one.kept, one.answers)
        if one.stopping is not None:
            one.writer.append([RunCancelledEvent(one.stopping, ago, t=ago)])
        elif past.failure is not None:
            one.writer.append([RunFailedEvent(past.failure, ago, t=ago)])
        else:
            self._go_on(one, pipeline, past, ago)

    def _give_up(self, one: Unfinished, error: NotPickedUp, ago: float) -> None:
        log.warning("Run %s was interrupted and does not go on: %s", one.begun.run, error)
        one.writer.append([RunFailedEvent(problem_of(error), ago, t=ago)])

    def _go_on(self, one: Unfinished, pipeline: Pipeline, past: Past, ago: float) -> None:
        """Go on with an interrupted run. Raises NotPickedUp."""
        keeper = self._keeper_of(pipeline)
        if keeper is None:
            raise NotPickedUp("The server stopped in the middle of it, and it is not one that is gone on with.")
        if keeper.fingerprint != one.begun.plan:
            raise NotPickedUp("The server stopped in the middle of it, and its pipeline has been changed since.")
        if past.interruptions >= MOST_INTERRUPTIONS:
            raise NotPickedUp(f"The server stopped in the middle of one step {past.interruptions} times.")
        value = _loaded("input", keeper.load_input, one.begun.given)
        for path, kept in past.finished:
            _loaded(f"value of `{path}`", partial(keeper.load, path), kept)
        narration = Narration(one.begun.run, one.writer, pipeline.limits, ago)
        for n, answer in one.answers.items():
            narration.answer(n, answer)
        if pipeline.secret:
            narration.redactor.learn(pipeline.secret, {"": value})
        run = Run(pipeline, one.begun, narration, self.journal, self._nursery, self._context)
        run.detach()  # whoever was reading could not keep it from being interrupted
        self._start(run, value, Runner(narration.redactor, keeper, past))

    def _start(self, run: Run, value: Any, performer: Performer) -> None:
        values: dict[Key, Any] = {INPUT: value, CALLER: run.begun.caller, **self._resources}
        self._runs[run.id] = run
        self._context.run(self._nursery.start_soon, run.execute, performer, values, self._runs)
        if self.leaving:  # since it was asked for
            self._hand_over(run)

    def _keeper_of(self, pipeline: Pipeline) -> Keeper | None:
        """Who writes down what the pipeline's steps give; None where that is not to be kept."""
        return self._keepers.get(pipeline)

    def _check_room(self, caller: str | None) -> None:
        """Raise TooManyRuns where one more would be too many, those that are being begun included."""
        if self._most is not None and len(self._runs) + self._beginning.total() >= self._most:
            raise TooManyRuns(self._most, retry_after=5)
        if self._most_of_caller is not None and caller is not None:
            theirs = sum(caller == _asker(run) for run in self._runs.values()) + self._beginning[caller]
            if theirs >= self._most_of_caller:
                raise TooManyOfCaller(self._most_of_caller, retry_after=5)


@asynccontextmanager
async def open_narrator(
    pipelines: Sequence[Pipeline],
    *,
    journal: Journal | None = None,
    resources: Mapping[str, Any] | None = None,
    max_runs: int | None = None,
    max_runs_per_caller: int | None = None,
) -> AsyncIterator[Narrator]:
    """Open what the pipelines need and narrate until the block ends, which cancels what still runs.

    `resources` are values that stand in for the pipelines' own, by name; those are not opened, nor what only they need.
    An error of the block is raised as it is, not in a group. Raises RuntimeError where trio does not run.
    """
    if not trio.lowlevel.in_trio_run():
        raise RuntimeError("narrate runs under trio, which does not run here: use trio.run(…), or run_sync(…).")
    journal = journal if journal is not None else MemoryJournal()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(journal.open())
        opened = await open_resources(stack, pipelines, resources or {})
        failure: BaseException | None = None
        async with trio.open_nursery() as nursery:
            try:
                narrator = Narrator(pipelines, opened, journal, nursery, max_runs, max_runs_per_caller)
                if journal.durable:
                    nursery.start_soon(narrator.heed)
                yield narrator
            except BaseException as error:  # noqa: BLE001 (raised again below, outside the nursery that would wrap it)
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure


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
    if not isinstance(pipeline, Pipeline):
        raise TypeError(f'Only a Pipeline can be run, and this is a {type(pipeline).__name__}: Pipeline("…", step).')
    value = pipeline.validate(given)
    async with open_narrator([pipeline], journal=journal, resources=resources) as narrator:
        yield await narrator.begin(pipeline, value, caller)


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
    """`run` for a script that has no trio of its own. Raises RuntimeError under trio."""
    if trio.lowlevel.in_trio_run():
        raise RuntimeError("run_sync starts trio, which runs here already: use `await run(…)`.")
    try:
        return trio.run(partial(run, pipeline, given, caller=caller, **resources))
    except BaseExceptionGroup as group:
        # Ctrl-C comes up through the nursery of whichever task it struck.
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raise KeyboardInterrupt from group


def _asker(run: Run) -> str | None:
    """Who a run is counted for."""
    return run.begun.owner or run.begun.caller.ip


def _loaded(what: str, load: Callable[[bytes], Any], kept: bytes | None) -> Any:
    """What was kept of an interrupted run. Raises NotPickedUp."""
    if kept is None:
        raise NotPickedUp(f"The server stopped in the middle of it, and the {what} could not be written down.")
    try:
        return load(kept)
    except ValueError as error:
        raise NotPickedUp(f"The server stopped in the middle of it, and the {what} fits no more.") from error
