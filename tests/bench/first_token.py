"""How long the first word of a model's answer takes to a reader, beside the same word heard from the model itself.

The model says as its word when it sent it, by the clock that all processes of a machine share. So the whole wait is
known, and of it what lies between the model and the reader: the client, the relay, the record, the server.
"""

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic_ns

from tests.bench.client import AT_ONCE, post, read_all
from tests.bench.process import serving
from tests.bench.rounds import take_turns
from tests.bench.table import Row, Section, milliseconds

THINKING = 0.2
"""Seconds until the model begins: a quick one."""

WITHIN = 1.1
"""Of the wait for the model by itself, what the wait for its first word comes to when it is relayed."""

DOCUMENT = "# The kettle\n\nA kettle that hums has lime on its floor.\n"

WORD = re.compile(rb'"(?:text|content)": ?"(\d{6,})"')


def first_word(port: int, path: str, body: bytes) -> tuple[float, float]:
    """Seconds from connecting to the model's first word, and from its sending to its being heard."""
    began = monotonic_ns()
    connection = post(port, path, body)
    heard = b""
    while (word := WORD.search(heard)) is None:
        piece = connection.recv(AT_ONCE)
        assert piece, f"the stream ended before its first word: {heard!r}"
        heard += piece
    now = monotonic_ns()
    read_all(connection, heard)
    return (now - began) / 1e9, (now - int(word[1])) / 1e9


def first_token_section(connections: int, thinking: float = THINKING) -> Section:
    """The medians of some questions, each on a connection of its own."""
    sent: dict[str, list[float]] = {"relayed": [], "direct": []}
    with TemporaryDirectory() as folder, serving("tests.bench.serve_model", thinking) as model:
        Path(folder, "kettle.md").write_text(DOCUMENT, encoding="utf-8")
        with serving("tests.bench.serve_docs", model.port, folder) as docs:
            asked: Mapping[str, tuple[int, str, dict[str, str]]] = {
                "relayed": (docs.port, "/ask", {"question": "Why does it hum?", "folder": folder}),
                "direct": (model.port, "/v1/chat/completions", {"model": "m"}),
            }

            def waited(way: str) -> float:
                port, path, body = asked[way]
                wait, on_its_way = first_word(port, path, json.dumps(body).encode())
                sent[way].append(on_its_way)
                return wait

            measures = {way: partial(waited, way) for way in asked}
            take_turns(max(connections // 10, 1), measures)  # the first of a process pays for what is made once
            for turns in sent.values():
                turns.clear()
            waits = {way: median(turns) for way, turns in take_turns(connections, measures).items()}
    passed_on = {way: median(turns) for way, turns in sent.items()}
    rows = [
        _row(f"question to first word; {thinking * 1e3:.0f} ms of it the model thinks", waits, WITHIN),
        _row("of it, from the model to the reader", passed_on, None),
    ]
    return Section("The first word of a model's answer; beside it: heard from the model itself", rows)


def _row(what: str, seconds: Mapping[str, float], target: float | None) -> Row:
    ours, theirs = seconds["relayed"], seconds["direct"]
    return Row(what, milliseconds(ours), milliseconds(theirs), ours / theirs, target)
