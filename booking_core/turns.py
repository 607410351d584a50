"""Whose turn it is: what the house's way of giving out bookings must know of the past."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.models import Booking, Period, State
from booking_core.requests import VisitRequest
from booking_core.rules.assignment import Given, Share, Turns
from booking_core.rules.plan import Plan
from booking_core.rules.policy import Assignment
from booking_core.rules.quotas import period_of
from booking_core.rules.wallclock import instant, local_day, minute_of, moment_of

#: Of a customer's last visits so many tell who they usually come to.
_LAST_VISITS = 5


async def turns_for(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    plans: Sequence[Plan],
    *,
    customer_id: UUID | None,
    now: datetime,
    first: UUID | None = None,
) -> Turns:
    """Return in which order people are asked; where only one person comes into question nothing is read."""
    people = {one.person.id for plan in plans for part in plan.parts for role in part.roles for one in role}
    policy = catalog.policy
    wished = [first] if first is not None else []
    if len(people) < 2:
        return Turns(policy.assignment, wished)
    if policy.usual_person_first and customer_id is not None and wanted.staff_id is None:
        usual = await usual_person(session, catalog.business.id, customer_id)
        if usual is not None:
            wished.append(usual)
    if policy.assignment != Assignment.ROUND_ROBIN:
        return Turns(policy.assignment, wished)
    return Turns(
        policy.assignment,
        wished,
        given=await _given(session, catalog, list(people), now),
        shares={one: Share(catalog.staff_member(one).weight, catalog.staff_member(one).priority) for one in people},
        ahead_at_most=policy.ahead_at_most,
    )


async def usual_person(session: AsyncSession, business_id: UUID, customer_id: UUID) -> UUID | None:
    """Return whom a customer has mostly come to of late; of equals the latest."""
    rows = await session.scalars(
        select(Booking.staff_id)
        .where(
            Booking.business_id == business_id,
            Booking.customer_id == customer_id,
            Booking.state.in_([State.CONFIRMED.value, State.CHECKED_IN.value, State.COMPLETED.value]),
        )
        .order_by(Booking.starts.desc())
        .limit(_LAST_VISITS)
    )
    counted = Counter(one for one in rows if one is not None)
    return counted.most_common(1)[0][0] if counted else None


async def _given(session: AsyncSession, catalog: Catalog, people: list[UUID], now: datetime) -> dict[UUID, Given]:
    """Return what was given to each this month, on the business's wall calendar."""
    tz = catalog.business.timezone
    month, _ = period_of(Period.MONTH, local_day(tz, minute_of(now)))
    query = (
        select(Booking.staff_id, func.count(), func.max(Booking.created_at))
        .where(
            Booking.business_id == catalog.business.id,
            Booking.staff_id.in_(people),
            Booking.created_at >= moment_of(instant(tz, month, 0)),
            # Nothing is booked after it began: so the index by start is read from there only.
            Booking.starts >= moment_of(instant(tz, month, 0)),
            Booking.state.notin_([State.EXPIRED.value, State.DECLINED.value, State.CANCELLED_BY_BUSINESS.value]),
        )
        .group_by(Booking.staff_id)
    )
    rows = await session.execute(query)
    return {one: Given(count, last) for one, count, last in rows if one is not None}
