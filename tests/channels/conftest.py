from collections.abc import AsyncIterator

import pytest

from booking_core.kit.db import Database
from tests.channels.sandboxed import World, open_world


@pytest.fixture
async def world(database: Database, database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with open_world(database, database_url, redis_url) as world:
        yield world
