"""A file of orders into SQLite: looked at, checked in chunks, and loaded in one transaction that a cancel undoes."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, closing
from datetime import datetime
from functools import cache
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory

import trio

from csv_layout import SEPARATORS, Chunk, Form, Unreadable, check_end, cut, form_of, kinds_of
from import_values import Checks, ImportRequest, Layout, Source, TooManyRejects
from make_rows import ONE_MISTAKE_IN, ROWS, written
from narrate import Pipeline, each, progress, resource, say, show, step
from narrate.clock import Clock, clock
from order_rows import COLUMNS, Checked, Rejects, check, counted, total_of
from orders_table import INDEXES, Report, add, create, execute, keep, look, maybe_earlier, transaction

in_thread = trio.to_thread.run_sync


@resource
async def workshop() -> AsyncIterator[Callable[[], Path]]:
    """Gives a folder for a file to try the import with: made when it is first needed, and gone with the program."""
    with ExitStack() as left_to_do:
        yield cache(lambda: Path(left_to_do.enter_context(TemporaryDirectory(prefix="orders-"))))


@step("Finding the file of orders…")
async def source(request: ImportRequest, workshop: Callable[[], Path], clock: Clock) -> Source:
    began = clock.now()
    if request.file is None:
        path = workshop() / "orders.csv"
        say(f"You named no file, so I make one: {ROWS:,} orders, of which one in {ONE_MISTAKE_IN} has a mistake.")
        await _make(path)
        say("I keep it until this program ends.")
        return Source(path=path, began=began)
    if request.file.is_dir():
        raise Unreadable(f"{request.file} is a folder.")
    if not request.file.is_file():
        raise Unreadable(
            f"{request.file} is not a file." if request.file.exists() else f"There is no file {request.file}."
        )
    return Source(path=request.file, began=began)


async def _make(path: Path) -> None:
    with closing(written(path)) as parts:
        while (done := await in_thread(next, parts, None)) is not None:
            progress(done, ROWS, "rows")


@step("Looking at how {source.name} is written…")
async def layout(source: Source) -> Layout:
    form = await in_thread(form_of, source.path, COLUMNS)
    _tell_form(form)
    show("What the columns hold", await in_thread(kinds_of, source.path, form))
    size, chunks = source.path.stat().st_size, list[Chunk]()
    with closing(cut(source.path, form)) as parts:
        while (chunk := await in_thread(next, parts, None)) is not None:
            chunks.append(chunk)
            progress(round((chunk.start + chunk.size) / 1e6, 1), round(size / 1e6, 1), "MB")
    found = Layout(form=form, chunks=chunks)
    if not found.rows:
        raise Unreadable(f"{source.path} has a header and no rows.")
    at_once = "one go" if len(chunks) == 1 else counted(len(chunks), "chunk")
    say(f"It has {counted(found.rows, 'row')}, which I check and load in {at_once}.")
    return found


def _tell_form(form: Form) -> None:
    names = (
        "its first line names the columns" if form.has_header else f"no line names the columns: {', '.join(COLUMNS)}"
    )
    encoding = "UTF-8" if form.encoding == "utf-8" else "Latin-1"
    say(f"It is {encoding}, has {SEPARATORS[form.separator]} between its fields, and {names}.")
    if form.odd_line is not None:
        say(f"Line {form.odd_line:,} is not UTF-8, so all is read as Latin-1. If letters look odd, save it as UTF-8.")
    if more := [name for name in form.columns if name not in COLUMNS]:
        say(f"Not needed, and left out: {', '.join(more)}.")


@step("Checking whether {request.database} can take them…")
async def earlier(request: ImportRequest, layout: Layout) -> Report | None:
    """What came of the same import, if it was made before."""
    found = await in_thread(look, request.database, layout.digest)
    if found is not None:
        say(f"These very rows were loaded before, from {found.file}. There is nothing to do.")
    return found


def is_new(earlier: Report | None) -> bool:
    """Whether there is anything to load."""
    return earlier is None


@step("Checking every row…", when=is_new, otherwise="They were checked when they were loaded.")
async def checks(request: ImportRequest, source: Source, layout: Layout) -> Checks:
    """Check the chunks, two at a time.

    In threads, which keep the loop free for whoever listens but are no faster than one alone: 0.25 s for 200,000 rows.
    Two processes on two cores took 0.16 s, and with the time that they need to begin 0.29 s, so there are none.
    """

    async def checked(chunk: Chunk) -> Checked:
        return await in_thread(check, source.path, layout.form, chunk)

    found = await each(layout.chunks, checked, at_most=2, unit="chunks")
    rejects = total_of(one.rejects for one in found)
    if rejects.total > request.most_rejects:
        _show(rejects)
        raise TooManyRejects(rejects, layout.rows, request.most_rejects)
    say(_verdict(rejects.total))
    say("Rows with the same id are only found when I load them.")
    return Checks(chunks=found, rejects=rejects)


def _verdict(wrong: int) -> str:
    if wrong == 1:
        return "1 row is not a valid order."
    return f"{wrong:,} rows are not valid orders." if wrong else "All rows are valid orders."


@step("Loading them into {request.database}…", summary="{report.words} in {request.database} now.")
async def report(
    request: ImportRequest, source: Source, layout: Layout, earlier: Report | None, checks: Checks | None, clock: Clock
) -> Report:
    """All of it or nothing: one transaction, and to keep it is the last thing that the last step does."""
    if earlier is not None:
        say("They are there already, so nothing is changed.")
        return earlier
    assert checks is not None
    async with transaction(request.database) as connection:
        # A run that goes on after a crash may have kept them before, and not have come to say so.
        if (kept := await in_thread(maybe_earlier, connection, request.database, layout.digest)) is not None:
            return kept
        await in_thread(create, connection)
        loaded, rejects = await _load(connection, source, layout, checks, clock)
        _show(rejects)
        if rejects.total > request.most_rejects:
            raise TooManyRejects(rejects, layout.rows, request.most_rejects)
        for what, statement in INDEXES.items():
            say(f"Making an index by {what}.")
            await in_thread(execute, connection, statement)
        check_end(source.path, layout.end)
        made = Report(
            file=source.path,
            database=request.database,
            rows_read=layout.rows,
            loaded=loaded,
            rejected=rejects.reasons,
            seconds=_seconds_since(source.began, clock),
        )
        await in_thread(keep, connection, layout.digest, made)
    return made


async def _load(
    connection: Connection, source: Source, layout: Layout, checks: Checks, clock: Clock
) -> tuple[int, Rejects]:
    """How many orders were put into the table, and all rows that were not."""
    began, read, loaded = clock.now(), 0, 0
    repeated: list[Rejects] = []
    for chunk, checked in zip(layout.chunks, checks.chunks, strict=True):
        added, again = await in_thread(add, connection, source.path, layout.form, chunk, checked)
        repeated.append(again)
        read, loaded = read + chunk.rows, loaded + added
        seconds = _seconds_since(began, clock)
        progress(read, layout.rows, "rows", f"{read / seconds:,.0f} rows a second" if seconds else None)
    return loaded, total_of((checks.rejects, *repeated))


def _show(rejects: Rejects) -> None:
    if not rejects.total:
        return
    for reason, times in rejects.reasons.items():
        say(f"{counted(times, 'row')} {'was' if times == 1 else 'were'} not loaded: {reason}.")
    shown = len(rejects.first)
    title = "Rejected rows" if shown == rejects.total else f"The first {shown:,} of {rejects.total:,} rejected rows"
    show(title, [{"line": one.line, "what is wrong": one.reason, "found": one.found} for one in rejects.first])


def _seconds_since(began: datetime, clock: Clock) -> float:
    return round((clock.now() - began).total_seconds(), 2)


orders_import = Pipeline(
    "import",
    source,
    layout,
    earlier,
    checks,
    report,
    takes=ImportRequest,
    resources=[clock, workshop],
    title="Importing orders",
    linger=0,  # who leaves has cancelled it, and finds no trace of it from then on
)
