"""6. What mends itself: retries, fallbacks, time limits, and steps that are not needed.

They are options of a step, so the function has only its work in it; and all of it is told.
"""

import trio

from narrate import Explained, Pipeline, Retry, each, step
from narrate.testing import narrated


class Busy(Explained):
    """An error that explains itself: its words are meant for people, and are told as they are."""

    title = "The service is busy"


def test_a_retry_tries_again_and_says_so():
    attempts = []

    @step("Asking…", retry=Retry(attempts=3, on=Busy))
    async def answer() -> str:
        attempts.append(trio.current_time())
        if len(attempts) < 3:
            raise Busy("Too many are asking.")
        return "yes"

    story = narrated(Pipeline("asking", answer))

    assert story.result == "yes"
    assert story.lines == (
        "Asking…",
        "Attempt 1 of 3 failed: Too many are asking. Trying again.",
        "Attempt 2 of 3 failed: Too many are asking. Trying again.",
    )
    assert attempts[2] - attempts[1] > attempts[1] - attempts[0]  # the waits grow


def test_a_fallback_stands_in_when_the_work_has_failed():
    """It is a value, or a function that is wired by names as a step is."""

    @step("Finding where you are…", fallback="Valencia")
    async def place() -> str:
        raise Busy("Nobody knows.")

    story = narrated(Pipeline("place", place))

    assert story.result == "Valencia"
    assert story.lines == ("Finding where you are…", "Nobody knows. Going on without it.")
    assert story.steps["place"].state == "done"


def test_a_timeout_bounds_all_attempts_together():
    @step("Waiting…", timeout=5, fallback="nothing")
    async def patience() -> str:
        await trio.sleep_forever()
        return "something"

    story = narrated(Pipeline("patience", patience))

    assert story.result == "nothing"
    assert story.took == 5
    assert story.lines[1] == "It took longer than 5 s. Going on without it."


@step("Reading the cart…")
async def cart() -> list[str]:
    return []


def has_something(cart: list[str]) -> bool:
    return bool(cart)


@step("Packing {cart}…", when=has_something, otherwise="The cart is empty.")
async def parcel(cart: list[str]) -> str:
    return f"a parcel with {cart}"


@step("Saying goodbye…")
async def goodbye(parcel: str | None) -> str:
    return parcel or "nothing to carry"


def test_a_step_that_is_not_needed_is_skipped_with_the_reason():
    """Its value is None then, so whoever takes it must be able to: that is checked when the pipeline is declared."""
    story = narrated(Pipeline("shop", cart, parcel, goodbye))

    assert story.lines == ("Reading the cart…", "Skipped: The cart is empty.", "Saying goodbye…")
    assert story.result == "nothing to carry"


def test_what_comes_of_many_attempts_is_still_one_step():
    @step("Looking…", retry=Retry(attempts=2, on=Busy), fallback=())
    async def looking() -> tuple[str, ...]:
        await each("ab", refuse, label=str)
        return ("seen",)

    async def refuse(item: str) -> None:
        raise Busy(f"{item} is busy.")

    story = narrated(Pipeline("looking", looking))

    assert story.result == ()
    assert list(story.steps) == ["looking", "looking/1", "looking/2", "looking/3", "looking/4"]
