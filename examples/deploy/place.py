"""The folder that is deployed to: its releases, which of them is live, and that one deploy at a time may change that.

store.git      what was fetched and built
releases/…     the last few releases, each whole
current        a link to the one that is live
serving.json   the process that serves it, see `serving_process`
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import trio

from narrate import Explained
from repository import Commit, lay_out

KEPT = 3
"""Releases kept, with the one that is live."""

HALF_MADE = ".making-"

_RELEASE = re.compile(r"[0-9a-f]{12}-[0-9a-f]{8}")


def release_name(commit: Commit, tree: str) -> str:
    """What a release is called: the same files of the same commit are one."""
    return f"{commit.id[:12]}-{tree[:8]}"


class PlaceTaken(Explained):
    """Another deploy is changing what is live, or has just done so."""

    title = "Another deploy is at work there"
    status = 409


class NoPlace(Explained):
    """A folder that nothing can be deployed to."""

    title = "Nothing can be deployed to that folder"
    status = 422


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is deployed to."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store.git"

    @property
    def releases(self) -> Path:
        return self.folder / "releases"

    @property
    def current(self) -> Path:
        return self.folder / "current"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def open(self) -> None:
        """Make the folder where there is none. Raises NoPlace for one that holds something else."""
        if self.folder.exists() and not self.folder.is_dir():
            raise NoPlace(f"{self.folder} is a file. Name a folder, which may be new.")
        if self.current.exists() and not self.current.is_symlink():
            raise NoPlace(f"{self.current} is not a link that a deploy has made. Name another folder.")
        if not self.store.exists() and self.folder.is_dir() and any(self.folder.iterdir()):
            raise NoPlace(f"{self.folder} holds other things, which a deploy might spoil. Name a new or empty folder.")
        try:
            self.releases.mkdir(parents=True, exist_ok=True)
            self.store.mkdir(exist_ok=True)
        except OSError as error:
            raise NoPlace(f"{self.folder} cannot be used: {error.strerror}. Name another folder.") from error

    def live(self) -> str | None:
        """The name of the release that is live; None before the first deploy."""
        return self.current.readlink().name if self.current.is_symlink() else None

    def switch(self, release: str | None) -> None:
        """Make a release the live one, in one instant: whoever looks finds the one before or this one."""
        if release is None:
            self.current.unlink(missing_ok=True)
            return
        beside = self.folder / f".current.{os.getpid()}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(Path("releases") / release)
        beside.replace(self.current)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Meanwhile no other deploy changes what is live. The lock goes with the process, so none is ever left over.

        Raises PlaceTaken when another deploy has it.
        """
        with (self.folder / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise PlaceTaken(
                    f"Another deploy is going live in {self.folder} at this moment. Try again when it is over."
                ) from error
            yield

    def refuse_if_changed(self, before: str | None, release: str) -> None:
        """Raises PlaceTaken when another release than before (or this one) has gone live meanwhile."""
        if (now := self.live()) not in (before, release):
            raise PlaceTaken(
                f"While this release was checked, another deploy has made {now or 'nothing'} the live one in "
                f"{self.folder}. It was left so. Deploy again if this one is still wanted."
            )

    async def add(self, name: str, tree: str) -> Path:
        """Lay out a release, whole or not at all; its folder."""
        release = self.releases / name
        if release.is_dir():
            os.utime(release)
            return release
        making = Path(mkdtemp(prefix=HALF_MADE, dir=self.releases))
        making.chmod(0o755)
        try:
            await lay_out(self.store, tree, making)
            making.replace(release)
        except BaseException:
            shutil.rmtree(making)
            raise
        return release

    async def prune(self, newest: str) -> list[str]:
        """Remove all but the last few releases; the names of those that went. The live one is not among them."""
        for one in self.releases.glob(f"{HALF_MADE}*"):  # of a deploy whose process was killed
            shutil.rmtree(one)
        in_use = (newest, self.live())
        found = [one for one in self.releases.iterdir() if _RELEASE.fullmatch(one.name) and one.name not in in_use]
        found.sort(key=lambda one: one.stat().st_mtime, reverse=True)
        for one in (old := found[KEPT - 1 :]):
            await trio.to_thread.run_sync(shutil.rmtree, one)
        return [one.name for one in old]
