"""Makes a CSV of orders to try the import on: always the same for the same seed, with a mistake in 1 of 500 rows.

python make_rows.py orders.csv --rows 200000 --seed 7
"""

import argparse
import csv
import os
import random
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

ROWS = 200_000
SEED = 7
FIRST_ID = 100_001
ONE_MISTAKE_IN = 500
ROWS_AT_ONCE = 10_000

HEADER = ("id", "date", "email", "country", "amount", "note")
NAMES = ("ana", "bert", "chloe", "david", "elif", "fatima", "george", "hanna", "ivan", "jo", "karin", "luis", "mei")
HOSTS = ("mail.example", "post.example", "office.example.org", "example.com", "school.example.net")
COUNTRIES = ("DE", "AT", "CH", "ES", "FR", "IT", "NL", "PL", "PT", "SE")
NOTES = (
    "Leave it at the door, please.",
    "Call before you come: nobody hears the bell.",
    'Write "for Zoë" on it.',
    "Second floor, left.\nThe lift is out of order.",
    "Grüße an das ganze Team!",
)
DAYS = tuple((date(2025, 10, 1) + timedelta(days=n)).isoformat() for n in range(400))

Row = list[str]


def rows(count: int = ROWS, seed: int = SEED) -> Iterator[Row]:
    """So many orders, some of which are none."""
    dice = random.Random(seed)
    for number in range(count):
        row = _order(FIRST_ID + number, dice)
        yield dice.choice(MISTAKES)(row, dice) if dice.random() * ONE_MISTAKE_IN < 1 else row


def written(path: Path, count: int = ROWS, seed: int = SEED) -> Generator[int, None, None]:
    """Write them to a file, and give back now and then how many there are in it.

    The file is there when all of it is; an iterator that is closed before leaves nothing behind.
    """
    number, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    part = Path(name)
    try:
        with os.fdopen(number, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(HEADER)
            left = rows(count, seed)
            done = 0
            while some := list(islice(left, ROWS_AT_ONCE)):
                out.writerows(some)
                done += len(some)
                yield done
        part.chmod(0o644)  # mkstemp lets nobody else read it
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _order(number: int, dice: random.Random) -> Row:
    pick, chance = dice.choice, dice.random
    email = f"{pick(NAMES)}.{int(chance() * 9000) + 1000}@{pick(HOSTS)}"
    cents = int(chance() * chance() * 50_000) + 199
    note = pick(NOTES) if chance() < 0.1 else ""
    return [str(number), pick(DAYS), email, pick(COUNTRIES), f"{cents // 100}.{cents % 100:02}", note]


def _with(place: int, *wrong: str) -> Callable[[Row, random.Random], Row]:
    def mistake(row: Row, dice: random.Random) -> Row:
        return [*row[:place], dice.choice(wrong), *row[place + 1 :]]

    return mistake


def _twice(row: Row, dice: random.Random) -> Row:
    """An order with the number of an earlier one, be it far above."""
    return [str(dice.randint(FIRST_ID, int(row[0]))), *row[1:]]


def _cut(row: Row, _dice: random.Random) -> Row:
    return row[:4]


MISTAKES: Sequence[Callable[[Row, random.Random], Row]] = (
    _with(0, "", "n/a", "-1", "1e5"),
    _with(1, "2026-02-30", "31.12.2025", "tomorrow", ""),
    _with(2, "", "bert at mail.example", "chloe@", "karin@mail..example"),
    _with(3, "XX", "Germany", "de", ""),
    _with(4, "12,50", "-3.00", "0.00", "free", "1.5"),
    _twice,
    _cut,
)


def _main() -> None:
    asked = argparse.ArgumentParser(description="Make a CSV of orders, some of them with a mistake.")
    asked.add_argument("path", type=Path)
    asked.add_argument("--rows", type=int, default=ROWS)
    asked.add_argument("--seed", type=int, default=SEED)
    given = asked.parse_args()
    for _ in written(given.path, given.rows, given.seed):
        pass


if __name__ == "__main__":
    _main()
