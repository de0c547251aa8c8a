"""A deploy: fetch a commit, check and build it all at once, make it live, and go back if it is not healthy."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

import sample
import serving_process as serving
from children import findable, run_told
from narrate import Explained, Pipeline, concurrent, say, show, step
from place import Place, release_name
from recipe import RECIPE, Deploy, Recipe, Serve, read_recipe
from repository import Commit, fetch, find_commit, keep, lay_out, recipe_of, subject_of

DEMO = Path(__file__).parent / "demo"
"""Where the sample is made and deployed to, when nothing else is named. git does not see it."""


@dataclass(frozen=True, slots=True)
class Site:
    """The place to deploy to as it is found, with the release that was live then."""

    place: Place
    before: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A commit that has been fetched, and how it wants to be deployed."""

    store: Path
    commit: Commit
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Live:
    """What has been made live."""

    release: str
    folder: Path
    url: str
    before: str | None


class RolledBack(Explained):
    """The new release is not healthy. What is live now, the sentence says."""

    title = "The deploy was taken back"
    status = 502


@step("Finding out which commit `{deploy.ref}` is…", timeout=60, summary="It is {commit.short} in {commit.repository}.")
async def commit(deploy: Deploy) -> Commit:
    if deploy.repository is None:
        say("You named no repository, so I deploy the small sample that comes with this example.")
        await sample.make(DEMO / "repository")
    return await find_commit(deploy.repository or str(DEMO / "repository"), deploy.ref)


@step("Looking at what is live now…")
async def site(deploy: Deploy) -> Site:
    place = Place((deploy.to or DEMO / "site").expanduser().absolute())
    place.open()
    with place.alone():
        before = place.live()
    say(f"Release {before} is live in {place.folder}." if before else f"Nothing has gone live in {place.folder} yet.")
    return Site(place, before)


@step("Fetching {commit.short}…", timeout=600)
async def source(site: Site, commit: Commit) -> Source:
    store = site.place.store
    await fetch(commit, store)
    say(f"Its message is “{await subject_of(store, commit)}”.")
    recipe = read_recipe(await recipe_of(store, commit))
    show("How it wants to be deployed", recipe)
    return Source(store, commit, recipe)


@asynccontextmanager
async def files_of(source: Source) -> AsyncIterator[Path]:
    """The commit's files, in a folder that nobody else touches and that is gone afterwards."""
    with TemporaryDirectory(prefix="deploy-") as made:
        await lay_out(source.store, source.commit.id, folder := Path(made).resolve())
        yield folder


@step("Linting…", summary="The linter finds nothing wrong.")
async def lint(source: Source) -> None:
    async with files_of(source) as folder:
        await run_told(source.recipe.lint, folder)


@step("Running the tests…", summary="They pass.")
async def tests(source: Source) -> None:
    async with files_of(source) as folder:
        await run_told(source.recipe.tests, folder)


@step("Building…", summary="It is built.")
async def build(source: Source) -> str:
    """Gives the name by which the built files can be laid out."""
    async with files_of(source) as folder:
        await run_told(source.recipe.build, folder)
        return await keep(source.store, folder)


@step("Going live with {source.commit.short}…", summary="Release {live.release} is live at {live.url} now.")
async def live(deploy: Deploy, site: Site, source: Source, build: str) -> Live:
    """One step, because it is done whole or taken back: also when the run is cancelled in the middle of it."""
    place, before = site.place, site.before
    release = release_name(source.commit, build)
    with place.alone():
        place.refuse_if_changed(before, release)
        served = serving.maybe_serving(place)
        port_before = served.port if served else serving.free_port()
        port = deploy.port or port_before
        # Both are better known now than when the previous release's server has stopped.
        if served is None or port != served.port:
            serving.refuse_taken(port)
        folder = await place.add(release, build)
        findable(source.recipe.serve.command, folder)
        try:
            await serve_release(place, release, source.recipe.serve, port)
        except Explained as error:
            say("The new release is not healthy.")
            raise RolledBack(f"{error} {await go_back(site, folder, port_before)}") from error
        except BaseException:
            say(await go_back(site, folder, port_before))
            raise
    return Live(release, folder, f"http://127.0.0.1:{port}", before)


async def serve_release(place: Place, release: str, serve: Serve, port: int) -> None:
    """Raises NotHealthy when it does not answer, and whatever keeps it from being started."""
    place.switch(release)
    say(f"The link `current` now points to {release}.")
    if await serving.stop(place) is not None:
        say("The previous release's server has stopped.")
    server = await serving.start(place, place.releases / release, serve, port)
    say(f"`{serve}` runs on port {port}.")
    await serving.wait_healthy(place, server, serve)


async def go_back(site: Site, failed: Path, port: int) -> str:
    """Make the release before the live one again, come what may; says in a sentence how that went."""
    place, before = site.place, site.before
    with trio.CancelScope(shield=True):
        place.switch(before)
        await serving.stop(place)
        if failed.name != before:
            shutil.rmtree(failed)
        if before is None:
            return "This was the first deploy, so there is no release to go back to, and nothing is served now."
        say(f"The link `current` points to {before} again.")
        try:
            recipe = read_recipe((place.releases / before / RECIPE).read_text())
            server = await serving.start(place, place.releases / before, recipe.serve, port)
            await serving.wait_healthy(place, server, recipe.serve)
        except (Explained, OSError) as error:
            return f"The deploy went back to {before}, which is not healthy either. {error}"
    return f"The deploy went back by itself: release {before} is live again."


@step("Removing old releases…", summary="It is live at {live.url}.", fallback=[])
async def removed(live: Live, site: Site) -> list[str]:
    with site.place.alone():
        gone = await site.place.prune(live.release)
    if gone:
        say(f"Removed {' and '.join(gone)}.")
    return gone


deploy = Pipeline(
    "deploy",
    commit,
    site,
    source,
    concurrent(lint, tests, build),
    live,
    removed,
    takes=Deploy,
    result="live",
    title="Deploying a repository",
    linger=None,  # a reader who leaves does not stop a deploy
)
