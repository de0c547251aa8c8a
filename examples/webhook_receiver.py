"""Receives narrate's webhooks: verifies each, keeps it once, answers at once, and handles it afterwards.

    $ WEBHOOK_SECRET=whsec_… .venv/bin/python examples/webhook_receiver.py

It answers at http://127.0.0.1:8090/webhooks. The server that sends must have the same secret, and be allowed to call
targets on its own machine and without TLS.

The sender waits 20 s for an answer and then tries again, so what takes long must not be done before it. And it may send
a thing twice, whenever an answer is lost on the way. So what comes is written into a file under its `webhook-id`, where
a repetition changes nothing, and only then answered; from there it is handled, at least once, also after a restart.
"""

import json
import os
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import trio
from quart import request
from quart_trio import QuartTrio
from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 64 * 1024
"""Bytes of a body. Those of narrate have at most 20 kB."""


class Inbox:
    """What was received, in a file. What is in it has been kept when a call returns."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, body BLOB, handled INTEGER DEFAULT 0)")

    def put(self, webhook_id: str, body: bytes) -> None:
        """Keep this, unless it is there already."""
        self._db.execute("INSERT OR IGNORE INTO inbox (id, body) VALUES (?, ?)", (webhook_id, body))

    def maybe_next(self) -> tuple[str, bytes] | None:
        """What has waited longest to be handled; None when nothing does."""
        found = self._db.execute("SELECT id, body FROM inbox WHERE NOT handled ORDER BY rowid LIMIT 1").fetchone()
        return (found[0], found[1]) if found is not None else None

    def handled(self, webhook_id: str) -> None:
        self._db.execute("UPDATE inbox SET handled = 1 WHERE id = ?", (webhook_id,))

    def close(self) -> None:
        self._db.close()


def create_receiver(secret: str, path: Path, handle: Callable[[dict[str, Any]], Awaitable[None]]) -> QuartTrio:
    """An app that takes webhooks signed with this secret at `/webhooks`, and hands each to `handle`, one at a time."""
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    verifier = Webhook(secret)
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
                    webhook_id, body = waiting
                    await handle(json.loads(body))
                    inbox.handled(webhook_id)
                await came.wait()

    @app.post("/webhooks")
    async def receive() -> tuple[str, int]:
        body = await request.get_data()  # as it came: the signature is over these bytes, not over what they mean
        try:
            verifier.verify(body, dict(request.headers))
        except (WebhookVerificationError, ValueError):  # the latter for a signature or a body that is no text at all
            return "This is not signed with the secret that we share.", 401
        inbox.put(request.headers["webhook-id"], body)
        came.set()
        return "", 204

    return app


async def tell(event: dict[str, Any]) -> None:
    """Where your own work goes. What it raises ends the receiver, and is tried again with the next start."""
    print(event["type"], event["data"])  # noqa: T201


if __name__ == "__main__":
    create_receiver(os.environ["WEBHOOK_SECRET"], Path("inbox.db"), tell).run(port=8090)
