"""The whole travel escape, against a small world: what is told, what is asked, and what when something fails."""

from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from narrate.errors import ReplayMiss
from pipelines.travel_escape import Escapes
from pipelines.travel_escape.airlabs import open_airlabs
from pipelines.travel_escape.gazetteer import Gazetteer
from pipelines.travel_escape.models import Location
from pipelines.travel_escape.pipeline import departure
from tests.travel.far_side import FarSide, html
from tests.travel.small_world import UNDERSTOOD, answers, forecast, model_says, place_asked, row, told

SEVEN = ["intent", "location", "departure", "routes", "distances", "weather", "escapes"]


def at(host, path=""):
    """Whether a request goes there."""
    return lambda request: request.url.host == host and request.url.path.endswith(path)


def instead(where, answer):
    """Answer requests to a place with something else."""
    return lambda request: answer if where(request) else None


def airlabs(path, *rows, **request):
    """Answer one method of AirLabs with other rows."""
    return lambda asked: (
        httpx.Response(200, json={"request": request, "response": list(rows)})
        if at("airlabs.co", path)(asked)
        else None
    )


async def test_seven_steps_are_told_in_their_order_and_end_in_places_to_go():
    story = await told()
    assert story.started == SEVEN
    assert story.titles()["intent"] == "Understanding your request…"
    assert story.titles()["routes"] == "Departing from Valencia Airport (VLC). Where can you go non-stop?"
    assert story.lines("intent") == ["Warm on Wednesday, two hours at most."]
    assert story.lines("routes") == ["3 non-stop destinations on WED. Measuring distances…"]
    assert story.lines("distances") == ["2 of 3 destinations within 2 h non-stop."]
    assert story.lines("weather") == ["2 of 2 places will have 24 °C or more."]
    assert isinstance(story.result, Escapes)
    assert [(e.iata, e.city, e.flight_minutes, e.high) for e in story.result.escapes] == [
        ("TNG", "Tangier", 90, 27.0),
        ("AGP", "Malaga", 80, 25.0),
    ]
    assert [(f.number, f.departs) for f in story.result.escapes[1].flights] == [("VY1", "09:40")]
    assert story.result.relax is None


async def test_the_details_tell_where_each_place_is_and_what_has_become_of_it():
    story = await told()
    tng = {"iata": "TNG", "city": "Tangier", "km": 636, "minutes": 90, "scheduled": True, "within": True}
    assert story.detail("Where you leave from")["iata"] == "VLC"
    assert story.detail("How far they are")[-1] == {**tng, "lat": 35.73, "lon": -5.92}
    assert [(row["iata"], row["within"]) for row in story.detail("How far they are")] == [
        ("AGP", True),
        ("AMS", False),
        ("TNG", True),
    ]
    assert [(row["iata"], row["fits"]) for row in story.detail("The weather of the day")] == [
        ("TNG", True),
        ("AGP", True),
    ]


async def test_weather_that_is_not_as_wished_for_is_told_to_be_that():
    story = await told(by=lambda r: model_says({**UNDERSTOOD, "weather": "cold"}) if at("api.groq.com")(r) else None)
    assert {row["fits"] for row in story.detail("The weather of the day")} == {False}


async def test_everything_is_asked_once_and_every_codes_place_in_one_request():
    story = await told()
    assert [str(request.url) for request in story.asked("airlabs.co")[1:]] == [
        "https://airlabs.co/api/v9/routes?dep_iata=VLC&limit=50&offset=0&api_key=A-SECRET",
        "https://airlabs.co/api/v9/airports?iata_code=AGP,AMS,TNG&api_key=A-SECRET",
    ]
    assert sorted(map(place_asked, story.asked("api.openweathermap.org"))) == ["AGP", "TNG"]
    assert len(story.asked("api.groq.com")) == len(story.asked("ip-api.com")) == 1


