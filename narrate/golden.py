"""Golden stories: what a pipeline told once, kept in files beside the tests, and what it tells now beside that.

They are kept as saved runs, in the order in which things happened, so that each check also replays the file through the
reading order: what was told in that order must still come out of it.
"""

import re
from pathlib import Path

from narrate.comparing import maybe_difference, one_above_the_other, side_by_side
from narrate.errors import StoriesDiffer, StoryUnreadable
from narrate.retelling import retold
from narrate.saved import dump_story, load_story
from narrate.story import Story

SUFFIX = ".ndjson"
HINT = "If it is meant to be so, run pytest with --update-stories and look at what changes in the file."

_NAME = re.compile(r"\w[\w.-]*", re.ASCII)


class Stories:
    """The golden stories in a folder, by their names. With `update`, those that have changed are written anew.

    While services are asked themselves (`live`), nothing is compared: what they answer is not what was recorded, and no
    secret is taken out of it yet. `written` are the files that have been.
    """

    def __init__(self, folder: Path, *, update: bool = False, live: bool = False) -> None:
        self.folder = folder
        self.update = update
        self.live = live
        self.written: list[Path] = []

    def check(self, name: str, story: Story) -> None:
        """Check that the story is the one that is kept under this name, without its times.

        Raises StoriesDiffer where it is not, where none is kept, and where the one that is kept comes out of the
        reading order otherwise than it was told; StoryUnreadable for a file that holds no story, and ValueError for a
        name that is no plain file name.
        """
        __tracebackhide__ = True  # pytest shows the test, then, and not this
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} cannot name a story: use letters, digits, `-`, `_` and `.`, and no `-` or `.` first."
            )
        if self.live:
            return
        path = self.folder / f"{name}{SUFFIX}"
        told = load_story(dump_story(story), name)
        if not path.is_file():
            if not self.update:
                raise StoriesDiffer(f"There is no story {path}. To write it, run pytest with --update-stories.")
            self._write(path, story)
            return
        problem = _problem(load_story(path.read_bytes(), str(path)), told, path)
        if problem is None:
            return
        if not self.update:
            raise StoriesDiffer(f"{problem}\n\n{HINT}")
        self._write(path, story)

    def _write(self, path: Path, story: Story) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dump_story(story))
        self.written.append(path)


def _problem(kept: Story, told: Story, path: Path) -> str | None:
    """What is wrong, in words; None when nothing is."""
    try:
        again = retold(kept)
    except StoryUnreadable as error:
        raise StoryUnreadable(str(path), error.what, error.line) from error
    if again.events != kept.events:
        shown = one_above_the_other(kept.transcript, again.transcript, ("as it was told", "as it is told again"))
        return f"{path}, told again from what happened in it, does not come out in the order it was told in.\n\n{shown}"
    difference = maybe_difference(kept.events, told.events)
    if difference is None:
        return None
    where = f"in step `{difference.step}`" if difference.step else "of the run itself"
    shown = one_above_the_other(kept.transcript, told.transcript, (str(path), "as it is told now"))
    # Data of a detail, and the result, are in no transcript.
    shown = shown or side_by_side(difference, (path.name, "as it is told now"))
    return f"The story is not the one in {path}; the first difference is {where}.\n\n{shown}"
