"""The public surface: what `narrate` says it has is what it has, and each of it says what it promises."""

import inspect

import pytest

import narrate


def test_what_is_declared_public_is_all_that_can_be_had_from_the_package():
    had = {name for name, thing in vars(narrate).items() if not name.startswith("_") and not inspect.ismodule(thing)}

    assert had == set(narrate.__all__)


def test_the_names_stand_once_and_in_order():
    assert narrate.__all__ == sorted(set(narrate.__all__))


@pytest.mark.parametrize("name", narrate.__all__)
def test_every_public_name_says_what_it_promises(name):
    promise = inspect.getdoc(getattr(narrate, name))

    assert promise
    assert promise.split("\n")[0].strip().endswith((".", ":"))


@pytest.mark.parametrize(
    "method",
    [
        f"{name}.{attribute}"
        for name in narrate.__all__
        for attribute, member in vars(getattr(narrate, name)).items()
        if not attribute.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    ],
)
def test_every_public_method_says_what_it_promises(method):
    name, attribute = method.split(".")

    assert inspect.getdoc(getattr(getattr(narrate, name), attribute))


def test_every_error_is_a_narrate_error():
    errors = [thing for thing in vars(narrate).values() if inspect.isclass(thing) and issubclass(thing, Exception)]

    assert all(issubclass(error, narrate.NarrateError) for error in errors)
