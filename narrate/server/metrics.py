"""The numbers of one server for Prometheus: what is so now is looked up when they are asked for, the rest is counted.

Nothing here is on the way of an event: a run's events and steps are counted all at once, when it has ended.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from narrate.events import Event, RunCancelledEvent, RunFailedEvent, RunFinished, StepFinished
from narrate.past import step_of

SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""The bounds between which the seconds of steps are counted: from what nobody notices to what nobody waits for."""

_ENDS: Mapping[type[Event], str] = {RunFinished: "finished", RunFailedEvent: "failed", RunCancelledEvent: "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is so now, and what others count.

    - `runs`: how many are under way, by their pipeline; `streams`: how many are open.
    - `tries`: what came of tries to deliver a webhook, since the server began: `delivered`, `due` again, or `dead`.
    """

    runs: Mapping[str, int] = field(default_factory=dict)
    streams: int = 0
    tries: Mapping[str, int] = field(default_factory=dict)


class Metrics:
    """The numbers of one service, in a registry of its own: two in one process do not mix theirs.

    `pipelines` are the names of those it serves. `present` is asked whenever the numbers are.
    """

    def __init__(self, pipelines: Iterable[str], present: Callable[[], Present]) -> None:
        names = tuple(dict.fromkeys(pipelines))
        registry = self._registry = CollectorRegistry()
        registry.register(_Now(names, present))
        self._runs = Counter("narrate_runs", "Runs that have ended.", ["pipeline", "state"], registry=registry)
        self._events = Counter("narrate_events", "Events told by those runs.", ["pipeline"], registry=registry)
        self._steps = Histogram(
            "narrate_step_seconds",
            "How long each step took to give its value; under `step/*`, each of its items.",
            ["pipeline", "step"],
            buckets=SECONDS,
            registry=registry,
        )
        for name in names:  # from the start, so that the first failure of all is seen as a change
            self._events.labels(name)
            for state in _ENDS.values():
                self._runs.labels(name, state)

    def ended(self, pipeline: str, record: Sequence[Event]) -> None:
        """Count a run by its whole record. One that has no end, because it was left to another process, does not count.

        Takes time in proportion to the record, and as little as a look at each event.
        """
        if not record or (state := _ENDS.get(type(record[-1]))) is None:
            return
        self._runs.labels(pipeline, state).inc()
        self._events.labels(pipeline).inc(record[-1].n)
        for event in record:
            if isinstance(event, StepFinished):
                self._steps.labels(pipeline, _label(event)).observe(event.seconds)

    def render(self) -> tuple[bytes, str]:
        """The numbers in the text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Now(Collector):
    """What is looked up when it is asked for."""

    def __init__(self, pipelines: Sequence[str], present: Callable[[], Present]) -> None:
        self._pipelines = pipelines
        self._present = present

    def collect(self) -> Iterator[Metric]:
        present = self._present()
        runs = GaugeMetricFamily("narrate_runs_under_way", "Runs under way.", labels=["pipeline"])
        for name in self._pipelines:
            runs.add_metric([name], present.runs.get(name, 0))
        yield runs
        yield GaugeMetricFamily("narrate_open_streams", "Streams that are being read.", value=present.streams)
        tries = CounterMetricFamily("narrate_webhook_tries", "Tries to deliver a webhook.", labels=["outcome"])
        for outcome in ("delivered", "due", "dead"):
            tries.add_metric([outcome], present.tries.get(outcome, 0))
        yield tries


def _label(event: StepFinished) -> str:
    """The step's path; of an item, that of its step and `*`, since there may be any number of items."""
    declared = step_of(event)
    return declared if declared == event.step else f"{declared}/*"
