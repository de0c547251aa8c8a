"""Every error narrate raises, and the problem document that tells one to a client.

Kept in one leaf file so that any module can raise any of them, and a reader sees at once all that can go wrong.

    NarrateError
    ├── DeclarationError      the author's: a pipeline that could never run
    ├── BadInput              the caller's: the input does not fit what the pipeline takes
    ├── Explained             anybody's: an error whose sentence may be told (the base for your own)
    │   ├── StepTimedOut
    │   ├── NotAnswered
    │   ├── NarrationTooLong
    │   ├── RecordTooLong
    │   ├── NotTellable
    │   ├── JournalFailed     a journal that cannot keep anything now, such as on a full disk
    │   │   └── JournalDamaged  something kept in it can be read no more
    │   └── NotPickedUp       an interrupted run that cannot be gone on with
    ├── RunFailed             a run ended in `run.failed`
    ├── RunCancelled          a run ended in `run.cancelled`
    ├── NotAsked              an answer to what no step asks
    ├── TooLate               an answer to what is not waited for any more
    ├── WrongAnswer           an answer that is none of the choices
    ├── IllegalRecord         a sequence of events that breaks the grammar
    ├── RecordGone            the record of an ended run is no longer kept
    ├── KeyTaken              a run was begun with this idempotency key already
    ├── JournalError          a journal that cannot be used: damaged, or of a newer version
    ├── TooManyRuns           the limit on runs at once is reached
    │   └── TooManyOfCaller   … by one caller
    ├── StoryUnreadable       a file that holds no saved run
    ├── StoriesDiffer         two runs that should have told the same did not
    ├── NetworkBlocked        a test that may not use the network was about to
    ├── WebhookRefused        a webhook that was not signed by who should have
    ├── CassetteError         a recording that cannot be read
    └── ReplayMiss            a request that no recording answers
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec


class ProblemError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several things that are wrong: a field of the input, or one of the steps that failed."""

    detail: str
    field: str | None = None
    step: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, as RFC 9457 wants it told. `status` is the HTTP status code that says the same."""

    title: str
    status: int
    type: str = "about:blank"
    detail: str | None = None
    step: str | None = None
    errors: tuple[ProblemError, ...] = ()

    @property
    def sentence(self) -> str:
        """The problem in one line for people: its detail where it has one, else its title."""
        return self.detail or self.title


class NarrateError(Exception):
    """Anything narrate raises."""


class DeclarationError(NarrateError):
    """A declaration that could never run. `where` is `file:line` of the step or pipeline that is wrong.

    The text has the file as it is found from the working directory, where it is below that.
    """

    def __init__(self, what: str, *, where: str | None = None) -> None:
        self.what = what
        self.where = where
        super().__init__(f"{what}\n  declared at {_from_here(where)}" if where else what)


def _from_here(where: str) -> str:
    file, _, line = where.rpartition(":")
    path, here = Path(file), Path.cwd()
    return f"{path.relative_to(here)}:{line}" if path.is_relative_to(here) else where


class BadInput(NarrateError):
    """The input does not fit what the pipeline takes. `problem.errors` names each field."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__("; ".join(e.detail for e in problem.errors) or problem.sentence)


class Explained(NarrateError):
    """An error whose sentence may be told to whoever follows the run.

    Raise a subclass from a step when the words are meant for people and hold no secret. Any other exception is told
    only by its class name, because its text may hold a key, a path or an address.
    """

    title = "The step could not do its work"
    status = 500


class StepTimedOut(Explained):
    """A step took longer, all its attempts together, than its `timeout` of so many seconds."""

    title = "The step took too long"
    status = 504

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"It took longer than {seconds:g} s.")


class NotAnswered(Explained):
    """Nobody has answered a step's question in time, or there was nobody to be asked."""

    title = "A question was not answered"
    status = 504


class NarrationTooLong(Explained):
    """A step said more, while others were being told before it, than the run may hold back."""

    title = "The step said too much before its turn to be told"

    def __init__(self, events: int, size: int) -> None:
        self.events = events
        self.size = size
        super().__init__(
            f"Its turn to be told has not come, and {events} events of {size} bytes are held back already. "
            "Say less, use `relay` (which waits), or raise the run's limits."
        )


class RecordTooLong(Explained):
    """A run told more, all its steps together, than its record may hold."""

    title = "The run said too much"

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"The run's record may hold {size} bytes, and this would be more.")


class NotTellable(Explained):
    """A value that cannot be told: text that is not valid Unicode, or data that has no JSON form."""

    title = "Something the step told cannot be written down"


class JournalFailed(Explained):
    """The journal cannot keep anything now: what is appended can be shown to nobody, so the run cannot go on."""

    title = "The story cannot be kept"
    status = 503

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The journal cannot be used now: {reason}.")


class JournalDamaged(JournalFailed):
    """Something in the journal can be read no more."""

    title = "What was kept of the run is damaged"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is damaged")


class NotPickedUp(Explained):
    """A run that was interrupted by the end of its process and cannot be gone on with."""

    title = "The run was interrupted and cannot go on"
    status = 503


