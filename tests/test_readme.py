"""What the README shows is what happens."""

import re
import runpy
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
import trio

from narrate import Pipeline, recordings, start, step
from narrate.server import Options
from narrate.wire.text import TextForm
from pipelines.travel_escape import travel_escape
from tests.serving import served

ROOT = Path(__file__).parent.parent
TRAVEL = ROOT / "pipelines" / "travel_escape"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_pipeline_shown_is_the_example():
    example = (ROOT / "examples" / "coffee.py").read_text(encoding="utf-8")

    assert blocks("python")[0] in example


async def test_the_story_shown_is_the_one_told(autojump_clock):
    shown = next(block for block in blocks("console") if "/coffee" in block).split("/coffee\n")[1]
    coffee = runpy.run_path(str(ROOT / "examples" / "coffee.py"))["coffee"]

    async with start(coffee) as running:
        form = TextForm()
        told = "".join([form.story([event]) async for event in running.events()])

    assert told == shown


def test_every_make_target_named_exists():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"`?make (\w+)", README)) <= set(targets)


def test_every_file_and_folder_named_exists():
    named = re.findall(r"^((?:narrate|pipelines|examples)/[\w/-]*(?:\.\w+)?)", README, re.MULTILINE)

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def curls():
    """The curl commands of the README's answers, each on one line."""
    answers = README.split("## One declaration, five answers")[1].split("\n## ")[0]
    console = "\n".join(re.findall(r"```console\n(.*?)```", answers, re.DOTALL)).replace("\\\n", "")
    commands = [line.removeprefix("$ ") for line in console.splitlines() if line.startswith("$ curl")]
    return [command for command in commands if "callback=" not in command]


def asked(command, url, run_id):
    """What bash prints for a command of the README: the HTTP status, and the answer before it."""
    command = command.replace("http://127.0.0.1:8000", url).replace("RUN", run_id)
    done = subprocess.run(
        ["bash", "-c", f"{command} -s -w '\n%{{http_code}}'"], capture_output=True, text=True, timeout=60, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@step("Repeating")
async def repeat(question: dict) -> str:
    return question["q"]


toy = Pipeline("toy", repeat, takes=dict, path="/assist")


@pytest.mark.parametrize(
    ("pipeline", "rest"),
    [
        pytest.param(toy, 204, id="a toy, which has told all by event 12"),
        pytest.param(travel_escape, 200, id="travel, which has not"),
    ],
)
async def test_every_curl_of_the_answers_works_as_it_is_written(pipeline, rest):
    options = Options(webhook_secrets=(f"whsec_{b64encode(bytes(32)).decode()}",), grace=0)
    world = recordings.world([recordings.find("valencia", TRAVEL)])
    replayed = recordings.stand_ins(world, [pipeline], pace=0)
    async with served(pipeline, options=options, resources=replayed) as server:
        began = await server.client.post("/assist", json={"q": "warm"}, headers={"Accept": "application/json"})
        run_id = began.headers["narrate-run"]
        answers = [await trio.to_thread.run_sync(asked, one, server.url, run_id) for one in curls()]

    assert [status for status, _ in answers] == [200, 200, rest, rest, 202, 200, 200]
