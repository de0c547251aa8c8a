"""`narrate deliveries`: which webhooks were sent, which were given up, and another try for one of them."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from narrate.cli.kinds import JournalUrl
from narrate.cli.work import WrongUse, run_command
from narrate.delivery import Delivery, again
from narrate.journal.base import Journal
from narrate.journal.sqlite import SqliteJournal
from narrate.journal.urls import open_journal_url


@click.command()
@click.option(
    "--journal", "url", type=JournalUrl(), metavar="URL", required=True, help="Where runs are kept: sqlite:///runs.db."
)
@click.option("--dead", is_flag=True, help="Only those that were given up.")
@click.option("--resend", metavar="ID", help="Send this one again, with the whole schedule before it.")
def deliveries(url: str, *, dead: bool, resend: str | None) -> None:
    """List the webhooks of a journal, or send one again.

    The newest come first. One that is to be sent again is sent by the server that uses the journal.

    \b
    Examples:
      narrate deliveries --journal sqlite:///runs.db --dead
      narrate deliveries --journal sqlite:///runs.db --resend msg_2b7Qx
    """
    journal = open_journal_url(url)
    if not isinstance(journal, SqliteJournal):
        raise click.UsageError("A journal in memory is gone with its server. Name the file of one: sqlite:///runs.db.")
    if not journal.path.exists():
        raise WrongUse(f"{journal.path}: there is no such journal.")

    async def main() -> None:
        async with journal.open():
            lines = [await _resent(journal, resend)] if resend else _listed(await _all(journal, dead=dead))
        for line in lines:
            click.echo(line)

    run_command(main)


async def _all(journal: Journal, *, dead: bool) -> Sequence[Delivery]:
    return await journal.deliveries(state="dead" if dead else None)


async def _resent(journal: Journal, id: str) -> str:  # noqa: A002
    delivery = await journal.maybe_delivery(id)
    if delivery is None:
        raise WrongUse(f"There is no delivery {id} in this journal.")
    put_back = again(delivery, time.time())
    if put_back is delivery:
        return f"{id} waits for the end of its run; there is nothing to send yet."
    await journal.put(put_back)
    return f"{id} is due now."


def _listed(found: Sequence[Delivery]) -> Sequence[str]:
    return [_line(one) for one in found] or ["There are none."]


def _line(delivery: Delivery) -> str:
    tries = f"{delivery.attempts} {'try' if delivery.attempts == 1 else 'tries'}"
    next_try = f", next {datetime.fromtimestamp(delivery.due, UTC):%Y-%m-%d %H:%M:%S} UTC" if delivery.due else ""
    last = f"  {delivery.last}" if delivery.last else ""
    return f"{delivery.id}  {delivery.state:9}  {delivery.url}  run {delivery.run}  {tries}{next_try}{last}"
