"""A provider of models in the OpenAI dialect, whose one word is the time at which it was sent. Prints its port.

Bare trio: what is measured is what stands between it and the reader.
"""

import json
import sys
from functools import partial
from time import monotonic_ns

import trio

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def answer(thinking: float, stream: trio.SocketStream) -> None:
    """Read a request, think for so many seconds, and say the time."""
    heard = b""
    while not heard.endswith(b"}"):
        heard += await stream.receive_some()
    await trio.sleep(thinking)
    await stream.send_all(HEAD)
    await stream.send_all(_chunked(_event({"content": str(monotonic_ns())})))
    await stream.send_all(_chunked(_event({}, "stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n")


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    told = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def main(thinking: float) -> None:
    """Serve until a signal."""
    async with trio.open_nursery() as nursery:
        listen = partial(trio.serve_tcp, partial(answer, thinking), 0, host="127.0.0.1")
        [listener] = await nursery.start(listen)
        sys.stdout.write(f"{listener.socket.getsockname()[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    trio.run(main, float(sys.argv[1]))