async def test_no_key_is_ever_told():
    story = await told()
    assert "SECRET" not in "".join(map(repr, story.events))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            httpx.Response(401, json={"error": {"code": "invalid_api_key"}}),
            "The model refused the request: the key is not",
        ),
        (html(503), "The model has trouble of its own"),
        (httpx.ReadTimeout("slow"), "The model did not answer in time."),
        (ReplayMiss("POST …", None, []), "The model's answer to this is not among the recordings."),
        (httpx.Response(429, headers={"retry-after": "214"}), "The model gives no more answers for now"),
    ],
)
async def test_when_the_model_fails_rules_read_the_wish_and_the_story_says_why(answer, reason):
    story = await told(by=instead(at("api.groq.com"), answer))
    assert story.lines("intent")[0].startswith(reason)
    assert story.lines("intent")[1:] == [
        "Reading your words with a few simple rules instead.",
        "A high of 24 °C or more on Wednesday 25 November, at most 2 h non-stop.",
    ]
    assert isinstance(story.result, Escapes)


async def test_without_a_model_key_rules_read_the_wish():
    story = await told(settings={"groq_api_key": None})
    assert story.lines("intent")[0].startswith("No key for a model is set (GROQ_API_KEY).")
    assert story.asked("api.groq.com") == []
    assert isinstance(story.result, Escapes)


async def test_a_bad_answer_is_sent_back_once_and_then_mended():
    says = iter([model_says({**UNDERSTOOD, "weather": "warm"}), model_says(UNDERSTOOD)])
    story = await told(by=lambda request: next(says) if at("api.groq.com")(request) else None)
    assert len(story.asked("api.groq.com")) == 2
    assert b"weather: Input should be" in story.asked("api.groq.com")[1].content
    assert story.lines("intent")[-1] == UNDERSTOOD["summary"]


async def test_two_bad_answers_are_enough():
    story = await told(by=lambda request: model_says("Sure!") if at("api.groq.com")(request) else None)
    assert len(story.asked("api.groq.com")) == 2
    assert story.lines("intent")[1].startswith("The model gave an answer that cannot be used.")
    assert isinstance(story.result, Escapes)


async def test_a_busy_model_is_asked_again_after_the_wait_it_asks_for(autojump_clock):
    busy = iter([httpx.Response(429, headers={"retry-after": "2"}), None])
    story = await told(by=lambda request: next(busy) if at("api.groq.com")(request) else None)
    assert [event.wait for event in story.events if event.type == "step.retrying"] == [2.0]
    assert story.lines("intent") == [UNDERSTOOD["summary"]]


async def test_a_public_address_is_looked_up():
    story = await told(ip="195.77.20.100")
    assert [request.url.path for request in story.asked("ip-api.com")] == ["/json/195.77.20.100"]
    assert story.lines("location") == ["You seem to be in Valencia, Spain."]


@pytest.mark.parametrize("ip", [None, "127.0.0.1", "192.168.1.20", "::1"])
async def test_for_a_private_address_the_servers_own_stands_in(ip):
    story = await told(ip=ip)
    assert [request.url.path for request in story.asked("ip-api.com")] == ["/json/"]


async def test_for_an_address_on_no_map_the_servers_own_stands_in():
    nowhere = instead(
        at("ip-api.com", "100"), httpx.Response(200, json={"status": "fail", "message": "reserved range"})
    )
    story = await told(ip="195.77.20.100", by=nowhere)
    assert [request.url.path for request in story.asked("ip-api.com")] == ["/json/195.77.20.100", "/json/"]


async def test_where_no_address_tells_the_failure_says_what_to_send():
    fails = instead(at("ip-api.com"), httpx.Response(200, json={"status": "fail", "message": "reserved range"}))
    story = await told(by=fails)
    assert story.failure is not None
    assert "Say it with `lat` and `lon`." in story.failure.problem.sentence


