"""Asks what has become of a run, no oftener than the server wants, until it has ended.

    $ .venv/bin/python examples/research/poll_politely.py http://127.0.0.1:8000/runs/RUN

`Retry-After` says when to ask again, and is there as long as the run works. `ETag` is what was heard last: sent back as
`If-None-Match`, it is answered by 304 and no body while nothing has changed.
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import trio

Wait = Callable[[float], Awaitable[None]]
Tell = Callable[[dict[str, Any]], None]


async def ended(client: httpx.AsyncClient, url: str, tell: Tell, wait: Wait = trio.sleep) -> dict[str, Any]:
    """The state of a run once it has ended; `tell` is given each before that differs from the one before it.

    Raises httpx.HTTPStatusError where there is no such run, or it is kept no longer.
    """
    etag = ""
    while True:
        answer = await client.get(url, headers={"If-None-Match": etag} if etag else {})
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            state: dict[str, Any] = answer.raise_for_status().json()
            etag = answer.headers["etag"]
            if "retry-after" not in answer.headers:
                return state
            tell(state)
        await wait(float(answer.headers["retry-after"]))


def done_in(state: dict[str, Any]) -> int:
    """How many of a run's steps are done. Of how many, nobody knows yet: each source that is found is one more."""
    return sum(step["state"] == "done" for step in state["steps"])


def line_of(state: dict[str, Any], now: float) -> str:
    """How far a run has come at this time, in seconds since 1970. Its `t` is only when it last told something."""
    done = done_in(state)
    return f"After {now - state['began']:.0f} s, {done} {'step is' if done == 1 else 'steps are'} done."


async def main(url: str, wait: Wait = trio.sleep) -> None:
    said = 0

    def tell(state: dict[str, Any]) -> None:
        nonlocal said
        if done_in(state) > said:
            said = done_in(state)
            print(line_of(state, time.time()))  # noqa: T201

    async with httpx.AsyncClient() as client:
        state = await ended(client, url, tell, wait)
    end = state.get("result") or state.get("problem") or state.get("reason")
    print(f"It has {state['state']}: {json.dumps(end, indent=2, ensure_ascii=False)}")  # noqa: T201


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
