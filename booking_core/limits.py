"""Limits that came later than bookings: those that lie ahead take their places under them, too."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.kit.ids import new_id
from booking_core.models import Allocation, Booking, BookingLimit
from booking_core.planning import quota_for
from booking_core.rules.feasible import quota_place
from booking_core.rules.lifecycle import TAKES_TIME
from booking_core.rules.plan import Times
from booking_core.rules.spans import Span, merge
from booking_core.rules.wallclock import local_day, minute_of, moment_of
from booking_core.taken import Asker, load_taken


async def count_existing(session: AsyncSession, catalog: Catalog, *, now: datetime) -> int:
    """Give the bookings that lie ahead their places under every limit; return how many found none left.

    Doing it again changes nothing. Those beyond a limit stay as they are: it only stops new ones.
    """
    if not catalog.limits:
        return 0
    ahead = list(
        await session.scalars(
            select(Booking)
            .where(
                Booking.business_id == catalog.business.id,
                Booking.starts > now,
                Booking.state.in_([state.value for state in TAKES_TIME]),
            )
            .order_by(Booking.created_at, Booking.id)
        )
    )
    beyond = 0
    for limit in catalog.limits:
        meant = [one for one in ahead if _counts(limit, one)]
        if meant:
            beyond += await _count(session, catalog, limit, meant, now)
    await session.flush()
    return beyond


def _counts(limit: BookingLimit, booking: Booking) -> bool:
    if booking.session_id is not None and limit.staff_id is not None:
        return False  # the class counts for its teacher, not each seat
    services = {booking.service_id, *(UUID(part["service"]) for part in booking.parts)}
    staff = {UUID(one) for part in booking.parts for one in part["staff"]} | {booking.staff_id}
    return limit.service_id in {None, *services} and limit.staff_id in {None, *staff}


async def _count(
    session: AsyncSession, catalog: Catalog, limit: BookingLimit, meant: list[Booking], now: datetime
) -> int:
    counted = set(
        await session.scalars(
            select(Allocation.booking_id).where(
                Allocation.business_id == catalog.business.id,
                Allocation.booking_id.in_([booking.id for booking in meant]),
                Allocation.calendar_no >= limit.calendar_no,
                Allocation.calendar_no < limit.calendar_no + limit.count,
            )
        )
    )
    beyond = 0
    taken: dict[int, list[Span]] = {}
    for booking in meant:
        if booking.id in counted:
            continue
        tz = catalog.location(booking.location_id).timezone
        day = local_day(tz, minute_of(booking.starts))
        period = _period(limit, tz, day, minute_of(booking.starts))
        if period is None:
            continue
        known = await load_taken(session, catalog.business.id, [(limit.calendar_no, limit.count, period)], Asker(now))
        times = Times(
            booked={
                number: merge((*known.times.booked.get(number, ()), *taken.get(number, ())))
                for number in {*known.times.booked, *taken}
            },
            held=known.times.held,
        )
        place = quota_place(quota_for(limit, tz, (day, day)), period, times)
        if place is None:
            beyond += 1
            continue
        number = limit.calendar_no + place
        taken.setdefault(number, []).append(period)
        made = await session.execute(
            insert(Allocation)
            .values(
                business_id=catalog.business.id,
                id=new_id(),
                booking_id=booking.id,
                calendar_no=number,
                during=_range(period),
            )
            # Somebody who books meanwhile may have the place; it is counted with them.
            .on_conflict_do_nothing()
            .returning(Allocation.id)
        )
        beyond += made.first() is None
    return beyond


def _period(limit: BookingLimit, tz: str, day: date, start: int) -> Span | None:
    quota = quota_for(limit, tz, (day, day))
    return next((whole for counted, whole in quota.periods if counted[0] <= start < counted[1]), None)


def _range(span: Span) -> Range[datetime]:
    return Range(moment_of(span[0]), moment_of(span[1]))