async def test_the_demos_place_goes_before_an_address_and_the_requests_before_both():
    demo = {"demo_lat": 1.5, "demo_lon": 2.5}
    story = await told(ip="195.77.20.100", settings=demo)
    asked = story.asked("airlabs.co")[0].url.params
    assert (asked["lat"], asked["lng"], story.asked("ip-api.com")) == ("1.5", "2.5", [])
    story = await told(ip="195.77.20.100", settings=demo, lat=3.25, lon=4)
    asked = story.asked("airlabs.co")[0].url.params
    assert (asked["lat"], asked["lng"], story.asked("ip-api.com")) == ("3.25", "4.0", [])


async def test_no_airport_near_is_a_clear_failure():
    story = await told(by=airlabs("nearby"))
    assert story.failure is not None
    assert story.failure.problem.step == "departure"
    assert story.failure.problem.sentence.startswith("There is no airport with airlines within 150 km of you.")


async def test_pages_are_read_until_there_are_no_more():
    def pages(request):
        if not at("airlabs.co", "routes")(request):
            return None
        first = request.url.params["offset"] == "0"
        rows = [row("AGP", "VY1")] if first else [row("TNG", "FR2")]
        return httpx.Response(200, json={"request": {"has_more": first}, "response": rows})

    story = await told(by=pages)
    offsets = [r.url.params["offset"] for r in story.asked("airlabs.co") if r.url.path.endswith("routes")]
    assert offsets == ["0", "50"]
    assert story.lines("routes") == ["2 non-stop destinations on WED. Measuring distances…"]


async def test_a_timetable_without_end_is_cut_and_the_story_says_so():
    story = await told(by=airlabs("routes", row("AGP", "VY1"), has_more=True))
    assert len([r for r in story.asked("airlabs.co") if r.url.path.endswith("routes")]) == 20
    assert "some destinations may be missing" in story.lines("routes")[0]
    assert isinstance(story.result, Escapes)


async def test_the_weekday_is_that_of_the_departure_airport():
    story = await told(now=datetime(2026, 11, 21, 23, 30, tzinfo=UTC))  # half past midnight, on Sunday, in Valencia
    assert story.lines("routes") == ["No non-stop flight that is known of on THU."]


async def test_a_busy_timetable_is_waited_for_and_a_spent_one_is_not(autojump_clock):
    busy = iter([httpx.Response(200, json={"error": {"code": "minute_limit_exceeded"}}), None])
    story = await told(by=lambda request: next(busy) if at("airlabs.co", "routes")(request) else None)
    assert [event.wait for event in story.events if event.type == "step.retrying"] == [30.0]
    assert isinstance(story.result, Escapes)
    spent = httpx.Response(200, json={"error": {"code": "month_limit_exceeded"}})
    story = await told(by=instead(at("airlabs.co", "routes"), spent))
    assert story.failure is not None
    assert len(story.asked("airlabs.co")) == 2


async def test_more_than_fifty_codes_are_asked_for_in_several_requests():
    codes = [f"{a}{b}X" for a in "ABCDEFGH" for b in "ABCDEFGH"]
    rows = [{**row("AGP", f"VY{n}"), "arr_iata": code} for n, code in enumerate(codes)]

    def many(request):
        return airlabs("routes", *rows)(request) or airlabs("airports")(request)

    story = await told(by=many)
    chunks = [
        r.url.params["iata_code"].split(",") for r in story.asked("airlabs.co") if r.url.path.endswith("airports")
    ]
    assert [len(chunk) for chunk in chunks] == [50, 14]
    assert [code for chunk in chunks for code in chunk] == codes


async def test_one_place_without_a_forecast_never_fails_the_step():
    def fails(request):
        return html(502) if at("api.openweathermap.org")(request) and place_asked(request) == "TNG" else None

    story = await told(by=fails)
    assert story.lines("weather")[0] == "No forecast for Tangier: OpenWeather has trouble of its own (HTTP status 502)."
    assert [e.iata for e in story.result.escapes] == ["AGP"]


async def test_all_places_without_a_forecast_fail_the_step():
    refused = httpx.Response(401, json={"cod": 401, "message": "Invalid API key."})
    story = await told(by=instead(at("api.openweathermap.org"), refused))
    assert story.failure is not None
    assert story.failure.problem.step == "weather"
    assert "the key is not valid" in story.failure.problem.sentence


