"""The research from end to end: its story, the sources that fail, and the rules by which it reads."""

import tomllib
from collections import defaultdict
from typing import NamedTuple

import httpx
import msgspec
import pytest
import trio

from compose_corpus import SOURCES, composed
from inquiry import fitting_in_words
from library import CORPUS, MADE_UP
from narrate import BadInput, RunFailed, current_run, start, targets
from narrate.cassette import Cassette, Exchange, HttpFailure, HttpRequest, HttpResponse, dump, load_world
from narrate.testing import ReplayTape, narrated, same_in_every_schedule
from narrate.transport import ReplayTransport
from planning import plan_of, stem
from reporting import in_common
from tests.examples.found import target
from weighing_up import passages

(research,) = targets.load(target("research"))

HUM = {"question": "Why do bridges hum?"}
SHELVES = ("causes", "cases", "remedies")


def url_of(exchange: Exchange) -> str:
    return exchange.request.url.removeprefix(MADE_UP)


def failing(*paths: str, **failure) -> Cassette:
    """The library, but for what is asked for at these paths."""
    outcome = failure or {"error": HttpFailure(kind="ConnectError", after=1.0)}
    requests = [HttpRequest(method="GET", url=f"{MADE_UP}{path}") for path in paths]
    over = [Exchange(request=request, **outcome) for request in requests]
    return world().overlaid(msgspec.structs.replace(world(), exchanges=tuple(over)))


def world() -> Cassette:
    return load_world(CORPUS)


def sources_on(shelf: str) -> list[str]:
    return [f"/sources/{one['id']}" for one in tomllib.loads(SOURCES.read_text())[shelf]]


class Asking(NamedTuple):
    """When something was asked for and was there, in seconds of trio's clock."""

    began: float
    ended: float


class Watched(httpx.AsyncBaseTransport):
    """The recorded library, and a note of when what was asked of it."""

    def __init__(self) -> None:
        self.asked = defaultdict[str, list[Asking]](list)
        self._recorded = ReplayTransport(world(), scope=current_run)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        began = trio.current_time()
        try:
            answer = await self._recorded.handle_async_request(request)
            await answer.aread()
        finally:
            self.asked[request.url.path].append(Asking(began, trio.current_time()))
        return answer


# --- The story ---


def test_the_story_reads_as_if_somebody_told_what_they_do():
    story = narrated(research, HUM)
    told = story.transcript.splitlines()

    assert told[:9] == [
        "Deep research",
        "",
        "• Planning how to answer “Why do bridges hum?”",
        "  The library asked is made up, and its answers are composed: its titles are invented, its facts are not.",
        "  The question has three sides: what causes it, where it has happened, and what can be done about it.",
        "  [Words to look for]",
        "• Finding out what causes it…",
        "• Finding out where it has happened…",
        "• Finding out what can be done about it…",
    ]
    assert [line.strip() for line in told[9:] if line.strip().startswith("• ") and "”" not in line] == [
        "• Looking along the shelf of causes…",
        "• Reading about the causes…",
        "• Weighing what is said about the causes…",
        "• Looking along the shelf of cases…",
        "• Reading about the cases…",
        "• Weighing what is said about the cases…",
        "• Looking along the shelf of remedies…",
        "• Reading about the remedies…",
        "• Weighing what is said about the remedies…",
        "• Comparing the three answers…",
        "• Writing the report…",
    ]
    assert told[-1] == "Done."


def test_it_takes_minutes_because_of_the_long_tail():
    story = narrated(research, HUM)

    assert 60 < story.took < 180
    assert story.took > 3 * research.detach_after
    assert story.critical_path[0] == "plan"


def test_the_report_has_each_side_of_the_question_and_names_its_sources():
    report = narrated(research, HUM).result

    assert [section.title for section in report.sections] == [
        "What causes it?",
        "Where has it happened?",
        "What can be done about it?",
        "What do the answers have in common?",
    ]
    assert [source.n for source in report.sources] == list(range(1, len(report.sources) + 1))
    assert {source.shelf for source in report.sources} == set(SHELVES)
    assert all(f"[{source.n}]" in "".join(one.text for one in report.sections) for source in report.sources)
    assert "San Francisco, 2020: a railing is replaced" in [source.title for source in report.sources]


