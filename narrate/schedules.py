"""One schedule of many for the same work, made from a seed: who goes first, and what takes how long.

Everything a schedule decides comes from its seed, so that the one that showed a mistake can be had again. It cannot
decide when a thread ends, nor what lies outside the process.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import trio
import trio._core._run as trio_run

from narrate.pauses import Pause, pausing

PLAIN = 0
"""The seed of the schedule without pauses, where recorded answers come at their recorded pace."""

_SHORTEST, _LONGEST = -2.0, 1.0
"""Powers of ten of a second. What steps do by themselves takes milliseconds to seconds; pauses must outdo both."""

_DICE, _SWITCH = "_r", "_ALLOW_DETERMINISTIC_SCHEDULING"


def pauses_of(seed: int, still: Collection[str] = ()) -> Pause | None:
    """How long to pause at each place: as often not at all as between 10 ms and 10 s. None for the plain schedule.

    The same for one place and one seed, whatever comes before it. Items of the steps that are `still` never pause: a
    time limit that runs out there would have more time.
    """
    if seed == PLAIN:
        return None
    been: Counter[str] = Counter()

    def pause(path: str, when: str) -> float:
        if " item " in when and any(f"{path}/".startswith(f"{step}/") for step in still):
            return 0.0
        where = f"{when} {path}"
        been[where] += 1
        chance = random.Random(f"{seed} {where} {been[where]}")
        return chance.choice((0.0, round(10 ** chance.uniform(_SHORTEST, _LONGEST), 3)))

    return pause


def pace_of(seed: int) -> float:
    """How long recorded waits take, as a part of what was recorded.

    Never more, because to be slower than it was is to run into time limits: that is another behaviour of the services,
    and not another schedule of the same. Where a limit ran out as it was recorded, not less either.
    """
    return 1.0 if seed == PLAIN else random.Random(f"{seed} pace").choice((0.0, 0.25, 0.5, 1.0))


@contextmanager
def scheduled(seed: int, still: Collection[str] = ()) -> Iterator[None]:
    """Meanwhile a trio run that is begun here has the schedule of this seed; Python's own dice are seeded with it, too.

    `still` are steps as in `pauses_of`.

    Raises RuntimeError with a trio whose order of tasks cannot be decided from outside.
    """
    dice = dice_of_trio()
    before = dice.getstate(), random.getstate(), getattr(trio_run, _SWITCH)
    dice.seed(seed)
    random.seed(seed)  # a retry's jitter is thrown with it
    setattr(trio_run, _SWITCH, True)
    token = pausing.set(pauses_of(seed, still))
    try:
        yield
    finally:
        pausing.reset(token)
        setattr(trio_run, _SWITCH, before[2])
        random.setstate(before[1])
        dice.setstate(before[0])


def dice_of_trio() -> random.Random:
    """What trio shuffles the tasks with that can run. The one place that knows of it; hypothesis uses the same.

    Raises RuntimeError when it is not where it was up to trio 0.35.
    """
    dice = getattr(trio_run, _DICE, None)
    if not isinstance(dice, random.Random) or not hasattr(trio_run, _SWITCH):
        raise RuntimeError(
            f"trio {trio.__version__} does not let the order of tasks be decided in the way that is known here, so no "
            "schedule can be varied. Use an earlier trio, or a later narrate."
        )
    return dice
