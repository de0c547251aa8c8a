"""Titles, summaries and reasons that do not fit their step: refused where the pipeline is declared."""

import pytest

from narrate import step
from tests.test_plan import Place, Request, bool_of, count, place, refused


def failing(title="A", **options):
    @step(title, **options)
    async def cost(place: Place, days: int = 1) -> Place: ...

    return cost


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (failing("{palce}"), "title: `{palce}` uses `palce`, which it does not have (did you mean `place`?)."),
        (failing("{place.nme}"), "title: `{place.nme}`: `place` has no `nme` (did you mean `name`?)."),
        (failing("{cost}"), "title: `{cost}` uses `cost`, which it does not have."),
        (failing("{days}"), "title: `{days}` uses `days`, which it does not have."),
        (failing("{place"), "title: '{place' is no template: expected '}' before end of string."),
        (failing("{12}"), "title: '{12}' is no template: Replacement index 12 out of range for positional args tuple."),
        (failing(summary="{cost.nme}"), "summary: `{cost.nme}`: `cost` has no `nme` (did you mean `name`?)."),
        (failing(summary="{x}"), "summary: `{x}` uses `x`, which it does not have."),
        (failing(otherwise="{place}"), "otherwise: `{place}` uses `place`, which it does not have."),
        (failing(when=bool_of, otherwise="{place}"), "otherwise: `{place}` uses `place`, which it does not have."),
    ],
    ids=str,
)
def test_a_template_over_what_the_step_does_not_have_is_refused(one, wrong):
    assert refused(place, count, one, takes=Request, at=one) == f"step `cost`, {wrong}"


def test_a_reason_not_to_run_is_checked_by_what_the_condition_takes():
    def near(place: Place) -> bool: ...

    one = failing(when=near, otherwise="{place.nme} is far")

    assert refused(place, one, takes=Request, at=one) == (
        "step `cost`, otherwise: `{place.nme}`: `place` has no `nme` (did you mean `name`?)."
    )
