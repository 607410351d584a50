"""A command under a key is carried out once, whoever sends it again and however close together."""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import DoneCommand
from booking_core.refusals import BookingRefused, Reason


async def once(session: AsyncSession, business_id: UUID, key: str, command: str, about: str, *, now: datetime) -> bool:
    """Note a command in its own transaction; False if it has been carried out before.

    Whoever sends the same key at the same instant waits until the first is through. Raises BookingRefused
    (KEY_REUSED) when the key belongs to another command.
    """
    fingerprint = hashlib.sha256(f"{command} {about}".encode()).hexdigest()
    made = await session.execute(
        insert(DoneCommand)
        .values(business_id=business_id, key=key, command=command, fingerprint=fingerprint, result={}, at=now)
        .on_conflict_do_nothing()
        .returning(DoneCommand.key)
    )
    if made.first() is not None:
        return True
    known = await session.scalar(
        select(DoneCommand.fingerprint).where(DoneCommand.business_id == business_id, DoneCommand.key == key)
    )
    if known != fingerprint:
        raise BookingRefused(Reason.KEY_REUSED)
    return False


async def forget(session: AsyncSession, business_id: UUID, key: str) -> None:
    """Forget a command that was noted in this transaction and then refused: sent again, it is tried again."""
    await session.execute(delete(DoneCommand).where(DoneCommand.business_id == business_id, DoneCommand.key == key))
