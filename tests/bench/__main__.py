"""Prints the table. `--check` ends with 1 when a row misses its target; without it only a failed measurement does."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from time import perf_counter

from tests.bench.first_token import first_token_section
from tests.bench.kept import kept_section
from tests.bench.pace import pace_section
from tests.bench.peer import peer_section
from tests.bench.runner import steps_section, tokens_section
from tests.bench.served import burst_section, closing_section, first_section, idle_section
from tests.bench.table import Section, render

SECTIONS: Mapping[str, Callable[[], Section]] = {
    "steps": partial(steps_section, few=1_000, many=10, rounds=8),
    "tokens": partial(tokens_section, pieces=10_000, rounds=10),
    "peer": partial(peer_section, sizes=(100, 10_000), rounds=5),
    "pace": partial(pace_section, unit=1.0, rounds=3),
    "kept": partial(kept_section, runs=50, steps=100, rounds=3),
    "burst": partial(burst_section, events=20_000, rounds=8),
    "first": partial(first_section, connections=200),
    "token": partial(first_token_section, connections=50),
    "idle": partial(idle_section, streams=5_000),
    "closing": partial(closing_section, times=50),
}

VERSIONS = ("trio", "quart-trio", "hypercorn", "starlette", "uvicorn", "apache-burr")


def main() -> int:
    """Measure, print, and say by the exit code whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("section", nargs="*", metavar="SECTION", help=f"only these: {', '.join(SECTIONS)}")
    parser.add_argument("--check", action="store_true", help="end with 1 when a row misses its target")
    asked = parser.parse_args()
    if unknown := set(asked.section) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    began = perf_counter()
    sections = []
    for name in asked.section or SECTIONS:
        sys.stderr.write(f"measuring {name} …\n")
        sections.append(SECTIONS[name]())
    missed = sum(not row.holds for section in sections for row in section.rows)
    installed = ", ".join(f"{package} {version(package)}" for package in VERSIONS)
    sys.stdout.write(f"\n{render(sections)}\n")
    sys.stdout.write(f"Python {platform.python_version()} on {os.cpu_count()} cores, {installed}.\n")
    sys.stdout.write(
        f"{missed or 'No'} target{'' if missed == 1 else 's'} missed, in {perf_counter() - began:.0f} s.\n"
    )
    return 1 if asked.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
