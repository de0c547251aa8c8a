"""A real server, killed at a hundred instants: whoever reads hears all of it once, and no finished step runs again."""

import random
import sqlite3
from collections.abc import Iterator, Sequence

import msgspec
import trio

from narrate import check_record
from narrate.events import Event, StepRetrying, StepStarted, from_json
from narrate.past import step_of
from tests.crashing import Client, Server

KILLS = 100
RUN_TAKES = 0.08


def kept(server: Server) -> set[str]:
    """The steps whose results are in the journal, as it lies there while nobody serves."""
    db = sqlite3.connect(server.journal)
    try:
        return {path for (path,) in db.execute("SELECT path FROM kept")}
    finally:
        db.close()


def without_interruptions(events: Sequence[Event]) -> Iterator[tuple[str, str, str]]:
    """What was told, without what interrupted steps had said: the story as it would have been."""
    latest = {event.step: event.n for event in events if isinstance(event, StepRetrying)}
    texts: dict[str, str] = {}
    for event in events:
        path = step_of(event)
        announced = isinstance(event, StepStarted) and event.step == path
        if announced or event.n > latest.get(path, 0):
            if event.type == "token":
                texts[path] = texts.get(path, "") + event.text
            else:
                yield event.type, path, texts.pop(path, "") + str(getattr(event, "title", getattr(event, "text", "")))


async def test_a_server_killed_at_a_hundred_instants_tells_every_run_whole_and_once(tmp_path):
    dice = random.Random(20_261_121)
    kills, records = 0, []
    while kills < KILLS:
        folder = tmp_path / str(kills)
        folder.mkdir()
        server = Server(folder)
        client = Client(server)
        for _ in range(8):
            server.start()
            finished, before = kept(server), len(server.began())
            with trio.move_on_after(dice.uniform(0, RUN_TAKES)):
                await client.read()
            server.kill()
            kills += 1
            assert not finished & set(server.began()[before:]), "a finished step was run again"
            if client.ended:
                break
        server.start()
        with trio.fail_after(30):
            while not client.ended:
                await client.read()
        server.kill()
        records.append(client.events)

    told = set()
    for record in records:
        events = [from_json(msgspec.json.encode(event)) for event in record]
        check_record(events)
        assert record[-1]["type"] == "run.finished"
        assert record[-1]["result"] == "abcd 22"
        told.add(tuple(without_interruptions(events)))
    assert len(told) == 1
