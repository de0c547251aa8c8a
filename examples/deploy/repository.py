"""git: which commit is meant, its files, and what was built of them.

A place keeps a bare repository of its own. From that, files are laid out wherever they are needed, and what a build
has made goes back into it; so all that one step hands to the next is the name of something whole that does not change.
"""

import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from children import CommandMissing, run_child
from narrate import Explained
from recipe import RECIPE, NoRecipe

GIT = {
    "GIT_TERMINAL_PROMPT": "0",  # a deploy has nobody to ask for a password
    "GIT_ASKPASS": "",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
    "LC_ALL": "C.UTF-8",
}
NEUTRAL = ("-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=0")
"""Nobody's own settings change the files that are deployed, and nothing is tidied up behind our back."""

WHOLE_COMMIT = re.compile(r"[0-9a-f]{40}")


class GitFailed(Explained):
    """git did not do what it was asked to."""

    title = "git could not do it"


class NoRepository(Explained):
    """There is no repository there, or none that may be read."""

    title = "There is no repository"
    status = 422


class NoSuchRef(Explained):
    """The repository has nothing of that name."""

    title = "There is no such commit"
    status = 422


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a repository."""

    repository: str
    id: str

    @property
    def short(self) -> str:
        return self.id[:7]


async def find_commit(repository: str, ref: str) -> Commit:
    """The commit that a ref means there. Raises NoRepository and NoSuchRef."""
    here = Path(repository).expanduser()
    where = str(here.resolve()) if here.exists() else repository
    code, lines = await _git(Path.cwd(), "ls-remote", "--exit-code", "--quiet", where, ref, f"{ref}^{{}}")
    if code not in (0, 2):
        raise NoRepository(f"There is no git repository to be read at {repository}.{_said(lines)}")
    found = {name: commit for commit, _, name in (line.partition("\t") for line in lines)}
    for name in (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}", ref):
        if name in found:
            return Commit(where, found[name])
    if here.is_dir():
        code, lines = await _git(here, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if code == 0:
            return Commit(where, lines[0])
        raise NoSuchRef(f"The repository at {repository} has no branch, tag or commit `{ref}`.")
    if WHOLE_COMMIT.fullmatch(ref):
        return Commit(where, ref)
    raise NoSuchRef(
        f"The repository at {repository} has no branch or tag `{ref}`. To name a commit of a repository elsewhere, "
        "give all 40 digits."
    )


async def fetch(commit: Commit, store: Path) -> None:
    """Get a commit, and what it grew from, into a bare repository, which is made where there is none."""
    store.parent.mkdir(parents=True, exist_ok=True)
    await _done(store.parent, "init", "--quiet", "--bare", str(store))
    kept = f"+{commit.id}:refs/deployed/{commit.id}"
    code, lines = await _git(store, f"--git-dir={store}", "fetch", "--quiet", "--no-tags", commit.repository, kept)
    if code != 0:
        raise NoSuchRef(f"Commit {commit.short} cannot be fetched from {commit.repository}.{_said(lines)}")


async def subject_of(store: Path, commit: Commit) -> str:
    """The first line of a commit's message."""
    return " ".join(await _done(store, f"--git-dir={store}", "log", "-1", "--format=%s", commit.id))


async def recipe_of(store: Path, commit: Commit) -> str:
    """What the commit has as its `deploy.toml`. Raises NoRecipe when it has none."""
    code, lines = await _git(store, f"--git-dir={store}", "show", f"{commit.id}:{RECIPE}")
    if code != 0:
        raise NoRecipe(f"Commit {commit.short} has no {RECIPE}, which would say how it is checked, built and served.")
    return "\n".join(lines)


async def lay_out(store: Path, tree: str, folder: Path) -> None:
    """Put the files of a commit, or of what was built, into an empty folder."""
    with TemporaryDirectory() as own:
        await _in_folder(store, folder, own, "checkout", "--force", "--quiet", tree, "--", ".")


async def keep(store: Path, folder: Path) -> str:
    """Keep all the files of a folder; gives back the name by which they can be laid out."""
    with TemporaryDirectory() as own:
        await _in_folder(store, folder, own, "add", "--all", "--force", ".")
        (tree,) = await _in_folder(store, folder, own, "write-tree")
        return tree


def _in_folder(store: Path, folder: Path, own: str, *words: str) -> Awaitable[list[str]]:
    index = {"GIT_INDEX_FILE": f"{own}/index"}  # several folders are laid out at once, and each has its own
    return _done(folder, f"--git-dir={store}", f"--work-tree={folder}", *words, env=index)


async def _done(folder: Path, *words: str, env: dict[str, str] | None = None) -> list[str]:
    code, lines = await _git(folder, *words, env=env)
    if code != 0:
        command = next(word for word in words if not word.startswith("-"))
        raise GitFailed(f"`git {command}` failed in {folder}.{_said(lines)}")
    return lines


async def _git(folder: Path, *words: str, env: dict[str, str] | None = None) -> tuple[int, list[str]]:
    lines: list[str] = []
    try:
        code = await run_child(["git", *NEUTRAL, *words], folder, lines.append, {**GIT, **(env or {})})
    except CommandMissing as error:
        raise GitFailed("There is no git on this machine, which a deploy cannot do without. Install it.") from error
    return code, lines


def _said(lines: Sequence[str]) -> str:
    """git's own words, the line that says most."""
    said = [line for line in lines if line.strip()]
    first = next((line for line in said if line.startswith(("fatal:", "error:"))), "".join(said[-1:]))
    return f" git says: {first.removeprefix('fatal: ').removeprefix('error: ').rstrip('.')}." if first else ""
