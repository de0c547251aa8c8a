"""The travel escape: from a wish to a list of places to go, in seven steps that tell what they do."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from narrate import Caller, Pipeline, Retry, concurrent, each, progress, say, show, step
from narrate.clock import Clock, clock
from narrate.errors import problem_of
from narrate.transport import transport
from pipelines.travel_escape.airlabs import MOST_CODES, NEAR_KM, PAGE, AirLabs, ListedAirport, RouteRow
from pipelines.travel_escape.answer import answer
from pipelines.travel_escape.days import local_now, spoken, spoken_minutes, weekday
from pipelines.travel_escape.gazetteer import Gazetteer
from pipelines.travel_escape.geo import haversine
from pipelines.travel_escape.ip_api import IpApi, public_address
from pipelines.travel_escape.model import BadAnswer, Model, chat_request, repaired
from pipelines.travel_escape.models import (
    Airport,
    EscapeRequest,
    Escapes,
    Forecasts,
    Intent,
    Location,
    Place,
    Reach,
    Reading,
    Timetable,
)
from pipelines.travel_escape.openweather import OpenWeather
from pipelines.travel_escape.places import busiest, measured, within
from pipelines.travel_escape.resources import airlabs, gazetteer, ip_api, model, openweather, settings
from pipelines.travel_escape.rules import read_wish
from pipelines.travel_escape.settings import Settings
from pipelines.travel_escape.sky import weather_on
from pipelines.travel_escape.taste import BANDS, shortlist, sort_out
from pipelines.travel_escape.timetable import flights_of
from pipelines.travel_escape.upstream import NotThere, UpstreamBusy

MOST_PAGES = 20
"""Pages read of one timetable. A big hub must not use up the 1000 requests a month of AirLabs' free plan."""

BUSY = Retry(attempts=3, on=UpstreamBusy)
WITH_WAITS = 150.0
"""Seconds for a step that may have to wait twice for an allowance by the minute."""


async def by_rules(request: EscapeRequest, clock: Clock) -> Intent:
    """The intent without a model."""
    understood = read_wish(request.q, clock.now().date())
    say("Reading your words with a few simple rules instead.")
    return _told(understood)


@step("Understanding your request…", timeout=30, retry=Retry(attempts=2, on=UpstreamBusy), fallback=by_rules)
async def intent(request: EscapeRequest, model: Model, clock: Clock) -> Intent:
    """What the wish means. Today is UTC's here: where it is asked from is being found out at the same time."""
    asked = chat_request(model.name, request.q, clock.now().date())
    try:
        understood = await model.understand(asked)
    except BadAnswer as bad:
        say("The model's answer could not be used. Asking it once more, with what is wrong with it.")
        understood = await model.understand(repaired(asked, bad))
    return _told(understood)


def _told(understood: Intent) -> Intent:
    say(understood.summary)
    show("What was understood", understood)
    return understood


@step("Finding out where you are…", timeout=WITH_WAITS, retry=BUSY)
async def location(request: EscapeRequest, caller: Caller, settings: Settings, ip_api: IpApi) -> Location:
    """Where to start from: what the request says, else the demo's place, else where the caller's address is."""
    if request.lat is not None and request.lon is not None:
        say("Starting from the place that you named.")
        return Location(lat=request.lat, lon=request.lon)
    if settings.demo_lat is not None and settings.demo_lon is not None:
        say("Starting from the place that is set for this demo.")
        return Location(lat=settings.demo_lat, lon=settings.demo_lon)
    found = await _by_address(ip_api, public_address(caller.ip))
    show("Where you seem to be", found)
    return found


async def _by_address(ip_api: IpApi, ip: str | None) -> Location:
    if ip is not None:
        with suppress(NotThere):
            found = await ip_api.locate(ip)
            say(f"You seem to be in {found.words}.")
            return found
    try:
        found = await ip_api.locate(None)
    except NotThere as error:
        raise NotThere("Where you are cannot be told from your address. Say it with `lat` and `lon`.") from error
    say(f"Your address does not tell, so you are taken to be where this server is: {found.words}.")
    return found


