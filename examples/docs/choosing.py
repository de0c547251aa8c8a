"""What all runs share: the settings of this environment, and the model that they choose.

Read from the environment, or a `.env` file in the working directory. Without any of it nothing is asked of anybody.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from extracts import INTRODUCTION, NAME, Extracts
from narrate import Explained, resource
from narrate.clock import Clock
from ollama import OllamaModel
from openai_dialect import TIMEOUT, open_dialect
from writing import Model

GROQ = "https://api.groq.com/openai/v1"

NO_KEY = SecretStr("no-key-is-needed")
"""What stands for a key where nobody asks for one."""


class WrongSetting(Explained):
    """Something is set that cannot be used. Names the variables, never what they hold."""

    title = "A setting cannot be used"

    def __init__(self, variables: str) -> None:
        super().__init__(f"The environment variable {variables} holds something that cannot be used.")


class Settings(BaseSettings):
    """Which model to ask: Groq's with its key, another host's of the same dialect, or Ollama's on a machine of yours.

    Another host is asked without a key where it has none: a model on one's own machine needs none.

    `docs_root` is above all folders that may be named over the network; on the terminal any may be.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=".env", env_ignore_empty=True, hide_input_in_errors=True
    )

    groq_api_key: SecretStr | None = None
    model_api_key: SecretStr | None = None
    model_base_url: HttpUrl = HttpUrl(GROQ)
    model_name: str = "openai/gpt-oss-20b"
    ollama_url: HttpUrl | None = None
    docs_root: Path = Field(default_factory=Path.cwd)

    # Pasted keys come with spaces and line ends, which no header can hold.
    @field_validator("groq_api_key", "model_api_key", mode="before")
    @classmethod
    def _without_spaces(cls, key: object) -> object:
        return (key.strip() or None) if isinstance(key, str) else key


@resource
async def settings() -> AsyncIterator[Settings]:
    """The settings. Raises WrongSetting."""
    try:
        read = Settings()
    except ValidationError as error:
        variables = " and ".join(str(mistake["loc"][0]).upper() for mistake in error.errors(include_input=False))
        raise WrongSetting(variables) from None
    yield read


@resource
async def model(transport: httpx.AsyncBaseTransport, settings: Settings, clock: Clock) -> AsyncIterator[Model]:
    """The model that the settings choose; without any, what stands in for one."""
    # A Groq key is for Groq alone: no other host ever sees it.
    own_key = settings.groq_api_key if settings.model_base_url.host == HttpUrl(GROQ).host else NO_KEY
    key = NO_KEY if clock.replaying else settings.model_api_key or own_key
    if settings.ollama_url is not None:
        async with httpx.AsyncClient(transport=transport, base_url=str(settings.ollama_url), timeout=TIMEOUT) as client:
            yield OllamaModel(client, settings.model_name)
    elif key is not None:
        async with open_dialect(transport, str(settings.model_base_url), settings.model_name, key) as asked:
            yield asked
    else:
        async with open_dialect(Extracts(), GROQ, NAME, NO_KEY, INTRODUCTION) as stand_in:
            yield stand_in
