"""The story as sentences for people, event by event."""

import pytest

from narrate.errors import Problem
from narrate.events import (
    Answer,
    Detail,
    Event,
    Gap,
    Message,
    OutlinedGroup,
    OutlinedPipeline,
    OutlinedStep,
    Progress,
    Question,
    RunCancelledEvent,
    RunFailedEvent,
    RunFinished,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Token,
)
from narrate.wire.text import TextForm, transcript

BUSY = Problem(title="Busy", status=503, detail="It is busy.")
OUTLINE = (
    OutlinedStep("a", "Finding …"),
    OutlinedGroup((OutlinedStep("b", "Left:"), OutlinedPipeline("c", "Inner", (OutlinedStep("c/d", "Deep"),)))),
)
BEGUN = RunStarted("r", "p", "A title", OUTLINE, t=0.0)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (BEGUN, "A title\n\n"),
        (RunStarted("r", "p", "T", (), "A replay.", t=0.0), "A replay.\nT\n\n"),
        (StepStarted("a", "Finding you", t=0.0), "• Finding you\n"),
        (Message("a", "Here.", t=0.0), "  Finding: Here.\n"),
        (Message("a", "One.\nTwo.", t=0.0), "  Finding: One.\n  Two.\n"),
        (Message("unheard", "Of.", t=0.0), "  unheard: Of.\n"),
        (Message("c/d", "Of.", t=0.0), "    Deep: Of.\n"),
        (Message("b", "Of.", t=0.0), "  Left: Of.\n"),
        (Token("a", "piece", t=0.0), "  Finding: piece"),
        (Token("a", "two\nlines", first=1, t=0.0), "  Finding: two\n  lines"),
        (Detail("a", "Table", {"x": 1}, 7, t=0.0), "  Finding: [Table]\n"),
        (
            StepRetrying("a", 1, 3, 0.5, "It is busy.", t=0.0),
            "  Finding: Attempt 1 of 3 failed: It is busy. Trying again.\n",
        ),
        (StepFinished("a", 0.5, t=0.0), ""),
        (StepFinished("a", 0.5, "Two found.", t=0.0), "  Finding: Two found.\n"),
        (StepSkipped("b", "It was not needed.", t=0.0), "• Left: – skipped: It was not needed.\n"),
        (StepSkipped("new", "No.", t=0.0), "• new – skipped: No.\n"),
        (StepFailed("a", BUSY, t=0.0), "  Finding: ✗ It is busy.\n"),
        (StepCancelled("a", "Enough.", t=0.0), "  Finding: ✗ stopped: Enough.\n"),
        (RunFinished(1, 2.04, t=0.0), "\nDone in 2.0 s.\n"),
        (RunFailedEvent(BUSY, 2.0, t=0.0), "\nFailed in 2.0 s: It is busy.\n"),
        (RunCancelledEvent("Enough.", 2.0, t=0.0), "\nCancelled in 2.0 s: Enough.\n"),
        (Gap(3, 9, t=0.0), "(What was told from 3 to 9 is no longer kept.)\n"),
        (Progress("a", done=1, t=0.0), ""),
    ],
)
def test_every_event_has_its_words(event, told):
    form = TextForm()
    form.story([BEGUN])
    assert form.story([event]) == told


def lines(*events: Event) -> list[str]:
    return transcript([BEGUN, *events]).splitlines()[2:]


def test_a_line_right_under_its_title_does_not_repeat_it():
    assert lines(StepStarted("a", "Finding you…", t=0.0), Message("a", "1", t=0.0), Message("a", "2", t=0.0)) == [
        "• Finding you…",
        "  1",
        "  2",
    ]


def test_lines_told_later_say_whose_they_are():
    told = lines(
        StepStarted("a", "Finding you…", t=0.0),
        StepStarted("b", "Left", t=0.0),
        Message("a", "1", t=0.0),
        Message("b", "2", t=0.0),
        StepFinished("b", 0.1, "3", t=0.0),
        Message("a", "4", t=0.0),
    )
    assert told == ["• Finding you…", "• Left", "  Finding you: 1", "  Left: 2", "  3", "  Finding you: 4"]


def test_a_step_within_another_stands_below_it():
    told = lines(
        StepStarted("b", "Left", t=0.0),
        StepStarted("c", "Inner?", t=0.0),
        StepStarted("c/d", "Deep", t=0.0),
        StepStarted("c/d/1", "Item", t=0.0),
        StepStarted("c/d/2", "Other", t=0.0),
        Message("c/d/1", "1\n2", t=0.0),
        Token("c/d/2", "3\n4", t=0.0),
        StepFinished("c", 0.1, "5", t=0.0),
    )
    assert told == [
        "• Left",
        "• Inner?",
        "  • Deep",
        "    • Item",
        "    • Other",
        "      Item: 1",
        "      2",
        "      Other: 3",
        "      4",
        "  Inner: 5",
    ]


