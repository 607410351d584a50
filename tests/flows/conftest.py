"""Fixtures of whole conversations."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from bot import chores
from nlu.engine import Engine
from tests.conftest import TEMPLATE
from tests.databases import cloned
from tests.flows.world import House, open_house, set_clock


@pytest.fixture(scope="session")
def house_database_url(postgres_url: str) -> Iterator[str]:
    with cloned(postgres_url, TEMPLATE) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(engine: Engine, house_database_url: str, redis_url: str) -> AsyncIterator[House]:
    """One web for many conversations, most of whose time it would otherwise take to start."""
    await set_clock(house_database_url, "2027-03-01T08:00")
    async with open_house(engine, house_database_url, redis_url) as house:
        # A worker's chore: what WhatsApp must approve before a reminder can go out a day later.
        await chores.look_after_templates(house.system)
        yield house
