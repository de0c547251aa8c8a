"""The client of runs elsewhere: every rule of coming back, on scripted answers and virtual time."""

import random

import httpx
import pytest
import trio

from narrate import RunCancelled, RunCut, RunFailed, RunRejected, connect, follow
from tests.following import Scripted, end, frame, refuses, said, streams

URL = "http://far.example/assist"
HOME = "http://far.example/runs/r1"
BROKEN = httpx.ReadError("broken")


async def heard(far, **how):
    """The numbers of a story told by this transport, to its end."""
    async with httpx.AsyncClient(transport=far) as http, connect(URL, {"q": 1}, http=http, **how) as run:
        return [event.n async for event in run.events()]


# --- The same request again ---


@pytest.mark.parametrize("then", [None, BROKEN, httpx.RemoteProtocolError("cut")], ids=["ends", "breaks", "is cut"])
async def test_a_story_that_was_cut_goes_on_by_the_same_post_from_the_last_event_heard(autojump_clock, then):
    far = Scripted(streams(said(1, 2), then=then), streams(said(3) + end(4)))

    assert await heard(far) == [1, 2, 3, 4]
    first, second = far.asked
    assert [(r.method, str(r.url), r.content) for r in far.asked] == [("POST", URL, b'{"q":1}')] * 2
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert far.last_ids == [None, "2"]


async def test_an_event_that_was_cut_in_two_is_heard_once_and_whole(autojump_clock):
    far = Scripted(streams(said(1) + said(2)[:-1]), streams(said(2) + end(3)))

    assert await heard(far) == [1, 2, 3]
    assert far.last_ids == [None, "1"]


async def test_a_server_that_cannot_be_reached_is_asked_again(autojump_clock):
    assert await heard(Scripted(httpx.ConnectError("down"), streams(end(1)))) == [1]


async def test_what_was_heard_already_is_not_told_twice(autojump_clock):
    assert await heard(Scripted(streams(said(1, 2)), streams(said(1, 2, 3) + end(4)))) == [1, 2, 3, 4]


async def test_a_hole_is_asked_for_again_once_and_then_believed(autojump_clock):
    far = Scripted(streams(said(1, 3)), streams(said(3) + end(4)))

    assert await heard(far) == [1, 3, 4]
    assert far.last_ids == [None, "1"]


async def test_what_is_said_to_be_missing_is_no_hole(autojump_clock):
    gap = frame({"type": "gap", "from": 1, "to": 4, "n": 4, "t": 0.0})

    assert await heard(Scripted(streams(gap + said(5) + end(6)))) == [4, 5, 6]


async def test_tokens_that_were_joined_are_no_hole(autojump_clock):
    joined = frame({"type": "token", "step": "a", "text": "abc", "first": 2, "n": 4, "t": 0.0})

    assert await heard(Scripted(streams(said(1) + joined + end(5)))) == [1, 4, 5]


async def test_an_event_of_a_later_version_is_passed_over_and_is_no_hole(autojump_clock):
    unknown = frame({"type": "step.dreamt", "n": 2, "t": 0.0})

    assert await heard(Scripted(streams(said(1) + unknown + end(3)))) == [1, 3]


async def test_a_stream_whose_budget_is_over_goes_on_at_the_runs_own_address(autojump_clock):
    detached = frame({"type": "detached", "run": "r1", "link": "/runs/r1", "t": 1.0})
    far = Scripted(streams(said(1) + detached), streams(end(2)))

    assert await heard(far) == [1, 0, 2]
    assert [(r.method, r.url.path) for r in far.asked] == [("POST", "/assist"), ("GET", "/runs/r1/events")]
    assert far.last_ids == [None, "1"]
    assert far.times[0] == far.times[1]


async def test_a_hundred_random_cuts_lose_nothing_and_tell_nothing_twice(autojump_clock):
    rolls = random.Random(20261121)
    frames = [said(n) for n in range(1, 40)] + [end(40)]
    cuts = 0

    def cut(request):
        nonlocal cuts
        cuts += 1
        rest = b"".join(frames[int(request.headers.get("Last-Event-ID", "0")) :])
        return streams(rest[: rolls.randrange(len(rest) + 1)], then=BROKEN)(request)

    while cuts < 100:
        assert await heard(Scripted(*[cut] * 1000), attempts=None) == list(range(1, 41))


async def test_nothing_left_to_tell_ends_the_story(autojump_clock):
    far = Scripted(lambda _: httpx.Response(204))
    async with httpx.AsyncClient(transport=far) as http, follow(HOME, after=9, http=http) as run:
        assert [event async for event in run.events()] == []
        with pytest.raises(RunCut, match=r"up to event 9. Its end had been told before."):
            await run.result()


# --- When to come back ---


async def test_a_silence_of_twice_the_heartbeat_is_a_drop(autojump_clock):
    far = Scripted(streams(said(1), then=1000.0, Narrate_Heartbeat="10"), streams(end(2)))

    assert await heard(far) == [1, 2]
    assert 20 <= far.times[1] < 22