def test_the_report_is_told_section_by_section():
    story = narrated(research, HUM)
    told = [event.text for event in story.events if event.type == "token"]

    assert [text.strip() for text in told] == [f"{one.title}\n{one.text}" for one in story.result.sections]


def test_it_is_the_same_in_every_schedule():
    same_in_every_schedule(research, HUM, schedules=5)


def test_a_source_is_found_by_what_it_is_about_though_its_title_does_not_say_so():
    story = narrated(research, {"question": "What is a Stockbridge damper?"})

    assert story.lines_of("remedies/found")[1] == "4 of its 12 sources seem to be about it."
    assert "The Stockbridge damper is a short steel rope" in story.result.sections[2].text
    assert story.lines[-1] == "It rests on 2 sources."


def test_with_the_recording_as_a_replay_it_tells_the_same():
    assert narrated(research, HUM, cassette=CORPUS).lines == narrated(research, HUM).lines


def test_the_recording_has_nothing_that_is_never_asked_for():
    tape = ReplayTape(world())
    narrated(research, {"question": "The noise, the sway and the wind of bridges"}, cassette=tape)

    assert tape.unasked == ()


# --- What fails ---


def test_a_source_that_fails_is_told_and_left_out():
    story = narrated(research, HUM)
    failed = [event for event in story.events if event.type == "step.failed"]

    assert [(event.step.split("/")[0], event.problem.detail) for event in failed] == [
        ("causes", "The library did not answer in time."),
        ("cases", "It stands in the catalogue, but not on the shelf."),
        ("remedies", "The library has trouble of its own (HTTP status 500)."),
    ]
    assert "1 source could not be read and is left out." in story.lines_of("causes/reading")
    assert "Rain on the stays" not in [source.title for source in story.result.sources]
    assert story.result.left_out == 3


def test_a_source_that_is_busy_is_asked_for_again_after_as_long_as_it_wants():
    story = narrated(research, HUM)

    title, asked_to_wait, passage = story.lines_of("causes/reading/5")
    assert title == "“Roads of open steel” (1979)"
    assert asked_to_wait == "The library is busy and asks me to wait 4 s."
    assert passage.startswith("“Some bridges have a road of open steel grid")


def test_a_source_that_stays_busy_is_left_out():
    busy = {"response": HttpResponse(status=503, headers={"retry-after": "2"})}
    story = narrated(research, HUM, cassette=failing(*["/sources/slats"] * 3, **busy))

    assert story.lines_of("causes/reading/6")[1:] == ("The library is busy and asks me to wait 2 s.",) * 3
    assert story.result.left_out == 4


def test_a_source_that_is_busy_is_left_alone_for_as_long_as_it_wants():
    library = Watched()
    narrated(research, HUM, transport=library)

    first, second = library.asked["/sources/grids"]
    assert second.began - first.ended == pytest.approx(4.0)


@pytest.mark.parametrize("shelf", SHELVES)
def test_two_sources_of_a_shelf_are_asked_for_at_a_time(shelf):
    library = Watched()
    narrated(research, HUM, transport=library)
    asked = [one for path in sources_on(shelf) for one in library.asked[path]]

    assert max(sum(other.began <= one.began < other.ended for other in asked) for one in asked) == 2


def test_where_all_sources_of_one_side_fail_it_stays_open_and_the_others_do_not():
    story = narrated(research, HUM, cassette=failing(*sources_on("causes")))

    causes, cases, *_ = story.result.sections
    assert causes.text == "This stays open: none of its sources could be read."
    assert "[1]" in cases.text
    assert "This stays open: none of its sources could be read." in story.lines_of("causes/answer")


