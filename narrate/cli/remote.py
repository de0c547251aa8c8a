"""`narrate post`, `follow` and `answer`: runs of a server elsewhere, told and answered as if they were here."""

import sys
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import click
import httpx
import msgspec
import trio

from narrate import client
from narrate.cli.addresses import Http, checked, checked_run, headers_of
from narrate.cli.answering import Questioned, Questions, answer_option, clean, example
from narrate.cli.given import read_words
from narrate.cli.interrupting import interruptions
from narrate.cli.refusing import There, ended, rejected
from narrate.cli.telling import Overheard, Way, exit_code_of, remind, tell, tell_result, telling_options
from narrate.cli.work import CANCELLED, Cut, WrongUse, note, run_command
from narrate.client import RemoteRun
from narrate.errors import RunCut, RunRejected
from narrate.events import Detail, Event, Question, RunCancelledEvent, RunFailedEvent, RunFinished, Terminal
from narrate.snapshot import OpenQuestion, RunState
from narrate.terminal.words import signs_for
from narrate.wire.text import asked

F = TypeVar("F", bound=Callable[..., Any])
Opened = Callable[[Http], AbstractAsyncContextManager[RemoteRun]]

_LOST = (
    "The server was started anew and has kept nothing of the run. "
    "`narrate serve --journal sqlite:///runs.db …` would have kept it."
)

A_PIPELINE, A_RUN = "http://127.0.0.1:8000/coffee", "http://127.0.0.1:8000/runs/ID"


@dataclass(kw_only=True)
class _Remote(There):
    """A run elsewhere as it is told here, and what has become of it."""

    way: Way
    answers: Sequence[str]
    run: RemoteRun | None = None
    end: Terminal | None = None
    wrong: click.ClickException | None = None
    left: bool = False
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


header_option = click.option(
    "-H", "--header", multiple=True, metavar="'NAME: VALUE'", help="Send this header, too; may be repeated."
)


def remote_options(command: F) -> F:
    """Give a command the options of what is asked of a server."""
    for option in (
        answer_option,
        telling_options,
        click.option(
            "--attempts",
            default=5,
            show_default=True,
            type=click.IntRange(1),
            help="Connections that may fail in a row before it is given up.",
        ),
        header_option,
    ):
        command = option(command)
    return command


@click.command()
@click.argument("url")
@click.argument("given", nargs=-1, metavar="[INPUT]...")
@remote_options
def post(
    url: str, given: tuple[str, ...], header: tuple[str, ...], attempts: int, answers: tuple[str, ...], way: Way
) -> None:
    """Start a run on a server and tell its story.

    URL is a pipeline's address there; `narrate serve` prints it. INPUT is given as for `narrate run`.

    \b
    Examples:
      narrate post http://127.0.0.1:8000/coffee
      narrate post http://127.0.0.1:8000/assist q="somewhere hot tomorrow, 3 hours at most"
      narrate post https://api.example.com/checkout @order.json -H 'Authorization: Bearer …'

    What the run asks is answered at the terminal, beforehand by --answer, or elsewhere: on its page, or by `narrate
    answer`. An answer that does not fit cancels the run.

    A connection that breaks is made again, and nothing is told twice. Ctrl-C cancels the run on the server, which
    tells its end; a second one ends the program at once. The exit code is 0 when the run finished, 1 when it failed, 2
    when it was refused, 3 when the server was not reached or the story was cut, and 130 when it was cancelled.
    """
    remote = _Remote(
        url=checked(url, A_PIPELINE),
        headers=headers_of(header),
        way=way,
        answers=answers,
        cancels=True,
        given=bool(given),
    )
    data = read_words(given, {})

    def opened(http: Http) -> AbstractAsyncContextManager[RemoteRun]:
        return client.connect(url, data, http=http, headers=remote.headers, attempts=attempts)

    _tell_remote(remote, opened)


@click.command()
@click.argument("url")
@click.option("--after", default=0, metavar="N", type=click.IntRange(0), help="Tell only what comes behind event N.")
@remote_options
def follow(url: str, after: int, header: tuple[str, ...], attempts: int, answers: tuple[str, ...], way: Way) -> None:
    """Tell the story of a run on a server, as it goes or afterwards.

    URL is the run's address, with `/events` or without, or that of the page that shows it, `…/?run=…`. `narrate post`
    says it.

    \b
    Examples:
      narrate follow http://127.0.0.1:8000/runs/7zKx4yTtqg2n
      narrate follow http://127.0.0.1:8000/runs/7zKx4yTtqg2n --after 12 --json

    What the run still asks is answered at the terminal, beforehand by --answer, or elsewhere: on its page, or by
    `narrate answer`.

    A connection that breaks is made again, and nothing is told twice. Ctrl-C leaves: the run goes on. The exit code is
    that of the run: 0 finished, 1 failed, 130 cancelled; 2 when it is not there or an answer does not fit, 3 when it
    was not heard to its end.
    """
    remote = _Remote(url=checked_run(url, A_RUN), headers=headers_of(header), way=way, answers=answers, after=after)

    def opened(http: Http) -> AbstractAsyncContextManager[RemoteRun]:
        return client.follow(remote.url, after=after, http=http, headers=remote.headers, attempts=attempts)

    _tell_remote(remote, opened)


