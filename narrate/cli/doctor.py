"""`narrate doctor`: whether something between here and a server buffers, cuts or compresses its streams."""

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from narrate.cli.addresses import checked, headers_of
from narrate.cli.kinds import AtLeast
from narrate.cli.work import CUT, FAILED, FINISHED, run_command
from narrate.doctor import observe
from narrate.probing.judge import Finding, Verdict, conclusion, duration, judge, probed
from narrate.probing.seen import Observation
from narrate.probing.timeline import CUT as CUT_SIGN
from narrate.probing.timeline import MANY, ONE, Timeline, timeline
from narrate.probing.words import LONGEST, Plan
from narrate.terminal.words import Signs, signs_for

A_SERVER = "http://127.0.0.1:8000/"

READABLE = 100
"""Columns over which no line of the report goes."""

_MARKS: dict[Verdict, tuple[str, str]] = {"good": ("✓", "green"), "bad": ("✗", "bold red"), "unknown": ("?", "yellow")}
_PLAIN = str.maketrans({"✓": "+", "✗": "!", ONE: "*", CUT_SIGN: "X", "•": "*"})


@click.command()
@click.argument("url")
@click.option(
    "--seconds",
    default=2.0,
    show_default=True,
    type=AtLeast(0, LONGEST),
    help="How long small pieces are sent: a buffer must fill, and a limit be reached, to be seen.",
)
@click.option(
    "--silence",
    default=0.0,
    metavar="SECONDS",
    type=AtLeast(0, LONGEST),
    help="Send nothing but heartbeats for so long, to see whether the line bears it.",
)
@click.option("-H", "--header", multiple=True, metavar="'NAME: VALUE'", help="Send this header, too; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="What was found as JSON, with the times of each piece.")
def doctor(url: str, seconds: float, silence: float, header: tuple[str, ...], as_json: bool) -> None:
    """Does something between here and a server buffer, cut or compress its streams? With evidence.

    URL is the address of a server, of one of its pipelines, or of a run. The server sends small pieces and says when;
    it begins no run for it.

    \b
    Examples:
      narrate doctor https://api.example.com/
      narrate doctor https://api.example.com/assist --silence 20 -H 'Authorization: Bearer …'

    The exit code is 0 when all is good, 1 when something is bad, and 3 when no narrate was reached, so that nothing can
    be said.
    """
    address, headers = checked(url, A_SERVER), headers_of(header)
    plan = Plan(seconds=seconds, silence=silence)
    with Console(stderr=True).status(f"Listening for {duration(plan.lasts)}…"):
        seen = run_command(partial(observe, address, plan, headers=headers))
    findings = judge(seen)
    if as_json:
        click.echo(json.dumps(_as_data(seen, findings), ensure_ascii=False, indent=2))
    else:
        _print(seen, findings)
    sys.exit(_exit_code(findings))


def _exit_code(findings: Sequence[Finding]) -> int:
    if not probed(findings):
        return CUT
    return FAILED if any(finding.verdict == "bad" for finding in findings) else FINISHED


def _as_data(seen: Observation, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "url": seen.url,
        "good": all(finding.verdict != "bad" for finding in findings) if probed(findings) else None,
        "conclusion": conclusion(findings),
        "findings": [
            {"what": one.what.value, "verdict": one.verdict, "evidence": one.evidence, "advice": one.advice}
            for one in findings
        ],
        "end": seen.end.value if seen.opened is not None else None,
        "round_trip": seen.round_trip,
        "pieces": [
            {
                "n": piece.word.n,
                "type": piece.word.__struct_config__.tag,
                "sent": piece.word.t,
                "arrived": round(piece.arrived, 4),
                "bytes": piece.at,
            }
            for piece in seen.pieces
        ],
    }


def _print(seen: Observation, findings: Sequence[Finding]) -> None:
    console = Console(highlight=False)
    width = min(console.width, READABLE)
    writing = _Writing(signs_for(console.encoding), width)
    report = Group(
        writing.text(seen.url.partition("?")[0], "bold"),
        *writing.findings(findings),
        *writing.drawing(seen),
        *writing.to_do(findings),
        writing.conclusion(findings),
    )
    with console.capture() as written:
        console.print(report, width=width)
    for line in written.get().splitlines():
        click.echo(line.rstrip())  # rich fills every line up to the width


class _Writing:
    """The report, in the signs that can be written here."""

    def __init__(self, signs: Signs, width: int) -> None:
        self._signs = signs
        self._width = width

    def text(self, words: str, style: str = "") -> Text:
        """Words as they can be written: those of a stranger are not obeyed."""
        return Text(self._written(words), style)

    def findings(self, findings: Sequence[Finding]) -> Iterator[RenderableType]:
        table = _grid()
        table.add_column()
        for one in findings:
            sign, style = _MARKS[one.verdict]
            evidence = self.text(one.evidence, "red" if one.verdict == "bad" else "")
            if one.verdict == "unknown" and one.advice:
                evidence += self.text(f" {one.advice}", "dim")
            table.add_row(self.text(sign, style), self.text(one.what.value, "dim"), evidence)
        yield _below(table)

    def drawing(self, seen: Observation) -> Iterator[RenderableType]:
        if seen.opened is None:
            return
        drawn = timeline(seen, self._width - len("  arrived  "))
        table = _grid()
        table.add_row("", self.text("sent", "dim"), self.text(drawn.sent, "cyan"))
        table.add_row("", self.text("arrived", "dim"), self.text(drawn.came, "cyan"))
        table.add_row("", "", self.text(drawn.axis, "dim"))
        yield _below(table)
        if key := _key(drawn):
            yield Padding(self.text(key, "dim"), (0, 0, 0, 2))

    def to_do(self, findings: Sequence[Finding]) -> Iterator[RenderableType]:
        # What several findings ask for is said once.
        advice = dict.fromkeys(one.advice for one in findings if one.verdict == "bad" and one.advice)
        if not advice:
            return
        yield _below(self.text("What to do", "bold"))
        table = _grid()
        for one in advice:
            table.add_row("", self.text("•", "dim"), self.text(one))
        yield table

    def conclusion(self, findings: Sequence[Finding]) -> RenderableType:
        verdict: Verdict = "unknown"
        if probed(findings):
            verdict = "bad" if _exit_code(findings) else "good"
        return _below(self.text(conclusion(findings), f"bold {_MARKS[verdict][1].split()[-1]}"))

    def _written(self, words: str) -> str:
        plain = self._signs is not signs_for("utf-8")
        return self._signs.clean(words.translate(_PLAIN) if plain else words)


def _key(drawn: Timeline) -> str:
    """What the signs of a drawing mean, as far as they are in it."""
    said = []
    if drawn.figures:
        said.append(f"a figure: so many pieces at once ({MANY}: ten or more)")
    if CUT_SIGN in drawn.came:
        said.append(f"{CUT_SIGN}: cut")
    return "; ".join(said)


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    return table


def _below(part: RenderableType) -> RenderableType:
    """With an empty line before it."""
    return Padding(part, (1, 0, 0, 0))
