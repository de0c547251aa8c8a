"""The inputs for which forms are drawn in tests, as authors declare them."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, BaseModel, Field, StringConstraints

Email = Annotated[str, Field(json_schema_extra={"format": "email"})]


class Way(StrEnum):
    train = "train"
    plane = "plane"
    boat = "boat"


class Leg(BaseModel):
    """One leg of the way."""

    to: Annotated[str, Field(title="Airport", pattern=r"^[A-Z]{3}$", max_length=3, examples=["VLC"])]
    on: date | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    loud: bool


class Escape(BaseModel):
    """One sentence is all it needs."""

    q: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description="What you feel like, in your own words.", examples=["Somewhere warm on Wednesday"]
    )
    lat: float | None = Field(default=None, description="Latitude to start from; goes with `lon`.")
    lon: float | None = None


class Trip(BaseModel):
    """Something of everything."""

    name: Annotated[str, Field(title="Name of the trip", min_length=3, max_length=40)]
    email: Email
    people: Annotated[int, Field(ge=1, lt=10, description="Children count, too. So do `dogs`.")] = 2
    price: Annotated[float, Field(gt=0, multiple_of=0.5)]
    way: Way
    leaves: date
    at: time
    direct: bool
    legs: list[Leg] = Field(min_length=1, max_length=3)
    home: Leg
    pet: Cat | Dog = Field(discriminator="kind")
    v: Literal[2]
    tags: list[str] = []
    ways: set[Way] = {Way.train}
    insured: bool = True
    notes: Annotated[str, Field(max_length=2000)] = ""
    seats: dict[str, int] = {}
    booked: datetime | None = None
    back: Leg | None = None
    site: AnyHttpUrl | None = None
    quiet: bool | None = None
    rating: int | str | None = None


TRIP: dict[str, Any] = {
    "name": "To the sea",
    "email": "ada@example.org",
    "people": 3,
    "price": 12.5,
    "way": "boat",
    "leaves": "2026-03-01",
    "at": "10:30:00",
    "direct": False,
    "legs": [{"to": "VLC"}, {"to": "PMI", "on": "2026-03-02"}],
    "home": {"to": "VIE"},
    "pet": {"kind": "dog", "loud": True},
    "v": 2,
    "tags": ["sun", "sea"],
    "ways": ["train", "boat"],
    "insured": False,
    "notes": "First.\nSecond.",
    "seats": {"ada": 1},
    "booked": "2026-02-01T09:30:00+05:30",
    "back": {"to": "VIE", "on": "2026-03-09"},
    "site": "https://example.org/sea",
    "quiet": True,
    "rating": 5,
}
"""A value of every field, as the form writes it for a reader in India."""


class Person(BaseModel):
    """Has others of its kind within."""

    name: str
    boss: "Person | None" = None
    team: list["Person"] = []
