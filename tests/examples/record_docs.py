"""Records the cassette of the document assistant: `python -m tests.examples.record_docs` writes it anew.

What is recorded is real, over HTTP, with the time that each piece took; who answers is the tests' own provider.
"""

from collections.abc import Sequence
from pathlib import Path

import httpx
import trio

from narrate import run
from narrate.cassette import dump
from narrate.transport import RecordTransport
from tests.examples.assistant import HUMS, docs, settings
from tests.examples.upstream import Talk, upstream

CASSETTE = Path(__file__).parent / "cassettes" / "docs.json"
ABOUT = "Recorded from the provider in the tests, over HTTP on one machine; no service was asked."

AT = "2026-11-21T12:00:00+00:00"
PORT = 18434
URL = f"http://127.0.0.1:{PORT}/v1"

PIECES: Sequence[tuple[float, str]] = (
    (0.31, "It"),
    (0.02, " hums"),
    (0.02, " because"),
    (0.0, " there is"),
    (0.4, " lime on its floor."),
    (0.02, " [1]"),
)
"""Seconds of silence, and what came after them: a pause before the first, another in the middle."""


async def spoken(talk: Talk) -> None:
    """The answer as somebody writes it who stops to think."""
    await talk.begin()
    for seconds, piece in PIECES:
        await trio.sleep(seconds)
        await talk.say(piece)
    await talk.finish()


async def main() -> None:
    """Ask the provider, and write down what was asked and answered."""
    chosen = settings(model_base_url=URL, model_name="m", model_api_key="K-SECRET-K")
    async with upstream(spoken, port=PORT), httpx.AsyncHTTPTransport() as live:
        transport = RecordTransport(live, about=ABOUT)
        await run(docs, HUMS, transport=transport, settings=chosen)
    CASSETTE.write_text(dump(transport.cassette(AT)), encoding="utf-8")


if __name__ == "__main__":
    trio.run(main)
