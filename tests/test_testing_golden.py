"""Golden stories, and how two stories are compared and shown."""

import msgspec
import pytest
import trio

from narrate import Pipeline, StoriesDiffer, StoryUnreadable, concurrent, each, say, show, step
from narrate.comparing import Difference, maybe_difference, side_by_side
from narrate.errors import Explained
from narrate.events import Detail, Message, RunStarted, to_json
from narrate.golden import Stories
from narrate.saved import load_story
from narrate.story import Story
from narrate.testing import narrated
from narrate.usual import with_usual


@step("Slow")
async def slow() -> int:
    await trio.sleep(2)
    say("Slow, and told first.")
    return 1


@step("Quick")
async def quick() -> int:
    await trio.sleep(1)
    show("What was seen", {"quick": True})
    say("Quick, and told last.")
    return 2


@step("Each")
async def items() -> list[int]:
    async def look(item: int) -> int:
        await trio.sleep(3 - item)
        say(f"Saw {item}.")
        return item

    return await each(range(3), look, label=str)


INNER = Pipeline("inner", concurrent(items, step("Slow too", name="slow_too")(slow.fn)), title="What is inside")
MADE = Pipeline("made", concurrent(slow, quick), INNER, title="It is made")


def changed(story: Story, change) -> Story:
    """The story with every event changed; None leaves one as it is."""
    return Story([change(event) or event for event in story.events])


@pytest.fixture
def golden(tmp_path):
    Stories(tmp_path, update=True).check("made", narrated(MADE))
    return Stories(tmp_path)


def test_a_story_that_is_told_again_is_the_one_that_is_kept(golden):
    golden.check("made", narrated(MADE))

    assert golden.written == []


def test_it_is_kept_as_it_happened(golden):
    lines = (golden.folder / "made.ndjson").read_text().splitlines()

    said = [at for word in ("Quick, and", "Slow, and") for at, line in enumerate(lines) if word in line]
    assert said == sorted(said)
    assert '"run.started"' in lines[0]
    assert '"progress"' in (golden.folder / "made.ndjson").read_text()


def test_one_that_tells_the_same_is_not_written_again_and_one_that_does_not_is(golden):
    updating = Stories(golden.folder, update=True)
    updating.check("made", narrated(MADE))
    assert updating.written == []

    updating.check("made", narrated(Pipeline("made", slow)))
    assert updating.written == [golden.folder / "made.ndjson"]
    golden.check("made", narrated(Pipeline("made", slow)))


def test_a_difference_is_a_diff_of_the_two_transcripts(golden):
    other = changed(
        narrated(MADE),
        lambda event: msgspec.structs.replace(event, text="Slow.") if event == said_first(event) else None,
    )

    with pytest.raises(StoriesDiffer) as caught:
        golden.check("made", other)

    said = str(caught.value)
    assert said.startswith(f"The story is not the one in {golden.folder / 'made.ndjson'}; the first difference is in ")
    assert "\n-  Slow: Slow, and told first.\n+  Slow: Slow.\n" in said
    assert said.endswith("run pytest with --update-stories and look at what changes in the file.")


def said_first(event):
    return event if isinstance(event, Message) and event.text == "Slow, and told first." else None


def test_data_that_is_in_no_transcript_is_compared_as_well(golden):
    other = changed(
        narrated(MADE), lambda event: msgspec.structs.replace(event, data=1) if isinstance(event, Detail) else None
    )

    with pytest.raises(StoriesDiffer) as caught:
        golden.check("made", other)

    assert 'quick (detail) What was seen {"quick": true}' in str(caught.value)
    assert "≠ quick (detail) What was seen 1" in str(caught.value)


def test_a_file_that_does_not_come_out_of_the_reading_order_as_it_was_told_is_found(golden):
    kept = golden.folder / "made.ndjson"
    story = load_story(kept.read_bytes(), "made")
    began, announced, lanes = story.events[0], story.events[1:3], story.events[3:]
    quick_first = sorted(lanes[:5], key=lambda event: event.step == "slow")
    numbered = enumerate([began, *announced, *quick_first, *lanes[5:]], 1)
    kept.write_bytes(b"".join(to_json(msgspec.structs.replace(event, n=n)) + b"\n" for n, event in numbered))

    with pytest.raises(StoriesDiffer, match="does not come out in the order it was told in"):
        golden.check("made", narrated(MADE))


def test_a_file_that_holds_no_story_is_said_with_its_line(golden):
    (golden.folder / "made.ndjson").write_text('{"n": 1}\nnonsense\n')

    with pytest.raises(StoryUnreadable, match=r"made\.ndjson, line 1: "):
        golden.check("made", narrated(MADE))


