"""Ctrl-C as a story hears it. What a second one does is seen in processes of their own, in `test_cli_run`."""

import signal

import pytest
import trio
import trio.testing

from narrate.cli.interrupting import interruptions


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "You pressed Ctrl-C."), (signal.SIGTERM, "The program was asked to stop.")]
)
async def test_the_first_signal_is_heard_within_the_loop_with_its_reason(number, reason):
    heard: list[tuple[str, object]] = []
    with interruptions(lambda said: heard.append((said, trio.lowlevel.current_trio_token()))):
        signal.raise_signal(number)
        await trio.testing.wait_all_tasks_blocked()
    assert heard == [(reason, trio.lowlevel.current_trio_token())]


async def test_signals_are_as_they_were_afterwards():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptions(lambda _: None):
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
