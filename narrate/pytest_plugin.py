"""What pytest gets from narrate by itself, once it is installed: an option to write golden stories anew."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `pytest` that come with narrate."""
    group = parser.getgroup("narrate", "narrated pipelines")
    group.addoption("--update-stories", action="store_true", help="Write the stories as they are told now.")