def test_where_another_spoke_meanwhile_it_is_said_again_what_a_step_is_a_part_of():
    told = lines(
        StepStarted("c", "Inner?", t=0.0),
        StepStarted("b", "Left", t=0.0),
        StepStarted("c/d", "Deep", t=0.0),
        StepSkipped("c/e", "No.", t=0.0),
        Message("b", "1", t=0.0),
        StepSkipped("c/f", "No.", t=0.0),
    )
    assert told == [
        "• Inner?",
        "• Left",
        "  Inner:",
        "  • Deep",
        "  • c/e – skipped: No.",
        "  Left: 1",
        "  Inner:",
        "  • c/f – skipped: No.",
    ]


def test_what_follows_a_skipped_step_is_not_taken_for_its_words():
    told = lines(StepStarted("a", "Finding", t=0.0), StepSkipped("b", "No.", t=0.0), Message("a", "1", t=0.0))
    assert told[-1] == "  Finding: 1"


def test_what_follows_a_gap_says_whose_it_is():
    told = lines(StepStarted("a", "Finding", t=0.0), Gap(3, 9, t=0.0), Message("a", "1", t=0.0))
    assert told[-1] == "  Finding: 1"


def test_tokens_run_on_in_their_line_until_something_else_is_told():
    told = lines(
        StepStarted("a", "Finding", t=0.0),
        *[Token("a", text, t=0.0) for text in ("On", "e tw", "o.\nThr", "ee.")],
        Message("a", "Said.", t=0.0),
        Token("b", "Mine.", t=0.0),
        Token("a", "Mine again.", t=0.0),
        RunFinished(1, 1.0, t=0.0),
    )
    assert told == [
        "• Finding",
        "  One two.",
        "  Three.",
        "  Said.",
        "  Left: Mine.",
        "  Finding: Mine again.",
        "",
        "Done.",
    ]


def asked(n: int, question: str, step: str = "a") -> Question:
    return Question(step, question, n=n, t=0.0)


def answer(n: int, to: int, value: str | None = "x", by: str = "person", step: str = "a") -> Answer:
    return Answer(step, to, by, value, n=n, t=0.0)


def test_an_answer_right_below_its_question_is_an_answer_alone():
    told = lines(StepStarted("a", "Finding", t=0.0), asked(3, "One?"), answer(4, 3), asked(5, "Two?"), answer(6, 5))
    assert told == ["• Finding", "  ? One?", "  → x", "  ? Two?", "  → x"]


def test_an_answer_with_something_between_names_its_question():
    told = lines(
        StepStarted("a", "Finding", t=0.0),
        asked(3, "Other?"),
        asked(4, "One?\nIt may rain."),
        answer(5, 3),
        answer(6, 4, "y\nz", "default"),
        asked(7, "Two?"),
        Message("a", "Well.", n=8, t=0.0),
        answer(9, 7, None, "nobody"),
    )
    assert told == [
        "• Finding",
        "  ? Other?",
        "  ? One?",
        "  It may rain.",
        "  Other? → x",
        "  One? → y",
        "  z (nobody answered in time)",
        "  ? Two?",
        "  Well.",
        "  Two? → Nobody answered.",
    ]


def test_an_answer_where_another_spoke_meanwhile_says_whose_it_is_and_to_what():
    told = lines(asked(3, "One?"), Message("b", "Well.", n=4, t=0.0), answer(5, 3))
    assert told == ["  Finding: ? One?", "  Left: Well.", "  Finding: One? → x"]


def test_of_a_question_without_words_and_of_one_that_was_not_heard_an_answer_is_all_that_is_told():
    told = lines(asked(3, "\n"), Gap(4, 9, n=9, t=0.0), answer(10, 3), answer(11, 7))
    assert told[-2:] == ["  Finding: → x", "  → x"]


@pytest.mark.parametrize(
    "end",
    [StepFinished("a", 1.0, n=5, t=0.0), StepFailed("a", BUSY, n=5, t=0.0), StepCancelled("a", "Enough.", n=5, t=0.0)],
)
def test_what_a_step_has_asked_is_forgotten_with_its_end(end):
    hm = Message("b", "Hm.", n=6, t=0.0)
    told = lines(asked(3, "One?"), asked(4, "Two?", "b"), end, hm, answer(7, 3), answer(8, 4, step="b"))
    assert told[-2:] == ["  Finding: → x", "  Left: Two? → x"]


def test_a_transcript_has_no_times():
    events = [BEGUN, StepStarted("a", "A", t=1.0), StepFinished("a", 1.5, "x", t=2.5)]
    ends = [RunFinished(1, 9.0, t=9.0), RunFailedEvent(BUSY, 9.0, t=9.0), RunCancelledEvent("Enough.", 9.0, t=9.0)]
    told = "".join(transcript([*events, end]) for end in ends)
    assert not any(character.isdigit() for character in told)


def test_a_terminal_is_given_nothing_to_obey():
    told = lines(Message("a", "\x1b[2Jclear\x07\x9b31m\r\n\ttab", t=0.0))
    assert told == ["  Finding: �[2Jclear��31m�", "  \ttab"]
