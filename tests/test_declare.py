"""The words a pipeline is declared with: what they hold, and what each refuses by itself."""

import inspect
from functools import wraps

import pytest

from narrate import Caller, DeclarationError, Retry, concurrent, resource, step
from narrate.declare import NO_FALLBACK, place_of


def place(above=1):
    """`file:line` so many lines above the call, as an error should name it."""
    return f"{__file__}:{inspect.currentframe().f_back.f_lineno - above}"


def refused(declare, *arguments):
    with pytest.raises(DeclarationError) as caught:
        declare(*arguments)
    return caught.value


def named(name):
    async def fn(): ...

    fn.__name__ = name
    return fn


# --- @step ---


async def test_a_step_called_directly_is_the_plain_function():
    @step("Add")
    async def add(a: int, b: int) -> int:
        return a + b

    assert await add(1, b=2) == 3


def test_a_step_holds_what_was_declared_and_defaults_for_the_rest():
    @step("Add")
    async def add(): ...

    assert (add.name, add.title, add.where) == ("add", "Add", place(3))
    assert (add.summary, add.timeout, add.retry, add.when, add.secret) == (None, None, None, None, ())
    assert add.fallback is NO_FALLBACK


def test_none_is_a_fallback_like_any_value():
    @step("Add", fallback=None)
    async def add(): ...

    assert add.fallback is None


def test_a_step_may_have_another_name_than_its_function():
    assert step("Add", name="total")(named("add")).name == "total"


def test_the_names_of_secrets_may_come_in_a_list():
    assert step("Add", secret=["key"])(named("add")).secret == ("key",)


def test_a_step_without_parentheses_is_told_to_have_a_title():
    async def add(): ...

    error = refused(step, add)

    assert (error.what, error.where) == (
        '@step has no title on `add`; write @step("What it does").',
        place_of(add),
    )


def test_a_title_that_is_no_text_is_refused_where_it_stands():
    with pytest.raises(DeclarationError) as caught:
        step(5)

    assert caught.value.what == '@step has no title on `5`; write @step("What it does").'
    assert caught.value.where == place(3)


def test_secrets_in_one_text_are_refused_rather_than_taken_letter_by_letter():
    with pytest.raises(DeclarationError) as caught:
        step("Add", secret="key")

    assert caught.value.what == "secret='key' is one text; write a tuple of names, ('key',)."
    assert caught.value.where == place(3)


@pytest.mark.parametrize("thing", [print, 5, object], ids=repr)
def test_what_is_no_function_cannot_be_a_step(thing):
    decorate = step("Add")

    with pytest.raises(DeclarationError) as caught:
        decorate(thing)

    assert caught.value.what == f"@step stands on {thing!r}, which is not a function."
    assert caught.value.where == place(3)


def test_a_generator_cannot_be_a_step():
    def words():
        yield "a"

    async def stream():
        yield "a"

    errors = [refused(step("Speak"), fn) for fn in (words, stream)]

    assert [error.what for error in errors] == [
        "Step `words` yields. A step returns its value; pass a stream of text on with `relay`.",
        "Step `stream` yields. A step returns its value; pass a stream of text on with `relay`.",
    ]
    assert [error.where for error in errors] == [place_of(words), place_of(stream)]


@pytest.mark.parametrize("name", ["a-b", "1st", "a b", "a/b", "class", "<lambda>"])
def test_a_name_that_no_parameter_can_have_is_refused(name):
    assert refused(step("Add"), named(name)).what == f"Step name {name!r} cannot be a parameter's name."
    assert refused(step("Add", name=name), named("add")).what == f"Step name {name!r} cannot be a parameter's name."


@pytest.mark.parametrize("timeout", [0, -1, -0.5, float("nan")])
def test_a_timeout_without_any_time_is_refused(timeout):
    assert refused(step("Add", timeout=timeout), named("add")).what == f"Step `add`: timeout={timeout} leaves no time."


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_retry_that_never_tries_is_refused(attempts):
    error = refused(step("Add", retry=Retry(attempts=attempts, on=ValueError)), named("add"))

    assert error.what == f"Step `add`: attempts={attempts} never tries."


@pytest.mark.parametrize("wait", ["wait_initial", "wait_max", "wait_jitter", "wait_exp_base"])
@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_wait_below_zero_is_refused(wait, seconds):
    retry = Retry(attempts=2, on=ValueError, **{wait: seconds})

    assert refused(step("Add", retry=retry), named("add")).what == f"Step `add`: {retry} has a wait below zero."


@pytest.mark.parametrize("on", [ValueError("an instance"), (ValueError, 5), BaseException, "ValueError"], ids=repr)
def test_a_retry_on_what_is_no_kind_of_error_is_refused(on):
    error = refused(step("Add", retry=Retry(attempts=2, on=on)), named("add"))

    assert error.what == f"Step `add`: Retry(on={on!r}) names no kind of Exception."


def test_a_retry_may_be_on_several_kinds_of_errors():
    retry = Retry(attempts=2, on=(ValueError, KeyError))

    assert step("Add", retry=retry)(named("add")).retry is retry


# --- concurrent ---


def test_a_group_in_a_group_is_one_flat_group():
    a, b, c, d = (step("A")(named(name)) for name in "abcd")

    group = concurrent(a, concurrent(b, concurrent(c)), d)

    assert group.members == (a, b, c, d)
    assert group.where == place(3)


def test_an_empty_group_is_refused_where_it_stands():
    with pytest.raises(DeclarationError) as caught:
        concurrent()

    assert (caught.value.what, caught.value.where) == ("concurrent() has no stages to run.", place(2))


# --- @resource ---


def test_a_resource_is_an_async_generator_function():
    @resource
    async def clock():
        yield 1

    assert (clock.name, clock.where) == ("clock", place(4))


async def test_a_resource_is_not_called_when_it_is_declared():
    @resource
    async def clock():
        raise AssertionError
        yield

    with pytest.raises(AssertionError):
        await anext(clock.open())


def test_what_does_not_yield_cannot_be_a_resource():
    async def clock(): ...

    error = refused(resource, clock)

    assert (error.what, error.where) == (
        "@resource stands on `clock`, which is not an async function with a `yield`.",
        place_of(clock),
    )


def test_what_is_no_function_cannot_be_a_resource():
    with pytest.raises(DeclarationError) as caught:
        resource(5)

    assert caught.value.what == "@resource stands on `5`, which is not an async function with a `yield`."
    assert caught.value.where == place(3)


# --- Caller, places ---


def test_a_caller_is_nobody_until_said_otherwise():
    assert Caller() == Caller(ip=None, locale=None, headers={})


def test_the_place_of_a_decorated_function_is_its_own():
    def plain(): ...

    @wraps(plain)
    def wrapper(): ...

    assert place_of(wrapper) == place_of(plain)
