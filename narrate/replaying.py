"""A saved run that can be run again: whoever follows hears what was told then, in its own timing.

It is a pipeline, so that all that takes one takes it: a program, a server, a test. But its runs perform nothing. They
follow the story as a script, and it goes its usual way, through the reading order and the journal to the readers. Keep
such runs in a journal of their own, as one in memory is: beside those of the true pipeline they would count in what its
steps usually take.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from math import inf
from typing import Annotated, Any

import msgspec
import trio
from pydantic import Field

from narrate.declare import step
from narrate.errors import IllegalRecord, Problem, RunCancelled, StoryUnreadable
from narrate.events import (
    Detail,
    Event,
    Outlined,
    Progress,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunId,
    RunStarted,
    Token,
    plain,
)
from narrate.grammar import check_record
from narrate.pipeline import Pipeline
from narrate.plan import Plan
from narrate.retelling import Retelling, as_it_happened, told_again
from narrate.runner import StepFailure
from narrate.running import Scripted
from narrate.story import Story
from narrate.verbs import Lane
from narrate.wiring import Key

CUT = "The saved story stops here."

NOT_SAVED = "This was not saved with the story."
"""What stands for the data of a large detail, where the story was saved as it travelled: without it."""

_Anything = Annotated[Any, Field(default=None, title="Input", description="Whatever it is, the same is told.")]


def replayed(story: Story, *, pace: float = 1.0, path: str | None = None) -> Pipeline:
    """The story as a pipeline of its name, title and outline, that takes anything or nothing.

    It answers at `path`; left out, at `/` and its name, for a story does not tell where its own pipeline did.

    Each of its runs tells the story again: every event, and every status, `pace` times as many seconds into the run as
    it happened then (0: at once), and the same end. What tells how long a step took says so as it was; what tells when
    something happened, and how long the run took, is true of the new run. A run of a story that was cut fails where
    that stops. Raises StoryUnreadable for a story of which the beginning, or anything between, is missing, and
    DeclarationError for a path that is none.
    """
    if not 0 <= pace < inf:
        raise ValueError(f"pace={pace} is none: it multiplies every wait, and 0 tells all at once.")
    script = as_it_happened(story)
    again = told_again(script)
    try:
        check_record(again)
    except IllegalRecord as illegal:
        if illegal.n <= again[-1].n:  # else it was cut, and may be
            what = f"no run tells so, so it can be shown, but not told again ({illegal})"
            raise StoryUnreadable("This story", what) from illegal
    return Replayed(story, script, pace, path)


class Replayed(Scripted):
    """A pipeline whose runs tell a story again: the `script`, which is the story as it happened. Made by `replayed`."""

    def __init__(self, story: Story, script: Sequence[Event], pace: float, path: str | None = None) -> None:
        assert story.began is not None, "what was retold has a beginning"
        self._began = story.began
        if path is None:
            path = "/" + "".join("-" if c.isspace() or c in "<>?#" else c for c in story.pipeline)
        super().__init__(story.pipeline, stand_in, takes=_Anything, title=story.title, path=path, recover=False)
        self.outline = self._began.outline
        self._story = story
        self._script = script
        self._pace = pace

    def started(self, run: RunId) -> RunStarted:
        """The story's own first event, of this run."""
        return msgspec.structs.replace(self._began, run=run, t=0.0)

    def performer(self) -> "Replay":
        """Who tells the story once."""
        return Replay(self._story, self._script, self.outline, self._pace)


class Replay:
    """One telling of a story. `problem` is why its run fails, should it; there is no error behind that any more."""

    cause = None

    def __init__(self, story: Story, script: Sequence[Event], outline: Sequence[Outlined], pace: float) -> None:
        self.problem = story.problem or Problem(
            title="The saved story was cut",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            detail=f"{CUT} No more than {story.last} events were saved.",
        )
        self._end = story.end
        self._script = script
        self._outline = outline
        self._pace = pace

    async def run(self, _plan: Plan, _values: dict[Key, Any], lane: Lane) -> Any:
        """Tell the story into the lane and those that begin in it; what the run gave."""
        retelling = Retelling(lane, self._outline)
        try:
            for happened in self._script:
                await trio.sleep(max(0.0, happened.t * self._pace - lane.now()))
                for event in _anew(happened):
                    retelling.tell(msgspec.structs.replace(event, t=lane.now()))
        except BaseException:
            retelling.stop(lane.stopping or "The program stopped.", lane.now())
            raise
        match self._end:
            case RunFinished(result):
                return result
            case RunCancelledEvent(reason):
                raise RunCancelled(reason)
            case None:
                retelling.stop(CUT, lane.now())
        raise StepFailure(self.problem)


def _anew(event: Event) -> Iterator[Event]:
    """What is told for an event of the story: mostly the same; nothing for what the run tells by itself."""
    match event:
        case RunStarted() | RunFinished() | RunFailedEvent() | RunCancelledEvent():
            return
        case Progress(state=str()):  # a lane that waits for its turn says so itself
            return
        case Token(first=int(first)):
            yield from _pieces(event, event.n + 1 - first)
        case Detail(data=msgspec.UNSET):
            data, size = plain(NOT_SAVED)
            yield msgspec.structs.replace(event, data=data, size=size, link=None)
        case _:
            yield event


def _pieces(joined: Token, count: int) -> Iterator[Token]:
    """So many tokens, for one that was joined of as many: where it was parted is forgotten, but the numbers count."""
    size = len(joined.text)
    for at in range(count):
        text = joined.text[size * at // count : size * (at + 1) // count]
        yield msgspec.structs.replace(joined, text=text, first=None)


@step("Telling the story again")
async def stand_in() -> None:
    """Stands where a pipeline must have a step, and is never run."""
