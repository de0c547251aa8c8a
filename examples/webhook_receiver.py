"""Receives narrate's webhooks: verifies each, keeps it once, answers at once, and handles it afterwards.

    $ WEBHOOK_SECRET=whsec_… .venv/bin/python examples/webhook_receiver.py

It answers at http://127.0.0.1:8090/webhooks. The server that sends must have the same secret, and be allowed to call
targets on its own machine and without TLS.

The sender waits 20 s for an answer and then tries again, so what takes long must not be done before it. And it may send
a thing twice, whenever an answer is lost on the way. So what comes is written into a file under its `webhook-id`, where
a repetition changes nothing, and only then answered; from there it is handled, at least once, also after a restart.
"""

import os
import sqlite3
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import msgspec
import trio
from quart import request
from quart_trio import QuartTrio

from narrate import WebhookRefused
from narrate.receiver import Ended, Receiver

LARGEST = 64 * 1024
"""Bytes of a body. Those of narrate have at most 20 kB."""


class Inbox:
    """What was received, in a file. What is in it has been kept when a call returns."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, told BLOB, handled INTEGER DEFAULT 0)")

    def put(self, ended: Ended) -> None:
        """Keep this, unless it is there already: that it was seen and what is to be done are one row."""
        self._db.execute("INSERT OR IGNORE INTO inbox (id, told) VALUES (?, ?)", (ended.id, msgspec.json.encode(ended)))

    def maybe_next(self) -> Ended | None:
        """What has waited longest to be handled; None when nothing does."""
        found = self._db.execute("SELECT told FROM inbox WHERE NOT handled ORDER BY rowid LIMIT 1").fetchone()
        return msgspec.json.decode(found[0], type=Ended) if found is not None else None

    def handled(self, ended: Ended) -> None:
        self._db.execute("UPDATE inbox SET handled = 1 WHERE id = ?", (ended.id,))

    def close(self) -> None:
        self._db.close()


def create_receiver(secret: str, path: Path, handle: Callable[[Ended], Awaitable[None]]) -> QuartTrio:
    """An app that takes webhooks signed with this secret at `/webhooks`, and hands each to `handle`, one at a time."""
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    receiver = Receiver(secret)
    inbox: Inbox
    came = trio.Event()

    @app.while_serving
    async def open_inbox() -> AsyncGenerator[None, None]:
        nonlocal inbox
        working = trio.CancelScope()
        with closing(Inbox(path)) as inbox:
            app.nursery.start_soon(handle_all, working)
            yield
            working.cancel()

    async def handle_all(working: trio.CancelScope) -> None:
        nonlocal came
        with working:
            while True:
                came = trio.Event()
                while (waiting := inbox.maybe_next()) is not None:
                    await handle(waiting)
                    inbox.handled(waiting)
                await came.wait()

    @app.post("/webhooks")
    async def receive() -> tuple[str, int]:
        try:
            ended = receiver.read(request.headers, await request.get_data())  # `read`: the inbox knows what was seen
        except WebhookRefused as refused:
            return str(refused), 401
        if ended is not None:
            inbox.put(ended)
            came.set()
        return "", 204

    return app


def secret_given() -> str:
    """What `WEBHOOK_SECRET` holds. Without it, the program ends with a sentence and code 2."""
    secret = os.environ.get("WEBHOOK_SECRET")
    if not secret:
        print("Set WEBHOOK_SECRET to the secret that the server signs its webhooks with.", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    return secret


async def tell(ended: Ended) -> None:
    """Where your own work goes. What it raises ends the receiver, and is tried again with the next start."""
    print(ended.type, ended.run, ended.result)  # noqa: T201


if __name__ == "__main__":
    create_receiver(secret_given(), Path("inbox.db"), tell).run(port=8090)
