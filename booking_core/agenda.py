"""What takes place at a location in a span of its days: read for whoever draws a calendar.

The number of queries is the same however many bookings, people and days there are. Nothing is decided
here: who is free is asked of `calendar`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.blocks import Meeting, Numbers, Taken, Visit, meeting_of, visit_of
from booking_core.catalog import Catalog
from booking_core.models import (
    Allocation,
    Booking,
    ClassSession,
    Customer,
    Location,
    Resource,
    Staff,
    TimeOff,
    Unit,
)
from booking_core.rules.lifecycle import TAKES_TIME, TENTATIVE
from booking_core.rules.schedule import days_between, planned_day
from booking_core.rules.spans import Span, merge
from booking_core.rules.wallclock import DAY, instant, minute_from, minute_of, moment_of

#: A visit that takes nobody's time is found by its start, so far back; one that does, by whom it takes.
_LOOK_BACK = timedelta(days=1)

# Visits that begin in the span, and whatever takes the time of somebody who works here: one index probe
# for each calendar, as in `calendar`.
_SEEN = text("""
SELECT b.id FROM booking b
WHERE b.business_id = :business AND b.starts >= :since AND b.starts < :last AND b.ends > :first
UNION
SELECT a.booking_id FROM unnest(CAST(:numbers AS bigint[])) AS n (no)
JOIN taken_time a ON int8range(a.calendar_no, a.calendar_no, '[]') = int8range(n.no, n.no, '[]')
                 AND a.during && tstzrange(:first, :last)
WHERE a.business_id = :business AND a.booking_id IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class Agenda:
    """A location's days from `first` to `last`, both included."""

    place: Location
    first: date
    last: date
    staff: Sequence[Staff]
    resources: Sequence[Resource]
    visits: Sequence[Visit]
    meetings: Sequence[Meeting]
    away: Sequence[TimeOff]
    #: Planned hours of each person, and of each resource that has hours; time off is not taken out.
    hours: Mapping[UUID, Sequence[Span]]


