"""Runs a plan under structured concurrency and tells each step before, and after, its work.

It knows trio and the plan, and of telling only the `Lane` it was given: what order the facts come out in, and where
they are kept, is not decided here. One task runs a sequence of stages; a group is a nursery, a task for each member.
"""

import logging
import traceback
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Any

import trio

from narrate.errors import Explained, Problem, ProblemError, leaves_of, problem_of
from narrate.events import (
    Message,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    utf8_size,
)
from narrate.keeping import Keeper
from narrate.past import INTERRUPTED, Past
from narrate.pauses import pausing, with_pauses
from narrate.plan import Plan, PlannedGroup, PlannedPipeline, PlannedStep
from narrate.questions import Inquiry, taken_up
from narrate.redact import Redactor
from narrate.template import Template
from narrate.trying import Values, stand_in, value_of
from narrate.verbs import Lane, Speaker, failure_within, speaking
from narrate.wiring import FAILURE, INPUT

log = logging.getLogger("narrate")

Member = PlannedStep | PlannedPipeline


class StepFailure(Exception):
    """A step has failed and said so: what stops the stages around it. `problem` is what was told."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence)


class Runner:
    """One execution of a plan, or the rest of one: what the `past` knows to be done is told again and not done again.

    `failures` are the problems of all steps that failed by themselves, the first first; `cause` is that one's error.
    With a `keeper`, what each step gives is kept.
    """

    def __init__(self, redactor: Redactor, keeper: Keeper | None = None, past: Past | None = None) -> None:
        self.failures: list[Problem] = []
        self.cause: Exception | None = None
        self._redactor = redactor
        self._keeper = keeper
        self._past = past

    def run(self, plan: Plan, values: Values, lane: Lane) -> Awaitable[Any]:
        """The plan's result. Raises StepFailure when a step failed; lets cancellation through. Both are told."""
        return self._plan(plan, values, lane, "")

    @property
    def problem(self) -> Problem:
        """The problem of the first cause; when several steps failed, all are named in its `errors`."""
        first, *others = self.failures
        if not others:
            return first
        named = tuple(ProblemError(detail=p.sentence, step=p.step) for p in self.failures)
        return Problem(
            title=first.title, status=first.status, type=first.type, detail=first.detail, step=first.step, errors=named
        )

    async def _plan(self, plan: Plan, values: Values, lane: Lane, prefix: str) -> Any:
        errors: dict[str, Exception] = {}
        for stage in plan.stages:
            if isinstance(stage, PlannedGroup):
                await self._group(stage, values, lane, prefix)
            elif (began := self._announce(stage, values, lane, prefix, errors)) is not None:
                if errors:
                    raise self._unbegun([(stage, began)], errors, lane, prefix)
                await self._perform(stage, values, lane, prefix, began, settle=True)
        return plan.result_of(values)

    async def _group(self, group: PlannedGroup, values: Values, lane: Lane, prefix: str) -> None:
        """Announce every member, then run those that are needed at the same time, each in a lane of its own."""
        members: list[tuple[Member, float]] = []
        errors: dict[str, Exception] = {}
        for member in group.members:
            if (began := self._announce(member, values, lane, prefix, errors)) is not None:
                members.append((member, began))
        if errors:
            raise self._unbegun(members, errors, lane, prefix)
        try:
            await lane.settle()
        except BaseException:
            for member, _ in members:
                lane.tell(StepCancelled(prefix + member.name, self._why(lane), t=lane.now()))
            raise
        failures: list[StepFailure] = []

        async def run(member: Member, began: float, lane: Lane) -> None:
            try:
                await self._perform(member, values, lane, prefix, began, settle=False)
            except StepFailure as failure:
                failures.append(failure)
                nursery.cancel_scope.cancel()
            finally:
                lane.close()

        async with trio.open_nursery() as nursery:
            for (member, began), own_lane in zip(members, lane.fork(len(members)), strict=True):
                nursery.start_soon(run, member, began, own_lane)
        if failures:
            raise failures[0]

    def _announce(
        self, stage: Member, values: Values, lane: Lane, prefix: str, errors: dict[str, Exception]
    ) -> float | None:
        """Tell that a stage begins, and give back when; or tell that it is skipped, and give back None.

        What goes wrong in a condition or a title is the stage's failure: it is announced all the same, and the error is
        put into `errors` under its name, since a member's failure is told only once the whole group is announced.
        """
        path = prefix + stage.name
        now = lane.now()
        started = self._past.maybe_started(path) if self._past is not None else None
        if isinstance(stage, PlannedPipeline):
            lane.tell(started or StepStarted(path, stage.title, t=now))
            return started.t if started is not None else now
        try:
            if stage.secret:
                for call in stage.calls:
                    known = {parameter: values[key] for parameter, key in call.needs if key is not FAILURE}
                    self._redactor.learn(stage.secret, known)
            if started is not None:
                lane.tell(started)
                return started.t
            if self._past is not None and self._past.was_skipped(path):
                values[stage.name] = None
                lane.tell(self._past.told(path)[-1])
                return None
            if stage.when is not None and not stage.when.fn(**stage.when.arguments(values)):
                values[stage.name] = None
                reason = self._filled("reason to be skipped", stage.otherwise, stage.when.arguments(values), path)
                lane.tell(StepSkipped(path, reason, t=now))
                self._keep(path, None, lane)
                return None
            arguments = stage.call.arguments(values) if stage.title.fields else {}
            title = self._filled("title", stage.title, arguments, path)
        except Exception as error:  # noqa: BLE001 (told by _unbegun, whatever it is)
            errors[stage.name] = error
            title = stage.title.outline()
        lane.tell(StepStarted(path, title, t=now))
        return now

    def _unbegun(
        self, members: Sequence[tuple[Member, float]], errors: Mapping[str, Exception], lane: Lane, prefix: str
    ) -> StepFailure:
        """Close what was announced with an error and what was announced beside it, in order; gives back the failure."""
        failures: list[StepFailure] = []
        for member, _ in members:
            path = prefix + member.name
            if member.name in errors:
                failures.append(self._failed(path, errors[member.name], lane))
            else:
                lane.tell(StepCancelled(path, lane.stopping or "Another step failed.", t=lane.now()))
        return failures[0]

    async def _perform(
        self, stage: Member, values: Values, lane: Lane, prefix: str, began: float, *, settle: bool
    ) -> None:
        """Do an announced stage's work, tell how it ended, and keep its value."""
        path = prefix + stage.name
        speaker = Speaker(lane, path)
        if self._past is not None and isinstance(stage, PlannedStep):
            if self._past.has_ended(path):
                self._tell_again(stage, self._past, speaker, values)
                return
            if self._past.maybe_started(path) is not None:
                self._tell_interruption(stage, self._past, speaker)
        fallback = text = None
        try:
            if settle:
                await lane.settle()
            if isinstance(stage, PlannedPipeline):
                values[stage.name] = await self._nested(stage, values, lane, path)
            else:
                values[stage.name], fallback = await self._step(stage, values, speaker)
                text = self._summary(stage, values, path)
        except StepFailure as failure:
            lane.tell(StepFailed(path, failure.problem, t=lane.now()))
            raise
        except BaseException as error:
            own = failure_within(error)
            if own is None:
                lane.tell(StepCancelled(path, self._why(lane), t=lane.now()))
                raise
            raise self._failed(path, own, lane) from error
        now = lane.now()
        lane.tell(StepFinished(path, round(now - began, 4), text, fallback, t=now))
        if self._keeper is not None and isinstance(stage, PlannedStep):
            kept = self._keeper.dump(path, values[stage.name])
            if kept is None:
                log.warning("What step %s gave cannot be written down: after a crash its run would not go on.", path)
            self._keep(path, kept, lane)

    def _tell_again(self, step: PlannedStep, past: Past, speaker: Speaker, values: Values) -> None:
        """Tell what a step that is done already told, and take what it gave."""
        for event in past.told(speaker.path):
            speaker.lane.tell(event)
        kept = past.value_of(speaker.path)
        assert self._keeper is not None
        assert kept is not None
        values[step.name] = self._keeper.load(speaker.path, kept)
        if step.secret:
            self._redactor.learn(step.secret, {step.name: values[step.name]})

    def _tell_interruption(self, step: PlannedStep, past: Past, speaker: Speaker) -> None:
        """Tell what a step had said when it was interrupted, and that it begins again behind that."""
        lane, path = speaker.lane, speaker.path
        for event in past.told(path):
            lane.tell(event)
        before, answers = taken_up(past.told(path), past.answers, lane.now())
        for answer in answers:
            lane.tell(answer, utf8_size(answer.value or "") or 1)
        for item in past.open_items(path):
            lane.tell(StepCancelled(item, INTERRUPTED, t=lane.now()))
        attempt = past.attempts(path) + 1
        of = max(attempt + 1, step.retry.attempts if step.retry is not None else 1)
        lane.tell(StepRetrying(path, attempt, of, 0.0, INTERRUPTED, t=lane.now()))
        speaker.items, speaker.unlabelled = past.items(path)
        if before:
            speaker.asks = Inquiry(before)

    def _keep(self, path: str, value: bytes | None, lane: Lane) -> None:
        if self._keeper is not None:
            lane.keep(path, value)

    async def _nested(self, stage: PlannedPipeline, values: Values, lane: Lane, path: str) -> Any:
        inner: Values = {key: value for key, value in values.items() if not isinstance(key, str)}
        inner[INPUT] = values[stage.source] if stage.source is not None else None
        return await self._plan(stage.plan, inner, lane, path + "/")

    async def _step(self, step: PlannedStep, values: Values, speaker: Speaker) -> tuple[Any, str | None]:
        """The step's value, and why a stand-in gave it (None where the step did)."""
        token = speaking.set(speaker)
        work = partial(value_of, step, values, speaker)
        pause = pausing.get()
        try:
            return await (work() if pause is None else with_pauses(pause, speaker.path, "", work)), None
        except Exception as error:
            if step.fallback is None:
                raise
            # An error on the way out of a cancelled step is no reason to begin anything.
            await trio.lowlevel.checkpoint_if_cancelled()
            reason = problem_of(error).sentence
            self._note(error, speaker.path)
            lane = speaker.lane
            lane.tell(Message(speaker.path, f"{reason} Going on without it.", t=lane.now()))
            return await stand_in(step, values, error), reason
        finally:
            speaking.reset(token)
            speaker.silent = True

    def _summary(self, step: PlannedStep, values: Values, path: str) -> str | None:
        if step.secret:
            self._redactor.learn(step.secret, {step.name: values[step.name]})
        if step.summary is None:
            return None
        known = {**step.call.arguments(values), step.name: values[step.name]}
        return self._filled("summary", step.summary, known, path)

    def _filled(self, what: str, template: Template, values: Mapping[str, Any], path: str) -> str:
        """The text of a template. Raises Explained, which names the place but nothing of what stands in it."""
        try:
            return template.fill(values)
        except Explained:
            raise
        except Exception as error:
            self._note(error, path)
            raise Explained(f"Its {what} cannot be filled in: {template.why_not(values)}") from error

    def _failed(self, path: str, error: Exception, lane: Lane) -> StepFailure:
        """Tell and remember that a step failed by itself; gives back what stops the stages around it."""
        self._note(error, path)
        problem = problem_of(error, path)
        self.failures.append(problem)
        self.cause = self.cause or error
        lane.tell(StepFailed(path, problem, t=lane.now()))
        self._keep(path, None, lane)
        return StepFailure(problem)

    def _note(self, error: Exception, path: str) -> None:
        """Log what nobody foresaw, with its traceback; what explains itself is told and not logged."""
        for leaf in leaves_of(error):
            if not isinstance(leaf, Explained):
                traced = "".join(traceback.format_exception(leaf))
                log.error("Step %s failed.\n%s", path, self._redactor.text(traced))

    def _why(self, lane: Lane) -> str:
        return lane.stopping or ("Another step failed." if self.failures else "The program stopped.")
