"""What becomes of a confirmed booking: the customer says they come, comes, or does not."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Booking, State
from booking_core.records import CUSTOMER, check_version, load, write_audit
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.lifecycle import Move, after


async def confirm_attendance(
    session: AsyncSession, business_id: UUID, booking_id: UUID, *, version: int | None, now: datetime
) -> Booking:
    """Note that the customer will come; refuses when the booking is another than they were reminded of."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state != State.CONFIRMED:
        raise BookingRefused(Reason.NOT_NOW, state=booking.state, move="confirm_attendance")
    check_version(booking, version)
    if booking.starts <= now:
        raise BookingRefused(Reason.PAST)
    if booking.attendance_confirmed_at is None:
        booking.attendance_confirmed_at = now
        write_audit(session, booking, "confirm_attendance", actor=CUSTOMER, now=now)
        await session.flush()
    return booking


#: How long before its start somebody may be checked in.
_EARLY = timedelta(hours=12)
_STATES = {
    Move.CHECK_IN: State.CHECKED_IN,
    Move.UNDO_CHECK_IN: State.CONFIRMED,
    Move.COMPLETE: State.COMPLETED,
    Move.MARK_NO_SHOW: State.NO_SHOW,
}


async def check_in(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str) -> Booking:
    """Note that the customer is here; they may be early."""
    return await _finish(session, business_id, booking_id, Move.CHECK_IN, now=now, actor=actor, early=_EARLY)


async def undo_check_in(
    session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str
) -> Booking:
    """Take a check-in back: it was somebody else."""
    return await _finish(session, business_id, booking_id, Move.UNDO_CHECK_IN, now=now, actor=actor, early=_EARLY)


async def complete(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str) -> Booking:
    """Note that the visit took place."""
    return await _finish(session, business_id, booking_id, Move.COMPLETE, now=now, actor=actor)


async def mark_no_show(
    session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str
) -> Booking:
    """Note that the customer did not come."""
    return await _finish(session, business_id, booking_id, Move.MARK_NO_SHOW, now=now, actor=actor)


async def _finish(
    session: AsyncSession,
    business_id: UUID,
    booking_id: UUID,
    move: Move,
    *,
    now: datetime,
    actor: str,
    early: timedelta = timedelta(0),
) -> Booking:
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == _STATES[move]:
        return booking
    state = after(booking.state, move)
    if booking.starts - early > now:
        raise BookingRefused(Reason.NOT_NOW, state=booking.state, move=move.value)
    booking.state = state.value
    booking.updated_at = now
    write_audit(session, booking, move.value, actor=actor, now=now)
    await session.flush()
    return booking
