"""What pytest gets from narrate: recordings, and no network beside them."""

import re

import pytest

from narrate.cassette import load_world
from tests.little_projects import ASKS, REACHES

pytest_plugins = ["pytester", "tests.plugged"]


# Recordings


def test_a_test_replays_what_lies_beside_it(project):
    project.write(
        test_asks=ASKS
        + """
    def test_plain(cassette):
        story = narrated(asks, "http://a.test/x", cassette=cassette)
        assert story.result == "hello"
        assert story.took == 3
        assert story.lines == ("Asking", "It is 2001.")

    def test_schedules(cassette):
        assert same_in_every_schedule(asks, "http://a.test/x", schedules=3, cassette=cassette).result == "hi"
    """
    )
    project.replayed("test_plain", "hello")
    project.replayed("test_schedules", "hi")

    project.pytest().assert_outcomes(passed=2)


@pytest.mark.parametrize("mode", ["true", "false"])
def test_an_async_test_replays_on_its_own_clock_in_either_mode_of_pytest_trio(project, mode):
    project.write(
        test_asks=ASKS
        + """
    import pytest

    @pytest.mark.trio
    async def test_it(cassette, autojump_clock):
        assert (await story_of(asks, "http://a.test/x", cassette=cassette)).result == "hello"
        assert trio.current_time() == 3
    """
    )
    project.replayed("test_it", "hello")

    project.pytest("-o", f"trio_mode={mode}").assert_outcomes(passed=1)


def test_plain_tests_need_no_pytest_trio(project):
    project.write(
        test_asks=ASKS
        + """
    def test_it(cassette, stories):
        story = narrated(asks, "http://a.test/x", cassette=cassette)
        stories.check("asked", story)
    """
    )
    project.replayed("test_it", "hello")

    project.pytest("-p", "no:trio", "--update-stories").assert_outcomes(passed=1)
    project.pytest("-p", "no:trio").assert_outcomes(passed=1)


def test_a_missing_recording_is_one_sentence_with_its_folder_and_what_to_do(project):
    project.write(test_asks=ASKS + "\n    def test_it(cassette): ...\n")

    ended = project.pytest()

    ended.assert_outcomes(errors=1)
    folder = project.path / "cassettes" / "test_asks" / "test_it"
    assert f"There is no recording in {folder}. Run this test with --record" in ended.stdout.str()
    assert "No such file" not in ended.stdout.str()
    assert "pytest_plugin.py" not in ended.stdout.str()


def test_a_recording_that_cannot_be_read_says_which_and_why(project):
    project.write(test_asks=ASKS + "\n    def test_it(cassette): ...\n")
    (project.replayed("test_it", "") / "a.test.json").write_text("{")

    assert "a.test.json: is not JSON" in project.pytest().stdout.str()


def test_what_is_recorded_once_can_be_replayed_without_the_server(project, shop):
    project.write(
        test_asks=ASKS
        + f"""
    import pytest
    SHOP = "{shop.url}"

    def test_it(cassette):
        assert narrated(asks, SHOP + "/beans", cassette=cassette).result == "/beans"

    class TestMore:
        @pytest.mark.parametrize("what", ["tea", "a/b?c=d"])
        def test_many(self, cassette, what):
            assert narrated(asks, f"{{SHOP}}/{{what}}", cassette=cassette).result == "/" + what

    @pytest.mark.trio
    async def test_async(cassette):
        assert (await story_of(asks, SHOP + "/milk", cassette=cassette)).result == "/milk"
    """
    )

    recorded = project.pytest("--record")
    shop.shutdown()
    shop.server_close()

    recorded.assert_outcomes(passed=4)
    written = sorted(path.parent.name for path in (project.path / "cassettes" / "test_asks").glob("*/127.0.0.1.json"))
    assert [re.sub(r"-[0-9a-f]{8}$", "-HASH", name) for name in written] == [
        *("TestMore.test_many-a-b-c-d-HASH", "TestMore.test_many-tea", "test_async", "test_it")
    ]
    assert "Wrote cassettes/test_asks/test_it/127.0.0.1.json" in recorded.stdout.str()
    project.pytest().assert_outcomes(passed=4)


def test_what_a_failing_test_heard_is_not_kept(project, shop):
    project.write(
        test_asks=ASKS
        + f"""
    def test_it(cassette):
        assert narrated(asks, "{shop.url}/beans", cassette=cassette).result == "tea"
    """
    )

    project.pytest("--record").assert_outcomes(failed=1)

    assert not (project.path / "cassettes").exists()


def test_a_recording_may_be_named_and_shared_and_what_one_test_does_not_ask_for_is_left_for_the_others(project, shop):
    project.write(
        test_asks=ASKS
        + f"""
    import pytest
    pytestmark = pytest.mark.cassette("shop")

    @pytest.mark.parametrize("what", ["tea", "milk"])
    def test_many(cassette, what):
        assert narrated(asks, f"{shop.url}/{{what}}", cassette=cassette).result == "/" + what
    """
    )
    others = project.path / "cassettes" / "shop" / "old.test.json"
    project.replayed("x", "old", module="x").rename(project.path / "cassettes" / "shop")
    (others.parent / "a.test.json").rename(others)
    before = load_world(others.parent).exchanges

    project.pytest("--record").assert_outcomes(passed=2)

    asked = {exchange.request.url for exchange in load_world(others.parent).exchanges}
    assert asked == {f"{shop.url}/tea", f"{shop.url}/milk", *(exchange.request.url for exchange in before)}
    project.pytest().assert_outcomes(passed=2)


