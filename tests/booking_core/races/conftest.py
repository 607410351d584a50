"""A busy house and the processes that fight for it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from booking_core.kit.db import Database
from tests.booking_core.races.nursery import Nursery, Worker
from tests.booking_core.races.world import World, open_busy_house

PROCESSES = 4


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