@step("Looking for your airport…", timeout=WITH_WAITS, retry=BUSY)
async def departure(location: Location, airlabs: AirLabs, gazetteer: Gazetteer) -> Airport:
    """The airport to leave from: of those near, the one with the most traffic."""
    near = await airlabs.nearby(location.lat, location.lon)
    airport = busiest(near, location, gazetteer)
    if airport is None:
        raise NotThere(
            f"There is no airport with airlines within {NEAR_KM} km of you. Start elsewhere: `lat` and `lon`."
        )
    show("Airports near you", near)
    km = haversine(location.lat, location.lon, airport.lat, airport.lon)
    say(f"The busiest within {NEAR_KM} km is {airport.name} ({airport.iata}), {km:.0f} km away.")
    show("Where you leave from", airport)
    return airport


@step("Departing from {departure.name} ({departure.iata}). Where can you go non-stop?", timeout=WITH_WAITS, retry=BUSY)
async def routes(departure: Airport, intent: Intent, airlabs: AirLabs, clock: Clock) -> Timetable:
    """Where flights go on the day wished for, which is counted from today at the airport."""
    rows = await _timetable_rows(airlabs, departure.iata)
    today = local_now(clock.now(), departure.timezone, departure.lon).date()
    day = today + timedelta(days=intent.days_from_now)
    found, left_out = flights_of(rows, departure.iata, day, clock.now())
    timetable = Timetable(day=day, weekday=weekday(day).upper(), routes=found)
    show("Rows of the timetable left out", left_out)
    show(f"Flights on {spoken(day)}", found)
    if found:
        say(f"{_count(len(found), 'non-stop destination')} on {timetable.weekday}. Measuring distances…")
    else:
        say(f"No non-stop flight that is known of on {timetable.weekday}.")
    return timetable


async def _timetable_rows(airlabs: AirLabs, dep_iata: str) -> list[RouteRow]:
    rows: list[RouteRow] = []
    for number in range(MOST_PAGES):
        page = await airlabs.routes(dep_iata, offset=number * PAGE)
        rows += page.rows
        progress(len(rows), unit="rows")
        if not page.has_more:
            return rows
    say(f"The timetable goes on, but {len(rows)} rows of it are enough: some destinations may be missing.")
    return rows


@step("Which of them are within {intent.longest}?", timeout=WITH_WAITS, retry=BUSY)
async def distances(
    routes: Timetable, departure: Airport, intent: Intent, airlabs: AirLabs, gazetteer: Gazetteer, clock: Clock
) -> Reach:
    """The destinations that a flight still to leave reaches in the hours given."""
    if not routes.routes:
        say("There is nowhere to go, so there is nothing to measure.")
        return Reach(places=())
    listed = await _listed(airlabs, sorted(route.iata for route in routes.routes))
    now = local_now(clock.now(), departure.timezone, departure.lon)
    found = measured(routes, departure, listed, gazetteer, now)
    if found.unmapped:
        say(f"Left out, because nobody says where it is: {_some(found.unmapped)}.")
    if found.gone:
        say(f"The last flight of the day has left already to {_count(len(found.gone), 'destination')}.")
    reach = within(found.places, intent.hours)
    say(f"{len(reach.places)} of {_count(len(found.places), 'destination')} within {intent.longest} non-stop.")
    show("How far they are", [_distance(place, intent.hours) for place in found.places])
    return reach


async def _listed(airlabs: AirLabs, codes: Sequence[str]) -> dict[str, ListedAirport]:
    listed: dict[str, ListedAirport] = {}
    for start in range(0, len(codes), MOST_CODES):
        listed |= await airlabs.airports(codes[start : start + MOST_CODES])
    return listed


