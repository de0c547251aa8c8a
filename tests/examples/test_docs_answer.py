"""The answer's tokens, relayed from providers over real HTTP: at once, whole, and no longer than somebody reads."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from choosing import Settings
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from narrate.testing import story_of
from tests.examples.assistant import HUMS, docs, settings
from tests.examples.upstream import CHUNK, USAGE, Script, Talk, chunk, event, upstream
from tests.serving import Served, heard, served, until


def dialect(url: str) -> Settings:
    return settings(model_api_key="K-SECRET-K", model_base_url=f"{url}/v1", model_name="m")


def ollama(url: str) -> Settings:
    return settings(ollama_url=url, model_name="m")


@asynccontextmanager
async def relaying(script: Script, chosen=dialect) -> AsyncIterator[Served]:
    """The document assistant, served, before a provider that follows this script."""
    async with upstream(script) as provider, served(docs, resources={"settings": chosen(provider.url)}) as server:
        yield server


async def answers(talk: Talk) -> None:
    """A whole answer."""
    await talk.begin()
    await talk.say("It has", " lime on", " its floor. [1]")
    await talk.finish()


def line(content: str = "", **more) -> bytes:
    """A line as Ollama writes it."""
    said = {"model": "m", "message": {"role": "assistant", "content": content}, "done": False} | more
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"


LAST = line(done=True, done_reason="stop", prompt_eval_count=11, eval_count=7)


async def answers_in_lines(talk: Talk) -> None:
    """The same as Ollama gives it."""
    await talk.begin("application/x-ndjson")
    for piece in ("It has", " lime on", " its floor. [1]"):
        await talk.send(line(piece))
    await talk.send(LAST)
    await talk.end()


BOTH = pytest.mark.parametrize(
    ("script", "chosen"), [(answers, dialect), (answers_in_lines, ollama)], ids=["dialect", "Ollama"]
)


@BOTH
async def test_an_answer_is_who_writes_its_pieces_and_what_it_cost_whoever_sends_it(script, chosen):
    async with upstream(script) as provider:
        story = await story_of(docs, HUMS, settings=chosen(provider.url))
    told = [event for event in story.events if getattr(event, "step", "") == "answer"]

    assert [event.type for event in told[:5]] == ["step.started", "message", "token", "token", "token"]
    assert told[1].text.startswith("m")
    assert "".join(event.text for event in told[2:5]) == story.result.text == "It has lime on its floor. [1]"
    ended, cited = (event.data for event in told if event.type == "detail")
    assert ended == {"finish_reason": "stop", "usage": {"prompt_tokens": 11, "completion_tokens": 7}}
    assert [one["file"] for one in cited] == ["kettle.md"]


async def test_the_model_is_asked_as_the_dialect_wants_it_and_given_the_passages():
    async with upstream(answers) as provider:
        await story_of(docs, HUMS, settings=dialect(provider.url))
        (talk,) = provider.talks

    assert talk.path == "/v1/chat/completions"
    assert talk.headers["authorization"] == "Bearer K-SECRET-K"
    assert (talk.asked["model"], talk.asked["stream"]) == ("m", True)
    assert [message["role"] for message in talk.asked["messages"]] == ["system", "user"]
    given = json.loads(talk.asked["messages"][1]["content"])
    assert given["question"] == HUMS["question"]
    assert given["passages"][0]["heading"] == "The kettle › When it hums"


@pytest.mark.parametrize("own", [{}, {"groq_api_key": "K-SECRET-K"}], ids=["without a key", "with Groq's"])
async def test_a_host_that_needs_no_key_is_given_none_and_never_that_of_groq(own):
    async with upstream(answers) as provider:
        story = await story_of(
            docs, HUMS, settings=settings(model_base_url=f"{provider.url}/v1", model_name="m", **own)
        )
        (talk,) = provider.talks

    assert story.result.model == "m"
    assert talk.headers["authorization"] == "Bearer no-key-is-needed"


@pytest.mark.parametrize(
    "last",
    [
        chunk({}, "stop", x_groq={"id": "req_1", "usage": USAGE}),
        chunk({}, "stop") + event(**CHUNK, choices=[], usage=USAGE),
    ],
    ids=["Groq's of 2025", "a last chunk without a choice"],
)
async def test_what_it_cost_is_read_wherever_a_host_writes_it(last):
    async def script(talk: Talk) -> None:
        await talk.begin()
        await talk.send(chunk({"role": "assistant"}) + chunk({"reasoning": "Hm.", "channel": "analysis"}))
        await talk.say("Lime.")
        await talk.send(last + b"data: [DONE]\n\n")
        await talk.end()

    async with upstream(script) as provider:
        story = await story_of(docs, HUMS, settings=dialect(provider.url))

    assert (story.result.text, story.result.usage.completion_tokens) == ("Lime.", 7)


async def test_a_model_that_does_not_count_is_believed_all_the_same():
    async def script(talk: Talk) -> None:
        await talk.begin()
        await talk.say("Lime.")
        await talk.finish("length", usage=None)

    async with upstream(script) as provider:
        story = await story_of(docs, HUMS, settings=dialect(provider.url))

    assert (story.result.finish_reason, story.result.usage) == ("length", None)
    assert "It was cut off here, because it grew longer than an answer may be." in story.lines


async def test_each_piece_is_with_the_reader_before_the_next_is_written():
    heard_of = {word: trio.Event() for word in ("one", "two", "three")}

    async def script(talk: Talk) -> None:
        await talk.begin()
        for word, is_heard in heard_of.items():
            await talk.say(word)
            await is_heard.wait()
        await talk.finish()

    async with relaying(script) as server, await server.asked("/ask", HUMS) as reader:
        await reader.head()
        with trio.fail_after(20):
            for word, is_heard in heard_of.items():
                assert (await reader.until("token"))["text"] == word
                is_heard.set()
            assert (await reader.until("run.finished"))["result"]["text"] == "onetwothree"


async def test_for_a_slow_reader_pieces_are_joined_and_none_is_dropped():
    pieces = [f"{n} " + "x" * 3000 for n in range(400)]
    sent = trio.Event()

    async def script(talk: Talk) -> None:
        await talk.begin()
        await talk.say(*pieces)
        await talk.finish()
        sent.set()

    async with relaying(script) as server, await server.asked("/ask", HUMS, receive_buffer=4096) as slow:
        await slow.head()
        with trio.fail_after(60):
            await sent.wait()  # all of it has gone through while the reader has read nothing
            told = heard(await slow.body())

    tokens = [event for event in told if event["type"] == "token"]
    numbered = [event for event in told if "n" in event]
    assert "".join(token["text"] for token in tokens) == "".join(pieces)
    assert len(tokens) < len(pieces)
    assert [event.get("first", event["n"]) for event in numbered] == [1, *(event["n"] + 1 for event in numbered[:-1])]


@pytest.mark.parametrize("said", [(), ("It has",)], ids=["before the first piece", "between two pieces"])
@pytest.mark.parametrize("chosen", [dialect, ollama], ids=["dialect", "Ollama"])
async def test_the_model_is_hung_up_on_when_the_reader_goes_and_no_time_later(said, chosen, mock_clock):
    begun, gone = trio.Event(), trio.Event()

    async def script(talk: Talk) -> None:
        await talk.begin()
        for piece in said:
            await talk.send(chunk({"content": piece}) if chosen is dialect else line(piece))
        begun.set()
        await talk.wait_gone()
        gone.set()

    async with relaying(script, chosen) as server:
        async with await server.asked("/ask", HUMS) as reader:
            _, headers = await reader.head()
            await until(begun.is_set)
            for _ in said:
                await reader.until("token")
        await until(gone.is_set)  # while trio's time stands still
        await until(lambda: not server.service.narrator.runs)
        told = heard((await server.client.get(headers["content-location"])).content)

    assert [event["type"] for event in told][-2:] == ["step.cancelled", "run.cancelled"]
    assert tuple(event["text"] for event in told if event["type"] == "token") == said


async def test_an_answer_that_was_written_when_the_server_stopped_is_not_written_anew(tmp_path):
    async def script(talk: Talk) -> None:
        await talk.begin()
        await talk.say("It has")
        await talk.wait_gone()

    async with upstream(script) as provider:
        given = {"resources": {"settings": dialect(provider.url)}}
        async with open_narrator([docs], journal=SqliteJournal(tmp_path / "runs.db"), **given) as narrator:
            run = await narrator.begin(docs, docs.validate(HUMS))
            async for event in run.events():
                if event.type == "token":
                    break
            narrator.hand_over()
        async with open_narrator([docs], journal=SqliteJournal(tmp_path / "runs.db"), **given) as narrator:
            assert await narrator.pick_up() == 0
            told = (await narrator.journal.maybe_reader(run.id)).take_nowait()

    assert (told[-1].type, len(provider.talks)) == ("run.cancelled", 1)


async def cut(talk: Talk) -> None:
    """The connection breaks."""


async def ends_early(talk: Talk) -> None:
    """The stream ends cleanly, and does not say that it is done."""
    await talk.end()


async def sends_a_page(talk: Talk) -> None:
    """Something between here and there speaks up."""
    await talk.send(b"data: <html>\n\n")
    await talk.end()


async def tells_an_error(talk: Talk) -> None:
    """As Groq does in a stream that has begun."""
    error = {"message": "Secret of org_0123456789.", "type": "server_error", "status_code": 500}
    await talk.send(b"event: error\n" + event(error=error))
    await talk.end()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (cut, "m was cut off"),
        (ends_early, "m stopped without saying that it was done"),
        (tells_an_error, "m reported an error in the middle"),
        (sends_a_page, "m sent something that is not its protocol"),
    ],
)
@pytest.mark.parametrize(
    ("said", "after"),
    [
        (("It has", " lime on"), "after 4 words"),
        (("Lime",), "after 1 word"),
        ((), "before its first word"),
    ],
)
async def test_a_stream_that_breaks_is_a_problem_and_what_was_said_is_kept(how, words, said, after):
    async def script(talk: Talk) -> None:
        await talk.begin()
        await talk.say(*said)
        await how(talk)

    async with relaying(script) as server:
        told = heard((await server.client.post("/ask", json=HUMS)).content)

    assert "".join(event["text"] for event in told if event["type"] == "token") == "".join(said)
    assert [event["type"] for event in told[-2:]] == ["step.failed", "run.failed"]
    assert told[-1]["problem"] == {
        "title": "The answer broke off",
        "status": 502,
        "detail": f"The answer broke off {after}: {words}. Ask again for a whole one.",
        "step": "answer",
    }


# httpx leaves its own generators to the collector where its caller stops in the middle, and trio remarks on it. The
# connection is closed all the same.
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize(
    ("last", "words"),
    [
        (b"", "m stopped without saying that it was done"),
        (b'{"error": "out of memory"}\n', "m reported an error in the middle"),
        (b"<html>\n", "m sent something that is not its protocol"),
    ],
)
async def test_lines_that_stop_are_a_problem_too(last, words):
    async def script(talk: Talk) -> None:
        await talk.begin("application/x-ndjson")
        await talk.send(line("Lime on") + last)
        await talk.end()

    async with upstream(script) as provider:
        story = await story_of(docs, HUMS, settings=ollama(provider.url))

    assert story.problem.detail == f"The answer broke off after 2 words: {words}. Ask again for a whole one."
    assert "Lime on" in story.lines


async def test_lines_are_whole_however_they_come_and_end_with_a_line_feed_only():
    whole = line("a\u2028b") + b"\n" + line("c\x85d") + LAST.rstrip()

    async def script(talk: Talk) -> None:
        await talk.begin("application/x-ndjson")
        for n in range(0, len(whole), 7):
            await talk.send(whole[n : n + 7])
        await talk.end()

    async with upstream(script) as provider:
        story = await story_of(docs, HUMS, settings=ollama(provider.url))

    assert story.result.text == "a\u2028bc\x85d"


@pytest.mark.parametrize(
    ("status", "headers", "sentence", "told_status"),
    [
        (401, "", "m does not accept the key.", 502),
        (404, "", "m is not there (see MODEL_NAME and MODEL_BASE_URL).", 502),
        (413, "", "m finds the passages too long for the key's plan.", 502),
        (422, "", "m does not take the question as it was asked (HTTP status 422).", 502),
        (429, "Retry-After: 214\r\n", "m has used up its allowance for another 214 s.", 502),
        (500, "", "m has trouble of its own (HTTP status 500).", 502),
    ],
)
async def test_a_refusal_is_one_clear_sentence_and_is_not_tried_again(status, headers, sentence, told_status):
    async def script(talk: Talk) -> None:
        await talk.refuse(status, '{"error": {"message": "K-SECRET-K is no key"}}', headers)

    async with upstream(script) as provider:
        story = await story_of(docs, HUMS, settings=dialect(provider.url))
        asked = len(provider.talks)

    assert (story.problem.detail, story.problem.status, asked) == (sentence, told_status, 1)


async def test_a_busy_model_is_asked_again_and_the_story_says_so():
    async def busy(talk: Talk) -> None:
        await talk.refuse(429, headers="Retry-After: 0\r\n")

    async with upstream(busy, answers) as provider:
        story = await story_of(docs, HUMS, settings=dialect(provider.url))

    assert story.result.text == "It has lime on its floor. [1]"
    assert [event.reason for event in story.events if event.type == "step.retrying"] == [
        "m has too much to do just now."
    ]


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [(dialect, "m cannot be reached."), (ollama, "m cannot be reached at OLLAMA_URL.")],
    ids=["dialect", "Ollama"],
)
async def test_a_model_that_is_not_there_is_said_to_be_out_of_reach(chosen, sentence):
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))  # and does not listen
        story = await story_of(docs, HUMS, settings=chosen(f"http://127.0.0.1:{taken.getsockname()[1]}"))

    assert story.problem.detail == sentence


async def test_ollama_without_this_model_says_with_which_status_it_refused():
    async with upstream(lambda talk: talk.refuse(404, '{"error": "model not found"}')) as provider:
        story = await story_of(docs, HUMS, settings=ollama(provider.url))

    assert story.problem.detail == "m cannot be asked there (HTTP status 404)."
