"""What an observed probe shows: findings, each with its evidence and, where something is bad, with what to do about it.

Pure, so that every way in which something between can spoil a stream is a vector in a test, with exact numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Literal

from narrate.probing import advice
from narrate.probing.flow import LATE, Flow, flow_of
from narrate.probing.seen import EVENT_STREAM, End, Head, Observation, Trouble, same_place
from narrate.probing.words import Burst, Ended, Hush, Opened

Verdict = Literal["good", "bad", "unknown"]

SLOW = 2.0
"""Seconds, beside a few round trips, for a first byte that nobody held back."""


class What(Enum):
    """What is found out, in this order. The value stands for it in the report and in JSON."""

    REACHABLE = "reachable"
    NARRATE = "narrate"
    FIRST_BYTE = "first byte"
    PIECES = "pieces"
    END = "end"
    SILENCE = "silence"
    ENCODING = "encoding"
    ANSWER = "answer headers"
    REQUEST = "request headers"
    ADDRESS = "address"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out. `advice` is empty where there is nothing to do."""

    what: What
    verdict: Verdict
    evidence: str
    advice: str = ""


def judge(seen: Observation) -> Sequence[Finding]:
    """The findings, in the order of `What`. Where the server was not probed, only why not."""
    if seen.trouble is not None:
        return [Finding(What.REACHABLE, "bad", trouble_of(seen), advice.TROUBLE[seen.trouble])]
    assert seen.head is not None
    reached = Finding(What.REACHABLE, "good", f"An answer, {seen.head.status}, after {duration(seen.head.arrived)}.")
    opened = seen.opened
    if opened is None:
        return [reached, _stranger(seen, seen.head)]
    flow = flow_of(seen.pieces, seen.plan.every)
    told = f"Version {opened.narrate}, with a heartbeat every {duration(opened.heartbeat)} of silence."
    return [
        reached,
        Finding(What.NARRATE, "good", told),
        _first_byte(seen, flow),
        _pieces(flow),
        _end(seen),
        _silence(seen, opened),
        _encoding(seen),
        _answer(seen.head),
        _request(seen, opened),
        _address(seen, seen.head),
        _line(seen, seen.head, opened),
    ]


def probed(findings: Sequence[Finding]) -> bool:
    """Whether anything can be said of the way: a narrate was reached there."""
    found = {finding.what: finding.verdict for finding in findings}
    return found.get(What.NARRATE) == "good"


_DOES = {
    What.FIRST_BYTE: "buffers",
    What.PIECES: "buffers",
    What.END: "cuts",
    What.SILENCE: "cuts",
    What.ENCODING: "compresses",
}
_ALSO = {
    What.ANSWER: "changes the headers of answers",
    What.REQUEST: "drops headers of requests",
    What.ADDRESS: "moves addresses",
}


def conclusion(findings: Sequence[Finding]) -> str:
    """All of it in one sentence."""
    if not probed(findings):
        return "Nothing can be said about the way there: no narrate was reached."
    bad = [finding.what for finding in findings if finding.verdict == "bad"]
    does = list(dict.fromkeys(_DOES[what] for what in bad if what in _DOES))
    clauses = [f"{_and(does)} the stream"] if does else []
    clauses += [_ALSO[what] for what in bad if what in _ALSO]
    if not clauses:
        return "Nothing between here and the server buffers, cuts or compresses the stream."
    return f"Something between here and the server {_and(clauses)}."


def duration(seconds: float) -> str:
    """Seconds in words, as exactly as anybody wants to know."""
    if seconds < 0.0995:
        return f"{round(max(seconds, 0) * 1000, 2):.2g} ms"
    return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"


def size(count: int) -> str:
    """A number of bytes in words."""
    return f"{count} bytes" if count < 1000 else f"{count / 1024:.1f} KiB"


def trouble_of(seen: Observation) -> str:
    """Why there was no answer, in a sentence."""
    sentence = {
        Trouble.NO_HOST: "There is no host of that name.",
        Trouble.NOBODY: "Nobody listens there: the connection was refused.",
        Trouble.NO_CONNECTION: "No connection came about in time.",
        Trouble.TLS: f"No secure connection came about: {seen.detail or 'the handshake failed'}.",
        Trouble.MUTE: f"A connection came about, but no answer in {duration(seen.ended)}.",
        Trouble.NO_HTTP: "Whoever answers there does not speak HTTP, or hung up at once.",
        Trouble.BROKEN: "The connection broke before there was an answer.",
    }
    assert seen.trouble is not None
    return sentence[seen.trouble]


