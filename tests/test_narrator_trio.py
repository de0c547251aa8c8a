"""What is said where trio does not run and must, and where it runs already and must not."""

import asyncio

import pytest
import trio

from narrate import Pipeline, run, run_sync, step


@step("Heating")
async def water() -> int:
    return 94


coffee = Pipeline("coffee", water)


def test_under_asyncio_it_is_said_what_to_use():
    with pytest.raises(RuntimeError) as caught:
        asyncio.run(run(coffee))

    assert str(caught.value) == ("narrate runs under trio, which does not run here: use trio.run(…), or run_sync(…).")


async def test_run_sync_under_trio_says_what_to_use():
    with pytest.raises(RuntimeError) as caught:
        run_sync(coffee)

    assert str(caught.value) == "run_sync starts trio, which runs here already: use `await run(…)`."


async def test_run_sync_may_be_called_in_a_thread_of_trio():
    assert await trio.to_thread.run_sync(run_sync, coffee) == 94
