"""A shop for every test that wants one; a busy house and the processes that fight for it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from tests.booking_core.races.nursery import Nursery, Worker
from tests.booking_core.races.world import World, open_busy_house
from tests.booking_core.shop import Shop, open_shop

PROCESSES = 4

# How long one example takes says more about the machine than about us.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
async def shop(session: AsyncSession) -> Shop:
    return await open_shop(session)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
async def workers(nursery: Nursery) -> AsyncIterator[list[Worker]]:
    async with nursery.workers(PROCESSES) as born:
        yield born


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> World:
    async with database.transaction() as session:
        return await open_busy_house(session, tmp_path)
