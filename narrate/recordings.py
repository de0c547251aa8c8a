"""Recordings in use: what stands in for a pipeline's `transport` and `clock` when it is replayed or recorded.

Apart from the command line because tests replay with exactly the same.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from narrate.cassette import Cassette, Exchange, dump, load_world
from narrate.clock import Clock
from narrate.errors import CassetteError
from narrate.pipeline import Pipeline
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
    cassette = transport.cassette(datetime.now(UTC).isoformat(timespec="seconds"))
    by_host: dict[str, list[Exchange]] = {}
    for exchange in cassette.exchanges:
        by_host.setdefault(urlsplit(exchange.request.url).hostname or "unknown", []).append(exchange)
    to.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for host, exchanges in by_host.items():
        files.append(to / f"{host}.json")
        files[-1].write_text(dump(msgspec.structs.replace(cassette, exchanges=tuple(exchanges))), encoding="utf-8")
    return files
