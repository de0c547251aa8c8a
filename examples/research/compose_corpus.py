"""Composes fixtures/corpus.json, the recorded answers of the made-up library, from the sources in sources.toml.

$ .venv/bin/python examples/research/compose_corpus.py
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from library import CORPUS, MADE_UP
from narrate.cassette import Cassette, Chunk, Exchange, HttpFailure, HttpRequest, HttpResponse, dump
from planning import KIN, stem, words

SOURCES = Path(__file__).parent / "sources.toml"
ABOUT = "A made-up library of 36 sources about what bridges do in the wind and under feet, wheels and rain."
CATALOGUE_TAKES = 1.5
TIME_LIMIT = 30.0
JSON: dict[str, str | tuple[str, ...]] = {"content-type": "application/json"}


def composed(shelves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Cassette:
    """The library's answers: the catalogue of each shelf, and then its sources."""
    exchanges: list[Exchange] = []
    for shelf, sources in shelves.items():
        listed = HttpResponse(
            status=200, headers=JSON, after=CATALOGUE_TAKES, json=[_entry(source) for source in sources]
        )
        exchanges.append(Exchange(request=_get(f"/shelves/{shelf}"), response=listed))
        exchanges += [exchange for source in sources for exchange in _exchanges(source)]
    return Cassette(origin="composed", about=ABOUT, at="2026-11-20T09:00:00+00:00", exchanges=tuple(exchanges))


def _exchanges(source: Mapping[str, Any]) -> Sequence[Exchange]:
    """What happens when this source is asked for, once or twice."""
    request, takes = _get(f"/sources/{source['id']}"), source["takes"]
    match source:
        case {"fails": "ReadTimeout"}:
            return [Exchange(request=request, error=HttpFailure(kind="ReadTimeout", after=TIME_LIMIT))]
        case {"fails": status}:
            return [Exchange(request=request, response=HttpResponse(status=int(status), after=takes))]
    given = Exchange(request=request, response=_given(source, takes))
    if "busy" not in source:
        return [given]
    busy = HttpResponse(status=503, headers={"retry-after": str(source["busy"])}, after=1.0)
    return [Exchange(request=request, response=busy), given]


def _given(source: Mapping[str, Any], takes: float) -> HttpResponse:
    """The source, in as many pieces as it comes in."""
    body = _entry(source) | {"text": source["text"]}
    pieces = source.get("pieces", 1)
    if pieces == 1:
        return HttpResponse(status=200, headers=JSON, after=takes, json=body)
    text = json.dumps(body, ensure_ascii=False)
    size = -(-len(text) // pieces)
    wait = round(takes / pieces, 2)
    chunks = [Chunk(after=wait, text=text[at : at + size]) for at in range(0, len(text), size)]
    return HttpResponse(status=200, headers=JSON, chunks=tuple(chunks))


def _entry(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source as the catalogue has it: what it is about are the matters that its words belong to."""
    there = {stem(word) for word in words(f"{source['title']} {source['text']}")}
    about = [kin[0] for kin in KIN if there & {stem(word) for word in kin}]
    return {"id": source["id"], "title": source["title"], "year": source["year"], "about": about}


def _get(path: str) -> HttpRequest:
    return HttpRequest(method="GET", url=f"{MADE_UP}{path}")


if __name__ == "__main__":
    CORPUS.parent.mkdir(exist_ok=True)
    CORPUS.write_text(dump(composed(tomllib.loads(SOURCES.read_text(encoding="utf-8")))), encoding="utf-8")
