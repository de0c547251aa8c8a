"""The settings, and that no key is ever in a sentence, a repr or a log."""

import logging
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from narrate.clock import Clock
from pipelines.travel_escape import resources
from pipelines.travel_escape.airlabs import open_airlabs
from pipelines.travel_escape.model import chat_request, open_model
from pipelines.travel_escape.openweather import open_openweather
from pipelines.travel_escape.settings import GROQ, MissingSetting, Settings, WrongSetting, read_settings
from pipelines.travel_escape.upstream import open_client
from tests.travel.far_side import FarSide, cut, html
from tests.travel.test_model import TODAY

KEY = "K-SECRET"
NAMES = ("AIRLABS_API_KEY", "OPENWEATHER_API_KEY", "GROQ_API_KEY", "MODEL_API_KEY")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    """No settings but those that the test makes."""
    for name in (*NAMES, "DEMO_LAT", "DEMO_LON", "MODEL_BASE_URL", "MODEL_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_settings_are_read_from_variables_without_a_prefix(monkeypatch):
    for name, value in {
        "AIRLABS_API_KEY": f" {KEY}\n",
        "DEMO_LAT": "39.5",
        "DEMO_LON": "-0.4",
        "MODEL_NAME": "m",
    }.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.airlabs_api_key == SecretStr(KEY)
    assert (settings.demo_lat, settings.demo_lon, settings.model_name) == (39.5, -0.4, "m")


async def test_the_settings_of_a_run_are_those_of_its_environment(monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "m")
    opening = resources.settings.open(Clock())
    assert (await anext(opening)).model_name == "m"
    await opening.aclose()


async def test_a_replay_has_the_defaults_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "m")
    monkeypatch.setenv("DEMO_LAT", "not even a number")
    opening = resources.settings.open(Clock(datetime(2026, 10, 13, tzinfo=UTC)))
    assert (await anext(opening)) == Settings.model_construct()
    await opening.aclose()


def test_a_file_in_the_working_directory_counts_too(tmp_path):
    (tmp_path / ".env").write_text(f"AIRLABS_API_KEY={KEY}\nSOMETHING_ELSE=1\n")
    assert read_settings().airlabs_api_key == SecretStr(KEY)


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_key_is_no_key(monkeypatch, empty):
    monkeypatch.setenv("GROQ_API_KEY", empty)
    assert read_settings().key_for_model is None


def test_a_groq_key_is_for_groq_alone(monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    assert read_settings().key_for_model == SecretStr(KEY)
    monkeypatch.setenv("MODEL_BASE_URL", "https://api.cerebras.ai/v1")
    assert read_settings().key_for_model is None
    monkeypatch.setenv("MODEL_API_KEY", "other")
    assert read_settings().key_for_model == SecretStr("other")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DEMO_LAT": "north", "DEMO_LON": "0"}, "DEMO_LAT"),
        ({"DEMO_LAT": "91", "DEMO_LON": "0"}, "DEMO_LAT"),
        ({"DEMO_LAT": "39"}, "DEMO_LON"),
        ({"MODEL_BASE_URL": f"no address {KEY}"}, "MODEL_BASE_URL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_not_repeated(monkeypatch, variables, named):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting, match=named) as raised:
        read_settings()
    assert KEY not in f"{raised.value}{raised.value.__cause__}"


@pytest.mark.parametrize(
    ("opened", "named"), [(resources.airlabs, "AIRLABS_API_KEY"), (resources.openweather, "OPENWEATHER_API_KEY")]
)
async def test_a_key_that_is_missing_is_named_when_its_api_is_opened(opened, named):
    with pytest.raises(MissingSetting, match=named) as raised:
        await anext(opened.open(FarSide(html()), Settings(), Clock()))
    assert str(raised.value).count(".") <= 2


def test_keys_are_in_no_text_of_the_settings(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(name, KEY)
    settings = read_settings()
    assert KEY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


FAILURES = [
    html(403),
    html(200),
    html(503),
    cut(),
    httpx.ReadTimeout("slow"),
    httpx.ConnectError("refused"),
    httpx.Response(200, json={"error": {"message": f"Unknown key {KEY}", "code": f"code {KEY}"}}),
    httpx.Response(401, json={"cod": 401, "message": f"Invalid key {KEY}"}),
    httpx.Response(200, json={"response": f"{KEY}", "list": KEY, "city": {"timezone": KEY}}),
    httpx.Response(429, json={"error": {"message": f"limit of {KEY}", "code": "rate_limit_exceeded"}}),
    httpx.Response(400, json={"error": {"code": "json_validate_failed", "failed_generation": KEY}}),
]


async def airlabs(far_side):
    async with open_airlabs(far_side, SecretStr(KEY)) as api:
        await api.routes("VLC", 0)


async def openweather(far_side):
    async with open_openweather(far_side, SecretStr(KEY)) as api:
        await api.forecast(1, 2)


async def model(far_side):
    async with open_model(far_side, GROQ, "m", SecretStr(KEY)) as asked:
        await asked.understand(chat_request("m", "warm", TODAY))


@pytest.mark.parametrize("asks", [airlabs, openweather, model])
@pytest.mark.parametrize("answer", FAILURES)
async def test_a_key_is_in_no_sentence_no_cause_and_no_log(asks, answer, caplog):
    caplog.set_level(logging.DEBUG)
    far_side = FarSide(answer)
    with pytest.raises(Exception) as raised:  # noqa: PT011 (each fails in its own way; what is said is the claim)
        await asks(far_side)
    sent = f"{far_side.urls} {far_side.asked[0].headers.get('authorization')}"
    assert KEY in sent, "the key was used"
    assert KEY not in f"{raised.value} {raised.value!r}"
    assert KEY not in caplog.text.replace(str(far_side.asked[0].content), "")


async def test_an_error_of_httpx_does_not_hold_the_key_either():
    async with open_client(
        FarSide(httpx.ConnectError("refused")), "https://example.org", api_key=SecretStr(KEY)
    ) as client:
        with pytest.raises(httpx.ConnectError) as raised:
            await client.get("/x?a=1,2")
    assert str(raised.value.request.url) == "https://example.org/x?a=1,2"


async def test_a_client_leaves_the_shared_transport_open():
    class Closing(FarSide):
        closed = False

        async def aclose(self):
            self.closed = True

    far_side = Closing(html())
    async with open_client(far_side, "https://example.org") as client:
        await client.get("/")
    assert not far_side.closed


async def test_where_recordings_are_replayed_no_key_is_needed_and_none_is_used(monkeypatch):
    replay = Clock(datetime(2026, 10, 13, tzinfo=UTC))
    far_side = FarSide(html())
    opening = resources.airlabs.open(far_side, Settings(airlabs_api_key=SecretStr(KEY)), replay)
    api = await anext(opening)
    with pytest.raises(Exception):  # noqa: B017, PT011
        await api.nearby(1, 2)
    await opening.aclose()
    assert far_side.asked[0].url.params["api_key"] == "replay"
