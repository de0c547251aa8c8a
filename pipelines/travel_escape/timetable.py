"""From AirLabs' rows to the flights of one day: what is old, sold twice or of another day is left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipelines.travel_escape.airlabs import RouteRow
from pipelines.travel_escape.days import weekday
from pipelines.travel_escape.models import Flight, Route, Value

STALE_AFTER = timedelta(days=365)
"""Rows can be years old, of seasons long over."""


class LeftOut(Value):
    """How many rows were left out, each for the first reason that held."""

    stale: int
    unclear: int
    of_other_days: int


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A row of the chosen day under the number of the flight that operates."""

    arr_iata: str
    number: str
    sold_as: str | None
    departs: str | None
    minutes: int | None
    updated: datetime


def flights_of(rows: Iterable[RouteRow], dep_iata: str, day: date, now: datetime) -> tuple[tuple[Route, ...], LeftOut]:
    """The flights of a day by destination, in the order of the codes, and what was left out. `now` is aware."""
    sightings: list[_Sighting] = []
    stale = unclear = of_other_days = 0
    for row in rows:
        updated = _moment(row.updated) or now
        number = _operating_number(row)
        if updated < now - STALE_AFTER:
            stale += 1
        elif not row.arr_iata or row.arr_iata == dep_iata or number is None or not row.days:
            unclear += 1
        elif weekday(day) not in {name.lower() for name in row.days}:
            of_other_days += 1
        else:
            minutes = round(row.duration) if row.duration and row.duration > 0 else None
            sold_as = row.flight_iata if row.flight_iata != number else None
            sightings.append(_Sighting(row.arr_iata, number, sold_as, row.dep_time, minutes, updated))
    return _by_destination(sightings), LeftOut(stale=stale, unclear=unclear, of_other_days=of_other_days)


def still_leaving(flights: Iterable[Flight], day: date, now: datetime) -> tuple[Flight, ...]:
    """The flights of a day that have not left yet; `now` is on the wall clock of the airport they leave from."""
    gone_before = f"{now:%H:%M}" if now.date() == day else ""
    return tuple(flight for flight in flights if flight.departs is None or flight.departs > gone_before)


def _operating_number(row: RouteRow) -> str | None:
    """The number of the flight that flies; a codeshare is another's flight, sold under one's own number."""
    if row.cs_flight_iata:
        return row.cs_flight_iata
    if row.cs_airline_iata and row.cs_flight_number:
        return row.cs_airline_iata + row.cs_flight_number
    return row.flight_iata or row.flight_icao


def _by_destination(sightings: Iterable[_Sighting]) -> tuple[Route, ...]:
    by_flight: dict[tuple[str, str], list[_Sighting]] = {}
    for sighting in sightings:
        by_flight.setdefault((sighting.arr_iata, sighting.number), []).append(sighting)
    flights: dict[str, list[Flight]] = {}
    for (arr_iata, number), same in by_flight.items():
        flights.setdefault(arr_iata, []).append(_folded(number, same))
    return tuple(
        Route(iata=arr_iata, flights=tuple(sorted(flights[arr_iata], key=_leaving))) for arr_iata in sorted(flights)
    )


def _folded(number: str, same: list[_Sighting]) -> Flight:
    """One flight of all the rows that tell of it: the operator's word goes before a seller's, then the newest."""
    best_first = sorted(same, key=lambda sighting: sighting.updated, reverse=True)
    best_first.sort(key=lambda sighting: sighting.sold_as is not None)
    return Flight(
        number=number,
        departs=next((sighting.departs for sighting in best_first if sighting.departs), None),
        minutes=next((sighting.minutes for sighting in best_first if sighting.minutes), None),
        sold_as=tuple(sorted({sighting.sold_as for sighting in same if sighting.sold_as})),
    )


def _leaving(flight: Flight) -> tuple[bool, str, str]:
    return (flight.departs is None, flight.departs or "", flight.number)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
