"""What pytest gets from narrate by itself, once it is installed: recordings and golden stories as fixtures.

    cassette          replays what lies beside the test file in cassettes/MODULE/TEST/; `--record` records it
    stories           golden stories in the folder stories/ beside the test file; `--update-stories` writes them
    --block-network   no test gets beyond this machine; one that replays a cassette does not in any case

Only pytest's part of it is here. Neither fixture is async, so both serve plain tests and async ones alike.
"""

import hashlib
import re
from collections.abc import Generator, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from narrate.cassette import Cassette, Exchange, load_world
from narrate.errors import CassetteError, NetworkBlocked
from narrate.golden import Stories
from narrate.network import network_blocked
from narrate.recordings import RecordTape, ReplayTape, Tape, write

_passed = pytest.StashKey[bool]()
_told = pytest.StashKey[list[str]]()
_recorded = pytest.StashKey[dict[Path, list[Exchange]]]()

_LONGEST = 100
"""Letters of a folder's name."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `pytest` that come with narrate."""
    group = parser.getgroup("narrate", "narrated pipelines")
    group.addoption("--update-stories", action="store_true", help="Write the stories as they are told now.")
    group.addoption(
        "--record",
        action="store_true",
        help="Ask the services themselves, and write what they answer into the cassettes of the tests that pass.",
    )
    if find_spec("pytest_recording") is None:  # which has an option of the same name and meaning
        group.addoption(
            "--block-network",
            action="store_true",
            help="Let no test connect to another machine. Those that replay a cassette never do.",
        )


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker, and refuse what cannot go together."""
    config.addinivalue_line(
        "markers", "cassette(name): the recording, a folder's name in cassettes/ or a path, that `cassette` replays."
    )
    config.stash[_recorded] = {}
    if config.getoption("--record") and config.getoption("--update-stories"):
        raise pytest.UsageError(
            "Record first, and then write the stories from what was recorded: --record and --update-stories do not go "
            "together."
        )
    several = hasattr(config, "workerinput") or config.getoption("dist", "no") != "no"  # both are pytest-xdist's
    if several and config.getoption("--record"):
        raise pytest.UsageError("--record writes files that tests may share: run it in one process, without -n.")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Run all tests without a network, where that is asked for."""
    if not session.config.getoption("--block-network", default=False):
        return (yield)
    with network_blocked():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test that replays without a network; one that wanted to use it fails, whatever became of the error."""
    tape = getattr(item, "funcargs", {}).get("cassette")
    if not isinstance(tape, ReplayTape) and not item.config.getoption("--block-network", default=False):
        return (yield)
    with network_blocked() as attempts:
        try:
            gave = yield
        except BaseException as error:
            if attempts and not isinstance(error, NetworkBlocked):
                error.add_note(str(NetworkBlocked(attempts[0])))
            raise
        finally:
            if isinstance(tape, ReplayTape) and tape.unasked:
                item.add_report_section("call", "unasked recordings", "\n".join(tape.unasked))
    if attempts:
        raise NetworkBlocked(attempts[0])
    return gave


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Know whether a test passed when its fixtures are put away, and hand on what they have to say."""
    report = yield
    if call.when == "call":
        item.stash[_passed] = report.passed
    if call.when == "teardown" and (told := item.stash.get(_told, [])):
        report.narrate_told = told  # type: ignore[attr-defined]  # a report's attributes come back from xdist with it
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which files were written."""
    told = [
        line
        for reports in terminalreporter.stats.values()
        for report in reports
        for line in getattr(report, "narrate_told", ())
    ]
    if told:
        terminalreporter.section("narrate")
        for line in told:
            terminalreporter.line(line)


@pytest.fixture
def stories(request: pytest.FixtureRequest) -> Iterator[Stories]:
    """The golden stories in the folder `stories` beside the test file: `stories.check("name", story)`."""
    folder, option = request.path.parent / "stories", request.config.getoption
    golden = Stories(folder, update=option("--update-stories"), live=option("--record"))
    yield golden
    _tell(request, [f"Wrote {_shown(request, path)}" for path in golden.written])


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Tape]:
    """What the services that the test asks answer: replayed, or with `--record` recorded if the test passes.

    Give it to `narrated`, `story_of` or `same_in_every_schedule` as their `cassette`.
    """
    folder = _folder(request)
    if request.config.getoption("--record"):
        tape = RecordTape(f"What the services answered in {request.node.nodeid}.")
        _refuse_to_record(folder)
        yield tape
        if request.node.stash.get(_passed, False):
            _tell(request, _save(request, tape, folder))
        return
    yield ReplayTape(_recording_in(folder))


def _folder(request: pytest.FixtureRequest) -> Path:
    """Where the recording of a test is: named after it, or what its marker names."""
    cassettes = request.path.parent / "cassettes"
    marker = request.node.get_closest_marker("cassette")
    if marker is None:
        return cassettes / request.path.stem / _file_name(request.node.nodeid.partition("::")[2])
    if marker.kwargs or len(marker.args) != 1 or not isinstance(marker.args[0], str | Path):
        pytest.fail('A cassette is marked by one name or path: @pytest.mark.cassette("valencia").', pytrace=False)
    named = Path(marker.args[0])
    if not named.parts or ".." in named.parts:
        wrong = f"{marker.args[0]!r} names no cassette: give it a name, or a path below the test's folder."
        pytest.fail(wrong, pytrace=False)
    return cassettes / named if len(named.parts) == 1 else request.path.parent / named


def _recording_in(folder: Path) -> Cassette:
    """What is recorded there. Fails the test in one sentence where nothing is."""
    if not folder.is_file() and not any(folder.glob("*.json")):
        missing = f"There is no recording in {folder}. Run this test with --record where its services can be asked."
        pytest.fail(missing, pytrace=False)
    try:
        return load_world(folder)
    except CassetteError as error:
        problem = str(error)
    pytest.fail(problem, pytrace=False)  # outside, for else the error's own words would stand above it


def _file_name(test: str) -> str:
    """A test's name as one that every file system takes; what is lost of it by that is made up for by a hash."""
    name = re.sub(r"[^\w.]+", "-", test.replace("::", "."), flags=re.ASCII).strip("-")[:_LONGEST]
    plain = re.fullmatch(r"[\w:]+(\[[\w-]+\])?", test, re.ASCII) and len(test) < _LONGEST
    return name if plain else f"{name}-{hashlib.blake2s(test.encode(), digest_size=4).hexdigest()}"


