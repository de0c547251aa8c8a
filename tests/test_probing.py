"""What is found out from a probe: each way to spoil a stream as exact numbers, and what is said and advised then."""

from dataclasses import replace

import msgspec
import pytest

from narrate.probing.judge import Finding, What, conclusion, duration, judge, probed, size
from narrate.probing.seen import WISHES, End, Head, Observation, Trouble
from narrate.probing.words import Plan
from tests.probed import HEADERS, TRIP, URL, answered, at_the_end, seen


def found(observation: Observation, what: What) -> Finding:
    return next(finding for finding in judge(observation) if finding.what is what)


def bad(observation: Observation) -> list[str]:
    return [finding.what.value for finding in judge(observation) if finding.verdict == "bad"]


def with_headers(**changed: str | None) -> Observation:
    """A probe whose answer came with other headers."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    kept = {name: value for name, value in headers.items() if value is not None}
    return seen(head=Head(200, "HTTP/1.1", kept, 0.05))


# --- Nothing between ---


def test_where_nothing_spoils_it_all_is_good_and_the_evidence_is_said():
    findings = judge(seen(plan=Plan(silence=20)))
    assert [finding.what for finding in findings] == list(What)
    assert {finding.verdict for finding in findings} == {"good"}
    assert [finding.evidence for finding in findings] == [
        "An answer, 200, after 50 ms.",
        "Version 1.2.3, with a heartbeat every 15 s of silence.",
        "It came after 40 ms; there and back takes 80 ms.",
        "21 pieces, sent over 2 s, came one by one, the latest 0 ms later than the quickest.",
        "It came to its own end after 22 s and 5.9 KiB.",
        "20 s of it were survived, with a heartbeat every 15 s.",
        "It came as it was sent, though compression was offered.",
        "Content-Type, Cache-Control and narrate's own came as they were sent.",
        "Accept, Idempotency-Key, Last-Event-ID and Prefer arrived.",
        "/app/probe, which the server says of itself, leads back to it.",
        "HTTP/1.1 here, HTTP/1.1 at the server; there and back in 80 ms.",
    ]
    assert conclusion(findings) == "Nothing between here and the server buffers, cuts or compresses the stream."
    assert probed(findings)


def test_who_else_is_on_the_line_is_evidence():
    observation = with_headers(server="nginx/1.22.1", via="1.1 google")
    told = "HTTP/1.1 here, HTTP/1.1 at the server; Server: nginx/1.22.1; Via: 1.1 google; there and back in 80 ms."
    assert found(observation, What.LINE).evidence == told


# --- Held back ---


def test_what_comes_all_at_the_end_was_buffered_whole():
    observation = seen(lambda sent: 2.2 + sent / 1000)
    assert bad(observation) == ["first byte", "pieces"]
    assert found(observation, What.PIECES).evidence == (
        "21 pieces, sent over 2 s, came within 2 ms, at the very end: something buffers the whole answer."
    )
    assert found(observation, What.FIRST_BYTE).evidence == (
        "The first word was held for 2.2 s, until 20 others and 5.1 KiB were there."
    )
    assert "proxy_buffering off;" in found(observation, What.PIECES).advice
    assert conclusion(judge(observation)) == "Something between here and the server buffers the stream."


def test_what_the_burst_lets_go_was_in_a_smaller_buffer():
    observation = seen(lambda sent: max(sent, 2.1) + TRIP)
    assert "when 64 KiB more were there: something buffers less than that" in found(observation, What.PIECES).evidence


def test_what_comes_at_once_in_the_middle_was_held_too():
    observation = seen(lambda sent: max(sent, 2.06) + TRIP)
    assert "2.1 s after the first was sent: something buffers" in found(observation, What.PIECES).evidence


@pytest.mark.parametrize("every", [0.5, 1.0])
def test_pieces_that_come_in_lots_fill_a_buffer_whose_size_is_told(every):
    def in_lots(sent: float) -> float:
        return (int((sent + 0.001) / every) + 1) * every + TRIP

    observation = seen(in_lots)
    assert bad(observation) == ["first byte", "pieces"]
    told = {0.5: "5 lots of about 1.2 KiB", 1.0: "3 lots of about 2.4 KiB"}
    assert told[every] in found(observation, What.PIECES).evidence


def test_a_beginning_that_is_held_until_there_is_more_is_not_a_buffer_of_all():
    observation = seen(lambda sent: max(sent, 0.5) + TRIP)
    assert bad(observation) == ["first byte"]
    assert "held for 0.5 s, until 5 others and 1.5 KiB were there" in found(observation, What.FIRST_BYTE).evidence


def test_one_hiccup_of_a_line_is_no_buffer():
    observation = seen(lambda sent: (1.5 if 1.0 < sent < 1.5 else sent) + TRIP)
    assert bad(observation) == []
    assert found(observation, What.PIECES).evidence.endswith("the latest 0.4 s later than the quickest.")


def test_a_line_that_gets_slower_and_slower_is_not_known_to_buffer():
    observation = seen(lambda sent: sent * 2 + TRIP)
    assert found(observation, What.PIECES).verdict == "unknown"
    assert "slow or crowded line" in found(observation, What.PIECES).advice


def test_a_server_that_is_slow_to_begin_is_not_known_to_be_held_back():
    observation = seen(lambda sent: sent + 4)
    assert bad(observation) == []
    assert found(observation, What.FIRST_BYTE).verdict == "unknown"
    assert found(observation, What.PIECES).verdict == "good"


def test_a_long_way_is_not_a_slow_beginning():
    assert found(seen(lambda sent: sent + 3, round_trip=0.6), What.FIRST_BYTE).verdict == "good"


def test_clocks_that_show_another_time_say_nothing():
    assert found(seen(lambda sent: sent + 1000, round_trip=400), What.PIECES).verdict == "good"


def test_of_few_pieces_nothing_is_said():
    assert found(seen(plan=Plan(seconds=0.3)), What.PIECES).verdict == "unknown"


# --- Cut ---


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (End.CLOSED, "as if that were its end"),
        (End.BROKEN, "without an end"),
        (End.SILENT, "after which nothing came for 10 ms"),
    ],
)
def test_a_stream_without_its_last_word_was_cut(end, how):
    observation = seen(words=11, end=end)
    assert bad(observation) == ["end"]
    assert found(observation, What.END).evidence == f"It was cut after 1.1 s and 2.7 KiB, {how}."
    assert conclusion(judge(observation)) == "Something between here and the server cuts the stream."


def test_a_cut_in_the_silence_says_after_how_much_of_it():
    observation = seen(plan=Plan(silence=20), words=22, end=End.CLOSED, ended=12.04)
    assert bad(observation) == ["end", "silence"]
    told = "It was cut after 10 s in which nothing came; narrate's own silences last up to 15 s."
    assert found(observation, What.SILENCE).evidence == told
    assert "proxy_read_timeout" in found(observation, What.SILENCE).advice


def test_a_silence_that_never_came_is_not_known():
    observation = seen(plan=Plan(silence=20), words=5, end=End.BROKEN)
    assert bad(observation) == ["end"]
    assert found(observation, What.SILENCE).verdict == "unknown"


@pytest.mark.parametrize("silence", [0, 5, 15])
def test_a_silence_shorter_than_narrates_own_says_little_and_how_to_learn_more(silence):
    finding = found(seen(plan=Plan(silence=silence)), What.SILENCE)
    assert finding.verdict == "unknown"
    assert "`--silence 16`" in finding.advice


def test_a_server_that_stops_has_cut_nothing():
    observation = seen(words=11, end=End.CLOSED, retry=True)
    assert bad(observation) == []
    assert found(observation, What.END).verdict == "unknown"


def test_a_stream_that_turns_into_something_else_was_changed():
    observation = seen(words=11, end=End.STRANGE)
    assert bad(observation) == ["end"]
    assert "is no word of a probe" in found(observation, What.END).evidence


# --- Changed on the way ---


def test_a_stream_that_comes_compressed_is_told():
    observation = seen(encoding="br")
    assert bad(observation) == ["encoding"]
    assert "gzip off;" in found(observation, What.ENCODING).advice
    assert conclusion(judge(observation)) == "Something between here and the server compresses the stream."


@pytest.mark.parametrize(
    ("headers", "evidence"),
    [
        ({"content_type": "text/plain"}, "Content-Type is text/plain."),
        ({"content_type": None}, "Content-Type is missing."),
        ({"cache_control": "no-cache"}, "Cache-Control is no-cache."),
        (
            {"cache_control": None, "narrate_heartbeat": None},
            "Cache-Control is missing and Narrate-Heartbeat is missing.",
        ),
    ],
)
def test_headers_of_the_answer_that_are_lost_or_changed_are_named(headers, evidence):
    assert bad(with_headers(**headers)) == ["answer headers"]
    assert found(with_headers(**headers), What.ANSWER).evidence == evidence


def test_more_words_in_cache_control_do_no_harm():
    assert bad(with_headers(cache_control="private, NO-TRANSFORM,no-cache")) == []


def test_headers_of_the_request_that_are_lost_or_changed_are_named():
    observation = seen(sent={**WISHES, "Last-Event-ID": "9"})
    pieces = list(observation.pieces)
    heard = {name: value for name, value in WISHES.items() if name not in ("Prefer", "Accept")}
    pieces[0] = replace(pieces[0], word=msgspec.structs.replace(pieces[0].word, asked=heard))
    evidence = "Accept and Prefer did not arrive; Last-Event-ID arrived changed."
    assert found(replace(observation, pieces=pieces), What.REQUEST).evidence == evidence
    assert bad(replace(observation, pieces=pieces)) == ["request headers"]


@pytest.mark.parametrize("given", ["/app/probe", "probe", "https://api.example/app/probe"])
def test_an_address_that_leads_back_is_good(given):
    assert bad(with_headers(content_location=given)) == []


@pytest.mark.parametrize("given", ["/probe", "http://10.0.0.1:8000/app/probe", "/app/probe/"])
def test_an_address_that_leads_elsewhere_is_bad(given):
    observation = with_headers(content_location=given)
    assert bad(observation) == ["address"]
    assert given in found(observation, What.ADDRESS).evidence


def test_all_that_is_bad_is_in_one_sentence():
    observation = replace(with_headers(content_location="/probe", cache_control=None), encoding="gzip")
    spoilt = replace(observation, pieces=seen(lambda sent: 2.2 + sent / 1000).pieces)
    assert conclusion(judge(spoilt)) == (
        "Something between here and the server buffers and compresses the stream, changes the headers of answers and "
        "moves addresses."
    )


def test_whatever_is_bad_has_advice():
    observations = [seen(words=11, end=End.CLOSED), seen(at_the_end), seen(encoding="br"), answered(404)]
    observations += [Observation(url=URL, plan=Plan(), trouble=trouble) for trouble in Trouble]
    findings = [finding for one in observations for finding in judge(one) if finding.verdict == "bad"]
    assert all(finding.advice and finding.evidence.endswith(".") for finding in findings)
    assert len(findings) >= len(observations)


# --- No probe ---


@pytest.mark.parametrize("trouble", Trouble)
def test_without_any_answer_there_is_one_finding_and_no_conclusion(trouble):
    findings = judge(Observation(url=URL, plan=Plan(), trouble=trouble, detail="it is self-signed"))
    assert [(finding.what, finding.verdict) for finding in findings] == [(What.REACHABLE, "bad")]
    assert not probed(findings)
    assert conclusion(findings) == "Nothing can be said about the way there: no narrate was reached."


@pytest.mark.parametrize(
    ("observation", "evidence"),
    [
        (answered(404), "There is no /probe (404), here or further up."),
        (answered(405), "There is no /probe (405), here or further up."),
        (answered(401), "It wants to know who is asking (401)."),
        (answered(403), "Who is asking may not (403)."),
        (answered(502), "A gateway answers, and nobody behind it (502)."),
        (answered(503, **{"retry-after": "5"}), "It takes no probe now (503). It asks to come back after 5 s."),
        (answered(503), "It takes no probe now (503)."),
        (answered(301, location="https://x/"), "It sends its readers on to https://x/ (301)."),
        (answered(418), "It answers with 418."),
        (answered(kind="text/html"), "It answers with a web page: of a login, perhaps, or of another server."),
        (answered(), "It answers with application/json."),
        (answered(kind=""), "It answers with something of no type."),
        (seen(words=0, end=End.STRANGE), "It answers with text/event-stream."),
        (seen(words=0, end=End.SILENT, ended=17), "It began to answer, but in 17 s not one word of a probe came."),
    ],
)
def test_what_is_there_instead_is_one_sentence(observation, evidence):
    reached, narrate = judge(observation)
    assert (reached.verdict, narrate.evidence) == ("good", evidence)
    assert narrate.advice
    assert not probed([reached, narrate])


# --- In words ---


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 ms"), (0.00042, "0.42 ms"), (0.012, "12 ms"), (0.1, "0.1 s"), (2.14, "2.1 s"), (61.4, "61 s")],
)
def test_seconds_are_told_as_exactly_as_anybody_wants(seconds, told):
    assert duration(seconds) == told


@pytest.mark.parametrize(("count", "told"), [(0, "0 bytes"), (999, "999 bytes"), (4096, "4.0 KiB")])
def test_bytes_are_told_in_words(count, told):
    assert size(count) == told
