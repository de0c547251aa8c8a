"""The deploy from end to end: real repositories, real child processes, a real server that outlives the run."""

import os

import httpx
import pytest
import trio

import serving_process
from narrate import RunCancelled, RunFailed, start
from narrate.testing import story_of
from place import Place
from tests.examples.deploying import (
    FOR_EVER,
    RECIPE,
    Repository,
    answer,
    deploy,
    git,
    releases,
    runs,
    runs_any_of,
    sh,
    until_said,
)
from tests.serving import heard, served, until


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


@pytest.fixture
async def place(tmp_path):
    place = Place(tmp_path / "site")
    yield place
    await serving_process.stop(place)


@pytest.fixture
def given(repository, place):
    return {"repository": str(repository.folder), "to": str(place.folder)}


async def test_the_story_reads_as_if_somebody_told_what_they_do(repository, place, given):
    story = await story_of(deploy, given)

    release, port = story.result.release, httpx.URL(story.result.url).port
    told = story.transcript.splitlines()
    asked = told.index(f"  Asking http://127.0.0.1:{port}/health whether all is well.")
    well = told.index("  It answers: all is well.")
    assert all(line.startswith("  Not yet: nobody answers. Asking again in ") for line in told[asked + 1 : well])
    told[told.index(next(line for line in told if line.startswith("  Ran 4 tests in")))] = "  Ran 4 tests"
    assert [*told[: asked + 1], *told[well:]] == [
        "Deploying a repository",
        "",
        "• Finding out which commit `HEAD` is…",
        f"  It is {release[:7]} in {repository.folder}.",
        "• Looking at what is live now…",
        f"  Nothing has gone live in {place.folder} yet.",
        f"• Fetching {release[:7]}…",
        "  Its message is “A change”.",
        "  [How it wants to be deployed]",
        "• Linting…",
        "• Running the tests…",
        "• Building…",
        "  Linting: Running `python -m compileall -q .`.",
        "  The linter finds nothing wrong.",
        "  Running the tests: Running `python -m unittest`.",
        "  ....",
        f"  {'-' * 70}",
        "  Ran 4 tests",
        "  OK",
        "  They pass.",
        "  Building: Running `python build.py`.",
        "  public/index.html, 151 bytes",
        "  public/wheat.html, 88 bytes",
        "  public/walnut.html, 92 bytes",
        "  It is built.",
        f"• Going live with {release[:7]}…",
        f"  The link `current` now points to {release}.",
        f"  `python serve.py` runs on port {port}.",
        f"  Asking http://127.0.0.1:{port}/health whether all is well.",
        "  It answers: all is well.",
        f"  Release {release} is live at http://127.0.0.1:{port} now.",
        "• Removing old releases…",
        f"  It is live at http://127.0.0.1:{port}.",
        "",
        "Done.",
    ]


async def test_what_went_live_is_what_was_built_and_its_server_outlives_the_run(place, given):
    story = await story_of(deploy, given)

    assert "Walnut bread" in answer(place).text
    assert place.current.resolve() == story.result.folder
    assert (place.current / "public" / "walnut.html").is_file()
    assert not (place.current / ".git").exists()


async def test_the_next_deploy_takes_the_place_of_the_one_before_on_the_same_port(repository, place, given):
    first = (await story_of(deploy, given)).result
    server = serving_process.maybe_serving(place)
    assert runs_any_of(server.group)
    repository.commit({"breads.toml": '[rye]\nname = "Rye"\ngrams = 1000\ncents = 510\n'})

    second = (await story_of(deploy, given)).result

    assert "Rye" in answer(place).text
    assert second.url == first.url
    assert second.before == first.release
    assert serving_process.maybe_serving(place) != server
    assert not runs_any_of(server.group)


async def test_only_the_last_releases_are_kept(repository, place, given):
    made = []
    for number in range(4):
        repository.commit({"number.txt": str(number)})
        made.append((story := await story_of(deploy, given)).result.release)

    assert releases(place) == sorted(made[1:])
    assert f"Removed {made[0]}." in story.lines
    assert "The previous release's server has stopped." in story.lines


async def test_any_ref_can_be_deployed(repository, place, given):
    first = git(repository.folder, "rev-parse", "HEAD").strip()
    git(repository.folder, "tag", "--annotate", "v1", "--message", "The first")
    second = repository.commit({"more.txt": "more"})

    by_tag = await story_of(deploy, given | {"ref": "v1"})
    by_branch = await story_of(deploy, given | {"ref": "main"})
    by_commit = await story_of(deploy, given | {"ref": first})
    by_short_commit = await story_of(deploy, given | {"ref": second[:7]})

    assert [story.result.release[:12] for story in (by_tag, by_branch, by_commit, by_short_commit)] == [
        first[:12],
        second[:12],
        first[:12],
        second[:12],
    ]


