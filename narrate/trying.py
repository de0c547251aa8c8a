"""How a step comes to its value: by one attempt or by several, within its time; or by what stands in for it.

Apart from the runner, which tells of a step that it begins and how it ends, and need not know how often it was tried.
"""

import copy
import inspect
import math
import random
from collections.abc import Awaitable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import stamina
import trio

from narrate.declare import Retry
from narrate.errors import Explained, StepTimedOut, leaves_of, problem_of
from narrate.events import StepRetrying
from narrate.pauses import not_counted
from narrate.plan import PlannedStep
from narrate.verbs import Speaker
from narrate.wiring import FAILURE, Call, Key

Values = dict[Key, Any]


async def value_of(step: PlannedStep, values: Values, speaker: Speaker) -> Any:
    """The step's value, with all its attempts, within its timeout. Raises StepTimedOut, or what the last raised."""
    way = _within if step.timeout is not None else _attempts if step.retry is not None else _once
    return _awaited(await way(step, values, speaker))


async def _within(step: PlannedStep, values: Values, speaker: Speaker) -> Any:
    """The step's value, with all its attempts, within its timeout. Raises StepTimedOut."""
    assert step.timeout is not None
    with trio.move_on_after(step.timeout) as limit, not_counted(limit):
        return await (_attempts if step.retry is not None else _once)(step, values, speaker)
    raise StepTimedOut(step.timeout)


def _once(step: PlannedStep, values: Values, _speaker: Speaker) -> Awaitable[Any]:
    """The step's value at the only attempt."""
    return _call(step.call, values)


async def _attempts(step: PlannedStep, values: Values, speaker: Speaker) -> Any:
    """The value of the first attempt that succeeds. Each that failed, and is worth another, is told."""
    assert step.retry is not None
    attempts = _Attempts(step.retry, speaker)
    for_each = stamina.retry_context(
        on=attempts.wait_after,
        attempts=step.retry.attempts,
        timeout=None,  # the step's own timeout bounds all attempts together
        wait_initial=step.retry.wait_initial,
        wait_max=step.retry.wait_max,
        wait_jitter=0,  # added in wait_after, where the wait is told
        wait_exp_base=step.retry.wait_exp_base,
    )
    with suppress(_AttemptFailed):
        async for attempts.current in for_each:
            with attempts.current:
                try:
                    return await _call(step.call, values)
                except Exception as error:  # noqa: BLE001 (raised again below, once stamina has given up)
                    attempts.error = error
                raise _AttemptFailed(type(attempts.error).__name__)
    raise attempts.error


class _AttemptFailed(Exception):
    """All that stamina is shown of an error. Its hooks log what they see, and that may hold what nobody should read."""


class _Attempts:
    """Decides, after a failed attempt, how long to wait for the next, and tells it."""

    def __init__(self, retry: Retry, speaker: Speaker) -> None:
        self.retry = retry
        self.speaker = speaker
        self.current: stamina.Attempt
        self.error: Exception

    def wait_after(self, shown: BaseException) -> float | bool:
        if not isinstance(shown, _AttemptFailed):
            return False  # it was cancelled, or the program ends: stamina asks about that too
        if not all(isinstance(leaf, self.retry.on) for leaf in leaves_of(self.error)):
            return False
        if self.current.num >= self.retry.attempts:
            return True  # no attempt is left: stamina raises what it was shown
        wait = _asked_wait(self.error)
        if wait is None:
            wait = self.current.next_wait + random.uniform(0, self.retry.wait_jitter)
        lane = self.speaker.lane
        self.speaker.begin_again()
        reason = problem_of(self.error).sentence
        lane.tell(
            StepRetrying(self.speaker.path, self.current.num, self.retry.attempts, round(wait, 3), reason, t=lane.now())
        )
        return wait


def _asked_wait(error: Exception) -> float | None:
    """The longest `retry_after` that an error has; None without one, or with one that is no time to wait."""
    waits: list[float] = []
    for leaf in leaves_of(error):
        asked: Any = getattr(leaf, "retry_after", None)
        with suppress(TypeError, ValueError, OverflowError):
            waits.append(float(asked))
    return max((wait for wait in waits if math.isfinite(wait) and wait >= 0), default=None)


def _call(call: Call, values: Values) -> Awaitable[Any]:
    arguments = call.arguments(values)
    if call.is_async:
        return cast("Awaitable[Any]", call.fn(**arguments))
    return trio.to_thread.run_sync(partial(call.fn, **arguments))


def _awaited(value: Any) -> Any:
    """The value, which is no coroutine that somebody forgot to await."""
    if inspect.iscoroutine(value):
        value.close()
        raise Explained("It gave back a coroutine. Is an `await` missing in it?")
    return value


async def stand_in(step: PlannedStep, values: Values, error: Exception) -> Any:
    """What stands in for the value of a step that failed with this error."""
    assert step.fallback is not None
    if step.fallback.call is None:
        return copy.deepcopy(step.fallback.value)  # nothing is shared between runs
    return await _call(step.fallback.call, {**values, FAILURE: error})
