from pathlib import Path

import httpx
import pytest
import trio

from narrate import CassetteError, Pipeline, resource, run, step
from narrate.cassette import load_world
from narrate.clock import Clock, clock
from narrate.recordings import find, note_of, save, stand_ins, world
from narrate.transport import RecordTransport


@resource
async def transport():
    yield httpx.AsyncHTTPTransport()


@step("Asking")
async def ask(transport: httpx.AsyncBaseTransport, clock: Clock) -> str:
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get("http://a.test/x")
    return f"{answer.text} {clock.now().date()}"


ASKS = Pipeline("asks", ask, resources=[transport, clock])


@step("Plainly")
async def plainly() -> int:
    return 1


def cassette(text: str, *, host: str = "a.test", at: str = "2026-10-13T09:12:00+00:00") -> str:
    return (
        f'{{"narrate_cassette": 1, "origin": "composed", "about": "A test.", "at": "{at}", "exchanges": [{{"request":'
        f' {{"method": "GET", "url": "http://{host}/x"}}, "response": {{"status": 200, "text": "{text}"}}}}]}}'
    )


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    for name in ("monday", "v1.5", "_drafts"):
        (tmp_path / "fixtures" / name).mkdir(parents=True)
        (tmp_path / "fixtures" / name / "a.json").write_text(cassette(name))
    (tmp_path / "fixtures" / "single.json").write_text(cassette("single"))
    (tmp_path / "fixtures" / "README.md").write_text("")
    (tmp_path / "fixtures" / "no_recordings").mkdir()
    return tmp_path


def test_a_recording_is_found_by_path_or_by_name(beside):
    fixtures = beside / "fixtures"
    assert find("monday", beside) == fixtures / "monday"
    assert find("single", beside) == fixtures / "single.json"
    assert find("monday/a.json", beside) == fixtures / "monday" / "a.json"
    assert find(str(fixtures / "v1.5"), Path("/nowhere")) == fixtures / "v1.5"


def test_one_that_is_not_there_is_said_with_those_that_are(beside):
    with pytest.raises(CassetteError) as caught:
        find("tuesday", beside)
    assert str(caught.value) == (
        f"tuesday: there is no such recording. In {beside / 'fixtures'} there are: monday, single, v1.5."
    )
    with pytest.raises(CassetteError, match=r"^tuesday: there is no such recording\.$"):
        find("tuesday", beside / "fixtures")


async def test_what_lies_over_another_is_heard_first(beside):
    recording = world([beside / "fixtures" / "monday", beside / "fixtures" / "single.json"])
    assert await run(ASKS, **stand_ins(recording, [ASKS])) == "single 2026-10-13"


async def test_each_run_hears_it_from_the_beginning(beside):
    both = stand_ins(world([beside / "fixtures" / "monday"]), [ASKS], pace=0)
    assert [await run(ASKS, **both) for _ in range(2)] == ["monday 2026-10-13"] * 2


def test_only_what_a_pipeline_has_is_stood_in_for(beside):
    recording = world([beside / "fixtures" / "monday"])
    assert stand_ins(recording, [Pipeline("plain", plainly)]) == {}
    assert set(stand_ins(recording, [Pipeline("p", plainly, resources=[clock])])) == {"clock"}
    assert set(stand_ins(recording, [Pipeline("plain", plainly), ASKS])) == {"clock", "transport"}


def test_a_replay_says_that_it_is_one_and_what_day_it_has(beside):
    assert note_of(world([beside / "fixtures" / "monday"])) == (
        "This is a replay of composed answers: no live service is asked, and today is Tuesday 13 October 2026."
    )


async def test_what_was_recorded_is_one_file_a_host_and_can_be_read_again(tmp_path):
    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(lambda **kw: trio.serve_tcp(answer, 0, host="127.0.0.1", **kw))
        port = listener.socket.getsockname()[1]
        async with httpx.AsyncHTTPTransport() as live:
            recording = RecordTransport(live, about="A test.")
            async with httpx.AsyncClient(transport=recording) as client:
                for host in ("127.0.0.1", "localhost", "127.0.0.1"):
                    assert (await client.get(f"http://{host}:{port}/x")).text == "hi"
        nursery.cancel_scope.cancel()
    to = tmp_path / "new" / "folder"
    assert save(recording, to) == [to / "127.0.0.1.json", to / "localhost.json"]
    again = load_world(to)
    assert again.origin == "recorded"
    assert [exchange.response.text for exchange in again.exchanges] == ["hi"] * 3