async def test_children_work_at_the_same_time_and_are_told_in_their_order(tmp_path, repository, given):
    """The linter ends only after the tests have said their line: were they not to run at once, neither would end."""
    os.mkfifo(gate := tmp_path / "gate")
    repository.commit(
        lint=sh(f"read word < {gate}; echo the linter heard $word"),
        tests=sh(f"echo the tests are first; echo bread > {gate}"),
    )

    story = await story_of(deploy, given)

    said = ("the linter heard bread", "the tests are first", "public/index.html, 151 bytes")
    assert [line for line in story.lines if line in said] == list(said)


async def test_a_long_output_is_cut_in_the_middle_and_shown_whole(repository, given):
    repository.commit(tests=sh("i=1; while [ $i -le 500 ]; do echo line $i; i=$((i+1)); done"))

    story = await story_of(deploy, given)

    told = [line for line in story.lines_of("tests") if line.startswith(("line", "["))]
    assert told == [
        *(f"line {i}" for i in range(1, 13)),
        "[480 more lines]",
        *(f"line {i}" for i in range(493, 501)),
        "[All 500 lines]",
    ]
    (whole,) = (detail for detail in story.details if detail.step == "tests")
    assert whole.data == "".join(f"line {i}\n" for i in range(1, 501))


async def test_tests_that_fail_stop_what_the_others_do_and_change_nothing(tmp_path, repository, place, given):
    await story_of(deploy, given)
    before = place.live(), releases(place), serving_process.maybe_serving(place)
    os.mkfifo(gate := tmp_path / "gate")
    repository.commit(
        lint=sh(f"echo $$; echo go > {gate}; exec {' '.join(FOR_EVER)}"),
        tests=sh(f"read go < {gate}; echo one loaf is missing; exit 3"),
    )

    story = await story_of(deploy, given)

    assert story.problem.sentence.endswith("ended with exit code 3.")
    assert story.problem.step == "tests"
    assert "one loaf is missing" in story.lines_of("tests")
    assert story.lines_of("lint")[-1] == "Stopped: Another step failed."
    assert not runs(int(story.lines_of("lint")[2]))
    assert (place.live(), releases(place), serving_process.maybe_serving(place)) == before


async def test_cancelling_ends_the_children_and_their_children(repository, place, given):
    repository.commit(lint=sh(f"{' '.join(FOR_EVER)} & echo pids $$ $!; wait"))

    async with start(deploy, given) as run:
        pids = [int(pid) for pid in (await until_said(run, "pids")).split()[1:]]
        assert [runs(pid) for pid in pids] == [True, True]
        run.cancel("Somebody thought better of it.")
        with pytest.raises(RunCancelled):
            await run.result()

    assert [runs(pid) for pid in pids] == [False, False]
    assert releases(place) == []


async def test_one_that_will_not_end_when_asked_is_made_to(repository, given):
    repository.commit(lint=sh(f"trap '' TERM; echo pid $$; {' '.join(FOR_EVER)}; {' '.join(FOR_EVER)}"))

    async with start(deploy, given) as run:
        pid = int((await until_said(run, "pid")).split()[1])
        run.cancel()
        with pytest.raises(RunCancelled):
            await run.result()

    assert not runs(pid)


async def test_what_a_command_leaves_running_behind_is_ended_with_it(repository, given):
    repository.commit(tests=sh(f"{' '.join(FOR_EVER)} & echo pid $!"))

    story = await story_of(deploy, given)

    (said,) = (line for line in story.lines_of("tests") if line.startswith("pid"))
    assert not runs(int(said.split()[1]))
    assert story.result.url


async def test_a_command_has_its_time(repository, given):
    repository.commit(build={"command": FOR_EVER, "timeout": 0.5})

    story = await story_of(deploy, given)

    assert story.problem.sentence == "`tail -f /dev/null` took longer than 0.5 s and was stopped."


async def test_a_release_that_is_not_well_is_taken_back(repository, place, given):
    good = (await story_of(deploy, given)).result
    bad = repository.never_well(within=1)

    story = await story_of(deploy, given)

    assert story.problem.sentence.startswith("The server did not answer as it should within 1 s: ")
    assert story.problem.sentence.endswith(f". The deploy went back by itself: release {good.release} is live again.")
    assert story.problem.status == 502
    assert f"The link `current` points to {good.release} again." in story.lines
    assert place.live() == good.release
    assert answer(place, "/health").status_code == 200
    assert [one for one in releases(place) if one.startswith(bad[:12])] == []