def _stranger(seen: Observation, head: Head) -> Finding:
    """What is there that is no narrate, or will not be probed."""

    def found(verdict: Verdict, evidence: str, what_to_do: str) -> Finding:
        return Finding(What.NARRATE, verdict, evidence, what_to_do)

    match head.status:
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return found("bad", f"There is no /probe ({head.status}), here or further up.", advice.NO_PROBE)
        case HTTPStatus.UNAUTHORIZED:
            return found("unknown", "It wants to know who is asking (401).", advice.CREDENTIALS)
        case HTTPStatus.FORBIDDEN:
            return found("unknown", "Who is asking may not (403).", advice.CREDENTIALS)
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.GATEWAY_TIMEOUT:
            return found("bad", f"A gateway answers, and nobody behind it ({head.status}).", advice.GATEWAY)
        case HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.TOO_MANY_REQUESTS:
            again = head.headers.get("retry-after", "")
            when = f" It asks to come back after {again} s." if again.isdigit() else ""
            return found("unknown", f"It takes no probe now ({head.status}).{when}", advice.LATER)
        case status if 300 <= status < 400:
            where = head.headers.get("location", "nowhere")
            return found("bad", f"It sends its readers on to {where} ({status}).", advice.REDIRECT)
        case HTTPStatus.OK:
            pass
        case status:
            return found("bad", f"It answers with {status}.", advice.NO_NARRATE)
    if head.media_type == EVENT_STREAM and seen.end is not End.STRANGE:
        evidence = f"It began to answer, but in {duration(seen.ended)} not one word of a probe came."
        return found("unknown", evidence, f"{advice.BUFFERS} Or: {advice.CUT}")
    if head.media_type == "text/html":
        return found("bad", "It answers with a web page: of a login, perhaps, or of another server.", advice.NO_NARRATE)
    return found("bad", f"It answers with {head.media_type or 'something of no type'}.", advice.NO_NARRATE)


def _first_byte(seen: Observation, flow: Flow) -> Finding:
    arrived = seen.pieces[0].arrived
    if flow.first_held:
        others = f"until {flow.first_lot - 1} others and {size(flow.first_size)} were there"
        evidence = f"The first word was held for {duration(flow.first_late)}, {others}."
        return Finding(What.FIRST_BYTE, "bad", evidence, advice.BUFFERS)
    trips = f"; there and back takes {duration(seen.round_trip)}" if seen.round_trip is not None else ""
    evidence = f"It came after {duration(arrived)}{trips}."
    if arrived > SLOW + 4 * (seen.round_trip or 0):
        return Finding(What.FIRST_BYTE, "unknown", evidence, advice.SLOW_START)
    return Finding(What.FIRST_BYTE, "good", evidence)


def _pieces(flow: Flow) -> Finding:
    if not flow.enough:
        return Finding(What.PIECES, "unknown", f"Only {flow.count} pieces came, which say little.", advice.LONGER)
    sent = f"{flow.count} pieces, sent over {duration(flow.sent_over)},"
    if flow.at_once:
        when = {
            Ended: "at the very end: something buffers the whole answer",
            Burst: "when 64 KiB more were there: something buffers less than that",
            None: f"{duration(flow.first_late)} after the first was sent: something buffers",
        }[flow.until]
        evidence = f"{sent} came within {duration(flow.came_over)}, {when}."
        return Finding(What.PIECES, "bad", evidence, advice.BUFFERS)
    if flow.in_lots:
        lots = f"came in {flow.lots} lots of about {size(flow.lot_size)}, up to {duration(flow.late)} late"
        return Finding(What.PIECES, "bad", f"{sent} {lots}: something buffers so much.", advice.BUFFERS)
    late = f"{sent} came one by one, the latest {duration(flow.late)} later than the quickest."
    return Finding(
        What.PIECES, "unknown" if flow.late >= LATE else "good", late, advice.SLOW if flow.late >= LATE else ""
    )


def _end(seen: Observation) -> Finding:
    heard = f"after {duration(seen.ended)} and {size(seen.size)}"
    if seen.end is End.WHOLE:
        return Finding(What.END, "good", f"It came to its own end {heard}.")
    if seen.retry:
        return Finding(What.END, "unknown", "The server stops, and asked its readers to come back.", advice.LATER)
    if seen.end is End.STRANGE:
        evidence = f"What came {heard} is no word of a probe: the stream was changed."
        return Finding(What.END, "bad", evidence, advice.CHANGED)
    how = {
        End.CLOSED: "as if that were its end",
        End.BROKEN: "without an end",
        End.SILENT: f"after which nothing came for {duration(seen.ended - seen.last)}",
    }[seen.end]
    if _hushed(seen):
        return Finding(What.END, "bad", f"It was cut {heard}, in the silence.", advice.IDLE)
    return Finding(What.END, "bad", f"It was cut {heard}, {how}.", advice.CUT)


