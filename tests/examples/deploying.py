"""What the tests of the deploy share: a repository to deploy, a place to deploy it to, and a look at what runs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx

import sample
import serving_process
from narrate import targets
from place import Place
from repository import GIT
from tests.examples.found import target

(deploy,) = targets.load(target("deploy"))

FOR_EVER = ("tail", "-f", "/dev/null")

RECIPE = {
    "lint": {"command": ["python", "-m", "compileall", "-q", "."]},
    "tests": {"command": ["python", "-m", "unittest"]},
    "build": {"command": ["python", "build.py"]},
    "serve": {"command": ["python", "serve.py"], "health": "/health", "within": 30},
}


def git(folder: Path, *words: str) -> str:
    env = {**os.environ, **GIT, **sample.NOBODY}
    return subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def toml(recipe: dict) -> str:
    """JSON's texts, numbers and lists are TOML's, too."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in part.items())
        for name, part in recipe.items()
    )


class Repository:
    """A repository with the bakery in it, whose recipe a test changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(sample.BAKERY, folder, ignore=shutil.ignore_patterns("__pycache__"))
        git(folder, "init", "--quiet", "--initial-branch=main")
        self.commit()

    def commit(self, files=(), /, **recipe) -> str:
        """A commit with these files, and these parts of the recipe in place of the usual; its id."""
        for name, text in dict(files).items():
            (self.folder / name).write_text(text)
        (self.folder / "deploy.toml").write_text(toml(RECIPE | recipe))
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", "A change")
        return git(self.folder, "rev-parse", "HEAD").strip()

    def never_well(self, **serve) -> str:
        text = (self.folder / "serve.py").read_text().replace("200 if", "503 if")
        return self.commit({"serve.py": text}, serve=RECIPE["serve"] | serve)


def sh(script: str) -> dict:
    return {"command": ["sh", "-c", script]}


def answer(place: Place, path: str = "/") -> httpx.Response:
    server = serving_process.maybe_serving(place)
    return httpx.get(server.url + path, trust_env=False)


def releases(place: Place) -> list[str]:
    return sorted(path.name for path in place.releases.iterdir())


def runs(pid: int) -> bool:
    """Whether there is such a process, other than one that has ended and nobody has asked after."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] not in ("", "Z")


def runs_any_of(group: int) -> bool:
    """Whether any process of this group does."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    return str(group) in [number for number, stat in map(str.split, listed.stdout.splitlines()) if stat[0] != "Z"]


async def until_said(run, start_of_line: str) -> str:
    """The first line that begins so."""
    async for event in run.events():
        if event.type == "message" and event.text.startswith(start_of_line):
            return event.text
    raise AssertionError(f"nobody said {start_of_line!r}")
