"""13. Serving it, and following it from elsewhere.

`narrate serve` answers for every pipeline in a file. Here it serves this very file, on a free port of this machine.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import trio

from narrate import Pipeline, RunRejected, concurrent, connect, follow, say, step


@step("Heating the water…")
async def water() -> int:
    await trio.sleep(0.2)
    say("It sings.")
    return 94


@step("Grinding the beans…")
async def beans() -> int:
    return 18


@step("Pouring {water} °C over {beans} g…")
async def cup(water: int, beans: int) -> str:
    return f"{water * beans // 100} sips"


coffee = Pipeline("coffee", concurrent(water, beans), cup)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the pipeline on a server that runs meanwhile. It says itself where it answers."""
    command = [sys.executable, "-m", "narrate", "serve", f"{__file__}:coffee", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield next(found.group() for line in server.stdout if (found := re.search(r"http\S+/coffee", line)))
        server.terminate()


async def test_connect_begins_a_run_there_and_reads_it_here(url):
    """The events come as they are told, over the one POST that asked for them."""
    async with connect(url) as run:
        told = [event.type async for event in run.events() if event.n]  # status has no number
        result = await run.result()

    assert result == "16 sips"
    assert told == [
        "run.started",
        *("step.started", "step.started"),
        *("message", "step.finished"),
        "step.finished",
        *("step.started", "step.finished"),
        "run.finished",
    ]


async def test_follow_reads_a_run_that_exists_from_its_beginning(url):
    async with connect(url) as run:
        await run.result()
    async with follow(run.url) as again:
        assert await again.result() == "16 sips"
        assert again.id == run.id


async def test_a_reader_who_leaves_can_come_back_for_the_rest(url):
    """In between nobody reads. How long the run goes on is the pipeline's to say: `linger`, or else ten seconds."""
    first = []
    async with connect(url) as run:
        async for event in run.events():
            first.append(event.n)
            if event.type == "message":
                break

    async with follow(run.url, after=run.last) as again:
        rest = [event.n async for event in again.events() if event.n]

    numbers = [n for n in first if n] + rest
    assert numbers == list(range(1, numbers[-1] + 1))


async def test_input_that_does_not_fit_is_refused_before_anything_begins(url):
    async with connect(url, {"sugar": 2}) as run:
        with pytest.raises(RunRejected) as caught:
            await run.result()

    assert caught.value.problem.status == 422
