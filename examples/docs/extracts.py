"""What stands in where there is no model to ask: a writer that puts an answer together from sentences it is given.

It is no model and says so. But it is asked in the OpenAI dialect and answers in it, as a stream in pieces, so that the
client, the relay and the reader do exactly what they do with a model. It stands where the network would.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import httpx

from narrate.cassette import Cassette, Chunk, Exchange, HttpRequest, HttpResponse
from narrate.transport import ReplayTransport
from passages import Passage, sentences_of
from shelf import search_in
from weighing import weigh

NAME = "extracts"

INTRODUCTION = (
    "There is no key for a model, so none is asked: the answer is put together from sentences of the passages, at "
    "the pace of a model that writes forty words a second."
)

SENTENCES = 4
"""Of an answer, at most."""

WORTH = 0.6
"""Of the words that the best sentence shares with the question: one with less has too little to do with it."""

BEFORE, EACH = 0.3, 0.025
"""Seconds until the first piece, and from one to the next. Composed, not measured."""

NOTHING = "None of the passages says it in a sentence, only in code or in a table; the likeliest is [1]."

_ADDRESS = "http://extracts.invalid/"


class Extracts(httpx.AsyncBaseTransport):
    """Answers each request for a chat completion with an answer composed of the passages that are in it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(await request.aread())
        given = json.loads(asked["messages"][-1]["content"])
        pieces = pieces_of(extract(given["question"], given["passages"]))
        usage = {"prompt_tokens": len(request.content.split()), "completion_tokens": len(pieces)}
        composed = Cassette(
            origin="composed",
            about="An answer put together from the passages of the question.",
            at="2026-11-21T00:00:00Z",
            exchanges=(Exchange(request=HttpRequest(method="GET", url=_ADDRESS), response=_streamed(pieces, usage)),),
        )
        # Replayed for a plain request in this one's place: there is one answer, and nothing to be matched.
        plain = httpx.Request("GET", _ADDRESS, extensions=request.extensions)
        return await ReplayTransport(composed).handle_async_request(plain)


def extract(question: str, passages: Sequence[dict[str, Any]]) -> str:
    """The sentences that have most to do with the question, in the passages' order, each with its passage's number."""
    sentences = [
        Passage(str(passage["number"]), place, passage["heading"], sentence)
        for passage in passages
        for place, sentence in enumerate(sentences_of(passage["text"]))
    ]
    best = weigh(search_in(sentences, question))[:SENTENCES]
    worth = [one.found.passage for one in best if one.coverage >= WORTH * best[0].coverage]
    in_order = sorted(worth, key=lambda sentence: (int(sentence.file), sentence.line))
    return " ".join(f"{sentence.text} [{sentence.file}]" for sentence in in_order) or NOTHING


def pieces_of(text: str) -> Sequence[str]:
    """The text word by word, each with the blank before it, as models give it."""
    return re.findall(r"\s*\S+", text)


def _streamed(pieces: Sequence[str], usage: dict[str, int]) -> HttpResponse:
    chunks = [Chunk(after=BEFORE, text=_event({"role": "assistant", "content": ""}))]
    chunks += [Chunk(after=EACH, text=_event({"content": piece})) for piece in pieces]
    total = {**usage, "total_tokens": sum(usage.values())}
    chunks.append(Chunk(after=EACH, text=_event({}, finish_reason="stop", usage=total) + "data: [DONE]\n\n"))
    return HttpResponse(status=200, headers={"content-type": "text/event-stream"}, chunks=tuple(chunks))


def _event(delta: dict[str, str], finish_reason: str | None = None, **more: Any) -> str:
    chunk = {
        "id": "chatcmpl-extracts",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": NAME,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        **more,
    }
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
