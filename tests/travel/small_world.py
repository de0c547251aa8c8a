"""A small world for the whole pipeline: three places that fly from Valencia on Wednesdays, and what is told of them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from narrate import Caller, RunFailed, start
from narrate.clock import Clock
from narrate.events import Event
from pipelines.travel_escape import travel_escape
from pipelines.travel_escape.gazetteer import Gazetteer
from pipelines.travel_escape.settings import Settings
from tests.travel.far_side import Answer, FarSide

GAZETTEER = Gazetteer.load()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""A Saturday."""

VALENCIA = {
    "status": "success", "country": "Spain", "countryCode": "ES", "city": "Valencia", "lat": 39.4759, "lon": -0.3687,
    "timezone": "Europe/Madrid", "query": "195.77.20.100",
}  # fmt: skip
HIGHS = {"AGP": 25.0, "TNG": 27.0, "AMS": 9.0}
POINTS = {"AGP": (36.6749, -4.49911), "TNG": (35.7269, -5.91689), "AMS": (52.3086, 4.76389)}
MINUTES = {"AGP": 80, "TNG": 90, "AMS": 160}
UNDERSTOOD = {"days_from_now": 4, "weather": "hot", "hours": 2, "summary": "Warm on Wednesday, two hours at most."}


def row(iata: str, number: str, **more: object) -> dict[str, object]:
    """A row of the timetable."""
    return {
        "flight_iata": number, "arr_iata": iata, "dep_time": "09:40", "duration": MINUTES[iata], "days": ["wed"],
        "updated": "2026-11-01T00:00:00.000Z", **more,
    }  # fmt: skip


def forecast(high: float, *days: int) -> dict[str, object]:
    """The early afternoon of some days of November."""
    hours = [
        {
            "dt": int(datetime(2026, 11, day, 12, tzinfo=UTC).timestamp()),
            "main": {"temp_max": high},
            "weather": [{"id": 800, "description": "clear sky"}],
            "sys": {"pod": "d"},
        }
        for day in days or (21, 22, 23, 24, 25, 26)
    ]
    return {"cod": "200", "list": hours, "city": {"timezone": 3600}}


def model_says(content: object) -> httpx.Response:
    """An answer of the model."""
    text = content if isinstance(content, str) else json.dumps(content)
    return httpx.Response(200, json={"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})


def answers(request: httpx.Request) -> Answer:
    """What the world answers when nothing is wrong."""
    query = request.url.params
    match request.url.host, request.url.path:
        case "api.groq.com", _:
            return model_says(UNDERSTOOD)
        case "ip-api.com", _:
            return httpx.Response(200, json=VALENCIA)
        case _, "/api/v9/nearby":
            vlc = {
                "name": "Valencia Airport", "iata_code": "VLC", "lat": 39.4893, "lng": -0.4816, "popularity": 9,
                "timezone": "Europe/Madrid",
            }  # fmt: skip
            return httpx.Response(200, json={"response": {"airports": [vlc]}})
        case _, "/api/v9/routes":
            rows = [row("AGP", "VY1"), row("TNG", "FR2"), row("AMS", "HV3"), row("AGP", "IB9", cs_flight_iata="VY1")]
            return httpx.Response(200, json={"request": {"has_more": False}, "response": rows})
        case _, "/api/v9/airports":
            listed = [
                {"name": iata, "iata_code": iata, "lat": POINTS[iata][0], "lng": POINTS[iata][1], "country_code": "XX"}
                for iata in query["iata_code"].split(",")
                if iata != "TNG"
            ]
            return httpx.Response(200, json={"response": listed})
        case _, "/data/2.5/forecast":
            return httpx.Response(200, json=forecast(HIGHS[place_asked(request)]))
        case host, path:
            raise AssertionError(f"Nobody asks {host}{path}.")


def place_asked(request: httpx.Request) -> str:
    """The airport whose forecast is asked for."""
    asked = (request.url.params["lat"], request.url.params["lon"])
    return next(iata for iata, (lat, lon) in POINTS.items() if asked == (f"{lat:.2f}", f"{lon:.2f}"))


class Told:
    """What a run told, and how it ended."""

    def __init__(self, events: list[Event], result: object, failure: RunFailed | None, far_side: FarSide) -> None:
        self.events = events
        self.result = result
        self.failure = failure
        self.far_side = far_side

    @property
    def started(self) -> list[str]:
        """The steps in the order in which they were announced or skipped."""
        return [event.step for event in self.events if event.type in ("step.started", "step.skipped")]

    def titles(self) -> dict[str, str]:
        """The title of each step."""
        return {event.step: event.title for event in self.events if event.type == "step.started"}

    def lines(self, step: str) -> list[str]:
        """What a step said."""
        return [event.text for event in self.events if event.type == "message" and event.step == step]

    def detail(self, title: str) -> object:
        """The data of the detail of this title."""
        return next(event.data for event in self.events if event.type == "detail" and event.title == title)

    def asked(self, host: str) -> list[httpx.Request]:
        """What was asked of a host."""
        return [request for request in self.far_side.asked if request.url.host == host]


async def told(
    q: str = "Somewhere warm on Wednesday, two hours at most",
    *,
    ip: str | None = None,
    by: Callable[[httpx.Request], Answer | None] = lambda _: None,
    now: datetime = NOW,
    settings: dict[str, object] | None = None,
    **place: float,
) -> Told:
    """Run the pipeline; `by` answers a request otherwise than the world does, or not."""
    far_side = FarSide(by=lambda request: by(request) or answers(request))
    keys = {"airlabs_api_key": "A-SECRET", "openweather_api_key": "O-SECRET", "groq_api_key": "G-SECRET"}
    given = Settings(_env_file=None, **{**keys, **(settings or {})})

    class Stopped(Clock):
        def now(self) -> datetime:
            return now

    events: list[Event] = []
    result, failure = None, None
    outside = {"transport": far_side, "settings": given, "clock": Stopped(), "gazetteer": GAZETTEER}
    async with start(travel_escape, {"q": q, **place}, caller=Caller(ip=ip), **outside) as run:
        async for event in run.events():
            events.append(event)
        try:
            result = await run.result()
        except RunFailed as failed:
            failure = failed
    return Told(events, result, failure, far_side)
