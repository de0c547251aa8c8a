"""Resources: opened once for whoever needs them, stood in for by name, closed in reverse whatever happens."""

from collections.abc import AsyncIterator

import pytest

from narrate import DeclarationError, Pipeline, resource, run, step
from narrate.narrator import open_narrator


def opening(log):
    """A client that needs a config, and a counter; both say when they open and close."""

    @resource
    async def config() -> AsyncIterator[str]:
        log.append("+config")
        try:
            yield "conf"
        finally:
            log.append("-config")

    @resource
    async def client(config: str) -> AsyncIterator[str]:
        log.append("+client")
        try:
            yield f"client of {config}"
        finally:
            log.append("-client")

    @resource
    async def unused():
        raise AssertionError
        yield

    @step("A")
    async def use(client: str) -> str:
        return client

    return Pipeline("p", use, resources=[client, config, unused])


async def test_what_steps_need_is_opened_once_for_many_runs_and_closed_in_reverse():
    log = []
    pipeline = opening(log)

    async with open_narrator([pipeline, pipeline]) as narrator:
        results = [await (await narrator.begin(pipeline)).result() for _ in range(3)]
        opened = list(log)

    assert results == ["client of conf"] * 3
    assert (opened, log) == (["+config", "+client"], ["+config", "+client", "-client", "-config"])


async def test_resources_are_closed_after_an_error_too():
    log = []

    with pytest.raises(KeyError):
        async with open_narrator([opening(log)]):
            raise KeyError

    assert log == ["+config", "+client", "-client", "-config"]


async def test_a_resource_that_does_not_open_closes_those_before_it():
    log = []

    @resource
    async def broken(client):
        raise OSError("no route")
        yield

    @step("A")
    async def use(broken): ...

    inner = opening(log)
    pipeline = Pipeline("q", use, resources=[broken, *(one for one, _ in inner.resources)])

    with pytest.raises(OSError, match="no route"):
        await run(pipeline)
    assert log == ["+config", "+client", "-client", "-config"]


async def test_what_stands_in_for_a_resource_is_used_and_nothing_is_opened_for_it():
    log = []

    assert await run(opening(log), client="fake") == "fake"
    assert log == []


async def test_what_a_resource_needs_may_be_stood_in_for():
    log = []

    assert await run(opening(log), config="other") == "client of other"
    assert log == ["+client", "-client"]


async def test_a_stand_in_for_no_resource_is_refused_with_a_near_one():
    with pytest.raises(DeclarationError, match=r"No pipeline here has a resource `clent` \(did you mean `client`\?\)"):
        await run(opening([]), clent="fake")
