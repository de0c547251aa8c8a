"""What the escape is told from outside: keys, which model to ask, and where a demo stands.

Read from the environment under these very names, without a prefix; a `.env` file in the working directory counts too.
"""

from typing import Self

from pydantic import HttpUrl, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from narrate.errors import Explained
from pipelines.travel_escape.models import Latitude, Longitude

GROQ = "https://api.groq.com/openai/v1"


class MissingSetting(Explained):
    """Something without which there is no escape is not set."""

    title = "A setting is missing"

    def __init__(self, variable: str, what_for: str) -> None:
        self.variable = variable
        super().__init__(f"Set the environment variable {variable}: {what_for}.")


class WrongSetting(Explained):
    """Something is set that cannot be used. Names the variables, never what they hold."""

    title = "A setting cannot be used"

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__(f"The environment cannot be used: {'; '.join(mistakes)}.")


class Settings(BaseSettings):
    """All settings. A key is missed only when the API that needs it is opened.

    Another model of the OpenAI dialect takes three variables; Cerebras, for one: MODEL_BASE_URL=https://api.cerebras.ai/v1,
    MODEL_NAME=gpt-oss-120b and MODEL_API_KEY.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=".env", env_ignore_empty=True, hide_input_in_errors=True
    )

    airlabs_api_key: SecretStr | None = None
    openweather_api_key: SecretStr | None = None
    groq_api_key: SecretStr | None = None
    model_api_key: SecretStr | None = None
    model_base_url: HttpUrl = HttpUrl(GROQ)
    model_name: str = "openai/gpt-oss-20b"
    demo_lat: Latitude | None = None
    demo_lon: Longitude | None = None

    # Pasted keys come with spaces and line ends, and an HTTP header that cannot hold one is quoted in the error.
    @field_validator("airlabs_api_key", "openweather_api_key", "groq_api_key", "model_api_key", mode="before")
    @classmethod
    def _without_spaces(cls, key: object) -> object:
        return (key.strip() or None) if isinstance(key, str) else key

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if (self.demo_lat is None) != (self.demo_lon is None):
            raise PydanticCustomError("half_a_place", "DEMO_LAT and DEMO_LON go together: set both or neither")
        return self

    @property
    def key_for_model(self) -> SecretStr | None:
        """The key of the model's host. A Groq key is for Groq alone: no other host ever sees it."""
        at_groq = self.model_base_url.host == HttpUrl(GROQ).host
        return self.model_api_key or (self.groq_api_key if at_groq else None)


def read_settings() -> Settings:
    """The settings of this environment. Raises WrongSetting."""
    try:
        return Settings()
    except ValidationError as error:
        mistakes = tuple(
            f"{'.'.join(str(part) for part in mistake['loc']).upper()}: {mistake['msg']}".removeprefix(": ")
            for mistake in error.errors(include_input=False, include_url=False)
        )
        raise WrongSetting(mistakes) from error
