"""From what is listed of airports to where one leaves from and where one gets to: how far, and near enough or not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pipelines.travel_escape.airlabs import ListedAirport, NearbyAirport
from pipelines.travel_escape.gazetteer import Gazetteer, Known
from pipelines.travel_escape.geo import block_minutes, haversine
from pipelines.travel_escape.models import Airport, Flight, Location, Place, Reach, Route, Timetable
from pipelines.travel_escape.timetable import still_leaving


def busiest(near: Iterable[NearbyAirport], location: Location, gazetteer: Gazetteer) -> Airport | None:
    """The airport with the most traffic of those that have airlines, that is, an IATA code. None without any."""
    with_airlines = [airport for airport in near if airport.iata_code]
    if not with_airlines:
        return None
    chosen = min(with_airlines, key=lambda airport: (-(airport.popularity or 0), airport.iata_code))
    iata = chosen.iata_code or ""
    known = gazetteer.look_up(iata)
    name = chosen.name or (known and known.name) or iata
    return Airport(
        iata=iata,
        name=name,
        city=chosen.city or (known and known.city) or name,
        country=chosen.country_code or (known and known.country) or "",
        lat=chosen.lat,
        lon=chosen.lng,
        timezone=chosen.timezone or (known and known.timezone) or location.timezone or "",
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """The places that flights still go to, and the codes of those that are on no map, or whose last flight has left."""

    places: tuple[Place, ...]
    unmapped: tuple[str, ...]
    gone: tuple[str, ...]


def measured(
    timetable: Timetable, departure: Airport, listed: Mapping[str, ListedAirport], gazetteer: Gazetteer, now: datetime
) -> Measured:
    """Where each route goes and how far that is. `now` is on the wall clock of the departure airport."""
    places: list[Place] = []
    unmapped: list[str] = []
    gone: list[str] = []
    for route in timetable.routes:
        flights = still_leaving(route.flights, timetable.day, now)
        if not flights:
            gone.append(route.iata)
            continue
        left = Route(iata=route.iata, flights=flights)
        place = _place(left, departure, listed.get(route.iata), gazetteer.look_up(route.iata))
        if place is None:
            unmapped.append(route.iata)
        else:
            places.append(place)
    return Measured(tuple(places), tuple(unmapped), tuple(gone))


def _place(route: Route, departure: Airport, listed: ListedAirport | None, known: Known | None) -> Place | None:
    """The coordinates are AirLabs' where it lists the airport; the city is mostly the table's."""
    if listed is not None:
        lat, lon = listed.lat, listed.lng
    elif known is not None and known.position is not None:
        lat, lon = known.position
    else:
        return None
    name = (listed and listed.name) or (known and known.name) or route.iata
    km = haversine(departure.lat, departure.lon, lat, lon)
    scheduled = [flight.minutes for flight in route.flights if flight.minutes is not None]
    return Place(
        iata=route.iata,
        name=name,
        city=(listed and listed.city) or (known and known.city) or name,
        country=(listed and listed.country_code) or (known and known.country) or "",
        lat=lat,
        lon=lon,
        km=round(km),
        minutes=min(scheduled, default=block_minutes(km)),
        scheduled=bool(scheduled),
        flights=route.flights,
    )


def within(places: Iterable[Place], hours: float) -> Reach:
    """The places that a flight reaches in so many hours, each with the flights that do, the quickest first."""
    budget = round(hours * 60)
    by_time = sorted(places, key=lambda place: (place.minutes, place.iata))
    near = [place for place in by_time if place.minutes <= budget]
    beyond = [place for place in by_time if place.minutes > budget]
    return Reach(
        places=tuple(_with_quick_flights(place, budget) for place in near),
        too_far=len(beyond),
        just_beyond=beyond[0] if beyond else None,
    )


def _with_quick_flights(place: Place, budget: int) -> Place:
    def quick(flight: Flight) -> bool:
        return flight.minutes is None or flight.minutes <= budget

    return place.model_copy(update={"flights": tuple(filter(quick, place.flights))})
