"""The benchmark runs: every measurement at a tiny size, and the table. Nothing here is timed."""

import gc
from collections.abc import Iterator

import pytest

from tests.bench import first_token, kept, pace, peer, runner, served
from tests.bench.table import Row, Section, render


@pytest.fixture(autouse=True)
def _others_garbage_left_alone() -> Iterator[None]:
    """Each turn of a measurement collects garbage, for which it need not look at all that the whole suite has made."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def measured(section: Section) -> bool:
    """Whether it has rows, and each of them a number."""
    return bool(section.rows) and all(row.ratio > 0 for row in section.rows)


def test_both_sides_tell_of_every_step() -> None:
    shape = [*runner.sequence(2), *runner.groups(1, 3)]
    told = 2 * 5

    async def main() -> tuple[int, int, int]:
        ours = await runner.narrated(runner.pipeline_of(shape))
        return ours, await runner.by_hand(shape, runner.UNBUFFERED), await runner.by_hand(shape, runner.BUFFERED)

    # Ours has the run's own beginning and end besides.
    assert runner.trio.run(main) == (told + 2, told, told)


def test_both_sides_tell_of_every_token() -> None:
    async def main() -> tuple[int, int]:
        return await runner.narrated_tokens(40), await runner.tokens_by_hand(40, runner.UNBUFFERED)

    assert runner.trio.run(main) == (40 + 4, 40)


def test_steps_and_tokens_are_measured() -> None:
    assert measured(runner.steps_section(few=100, many=2, rounds=1))
    assert measured(runner.tokens_section(pieces=100, rounds=1))


def test_the_wall_is_measured() -> None:
    assert measured(pace.pace_section(unit=0.02, rounds=1))


def test_what_is_kept_is_measured() -> None:
    assert measured(kept.kept_section(runs=2, steps=2, rounds=1))


def test_the_peer_is_measured() -> None:
    assert measured(peer.peer_section(sizes=(3,), rounds=1))


def test_served_events_are_measured() -> None:
    assert measured(served.burst_section(events=50, rounds=1))
    assert measured(served.first_section(connections=2))
    assert measured(first_token.first_token_section(connections=2, thinking=0.0))
    assert served.idle_bytes(served.STARLETTE, streams=10) >= 0


def test_idle_and_lost_streams_are_measured() -> None:
    assert served.idle_bytes(served.NARRATE, streams=100) > 0
    assert measured(served.closing_section(times=2))


def test_the_table_shows_what_holds_and_what_does_not() -> None:
    rows = [Row("quick", "1 µs", "2 µs", 0.5, 1.0), Row("slow", "3 µs", "2 µs", 1.5, 1.0), Row("scale", "", "", 2.0)]
    lines = render([Section("Steps", rows)]).splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("  ")] == ["yes", "NO", "2.000"]
    assert [row.holds for row in rows] == [True, False, True]
