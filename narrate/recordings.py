"""Recordings in use: what stands in for a pipeline's `transport` and `clock` when it is replayed or recorded.

Apart from the command line because tests replay with exactly the same.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec

from narrate.capture import request_kept
from narrate.cassette import Cassette, Exchange, RequestKey, dump, load_world
from narrate.clock import Clock
from narrate.errors import CassetteError, DeclarationError
from narrate.pipeline import Pipeline
from narrate.scrub import Scrub
from narrate.transport import RecordTransport, ReplayTransport
from narrate.verbs import current_run


def find(name: str, beside: Path) -> Path:
    """The file or folder of a recording: a path, or a name in the `fixtures` folder beside a pipeline.

    Raises CassetteError when there is neither.
    """
    fixtures = beside / "fixtures"
    for path in (Path(name), fixtures / name, fixtures / f"{name}.json"):
        if path.exists():
            return path
    there = sorted(
        path.name.removesuffix(".json")
        for path in fixtures.glob("[!_.]*")
        if path.suffix == ".json" or any(path.glob("*.json"))
    )
    known = f" In {fixtures} there are: {', '.join(there)}." if there else ""
    raise CassetteError(name, f"there is no such recording.{known}")


def world(paths: Sequence[Path]) -> Cassette:
    """The recordings at these paths, each lying over those before it. Raises CassetteError."""
    return reduce(Cassette.overlaid, [load_world(path) for path in paths])


def stand_ins(recording: Cassette, pipelines: Iterable[Pipeline], *, pace: float = 1.0) -> dict[str, Any]:
    """What stands in for the pipelines' resources `transport` and `clock`, where they have them.

    Each run hears the whole recording from its beginning. Its waits are `pace` times as long as recorded.
    """
    replay = ReplayTransport(recording, pace=pace, scope=current_run)
    both = {"transport": replay, "clock": Clock(datetime.fromisoformat(recording.at))}
    names = {resource.name for pipeline in pipelines for resource, _ in pipeline.resources}
    return {name: value for name, value in both.items() if name in names}


def note_of(recording: Cassette) -> str:
    """What a story says first when it is a replay."""
    day = datetime.fromisoformat(recording.at)
    return (
        f"This is a replay of {recording.origin} answers: no live service is asked, "
        f"and today is {day:%A} {day.day} {day:%B %Y}."
    )


def save(transport: RecordTransport, to: Path) -> list[Path]:
    """Write what was recorded, one file an upstream host, into a folder; gives back the files."""
    return write(transport.cassette(_now()), to)


def write(recording: Cassette, to: Path) -> list[Path]:
    """Write a recording, one file an upstream host, into a folder; gives back the files."""
    by_host: dict[str, list[Exchange]] = {}
    for exchange in recording.exchanges:
        by_host.setdefault(urlsplit(exchange.request.url).hostname or "unknown", []).append(exchange)
    to.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for host, exchanges in by_host.items():
        files.append(to / f"{host}.json")
        files[-1].write_text(dump(msgspec.structs.replace(recording, exchanges=tuple(exchanges))), encoding="utf-8")
    return files


class Tape(Protocol):
    """Where the requests of a run go in a test: to a recording, or to the services themselves to be recorded."""

    @property
    def live(self) -> bool:
        """Whether the services themselves are asked, so that time must be real."""
        ...

    def stand_ins(self, pipeline: Pipeline, pace: float = 1.0) -> AbstractAsyncContextManager[dict[str, Any]]:
        """What stands in for the pipeline's resources for one run. Raises DeclarationError where nothing can."""
        ...


class ReplayTape:
    """A recording that runs are given as all there is of the network. It knows what nobody has asked for."""

    live = False

    def __init__(self, recording: Cassette) -> None:
        self.recording = recording
        self._asked: set[RequestKey] = set()

    @property
    def unasked(self) -> Sequence[str]:
        """The requests that are in the recording and have not been made."""
        requests = [exchange.request for exchange in self.recording.exchanges]
        return tuple(dict.fromkeys(str(request) for request in requests if request.key not in self._asked))

    @asynccontextmanager
    async def stand_ins(self, pipeline: Pipeline, pace: float = 1.0) -> AsyncIterator[dict[str, Any]]:
        both = stand_ins(self.recording, [pipeline], pace=pace)
        if "transport" not in both:
            raise _no_transport(pipeline)
        yield both | {"transport": _Noting(both["transport"], self._asked)}


class RecordTape:
    """Runs that ask the services themselves, and what those answer, written down when all have ended."""

    live = True

    def __init__(self, about: str) -> None:
        self._about = about
        self._exchanges: list[Exchange] = []

    @property
    def recording(self) -> Cassette:
        """What has been asked and answered in the runs that have ended, without any secret."""
        return Cassette(origin="recorded", about=self._about, at=_now(), exchanges=tuple(self._exchanges))

    @asynccontextmanager
    async def stand_ins(self, pipeline: Pipeline, pace: float = 1.0) -> AsyncIterator[dict[str, Any]]:  # noqa: ARG002 (the services have their own)
        if "transport" not in {resource.name for resource, _ in pipeline.resources}:
            raise _no_transport(pipeline)
        async with httpx.AsyncHTTPTransport() as live:
            recording = RecordTransport(live, about=self._about)
            try:
                yield {"transport": recording}
            finally:
                self._exchanges += recording.cassette(_now()).exchanges


class _Noting(httpx.AsyncBaseTransport):
    """Passes requests on, and notes what was asked."""

    def __init__(self, inner: httpx.AsyncBaseTransport, asked: set[RequestKey]) -> None:
        self._inner = inner
        self._asked = asked

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        scrub = Scrub().learning(str(request.url), request.headers.multi_items())
        kind = request.headers.get("content-type", "")
        self._asked.add(request_kept(scrub, request.method, str(request.url), kind, request.content).key)
        return await self._inner.handle_async_request(request)


def _no_transport(pipeline: Pipeline) -> DeclarationError:
    return DeclarationError(
        f"Pipeline `{pipeline.name}` has no resource `transport`, so no recording can stand in for the network. "
        "Give its HTTP clients the `transport` of narrate.transport.",
        where=pipeline.where,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
