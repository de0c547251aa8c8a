"""What the deploy refuses, and the sample with its branches that must not go live."""

import pytest

import sample
import serving_process
from narrate import BadInput, Explained
from narrate.testing import story_of
from place import Place
from tests.examples.deploying import RECIPE, Repository, deploy, git, toml


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


@pytest.mark.parametrize(
    ("wrong", "status", "sentence"),
    [
        ({"repository": "/nowhere"}, 422, "There is no git repository to be read at /nowhere. git says: "),
        ({"ref": "nothing"}, 422, "has no branch, tag or commit `nothing`."),
        ({"ref": "0" * 40}, 422, f"has no branch, tag or commit `{'0' * 40}`."),
        ({"to": "/dev/null"}, 422, "/dev/null is a file. Name a folder, which may be new."),
        ({"to": "/dev/null/site"}, 422, "/dev/null/site cannot be used: Not a directory. Name another folder."),
    ],
)
async def test_what_cannot_be_deployed_is_said_in_a_sentence(given, wrong, status, sentence):
    story = await story_of(deploy, given | wrong)

    assert sentence in story.problem.sentence
    assert story.problem.status == status


@pytest.mark.parametrize("wrong", [{"repository": "/nowhere"}, {"ref": "nothing"}, {"ref": "0" * 40}])
async def test_where_there_is_nothing_to_deploy_no_place_is_made(place, given, wrong):
    await story_of(deploy, given | wrong)

    assert not place.folder.exists()


@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        ("0" * 7, "has no branch or tag `0000000`. To name a commit of a repository elsewhere, give all 40 digits."),
        ("0" * 40, "Commit 0000000 cannot be fetched from file://"),
    ],
)
async def test_a_commit_of_a_repository_elsewhere_is_known_when_it_is_fetched(given, ref, sentence):
    story = await story_of(deploy, given | {"repository": f"file://{given['repository']}", "ref": ref})

    assert sentence in story.problem.sentence
    assert story.problem.status == 422


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "has no deploy.toml, which would say how it is checked, built and served."),
        ("lint = [", "The repository's deploy.toml is no TOML: "),
        (toml(RECIPE | {"lint": {}}), "deploy.toml cannot be followed. lint.command: Field required."),
        (toml(RECIPE | {"oven": {}}), "deploy.toml cannot be followed. oven: Extra inputs are not permitted."),
    ],
)
async def test_a_repository_that_does_not_say_how_is_said_in_a_sentence(repository, given, text, sentence):
    recipe = repository.folder / "deploy.toml"
    recipe.unlink() if text is None else recipe.write_text(text)
    git(repository.folder, "commit", "--all", "--quiet", "--message", "Change the recipe")

    story = await story_of(deploy, given)

    assert sentence in story.problem.sentence
    assert story.problem.status == 422


@pytest.mark.parametrize("part", ["lint", "serve"])
async def test_a_command_that_is_not_there_is_named(repository, place, given, part):
    repository.commit(**{part: {"command": ["crumb-checker", "."]}})

    story = await story_of(deploy, given)

    assert (
        story.problem.sentence == "`crumb-checker .` cannot run: there is no command `crumb-checker` on this machine."
    )
    assert place.live() is None


async def test_a_folder_that_holds_other_things_is_left_alone(tmp_path, given):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("Dear baker")

    story = await story_of(deploy, given | {"to": str(tmp_path / "home")})

    assert "holds other things, which a deploy might spoil" in story.problem.sentence
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter.txt"]


async def test_a_machine_without_git_is_told(monkeypatch, tmp_path, given):
    monkeypatch.setenv("PATH", str(tmp_path))

    story = await story_of(deploy, given)

    assert story.problem.sentence.startswith("There is no git on this machine")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"repository": "https://me:secret@example.org/bread"}, "repository: Leave the password out of the URL"),
        ({"repository": "--upload-pack=oven"}, "repository: It begins with a dash"),
        ({"ref": "--all"}, "ref: It begins with a dash"),
        ({"ref": "a b"}, "ref: Write the name of a branch, a tag or a commit, such as main."),
        ({"port": 0}, "port: Input should be greater than or equal to 1"),
    ],
)
async def test_input_that_makes_no_sense_never_begins_a_run(wrong, sentence):
    with pytest.raises(BadInput) as caught:
        await story_of(deploy, wrong)

    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("branch", ["main", *(change.branch for change in sample.CHANGES)])
async def test_the_sample_has_something_to_see_on_each_branch(tmp_path, place, branch):
    await sample.make(tmp_path / "sample")
    ends = {
        "main": None,
        "v2": None,
        "failing-tests": "`python -m unittest` ended with exit code 1.",
        "failing-lint": "`python -m compileall .` ended with exit code 1.",
        "never-well": "The server did not answer as it should within 5 s: ",
        "ends-at-once": "The server ended by itself.",
        "missing-command": "`crumb-checker .` cannot run: there is no command `crumb-checker` on this machine.",
        "no-recipe": "has no deploy.toml",
    }

    story = await story_of(deploy, {"repository": str(tmp_path / "sample"), "ref": branch, "to": str(place.folder)})

    assert (story.problem is None) == (ends[branch] is None)
    assert (ends[branch] or "") in (story.problem.sentence if story.problem else "")


async def test_a_sample_that_cannot_be_made_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Explained, match="there is no command `git`"):
        await sample.make(tmp_path / "sample")
