"""How a CSV file is written, found out by looking at it, and where it can be cut between two rows.

Not by csv.Sniffer, which judges by how often a character occurs, and never parses. Here the separator is the one that
gives the rows the same number of fields, and the encoding is tried on the whole file.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from narrate import Explained

CHUNK_ROWS = 5_000
SAMPLE_BYTES = 64 * 1024
BLOCK_BYTES = 1024 * 1024
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

Row = Sequence[str]


class Unreadable(Explained):
    """A file that is not CSV of what is wanted."""

    title = "The file cannot be read as CSV"
    status = 422


class Changed(Explained):
    """A file that is not what it was when it was looked at."""

    title = "The file has changed while it was read"
    status = 409

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has changed while it was read. Import it when nobody writes to it any more.")


class Form(BaseModel):
    """How a file is written. `start` is where its text begins, behind the mark that some programs put there."""

    model_config = ConfigDict(frozen=True)

    encoding: str
    separator: str
    has_header: bool
    columns: tuple[str, ...]
    start: int
    odd_line: int | None = None
    """The first line that is not UTF-8, where there is one."""


class Chunk(BaseModel):
    """Some thousand rows of a file: which bytes they are, and a digest that tells whether they still are the same."""

    model_config = ConfigDict(frozen=True)

    start: int
    size: int
    first_line: int
    rows: int
    digest: str


def form_of(path: Path, wanted: Sequence[str]) -> Form:
    """How a file with these columns is written. Raises Unreadable."""
    try:
        with path.open("rb") as file:
            head = file.read(SAMPLE_BYTES)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error
    _check_text(path, head)
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    encoding, odd_line = _encoding(path)
    rows = sample(path, start, encoding)
    separator = max(SEPARATORS, key=lambda one: _evenness(rows, one))
    if _evenness(rows, separator) == (0.0, 0):
        raise Unreadable(f"The rows of {path} do not fall into fields by commas, semicolons, tabs or bars.")
    first = next(_rows(rows, separator))
    columns = _columns(path, first, wanted)
    return Form(
        encoding=encoding,
        separator=separator,
        has_header=columns is not None,
        columns=columns or tuple(wanted),
        start=start,
        odd_line=odd_line,
    )


def sample(path: Path, start: int, encoding: str) -> list[str]:
    """The first lines of a file, none of them cut."""
    with path.open("rb") as file:
        file.seek(start)
        lines = file.readlines(SAMPLE_BYTES)
    return [line.decode(encoding) for line in lines]


def kinds_of(path: Path, form: Form) -> list[dict[str, str]]:
    """What each column seems to hold, by the first rows."""
    rows = _rows(sample(path, form.start, form.encoding), form.separator)
    whole = [row for row in islice(rows, int(form.has_header), 500) if len(row) == len(form.columns)]
    return [
        {"column": name, "holds": _kind(values), "example": next(filter(None, values), "")[:60]}
        for name, values in zip(form.columns, zip(*whole, strict=True), strict=False)
    ]


def cut(path: Path, form: Form) -> Generator[Chunk, None, None]:
    """Read a file from start to end, and cut it between rows. Raises Unreadable where it stops being CSV."""
    with path.open("rb") as file:
        file.seek(form.start)
        raw: list[bytes] = []
        reader = csv.reader(_decoded(file, form.encoding, raw), delimiter=form.separator, strict=True)
        start, ended = form.start, 0
        try:
            if form.has_header:
                next(filter(None, reader))
                start, ended = start + sum(map(len, raw)), reader.line_num
                raw.clear()
            while True:
                first_line, rows = ended + 1, 0
                for row in islice(reader, CHUNK_ROWS):
                    rows += bool(row)
                    ended = reader.line_num
                if not raw:
                    return
                data = b"".join(raw)
                yield Chunk(start=start, size=len(data), first_line=first_line, rows=rows, digest=digest(data))
                start += len(data)
                raw.clear()
        except csv.Error as error:
            raise Unreadable(
                f"{path} stops being CSV with the row that begins in line {ended + 1}: a quotation mark in it is not "
                "closed, something other than a separator follows a closed one, or a field has more than "
                f"{csv.field_size_limit():,} characters."
            ) from error
        except UnicodeDecodeError as error:
            raise Changed(path) from error


def rows_of(path: Path, form: Form, chunk: Chunk) -> Iterator[tuple[int, Row]]:
    """The rows of a chunk, each with the number of its first line. Raises Changed where they are not what they were."""
    try:
        with path.open("rb") as file:
            file.seek(chunk.start)
            data = file.read(chunk.size)
    except OSError as error:
        raise Changed(path) from error
    if digest(data) != chunk.digest:
        raise Changed(path)
    reader = csv.reader(_decoded(io.BytesIO(data), form.encoding), delimiter=form.separator, strict=True)
    line = chunk.first_line
    for row in reader:
        if row:
            yield line, row
        line = chunk.first_line + reader.line_num


def check_end(path: Path, end: int) -> None:
    """Raise Changed where a file is not so many bytes long any more."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Changed(path) from error
    if size != end:
        raise Changed(path)


