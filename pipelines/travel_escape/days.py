"""Which day is meant, at the airport one leaves from and at the place one goes to, and how days and times are said.

Apart from everything else because each line here is a trap: a day begins at another moment in each zone. The clock is
an argument.
"""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As timetables write them, Monday first."""

AFTERNOON = range(11, 18)
"""The local hours in one of which the day's high is reached; a forecast without any of them does not know it."""


def zone(name: str | None, lon: float) -> tzinfo:
    """The zone of that IANA name, or the nautical one of the longitude where nobody knows the name."""
    try:
        return ZoneInfo(name or "")
    except (KeyError, ValueError, OSError):  # unknown; not a relative path; a directory such as "Europe"
        return timezone(timedelta(hours=round(lon / 15)))


def local_now(now: datetime, name: str | None, lon: float) -> datetime:
    """This moment on the wall clock of a place."""
    return now.astimezone(zone(name, lon))


def weekday(day: date) -> str:
    """`wed`, as in WEEKDAYS."""
    return WEEKDAYS[day.weekday()]


def spoken(day: date) -> str:
    """`Wednesday 25 November`."""
    return f"{day:%A} {day.day} {day:%B}"


def local_time(timestamp: int, offset_seconds: int) -> datetime:
    """A Unix time on the wall clock of a place that is so many seconds east of UTC."""
    return datetime.fromtimestamp(timestamp, UTC).astimezone(timezone(timedelta(seconds=offset_seconds)))


def spoken_minutes(minutes: float) -> str:
    """`2 h`, `1 h 05 min`, `50 min`."""
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02} min" if rest else f"{hours} h"