def test_a_recording_may_lie_elsewhere(project):
    project.write(
        test_asks=ASKS
        + """
    import pytest

    @pytest.mark.cassette("fixtures/shop")
    def test_it(cassette):
        assert narrated(asks, "http://a.test/x", cassette=cassette).result == "hello"

    @pytest.mark.cassette
    def test_unnamed(cassette): ...
    """
    )
    (project.path / "fixtures").mkdir()
    project.replayed("test_it", "hello").rename(project.path / "fixtures" / "shop")

    ended = project.pytest()

    ended.assert_outcomes(passed=1, errors=1)
    assert 'marked by one name or path: @pytest.mark.cassette("valencia")' in ended.stdout.str()


def test_what_was_composed_by_hand_is_not_recorded_over(project, shop):
    project.write(test_asks=ASKS + f'\n    def test_it(cassette): narrated(asks, "{shop.url}", cassette=cassette)\n')
    folder = project.replayed("test_it", "hello", origin="composed")
    before = (folder / "a.test.json").read_text()

    ended = project.pytest("--record")

    ended.assert_outcomes(errors=1)
    assert f"What is in {folder} was composed by hand." in ended.stdout.str()
    assert (folder / "a.test.json").read_text() == before


def test_a_test_that_asks_for_nothing_records_nothing_and_says_so(project):
    project.write(test_asks="def test_it(cassette): ...")

    ended = project.pytest("--record")

    ended.assert_outcomes(passed=1)
    assert "test_asks.py::test_it asked for nothing, so there is nothing to record." in ended.stdout.str()


def test_a_failing_test_shows_what_it_did_not_ask_for_and_a_passing_one_does_not(project):
    project.write(
        test_asks=ASKS
        + """
    def test_fails(cassette):
        assert narrated(asks, "http://a.test/y", cassette=cassette).result == "hello"

    def test_passes(cassette): ...
    """
    )
    project.replayed("test_fails", "hello")
    project.replayed("test_passes", "hello", url="http://a.test/z")

    ended = project.pytest()

    ended.assert_outcomes(passed=1, failed=1)
    said = ended.stdout.str()
    assert "Captured unasked recordings call" in said
    assert "\nGET http://a.test/x\n" in said
    assert "http://a.test/z" not in said


# The network


@pytest.mark.parametrize(("how", "where"), [("by_address", "192.0.2.1:80"), ("by_name", "shop.test:80")])
def test_a_test_that_replays_gets_no_connection_to_another_machine(project, how, where):
    project.write(test_asks=REACHES.format(fixture="cassette", how=how))
    project.replayed("test_it", "hello")

    ended = project.pytest()

    ended.assert_outcomes(failed=1)
    assert f"was about to connect to {where}." in ended.stdout.str()


def test_without_a_cassette_it_is_only_blocked_where_that_is_asked_for(project):
    project.write(test_asks=REACHES.format(fixture="", how="by_address"))

    project.pytest().assert_outcomes(passed=1)
    ended = project.pytest("--block-network")
    ended.assert_outcomes(failed=1)
    assert "was about to connect to 192.0.2.1:80" in ended.stdout.str()


def test_a_connection_that_a_step_gets_over_fails_the_test_all_the_same(project):
    project.write(
        test_asks=ASKS
        + """
    @step("Going round it", fallback="offline")
    async def round_it() -> str:
        async with httpx.AsyncClient() as client:
            return (await client.get("http://192.0.2.1/x")).text

    def test_got_over(cassette):
        assert narrated(Pipeline("p", round_it)).result == "offline"

    def test_noted(cassette):
        assert narrated(Pipeline("p", round_it)).result == "online"
    """
    )
    project.replayed("test_got_over", "hello")
    project.replayed("test_noted", "hello")

    ended = project.pytest()

    ended.assert_outcomes(failed=2)
    said = ended.stdout.str()
    assert "narrate.errors.NetworkBlocked" in said
    assert said.count("was about to connect to 192.0.2.1:80") >= 2


def test_this_machine_can_be_asked_while_a_test_replays(project, shop):
    project.write(
        test_asks=f"""
    import urllib.request, socket, tempfile, os

    def test_it(cassette):
        for host in ("127.0.0.1", "localhost"):
            assert urllib.request.urlopen(f"http://{{host}}:{shop.server_port}/tea").read() == b"/tea"
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.join(folder, "s"))
            one.listen()
            with socket.socket(socket.AF_UNIX) as other:
                other.connect(os.path.join(folder, "s"))
                one.accept()[0].close()
    """
    )
    project.replayed("test_it", "hello")

    project.pytest().assert_outcomes(passed=1)
