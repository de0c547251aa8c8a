"""Makes a small repository to deploy: a bakery's site, with good commits and some that must not go live.

python examples/deploy/sample.py FOLDER
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from children import run_child
from repository import GIT, GitFailed

BAKERY = Path(__file__).parent / "bakery"

NOBODY = {
    "GIT_AUTHOR_NAME": "Baker",
    "GIT_AUTHOR_EMAIL": "baker@example.org",
    "GIT_AUTHOR_DATE": "2026-01-01T06:00:00Z",
    "GIT_COMMITTER_NAME": "Baker",
    "GIT_COMMITTER_EMAIL": "baker@example.org",
    "GIT_COMMITTER_DATE": "2026-01-01T06:00:00Z",
}
"""So that it needs nobody's git settings, and every sample has the same commits."""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit on top of the first: where it stands, and in which file what became what."""

    branch: str
    message: str
    edits: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    removed: str | None = None


CHANGES = (
    Change(
        "v2",
        "Bake rye bread, too",
        {"breads.toml": ("[walnut]", '[rye]\nname = "Rye bread"\ngrams = 1000\ncents = 510\n\n[walnut]')},
    ),
    Change("failing-tests", "Give the wheat loaf away", {"breads.toml": ("cents = 420", "cents = 0")}),
    Change("failing-lint", "Leave a bracket open", {"serve.py": ("serve_forever()", "serve_forever(")}),
    Change("never-well", "Listen, and always say that it is not well", {"serve.py": ("200 if", "503 if")}),
    Change(
        "ends-at-once", "Forget a file that the server needs", {"serve.py": ("PUBLIC = ", "import oven\n\nPUBLIC = ")}
    ),
    Change(
        "missing-command",
        "Lint with something that nobody has",
        {"deploy.toml": ('"python", "-m", "compileall"', '"crumb-checker"')},
    ),
    Change("no-recipe", "Tell nobody how it is deployed", removed="deploy.toml"),
)


async def make(folder: Path) -> None:
    """Make the sample, if it is not there. Its branches are `main` and those of CHANGES; `v1` is a tag on main."""
    if (folder / ".git").is_dir():
        return
    shutil.copytree(BAKERY, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "public"))
    await _git(folder, "init", "--quiet", "--initial-branch=main")
    await _commit(folder, "Open the bakery")
    await _git(folder, "tag", "v1")
    for change in CHANGES:
        await _git(folder, "switch", "--quiet", "--create", change.branch, "main")
        for name, (before, after) in change.edits.items():
            file = folder / name
            file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
        if change.removed is not None:
            (folder / change.removed).unlink()
        await _commit(folder, change.message)
    await _git(folder, "switch", "--quiet", "main")


async def _commit(folder: Path, message: str) -> None:
    await _git(folder, "add", "--all")
    await _git(folder, "commit", "--quiet", "--message", message)


async def _git(folder: Path, *words: str) -> None:
    said: list[str] = []
    if await run_child(["git", "-c", "commit.gpgsign=false", *words], folder, said.append, {**GIT, **NOBODY}) != 0:
        raise GitFailed(f"The sample could not be made in {folder}. {' '.join(said)}")


def main(words: Sequence[str]) -> None:
    """The command line."""
    if len(words) != 1:
        raise SystemExit("Name the folder to make it in: python examples/deploy/sample.py FOLDER")
    trio.run(make, Path(words[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
