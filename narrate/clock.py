"""What time it is, as a resource, so that a replay can live on the day of its recordings."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from narrate.declare import resource


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells the time: now, or for a replay always the moment that its recordings were made."""

    recorded_at: datetime | None = None

    @property
    def replaying(self) -> bool:
        """Whether recordings are replayed, so that no live service is asked and no key is needed."""
        return self.recorded_at is not None

    def now(self) -> datetime:
        """The time, in UTC and aware of it."""
        return self.recorded_at.astimezone(UTC) if self.recorded_at is not None else datetime.now(UTC)


@resource
async def clock() -> AsyncIterator[Clock]:
    """The real time. A replay puts one that stands still in its place."""
    yield Clock()
