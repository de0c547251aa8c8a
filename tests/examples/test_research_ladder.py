"""The research over HTTP: a stream that becomes a job, which is polled politely and tells its end to a webhook."""

import base64
import re
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

import httpx
import pytest

from examples.webhook_receiver import create_receiver
from narrate import targets
from narrate.server import Options
from narrate.server.callbacks import CallbackPolicy
from poll_politely import advance, done_in, ended, line_of, main
from receive_reports import text_of, write_report
from tests.examples.found import ROOT, target
from tests.receiving import hosted
from tests.serving import served, until

(research,) = targets.load(target("research"))

HUM = {"question": "Why do bridges hum?"}
SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()
LOOKED_FOR_WEBHOOKS = 1.0
"""Seconds after which the server looks again which webhooks are due."""


async def jumped(clock, seconds):
    """Move the clock by as long as somebody waits, and have everybody else go on."""
    clock.jump(seconds)
    await until(lambda: True)


async def detached_run(server, clock, path="/research"):
    """Begin a research as a stream, and read it until it tells where the run goes on without it."""
    async with await server.asked(path, HUM) as reader:
        await reader.head()
        await reader.until("step.started")
        clock.jump(research.detach_after)
        return await reader.until("detached")


async def test_an_empty_question_is_refused_before_anything_begins():
    async with served(research) as server:
        answer = await server.client.post("/research", json={"question": " "})

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0] == {
        "detail": "question: Ask something: there is no word in it.",
        "field": "question",
    }


async def test_a_stream_becomes_a_job_that_is_polled_to_its_end_and_tells_a_webhook(mock_clock, tmp_path):
    """The whole ladder over real sockets, on a clock that is moved by whoever would have waited."""
    options = Options(grace=0, webhook_secrets=(SECRET,), callbacks=CallbackPolicy(private=True, http=True))
    told, waits, answers = [], [], []

    async def wait(seconds):
        waits.append(seconds)
        await jumped(mock_clock, seconds)

    async def note(answer):
        answers.append(answer.status_code)

    receiver = create_receiver(SECRET, tmp_path / "inbox.db", partial(write_report, folder=tmp_path))
    async with hosted(receiver) as receiving, served(research, options=options) as server:
        detached = await detached_run(server, mock_clock, f"/research?callback={receiving}/webhooks")
        server.client.event_hooks = {"response": [note]}
        state = await ended(server.client, detached["link"], told.append, wait)
        report = tmp_path / f"{state['run']}.md"
        await jumped(mock_clock, LOOKED_FOR_WEBHOOKS)
        await until(report.exists)

    assert state["state"] == "finished"
    assert set(waits) == {2.0}
    assert 10 < len(waits) < 120
    assert answers.count(304) == len(waits) - len(told) > 0
    assert all(one != before for before, one in pairwise(told))
    assert all(one["detached"] for one in told)
    assert report.read_text().startswith("# Why do bridges hum?\n\n## What causes it?\n\n")
    assert state["result"]["sections"][0]["text"] in report.read_text()


async def test_who_polls_is_told_each_advance_once_and_the_time_it_really_took(mock_clock, capsys):
    began = time.time()
    async with served(research) as server:
        detached = await detached_run(server, mock_clock)
        await main(f"{server.url}{detached['link']}", partial(jumped, mock_clock))

    took = time.time() - began  # of which trio's clock, which jumps, knows nothing
    lines = capsys.readouterr().out.partition("It has finished: ")[0].splitlines()
    said = re.compile(r"After (\d+) s, ((\d+) steps?(?: and \d+ of \d+ sources)? (?:is|are) done\.)")
    told = [said.fullmatch(line).groups() for line in lines]
    seconds, words, done = zip(*told, strict=True)
    seconds, done = [*map(int, seconds)], [*map(int, done)]
    assert all(one != before for before, one in pairwise(words))
    read = [int(number) for number in re.findall(r"(\d+) of 35 sources", "".join(words))]
    assert 0 < len(read) == "".join(words).count("sources")
    assert read == sorted(read)
    assert done == sorted(done)
    assert seconds == sorted(seconds)
    assert seconds[-1] <= took + 1


def told_of(*steps, before=()):
    """What is done in a run with these steps, by somebody who heard of those before."""
    far = {}
    for state in (before, steps):
        advance(far, {"steps": state})
    return done_in({"steps": steps}, far)


