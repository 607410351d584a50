"""The secret part of the address of a person's calendar feed: made, renewed, closed."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_secret
from booking_core.models import Staff
from booking_core.refusals import BookingRefused, Reason

_SIZE = 32


async def load_member(session: AsyncSession, business_id: UUID, staff_id: UUID, *, for_update: bool = False) -> Staff:
    """Return a person of the business; refuses an unknown one."""
    query = select(Staff).where(Staff.business_id == business_id, Staff.id == staff_id)
    member = await session.scalar(query.with_for_update(key_share=True) if for_update else query)
    if member is None:
        raise BookingRefused(Reason.UNKNOWN, staff=str(staff_id))
    return member


async def renew(session: AsyncSession, business_id: UUID, staff_id: UUID) -> str:
    """Return a new secret for a person's feed; the address before leads nowhere from now on."""
    member = await load_member(session, business_id, staff_id, for_update=True)
    member.feed_token = new_secret(_SIZE)
    await session.flush()
    return member.feed_token


async def close(session: AsyncSession, business_id: UUID, staff_id: UUID) -> None:
    """Close a person's feed."""
    member = await load_member(session, business_id, staff_id, for_update=True)
    member.feed_token = None
    await session.flush()


def address(base_url: str, token: str) -> str:
    """Return where the feed is."""
    return f"{base_url}/calendar/feed/{token}.ics"
