"""What an import is given, and what its steps hand on to each other: small values, however long the file is."""

import os
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from csv_layout import Chunk, Form
from narrate import Explained
from order_rows import Checked, Rejects, counted


def expanded(path: Path) -> Path:
    """The path with the folder that `~` stands for. Path.expanduser would raise for somebody who has none."""
    return Path(os.path.expanduser(path))


HomePath = Annotated[Path, AfterValidator(expanded)]


class ImportRequest(BaseModel):
    """What to import, into what."""

    model_config = ConfigDict(extra="forbid")

    file: HomePath | None = Field(None, description="The CSV of orders. Left out, one is made to try it with.")
    database: HomePath = Field(Path("orders.db"), description="The SQLite database; made where there is none.")
    most_rejects: int = Field(1_000, ge=0, description="Rows that may be wrong; if more are, nothing is loaded.")


class TooManyRejects(Explained):
    """More rows are wrong than the request allows."""

    title = "Too many rows are wrong"
    status = 422

    def __init__(self, rejects: Rejects, rows: int, most: int) -> None:
        super().__init__(
            f"{rejects.total:,} of {counted(rows, 'row')} cannot be loaded, but at most {most:,} may be wrong. Nothing "
            "was loaded. Correct the rows, or allow more with `most_rejects`."
        )


class Source(BaseModel):
    """The file to import, and when the import began."""

    path: Path
    began: datetime

    @property
    def name(self) -> str:
        return self.path.name


class Layout(BaseModel):
    """How the file is written, and where it is cut."""

    form: Form
    chunks: list[Chunk]

    @property
    def rows(self) -> int:
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def end(self) -> int:
        """Where the last chunk ends: as many bytes as the file has."""
        return self.chunks[-1].start + self.chunks[-1].size

    @property
    def digest(self) -> str:
        """What tells the content from any other."""
        return blake2b("".join(chunk.digest for chunk in self.chunks).encode(), digest_size=16).hexdigest()


class Checks(BaseModel):
    """What was found in the chunks, one after another, and in all of them."""

    chunks: list[Checked]
    rejects: Rejects
