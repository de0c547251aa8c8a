"""What pytest gets from narrate, in real little projects."""

import re
import sys

import pytest

from tests.little_projects import ASKS, PARTY, REACHES, STORY

pytest_plugins = ["pytester", "tests.plugged"]


def test_the_help_shows_the_options_and_the_marker(project):
    said = project.pytest("--help").stdout.str()
    options = said[said.index("narrated pipelines:") :]

    assert re.findall(r"^  (--[\w-]+)", options, re.MULTILINE)[:3] == [
        "--update-stories",
        "--record",
        "--block-network",
    ]
    assert "@pytest.mark.cassette(name)" in project.pytest("--markers").stdout.str()


# Golden stories


def test_a_story_is_kept_only_when_that_is_asked_for_and_then_checked(project):
    project.write(party=PARTY, test_party=STORY)
    kept = project.path / "stories" / "everybody.ndjson"

    first = project.pytest()
    assert not kept.exists()
    first.assert_outcomes(failed=1)
    assert f"There is no story {kept}. To write it, run pytest with --update-stories." in first.stdout.str()

    written = project.pytest("--update-stories")
    written.assert_outcomes(passed=1)
    assert "Wrote stories/everybody.ndjson" in written.stdout.str()

    project.pytest().assert_outcomes(passed=1)
    before = kept.read_bytes()
    assert "Wrote" not in project.pytest("--update-stories").stdout.str()
    assert kept.read_bytes() == before


def test_a_story_that_has_changed_is_shown_with_what_to_do(project):
    project.write(party=PARTY, test_party=STORY)
    project.pytest("--update-stories").assert_outcomes(passed=1)
    project.write(party=PARTY.replace("Here is Bob.", "Bob is here."))

    ended = project.pytest()

    ended.assert_outcomes(failed=1)
    said = ended.stdout.str()
    assert "the first difference is in step `bob`" in said
    assert "-  Bob comes: Here is Bob." in said
    assert "+  Bob comes: Bob is here." in said
    assert "run pytest with --update-stories" in said
    project.pytest("--update-stories").assert_outcomes(passed=1)
    project.pytest().assert_outcomes(passed=1)


# Beside others


def test_recording_is_refused_in_several_processes(project):
    project.write(
        several="""
    def pytest_addoption(parser):
        parser.addoption("--dist", default="no")
    """,
        test_it="def test_it(): ...",
    )

    assert project.pytest("-p", "several", "--record").ret == pytest.ExitCode.OK
    ended = project.pytest("-p", "several", "--record", "--dist", "load")

    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    assert "--record writes files that tests may share" in ended.stderr.str()


def test_a_recording_in_a_single_file_is_replayed_and_not_recorded_over(project):
    project.write(
        test_asks=ASKS
        + """
    import pytest

    @pytest.mark.cassette("cassettes/shop/a.test.json")
    def test_it(cassette):
        assert narrated(asks, "http://a.test/x", cassette=cassette).result == "hello"
    """
    )
    project.replayed("test_it", "hello").rename(project.path / "cassettes" / "shop")

    project.pytest().assert_outcomes(passed=1)
    ended = project.pytest("--record")
    ended.assert_outcomes(errors=1)
    assert "A recording is a folder, with a file for each host" in ended.stdout.str()


def test_an_option_of_another_plugin_with_the_same_name_is_left_to_it(project):
    project.write(
        pytest_recording="""
    def pytest_addoption(parser):
        parser.addoption("--block-network", action="store_true")
    """,
        test_asks=REACHES.format(fixture="", how="by_address"),
    )

    without, blocked = (
        project.pytest("-p", "pytest_recording"),
        project.pytest("-p", "pytest_recording", "--block-network"),
    )

    assert (without.parseoutcomes(), blocked.parseoutcomes()) == ({"passed": 1}, {"failed": 1})


def test_the_kit_can_be_used_without_pytest(project):
    project.write(
        script="""
    import sys
    sys.modules["pytest"] = None
    import narrate.testing
    """
    )

    ended = project._pytester.run(sys.executable, "script.py")

    assert ended.ret == 0


# Together


def test_stories_are_not_written_from_what_is_being_recorded(project):
    project.write(test_nothing="def test_it(): pass")

    outcome = project.pytest("--record", "--update-stories")

    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["*Record first, and then write the stories from what was recorded*"])


def test_while_recording_no_story_is_compared(project, shop):
    project.write(
        test_asks=ASKS
        + f"""
    def test_it(cassette, stories):
        stories.check("tea", narrated(asks, "{shop.url}/tea", cassette=cassette))
    """
    )

    project.pytest("--record").assert_outcomes(passed=1)
    project.pytest("--update-stories").assert_outcomes(passed=1)
    project.pytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("name", ["", "..", "../else"])
def test_a_marker_that_names_no_cassette_is_refused(project, name):
    project.write(
        test_asks=f"""
    import pytest

    @pytest.mark.cassette({name!r})
    def test_it(cassette): pass
    """
    )

    outcome = project.pytest()

    assert outcome.parseoutcomes() == {"errors": 1}
    assert "names no cassette" in outcome.stdout.str()