async def load_agenda(
    session: AsyncSession, catalog: Catalog, location_id: UUID, first: date, last: date, *, now: datetime
) -> Agenda:
    """Read everything from one local date to another, both included; holds that ran out are left out."""
    place = catalog.location(location_id)
    span = (moment_of(instant(place.timezone, first, 0)), moment_of(instant(place.timezone, last, DAY)))
    here = [one for one in catalog.staff if one.location_id == place.id]
    rooms = [one for one in catalog.resources if one.location_id == place.id]
    booked = await _load_bookings(session, catalog, place, span, [*_numbers_of(here, rooms)], now)
    sessions = await _load_sessions(session, catalog, place, span)
    everybody = [*here, *_guests(catalog, here, booked, sessions)]
    numbers = Numbers.of(everybody, rooms)
    taken = await _load_taken(session, catalog, [one.id for one, _ in booked], [one.id for one in sessions], numbers)
    visits = [visit_of(one, name, taken[one.id]) for one, name in booked]
    seated: dict[UUID, list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit.booking.session_id is not None:
            seated[visit.booking.session_id].append(visit)
    timed = [*(one.id for one in everybody), *(one.id for one in rooms if one.id in catalog.weekly)]
    return Agenda(
        place=place,
        first=first,
        last=last,
        staff=everybody,
        resources=rooms,
        visits=[visit for visit in visits if visit.booking.session_id is None],
        meetings=[meeting_of(one, taken[one.id], seated[one.id]) for one in sessions],
        away=await _load_away(session, catalog, everybody, rooms, span),
        hours={one: _hours(catalog, one, first, last) for one in timed},
    )


async def load_meeting(session: AsyncSession, catalog: Catalog, session_id: UUID, *, now: datetime) -> Meeting | None:
    """Return one class with who has seats in it; None for an unknown one."""
    held = await session.get(ClassSession, (catalog.business.id, session_id))
    if held is None:
        return None
    found = await session.execute(
        _bookings(catalog, now).where(Booking.session_id == held.id).order_by(Booking.created_at, Booking.id)
    )
    roster = tuple(visit_of(booking, name, Taken()) for booking, name in found)
    return meeting_of(held, Taken(), roster)


async def load_visit(session: AsyncSession, catalog: Catalog, booking: Booking) -> Visit:
    """Return one booking as it lies in everybody's time; of one that is cancelled nothing is taken."""
    staff = {UUID(one) for part in booking.parts for one in part["staff"]}
    rooms = {UUID(one["resource"]) for part in booking.parts for one in part["resources"]}
    numbers = Numbers.of(map(catalog.staff_member, staff), map(catalog.resource, rooms))
    return visit_of(booking, None, (await _load_taken(session, catalog, [booking.id], [], numbers))[booking.id])


async def _load_bookings(
    session: AsyncSession,
    catalog: Catalog,
    place: Location,
    span: tuple[datetime, datetime],
    numbers: Sequence[int],
    now: datetime,
) -> list[tuple[Booking, str | None]]:
    seen = _SEEN.bindparams(
        business=catalog.business.id,
        since=span[0] - _look_back(catalog),
        first=span[0],
        last=span[1],
        numbers=list(numbers),
    )
    found = await session.execute(
        _bookings(catalog, now)
        .where(Booking.id.in_(select(seen.columns(Booking.id).subquery().c.id)), Booking.location_id == place.id)
        .order_by(Booking.starts, Booking.id)
    )
    return [(booking, name) for booking, name in found]


def _bookings(catalog: Catalog, now: datetime) -> Select[Booking, str | None]:
    """Return the query for bookings that take somebody's time now, each with its customer's name."""
    return (
        select(Booking, Customer.name)
        .join(Customer, (Customer.business_id == Booking.business_id) & (Customer.id == Booking.customer_id))
        .where(
            Booking.business_id == catalog.business.id,
            Booking.state.in_([state.value for state in TAKES_TIME]),
            or_(Booking.state.not_in([state.value for state in TENTATIVE]), Booking.hold_expires_at > now),
        )
    )


def _look_back(catalog: Catalog) -> timedelta:
    """Return how long the longest rental is: one that needs neither people nor rooms is only found by its start."""
    days = [one.units_max for one in catalog.services if one.unit in {Unit.DAY, Unit.NIGHT}]
    return max([_LOOK_BACK, *(timedelta(days=one + 1) for one in days)])


def _numbers_of(staff: Iterable[Staff], resources: Iterable[Resource]) -> Iterable[int]:
    yield from (one.calendar_no for one in staff)
    yield from (one.calendar_no + unit for one in resources for unit in range(one.units))


async def _load_sessions(
    session: AsyncSession, catalog: Catalog, place: Location, span: tuple[datetime, datetime]
) -> list[ClassSession]:
    found = await session.scalars(
        select(ClassSession)
        .where(
            ClassSession.business_id == catalog.business.id,
            ClassSession.location_id == place.id,
            ClassSession.starts < span[1],
            ClassSession.ends > span[0],
            ClassSession.state == "open",
        )
        .order_by(ClassSession.starts, ClassSession.id)
    )
    return list(found)


def _guests(
    catalog: Catalog,
    here: Sequence[Staff],
    booked: Sequence[tuple[Booking, str | None]],
    sessions: Sequence[ClassSession],
) -> list[Staff]:
    """Return who has work here and is not of this house: they have moved on, or left."""
    ids = {UUID(one) for booking, _ in booked for part in booking.parts for one in part["staff"]}
    ids |= {one for booking, _ in booked if (one := booking.staff_id) is not None}
    ids |= {one.staff_id for one in sessions if one.staff_id is not None}
    found = [catalog.staff_member(one) for one in ids - {one.id for one in here}]
    return sorted(found, key=lambda one: (one.position, one.name))


async def _load_taken(
    session: AsyncSession,
    catalog: Catalog,
    booking_ids: Sequence[UUID],
    session_ids: Sequence[UUID],
    numbers: Numbers,
) -> Mapping[UUID, Taken]:
    of = Allocation
    rows = await session.execute(
        select(of.booking_id, of.session_id, of.calendar_no, of.during, of.proposed).where(
            of.business_id == catalog.business.id,
            or_(of.booking_id.in_(booking_ids), of.session_id.in_(session_ids)),
        )
    )
    taken: dict[UUID, Taken] = defaultdict(Taken)
    for booking_id, session_id, number, during, proposed in rows.tuples():
        owner = numbers.owner(number)
        whose = booking_id or session_id
        if owner is not None and whose is not None and during.lower is not None and during.upper is not None:
            mine = taken[whose]
            spans = mine.offered if proposed else mine.firm
            spans[owner].append((minute_of(during.lower), minute_from(during.upper)))
    return taken


async def _load_away(
    session: AsyncSession,
    catalog: Catalog,
    staff: Sequence[Staff],
    resources: Sequence[Resource],
    span: tuple[datetime, datetime],
) -> list[TimeOff]:
    found = await session.scalars(
        select(TimeOff)
        .where(
            TimeOff.business_id == catalog.business.id,
            or_(
                TimeOff.staff_id.in_([one.id for one in staff]), TimeOff.resource_id.in_([one.id for one in resources])
            ),
            TimeOff.starts < span[1],
            TimeOff.ends > span[0],
        )
        .order_by(TimeOff.starts, TimeOff.id)
    )
    return list(found)


def _hours(catalog: Catalog, whose: UUID, first: date, last: date) -> list[Span]:
    schedule = catalog.hours.schedule(whose)
    return merge(span for day in days_between(first, last) for span in planned_day(schedule, day))
