from datetime import UTC, datetime, timedelta, timezone

from narrate import Pipeline, run, step
from narrate.clock import Clock, clock


def test_the_real_time_moves_and_is_aware_of_its_zone():
    before = datetime.now(UTC)
    now = Clock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert not Clock().replaying


def test_a_replay_stands_still_at_the_moment_of_its_recording():
    recorded = datetime(2026, 10, 13, 23, 0, tzinfo=timezone(timedelta(hours=-3)))
    still = Clock(recorded)
    assert still.replaying
    assert still.now() == still.now() == recorded
    assert still.now().isoformat() == "2026-10-14T02:00:00+00:00"


async def test_a_pipeline_gets_the_real_time_unless_it_is_given_another():
    @step("Looking at the clock")
    async def year(clock: Clock) -> int:
        return clock.now().year

    watch = Pipeline("watch", year, resources=[clock])
    assert await run(watch) >= 2025
    assert await run(watch, clock=Clock(datetime(1999, 1, 1, tzinfo=UTC))) == 1999
