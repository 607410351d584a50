"""A shop for every test that wants one."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.booking_core.shop import Shop, open_shop


@pytest.fixture
async def shop(session: AsyncSession) -> Shop:
    return await open_shop(session)
