"""What the steps of each pipeline took in its last runs, in a table of its own, since it outlives those runs.

Apart from `rows`, because nothing here may be in the way: a run that begins or ends without it does so all the same.
What is usual is kept beside what was measured, so that a run that begins has nothing to reckon.
"""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from narrate.usual import Usual, measured, usual

log = logging.getLogger("narrate")

T = TypeVar("T")

_measured: msgspec.json.Decoder[dict[str, Sequence[float]]] = msgspec.json.Decoder(dict[str, list[float]])
_usual = msgspec.json.Decoder(dict[str, float])


def measure(db: sqlite3.Connection, pipeline: str, took: Mapping[str, float | None]) -> None:
    """Within a transaction, keep what the steps of one more run took."""
    try:
        found = db.execute("SELECT seconds FROM measured WHERE pipeline = ?", (pipeline,)).fetchone()
        seconds = measured(_read(_measured, pipeline, found), took)
        db.execute(
            """INSERT INTO measured VALUES (?, ?, ?)
            ON CONFLICT (pipeline) DO UPDATE SET seconds = excluded.seconds, usual = excluded.usual""",
            (pipeline, msgspec.json.encode(seconds), msgspec.json.encode(usual(seconds))),
        )
    except sqlite3.Error as error:
        _go_on_without(db, pipeline, error)


def usual_seconds(db: sqlite3.Connection, pipeline: str) -> Usual:
    """What the steps of a pipeline usually take. Outside a transaction it raises what SQLite raises."""
    try:
        found = db.execute("SELECT usual FROM measured WHERE pipeline = ?", (pipeline,)).fetchone()
    except sqlite3.Error as error:
        _go_on_without(db, pipeline, error)
        return {}
    return _read(_usual, pipeline, found)


def _read(decoder: msgspec.json.Decoder[dict[str, T]], pipeline: str, found: tuple[bytes] | None) -> dict[str, T]:
    """What was found; nothing where that is damaged, which the next run writes over."""
    try:
        return decoder.decode(found[0]) if found is not None else {}
    except (msgspec.MsgspecError, ValueError, TypeError):
        log.exception("What the steps of %s usually take cannot be read.", pipeline)
        return {}


def _go_on_without(db: sqlite3.Connection, pipeline: str, error: sqlite3.Error) -> None:
    """Let the transaction go on that what is usual is only a part of; raise where SQLite has given all of it up."""
    if not db.in_transaction:
        raise error
    log.error("What the steps of %s usually take is not known: %s.", pipeline, error)