def test_a_shelf_that_cannot_be_seen_stays_open_too():
    story = narrated(research, HUM, cassette=failing("/shelves/cases"))

    assert story.lines_of("cases/reading") == ("Reading about the cases…", "There is nothing to read.")
    assert story.result.sections[1].text == "This stays open: its shelf could not be looked along."


@pytest.mark.parametrize(
    ("question", "status", "detail"),
    [
        ("Why?", 422, "There are only small words in the question. Say what it is about."),
        ("Why do cats purr?", 404, "No source that was read says anything about “Why do cats purr?”."),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_clear_sentence(question, status, detail):
    story = narrated(research, {"question": question})

    assert (story.problem.status, story.problem.detail) == (status, detail)
    with pytest.raises(RunFailed):
        _ = story.result


@pytest.mark.parametrize("question", ["", "  ", "?!", "2026", "x" * 301])
def test_a_question_without_a_word_begins_nothing(question):
    with pytest.raises(BadInput) as refused:
        narrated(research, {"question": question})

    assert refused.value.problem.errors[0].field == "question"


async def test_a_run_that_is_cancelled_in_the_middle_of_its_reading_says_so(autojump_clock):
    async with start(research, HUM) as run:
        async for event in run.events():
            if event.type == "step.started" and event.step == "causes/reading/1":
                run.cancel("Enough.")
    story = [event async for event in run.events()]

    assert (story[-1].type, story[-1].reason) == ("run.cancelled", "Enough.")


# --- The corpus ---


def test_the_corpus_is_what_is_composed_from_the_sources_to_the_byte():
    corpus = composed(tomllib.loads(SOURCES.read_text(encoding="utf-8")))

    assert CORPUS.read_text(encoding="utf-8") == dump(corpus)
    assert corpus.origin == "composed"


def test_no_two_sources_share_a_name_and_every_shelf_has_twelve():
    ids = [path for shelf in SHELVES for path in sources_on(shelf)]

    assert len(set(ids)) == len(ids) == 36
    assert {url_of(exchange) for exchange in world().exchanges} == {*ids, *(f"/shelves/{one}" for one in SHELVES)}


# --- The rules ---


def test_what_counts_in_a_question_are_its_other_words_and_those_that_say_the_same():
    looked_for = plan_of("Why do bridges hum?").looked_for

    assert [kin[0] for kin in looked_for] == ["bridge", "hum"]
    assert plan_of("Why?").looked_for == []
    assert plan_of("Purring, purrs").looked_for == [["purring"], ["purrs"]]


@pytest.mark.parametrize(
    ("forms", "stemmed"),
    [("hum hums humming hummed", "hum"), ("bridge bridges", "bridg"), ("sing sings singing", "sing")],
)
def test_forms_of_a_word_have_one_stem(forms, stemmed):
    assert {stem(form) for form in forms.split()} == {stemmed}


@pytest.mark.parametrize("leaning", ["They sing.", "A rope is therefore tied.", "Then all hums."])
def test_a_sentence_that_leans_on_the_one_before_it_is_quoted_with_that(leaning):
    assert passages(f"Ropes hold. {leaning} Rain falls.") == [f"Ropes hold. {leaning}", "Rain falls."]


@pytest.mark.parametrize(
    ("fitting", "entries", "told"),
    [
        (0, 12, "None of its 12 sources seems to be about it."),
        (1, 12, "1 of its 12 sources seems to be about it."),
        (2, 12, "2 of its 12 sources seem to be about it."),
        (12, 12, "All 12 of its sources seem to be about it."),
    ],
)
def test_how_many_sources_fit_is_said_in_good_english(fitting, entries, told):
    assert fitting_in_words(fitting, entries) == told


@pytest.mark.parametrize(
    ("shared", "told"),
    [
        ([], "Nothing else comes up in more than one of the answers."),
        (["wind"], "Wind comes up in more than one of the answers."),
        (["wind", "hum", "sway"], "Wind, hum and sway come up in more than one of the answers."),
    ],
)
def test_what_the_answers_share_is_said_in_good_english(shared, told):
    assert in_common(dict.fromkeys(shared, ())) == told
