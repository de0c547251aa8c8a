"""The answer: the best places with their flights, or what to ask differently because there are none."""

from pipelines.travel_escape.days import spoken, spoken_minutes
from pipelines.travel_escape.models import (
    Airport,
    Escape,
    Escapes,
    FlightOut,
    Forecasts,
    Intent,
    Reach,
    Reading,
    Timetable,
    Weather,
)
from pipelines.travel_escape.taste import BANDS

MOST_ESCAPES = 12
MOST_FLIGHTS = 3


def answer(
    intent: Intent, departure: Airport, timetable: Timetable, reach: Reach, forecasts: Forecasts | None
) -> Escapes:
    """The escapes, the best fit first. `forecasts` is None where no place was left to ask about."""
    fitting = forecasts.fitting if forecasts is not None else ()
    return Escapes(
        departure=departure,
        day=timetable.day,
        weekday=timetable.weekday,
        weather=intent.weather,
        hours=intent.hours,
        escapes=tuple(_escape(reading) for reading in fitting[:MOST_ESCAPES]),
        relax=None if fitting else _relax(intent, departure, timetable, reach, forecasts),
    )


def _escape(reading: Reading) -> Escape:
    place, day = reading.place, reading.day
    return Escape(
        city=place.city,
        country=place.country,
        iata=place.iata,
        lat=place.lat,
        lon=place.lon,
        km=place.km,
        flight_minutes=place.minutes,
        scheduled=place.scheduled,
        high=round(day.high, 1),
        sky=day.sky,
        flights=tuple(
            FlightOut(number=flight.number, departs=flight.departs) for flight in place.flights[:MOST_FLIGHTS]
        ),
    )


def _relax(intent: Intent, departure: Airport, timetable: Timetable, reach: Reach, forecasts: Forecasts | None) -> str:
    """Which of the filters left nothing over, and what would."""
    if not timetable.routes:
        return f"No known flight leaves {departure.name} on {spoken(timetable.day)}. Try another day."
    if forecasts is None:
        return _farther(reach, intent)
    return _milder(forecasts, intent.weather)


def _farther(reach: Reach, intent: Intent) -> str:
    nearest = reach.just_beyond
    if nearest is None:
        return "No flight of that day is left whose destination is on the map. Try another day."
    return (
        f"Nothing is within {intent.longest}. The quickest to reach is {nearest.city}: "
        f"allow {spoken_minutes(nearest.minutes)}."
    )


def _milder(forecasts: Forecasts, weather: Weather) -> str:
    if not forecasts.others:
        return "No forecast reaches that day. Try an earlier one."
    nearest = forecasts.others[0]
    other = next(kind for kind, band in BANDS.items() if band.holds(nearest.day.high))
    return (
        f"None of the places checked has {BANDS[weather].words}. {nearest.place.city} comes nearest with "
        f"{nearest.day.high:.0f} °C: ask for {other} weather, or allow a longer flight."
    )