def digest(data: bytes) -> str:
    """What tells two contents apart."""
    return blake2b(data, digest_size=16).hexdigest()


def _decoded(file: Iterable[bytes], encoding: str, raw: list[bytes] | None = None) -> Iterator[str]:
    """The lines of a file; as they are in it, they are put into `raw`.

    Lines end in a line feed and in nothing else: str.splitlines would see an end in a form feed, too, and the numbers
    would not be those that an editor shows.
    """
    for line in file:
        if raw is not None:
            raw.append(line)
        yield line.decode(encoding)


def _check_text(path: Path, head: bytes) -> None:
    if not head.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise Unreadable(f"{path} is empty.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(f"{path} is written in UTF-16. Save it as UTF-8.")
    if b"\0" in head:
        raise Unreadable(
            f"{path} is not a text file, so it is not CSV either. A spreadsheet has to be saved as CSV first."
        )
    if b"\r" in head and b"\n" not in head:
        raise Unreadable(f"{path} has no line feeds: its lines end as on very old Macs. Save it with line feeds.")


def _encoding(path: Path) -> tuple[str, int | None]:
    """UTF-8; or Latin-1, in which everything is a text, and the first line that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
                line += block.count(b"\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return "latin-1", line + error.object[: error.start].count(b"\n")
    return "utf-8", None


def _evenness(lines: Sequence[str], separator: str) -> tuple[float, int]:
    """How many of the rows have the commonest number of fields above one, as a share, and that number."""
    widths = Counter(map(len, _rows(lines, separator)))
    rows = widths.total()
    del widths[1]
    return max(((times / rows, width) for width, times in widths.items()), default=(0.0, 0))


def _rows(lines: Sequence[str], separator: str) -> Iterator[Row]:
    """The rows of these lines, as far as they are CSV. Where they stop being that is for `cut` to say."""
    with suppress(csv.Error):
        yield from filter(None, csv.reader(lines, delimiter=separator))


def _columns(path: Path, first: Row, wanted: Sequence[str]) -> tuple[str, ...] | None:
    """The columns that the first row names; None where it names none, since it is an order already."""
    names = tuple(name.strip().lower() for name in first)
    needs = f"It needs {', '.join(wanted[:-1])} and {wanted[-1]}."
    if missing := [name for name in wanted if name not in names]:
        if len(missing) < len(wanted):
            listed = " and ".join(f"`{name}`" for name in missing)
            raise Unreadable(f"{path} has no column {listed}. {needs}")
        if len(first) != len(wanted):
            raise Unreadable(
                f"{path} does not name its columns, and has {len(first)} instead of {len(wanted)}. {needs}"
            )
        return None
    if twice := [name for name in wanted if names.count(name) > 1]:
        raise Unreadable(f"{path} has the column `{twice[0]}` twice.")
    return names


_KINDS = {
    "whole numbers": re.compile(r"[+-]?[0-9]+"),
    "decimal numbers": re.compile(r"[+-]?[0-9]+\.[0-9]+"),
    "decimal numbers with a comma": re.compile(r"[+-]?[0-9]+,[0-9]+"),
    "days": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
}


def _kind(values: Sequence[str]) -> str:
    filled = [value for value in values if value]
    for kind, pattern in _KINDS.items():
        if filled and sum(1 for value in filled if pattern.fullmatch(value)) >= 0.9 * len(filled):
            return kind
    return "texts" if filled else "nothing"
