"""Time that became free is offered to whoever waits for it: noticed here, in the transaction that frees it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.jobs import Job, defer
from booking_core.models import WaitlistEntry


async def freed(
    session: AsyncSession, business_id: UUID, *, starts: datetime | None = None, ends: datetime | None = None
) -> None:
    """Have time offered that became free between two moments; without them, whatever is free.

    Where nobody waits this is one look into an index, and nothing else happens.
    """
    if await session.scalar(select(waited_for(business_id))):
        await offer_later(session, business_id, starts=starts, ends=ends)


def waited_for(business_id: UUID) -> ColumnElement[bool]:
    """Return the condition that somebody waits for a time of this business, or decides on an offer."""
    entry = exists().where(WaitlistEntry.business_id == business_id)
    return or_(entry.where(WaitlistEntry.state == "waiting"), entry.where(WaitlistEntry.offer_id.is_not(None)))


async def offer_later(
    session: AsyncSession,
    business_id: UUID,
    *,
    starts: datetime | None = None,
    ends: datetime | None = None,
    delay: timedelta | None = None,
) -> None:
    """Defer the look at who waits: it sees this transaction's work, since a job runs once that is committed."""
    span = {"starts": starts.isoformat(), "ends": ends.isoformat()} if starts and ends else {}
    await defer(session, Job.OFFER_FREED_TIME, delay=delay, business_id=str(business_id), **span)
