"""What is said where a server refuses, or is none of narrate's: what was wrong, and what would be right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import click
import httpx

from narrate.cli.addresses import Http, Listed, listed_at
from narrate.cli.answering import clean
from narrate.cli.given import missing, refusal
from narrate.cli.work import WrongUse
from narrate.errors import Problem, RunRejected
from narrate.terminal.words import signs_for


@dataclass(kw_only=True)
class There:
    """What is asked of a server. With `cancels`, a run is begun there, which Ctrl-C cancels; `given`: with an input."""

    url: str
    headers: Mapping[str, str]
    cancels: bool = False
    given: bool = False
    after: int = 0


async def rejected(there: There, http: Http, error: RunRejected) -> click.ClickException:
    """What to say where the server refuses: what it says itself, and what would help.

    A refusal repeats what others wrote, answers of other people too, so nothing in it is left that a terminal obeys.
    """
    return WrongUse(signs_for("utf-8").clean(await _refused(there, http, error.problem)))


async def _refused(there: There, http: Http, problem: Problem) -> str:
    said = ended(clean(problem.sentence))
    if problem.status == HTTPStatus.OK:
        return f"{there.url} is no address of a narrate server. {said}"
    listed = await listed_at(http, there.url, there.headers)
    if (
        listed
        and not there.cancels
        and problem.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
        and not _is_of_run(there.url)
    ):
        return _no_run(there.url, listed)
    if problem.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return f"{there.url}: {said}{_instead(there, listed)}"
    here = httpx.URL(there.url).path
    schema: Mapping[str, Any] | None = next((one.input for one in listed if one.path == here), {})
    if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return refusal(problem, schema)
    if problem.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE and not there.given:
        return missing(schema)
    return f"{there.url} refused ({problem.status}): {said}"


def _instead(there: There, listed: Sequence[Listed]) -> str:
    """What else to ask, where there is nothing at an address."""
    here = httpx.URL(there.url)
    if not listed:
        return " No narrate server says there what it has: is the address right?"
    if there.cancels and here.path.startswith("/runs/"):
        return f" It is a run's address: `narrate follow {there.url}` tells its story."
    return f" The pipelines there are at:{_addresses(here, listed)}" if there.cancels else ""


def _no_run(url: str, listed: Sequence[Listed]) -> str:
    """What to say of an address, where a run's is needed."""
    here = httpx.URL(url)
    if here.path.removesuffix("/events") in [one.path for one in listed]:
        return f"{url} is a pipeline's address: start a run with `narrate post {url}`."
    return (
        f"{url} is no run's address, as {here.join('/runs/ID')} is. `narrate post` starts a run and says its address; "
        f"the pipelines there are at:{_addresses(here, listed)}"
    )


def _is_of_run(url: str) -> bool:
    return "/runs/" in httpx.URL(url).path


def _addresses(here: httpx.URL, listed: Sequence[Listed]) -> str:
    return "".join(f"\n  {here.join(one.path)}" for one in listed)


def ended(sentence: str) -> str:
    """A sentence with its full stop: titles of problems have none."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
