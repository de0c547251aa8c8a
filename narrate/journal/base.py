"""What a journal promises, whatever it keeps records in.

A run has one writer, the process that runs it; readers are any number of cursors, each at its own pace. A reader holds
nothing but its place, so a slow one costs nothing and delays nobody.
"""

from collections.abc import Sequence
from typing import Protocol

from narrate.events import Event, Progress, RunId


class Reader(Protocol):
    """A cursor on a record."""

    @property
    def ended(self) -> bool:
        """Whether everything has been taken, up to the event that ends the record."""
        ...

    def take_nowait(self) -> Sequence[Event]:
        """All the events that are kept behind the cursor, which moves behind them; none when there are none yet."""
        ...

    def take_status_nowait(self) -> Sequence[Progress]:
        """The latest status of each step that has changed since this was last asked."""
        ...

    def line(self, event: Event) -> bytes:
        """The JSON of an event that was taken, encoded once for all readers."""
        ...

    def stop_waiting(self) -> None:
        """Let a `wait_more` that is under way return, though there may be no more."""
        ...

    async def wait_more(self) -> None:
        """Wait until there may be something to take, or the record has ended. Returns at once when there is."""
        ...


class Writer(Protocol):
    """The one hand that writes a run's record."""

    def append(self, facts: Sequence[Event]) -> None:
        """Number these facts and keep them. Readers see them once they are kept. Raises IllegalRecord after the end."""
        ...

    def report(self, progress: Progress) -> None:
        """Show a status to whoever reads now."""
        ...

    async def settle(self) -> None:
        """Wait until all that was appended is kept, and readers that waited have had their turn to pass it on."""
        ...


class Journal(Protocol):
    """Keeps the records of runs."""

    def open_record(self, run: RunId) -> Writer:
        """Begin a run's record."""
        ...

    def maybe_reader(self, run: RunId, after: int = 0) -> Reader | None:
        """A cursor behind event number `after`; None for a run that is not known here."""
        ...
