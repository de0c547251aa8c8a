"""The browser's modules: their own tests, by node's runner, and that what they declare is what the server tells.

`make check` has their types checked by `tsc`.
"""

import json
import subprocess

import msgspec
import pytest

from narrate.events import AnyEvent, Recorded
from tests.noding import NODE, WEB


@pytest.mark.parametrize("file", sorted(WEB.glob("*.test.js")), ids=lambda file: file.name)
def test_a_modules_own_tests_hold(file):
    command = [*NODE, "--test", "--test-reporter=spec", "--test-timeout=60000", file]
    tested = subprocess.run(command, check=False, capture_output=True, text=True)

    assert tested.returncode == 0, summary_of(tested)


def test_the_events_are_declared_as_they_are_told():
    shown = subprocess.run([*NODE, WEB / "declared.js"], check=True, capture_output=True, text=True).stdout

    assert json.loads(shown) == [shape_of(kind) for kind in sorted(AnyEvent.__args__, key=tag_of)]


def summary_of(tested):
    """What node says at the end: how many failed, and each of them with its reason."""
    return tested.stdout[tested.stdout.find("ℹ tests") :] + tested.stderr


def tag_of(kind):
    return kind.__struct_config__.tag


def shape_of(kind):
    """The fields of an event that are always told, and those that may be; a record's always have their number."""
    names = {field.encode_name: field.required for field in msgspec.structs.fields(kind) if field.name != "n"}
    numbered = ["n"] if kind in Recorded.__args__ else []
    return {
        "type": tag_of(kind),
        "has": sorted(["type", *numbered, *(name for name, required in names.items() if required)]),
        "may": sorted(name for name, required in names.items() if not required),
    }
