"""What cold, normal and hot mean, and which place fits best.

All the numbers of taste stand here, and nothing else knows them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipelines.travel_escape.models import Forecasts, Place, Reading, Weather

DEFAULT_DAYS = 1
DEFAULT_HOURS = 4.0
DEFAULT_WEATHER = Weather.normal
"""What is meant by whoever does not say."""

MOST_CHECKED = 24
"""Places whose forecast is asked for: two runs a minute stay within OpenWeather's free 60 requests."""
DEGREES_PER_HOUR = 2.0
"""One more hour in the air is worth it for a place so many degrees nearer to the ideal."""
DEGREES_FOR_DRY = 4.0
"""Rain counts as so many degrees away from it, except where it is cold: then it may well be snow."""


@dataclass(frozen=True, slots=True)
class Band:
    """Highs from `low` to `high`, both included, in °C; `ideal` is what the best fit would have."""

    low: float
    high: float
    ideal: float
    words: str

    def holds(self, high: float) -> bool:
        return self.low <= high <= self.high


BANDS = {
    Weather.cold: Band(-90.0, 12.0, 0.0, "12 °C or less"),
    Weather.normal: Band(12.0, 24.0, 18.0, "12 to 24 °C"),
    Weather.hot: Band(24.0, 60.0, 30.0, "24 °C or more"),
}


def shortlist(places: Sequence[Place], weather: Weather) -> tuple[Place, ...]:
    """At most MOST_CHECKED places to ask the weather of, in the order of their codes.

    For the heat those nearest to the equator, for the cold those furthest from it: the quickest to reach would leave
    out just those that somebody flies far for.
    """
    orders: dict[Weather, Callable[[Place], float]] = {
        Weather.cold: lambda place: -abs(place.lat),
        Weather.normal: lambda place: place.minutes,
        Weather.hot: lambda place: abs(place.lat),
    }
    chosen = sorted(places, key=lambda place: (orders[weather](place), place.iata))[:MOST_CHECKED]
    return tuple(sorted(chosen, key=lambda place: place.iata))


def sort_out(readings: Iterable[Reading], weather: Weather, failed: int) -> Forecasts:
    """The readings in the band, the best fit first, and those outside it, the nearest miss first."""
    readings = tuple(readings)
    band = BANDS[weather]
    fitting = [reading for reading in readings if band.holds(reading.day.high)]
    others = [reading for reading in readings if not band.holds(reading.day.high)]
    return Forecasts(
        fitting=tuple(sorted(fitting, key=lambda reading: (_misfit(reading, weather), reading.place.iata))),
        others=tuple(sorted(others, key=lambda reading: (_beside(reading, band), reading.place.iata))),
        failed=failed,
    )


def _misfit(reading: Reading, weather: Weather) -> float:
    wet = DEGREES_FOR_DRY if reading.day.wet and weather is not Weather.cold else 0.0
    away = abs(reading.day.high - BANDS[weather].ideal)
    return away + wet + DEGREES_PER_HOUR * reading.place.minutes / 60


def _beside(reading: Reading, band: Band) -> float:
    return max(band.low - reading.day.high, reading.day.high - band.high)
