"""The values of the escape: what is asked, what is known on the way, what is answered.

The bodies of the APIs stand with their wrappers; here is only what the steps say to each other and to the world.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from pipelines.travel_escape.days import spoken_minutes

FARTHEST_DAY = 5
"""Forecasts reach five days from now, so nothing further can be asked."""

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class Value(BaseModel):
    """A value that does not change. Unknown fields are refused, so that a misspelt one is not silently lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EscapeRequest(Value):
    """What somebody asks: a sentence, and where they are if they care to say."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] = Field(
        description="What you feel like, in your own words.",
        examples=["Somewhere warm on Wednesday, two hours at most"],
    )
    lat: Latitude | None = Field(default=None, description="Latitude to start from; goes with `lon`.")
    lon: Longitude | None = Field(
        default=None, validate_default=True, description="Longitude to start from; goes with `lat`."
    )

    # On `lon` and not on the model, so that the error names a field.
    @field_validator("lon")
    @classmethod
    def _lat_and_lon_go_together(cls, lon: float | None, info: ValidationInfo) -> float | None:
        if "lat" in info.data and (info.data["lat"] is None) != (lon is None):
            raise PydanticCustomError("half_a_place", "lat and lon go together: send both or neither")
        return lon


class Weather(StrEnum):
    """What the weather should be like. What that means in degrees stands in `taste`."""

    cold = "cold"
    normal = "normal"
    hot = "hot"


class Intent(Value):
    """What was understood of the request."""

    days_from_now: int = Field(ge=0, le=FARTHEST_DAY)
    weather: Weather
    hours: float = Field(gt=0, le=24, description="The longest non-stop flight, in hours.")
    summary: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

    @property
    def longest(self) -> str:
        """The hours in words: `2 h 30 min`."""
        return spoken_minutes(self.hours * 60)

    @field_validator("summary")
    @classmethod
    def _on_one_line(cls, summary: str) -> str:
        return " ".join(summary.split())


class Location(Value):
    """Where the escape starts. `city` and what follows are unknown when only coordinates were given."""

    lat: Latitude
    lon: Longitude
    city: str | None = None
    country: str | None = None
    timezone: str | None = None

    @property
    def words(self) -> str:
        """`Valencia, Spain`, or the coordinates where there are no names."""
        return ", ".join(name for name in (self.city, self.country) if name) or f"{self.lat:.2f}, {self.lon:.2f}"


class Airport(Value):
    """The airport to leave from. `country` is the ISO code, `timezone` an IANA name."""

    iata: str
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str


class Flight(Value):
    """A flight of the chosen day. `departs` is HH:MM where it leaves; `minutes` is the scheduled block time."""

    number: str
    departs: str | None
    minutes: int | None
    sold_as: tuple[str, ...] = ()


class Route(Value):
    """All flights of the chosen day to one airport, the earliest first."""

    iata: str
    flights: tuple[Flight, ...]


class Timetable(Value):
    """Where one can go non-stop on the chosen day."""

    day: date
    weekday: str
    routes: tuple[Route, ...]


class Place(Value):
    """A destination, and how far it is. `minutes` is the shortest flight that day, `scheduled` or else estimated."""

    iata: str
    name: str
    city: str
    country: str
    lat: float
    lon: float
    km: int
    minutes: int
    scheduled: bool
    flights: tuple[Flight, ...]


class Reach(Value):
    """The destinations within the hours given, the quickest first, and the quickest of those beyond."""

    places: tuple[Place, ...]
    too_far: int = 0
    just_beyond: Place | None = None


class DayWeather(Value):
    """The weather of one local day. `partial` when the forecast leaves out that day's afternoon."""

    high: float = Field(description="°C")
    sky: str
    wet: bool = False
    partial: bool = False


class Reading(Value):
    """A place with the weather it will have."""

    place: Place
    day: DayWeather


class Forecasts(Value):
    """The weather of the places that were checked, those that fit and those that do not; `failed` have no forecast."""

    fitting: tuple[Reading, ...]
    others: tuple[Reading, ...]
    failed: int = 0


class FlightOut(Value):
    """A flight to take: `departs` is HH:MM at the departure airport, null where the schedule does not say."""

    number: str
    departs: str | None


class Escape(Value):
    """One place to go."""

    city: str
    country: str = Field(description="ISO 3166 code")
    iata: str
    lat: float
    lon: float
    km: int
    flight_minutes: int
    scheduled: bool = Field(description="Whether the minutes are scheduled; else they are estimated from the distance.")
    high: float = Field(description="The day's high, °C")
    sky: str
    flights: tuple[FlightOut, ...] = Field(max_length=3)


class Escapes(Value):
    """The answer: places to go, the best fit first. When there are none, `relax` says what to ask differently."""

    departure: Airport
    day: date
    weekday: str
    weather: Weather
    hours: float
    escapes: tuple[Escape, ...]
    relax: str | None = None