async def test_heartbeats_break_the_silence(autojump_clock):
    class Beating(httpx.AsyncByteStream):
        async def __aiter__(self):
            for _ in range(9):
                await trio.sleep(15)
                yield b": \n\n"
            yield end(1)

    far = Scripted(lambda _: httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=Beating()))

    assert await heard(far, silence=20) == [1]


async def test_waits_grow_to_a_cap_and_an_event_lets_them_begin_anew(autojump_clock):
    far = Scripted(*[streams()] * 8, streams(said(1)), streams(end(2)))

    assert await heard(far, cap=12) == [1, 2]
    waits = [later - earlier for earlier, later in zip(far.times, far.times[1:], strict=False)]
    assert all(low <= wait <= low * 1.5 for wait, low in zip(waits, [1, 2, 4, 8, 8, 8, 8, 8, 1], strict=True))


async def test_the_wait_that_the_stream_asks_for_is_the_least(autojump_clock):
    far = Scripted(streams(b"retry: 7000\n\n" + said(1)), streams(end(2)))

    assert await heard(far) == [1, 2]
    assert 7 <= far.times[1] <= 10.5


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_who_is_busy_is_asked_again_and_not_before_it_wants(autojump_clock, status):
    far = Scripted(refuses(status, Retry_After="40"), streams(end(1)))

    assert await heard(far) == [1]
    assert far.times[1] >= 40


async def test_a_date_to_come_back_at_counts_by_the_servers_clock(autojump_clock):
    dates = {"Date": "Sat, 21 Nov 2026 10:00:00 GMT", "Retry_After": "Sat, 21 Nov 2026 10:01:00 GMT"}
    far = Scripted(refuses(503, **dates), streams(end(1)))

    assert await heard(far) == [1]
    assert far.times[1] >= 60


async def test_after_as_many_failures_in_a_row_as_were_allowed_it_is_cut(autojump_clock):
    far = Scripted(streams(said(1)), streams(), httpx.ConnectError("down"))

    with pytest.raises(RunCut, match=r"^The story was heard up to event 1. The connection failed \(ConnectError\).$"):
        await heard(far, attempts=3)


# --- What is for good ---


async def test_a_refusal_is_for_good_and_tells_its_problem(autojump_clock):
    with pytest.raises(RunRejected, match="Not you") as refused:
        await heard(Scripted(refuses(403, "Not you.")))

    assert refused.value.problem.status == 403


async def test_what_a_proxy_says_that_is_no_problem_is_told_by_its_status(autojump_clock):
    with pytest.raises(RunRejected, match="Not Found"):
        await heard(Scripted(lambda _: httpx.Response(404, text="<h1>?</h1>")))


async def test_an_answer_that_is_no_story_is_for_good(autojump_clock):
    with pytest.raises(RunRejected, match=r"^The answer is text/html where text/event-stream was asked for\.$"):
        await heard(Scripted(lambda _: httpx.Response(200, html="<p>hello")))


async def test_a_media_type_is_compared_without_case_or_parameters(autojump_clock):
    assert await heard(Scripted(streams(end(1), Content_Type="TEXT/Event-Stream;charset=UTF-8"))) == [1]


async def test_two_runs_never_become_one_story(autojump_clock):
    with pytest.raises(RunCut, match=r"The server has lost it, and began it anew\.$"):
        await heard(Scripted(streams(said(1)), streams(said(1) + end(2), Narrate_Run="r2")))


# --- The result ---


async def test_the_result_can_be_had_alone(autojump_clock):
    far = Scripted(streams(said(1) + end(2, [7])))
    async with httpx.AsyncClient(transport=far) as http, connect(URL, http=http) as run:
        assert await run.result() == [7]
        assert (run.id, run.url, run.last) == ("r1", HOME, 2)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"type": "run.failed", "problem": {"title": "No", "status": 502}, "seconds": 1.0}, RunFailed),
        ({"type": "run.cancelled", "reason": "Enough.", "seconds": 1.0}, RunCancelled),
    ],
)
async def test_a_run_that_did_not_finish_raises_what_it_would_raise_here(autojump_clock, event, error):
    far = Scripted(streams(frame(event | {"n": 1, "t": 0.0})))
    async with httpx.AsyncClient(transport=far) as http, connect(URL, http=http) as run:
        with pytest.raises(error):
            await run.result()


async def test_headers_and_key_of_ones_own_are_sent_every_time(autojump_clock):
    far = Scripted(streams(said(1)), streams(end(2)))

    assert await heard(far, headers={"Authorization": "Bearer x"}, key="mine") == [1, 2]
    assert [(r.headers["Authorization"], r.headers["Idempotency-Key"]) for r in far.asked] == [("Bearer x", "mine")] * 2


async def test_where_nobody_answers_it_gives_up_after_ten_times_unless_it_is_told_to_go_on(autojump_clock):
    far = Scripted(*[streams(b"", then=BROKEN)] * 30)
    with pytest.raises(RunCut, match="heard up to event 0"):
        await heard(far)

    assert len(far.asked) == 10
