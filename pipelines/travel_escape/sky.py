"""From a forecast in steps of three hours to the weather of one local day."""

from datetime import date, datetime

from pipelines.travel_escape.days import AFTERNOON, local_time
from pipelines.travel_escape.models import DayWeather
from pipelines.travel_escape.openweather import Entry, Forecast

MIDDAY = 13
"""The local hour whose sky stands for the day's."""


def weather_on(forecast: Forecast, day: date) -> DayWeather | None:
    """The weather of that day on the place's own calendar; None when the forecast does not reach it."""
    told = ((local_time(entry.dt, forecast.city.timezone), entry) for entry in forecast.list)
    hours = [(at, entry) for at, entry in told if at.date() == day]
    if not hours:
        return None
    _, midday = min(hours, key=_from_midday)
    return DayWeather(
        high=max(entry.main.temp_max for _, entry in hours),
        sky=midday.weather[0].description,
        wet=200 <= midday.weather[0].id < 700,
        partial=not any(at.hour in AFTERNOON for at, _ in hours),
    )


def _from_midday(hour: tuple[datetime, Entry]) -> tuple[bool, int, datetime]:
    at, entry = hour
    return (entry.sys.pod == "n", abs(at.hour - MIDDAY), at)