def test_a_file_that_holds_a_story_nobody_can_tell_is_said_as_well(golden):
    kept = golden.folder / "made.ndjson"
    story = load_story(kept.read_bytes(), "made")
    kept.write_bytes(b"".join(to_json(msgspec.structs.replace(e, n=e.n - 1)) + b"\n" for e in story.events[1:]))

    with pytest.raises(StoryUnreadable, match=r"made\.ndjson: it begins with `step\.started`"):
        golden.check("made", narrated(MADE))


@pytest.mark.parametrize("name", ["", "../made", "a/b", ".hidden", "-x", "a b", "/made", "a\\b", "é"])
def test_a_name_that_is_no_plain_file_name_is_refused(golden, name):
    with pytest.raises(ValueError, match="cannot name a story"):
        golden.check(name, narrated(MADE))


def test_nothing_is_written_that_nobody_asked_for(tmp_path):
    with pytest.raises(StoriesDiffer, match="To write it, run pytest with --update-stories"):
        Stories(tmp_path / "stories").check("made", narrated(MADE))

    assert not (tmp_path / "stories").exists()


# How two are compared


def test_times_ids_and_what_steps_usually_take_are_no_difference():
    def later(event):
        if isinstance(event, RunStarted):
            usual = with_usual(event.outline, {"slow": 5.0, "inner": 7.0})
            return msgspec.structs.replace(event, run="another", outline=usual)
        return msgspec.structs.replace(event, t=event.t + 1)

    story = narrated(MADE)

    assert maybe_difference(story.events, changed(story, later).events) is None


def test_another_outline_is_a_difference_of_the_run():
    one, other = (
        narrated(Pipeline("p", slow, quick)),
        narrated(Pipeline("p", slow, step("Fast", name="quick")(slow.fn))),
    )

    difference = maybe_difference(one.events, other.events)

    assert difference.step == ""
    assert difference.one[0] == "run.started p p slow “Slow”, quick “Quick”"
    nested = maybe_difference(narrated(MADE).events, one.events)
    assert nested.one[0] == (
        "run.started made It is made (slow “Slow” | quick “Quick”), "
        "inner “What is inside” [(inner/items “Each” | inner/slow_too “Slow too”)]"
    )


def test_a_story_that_stops_earlier_differs_where_it_stops():
    story = narrated(MADE)

    difference = maybe_difference(story.events, story.events[:-1])

    assert difference.step == ""
    assert len(difference.one) == len(difference.other) + 1


def test_a_number_is_not_a_truth_and_an_order_is_told_too():
    story = narrated(MADE)

    def shown(data):
        return changed(
            story, lambda event: msgspec.structs.replace(event, data=data) if isinstance(event, Detail) else None
        )

    assert maybe_difference(shown([1]).events, shown([True]).events) is not None
    assert maybe_difference(shown([1]).events, shown([1.0]).events) is not None
    assert maybe_difference(shown({"a": 1, "b": 2}).events, shown({"b": 2, "a": 1}).events) is not None


def test_of_two_failed_runs_it_is_the_failure_that_counts():
    class Bad(Explained):
        pass

    def failing(words):
        @step("Failing", name="failing")
        async def fails() -> None:
            raise Bad(words)

        return narrated(Pipeline("p", slow, concurrent(fails, step("Beside", name="beside")(slow.fn)))).events

    assert maybe_difference(failing("One."), failing("One.")) is None
    assert maybe_difference(failing("One."), failing("Two.")).step == "failing"


# How they are shown


def test_two_columns_wrap_and_mark_what_differs():
    one = ["same", *["long words"] * 3, "a " * 40, "end"]
    difference = Difference("", one, [*one[:4], "b", "end"])

    assert side_by_side(difference, ("left", "right"), width=43) == "\n".join(
        [
            "left                   right",
            "────────────────────   ────────────────────",
            "⋮                      ⋮",
            *["long words             long words"] * 3,
            "a a a a a a a a a a  ≠ b",
            "    a a a a a a a a  ≠",
            "    a a a a a a a a  ≠",
            "    a a a a a a a a  ≠",
            "    a a a a a a      ≠",
            "end                    end",
        ]
    )


def test_very_much_is_cut():
    shown = side_by_side(Difference("", [str(n) for n in range(500)], ["x"] * 500), ("left", "right"))

    assert len(shown.splitlines()) < 50
    assert shown.splitlines()[-1].split() == ["⋮", "⋮"]
