"""Unpaid holds that are over: they give their time back, by the clock or because somebody asks for it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.jobs import Job, defer
from booking_core.models import Allocation, Booking, State
from booking_core.records import place_of, write_audit
from booking_core.rules.lifecycle import Move, after


async def expire_due(session: AsyncSession, *, now: datetime, limit: int = 100) -> list[Booking]:
    """Expire holds that ran out; workers that look at the same time take others."""
    due = await session.scalars(
        select(Booking)
        .where(Booking.state == State.HELD.value, Booking.hold_expires_at <= now)
        .order_by(Booking.hold_expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return await _expire_all(session, list(due), now)


async def expire_these(
    session: AsyncSession, business_id: UUID, booking_ids: Sequence[UUID], *, now: datetime
) -> list[Booking]:
    """Expire those of the named holds that have really run out, once whoever works on them is done."""
    lapsed = await session.scalars(
        select(Booking)
        .where(
            Booking.business_id == business_id,
            Booking.id.in_(booking_ids),
            Booking.state == State.HELD.value,
            Booking.hold_expires_at <= now,
        )
        .order_by(Booking.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return await _expire_all(session, list(lapsed), now)


async def lock_held(session: AsyncSession, business_id: UUID, booking_ids: Sequence[UUID]) -> list[UUID]:
    """Lock the named holds and return which of them are holds still: one may just have been paid."""
    query = (
        select(Booking.id)
        .where(Booking.business_id == business_id, Booking.id.in_(booking_ids), Booking.state == State.HELD.value)
        .order_by(Booking.id)
        .with_for_update()
    )
    return list(await session.scalars(query))


async def give_back(session: AsyncSession, business_id: UUID, booking_ids: Sequence[UUID]) -> None:
    """Delete what bookings take of anybody's time."""
    await session.execute(
        delete(Allocation)
        .where(Allocation.business_id == business_id, Allocation.booking_id.in_(booking_ids))
        .execution_options(synchronize_session=False)
    )


async def _expire_all(session: AsyncSession, holds: list[Booking], now: datetime) -> list[Booking]:
    for hold in holds:
        hold.state = after(hold.state, Move.EXPIRE).value
        hold.hold_expires_at = None
        hold.updated_at = now
        await give_back(session, hold.business_id, [hold.id])
        write_audit(session, hold, Move.EXPIRE.value, actor="system", now=now, freed=place_of(hold))
        await defer(session, Job.TELL_HOLD_EXPIRED, business_id=str(hold.business_id), booking_id=str(hold.id))
    await session.flush()
    return holds
