from collections.abc import AsyncIterator

import pytest

from booking_core.kit.db import Database
from tests.bot.sandbox.theatre import Theatre, open_theatre, settings_for


@pytest.fixture
async def theatre(database: Database, database_url: str) -> AsyncIterator[Theatre]:
    async with open_theatre(database, settings_for(database_url)) as theatre:
        yield theatre