@click.command()
@click.argument("url")
@click.argument("value")
@click.option("--to", metavar="N", type=click.IntRange(1), help="The number of the question, where several are open.")
@header_option
def answer(url: str, value: str, to: int | None, header: tuple[str, ...]) -> None:
    """Answer what a run on a server asks.

    URL is the run's address, or that of the page that shows it; VALUE is one of the question's choices, or any text
    where there are none.

    \b
    Examples:
      narrate answer http://127.0.0.1:8000/runs/7zKx4yTtqg2n yes
      narrate answer http://127.0.0.1:8000/runs/7zKx4yTtqg2n "To Ada, with love" --to 12

    The exit code is 2 when the answer does not fit or comes too late, and when nothing is asked; 3 when the server was
    not reached.
    """
    there = There(url=checked_run(url, A_RUN), headers=headers_of(header))
    question = run_command(partial(_answered, there, value, to))
    if question:
        click.echo(f"? {signs_for('utf-8').clean(question)}")
    click.echo(f"→ {signs_for('utf-8').clean(value)}")


async def _answered(there: There, value: str, to: int | None) -> str:
    """Answer it; the question, where it was open until now."""
    async with Http() as http, client.follow(there.url, http=http, headers=there.headers) as run:
        seen = await http.get(run.url or there.url, headers=dict(there.headers))
        state = _state_in(seen)
        if state is None and seen.is_success:
            raise WrongUse(f"{there.url} is no run's address. One looks like {A_RUN}.")
        waiting = {one.n: one.question for one in (_open_in(state) if state is not None else ())}
        if to is None and len(waiting) > 1:
            several = "".join(f"\n  --to {n}  {clean(question)}" for n, question in waiting.items())
            raise WrongUse(f"Several questions are open. Say which one is answered:{several}")
        to = to or next(iter(waiting), None)
        try:
            await run.answer(value, to)
        except RunRejected as error:
            if error.problem.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise WrongUse(f"It was not answered: {clean(str(error))}") from error
            raise await rejected(there, http, error) from error
        except RunCut as error:
            raise Cut(f"It was not answered: {error.why}") from error
        return waiting.get(to or 0, "")


def _tell_remote(remote: _Remote, opened: Opened) -> None:
    """Tell it, and leave with its exit code."""
    run_command(partial(_told, remote, opened))
    where = remote.run.url if remote.run is not None else None
    if remote.left:
        # Whether it goes on is its pipeline's affair: where nobody else reads it, it may be given up after a while.
        note(f"The run was left, not cancelled. Tell it further: narrate follow {where}" if where else "You left.")
        sys.exit(CANCELLED)
    tell_result(remote.end, remote.way)
    if where:
        note(f"Tell it again: narrate follow {where}")
    if remote.wrong is not None:
        raise remote.wrong
    sys.exit(exit_code_of(remote.end))


async def _told(remote: _Remote, opened: Opened) -> None:
    """Tell the story to its end, or as far as it is heard."""
    async with Http() as http, trio.open_nursery() as nursery:

        def interrupted(_reason: str) -> None:
            nursery.start_soon(remind, remote.way)
            nursery.start_soon(_interrupt, remote)

        with interruptions(interrupted), remote.scope:
            try:
                async with opened(http) as remote.run:
                    heard = Overheard(_source(remote, http))
                    questioned = Questioned(heard, _questions(remote, remote.run, http))
                    run = remote.run
                    await tell(
                        questioned,
                        remote.way,
                        interrupt="cancel" if remote.cancels else "leave",
                        answer=run.answer,
                        trouble=lambda: run.trouble,
                    )
                    questioned.note_left()
                    remote.end = heard.end or await _end_told_before(remote, http)
            except RunRejected as error:
                raise _lost(remote, error) or await rejected(remote, http, error) from error
            except RunCut as error:
                raise _cut(remote, error) from error
        nursery.cancel_scope.cancel()


