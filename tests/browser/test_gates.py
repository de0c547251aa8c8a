"""The tests' own gates: whoever waits is let through, whoever comes later too, and who goes away is seen to."""

import pytest
import trio

from tests.browser.gates import ADDRESS, passed


@pytest.fixture
def at_gates(gates, monkeypatch):
    monkeypatch.setenv(ADDRESS, str(gates.path))
    return gates


async def test_an_open_gate_lets_through_who_waits_and_who_comes(at_gates):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(passed, "here")
        await trio.to_thread.run_sync(at_gates.wait_reached, "here")
        at_gates.open("here")
    await passed("here")
    assert at_gates.came("here") == 2


async def test_who_is_cancelled_at_a_gate_leaves_it(at_gates):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(passed, "there")
        await trio.to_thread.run_sync(at_gates.wait_reached, "there")
        nursery.cancel_scope.cancel()
    await trio.to_thread.run_sync(at_gates.wait_left, "there")


async def test_who_waits_when_the_gates_are_shut_is_sent_away(at_gates):
    with pytest.RaisesGroup(EOFError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(passed, "elsewhere")
            await trio.to_thread.run_sync(at_gates.wait_reached, "elsewhere")
            at_gates.shut()