async def test_the_first_deploy_has_nothing_to_go_back_to_and_says_so(repository, place, given):
    repository.never_well(within=1)

    story = await story_of(deploy, given)

    assert story.problem.sentence.endswith(
        "This was the first deploy, so there is no release to go back to, and nothing is served now."
    )
    assert (place.live(), releases(place), serving_process.maybe_serving(place)) == (None, [], None)


async def test_a_server_that_ends_at_once_is_not_waited_for(repository, given):
    repository.commit(serve=RECIPE["serve"] | sh("echo the oven is cold; exit 1"))

    story = await story_of(deploy, given)

    assert story.problem.sentence.startswith("The server ended by itself. ")
    (said,) = (detail.data for detail in story.details if detail.title == "What the server said")
    assert said == "the oven is cold\n"


async def test_cancelling_while_it_goes_live_takes_it_back(repository, place, given):
    good = (await story_of(deploy, given)).result
    repository.never_well(within=600)

    async with start(deploy, given) as run:
        await until_said(run, "Not yet: the answer is 503")
        run.cancel("Somebody thought better of it.")
        with pytest.raises(RunCancelled):
            await run.result()
        told = [event.text async for event in run.events() if event.type == "message"]

    assert told[-1] == f"The deploy went back by itself: release {good.release} is live again."
    assert place.live() == good.release
    assert answer(place, "/health").status_code == 200


async def test_a_second_deploy_is_refused_while_one_goes_live(place, given):
    place.open()
    with place.alone():
        story = await story_of(deploy, given)

    assert story.problem.status == 409
    assert story.problem.sentence == (
        f"Another deploy is going live in {place.folder} at this moment. Try again when it is over."
    )


async def test_one_that_was_overtaken_leaves_the_other_live(tmp_path, repository, place, given):
    os.mkfifo(gate := tmp_path / "gate")
    slow = repository.commit(tests=sh(f"echo waiting; read go < {gate}"), lint=sh("true"))
    quick = repository.commit()

    async with start(deploy, given | {"ref": slow}) as run:
        await until_said(run, "waiting")
        overtaking = (await story_of(deploy, given | {"ref": quick})).result
        await trio.Path(gate).write_text("go\n")
        with pytest.raises(RunFailed, match="While this release was checked, another deploy has made"):
            await run.result()

    assert place.live() == overtaking.release
    assert answer(place).status_code == 200


async def test_a_port_that_another_program_has_is_refused_before_anything_changes(repository, place, given):
    good = (await story_of(deploy, given)).result
    server = serving_process.maybe_serving(place)
    repository.commit({"more.txt": "more"})
    with trio.socket.socket() as other:
        await other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        story = await story_of(deploy, given | {"port": port})

    assert (story.problem.status, story.problem.sentence) == (
        409,
        f"Another program listens on port {port}, or you may not use it. Name another port.",
    )
    assert (place.live(), releases(place)) == (good.release, [good.release])
    assert serving_process.maybe_serving(place) == server
    again = await story_of(deploy, given | {"port": server.port})  # its own port is not another's
    assert again.problem is None


async def test_served_a_reader_who_leaves_stops_nothing_and_delete_does(tmp_path, repository, place, given, mock_clock):
    os.mkfifo(gate := tmp_path / "gate")
    repository.commit(lint=sh(f"echo pid $$; read go < {gate}"))

    async with served(deploy) as server:
        wire = await server.asked("/deploy", given)
        _, headers = await wire.head()
        while not (said := (await wire.until("message"))["text"]).startswith("pid"):
            pass
        await wire.stream.aclose()
        await until(lambda: not len(server.service.streams))
        mock_clock.jump(20)
        await trio.testing.wait_all_tasks_blocked()
        run = f"/runs/{headers['narrate-run']}"
        assert (await server.client.get(run)).json()["state"] == "working"
        await server.client.delete(run)
        events = await server.client.get(f"{run}/events")

    assert heard(events.content)[-1]["type"] == "run.cancelled"
    assert not runs(int(said.split()[1]))
    assert place.live() is None


async def test_served_it_goes_live(place, given):
    async with served(deploy) as server:
        answered = await server.client.post("/deploy", json=given, headers={"Accept": "application/json"})

    assert answered.status_code == 200
    assert answered.json()["release"] == place.live()
    assert answer(place, "/health").status_code == 200