def _refuse_to_record(folder: Path) -> None:
    """Fail where recording would write over something else: what somebody composed by hand."""
    if folder.suffix == ".json":
        pytest.fail(f"A recording is a folder, with a file for each host, and {folder} is a file.", pytrace=False)
    if any(folder.glob("*.json")) and load_world(folder).origin == "composed":
        pytest.fail(f"What is in {folder} was composed by hand. Move it away to record in its place.", pytrace=False)


def _save(request: pytest.FixtureRequest, tape: RecordTape, folder: Path) -> list[str]:
    """Write what was recorded in place of what was there; with what tests before this one recorded there."""
    if not tape.recording.exchanges:
        return [f"{request.node.nodeid} asked for nothing, so there is nothing to record."]
    together = request.config.stash[_recorded].setdefault(folder, [])
    together += tape.recording.exchanges
    asked = {exchange.request.key for exchange in together}
    kept = [exchange for exchange in _shared(request, folder) if exchange.request.key not in asked]
    for old in folder.glob("*.json"):
        old.unlink()
    recording = replace(tape.recording, exchanges=(*kept, *together))
    return [f"Wrote {_shown(request, path)}" for path in write(recording, folder)]


def _shared(request: pytest.FixtureRequest, folder: Path) -> Sequence[Exchange]:
    """What other tests may have recorded there before; nothing where the cassette is the test's own."""
    is_shared = request.node.get_closest_marker("cassette") is not None and any(folder.glob("*.json"))
    return load_world(folder).exchanges if is_shared else ()


def _tell(request: pytest.FixtureRequest, lines: list[str]) -> None:
    request.node.stash.setdefault(_told, []).extend(lines)


def _shown(request: pytest.FixtureRequest, path: Path) -> Path:
    root = request.config.rootpath
    return path.relative_to(root) if path.is_relative_to(root) else path
