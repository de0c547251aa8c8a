"""The eighth law, as a property of made-up pipelines that are interrupted wherever it may be."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import trio
import trio.testing
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from narrate.events import Event, Terminal
from narrate.grammar import check_record
from narrate.journal.sqlite import SqliteJournal
from narrate.narrator import open_narrator
from narrate.past import Past
from narrate.running import Events
from tests.generated import Built, Witness, pipelines

DEADLINE = 5000.0
"""Virtual seconds in which every run must have ended."""


async def interrupted_and_gone_on_with(built: Built, path: Path, stops: Sequence[int]) -> list[Event]:
    """Run it, stopping the process (but for its memory of what steps did) each time so many more events are told."""
    witness = built.witness = Witness(7)
    run_id, told, done = None, [], {}
    for more in [*stops, None]:
        journal = SqliteJournal(path)
        async with open_narrator([built.pipeline], journal=journal) as narrator:
            if run_id is None:
                run_id = (await narrator.begin(built.pipeline)).id
            else:
                await narrator.pick_up()
            events = Events(await journal.maybe_reader(run_id), status=False)
            heard = []
            with trio.fail_after(DEADLINE):
                while (more is None or len(heard) < len(told) + more) and not (
                    heard and isinstance(heard[-1], Terminal)
                ):
                    heard.append(await anext(events))
            narrator.hand_over()
        assert heard[: len(told)] == told, "what was told has changed"
        assert done.items() <= dict(witness.attempts).items(), "a finished step was run again"
        told = heard
        if isinstance(told[-1], Terminal):
            break
        done = {step: witness.attempts[step] for step in await finished(path)}
    return told


async def finished(path: Path) -> list[str]:
    """The steps that the next process finds done, in a run that is then left for it."""
    journal = SqliteJournal(path)
    async with journal.open():
        return [step for one in await journal.unfinished() for step, _ in Past(one.events, one.kept).finished]


@given(stages=pipelines(wild=True), stops=st.lists(st.integers(1, 12), max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_wherever_a_run_is_interrupted_its_record_grows_legally_to_one_end_and_nothing_finished_is_done_again(
    stages, stops
):
    built = Built(stages)
    with tempfile.TemporaryDirectory() as folder:
        clock = trio.testing.MockClock(autojump_threshold=0)
        told = trio.run(interrupted_and_gone_on_with, built, Path(folder) / "runs.db", stops, clock=clock)

    check_record(told)
    event(told[-1].type)
    event(f"interrupted {sum(e.type == 'step.retrying' and 'server stopped' in e.reason for e in told)} times")
