"""Tasks for staff: what only a person can settle, one for each cause."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from bot.models import StaffTask


async def ask_staff(
    session: AsyncSession,
    business_id: UUID,
    *,
    kind: str,
    key: str,
    now: datetime,
    conversation_id: UUID | None = None,
    booking_id: UUID | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Put a task on the staff's list, once for each `key`."""
    await session.execute(
        insert(StaffTask)
        .values(
            business_id=business_id,
            id=new_id(),
            conversation_id=conversation_id,
            booking_id=booking_id,
            kind=kind,
            key=key,
            data=data or {},
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["business_id", "key"])
    )
