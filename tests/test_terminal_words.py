"""What the terminal says in words: as the page says it."""

import pytest

from narrate.events import Progress
from narrate.terminal.words import about, duration, how_far, size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (7_260, "2 h 1 min"),
    ],
)
def test_a_duration_has_as_much_in_it_as_matters(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "under 1 s"), (1.4, "1 s"), (12.4, "12 s"), (63, "1 min 5 s"), (3_600, "1 h 0 min")]
)
def test_what_is_expected_is_rounded_because_it_is_a_guess(seconds, said):
    assert about(seconds) == said


@pytest.mark.parametrize(("length", "said"), [(999, "999 B"), (4_700, "4.7 kB"), (2_500_000, "2.5 MB")])
def test_a_size_is_short(length, said):
    assert size(length) == said


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress("a", done=116_512, of=200_000, unit="rows", t=0.0), "116,512 of 200,000 rows"),
        (Progress("a", done=999, t=0.0), "999"),
        (Progress("a", done=0.5, of=2.0, unit="GB", t=0.0), "0.5 of 2 GB"),
        (Progress("a", text="Nearly there.", t=0.0), "Nearly there."),
    ],
)
def test_how_far_a_step_is_can_be_read_at_a_glance(progress, said):
    assert how_far(progress) == said
