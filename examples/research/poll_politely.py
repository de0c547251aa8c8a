"""Asks what has become of a run, no oftener than the server wants, until it has ended.

    $ .venv/bin/python examples/research/poll_politely.py http://127.0.0.1:8000/runs/RUN

`Retry-After` says when to ask again, and is there as long as the run works. `ETag` is what was heard last: sent back as
`If-None-Match`, it is answered by 304 and no body while nothing has changed.
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import httpx
import trio

Wait = Callable[[float], Awaitable[None]]
Tell = Callable[[dict[str, Any]], None]
Far = dict[str, tuple[str, int, int]]
"""Of each step that counts: what it counts, how many are done, and of how many."""


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


def advance(far: Far, state: dict[str, Any]) -> None:
    """Note how far each step is. One that is done says so no more: then all of it is."""
    for step in state["steps"]:
        match step.get("progress"):
            case {"done": _, "of": of, "unit": unit} as progress:
                far[step["step"]] = (unit, progress["done"], of)
            case None if step["state"] == "done" and step["step"] in far:
                unit, _, of = far[step["step"]]
                far[step["step"]] = (unit, of, of)


def done_in(state: dict[str, Any], far: Far) -> str:
    """How much of a run is done. Of how many steps, nobody knows yet: each source that is found is one more."""
    steps = sum(step["state"] == "done" for step in state["steps"])
    parts = [f"{steps} step{'' if steps == 1 else 's'}"]
    for unit in dict.fromkeys(unit for unit, _, _ in far.values()):
        done = sum(done for counted, done, _ in far.values() if counted == unit)
        parts.append(f"{done} of {sum(of for counted, _, of in far.values() if counted == unit)} {unit}")
    return f"{' and '.join(parts)} {'is' if parts == ['1 step'] else 'are'} done"


def line_of(state: dict[str, Any], done: str, now: float) -> str:
    """How far a run has come at this time, in seconds since 1970. Its `t` is only when it last told something."""
    return f"After {now - state['began']:.0f} s, {done}."


def refuse(sentence: str) -> NoReturn:
    """End the program with what it cannot do."""
    print(sentence, file=sys.stderr)  # noqa: T201
    sys.exit(2)


async def main(url: str, wait: Wait = trio.sleep) -> None:
    far: Far = {}
    said = done_in({"steps": []}, far)

    def tell(state: dict[str, Any]) -> None:
        nonlocal said
        advance(far, state)
        if (done := done_in(state, far)) != said:
            said = done
            print(line_of(state, done, time.time()))  # noqa: T201

    try:
        async with httpx.AsyncClient() as client:
            state = await ended(client, url, tell, wait)
    except httpx.HTTPStatusError as error:
        refuse(f"There is no run to ask about at {url} (HTTP status {error.response.status_code}).")
    except (httpx.TransportError, httpx.InvalidURL) as error:
        refuse(f"Nobody answers at {url}: {error}.")
    end = state.get("result") or state.get("problem") or state.get("reason")
    print(f"It has {state['state']}: {json.dumps(end, indent=2, ensure_ascii=False)}")  # noqa: T201


if __name__ == "__main__":
    if len(sys.argv) != 2:
        refuse("Say which run to ask about: poll_politely.py http://127.0.0.1:8000/runs/RUN.")
    trio.run(main, sys.argv[1])