def _silence(seen: Observation, opened: Opened) -> Finding:
    asked, beat = seen.plan.silence, opened.heartbeat
    enough = advice.silence(int(beat) + 1)
    if not asked:
        return Finding(What.SILENCE, "unknown", "None was asked for.", enough)
    idle = seen.ended - seen.last
    if _hushed(seen) and seen.end is not End.WHOLE and not seen.retry:
        limit = f"narrate's own silences last up to {duration(beat)}"
        evidence = f"It was cut after {duration(idle)} in which nothing came; {limit}."
        return Finding(What.SILENCE, "bad", evidence, advice.IDLE)
    if not any(isinstance(piece.word, Burst) for piece in seen.pieces):
        return Finding(What.SILENCE, "unknown", "It was cut before the silence came to its end.", advice.AGAIN)
    if asked <= beat:
        evidence = f"{duration(asked)} of it were survived; narrate's own last up to {duration(beat)}."
        return Finding(What.SILENCE, "unknown", evidence, enough)
    evidence = f"{duration(asked)} of it were survived, with a heartbeat every {duration(beat)}."
    return Finding(What.SILENCE, "good", evidence)


def _hushed(seen: Observation) -> bool:
    """Whether the last that was heard was that a silence follows."""
    return isinstance(seen.pieces[-1].word, Hush)


def _encoding(seen: Observation) -> Finding:
    if seen.encoding in ("", "identity"):
        return Finding(What.ENCODING, "good", "It came as it was sent, though compression was offered.")
    evidence = f"It came with Content-Encoding: {seen.encoding}, though narrate says no-transform."
    return Finding(What.ENCODING, "bad", evidence, advice.COMPRESSES)


def _answer(head: Head) -> Finding:
    wrong = list(_wrong_headers(head))
    if wrong:
        return Finding(What.ANSWER, "bad", f"{_and(wrong)}.", advice.ANSWER_HEADERS)
    return Finding(What.ANSWER, "good", "Content-Type, Cache-Control and narrate's own came as they were sent.")


def _wrong_headers(head: Head) -> Iterator[str]:
    if head.media_type != EVENT_STREAM:
        yield f"Content-Type is {head.media_type or 'missing'}"
    said = {part.strip().lower() for part in head.headers.get("cache-control", "").split(",")}
    if not said >= {"no-cache", "no-transform"}:
        yield f"Cache-Control is {head.headers.get('cache-control', 'missing')}"
    for name in ("Narrate-Heartbeat", "Content-Location"):
        if name.lower() not in head.headers:
            yield f"{name} is missing"


def _request(seen: Observation, opened: Opened) -> Finding:
    lost = [name for name in seen.sent if name not in opened.asked]
    changed = [name for name in seen.sent if name in opened.asked and opened.asked[name] != seen.sent[name]]
    if lost or changed:
        told = [
            f"{_and(names)} {word}" for names, word in ((lost, "did not arrive"), (changed, "arrived changed")) if names
        ]
        return Finding(What.REQUEST, "bad", f"{'; '.join(told)}.", advice.REQUEST_HEADERS)
    return Finding(What.REQUEST, "good", f"{_and(list(seen.sent))} arrived.")


def _address(seen: Observation, head: Head) -> Finding:
    given = head.headers.get("content-location")
    if given is None:
        return Finding(What.ADDRESS, "unknown", "The answer does not say where it can be read again.")
    if same_place(seen.url, given):
        return Finding(What.ADDRESS, "good", f"{given}, which the server says of itself, leads back to it.")
    evidence = f"The server says of itself {given}, which from here is another place than the one asked."
    return Finding(What.ADDRESS, "bad", evidence, advice.ADDRESS)


def _line(seen: Observation, head: Head, opened: Opened) -> Finding:
    versions = f"{head.http} here, HTTP/{opened.http} at the server"
    named = [f"{name}: {head.headers[name.lower()]}" for name in ("Server", "Via") if name.lower() in head.headers]
    trip = [f"there and back in {duration(seen.round_trip)}"] if seen.round_trip is not None else []
    return Finding(What.LINE, "good", f"{'; '.join([versions, *named, *trip])}.")


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
