"""The numbers of a server, read as Prometheus reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
import trio
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from narrate import Pipeline, each, start, step
from narrate.errors import Problem
from narrate.events import (
    Event,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    StepFailed,
    StepFinished,
    StepStarted,
)
from narrate.server.metrics import Metrics, Present
from tests.serving import served

ENDS = {
    "finished": RunFinished("All.", 2.0, t=2),
    "failed": RunFailedEvent(Problem(title="It broke", status=500), 2.0, t=2),
    "cancelled": RunCancelledEvent("Enough.", 2.0, t=2),
}


def record(*facts: Event) -> Sequence[Event]:
    return [msgspec.structs.replace(fact, n=n) for n, fact in enumerate(facts, 1)]


def numbers(metrics: Metrics) -> Mapping[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels in the order of their names."""
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain; version=")
    return sampled(body.decode())


def sampled(text: str) -> Mapping[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for one in samples}


def made(present: Present = Present()) -> Metrics:  # noqa: B008 (it is frozen)
    return Metrics(["trip", "deploy"], lambda: present)


def test_before_anything_happened_every_number_of_every_pipeline_is_there_and_nought():
    told = numbers(made())
    assert told["narrate_runs_under_way", "trip"] == told["narrate_open_streams",] == 0
    assert told["narrate_runs_total", "deploy", "failed"] == told["narrate_events_total", "deploy"] == 0
    assert told["narrate_webhook_tries_total", "dead"] == 0


def test_what_is_so_now_is_looked_up_when_it_is_asked_for():
    present = [Present(runs={"trip": 2}, streams=7, tries={"delivered": 3, "due": 1}), Present(runs={"deploy": 1})]
    metrics = Metrics(["trip", "deploy"], lambda: present.pop(0))
    first, second = numbers(metrics), numbers(metrics)
    assert (first["narrate_runs_under_way", "trip"], first["narrate_open_streams",]) == (2, 7)
    assert (first["narrate_webhook_tries_total", "delivered"], first["narrate_webhook_tries_total", "due"]) == (3, 1)
    assert (second["narrate_runs_under_way", "trip"], second["narrate_runs_under_way", "deploy"]) == (0, 1)


@pytest.mark.parametrize("state", ENDS)
def test_a_run_counts_by_how_it_ended_with_all_its_events(state):
    metrics = made()
    metrics.ended("trip", record(StepStarted("a", "A", t=1), StepFinished("a", 0.5, t=1), ENDS[state]))
    told = numbers(metrics)
    assert told["narrate_runs_total", "trip", state] == 1
    assert sum(told["narrate_runs_total", "trip", other] for other in ENDS) == 1
    assert told["narrate_events_total", "trip"] == 3


@pytest.mark.parametrize("told", [[], [StepStarted("a", "A", t=1), StepFinished("a", 0.5, t=1)]])
def test_a_run_that_was_left_to_another_process_does_not_count(told):
    metrics = made()
    before = numbers(metrics)
    metrics.ended("trip", record(*told))
    assert numbers(metrics) == before


def test_the_seconds_of_a_step_are_counted_where_it_gave_its_value():
    metrics = made()
    failed = StepFailed("b", Problem(title="It broke", status=500), t=9)
    metrics.ended("trip", record(StepFinished("a", 0.2, t=1), failed, ENDS["failed"]))
    told = numbers(metrics)
    assert (told["narrate_step_seconds_count", "trip", "a"], told["narrate_step_seconds_sum", "trip", "a"]) == (1, 0.2)
    assert told["narrate_step_seconds_bucket", "0.1", "trip", "a"] == 0
    assert told["narrate_step_seconds_bucket", "0.25", "trip", "a"] == 1
    assert ("narrate_step_seconds_count", "trip", "b") not in told


def test_items_are_counted_together_however_many_and_however_deep_they_are():
    metrics = made()
    items = [StepFinished(path, 0.1, t=1) for path in ("in/a/1", "in/a/2", "in/a/2.1", "in/a/1/1")]
    metrics.ended("trip", record(*items, StepFinished("in/a", 1.0, t=1), ENDS["finished"]))
    told = numbers(metrics)
    counted = {labels[2]: value for labels, value in told.items() if labels[0] == "narrate_step_seconds_count"}
    assert counted == {"in/a/*": 4, "in/a": 1}


def test_two_services_in_one_process_count_apart_and_nothing_is_put_where_all_would_see_it():
    one, other = made(), made()
    one.ended("trip", record(ENDS["finished"]))
    assert numbers(other)["narrate_runs_total", "trip", "finished"] == 0
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("narrate")]


async def test_the_record_of_a_real_run_is_counted(autojump_clock):
    @step("Doubling")
    async def doubled() -> list[int]:
        async def double(number: int) -> int:
            return 2 * number

        return await each([1, 2, 3], double, label=str)

    pipeline = Pipeline("doubling", doubled)
    metrics = Metrics(["doubling"], Present)
    async with start(pipeline) as running:
        told: list[Any] = [event async for event in running.events()]
    metrics.ended("doubling", told)
    counted = numbers(metrics)
    assert counted["narrate_events_total", "doubling"] == len(told) == told[-1].n
    assert counted["narrate_step_seconds_count", "doubling", "doubled/*"] == 3


async def test_a_server_tells_of_the_runs_it_has_served_and_of_its_open_streams():
    go_on = trio.Event()

    @step("Waiting")
    async def waiting() -> str:
        await go_on.wait()
        return "Done."

    async with served(Pipeline("story", waiting)) as server, await server.asked() as wire:
        await wire.until_started()
        during = sampled((await server.client.get("/metrics")).text)
        go_on.set()
        await wire.until("run.finished")
        after = sampled((await server.client.get("/metrics")).text)
    assert (during["narrate_runs_under_way", "story"], during["narrate_open_streams",]) == (1, 1)
    assert (after["narrate_runs_under_way", "story"], after["narrate_runs_total", "story", "finished"]) == (0, 1)
    assert (after["narrate_events_total", "story"], after["narrate_step_seconds_count", "story", "waiting"]) == (4, 1)
