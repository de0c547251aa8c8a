"""What every journal promises of the answers that people give to a run's questions."""

from narrate.events import RunId
from tests.journal_kinds import an_hour_ahead
from tests.journal_law import END, RUN, begun, said


async def test_an_answer_is_kept_once_and_the_first_stays(journal):
    await journal.open_record(begun())

    assert await journal.answer(RUN, 3, "yes") == "yes"
    assert await journal.answer(RUN, 3, "no") == "yes"
    assert await journal.answer(RUN, 4, "no") == "no"


async def test_a_run_that_is_not_known_takes_no_answer(journal):
    assert await journal.answer(RunId("nobody"), 3, "yes") is None


async def test_a_run_that_has_ended_takes_no_answer(journal):
    writer = await journal.open_record(begun())
    writer.append([said("a"), END])
    await writer.settle()

    assert await journal.answer(RUN, 1, "yes") is None


async def test_a_writer_knows_the_number_of_what_it_appended_last(journal):
    writer = await journal.open_record(begun())
    before = writer.last
    writer.append([said("a"), said("b")])

    assert (before, writer.last) == (0, 2)


async def test_an_answer_is_given_once_to_the_process_that_runs_the_run(durable_factory):
    here, there = durable_factory(), durable_factory()
    async with here.open(), there.open():
        await here.open_record(begun())
        await there.answer(RUN, 3, "yes")

        assert (await there.answers(), list(await here.answers()), await here.answers()) == ([], [(RUN, 3, "yes")], [])


async def test_whoever_goes_on_with_a_run_is_given_the_answers_again(durable_factory):
    here = durable_factory()
    async with here.open():
        writer = await here.open_record(begun())
        await here.answer(RUN, 3, "yes")
        await here.answers()
        writer.let_go()
        await writer.settle()
    there = durable_factory(now=an_hour_ahead)
    async with there.open():
        [left] = await there.unfinished()

        assert left.answers == {3: "yes"}
        assert await there.answers() == []