async def test_a_forecast_that_does_not_reach_the_day_is_no_failure():
    short = instead(at("api.openweathermap.org"), httpx.Response(200, json=forecast(27, 21)))
    story = await told(by=short)
    assert story.result.relax == "No forecast reaches that day. Try an earlier one."


async def test_nothing_to_fly_to_skips_what_would_follow_and_says_what_to_relax():
    story = await told(by=airlabs("routes", has_more=False))
    assert story.started == SEVEN
    assert [event.step for event in story.events if event.type == "step.skipped"] == ["weather"]
    assert len(story.asked("airlabs.co")) == 2
    assert story.lines("escapes") == [story.result.relax]
    assert "Try another day." in story.result.relax


async def test_nothing_within_the_hours_says_how_many_would_do():
    story = await told(by=lambda r: model_says({**UNDERSTOOD, "hours": 1}) if at("api.groq.com")(r) else None)
    assert story.result.relax == "Nothing is within 1 h. The quickest to reach is Malaga: allow 1 h 20 min."


async def test_weather_that_nobody_has_says_which_there_is():
    story = await told(by=lambda r: model_says({**UNDERSTOOD, "weather": "cold"}) if at("api.groq.com")(r) else None)
    assert story.result.relax.endswith(
        "Malaga comes nearest with 25 °C: ask for hot weather, or allow a longer flight."
    )


async def test_a_step_can_be_called_as_the_function_it_is():
    async with open_airlabs(FarSide(by=answers), SecretStr("A-SECRET")) as airlabs:
        airport = await departure(Location(lat=39.4759, lon=-0.3687), airlabs, Gazetteer.load())
    assert airport.iata == "VLC"


async def test_places_on_no_map_and_those_whose_last_flight_has_left_are_told_and_left_out():
    rows = [
        row("AGP", "VY1"),
        row("TNG", "FR2", dep_time="18:00"),
        {**row("AGP", "SN3", dep_time="18:00"), "arr_iata": "BRU"},
    ]
    today = {**UNDERSTOOD, "days_from_now": 0}

    def by(request):
        if at("api.groq.com")(request):
            return model_says(today)
        return airlabs("routes", *rows)(request) or airlabs("airports")(request)

    story = await told(by=by, now=datetime(2026, 11, 25, 12, tzinfo=UTC))
    assert story.lines("distances") == [
        "Left out, because nobody says where it is: BRU.",
        "The last flight of the day has left already to 1 destination.",
        "1 of 1 destination within 2 h non-stop.",
    ]


async def test_only_the_likeliest_places_are_asked_about():
    codes = [f"{a}{b}X" for a in "ABCDEF" for b in "ABCDEF"]

    def by(request):
        if at("airlabs.co", "airports")(request):
            listed = [{"iata_code": code, "lat": 30 + n, "lng": -5} for n, code in enumerate(codes)]
            return httpx.Response(200, json={"response": listed})
        if at("api.openweathermap.org")(request):
            return httpx.Response(200, json=forecast(27.0))
        return airlabs("routes", *({**row("AGP", f"VY{c}"), "arr_iata": c} for c in codes))(request)

    story = await told(by=by)
    assert len(story.asked("api.openweathermap.org")) == 24
    assert story.lines("weather")[0] == "Asking for the forecasts of the 24 likeliest of 36 places."
    assert {request.url.params["lat"] for request in story.asked("api.openweathermap.org")} == {
        f"{lat:.2f}" for lat in range(30, 54)
    }


async def test_a_forecast_of_a_morning_alone_is_told_to_be_that():
    morning = forecast(25.0)
    morning["city"]["timezone"] = -7200
    story = await told(by=instead(at("api.openweathermap.org"), httpx.Response(200, json=morning)))
    assert story.lines("weather")[0] == (
        "The forecast does not cover the whole day in Malaga, Tangier: the highs there may be higher."
    )
