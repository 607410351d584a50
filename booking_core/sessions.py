"""The timetable's classes as rows: made as far ahead as can be booked, so that their time is really taken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.calendar import find_visits
from booking_core.catalog import Catalog, load_catalog
from booking_core.changing import Cancellation, cancel
from booking_core.classes import NewSession
from booking_core.commands import once
from booking_core.freed import freed
from booking_core.kit.ids import new_id
from booking_core.models import Allocation, Booking, ClassSession, ClassTime, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.lifecycle import TAKES_TIME
from booking_core.rules.plan import Placement
from booking_core.rules.policy import last_day
from booking_core.rules.schedule import days_between
from booking_core.rules.wallclock import instant, local_day, minute_of, moment_of
from booking_core.taken import Asker
from booking_core.taking import claim

# Businesses whose timetable nobody has prolonged today.
_DUE = text("""
SELECT DISTINCT c.business_id FROM class_time c
WHERE NOT EXISTS (SELECT 1 FROM done_command d WHERE d.business_id = c.business_id AND d.key = :key)
LIMIT :limit
""")


_MAY_BE_CANCELLED = (State.HELD, State.PENDING_APPROVAL, State.CONFIRMED, State.CHECKED_IN)


@dataclass(frozen=True, slots=True)
class Clash:
    """A class that could not be put into the calendar: its teacher or its room is taken."""

    business_id: UUID
    service_id: UUID
    location_id: UUID
    starts: datetime
    reason: Reason


async def materialise(session: AsyncSession, catalog: Catalog, *, now: datetime) -> list[Clash]:
    """Make the classes of the timetable up to the end of the booking window; return those that clash.

    What the timetable no longer says goes, unless somebody has a seat in it. Doing it again changes nothing.
    """
    clashes: list[Clash] = []
    known = await _known(session, catalog, now)
    planned = {(one.service_id, one.location_id, starts): one for one, starts in _planned(catalog, now)}
    # Empty classes of services without a timetable end by themselves; one that has just left it ends here.
    stale = [row for key, row in known.items() if key not in planned and row.state == "open"]
    await _drop_empty(session, catalog.business.id, stale)
    for key, one in sorted(planned.items(), key=lambda item: item[0][2]):
        if key in known and known[key].state != "ended":
            _keep_seats(known[key], one, catalog)
            continue
        clash = await _make(session, catalog, one, key[2], now)
        if clash is not None:
            clashes.append(clash)
    await session.flush()
    # New classes and more seats in old ones: whoever waits for one may have it.
    await freed(session, catalog.business.id)
    return clashes


async def prolong_due(session: AsyncSession, *, now: datetime, limit: int = 5) -> list[Clash]:
    """Prolong the timetables that have not been prolonged today; other workers take other businesses."""
    key = f"timetable:{now.date().isoformat()}"
    clashes: list[Clash] = []
    for business_id in await session.scalars(_DUE, {"key": key, "limit": limit}):
        if await once(session, business_id, key, "timetable", key, now=now):
            clashes += await materialise(session, await load_catalog(session, business_id), now=now)
    return clashes


async def cancel_class(
    session: AsyncSession, business_id: UUID, session_id: UUID, *, now: datetime, actor: str
) -> list[Cancellation]:
    """Cancel a class and every booking in it, as the business does it; again changes nothing."""
    # Bookings before their class, as everybody locks them who lets a seat go; then who has come meanwhile.
    await _lock_guests(session, business_id, session_id)
    one = await session.get(ClassSession, (business_id, session_id), with_for_update=True, populate_existing=True)
    if one is None:
        raise BookingRefused(Reason.UNKNOWN, session=str(session_id))
    if one.state == "cancelled":
        return []
    one.state = "cancelled"
    await session.flush()
    gone = [
        await cancel(session, business_id, seat, by="business", version=None, now=now, actor=actor)
        for seat in await _lock_guests(session, business_id, session_id)
    ]
    await session.execute(
        delete(Allocation).where(Allocation.business_id == business_id, Allocation.session_id == session_id)
    )
    await freed(session, business_id, starts=one.starts, ends=one.ends)
    await session.flush()
    return gone


async def _lock_guests(session: AsyncSession, business_id: UUID, session_id: UUID) -> list[UUID]:
    query = (
        select(Booking.id)
        .where(
            Booking.business_id == business_id,
            Booking.session_id == session_id,
            Booking.state.in_([state.value for state in _MAY_BE_CANCELLED]),
        )
        .order_by(Booking.id)
        .with_for_update()
    )
    return list(await session.scalars(query))


async def roster(session: AsyncSession, business_id: UUID, session_id: UUID) -> list[Booking]:
    """Return the bookings that have seats in a class, in the order in which they were made."""
    query = (
        select(Booking)
        .where(
            Booking.business_id == business_id,
            Booking.session_id == session_id,
            Booking.state.in_([state.value for state in TAKES_TIME]),
        )
        .order_by(Booking.created_at, Booking.id)
    )
    return list(await session.scalars(query))


def _planned(catalog: Catalog, now: datetime) -> Iterator[tuple[ClassTime, datetime]]:
    """Yield every class that lies ahead by the timetable."""
    places = {place.id for place in catalog.locations}
    for one in catalog.timetable:
        service = catalog.service(one.service_id)
        if not service.active or one.location_id not in places:
            continue
        tz = catalog.location(one.location_id).timezone
        today = local_day(tz, minute_of(now))
        window = catalog.policy.booking_window if service.booking_window is None else service.booking_window
        for day in days_between(today, last_day(today, window, catalog.policy.booking_window_days)):
            if day.weekday() == one.weekday and _runs(one, day) and not catalog.is_holiday(one.location_id, day):
                starts = moment_of(instant(tz, day, one.minute))
                if starts > now:
                    yield one, starts


def _runs(one: ClassTime, day: date) -> bool:
    return (one.first_day is None or one.first_day <= day) and (one.last_day is None or day <= one.last_day)


async def _known(
    session: AsyncSession, catalog: Catalog, now: datetime
) -> dict[tuple[UUID, UUID, datetime], ClassSession]:
    rows = await session.scalars(
        select(ClassSession).where(ClassSession.business_id == catalog.business.id, ClassSession.starts > now)
    )
    return {(row.service_id, row.location_id, row.starts): row for row in rows}


async def _drop_empty(session: AsyncSession, business_id: UUID, stale: Sequence[ClassSession]) -> None:
    """End the classes in which nobody has a seat; their teachers' and rooms' time is free."""
    for row in stale:
        # Whoever books a seat at this instant holds the row.
        await session.get(ClassSession, (business_id, row.id), with_for_update=True, populate_existing=True)
        if not await roster(session, business_id, row.id):
            row.state = "ended"
            await session.execute(
                delete(Allocation).where(Allocation.business_id == business_id, Allocation.session_id == row.id)
            )
    await session.flush()


def _keep_seats(row: ClassSession, one: ClassTime, catalog: Catalog) -> None:
    """Give a class as many seats as the timetable says now; who sits beyond them keeps their seat."""
    row.capacity = one.capacity or catalog.service(one.service_id).capacity


async def _make(
    session: AsyncSession, catalog: Catalog, one: ClassTime, starts: datetime, now: datetime
) -> Clash | None:
    wanted = VisitRequest((one.service_id,), one.staff_id, one.location_id)
    business_id = catalog.business.id
    try:
        places = await find_visits(session, catalog, wanted, minute_of(starts), Asker(now), override=True)
    except BookingRefused as refused:
        return Clash(business_id, one.service_id, one.location_id, starts, refused.reason)
    for place in places:
        opens = place.opens
        if opens is None or is_away(catalog, place.placement):
            continue
        async with session.begin_nested() as point:
            row = await _begin(session, business_id, opens, one.capacity or opens.capacity)
            if row is not None and await claim(session, business_id, place.placement, session_id=row):
                return None
            await point.rollback()
    return Clash(business_id, one.service_id, one.location_id, starts, Reason.STAFF_BUSY)


async def _begin(session: AsyncSession, business_id: UUID, opens: NewSession, capacity: int) -> UUID | None:
    """Write a class, or begin one anew that had ended; None if there is one already."""
    facts = {"staff_id": opens.staff_id, "ends": opens.ends, "capacity": capacity, "state": "open"}
    made = await session.execute(
        insert(ClassSession)
        .values(
            business_id=business_id,
            id=new_id(),
            service_id=opens.service_id,
            location_id=opens.location_id,
            starts=opens.starts,
            **facts,
        )
        .on_conflict_do_update(
            index_elements=["business_id", "service_id", "location_id", "starts"],
            set_=facts,
            where=ClassSession.state == "ended",
        )
        .returning(ClassSession.id)
    )
    return made.scalar_one_or_none()


def is_away(catalog: Catalog, placement: Placement) -> bool:
    """Whether somebody or something that a class needs has time off then; hours do not matter to a timetable."""
    return any(
        catalog.hours.is_away(whose, part.start, part.end)
        for part in placement.parts
        for whose in (*part.staff, *(unit.resource_id for unit in part.units))
    )