async def _interrupt(remote: _Remote) -> None:
    """Cancel the run where that is what Ctrl-C does and can do, whose story then tells the rest; else leave."""
    if remote.cancels and remote.run is not None and remote.run.url is not None:
        try:
            await remote.run.cancel()
        except (RunRejected, RunCut) as error:
            click.echo(f"The run could not be cancelled: {clean(str(error))}", err=True)
        else:
            return
    remote.left = True
    remote.scope.cancel()


class _WithDetails:
    """Events of a server, with the data of large details, which travel without, fetched in between."""

    def __init__(self, remote: _Remote, http: Http) -> None:
        assert remote.run is not None
        self._remote = remote
        self._http = http
        self._events = aiter(remote.run.events())

    def __aiter__(self) -> "_WithDetails":
        return self

    async def __anext__(self) -> Event:
        event = await anext(self._events)
        if not isinstance(event, Detail) or event.link is None:
            return event
        try:
            response = await self._http.get(
                httpx.URL(self._remote.url).join(event.link), headers=dict(self._remote.headers)
            )
            response.raise_for_status()
            return msgspec.structs.replace(event, data=msgspec.json.decode(response.content), link=None)
        except (httpx.HTTPError, msgspec.DecodeError):
            return event  # its size and its link are told instead


def _source(remote: _Remote, http: Http) -> AsyncIterable[Event]:
    assert remote.run is not None
    return _WithDetails(remote, http) if remote.way.details else remote.run.events()


async def _end_told_before(remote: _Remote, http: Http) -> Terminal | None:
    """The end of a run whose story had nothing more to tell, as its state says it."""
    assert remote.run is not None
    if remote.run.url is None:
        return None
    state = await _state(http, remote.run.url, remote.headers)
    if state is None:
        return None
    note(f"Nothing was told after event {remote.run.last}: the run had {state.state}.")
    seconds = state.seconds or 0.0
    match state.state:
        case "finished":
            return RunFinished(state.result, seconds, t=seconds)
        case "failed" if state.problem is not None:
            return RunFailedEvent(state.problem, seconds, t=seconds)
        case "cancelled":
            return RunCancelledEvent(state.reason or "", seconds, t=seconds)
    return None


async def _state(http: Http, url: str, headers: Mapping[str, str]) -> RunState | None:
    """What a server says of a run; None where it does not say."""
    with suppress(httpx.HTTPError):
        return _state_in(await http.get(url, headers=dict(headers)))
    return None


def _state_in(response: httpx.Response) -> RunState | None:
    try:
        return msgspec.json.decode(response.content, type=RunState)
    except msgspec.MsgspecError:
        return None


def _open_in(state: RunState) -> Sequence[OpenQuestion]:
    return [question for step in state.steps for question in step.questions]


def _questions(remote: _Remote, run: RemoteRun, http: Http) -> Questions:
    """How the questions of a run there are answered from here."""
    known: RunState | None = None

    async def is_open(question: Question) -> bool:
        nonlocal known
        if known is None or known.n < question.n:
            known = await _state(http, run.url or "", remote.headers)
        return known is None or question.n in [one.n for one in _open_in(known)]

    async def nobody(question: Question) -> None:
        how = f"narrate answer {run.url} {example(question)} --to {question.n}"
        note(f"“{clean(asked(question))}” waits for an answer, which can be given elsewhere: {how}")
        await trio.lowlevel.checkpoint()

    async def refused(sentence: str) -> None:
        remote.wrong = WrongUse(sentence)
        if not remote.cancels:
            raise remote.wrong
        await run.cancel()

    return Questions(
        answers=remote.answers,
        asks_here=remote.way.asks_here,
        give=run.answer,
        is_open=is_open,
        nobody=nobody,
        refused=refused,
    )


def _lost(remote: _Remote, error: RunRejected) -> click.ClickException | None:
    """What to say where the server has told something of the run and knows it no more; None of any other refusal."""
    if (
        remote.run is None
        or remote.run.last <= remote.after
        or error.problem.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    ):
        return None
    return Cut(f"The story was heard up to event {remote.run.last}. {_LOST}")


def _cut(remote: _Remote, error: RunCut) -> click.ClickException:
    where = remote.run.url if remote.run is not None else None
    if where is None or (not error.last and remote.end is None):
        return Cut(f"{remote.url} tells no story: {ended(error.why)}")
    why = f"The story was heard up to event {error.last}: {ended(error.why)}"
    return Cut(f"{why} `narrate follow {where} --after {error.last}` tells the rest, once the server is there again.")
