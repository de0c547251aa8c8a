"""What may be asked: the door of the travel escape."""

import pytest
from pydantic import ValidationError

from pipelines.travel_escape.models import EscapeRequest


@pytest.mark.parametrize("q", ["a", "x" * 500, "  warm  ", " " * 600 + "warm"])
def test_a_wish_of_1_to_500_characters_without_its_margins_is_taken(q):
    assert EscapeRequest(q=q).q == q.strip()


@pytest.mark.parametrize("q", ["", "   ", "\n\t", "x" * 501, None, 7, ["warm"], "\ud800"])
def test_no_wish_too_long_a_wish_or_no_text_is_refused(q):
    assert refused({"q": q}) == {"q"}


@pytest.mark.parametrize(("lat", "lon"), [(0, 0), (-90, 180), (90, -180), (39.4759, -0.3687)])
def test_a_place_on_the_globe_is_taken(lat, lon):
    request = EscapeRequest(q="warm", lat=lat, lon=lon)
    assert (request.lat, request.lon) == (lat, lon)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"lat": 90.1, "lon": 0}, "lat"),
        ({"lat": 0, "lon": -180.1}, "lon"),
        ({"lat": float("nan"), "lon": 0}, "lat"),
        ({"lat": 0, "lon": float("inf")}, "lon"),
        ({"lat": 39.4}, "lon"),
        ({"lat": 39.4, "lon": None}, "lon"),
        ({"lon": -0.3}, "lon"),
        ({"lat": "north", "lon": 0}, "lat"),
        ({"city": "Rome"}, "city"),
    ],
)
def test_half_a_place_a_place_off_the_globe_and_unknown_fields_are_refused_by_name(place, field):
    assert refused({"q": "warm", **place}) == {field}


def refused(body):
    """The fields that a request is refused for."""
    with pytest.raises(ValidationError) as raised:
        EscapeRequest.model_validate(body)
    return {str(error["loc"][0]) for error in raised.value.errors()}