def test_a_line_tells_the_seconds_since_a_run_began_and_what_is_done():
    done, working = {"step": "plan", "state": "done"}, {"step": "report", "state": "working"}

    assert (
        line_of({"t": 3.5, "began": 1_000.0}, told_of(done, done, working), 1_068.2) == "After 68 s, 2 steps are done."
    )
    assert line_of({"t": 0.5, "began": 1_000.0}, told_of(done), 1_001.0) == "After 1 s, 1 step is done."


def test_how_far_the_steps_are_that_work_is_told_and_that_of_one_that_is_done_not_forgotten():
    causes = {"step": "causes", "state": "working", "progress": {"done": 7, "of": 12, "unit": "sources"}}
    cases = {"step": "cases", "state": "working", "progress": {"done": 3, "of": 11, "unit": "sources"}}
    unknown = {"step": "writing", "state": "working", "progress": {"done": 3, "unit": "words"}}
    over = {"step": "causes", "state": "done"}

    assert told_of(causes, cases, unknown) == "0 steps and 10 of 23 sources are done"
    assert told_of(over, cases, before=(causes, cases)) == "1 step and 15 of 23 sources are done"


@pytest.mark.parametrize(
    ("program", "given", "sentence"),
    [
        (
            "research/poll_politely.py",
            [],
            "Say which run to ask about: poll_politely.py http://127.0.0.1:8000/runs/RUN.",
        ),
        ("research/poll_politely.py", ["http://127.0.0.1:1/runs/x"], "Nobody answers at http://127.0.0.1:1/runs/x: "),
        ("research/poll_politely.py", ["runs/x"], "Nobody answers at runs/x: "),
        (
            "research/receive_reports.py",
            [],
            "Set WEBHOOK_SECRET to the secret that the server signs its webhooks with.",
        ),
        ("webhook_receiver.py", [], "Set WEBHOOK_SECRET to the secret that the server signs its webhooks with."),
    ],
    ids=["no run", "no server", "no address", "no secret", "no secret of one's own"],
)
def test_a_program_that_cannot_begin_says_so_in_a_sentence(program, given, sentence, monkeypatch):
    monkeypatch.delenv("WEBHOOK_SECRET", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of all checkouts there are, this one
    command = [sys.executable, str(ROOT / "examples" / program), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith(sentence)


async def test_a_research_whose_reader_leaves_before_that_goes_on_as_long_as_it_takes(mock_clock):
    async with served(research) as server:
        async with await server.asked("/research", HUM) as reader:
            _, headers = await reader.head()
            await reader.until("step.started")
        await until(lambda: not len(server.service.streams))
        for _ in range(30):
            await jumped(mock_clock, 0.5)
        run = f"/runs/{headers['narrate-run']}"
        early = (await server.client.get(run)).json()
        state = await ended(server.client, run, lambda _: None, partial(jumped, mock_clock))

    assert (early["state"], early.get("detached")) == ("working", False)
    assert state["state"] == "finished"


async def test_the_end_of_a_run_that_failed_is_written_down_too(tmp_path):
    options = Options(grace=0, webhook_secrets=(SECRET,), callbacks=CallbackPolicy(private=True, http=True))
    received = []

    async def keep(told):
        received.append(text_of(told))

    receiver = create_receiver(SECRET, tmp_path / "inbox.db", keep)
    async with hosted(receiver) as receiving, served(research, options=options) as server:
        answer = await server.client.post(
            f"/research?callback={receiving}/webhooks", json={"question": "Why?"}, headers={"Prefer": "respond-async"}
        )
        await until(lambda: received != [])

    assert answer.status_code == 202
    assert received[0].startswith("# There is no report here\n\nThere are only small words in the question.")


async def test_who_polls_a_run_that_is_not_there_is_told_so():
    async with served(research) as server:
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            await ended(server.client, "/runs/none", print)


async def test_the_program_that_polls_says_in_a_sentence_that_a_run_is_not_there(capsys):
    async with served(research) as server:
        with pytest.raises(SystemExit) as left:
            await main(f"{server.url}/runs/none")

    assert left.value.code == 2
    assert capsys.readouterr().err == f"There is no run to ask about at {server.url}/runs/none (HTTP status 404).\n"
