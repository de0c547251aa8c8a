"""What pytest gets from narrate, in real little projects."""

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import dedent

import pytest

from narrate.cassette import load_world

pytest_plugins = ["pytester"]

ASKS = """
    import httpx, trio
    from narrate import Pipeline, say, step
    from narrate.clock import Clock, clock
    from narrate.testing import narrated, same_in_every_schedule, story_of
    from narrate.transport import transport

    @step("Asking")
    async def asking(given: str, transport: httpx.AsyncBaseTransport, clock: Clock) -> str:
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.get(given)
        say(f"It is {clock.now().year}.")
        return answer.text

    asks = Pipeline("asks", asking, takes=str, resources=[transport, clock])
"""

PARTY = """
    import trio
    from narrate import Pipeline, concurrent, say, step
    from narrate.testing import Stories, narrated

    @step("Ada comes")
    async def ada() -> str:
        await trio.sleep(2)
        say("Here is Ada.")
        return "Ada"

    @step("Bob comes")
    async def bob() -> str:
        await trio.sleep(1)
        say("Here is Bob.")
        return "Bob"

    party = Pipeline("party", concurrent(ada, bob))
"""

STORY = """
    from party import narrated, party

    def test_it(stories):
        stories.check("everybody", narrated(party))
"""


class Project:
    """A little project with tests, run as a person would run them."""

    def __init__(self, pytester):
        self.path = pytester.path
        self._pytester = pytester
        pytester.syspathinsert()
        pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers -p no:cacheprovider\n")

    def write(self, **files):
        self._pytester.makepyfile(**{name: dedent(text) for name, text in files.items()})

    def pytest(self, *options):
        return self._pytester.runpytest_inprocess(*options)

    def replayed(self, test, answer, *, url="http://a.test/x", origin="recorded", module="test_asks"):
        """Put a recording of one answer where the test looks for it."""
        folder = self.path / "cassettes" / module / test
        folder.mkdir(parents=True)
        (folder / "a.test.json").write_text(
            f'{{"narrate_cassette": 1, "origin": "{origin}", "about": "A test.", "at": "2001-10-13T09:12:00+00:00", '
            f'"exchanges": [{{"request": {{"method": "GET", "url": "{url}"}}, '
            f'"response": {{"status": 200, "after": 3, "text": "{answer}"}}}}]}}'
        )
        return folder


@pytest.fixture
def project(pytester):
    return Project(pytester)


@pytest.fixture
def shop():
    """A real HTTP server; it gives back the path it was asked for, and is closed with `shop.shutdown()`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.path.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()


def test_the_help_shows_the_options_and_the_marker(project):
    said = project.pytest("--help").stdout.str()
    options = said[said.index("narrated pipelines:") :]

    assert re.findall(r"^  (--[\w-]+)", options, re.MULTILINE)[:3] == [
        "--update-stories",
        "--record",
        "--block-network",
    ]
    assert "@pytest.mark.cassette(name)" in project.pytest("--markers").stdout.str()


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


REACHES = """
    import socket

    def by_address():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect(("192.0.2.1", 80))

    def by_name():
        socket.create_connection(("shop.test", 80))

    def test_it({fixture}):
        {how}()
"""


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

    project.pytest("-p", "pytest_recording").assert_outcomes(passed=1)
    project.pytest("-p", "pytest_recording", "--block-network").assert_outcomes(failed=1)


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

    outcome.assert_outcomes(errors=1)
    outcome.stdout.fnmatch_lines(["*names no cassette*"])
