"""What is asked for, and what the repository says about itself: the input, and its `deploy.toml`."""

import re
import shlex
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from narrate import Explained

RECIPE = "deploy.toml"


class Deploy(BaseModel):
    """What to deploy, and where to."""

    repository: str | None = Field(
        None, min_length=1, description="A path or a URL. Left out, a small sample is made and deployed."
    )
    ref: str = Field("HEAD", description="A branch, a tag or a commit.")
    to: Path | None = Field(None, description="A folder for nothing else. Left out, one beside the sample.")
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="A port for the server. Left out, the one before, or else one that is free.",
    )

    @field_validator("repository")
    @classmethod
    def _without_password(cls, repository: str | None) -> str | None:
        if repository is not None and "://" in repository and urlsplit(repository).password is not None:
            raise ValueError("Leave the password out of the URL: it would be told. git has credential helpers for it.")
        return repository

    @field_validator("ref")
    @classmethod
    def _name(cls, ref: str) -> str:
        if not re.fullmatch(r"[\w./+@-]+", ref):
            raise ValueError("Write the name of a branch, a tag or a commit, such as main.")
        return ref

    @field_validator("repository", "ref")
    @classmethod
    def _no_option(cls, word: str | None) -> str | None:
        if word is not None and word.startswith("-"):
            raise ValueError("It begins with a dash, which git would take for an option.")
        return word


class Command(BaseModel):
    """A command of the repository's, and the seconds it may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field(min_length=1)
    timeout: float = Field(60, gt=0)

    def __str__(self) -> str:
        return shlex.join(self.command)


class Serve(BaseModel):
    """The server: it listens on the port that `PORT` in its environment says, and answers `health` with a 2xx.

    It is given `within` seconds to do so for the first time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field(min_length=1)
    health: str = Field("/", pattern="^/")
    within: float = Field(10, gt=0)

    def __str__(self) -> str:
        return shlex.join(self.command)


class Recipe(BaseModel):
    """A repository's `deploy.toml`: how it is checked, built and served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lint: Command
    tests: Command
    build: Command
    serve: Serve


class NoRecipe(Explained):
    """The repository does not say, or not so that it can be understood, how it is deployed."""

    title = "The repository does not say how to deploy it"
    status = 422


def read_recipe(text: str) -> Recipe:
    """Raises NoRecipe, with what is wrong where."""
    try:
        return Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise NoRecipe(f"The repository's {RECIPE} is no TOML: {error}.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise NoRecipe(f"The repository's {RECIPE} cannot be followed. {wrong}.") from error
