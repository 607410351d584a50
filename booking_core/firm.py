"""Making a booking firm, or not: paid, agreed to, declined, or paid when it was nearly too late."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import load_catalog
from booking_core.changing import end_booking, give_up, place_again, put
from booking_core.models import Booking, State
from booking_core.placed import same_people
from booking_core.records import check_version, find_audit, load, write_audit
from booking_core.refusals import BookingRefused, Reason
from booking_core.reminders import write_reminders
from booking_core.rules.lifecycle import Move, after
from booking_core.taking import Wanted


async def confirm(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str) -> Booking:
    """Make a hold firm, also one whose time ran out while it still stood; confirmed stays confirmed."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == State.CONFIRMED:
        return booking
    return await _make_firm(session, booking, Move.CONFIRM, now=now, actor=actor)


async def retake(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime) -> Booking:
    """Make an expired hold firm after all; refuses if its time has been taken or is past."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == State.CONFIRMED:
        return booking
    after(booking.state, Move.RETAKE)
    catalog = await load_catalog(session, business_id)
    wanted = Wanted(
        catalog,
        same_people(catalog, booking),
        booking.starts,
        customer_id=booking.customer_id,
        bounded=False,
        # What a person at the business allowed stays allowed.
        override=await find_audit(session, booking, "hold", override=True) is not None,
    )
    taken, _ = await place_again(session, booking, wanted, now=now)
    put(booking, taken.place)
    await give_up(session, booking, taken, now=now, actor="system")
    return await _make_firm(session, booking, Move.RETAKE, now=now, actor="system")


async def approve(
    session: AsyncSession, business_id: UUID, booking_id: UUID, *, version: int | None, now: datetime, actor: str
) -> Booking:
    """Agree to a request: it is confirmed, or held until what is due has been paid. Again changes nothing."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state in {State.CONFIRMED, State.HELD}:
        return booking
    check_version(booking, version)
    if booking.state == State.PENDING_APPROVAL and booking.starts <= now:
        raise BookingRefused(Reason.PAST)
    if not booking.due:
        return await _make_firm(session, booking, Move.APPROVE, now=now, actor=actor)
    catalog = await load_catalog(session, business_id)
    booking.state = after(booking.state, Move.APPROVE_AND_HOLD).value
    # Nobody sits waiting for an answer: what is paid after an approval has more time than in a chat.
    until = now + timedelta(hours=catalog.policy.approval_hours)
    booking.hold_expires_at = min(until, max(booking.starts, now + timedelta(minutes=catalog.policy.hold_minutes)))
    booking.updated_at = now
    write_audit(session, booking, Move.APPROVE_AND_HOLD.value, actor=actor, now=now)
    await session.flush()
    return booking


async def decline(
    session: AsyncSession, business_id: UUID, booking_id: UUID, *, version: int | None, now: datetime, actor: str
) -> Booking:
    """Say no to a request: its time is free. Again changes nothing."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == State.DECLINED:
        return booking
    check_version(booking, version)
    return await end_booking(session, booking, Move.DECLINE, now=now, actor=actor)


async def prolong(
    session: AsyncSession, business_id: UUID, booking_id: UUID, *, until: datetime, now: datetime
) -> Booking:
    """Keep a hold longer, as when an offer was accepted and is to be paid; refuses one that ran out."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state != State.HELD or booking.hold_expires_at is None or booking.hold_expires_at <= now:
        raise BookingRefused(Reason.NOT_NOW, state=booking.state, move="prolong")
    booking.hold_expires_at = max(booking.hold_expires_at, until)
    booking.updated_at = now
    await session.flush()
    return booking


async def _make_firm(session: AsyncSession, booking: Booking, move: Move, *, now: datetime, actor: str) -> Booking:
    booking.state = after(booking.state, move).value
    booking.hold_expires_at = None
    booking.updated_at = now
    write_audit(session, booking, move.value, actor=actor, now=now)
    write_reminders(session, booking, now=now)
    await session.flush()
    return booking