def _distance(place: Place, hours: float) -> dict[str, object]:
    return {
        "iata": place.iata,
        "city": place.city,
        "km": place.km,
        "minutes": place.minutes,
        "scheduled": place.scheduled,
        "within": place.minutes <= hours * 60,
        "lat": round(place.lat, 2),
        "lon": round(place.lon, 2),
    }


def any_in_reach(distances: Reach) -> bool:
    """Whether there is any place to ask the weather of."""
    return bool(distances.places)


@step(
    "What will the weather be like on {routes.day:%A}?",
    timeout=WITH_WAITS,
    retry=Retry(attempts=2, on=UpstreamBusy),
    when=any_in_reach,
    otherwise="No place is left to ask the weather of.",
)
async def weather(routes: Timetable, distances: Reach, intent: Intent, openweather: OpenWeather) -> Forecasts:
    """The weather of the day at the places in reach, asked of several at a time. Fails only when all of them do."""
    chosen = shortlist(distances.places, intent.weather)
    if len(chosen) < len(distances.places):
        say(f"Asking for the forecasts of the {len(chosen)} likeliest of {len(distances.places)} places.")

    async def ask(place: Place) -> Reading | _Failure | None:
        day = weather_on(await openweather.forecast(place.lat, place.lon), routes.day)
        return Reading(place=place, day=day) if day is not None else None

    told = await each(chosen, ask, at_most=8, unit="places", on_error=_Failure)
    failures = [one for one in told if isinstance(one, _Failure)]
    if len(failures) == len(chosen):
        raise failures[0].error
    readings = [one for one in told if isinstance(one, Reading)]
    for sentence, cities in _by_sentence(failures).items():
        say(f"No forecast for {_some(cities)}: {sentence}")
    if partial := [reading.place.city for reading in readings if reading.day.partial]:
        say(f"The forecast does not cover the whole day in {_some(partial)}: the highs there may be higher.")
    sorted_out = sort_out(readings, intent.weather, failed=len(chosen) - len(readings))
    say(f"{len(sorted_out.fitting)} of {_count(len(readings), 'place')} will have {BANDS[intent.weather].words}.")
    rows = [_weather_row(reading, fits=True) for reading in sorted_out.fitting]
    rows += [_weather_row(reading, fits=False) for reading in sorted_out.others]
    show("The weather of the day", rows)
    return sorted_out


@dataclass(frozen=True, slots=True)
class _Failure:
    place: Place
    error: Exception


def _by_sentence(failures: Iterable[_Failure]) -> dict[str, list[str]]:
    """The cities that failed, by the reason why."""
    cities: dict[str, list[str]] = {}
    for failure in failures:
        cities.setdefault(problem_of(failure.error).sentence, []).append(failure.place.city)
    return cities


def _weather_row(reading: Reading, *, fits: bool) -> dict[str, object]:
    return {
        "iata": reading.place.iata,
        "city": reading.place.city,
        "high": round(reading.day.high, 1),
        "sky": reading.day.sky,
        "fits": fits,
        "partial": reading.day.partial,
    }


@step("Choosing where to go…")
async def escapes(
    intent: Intent, departure: Airport, routes: Timetable, distances: Reach, weather: Forecasts | None
) -> Escapes:
    """The places that are left, the best fit first; without any, what to ask differently."""
    found = answer(intent, departure, routes, distances, weather)
    if found.relax is not None:
        say(found.relax)
        return found
    best = found.escapes[0]
    away = ("" if best.scheduled else "about ") + spoken_minutes(best.flight_minutes)
    say(
        f"{_count(len(found.escapes), 'place')} to escape to. The best fit is {best.city} ({best.iata}): "
        f"{best.high:.0f} °C, {best.sky}, {away} away."
    )
    return found


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


travel_escape = Pipeline(
    "travel-escape",
    concurrent(intent, location),
    departure,
    routes,
    distances,
    weather,
    escapes,
    takes=EscapeRequest,
    resources=[transport, clock, settings, gazetteer, ip_api, airlabs, openweather, model],
    title="Where can you escape to?",
    path="/assist",
    page=Path(__file__).parent / "page",
)
