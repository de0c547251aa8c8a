"""The examples that are single files: what the smallest says, three things at once, and an app of one's own."""

import gzip
import hashlib
import os
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner

from narrate import targets
from narrate.cli.commands import narrate
from narrate.testing import narrated, same_in_every_schedule
from tests.examples.found import EXAMPLES, ROOT
from tests.serving import served

HELLO, PARALLEL, IN_YOUR_APP = (str(EXAMPLES / f"{name}.py") for name in ("hello", "parallel", "in_your_app"))

(greeting,) = targets.load(HELLO)
(parallel,) = targets.load(PARALLEL)
README = (ROOT / "README.md").read_bytes()


@pytest.fixture(scope="module")
def own_app():
    """Where `python examples/in_your_app.py` answers."""
    process = subprocess.Popen(
        [sys.executable, IN_YOUR_APP],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PORT": "0", "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    line = next(line for line in process.stderr if "Running on http://127.0.0.1:" in line)
    yield line.split("Running on ")[1].split()[0]
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("given", "said"), [([], "Hello, world!"), (["name=Ada"], "Hello, Ada!")])
def test_the_smallest_says_hello_to_whom_one_names(given, said):
    told = CliRunner().invoke(narrate, ["run", HELLO, *given, "--plain"])

    assert told.exit_code == 0
    assert f"• Saying hello…\n  {said}\n" in told.stdout


async def test_the_smallest_is_served():
    async with served(greeting) as server:
        named = await server.client.post("/hello", json={"name": "Ada"}, headers={"Accept": "text/plain"})
        wrong = await server.client.post("/hello", json={"name": 1})

    assert "  Hello, Ada!\n" in named.text
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "name")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("name=", "name: String should have at least 1 character"), ("nam=x", "nam: Extra inputs are not permitted")],
)
def test_the_smallest_greets_nobody_whom_one_has_not_named(given, sentence):
    told = CliRunner().invoke(narrate, ["run", HELLO, given, "--plain"])

    assert (told.exit_code, told.stdout) == (2, "")
    assert sentence in told.stderr


def test_three_things_are_done_with_the_projects_readme():
    story = narrated(parallel)

    assert story.result["digest"] == hashlib.sha256(README).hexdigest()
    assert story.result["words"] == len(README.decode().split())
    assert 0 < story.result["compressed"] <= len(gzip.compress(README))
    assert f"It shrinks from {len(README):,} bytes to {story.result['compressed']:,}." in story.lines_of("compressed")


def test_three_things_are_told_in_the_order_they_are_declared_in():
    story = same_in_every_schedule(parallel, schedules=10)

    assert [event.step for event in story.events if event.type == "step.finished"] == ["compressed", "words", "digest"]


def test_an_app_of_ones_own_keeps_its_pages_beside_the_pipelines(own_app):
    front, page = httpx.get(own_app), httpx.get(f"{own_app}/told/")
    counted = httpx.post(f"{own_app}/told/words", json={"text": "one two three"}, headers={"Accept": "text/plain"})

    assert '<a href="/told/">' in front.text
    assert (page.status_code, page.headers["content-type"].startswith("text/html")) == (200, True)
    assert "• Counting the words…\n  There are 3.\n" in counted.text


def test_an_app_of_ones_own_finds_no_words_where_there_are_none(own_app):
    counted = httpx.post(f"{own_app}/told/words", json={"text": " "}, headers={"Accept": "text/plain"})

    assert "  There are none.\n" in counted.text


def test_in_an_app_of_ones_own_a_run_is_a_job_too_and_links_to_itself(own_app):
    headers = {"Prefer": "respond-async, wait=5"}
    begun = httpx.post(f"{own_app}/told/words", json={"text": "one"}, headers=headers)
    listed = httpx.get(f"{own_app}/told/pipelines").json()
    told = httpx.get(f"{own_app}/told/runs/{begun.headers['narrate-run']}/events", headers={"Accept": "text/plain"})

    assert [one["path"] for one in listed] == ["/told/words"]
    assert "  There is 1.\n" in told.text
