"""The laws of `journal_law` and its neighbours, for each kind of journal.

A further kind is added to `KINDS` in `journal_kinds`, and to `DURABLE` there if it outlives its process. That is all:
it then passes every law here, or is no journal. What only one kind does is tested in a file of its own.
"""

import pytest

from tests.journal_kinds import DURABLE, FORGETFUL, KINDS, Clock, JournalFactory

for suffix in ("", "_answers", "_deliveries", "_durable", "_kept", "_left", "_model", "_processes", "_usual"):
    pytest.register_assert_rewrite(f"tests.journal_law{suffix}")

# Stars, because a law that is not named here would hold for nobody; and below the lines that make their asserts speak.
from tests.journal_law import *  # noqa: E402, F403
from tests.journal_law_answers import *  # noqa: E402, F403
from tests.journal_law_deliveries import *  # noqa: E402, F403
from tests.journal_law_durable import *  # noqa: E402, F403
from tests.journal_law_kept import *  # noqa: E402, F403
from tests.journal_law_left import *  # noqa: E402, F403
from tests.journal_law_model import *  # noqa: E402, F403
from tests.journal_law_processes import *  # noqa: E402, F403
from tests.journal_law_usual import *  # noqa: E402, F403


@pytest.fixture(params=list(KINDS))
def journal_factory(request, tmp_path):
    return JournalFactory(request.param, tmp_path)


@pytest.fixture(params=DURABLE)
def durable_factory(request, tmp_path):
    return JournalFactory(request.param, tmp_path)


@pytest.fixture
async def journal(journal_factory):
    made = journal_factory()
    async with made.open():
        yield made


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def forgetful(journal_factory, clock):
    """A journal that keeps little, and not for long; its clock goes on when `clock` is told to."""
    made = journal_factory(FORGETFUL, clock)
    async with made.open():
        yield made
