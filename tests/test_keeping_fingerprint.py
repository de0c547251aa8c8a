"""The fingerprint of a plan: whatever changes the plan changes it, and nothing else does."""

import enum
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, InstanceOf

from narrate import Caller, Pipeline, Retry, concurrent, resource, step
from narrate.keeping import Keeper


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Place:
    name: str


class Trip(BaseModel):
    to: Place


class Longer(Trip):
    days: int = 1


class Strange:
    pass


def gives(kind, name="a", title="A", **options):
    """A step that gives a value of this type."""

    async def work(): ...

    work.__annotations__ = {"return": kind}
    return step(title, name=name, **options)(work)


@resource
async def client() -> AsyncIterator[int]:
    yield 1


@step("A")
async def a() -> int: ...


@step("B of {a}")
async def b(a: int) -> str: ...


@step("C")
async def c(client: int, request: Trip) -> list[int]: ...


def declared(*stages, **more):
    return Keeper(
        Pipeline(more.pop("name", "p"), *stages, **{"takes": Trip, "resources": [client], **more})
    ).fingerprint


def test_the_same_declaration_has_the_same_fingerprint_in_every_process():
    program = (
        "from tests.test_keeping_fingerprint import *; print(declared(a, concurrent(b, c), gives(set[Color], 'd')))"
    )
    elsewhere = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            cwd=Path(__file__).parent.parent,
        ).stdout.strip()
        for seed in ("1", "2")
    ]

    assert {declared(a, concurrent(b, c), gives(set[Color], "d"))} == set(elsewhere)


def instead() -> int:
    return 1


@pytest.mark.parametrize(
    "changed",
    [
        gives(int, title="Another title"),
        gives(int, summary="It gave {a}"),
        gives(int, timeout=3.0),
        gives(int, retry=Retry(attempts=3, on=OSError)),
        gives(int, fallback=7),
        gives(int, fallback=instead),
    ],
    ids=["title", "summary", "timeout", "retry", "fallback", "another fallback"],
)
def test_how_a_step_is_told_and_what_it_does_is_not_in_the_fingerprint(changed):
    assert declared(changed, b) == declared(a, b)


def test_how_a_pipeline_is_served_is_not_in_the_fingerprint():
    assert declared(a, b, title="A trip", path="/trip", linger=3.0) == declared(a, b)


@step("C", name="c")
async def c_with_another_need(client: int, request: Trip, a: int) -> list[int]: ...


@step("C", name="c")
async def c_for_a_caller(client: int, request: Caller) -> list[int]: ...


CHANGES = {
    "the order": [(a, c, b), (c, a, b)],
    "a group instead of a sequence": [(a, c, b), (concurrent(a, c), b)],
    "the order in a group": [(concurrent(a, c), b), (concurrent(c, a), b)],
    "one step more": [(a,), (a, b)],
    "a step's name": [(a, gives(str, "d")), (a, gives(str, "e"))],
    "what a step gives": [(gives(str, "d"),), (gives(bytes, "d"),)],
    "a field more of what a step gives": [(gives(list[Trip]),), (gives(list[Longer]),)],
    "what a step needs": [(a, c), (a, c_with_another_need)],
    "who asks instead of what is asked": [(a, c), (a, c_for_a_caller)],
    "whether a step may be skipped": [(a,), (gives(int, when=lambda: True),)],
    "a nested pipeline instead of its step": [(gives(int, "d"),), (Pipeline("d", gives(int, "d")),)],
    "a step more in a nested pipeline": [(Pipeline("d", a),), (Pipeline("d", a, b),)],
    "what a step of a nested pipeline gives": [(Pipeline("d", a),), (Pipeline("d", gives(str)),)],
    "a group in a nested pipeline": [(Pipeline("d", a, b),), (Pipeline("d", concurrent(a), b),)],
    "another type without a JSON schema": [
        (gives(Annotated[Strange, InstanceOf()]),),
        (gives(Annotated[Place, InstanceOf()]),),
    ],
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_whatever_changes_the_plan_changes_the_fingerprint(before, after):
    assert declared(*before) == declared(*before)
    assert declared(*before) != declared(*after)


@pytest.mark.parametrize("more", [{"name": "q"}, {"takes": Longer}, {"takes": None}], ids=str)
def test_the_pipelines_name_and_what_it_takes_are_in_the_fingerprint(more):
    assert declared(a, b, **more) != declared(a, b)
