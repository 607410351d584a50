"""Finding bookings, and writing down who did what to them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.kit.live import announce_calendar
from booking_core.models import Booking, BookingAudit, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.lifecycle import TAKES_TIME, TENTATIVE
from booking_core.rules.wallclock import DAY, instant, moment_of

#: The actor of what customers do themselves.
CUSTOMER = "customer"


async def load(session: AsyncSession, business_id: UUID, booking_id: UUID, *, for_update: bool = False) -> Booking:
    """Return a booking, locked and read anew if `for_update`; refuses an unknown one."""
    query = select(Booking).where(Booking.business_id == business_id, Booking.id == booking_id)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    booking = await session.scalar(query)
    if booking is None:
        raise BookingRefused(Reason.UNKNOWN, booking=str(booking_id))
    return booking


async def find_by_ics_token(session: AsyncSession, token: str) -> Booking | None:
    """Return the booking whose secret calendar address this is."""
    return await session.scalar(select(Booking).where(Booking.ics_token == token))


async def find_by_key(session: AsyncSession, business_id: UUID, key: str) -> Booking | None:
    """Return the booking that this command has already made."""
    query = select(Booking).where(Booking.business_id == business_id, Booking.idempotency_key == key)
    return await session.scalar(query)


async def upcoming(session: AsyncSession, business_id: UUID, customer_id: UUID, *, now: datetime) -> list[Booking]:
    """Return a customer's bookings that lie ahead, the next one first; holds only while they last."""
    query = (
        select(Booking)
        .where(
            Booking.business_id == business_id,
            Booking.customer_id == customer_id,
            Booking.starts > now,
            or_(
                Booking.state == State.CONFIRMED.value,
                Booking.state.in_([state.value for state in TENTATIVE]) & (Booking.hold_expires_at > now),
            ),
        )
        .order_by(Booking.starts, Booking.id)
    )
    return list(await session.scalars(query))


async def on_day(session: AsyncSession, business_id: UUID, location_id: UUID, day: date, tz: str) -> list[Booking]:
    """Return what takes anybody's time at a place on a local date, the earliest first."""
    query = (
        select(Booking)
        .where(
            Booking.business_id == business_id,
            Booking.location_id == location_id,
            Booking.starts < moment_of(instant(tz, day, DAY)),
            Booking.ends > moment_of(instant(tz, day, 0)),
            Booking.state.in_([state.value for state in TAKES_TIME]),
        )
        .order_by(Booking.starts, Booking.id)
    )
    return list(await session.scalars(query))


def write_audit(
    session: AsyncSession, booking: Booking, move: str, *, actor: str, now: datetime, **data: object
) -> None:
    """Record a change in the transaction that makes it; open calendars hear of it."""
    announce_calendar(session, booking.business_id, booking.id)
    session.add(
        BookingAudit(
            business_id=booking.business_id,
            id=new_id(),
            booking_id=booking.id,
            at=now,
            actor=actor,
            move=move,
            version=booking.version,
            data=dict(data),
        )
    )


async def find_audit(session: AsyncSession, booking: Booking, move: str, **data: object) -> BookingAudit | None:
    """Return the latest record of a kind with these data, if there is one."""
    query = (
        select(BookingAudit)
        .where(
            BookingAudit.business_id == booking.business_id,
            BookingAudit.booking_id == booking.id,
            BookingAudit.move == move,
            BookingAudit.data.contains(data),
        )
        .order_by(BookingAudit.version.desc(), BookingAudit.at.desc())
        .limit(1)
    )
    return await session.scalar(query)


def check_version(booking: Booking, version: int | None) -> None:
    """Refuse when the booking is another than its caller saw."""
    if version is not None and version != booking.version:
        raise BookingRefused(Reason.CHANGED, version=booking.version)