def problem_of(error: Exception, step: str | None = None) -> Problem:
    """The problem that tells an error to a client; several at once (an ExceptionGroup) are all named.

    Only an `Explained` is told in its own words; of anything else the class name alone, because its text may hold what
    nobody should read.
    """
    leaves = leaves_of(error)
    first = leaves[0]
    if isinstance(first, Explained):
        title, status = first.title, first.status
    else:
        title, status = Explained.title, Explained.status
    several = () if len(leaves) == 1 else tuple(ProblemError(detail=_sentence(e), step=step) for e in leaves)
    return Problem(title=title, status=status, detail=_sentence(first), step=step, errors=several)


def leaves_of(error: Exception) -> list[Exception]:
    """The error itself, or all that is in an ExceptionGroup and in the groups within it."""
    if not isinstance(error, ExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in leaves_of(inner)]


def _sentence(error: Exception) -> str:
    if isinstance(error, Explained) and (told := str(error)):
        return told
    return error.title + "." if isinstance(error, Explained) else f"An unexpected {type(error).__name__} stopped it."


class RunFailed(NarrateError):
    """A run ended in `run.failed`. `problem` is that of the first cause; several at once are all in its `errors`."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{problem.step}: {problem.sentence}" if problem.step else problem.sentence)


class RunCancelled(NarrateError):
    """A run ended in `run.cancelled`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class RunRejected(NarrateError):
    """A server refused to begin or to tell a run. `problem` says why, and names each field that is wrong."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__("; ".join(e.detail for e in problem.errors) or problem.sentence)


class RunCut(NarrateError):
    """A story was heard up to event `last` and not to its end. What became of the run is not known here."""

    def __init__(self, last: int, why: str) -> None:
        self.last = last
        self.why = why
        super().__init__(f"The story was heard up to event {last}. {why}")


class NotAsked(NarrateError):
    """An answer that answers nothing: no step waits for one, or several do and it does not say which."""


class TooLate(NarrateError):
    """An answer to a question that is not waited for any more.

    `value` is what was answered, None where nothing was; `by_default`: by nobody, as its time was over.
    """

    def __init__(self, question: str, value: str | None, *, by_default: bool = False) -> None:
        self.question = question
        self.value = value
        became = "is not waited for any more"
        if value is not None:
            became = f"was answered with “{value}” already"
        if by_default:
            became = f"was not answered in time, so the answer is “{value}”"
        super().__init__(f"“{question}” {became}.")


class WrongAnswer(NarrateError):
    """An answer that the question does not take."""


class IllegalRecord(NarrateError):
    """A sequence of events that no run can tell. `n` is the number of the first event that is wrong."""

    def __init__(self, n: int, what: str) -> None:
        self.n = n
        self.what = what
        super().__init__(f"event {n}: {what}")


class RecordGone(NarrateError):
    """The record of a run that has ended is no longer kept."""

    def __init__(self, run: str) -> None:
        self.run = run
        super().__init__(f"The record of run {run} is no longer kept.")


class KeyTaken(NarrateError):
    """A run was begun with this idempotency key already: `run`, by a request whose body was `asked`."""

    def __init__(self, run: str, asked: str) -> None:
        self.run = run
        self.asked = asked
        super().__init__(f"Run {run} was begun with this key already.")


class JournalError(NarrateError):
    """A journal that cannot be used, and was left as it was. The text says what is wrong with it."""


class TooManyRuns(NarrateError):
    """As many runs as allowed are under way. Try again after `retry_after` seconds."""

    def __init__(self, limit: int, retry_after: int) -> None:
        self.limit = limit
        self.retry_after = retry_after
        super().__init__(f"{limit} runs are under way, which is as many as are allowed here.")


class TooManyOfCaller(TooManyRuns):
    """As many runs as allowed are under way for one caller."""


class StoryUnreadable(NarrateError):
    """A file that should hold a saved run, and does not. `line` is the first that is wrong, None where no one is."""

    def __init__(self, name: str, what: str, line: int | None = None) -> None:
        self.name = name
        self.what = what
        self.line = line
        super().__init__(f"{name}: {what}" if line is None else f"{name}, line {line}: {what}")


class StoriesDiffer(NarrateError, AssertionError):
    """Two runs that should have told the same did not. The text shows both, side by side."""


class NetworkBlocked(NarrateError):
    """A test that may not use the network was about to."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(
            f"This test may not use the network (it replays recordings, or runs with --block-network), and was about "
            f"to connect to {where}."
        )


class WebhookRefused(NarrateError):
    """A webhook that cannot be believed: not signed with a secret that is shared, too old, or no event of ours."""


class CassetteError(NarrateError):
    """A recording that cannot be read: not JSON, of another version, or with a part missing."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        self.what = what
        super().__init__(f"{path}: {what}")


class ReplayMiss(NarrateError):
    """No recording answers this request. The text shows the nearest one and what differs."""

    def __init__(self, request: str, nearest: str | None, differences: Sequence[str]) -> None:
        self.request = request
        self.nearest = nearest
        self.differences = tuple(differences)
        lines = [f"No recording answers {request}."]
        if nearest is not None:
            lines += [f"The nearest is {nearest}, which differs:", *(f"  - {d}" for d in self.differences)]
        super().__init__("\n".join(lines))
